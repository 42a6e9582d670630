"""Publishes by renaming folders, which is atomic on the file systems of a machine.

    <category>/<asset>/month=YYYY-MM/...              partitioned by month
    <category>/<asset>/...                            not partitioned
    <category>/.staging/<asset>-<writer>/             writes that have not been published

A write goes to staging and is published one partition at a time. Readers never see half of a
partition. What a dead process left in staging is swept by the next write, and a partition that it
had moved aside without replacing it is put back.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from amazon_seg_assets.locations import children
from amazon_seg_assets.storage.publishing import STAGING, is_abandoned, new_writer
from amazon_seg_assets.tables.model import MONTH

_NEW, _OLD = "new", "old"


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
        staging = self.folder / STAGING / f"{asset}-{new_writer()}"
        new = staging / _NEW
        new.mkdir(parents=True)
        try:
            yield new
            self._publish(staging, asset, partitions)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _publish(self, staging: Path, asset: str, partitions: Sequence[str] | None) -> None:
        target = self.folder / asset
        if partitions is None:
            _swap(staging / _NEW, target, staging / _OLD / asset)
            return
        target.mkdir(parents=True, exist_ok=True)
        for name in partitions:
            _swap(staging / _NEW / name, target / name, staging / _OLD / asset / name)

    def sweep(self) -> None:
        """Removes what dead processes left in staging, after putting back what they moved aside."""
        for staging in (self.folder / STAGING).glob("*"):
            if not is_abandoned(staging.name, partial(_started, staging)):
                continue
            for asset in (staging / _OLD).glob("*"):
                for aside in list(asset.glob(f"{MONTH}=*")) or [asset]:
                    home = self.folder / aside.relative_to(staging / _OLD)
                    if not home.exists():
                        home.parent.mkdir(parents=True, exist_ok=True)
                        aside.rename(home)
            shutil.rmtree(staging, ignore_errors=True)


def _started(staging: Path) -> float:
    return staging.stat().st_mtime


def _swap(new: Path, target: Path, aside: Path) -> None:
    if target.exists():
        aside.parent.mkdir(parents=True, exist_ok=True)
        target.rename(aside)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        new.rename(target)
    except BaseException:
        if aside.exists() and not target.exists():
            aside.rename(target)
        raise
