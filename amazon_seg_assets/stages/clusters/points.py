"""Customers as points for K-Means: identical customers collapsed, features standardized."""

from dataclasses import dataclass
from math import ceil, fsum, sqrt
from typing import Self

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.features import (
    DEVIATIONS,
    FEATURE_COLUMNS,
    FEATURES,
    MEANS,
    TRANSFORMED_FEATURES,
)
from amazon_seg_assets.spark.sums import CUSTOMERS, collapse

MAX_POINTS = 4_000_000
"""Most distinct customers that are collected, about; of more a part is taken, by hash."""


@dataclass(frozen=True)
class Points:
    """Distinct customers, or means of cells of them, in an order of their own.

    Attributes:
        features: recency (days), frequency (reviews), monetary (USD); shape (points, 3).
        transformed: recency, log1p(frequency), log1p(monetary); shape (points, 3).
        customers: how many customers each point stands for; shape (points,).
        parts: the points are one of so many parts of the distinct customers.
    """

    features: np.ndarray
    transformed: np.ndarray
    customers: np.ndarray
    parts: int = 1

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

    @classmethod
    def from_row(cls, row: pd.Series) -> Self:
        """That of the clusters which a row of ``cluster_centers`` belongs to."""
        return cls(tuple(row[MEANS]), tuple(row[DEVIATIONS]))

    def as_columns(self) -> dict[str, float]:
        """The same for all rows of ``cluster_centers``."""
        return dict(zip((*MEANS, *DEVIATIONS), (*self.mean, *self.sd), strict=True))

    def apply(self, points: Points) -> np.ndarray:
        """(feature - mean) / sd; shape (points, 3)."""
        standardized: np.ndarray = (points.transformed - self.mean) / self.sd
        return standardized


def collect_points(customers: DataFrame, parts: int = 1) -> Points:
    """Collapses identical customers into weighted points, which loses nothing.

    Args:
        customers: columns of ``rfm_features``, as few distinct ones as memory takes.
        parts: they are one of so many parts, as of `part_of`.
    """
    weighted = collapse(customers, FEATURE_COLUMNS)
    # The order of what Spark returns depends on its partitions; that of distinct features not.
    collapsed = pd.DataFrame(weighted.toPandas()).sort_values(list(FEATURES), ignore_index=True)
    return Points(
        collapsed[list(FEATURES)].to_numpy(float),
        collapsed[list(TRANSFORMED_FEATURES)].to_numpy(float),
        collapsed[CUSTOMERS].to_numpy(float),
        parts,
    )


def part_of(
    customers: DataFrame, count: int, max_points: int = MAX_POINTS
) -> tuple[DataFrame, int]:
    """The customers, or of more than ``max_points`` distinct ones a part, by hash of features.

    Args:
        customers: columns of ``rfm_features``.
        count: number of customers.
        max_points: the bound, kept to within the 5 % error of the estimated number.

    Returns:
        The part, and of how many it is one.
    """
    identity = F.xxhash64(*FEATURES)
    parts = 1
    if count > max_points:
        # HyperLogLog's registers are maxima, so the estimate does not depend on partitions.
        distinct = customers.agg(F.approx_count_distinct(identity)).head()[0]  # type: ignore[index]
        parts = ceil(distinct / max_points)
    part = customers.where(F.pmod(identity, F.lit(parts)) == 0) if parts > 1 else customers
    return part, parts


def standardization(points: Points) -> Standardization:
    """Mean and sample standard deviation (n - 1) over customers, from exact sums."""
    count = fsum(points.customers)
    means, deviations = [], []
    for column in points.transformed.T:
        if column.min() == column.max():
            # Rounding would leave a mean beside it, and a deviation of 1e-16 rather than none.
            means.append(float(column[0]))
            deviations.append(1.0)
            continue
        mean = fsum(points.customers * column) / count
        squares = fsum(points.customers * (column - mean) ** 2)
        means.append(mean)
        deviations.append(sqrt(squares / (count - 1)))
    return Standardization(tuple(means), tuple(deviations))
