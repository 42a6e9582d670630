"""Exact order statistics of all rows, without sorting all rows: by counting, level by level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

Key = tuple[Any, ...]

LARGEST_TIE = 100_000
_PREFIX_STEP = 2  # characters: at most some thousands of distinct prefixes more in each block


@dataclass(frozen=True)
class _Place:
    """Where a position falls: a block of rows that share a key, and how far into the block."""

    key: Key
    position: int
    rows: int


def order_statistics(
    frame: DataFrame,
    levels: Sequence[Sequence[Column]],
    positions: Callable[[int], Sequence[int]],
    last: str | None = None,
    largest_tie: int = LARGEST_TIE,
) -> list[Key]:
    """The keys at given positions of the ascending order of keys.

    A key is the values of all levels, then of ``last``. Each level is counted by distinct values,
    one job a level, and only in the blocks that the positions fall in: rows that are equal on the
    levels before. So a level should have few distinct values there (thousands). Rows that are
    equal on all levels are ordered by ``last``: a tie is narrowed by ever longer prefixes until it
    is small enough to be collected.

    Args:
        frame: the rows; nothing in a key is null.
        levels: columns, from the coarsest level to the finest; a column may be a monotone function
            of one that follows.
        positions: gives the positions for the number of rows; from 1 to that number.
        last: a text column that no two rows with equal levels share; None if keys may tie.
        largest_tie: rows of one tie that may be collected.

    Returns:
        A key for each position.
    """
    keyed, names = frame, list[str]()
    places: list[_Place] | None = None
    for level in levels:
        added = {f"_key_{len(names) + index}": column for index, column in enumerate(level)}
        keyed, names = keyed.withColumns(added), [*names, *added]
        counts = _counts(keyed, names, places)
        if places is None:
            size = sum(rows for _, rows in counts)
            places = [_Place((), position, size) for position in positions(size)]
        if not places:
            return []
        places = [_locate(counts, place) for place in places]
    places = places or []
    keys = [place.key for place in places]
    if last is None:
        return keys
    length = 0
    while any(place.rows > largest_tie for place in places):
        length += _PREFIX_STEP
        prefix = f"_prefix_{length}"
        keyed, names = keyed.withColumn(prefix, F.substring(last, 1, length)), [*names, prefix]
        counts = _counts(keyed, names, places)
        places = [_locate(counts, place) for place in places]
    values = _values(keyed, names, last, places)
    return [(*key, value) for key, value in zip(keys, values, strict=True)]


def _counts(
    keyed: DataFrame, names: Sequence[str], places: Sequence[_Place] | None
) -> list[tuple[Key, int]]:
    """How many rows have each key, in order of keys; only in the blocks of the places."""
    counted = _sharing(keyed, names, places).groupBy(*names).count().collect()
    return sorted((tuple(row)[:-1], row["count"]) for row in counted)


def _locate(counts: Sequence[tuple[Key, int]], place: _Place) -> _Place:
    """The same place one level further."""
    position = place.position
    for key, rows in counts:
        if key[: len(place.key)] != place.key:
            continue
        if position <= rows:
            return _Place(key, position, rows)
        position -= rows
    raise IndexError(f"there is no position {place.position} among the rows with {place.key}")


def _values(
    keyed: DataFrame, names: Sequence[str], last: str, places: Sequence[_Place]
) -> list[str]:
    """The values of ``last`` at the places; Python orders texts as Spark does, by code point."""
    ties: dict[Key, list[str]] = {}
    for row in _sharing(keyed, names, places).select(*names, last).collect():
        *key, value = row
        ties.setdefault(tuple(key), []).append(value)
    for values in ties.values():
        values.sort()
    return [ties[place.key][place.position - 1] for place in places]


def _sharing(keyed: DataFrame, names: Sequence[str], places: Sequence[_Place] | None) -> DataFrame:
    """The rows in the blocks of the places, whose keys are the first of the named columns."""
    if places is None:
        return keyed
    blocks = [
        reduce(and_, (F.col(name) == F.lit(value) for name, value in zip(names, key, strict=False)))
        for key in dict.fromkeys(place.key for place in places)
    ]
    return keyed.where(reduce(or_, blocks))
