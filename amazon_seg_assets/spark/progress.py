"""Watches a step from a thread beside it: how far Spark is, how long it takes, how much memory.

Nothing of it may fail the step or slow it down: a look each second costs milliseconds, and Spark
is not asked before a step has lasted some seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING

import psutil

from amazon_seg_assets.spark.internals import active_context

if TYPE_CHECKING:
    from pyspark import SparkStageInfo

LOOK_EVERY_SECONDS = 1.0
SAY_EVERY_SECONDS = 5.0
_FORKED_SECONDS = 0.5

Say = Callable[[str], None]


@dataclass
class Cost:
    """The cost of a step, complete when it has ended.

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
    """Measures a block, and says from another thread how far Spark is while it lasts.

    Looks at the memory every `look_every` seconds, speaks every `say_every`, and not before.
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

    By the system's own counts: walking through the pages of a large process, to find those that
    are shared, holds it up for tens of milliseconds.
    """
    total = 0
    for process in tree:
        with suppress(psutil.Error):
            # One that has just been forked still shows all of its parent's memory as its own.
            if process is tree[0] or time.time() - process.create_time() > _FORKED_SECONDS:
                total += process.memory_info().rss
    return total


def describe_stages(stages: Sequence[SparkStageInfo], seconds: float) -> str:
    """The stages at work in words, empty if there are none.

    Spark's status tracker may be some tasks behind, one for each core.
    """
    words = [
        f"stage {stage.stageId}: {stage.numCompletedTasks:,} of {stage.numTasks:,} tasks"
        for stage in stages
    ]
    return f"Spark after {seconds:.0f} s: {'; '.join(words)}" if words else ""


def _describe(seconds: float, with_link: bool) -> str:
    context = active_context()
    if context is None:
        return ""
    tracker = context.statusTracker()
    stages = map(tracker.getStageInfo, sorted(tracker.getActiveStageIds()))
    words = describe_stages([stage for stage in stages if stage is not None], seconds)
    link = context.uiWebUrl if words and with_link else None
    return f"{words}. Spark's own UI: {link}" if link else words
