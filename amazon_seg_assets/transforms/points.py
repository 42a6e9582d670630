"""Customers as points for K-Means: identical customers collapsed, features standardized."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, sqrt

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.transforms.rfm import FEATURES, TRANSFORMED_FEATURES

MAX_POINTS = 4_000_000
"""Most points that K-Means is fitted on; of more customers a part is taken, by hash."""


@dataclass(frozen=True)
class Points:
    """Distinct customers, in order of their features.

    Attributes:
        features: recency (days), frequency (reviews), monetary (USD); shape (points, 3).
        transformed: recency, log1p(frequency), log1p(monetary); shape (points, 3).
        customers: how many customers each point stands for; shape (points,).
    """

    features: np.ndarray
    transformed: np.ndarray
    customers: np.ndarray

    def __len__(self) -> int:
        return len(self.customers)


@dataclass(frozen=True)
class Standardization:
    """Mean and sample standard deviation over customers of each transformed feature.

    A feature that is the same for all customers has a standard deviation of 1 here, so that it
    becomes 0 rather than undefined.
    """

    mean: tuple[float, ...]
    sd: tuple[float, ...]

    def apply(self, points: Points) -> np.ndarray:
        """(feature - mean) / sd; shape (points, 3)."""
        standardized: np.ndarray = (points.transformed - self.mean) / self.sd
        return standardized


def collect_points(customers: DataFrame, count: int, max_points: int = MAX_POINTS) -> Points:
    """Collapses identical customers into weighted points, which loses nothing.

    Of more than ``max_points`` customers a part of the points is taken, by the hash of their
    features, so that what is collected has a bound.

    Args:
        customers: columns of ``rfm_features``.
        count: number of customers.
        max_points: the bound.
    """
    one_of = -(-count // max_points)
    part = customers.where(F.pmod(F.xxhash64(*FEATURES), F.lit(one_of)) == 0)
    columns = list(dict.fromkeys((*FEATURES, *TRANSFORMED_FEATURES)))
    collapsed = part.groupBy(*columns).agg(F.count(F.lit(1)).alias("customers")).toPandas()
    # The order of what Spark returns depends on its partitions; that of distinct features not.
    collapsed = collapsed.sort_values(list(FEATURES), ignore_index=True)
    return Points(
        collapsed[list(FEATURES)].to_numpy(float),
        collapsed[list(TRANSFORMED_FEATURES)].to_numpy(float),
        collapsed["customers"].to_numpy(float),
    )


def standardization(points: Points) -> Standardization:
    """Mean and sample standard deviation (n - 1) over customers, from exact sums."""
    count = fsum(points.customers)
    means, deviations = [], []
    for column in points.transformed.T:
        mean = fsum(points.customers * column) / count
        squares = fsum(points.customers * (column - mean) ** 2)
        means.append(mean)
        deviations.append(sqrt(squares / (count - 1)) if count > 1 and squares > 0 else 1.0)
    return Standardization(tuple(means), tuple(deviations))
