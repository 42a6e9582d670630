"""Customers who came back after a snapshot, by group."""

from collections.abc import Mapping
from datetime import date
from functools import reduce

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.spark.sums import CUSTOMERS, total_usd
from amazon_seg_assets.stages.movement.tables import SEGMENT_OUTCOMES

HORIZONS = (90, 180, 365)
"""Days: a quarter, in which a campaign shows; half a year; and all seasons once."""

FIGURES = ("returned", "return_rate", "spend_after")
"""Columns that are null where the outcome is not known, and only there."""


def members(groupings: Mapping[str, tuple[DataFrame, str]]) -> DataFrame:
    """The groups of each customer, one below the other.

    Args:
        groupings: by their names, customers with ``user_id``, and the column with their group.

    Returns:
        ``user_id``, ``grouping`` and ``name``.
    """
    stacked = [
        customers.select("user_id", F.lit(grouping).alias("grouping"), F.col(column).alias("name"))
        for grouping, (customers, column) in groupings.items()
    ]
    return reduce(DataFrame.unionAll, stacked)


def segment_outcomes(
    groups: DataFrame, days: DataFrame, last_day: date, data_end: date
) -> pd.DataFrame:
    """Counts customers who came back, and adds up their spend, for each group and horizon.

    Args:
        groups: ``user_id``, ``grouping`` and ``name``; each grouping holds all customers.
        days: ``user_id``, ``day`` and ``spend`` (USD) of all days with a clean review, at least
            from the day after ``last_day`` to the longest horizon.
        last_day: L, the last day of the snapshot.
        data_end: the last day of the data with a clean review.

    Returns:
        Columns of ``segment_outcomes``, in order of its key.
    """
    counts = _count(groups, days, last_day)
    table = pd.concat([_at_horizon(counts, horizon) for horizon in HORIZONS])
    table["is_known"] = table["horizon_days"] <= (data_end - last_day).days
    figures = [*FIGURES, "lift"]
    table[figures] = table[figures].where(table["is_known"])
    ordered = table.sort_values(list(SEGMENT_OUTCOMES.key), ignore_index=True)
    return ordered[SEGMENT_OUTCOMES.column_names]


def _count(groups: DataFrame, days: DataFrame, last_day: date) -> pd.DataFrame:
    """``grouping``, ``name``, ``customers``; for each horizon ``returned_…`` and ``spend_…``."""
    after = F.date_diff("day", F.lit(last_day))
    of_customers = (
        days.where(after.between(1, HORIZONS[-1]))
        .groupBy("user_id")
        .agg(
            F.min(after).alias("first"),
            *(
                total_usd(F.when(after <= each, F.col("spend"))).alias(f"{each}")
                for each in HORIZONS
            ),
        )
    )
    counted = (
        groups.join(of_customers, "user_id", "left")
        .groupBy("grouping", "name")
        .agg(
            F.count(F.lit(1)).alias(CUSTOMERS),
            *(F.count_if(F.col("first") <= each).alias(f"returned_{each}") for each in HORIZONS),
            *(
                F.coalesce(total_usd(F.col(f"{each}")), F.lit(0.0)).alias(f"spend_{each}")
                for each in HORIZONS
            ),
        )
    )
    return pd.DataFrame(counted.collect(), columns=counted.columns)


def _at_horizon(counts: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Columns of ``segment_outcomes``, without ``is_known``."""
    table = counts[["grouping", "name", CUSTOMERS]].assign(
        horizon_days=horizon,
        returned=counts[f"returned_{horizon}"].astype("Int64"),
        return_rate=counts[f"returned_{horizon}"] / counts[CUSTOMERS],
        spend_after=counts[f"spend_{horizon}"],
    )
    sums = counts.groupby("grouping")[[f"returned_{horizon}", CUSTOMERS]].sum()
    overall = table["grouping"].map(sums[f"returned_{horizon}"] / sums[CUSTOMERS])
    return table.assign(lift=(table["return_rate"] / overall).where(overall > 0))


def longest_known(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``segment_outcomes`` of the longest horizon that is known; none if none is."""
    known = table[table["is_known"]]
    return known[known["horizon_days"] == known["horizon_days"].max()]
