"""Runs a command, and watches the memory and the processor time of its whole process tree."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from amazon_seg_assets.spark.progress import resident_bytes

_INTERVAL_SECONDS = 0.25


class CommandError(Exception):
    """A command that is measured ended with an error."""


@dataclass(frozen=True)
class Measured:
    """The cost of a command.

    Attributes:
        seconds: from start to end.
        cpu_seconds: of all its processes, in user and system mode.
        peak_bytes: the largest sum over its processes at one time of what they held in memory;
            pages that several share count in each.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass
class _Watch:
    """Samples a process tree until it is told to stop."""

    root: psutil.Process
    peak_bytes: int = 0
    cpu_seconds: dict[tuple[int, float], float] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stopped.wait(_INTERVAL_SECONDS):
            self.sample()

    def sample(self) -> None:
        try:
            processes = [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            with suppress(psutil.Error):  # it has just ended
                times = process.cpu_times()
                self.cpu_seconds[process.pid, process.create_time()] = times.user + times.system
        self.peak_bytes = max(self.peak_bytes, resident_bytes(processes))


def measure(
    command: Sequence[str | Path],
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Measured:
    """Runs a command to its end.

    Args:
        command: program and arguments.
        log: file that gets all that it prints.
        environment: variables in addition to those of this process.

    Raises:
        CommandError: it ended with an error; shows the end of what it printed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            env=os.environ | dict(environment or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        watch = _Watch(psutil.Process(process.pid))
        thread = threading.Thread(target=watch.run, daemon=True)
        thread.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            watch.stopped.set()
            thread.join()
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise CommandError(f"{command[0]} … ended with {process.returncode}:\n{tail}")
    # Either may miss a little: samples what came after the last one, the system what was not
    # waited for.
    cpu = max(sum(watch.cpu_seconds.values()), usage.ru_utime + usage.ru_stime)
    # Not the system's ru_maxrss, in which Linux counts this process as it was before the exec.
    return Measured(seconds, cpu, watch.peak_bytes)
