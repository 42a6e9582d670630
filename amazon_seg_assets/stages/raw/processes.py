"""Processes that work for this one, and end with it."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from amazon_seg_assets.errors import InputError

# Not "fork": a Dagster process has threads, whose locks a fork would copy in whatever state.
_CONTEXT = get_context("spawn")

# A reader takes and frees blocks of many MB all the time. By default these go back to the system
# each time, and it takes a seventh of a reader's time to get them again, page by page. In return a
# reader holds up to a sixth more. Variables of glibc, see mallopt(3).
_KEEP_FREED_MEMORY = {
    name: str(1024**3) for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
}

Map = Callable[[Callable, Iterable], Iterator]


@contextmanager
def worker_processes(count: int) -> Iterator[Map]:
    """Gives a ``map`` that works in several processes, or in this one if ``count`` is 1.

    Results come in order. The processes end with the block, at once if it ends with an error, and
    also if this process is killed. Temporary files that they leave are removed.

    Raises:
        InputError: one of the processes was ended by something else.
    """
    if count <= 1:
        yield map
        return
    with TemporaryDirectory(prefix="amazon-seg-", ignore_cleanup_errors=True) as temporary:
        lifeline, held = _CONTEXT.Pipe(duplex=False)
        executor = ProcessPoolExecutor(count, _CONTEXT, _live_with, (lifeline, temporary))

        def map_in_processes(function: Callable, items: Iterable) -> Iterator[Any]:
            with _environment(_KEEP_FREED_MEMORY):  # of the processes, which start in here
                return executor.map(function, items)

        try:
            yield map_in_processes
            executor.shutdown()
        except BrokenProcessPool as error:
            raise InputError(
                "A process that was reading raw files ended unexpectedly, most likely because "
                "memory ran out: make memory free, or use fewer processors, and run it again; "
                "what was stored before is as it was."
            ) from error
        finally:
            held.close()
            executor.shutdown(cancel_futures=True)
            lifeline.close()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets variables that are not set, for processes that start meanwhile."""
    added = variables.keys() - os.environ.keys()
    os.environ.update({name: variables[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _live_with(lifeline: Connection, temporary: str) -> None:
    """Makes this process end when the other end of ``lifeline`` is closed, by whatever cause.

    Its temporary files go to a folder, which it removes then: the other side may be gone.
    """
    tempfile.tempdir = temporary
    # Ctrl-C reaches all processes of a terminal; the one that started this one deals with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_it() -> None:
        with suppress(EOFError, OSError):
            lifeline.recv_bytes()
        shutil.rmtree(temporary, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()
    pa.set_memory_pool(pa.system_memory_pool())  # glibc's, see above
