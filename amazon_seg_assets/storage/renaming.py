"""Publishes by exchanging folders in one step, or else by two renames, each atomic.

    <category>/<asset>/month=YYYY-MM/...              partitioned by month
    <category>/<asset>/...                            not partitioned
    <category>/.staging/<asset>-<process>/            writes that have not been published
        new/                                          the new files
        aside/<partition>, aside/whole                the files being replaced, between two renames

Partitions are published one by one. Between two renames, which are needed where a system or file
system cannot exchange, there is a moment without the partition. The next write removes what a dead
process left in staging, though after days if that is on another machine or if the machine has been
restarted; and it puts back what was moved aside without being replaced.
"""

import errno
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.processes import new_name, subject_of
from amazon_seg_assets.storage.exchange import exchange
from amazon_seg_assets.storage.locations import children
from amazon_seg_assets.storage.publishing import WHOLE, Publishing

_NEW, _ASIDE = "new", "aside"

# For who has opened a folder that is replaced, but not listed it yet: else some of its files could
# be gone from the list, and the rest be taken for all. Only what replaces something costs it.
_A_MOMENT_SECONDS = 0.01


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
        staging, target = self._staging(write), self.folder / subject_of(write)
        new, aside = staging / _NEW, staging / _ASIDE
        with _explaining_links(target):
            if partitions is None:
                replaced = [_swap(new, target, aside / WHOLE)]
            else:
                target.mkdir(parents=True, exist_ok=True)
                replaced = [_swap(new / name, target / name, aside / name) for name in partitions]
        if any(replaced):
            time.sleep(_A_MOMENT_SECONDS)

    def _end(self, write: str) -> None:
        staging = self._staging(write)
        for aside in (staging / _ASIDE).glob("*"):
            name = "" if aside.name == WHOLE else aside.name
            home = self.folder / subject_of(write) / name
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
        taken = new_name(subject_of(write))
        self._staging(write).rename(self._staging(taken))
        self._end(taken)


def _swap(new: Path, target: Path, aside: Path) -> bool:
    """Puts a folder in its place, and what it replaces where it is removed; True if it did."""
    if not new.exists():
        raise FileNotFoundError(f"{new} has not been written")
    if not target.exists() and _is_put(new, target):
        return False
    if not exchange(new, target):
        target.rename(aside)
        new.rename(target)
        aside.rename(new)  # where it is removed, and never put back, not even half
    return True


def _is_put(new: Path, target: Path) -> bool:
    """Puts a folder where none was; False if another writer has been there first."""
    try:
        new.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


@contextmanager
def _explaining_links(target: Path) -> Iterator[None]:
    """Tells in words that the folder of an artifact has been put on another disk by a link."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        raise InputError(
            f"{target} leads to another disk, where nothing can be replaced in one step: only the "
            "whole storage may be there; name its folder in AMAZON_SEG_STORAGE or --storage."
        ) from error
