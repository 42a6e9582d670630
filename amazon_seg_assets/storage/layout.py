"""Where every artifact lies: by category, asset and month, below a folder or a URL.

How a new version takes the old one's place depends on the storage. On this machine, and on what is
mounted there, it is renamed (`renaming`), and an artifact lies in ``<category>/<asset>/``. What is
reached by URL has no atomic renames: there the current version is named (`versions`), and an
artifact lies in ``<category>/<asset>/version=<version>/``. Either way, months are folders
``month=YYYY-MM`` in it, and readers never see half of a partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.locations import (
    Location,
    explaining_access,
    is_local,
    uploading,
    url_of,
)
from amazon_seg_assets.storage.publishing import Publishing
from amazon_seg_assets.storage.renaming import Renaming
from amazon_seg_assets.storage.versions import Versions
from amazon_seg_assets.tables.model import MONTH


def month_folder(month: str) -> str:
    """Name of the folder of one month."""
    return f"{MONTH}={month}"


@dataclass(frozen=True)
class Store:
    """The storage of one category.

    Attributes:
        root: the storage folder, on this machine or by URL.
        category: one of its categories.
    """

    root: Location
    category: str

    @property
    def folder(self) -> Location:
        """Where all artifacts of the category lie."""
        return self.root / self.category

    def base(self, asset: str) -> Location:
        """Folder below which all of an artifact lies, whatever its version."""
        return self.folder / asset

    def path(self, asset: str, month: str | None = None) -> Location:
        """Folder of an artifact that is replaced whole, or of one month of any."""
        return self.paths(asset, None if month is None else [month])[0]

    def paths(self, asset: str, months: Iterable[str] | None = None) -> list[Location]:
        """Folders of some months of an artifact, or all that together hold it."""
        names = [None] if months is None else [month_folder(month) for month in months]
        with explaining_access(self.root, "read"):
            return list(self._publishing.paths(asset, names))

    def months(self, asset: str) -> list[str]:
        """Months that the artifact has, in order."""
        return sorted(self._months(asset) or ())

    def require(self, asset: str, months: Iterable[str] | None = None) -> None:
        """Checks that an artifact is there.

        Raises:
            InputError: it is not, or months of it are missing; names them.
        """
        found = self._months(asset)
        if found is None:
            raise InputError(
                f"{asset} of {self.category} is not in {url_of(self.root)}: materialize it first."
            )
        missing = sorted(set(months or ()) - found)
        if missing:
            named = missing[0] if len(missing) == 1 else f"{missing[0]} … {missing[-1]}"
            raise InputError(
                f"{asset} of {self.category} has no {named} in {url_of(self.root)} "
                f"({len(missing)} missing): materialize what is missing first."
            )

    @contextmanager
    def replacing(self, asset: str, months: Iterable[str] | None = None) -> Iterator[Path]:
        """Gives a fresh folder of this machine, and publishes it when the block ends without error.

        Args:
            asset: the artifact written.
            months: the partitions that the block writes, as folders of this name; each must be
                there in the end. None replaces the whole artifact.

        Raises:
            InputError: the storage cannot be written to, or another process took the write for
                abandoned and removed files of it.
        """
        with self.replacing_in_place(asset, months) as folder, uploading(folder) as local:
            yield local

    @contextmanager
    def replacing_in_place(
        self, asset: str, months: Iterable[str] | None = None
    ) -> Iterator[Location]:
        """As `replacing`, but gives a folder of the storage, for writers on several machines.

        On storage that is reached by URL it does not exist before something is in it.
        """
        names = None if months is None else [month_folder(month) for month in months]
        with ExitStack() as stack:
            with explaining_access(self.root, "written to"):
                folder = stack.enter_context(self._publishing.replacing(asset, names))
            yield folder

    def sweep(self) -> None:
        """Removes what dead processes left."""
        self._publishing.sweep()

    def _months(self, asset: str) -> set[str] | None:
        """Months of an artifact; None if it is not there at all."""
        with explaining_access(self.root, "read"):
            names = self._publishing.partitions(asset)
        prefix = month_folder("")
        if names is None:
            return None
        return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}

    @cached_property
    def _publishing(self) -> Publishing:
        folder = self.folder
        return Renaming(folder) if is_local(folder) else Versions(folder)
