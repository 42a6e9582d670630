"""Watches a step from a thread beside it: how far Spark is, how long it takes, how much memory.

Nothing of it may fail the step or slow it down: a look each second costs milliseconds, and Spark
is not asked before a step has lasted some seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

import psutil

LOOK_EVERY_SECONDS = 1.0
SAY_EVERY_SECONDS = 5.0
_FORKED_SECONDS = 0.5

Say = Callable[[str], None]


@dataclass
class Cost:
    """What a step took, complete when it has ended.

    Attributes:
        seconds: of wall time.
        peak_memory_bytes: most memory seen in use by this process and its children, Spark's local
            driver among them; of executors elsewhere nothing is known. Pages that processes share
            count in each.
    """

    seconds: float = 0.0
    peak_memory_bytes: int = 0


@contextmanager
def watching(
    say: Say, look_every: float = LOOK_EVERY_SECONDS, say_every: float = SAY_EVERY_SECONDS
) -> Iterator[Cost]:
    """Measures a block, and says in words how far Spark is while it lasts.

    Args:
        say: is told the progress, from another thread.
        look_every: seconds between looks at the memory.
        say_every: seconds between messages, and before the first.
    """
    cost, ended, started = Cost(), Event(), time.monotonic()

    def look() -> None:
        cost.peak_memory_bytes = max(cost.peak_memory_bytes, tree_memory_bytes())

    def watch() -> None:
        next_saying, is_first = say_every, True
        while not ended.wait(look_every):
            look()
            seconds = time.monotonic() - started
            if seconds >= next_saying:
                next_saying = seconds + say_every
                # Spark may be starting or stopping, and a log may be closed: then nothing is said.
                with suppress(Exception):
                    words = _describe(seconds, with_link=is_first)
                    if words:
                        say(words)
                        is_first = False

    watcher = Thread(target=watch, name="progress", daemon=True)
    look()
    watcher.start()
    try:
        yield cost
    finally:
        ended.set()
        watcher.join()
        look()
        cost.seconds = time.monotonic() - started


def tree_memory_bytes() -> int:
    """Resident memory of this process and of all below it."""
    this = psutil.Process()
    return resident_bytes([this, *this.children(recursive=True)])


def resident_bytes(tree: Sequence[psutil.Process]) -> int:
    """Resident memory of a process, the first, and of those below it.

    From the system's own counts, which cost nothing: walking through the pages of a large process,
    to find those that are shared, holds it up for tens of milliseconds each time.
    """
    total = 0
    for process in tree:
        with suppress(psutil.Error):
            # One that has just been forked still shows all of its parent's memory as its own.
            if process is tree[0] or time.time() - process.create_time() > _FORKED_SECONDS:
                total += process.memory_info().rss
    return total


def describe_stages(stages: list[Any], seconds: float) -> str:
    """The stages at work in words, empty if there are none.

    Args:
        stages: of Spark's status store, as ``StageData``.
        seconds: since the step began.
    """
    words = [
        f"stage {stage.stageId()}: {stage.numCompleteTasks():,} of {stage.numTasks():,} tasks, "
        f"{stage.inputRecords() + stage.shuffleReadRecords():,} rows read, "
        f"{stage.outputRecords() + stage.shuffleWriteRecords():,} written"
        for stage in stages
    ]
    return f"Spark after {seconds:.0f} s: {'; '.join(words)}" if words else ""


def _describe(seconds: float, with_link: bool) -> str:
    pyspark = sys.modules.get("pyspark")
    # The session of another thread is not this thread's active one, but the context is.
    context = pyspark.SparkContext._active_spark_context if pyspark is not None else None
    if context is None:
        return ""
    active = context._jsc.sc().statusStore().activeStages()
    words = describe_stages([active.apply(at) for at in range(active.size())], seconds)
    link = context.uiWebUrl if words and with_link else None
    return f"{words}. Spark's own UI: {link}" if link else words
