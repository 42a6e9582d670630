"""What it takes to publish a new version of an artifact, and who is at it."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from amazon_seg_assets.locations import Location

STAGING = ".staging"
_ABANDONED_AFTER_SECONDS = 7 * 24 * 3600
_PROCESS = uuid.uuid4().hex[:8]


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
        """Gives a folder to write to, and publishes it when the block ends without error."""

    def sweep(self) -> None:
        """Removes what dead processes left."""


def new_writer() -> str:
    """A name for one write, which tells by which process of which machine; unique."""
    return f"{socket.gethostname()}-{os.getpid()}-{_PROCESS}-{uuid.uuid4().hex[:8]}"


def is_abandoned(writer: str, started: Callable[[], float]) -> bool:
    """Whether the process of a write is gone.

    Args:
        writer: the name of the write.
        started: gives the time in seconds since 1970; all there is to tell by where the process
            was another machine's.
    """
    host, pid, process, _ = writer.rsplit("-", 3)
    if process == _PROCESS:
        return False
    if not host.endswith(socket.gethostname()):
        return time.time() - started() > _ABANDONED_AFTER_SECONDS
    if int(pid) == os.getpid():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
