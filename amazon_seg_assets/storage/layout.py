"""Places of all artifacts: by category, asset and month, below a folder or a URL.

A storage on this machine, or mounted there, publishes a new version by renaming it (`renaming`);
one that is reached by URL has no atomic renames, and names the current version (`versions`).
Either way, months are folders ``month=YYYY-MM``, and readers never see half of a partition.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.schema import MONTH
from amazon_seg_assets.storage.contents import keep_all_contents
from amazon_seg_assets.storage.locations import (
    Location,
    explaining_access,
    is_local,
    uploading,
    url_of,
)
from amazon_seg_assets.storage.renaming import Renaming
from amazon_seg_assets.storage.versions import Versions


def month_folder(month: str) -> str:
    """Name of the folder of one month."""
    return f"{MONTH}={month}"


@dataclass(frozen=True)
class Store:
    """The storage of one category, below the folder or URL ``root``."""

    root: Location
    category: str

    @property
    def folder(self) -> Location:
        """Folder of all artifacts of the category."""
        return self.root / self.category

    def base(self, asset: str) -> Location:
        """Folder below which all of an artifact lies, in all its versions."""
        return self.folder / asset

    def path(self, asset: str, month: str | None = None) -> Location:
        """Folder of an artifact that is replaced whole, or of one month of any."""
        return self.paths(asset, None if month is None else [month])[0]

    def paths(self, asset: str, months: Iterable[str] | None = None) -> list[Location]:
        """Folders of some months of an artifact, or all that together hold it."""
        with explaining_access(self.root, "read"):
            return [*self._publishing.paths(asset, _folders(months))]

    def months(self, asset: str) -> list[str]:
        """Months that the artifact has, in order."""
        return sorted(self._months(asset) or ())

    def has(self, asset: str) -> bool:
        """True if an artifact is there, or any month of it."""
        return self._months(asset) is not None

    def require(self, asset: str, months: Iterable[str] | None = None) -> None:
        """Checks that an artifact is there.

        Raises:
            InputError: it is not, or months of it are missing; names them.
        """
        found, place, what = self._months(asset), url_of(self.root), f"{asset} of {self.category}"
        if found is None:
            raise InputError(f"{what} is not in {place}: materialize it first.")
        if missing := sorted(set(months or ()) - found):
            named = missing[0] if len(missing) == 1 else f"{missing[0]} … {missing[-1]}"
            raise InputError(
                f"{what} has no {named} in {place} ({len(missing)} missing): "
                "materialize what is missing first."
            )

    @contextmanager
    def replacing(self, asset: str, months: Iterable[str] | None = None) -> Iterator[Path]:
        """Gives a fresh folder of this machine, and publishes it when the block ends without error.

        The block writes the folders of ``months``; None replaces the whole artifact.

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
        """Gives a folder of the storage, for writers on several machines; else as `replacing`.

        On storage that is reached by URL it does not exist before something is in it. What was
        written is kept beside each partition, for `damage` to compare.
        """
        names = _folders(months)
        publishing = self._publishing.replacing(asset, names)
        with ExitStack() as stack:
            with explaining_access(self.root, "written to"):
                folder = stack.enter_context(publishing)
            yield folder
            keep_all_contents(folder, [""] if names is None else names)

    def remove_abandoned(self) -> None:
        """Removes what dead processes left."""
        self._publishing.remove_abandoned()

    def _months(self, asset: str) -> set[str] | None:
        """Months of an artifact; None if it is not there at all."""
        with explaining_access(self.root, "read"):
            names = self._publishing.partitions(asset)
        if names is None:
            return None
        prefix = month_folder("")
        return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}

    @cached_property
    def _publishing(self) -> Renaming | Versions:
        return Renaming(self.folder) if is_local(self.folder) else Versions(self.folder)


def _folders(months: Iterable[str] | None) -> list[str] | None:
    return None if months is None else [month_folder(month) for month in months]
