"""The customers to group, with their segments, and those of a year before with what they did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.spark.sums import CUSTOMERS, MICROS, collapse, total_usd
from amazon_seg_assets.stages.clusters.points import Points, Standardization, part_of
from amazon_seg_assets.stages.comparison.measuring import Outcomes

MOST_POINTS = 200_000
"""Most distinct customers that ways to cluster are compared on, about; of more a part is taken, by
hash, as some fifty groupings are measured on each of them."""

SEGMENT = "segment"


@dataclass(frozen=True)
class Segmented:
    """The customers of a snapshot.

    Attributes:
        points: distinct ones.
        segments: customers of each point in each segment; shape (points, segments).
    """

    points: Points
    segments: np.ndarray


def segmented_points(segments: DataFrame, count: int, most_points: int = MOST_POINTS) -> Segmented:
    """Collapses customers into weighted points, with their segments.

    Args:
        segments: columns of ``rfm_segments``.
        count: number of customers.
        most_points: of more distinct ones a part is taken.
    """
    part, parts = part_of(segments, count, most_points)
    counted = pd.DataFrame(collapse(part, [*FEATURES, SEGMENT]).toPandas())
    # The index is sorted: what Spark returns has the order of its partitions.
    wide = counted.pivot(index=list(FEATURES), columns=SEGMENT, values=CUSTOMERS).fillna(0)
    of_segments = wide.to_numpy(float)
    return Segmented(_points(wide.index.to_frame(), of_segments.sum(axis=1), parts), of_segments)


def _points(features: pd.DataFrame, customers: np.ndarray, parts: int) -> Points:
    values = features[list(FEATURES)].to_numpy(float)
    transformed = np.column_stack([values[:, 0], np.log1p(values[:, 1:])])
    return Points(values, transformed, customers, parts)


def outcomes(
    customers: DataFrame,
    days: DataFrame,
    last_day: date,
    horizon: int,
    scale: Standardization,
    count: int,
    most_points: int = MOST_POINTS,
) -> Outcomes:
    """Counts, for each point of an earlier snapshot, who came back, and adds up their spend.

    Args:
        customers: columns of ``rfm_features`` of the earlier snapshot.
        days: ``user_id``, ``day`` and ``spend`` (USD) of ``customer_days``, at least from the day
            after ``last_day`` to the horizon.
        last_day: of the earlier snapshot.
        horizon: days after it that count.
        scale: standardization of the snapshot whose groups are judged.
        count: number of customers.
        most_points: of more distinct ones a part is taken.
    """
    part, parts = part_of(customers, count, most_points)
    after = F.date_diff("day", F.lit(last_day))
    spend = (
        days.where(after.between(1, horizon))
        .groupBy("user_id")
        .agg(total_usd(F.col("spend")).alias("spend"))
    )
    log_spend = F.log1p("spend")
    # Whole numbers add up to the same in any order.
    figures = {
        CUSTOMERS: F.count(F.lit(1)),
        "returned": F.count("spend"),
        "log_spend": F.sum(F.rint(log_spend * MICROS).cast("bigint")),
        "squares": F.sum(F.rint(log_spend * log_spend * MICROS).cast("bigint")),
    }
    counted = (
        part.select("user_id", *FEATURES)
        .join(spend, "user_id", "left")
        .groupBy(*FEATURES)
        .agg(*(figure.alias(name) for name, figure in figures.items()))
    )
    # The order of what Spark returns depends on its partitions.
    found = pd.DataFrame(counted.toPandas()).sort_values(list(FEATURES)).fillna(0)
    return Outcomes(
        scale.apply(_points(found, found[CUSTOMERS].to_numpy(float), parts)),
        found[CUSTOMERS].to_numpy(float),
        found["returned"].to_numpy(float),
        found["log_spend"].to_numpy(float) / MICROS,
        float(found["squares"].sum()) / MICROS,
    )


def longest_horizon(last_day: date, data_end: date, horizons: Sequence[int]) -> int | None:
    """The longest horizon whose days the data reaches the end of; None if there is none."""
    return max((each for each in horizons if each <= (data_end - last_day).days), default=None)
