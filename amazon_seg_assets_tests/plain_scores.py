"""Scores of the standard scheme in plain Python, and those by the rules of an earlier snapshot."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

Customer = tuple[str, int, int, float]
"""User, recency (days), frequency (reviews), monetary (USD)."""


def better_last(row: Customer) -> tuple[float, float, float]:
    return -row[1], row[2], row[3]


def naive_scores(rows: Sequence[Customer]) -> list[dict[float, int]]:
    """The score of each value that is held: for recency, frequency and monetary."""
    recency, frequency, monetary = (
        sorted(column) for column in zip(*map(better_last, rows), strict=True)
    )
    repeat = [f for f in frequency if f > 1]

    def rank(value: float, values: list[float], steps: int) -> int:
        return steps * bisect_left(values, value) // (len(values) - 1) if len(values) > 1 else 0

    return [
        {v: min(5, 1 + rank(v, recency, 5)) for v in recency},
        {v: 1 if v == 1 else min(5, 2 + rank(v, repeat, 4)) for v in frequency},
        {v: min(5, 1 + rank(v, monetary, 5)) for v in monetary},
    ]


def as_earlier(held: dict[float, int], value: float) -> int:
    """The score of the nearest worse value that is held; the worst where there is none."""
    values = sorted(held)
    place = bisect_right(values, value)
    return held[values[place - 1]] if place else 1
