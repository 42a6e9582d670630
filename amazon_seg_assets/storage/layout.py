"""Where every artifact lies, and how a new version of it takes the old one's place.

    <storage>/<category>/<asset>/month=YYYY-MM/...    partitioned by month
    <storage>/<category>/<asset>/...                  not partitioned
    <storage>/<category>/.staging/<asset>-<owner>/    writes that have not been published

A write goes to staging and is published by renaming, one partition at a time. Readers never see
half of a partition. What a dead process left in staging is swept by the next write, and a
partition that it had moved aside without replacing it is put back.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.tables.model import MONTH

_STAGING = ".staging"
_NEW, _OLD = "new", "old"
_ABANDONED_AFTER_SECONDS = 7 * 24 * 3600
_PROCESS = uuid.uuid4().hex[:8]


def month_folder(month: str) -> str:
    """Name of the folder of one month."""
    return f"{MONTH}={month}"


@dataclass(frozen=True)
class Store:
    """The storage of one category.

    Attributes:
        root: the storage folder.
        category: one of its categories.
    """

    root: Path
    category: str

    @property
    def folder(self) -> Path:
        """Where all artifacts of the category lie."""
        return self.root / self.category

    def path(self, asset: str, month: str | None = None) -> Path:
        """Folder of an artifact, or of one month of it."""
        folder = self.folder / asset
        return folder if month is None else folder / month_folder(month)

    def months(self, asset: str) -> list[str]:
        """Months that the artifact has, in order."""
        prefix = month_folder("")
        found = self.path(asset).glob(f"{prefix}*")
        return sorted(path.name.removeprefix(prefix) for path in found if path.is_dir())

    def require(self, asset: str, months: Iterable[str] | None = None) -> None:
        """Checks that an artifact is there.

        Raises:
            InputError: it is not, or months of it are missing; names them.
        """
        if not self.path(asset).is_dir():
            raise InputError(
                f"{asset} of {self.category} is not in {self.root}: materialize it first."
            )
        missing = sorted(set(months or ()) - set(self.months(asset)))
        if missing:
            named = missing[0] if len(missing) == 1 else f"{missing[0]} … {missing[-1]}"
            raise InputError(
                f"{asset} of {self.category} has no {named} in {self.root} "
                f"({len(missing)} missing): materialize what is missing first."
            )

    @contextmanager
    def replacing(self, asset: str, months: Iterable[str] | None = None) -> Iterator[Path]:
        """Gives a fresh folder to write to, and publishes it when the block ends without error.

        Args:
            asset: the artifact written.
            months: the partitions that the block writes, as folders of this name; each must be
                there in the end. None replaces the whole artifact.
        """
        self.sweep()
        owner = f"{socket.gethostname()}-{os.getpid()}-{_PROCESS}-{uuid.uuid4().hex[:8]}"
        staging = self.folder / _STAGING / f"{asset}-{owner}"
        new = staging / _NEW
        try:
            new.mkdir(parents=True)
        except OSError as error:
            raise InputError(
                f"The storage {self.root} cannot be written to ({error.strerror}): "
                "choose another folder with --storage or AMAZON_SEG_STORAGE."
            ) from error
        try:
            yield new
            self._publish(staging, asset, months)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _publish(self, staging: Path, asset: str, months: Iterable[str] | None) -> None:
        target = self.path(asset)
        if months is None:
            _swap(staging / _NEW, target, staging / _OLD / asset)
            return
        target.mkdir(parents=True, exist_ok=True)
        for name in map(month_folder, months):
            _swap(staging / _NEW / name, target / name, staging / _OLD / asset / name)

    def sweep(self) -> None:
        """Removes what dead processes left in staging, after putting back what they moved aside."""
        for staging in (self.folder / _STAGING).glob("*"):
            if not _abandoned(staging):
                continue
            for asset in (staging / _OLD).glob("*"):
                for aside in list(asset.glob(f"{MONTH}=*")) or [asset]:
                    home = self.folder / aside.relative_to(staging / _OLD)
                    if not home.exists():
                        home.parent.mkdir(parents=True, exist_ok=True)
                        aside.rename(home)
            shutil.rmtree(staging, ignore_errors=True)


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


def _abandoned(staging: Path) -> bool:
    """Whether the process that owns a staging folder is gone."""
    host, pid, process, _ = staging.name.rsplit("-", 3)
    if process == _PROCESS:
        return False
    if not host.endswith(socket.gethostname()):
        return time.time() - staging.stat().st_mtime > _ABANDONED_AFTER_SECONDS
    if int(pid) == os.getpid():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
