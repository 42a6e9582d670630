"""Drift: whether customers and scores are spread as they were in an earlier snapshot."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf, log

from pyspark.sql import Column
from pyspark.sql import functions as F

from amazon_seg_assets.stages.churn.logistic import SCORE

FEATURE_EDGES = {
    "recency_days": (30, 90, 180, 270),
    "days_12m": (1, 2, 4, 9),
    "spend_12m": (10, 30, 100, 300),
}
SCORE_EDGES = {SCORE: tuple(n / 10 for n in range(1, 10))}
"""Inner edges of the bins; an upper edge is in its bin."""

_LEAST = 1e-4
"""Share that an empty bin counts as, so that the index stays finite."""


def counts(edges: Mapping[str, Sequence[float]]) -> list[Column]:
    """Customers in each bin, to be observed: named by the column and the bin's number."""
    return [
        F.count_if((F.col(name) > low) & (F.col(name) <= high)).alias(f"{name}_bin_{n}")
        for name, inner in edges.items()
        for n, (low, high) in enumerate(pairwise((-inf, *inner, inf)))
    ]


def stability_index(name: str, now: Mapping[str, int], before: Mapping[str, int]) -> float:
    """Population stability index of a column: 0 if it is spread as before.

    The sum over bins of (share now - share before) times the logarithm of their ratio, which is
    Jeffreys' divergence (S. Kullback and R. A. Leibler, 1951).
    """
    then, later = (_shares(name, found) for found in (before, now))
    return sum((b - a) * log(b / a) for a, b in zip(then, later, strict=True))


def is_told(name: str, *several: Mapping[str, int]) -> bool:
    """True if each of several snapshots has counted the column's bins."""
    return all(f"{name}_bin_0" in found for found in several)


def _shares(name: str, found: Mapping[str, int]) -> list[float]:
    numbers = [found[key] for key in sorted(found) if key.startswith(f"{name}_bin_")]
    return [max(number / max(sum(numbers), 1), _LEAST) for number in numbers]
