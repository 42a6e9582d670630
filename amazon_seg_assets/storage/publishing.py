"""What it takes to publish a new version of an artifact, and who is at it."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import psutil

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.locations import Location, url_of

STAGING = ".staging"
_ABANDONED_AFTER_SECONDS = 7 * 24 * 3600
_PROCESS = uuid.uuid4().hex[:8]
_WRITE = re.compile(r"[^-]+-(.+)-(\d+)-([0-9a-f]+)-[0-9a-f]+")  # hosts may have hyphens


class Publishing(Protocol):
    """How the artifacts of one category are replaced, on one kind of storage.

    Partitions are given by the name of their folder; None stands for an artifact without any.
    """

    def partitions(self, asset: str) -> set[str] | None:
        """Names of what there is of an artifact; None if it is not there at all."""

    def paths(self, asset: str, partitions: Sequence[str | None]) -> Sequence[Location]:
        """Folders of partitions, those of None together hold the whole artifact.

        Where they would be, if they are not there.
        """

    def replacing(
        self, asset: str, partitions: Sequence[str] | None
    ) -> AbstractContextManager[Location]:
        """Gives a folder to write to, and publishes it when the block ends without error.

        Raises:
            InputError: another process took the write for abandoned, and removed files of it.
        """

    def sweep(self) -> None:
        """Removes what dead processes left."""


def new_write(asset: str) -> str:
    """A name for one write, which tells by which process of which machine; unique."""
    return f"{asset}-{_machine()}-{os.getpid()}-{_PROCESS}-{uuid.uuid4().hex[:8]}"


def asset_of(write: str) -> str:
    """The artifact that is written."""
    return write.partition("-")[0]


def is_abandoned(write: str, started: Callable[[], float]) -> bool:
    """Whether the process of a write is gone; False for a name that is no write's.

    Args:
        write: its name.
        started: gives the time in seconds since 1970; all there is to tell by where the process
            was another machine's.
    """
    parts = _WRITE.fullmatch(write)
    if parts is None:
        return False
    machine, pid, process = parts.groups()
    if process == _PROCESS:
        return False
    if machine != _machine():
        return time.time() - started() > _ABANDONED_AFTER_SECONDS
    if int(pid) == os.getpid():
        return True
    return not psutil.pid_exists(int(pid))


def taken_for_abandoned(write: str, folder: Location) -> InputError:
    """The error of a write that ends after another process has swept it.

    Args:
        write: its name.
        folder: of the category.
    """
    return InputError(
        f"The write of {asset_of(write)} to {url_of(folder)} was taken for abandoned by another "
        "process, which removed files of it, so nothing was replaced: run it again."
    )


def _machine() -> str:
    """Names the scope in which numbers of processes are unique.

    Containers and machines may share the name of a host, so on Linux the start of the kernel and
    the namespace of the numbers count too.
    """
    host = socket.gethostname()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:  # not Linux
        return host
    return f"{host}.{hashlib.sha256(f'{boot}{namespace}'.encode()).hexdigest()[:8]}"
