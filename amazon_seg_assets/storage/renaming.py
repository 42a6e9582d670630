"""Publishes by renaming folders, which is atomic on the file systems of a machine.

    <category>/<asset>/month=YYYY-MM/...              partitioned by month
    <category>/<asset>/...                            not partitioned
    <category>/.staging/<asset>-<process>/            writes that have not been published
        new/                                          what is written
        aside/<partition>, aside/whole                what is being replaced

A write goes to staging and is published one partition at a time. Readers never see half of a
partition. What a dead process left in staging is swept by the next write, though after days if that
is on another machine or if the machine has been restarted; and what it had moved aside without
replacing it is put back.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from amazon_seg_assets.locations import children
from amazon_seg_assets.storage.publishing import (
    STAGING,
    asset_of,
    is_abandoned,
    new_write,
    taken_for_abandoned,
)

_NEW, _ASIDE = "new", "aside"
_WHOLE = "whole"


@dataclass(frozen=True)
class Renaming:
    """Publishing in a local folder.

    Attributes:
        folder: of the category.
    """

    folder: Path

    def partitions(self, asset: str) -> set[str] | None:
        """Names of what there is of an artifact; None if it is not there at all."""
        folder = self.folder / asset
        return children(folder) if folder.is_dir() else None

    def paths(self, asset: str, partitions: Sequence[str | None]) -> list[Path]:
        """Folders of partitions."""
        return [self.folder / asset / (name or "") for name in partitions]

    @contextmanager
    def replacing(self, asset: str, partitions: Sequence[str] | None) -> Iterator[Path]:
        """Gives a folder in staging, and renames it when the block ends without error."""
        self.sweep()
        staging = self.folder / STAGING / new_write(asset)
        new = staging / _NEW
        (staging / _ASIDE).mkdir(parents=True)
        new.mkdir()
        try:
            yield new
            # Had it been swept, what was written since would be there, in folders made anew.
            if not (staging / _ASIDE).is_dir():
                raise taken_for_abandoned(staging.name, self.folder)
            self._publish(staging, asset, partitions)
        finally:
            self._discard(staging)

    def _publish(self, staging: Path, asset: str, partitions: Sequence[str] | None) -> None:
        target = self.folder / asset
        if partitions is None:
            _swap(staging / _NEW, target, staging / _ASIDE / _WHOLE)
            return
        target.mkdir(parents=True, exist_ok=True)
        for name in partitions:
            _swap(staging / _NEW / name, target / name, staging / _ASIDE / name)

    def sweep(self) -> None:
        """Removes what dead processes left in staging, after putting back what they moved aside."""
        for name in children(self.folder / STAGING):
            staging = self.folder / STAGING / name
            with suppress(FileNotFoundError):  # another process sweeps too, or the write has ended
                if is_abandoned(name, partial(_started, staging)):
                    # Taken at once: a writer that lives after all cannot publish half of it.
                    self._discard(staging.rename(staging.with_name(new_write(asset_of(name)))))

    def _discard(self, staging: Path) -> None:
        """Ends a write: puts back what it moved aside without replacing it, removes the rest."""
        for aside in (staging / _ASIDE).glob("*"):
            home, new = self.folder / asset_of(staging.name), staging / _NEW
            if aside.name != _WHOLE:
                home, new = home / aside.name, new / aside.name
            # Once the new one is gone it has been in its place, whatever is there now.
            if new.exists() and not home.exists():
                home.parent.mkdir(parents=True, exist_ok=True)
                aside.rename(home)
        for folder in (_NEW, _ASIDE):
            shutil.rmtree(staging / folder, ignore_errors=True)
        with suppress(OSError):  # whatever else is in it may be the only copy of something
            staging.rmdir()


def _started(staging: Path) -> float:
    return staging.stat().st_mtime


def _swap(new: Path, target: Path, aside: Path) -> None:
    if not new.exists():
        raise FileNotFoundError(f"{new} has not been written")
    if target.exists():
        target.rename(aside)
    new.rename(target)
    if aside.exists():
        aside.rename(new)  # where it is removed, and never put back, not even half
