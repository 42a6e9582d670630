"""Exact order statistics of all rows, without sorting all rows: by counting, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

Key = tuple[Any, ...]


def order_statistics(
    frame: DataFrame, blocks: Sequence[Column], positions: Sequence[int], last: str | None = None
) -> list[Key]:
    """The keys at given positions of the ascending order of keys.

    A key is the values of ``blocks``, then of ``last``. Each block is counted per distinct value,
    among the rows that share the former blocks of a position sought; so it should have few
    distinct values there (thousands). What then still ties is ordered by ``last``, within each
    tie by itself.

    Args:
        frame: the rows; none of the keys is null.
        blocks: from the coarsest to the finest; a column may be a monotone function of a later one.
        positions: counted from 1, at most the number of rows.
        last: a column without ties among rows of equal blocks; None if keys may tie.

    Returns:
        A key for each position.
    """
    names = [f"_block_{index}" for index in range(len(blocks))]
    keyed = frame.select(
        *(block.alias(name) for block, name in zip(blocks, names, strict=True)),
        *([last] if last else []),
    )
    found: list[tuple[Key, int]] = [((), position) for position in positions]
    for depth in range(len(names)):
        found = _descend(keyed, names[: depth + 1], found)
    return _by_last(keyed, names, last, found) if last else [key for key, _ in found]


def _descend(
    keyed: DataFrame, names: list[str], found: list[tuple[Key, int]]
) -> list[tuple[Key, int]]:
    """One block further: which of its values each position falls on, and where within."""
    rows = _sharing(keyed, names[:-1], [key for key, _ in found])
    counted = rows.groupBy(*names).count().collect()
    counts = sorted((tuple(row)[:-1], row["count"]) for row in counted)
    return [_locate(counts, prefix, position) for prefix, position in found]


def _locate(counts: list[tuple[Key, int]], prefix: Key, position: int) -> tuple[Key, int]:
    for key, count in counts:
        if key[:-1] != prefix:
            continue
        if position <= count:
            return key, position
        position -= count
    raise IndexError(f"there is no position {position} below {prefix}")


def _by_last(
    keyed: DataFrame, names: list[str], last: str, found: list[tuple[Key, int]]
) -> list[Key]:
    rows = _sharing(keyed, names, [key for key, _ in found])
    place = F.row_number().over(Window.partitionBy(*names).orderBy(last)).alias("_place")
    wanted = [position for _, position in found]
    ranked = rows.select(*names, last, place).where(F.col("_place").isin(wanted)).collect()
    values = {(tuple(row[name] for name in names), row["_place"]): row[last] for row in ranked}
    return [(*key, values[key, position]) for key, position in found]


def _sharing(keyed: DataFrame, names: list[str], keys: list[Key]) -> DataFrame:
    """The rows whose columns equal one of the keys."""
    if not names:
        return keyed
    conditions = [
        reduce(
            lambda both, pair: both & (F.col(pair[0]) == F.lit(pair[1])),
            zip(names, key, strict=True),
            F.lit(True),
        )
        for key in dict.fromkeys(keys)
    ]
    return keyed.where(reduce(or_, conditions, F.lit(False)))
