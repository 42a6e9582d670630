"""Publishes by renaming folders, which is atomic on the file systems of a machine.

    <category>/<asset>/month=YYYY-MM/...              partitioned by month
    <category>/<asset>/...                            not partitioned
    <category>/.staging/<asset>-<process>/            writes that have not been published
        new/                                          the new files
        aside/<partition>, aside/whole                the files being replaced

Partitions are published one by one. The next write removes what a dead process left in staging,
though after days if that is on another machine or if the machine has been restarted; and it puts
back what was moved aside without being replaced.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from amazon_seg_assets.storage.locations import children
from amazon_seg_assets.storage.publishing import WHOLE, Publishing, asset_of, new_write

_NEW, _ASIDE = "new", "aside"


class Renaming(Publishing[Path]):
    """Publishing in a local folder."""

    def partitions(self, asset: str) -> set[str] | None:
        """Names of what there is of an artifact; None if it is not there at all."""
        folder = self.folder / asset
        return children(folder) if folder.is_dir() else None

    def paths(self, asset: str, partitions: Sequence[str] | None) -> list[Path]:
        """Folders that partitions have or would have, or the one of the artifact."""
        return [self.folder / asset / name for name in ([""] if partitions is None else partitions)]

    def _begin(self, write: str) -> Path:
        staging = self._staging(write)
        (staging / _ASIDE).mkdir(parents=True)
        (staging / _NEW).mkdir()
        return staging / _NEW

    def _is_open(self, write: str) -> bool:
        # The folder of new files may be there even so: writers make it anew.
        return (self._staging(write) / _ASIDE).is_dir()

    def _publish(self, write: str, partitions: Sequence[str] | None) -> None:
        staging, target = self._staging(write), self.folder / asset_of(write)
        if partitions is None:
            _swap(staging / _NEW, target, staging / _ASIDE / WHOLE)
            return
        target.mkdir(parents=True, exist_ok=True)
        for name in partitions:
            _swap(staging / _NEW / name, target / name, staging / _ASIDE / name)

    def _end(self, write: str) -> None:
        staging = self._staging(write)
        for aside in (staging / _ASIDE).glob("*"):
            name = "" if aside.name == WHOLE else aside.name
            home = self.folder / asset_of(write) / name
            # Once the new one is gone it has been in its place, whatever is there now.
            if (staging / _NEW / name).exists() and not home.exists():
                home.parent.mkdir(parents=True, exist_ok=True)
                aside.rename(home)
        for folder in (_NEW, _ASIDE):
            shutil.rmtree(staging / folder, ignore_errors=True)
        with suppress(OSError):  # anything else in it may be the only copy of something
            staging.rmdir()

    def _remove(self, write: str) -> None:
        # Taken at once: a writer that lives after all cannot publish half of it.
        taken = new_write(asset_of(write))
        self._staging(write).rename(self._staging(taken))
        self._end(taken)


def _swap(new: Path, target: Path, aside: Path) -> None:
    if not new.exists():
        raise FileNotFoundError(f"{new} has not been written")
    if target.exists():
        target.rename(aside)
    new.rename(target)
    if aside.exists():
        aside.rename(new)  # where it is removed, and never put back, not even half
