"""The protocol for replacing an artifact, and detection of abandoned writes."""

import hashlib
import os
import re
import socket
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import psutil
from upath import UPath

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.storage.locations import Location, children, modified, url_of

STAGING = ".staging"
WHOLE = "whole"  # in place of the name of a partition, where an artifact has none

_ABANDONED_AFTER_SECONDS = 7 * 24 * 3600
_PROCESS = uuid.uuid4().hex[:8]
_WRITE = re.compile(r"[^-]+-(.+)-(\d+)-([0-9a-f]+)-[0-9a-f]+")  # hosts may have hyphens

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
        write = new_write(asset)
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


def new_write(asset: str) -> str:
    """A unique name for one write, which holds the artifact, the machine and the process."""
    return f"{asset}-{_machine()}-{os.getpid()}-{_PROCESS}-{uuid.uuid4().hex[:8]}"


def asset_of(write: str) -> str:
    """The artifact that is written."""
    return write.partition("-")[0]


def is_abandoned(write: str, started: Callable[[], float]) -> bool:
    """Tells whether the process of a write is gone; False for a name that is no write's.

    On another machine the age decides: ``started`` gives the beginning, in seconds since 1970.
    """
    parts = _WRITE.fullmatch(write)
    if parts is None:
        return False
    machine, pid, process = parts.groups()
    if process == _PROCESS:
        return False
    if machine != _machine():
        return time.time() - started() > _ABANDONED_AFTER_SECONDS
    return int(pid) == os.getpid() or not psutil.pid_exists(int(pid))


def _machine() -> str:
    """Names the scope in which numbers of processes are unique."""
    host = socket.gethostname()
    try:  # containers and machines may share the name of a host
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:  # not Linux
        return host
    return f"{host}.{hashlib.sha256(f'{boot}{namespace}'.encode()).hexdigest()[:8]}"
