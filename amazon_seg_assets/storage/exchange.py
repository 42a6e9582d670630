"""The exchange of two folders in one step, where the system has it: ``renameat2`` of Linux."""

import ctypes
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

_HERE = -100  # AT_FDCWD: a relative path is below the current folder
_EXCHANGE = 2  # RENAME_EXCHANGE


def exchange(one: Path, other: Path) -> bool:
    """Exchanges two places on one file system, at no moment of which either is not there.

    Returns:
        Whether it was done: not every file system can, such as NFS; nothing has changed then.
    """
    renameat2 = _renameat2()
    places = (_HERE, os.fsencode(one), _HERE, os.fsencode(other))
    return renameat2 is not None and renameat2(*places, _EXCHANGE) == 0


@cache
def _renameat2() -> Callable[..., int] | None:
    """The function of the C library; None of a system that has none."""
    function = getattr(ctypes.CDLL(None), "renameat2", None) if os.name == "posix" else None
    if function is not None:
        text, number = ctypes.c_char_p, ctypes.c_int
        function.argtypes = (number, text, number, text, ctypes.c_uint)
        function.restype = number
    return function
