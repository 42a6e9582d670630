"""The protocol for replacing an artifact."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from upath import UPath

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.processes import is_abandoned, new_name
from amazon_seg_assets.storage.locations import Location, children, modified, url_of

STAGING = ".staging"
WHOLE = "whole"  # in place of the name of a partition, where an artifact has none

Place = TypeVar("Place", Path, UPath)


@dataclass(frozen=True)
class Publishing(ABC, Generic[Place]):
    """Replaces artifacts below the folder of a category, each partition whole or not at all.

    Partitions are given by the names of their folders; None stands for the whole artifact.
    """

    folder: Place

    @contextmanager
    def replacing(self, asset: str, partitions: Sequence[str] | None) -> Iterator[Location]:
        """Gives a folder to write to, and publishes it when the block ends without error.

        Raises:
            InputError: another process took the write for abandoned, and removed files of it.
        """
        self.remove_abandoned()
        write = new_name(asset)
        folder = self._begin(write)
        try:
            yield folder
            if not self._is_open(write):
                raise InputError(
                    f"The write of {asset} to {url_of(self.folder)} was taken for abandoned by "
                    "another process, which removed files of it, so nothing was replaced: "
                    "run it again."
                )
            self._publish(write, partitions)
        finally:
            self._end(write)

    def remove_abandoned(self) -> None:
        """Removes what dead processes left."""
        for write in children(self.folder / STAGING):
            with suppress(FileNotFoundError):  # it has ended, or another process removes it
                if is_abandoned(write, partial(modified, self._staging(write))):
                    self._remove(write)

    def _staging(self, write: str) -> Place:
        return self.folder / STAGING / write

    @abstractmethod
    def _begin(self, write: str) -> Place:
        """Announces a write in staging; returns the folder that it writes to."""

    @abstractmethod
    def _is_open(self, write: str) -> bool:
        """Tells whether a write is still announced."""

    @abstractmethod
    def _publish(self, write: str, partitions: Sequence[str] | None) -> None:
        """Puts what was written in the place of what there was."""

    @abstractmethod
    def _end(self, write: str) -> None:
        """Removes a write of this process from staging, with its files that do not count."""

    @abstractmethod
    def _remove(self, write: str) -> None:
        """Removes the write of a dead process likewise."""
