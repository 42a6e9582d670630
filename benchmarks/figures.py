"""Ratios, slopes and sizes: plain arithmetic on what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from pathlib import Path
from statistics import linear_regression


def ratio(value: float, of: float | None) -> float | None:
    """The ratio of a value to ``of``; None where there is nothing to compare it with."""
    return value / of if of else None


def slope(seconds: Mapping[int, float], fixed: float = 0.0) -> float | None:
    """Slope of the logarithm of time over that of size, by least squares: 1 if time is linear.

    Args:
        seconds: time by size.
        fixed: seconds that any size takes, taken off first; sizes that took no more are left out.

    Returns:
        The slope; None with fewer than two sizes.
    """
    beyond = {size: taken - fixed for size, taken in seconds.items() if taken > fixed}
    if len(beyond) < 2:
        return None
    return linear_regression(
        [log(size) for size in beyond], [log(taken) for taken in beyond.values()]
    ).slope


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table_bytes(folder: Path) -> dict[str, int]:
    """Bytes of each table of a storage: of each folder in ``folder``."""
    tables = sorted(path for path in folder.glob("[!.]*") if path.is_dir())
    return {table.name: folder_bytes(table) for table in tables}
