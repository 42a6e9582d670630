"""Counts of customers in bins, and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.spark.sums import total_usd

HISTOGRAM_BINS = 40
TOP_PART = 0.1
"""The part of the customers, by spend, of which reports like to tell the share of all spend."""


@dataclass(frozen=True)
class Bins:
    """Bins of equal width: from ``start``, as many as ``count``."""

    start: float
    width: float
    count: int


def equal_bins(least: float, most: float, whole: bool, count: int = HISTOGRAM_BINS) -> Bins:
    """Bins, at most ``count``, that hold all values from ``least`` to ``most``.

    Of whole numbers each bin holds as many.
    """
    if whole:
        whole_width = ceil((most - least + 1) / count)
        return Bins(least, whole_width, ceil((most - least + 1) / whole_width))
    return Bins(least, (most - least) / count or 1.0, count)


def histograms(
    features: DataFrame, bins: Mapping[str, Bins], summed: Mapping[str, str]
) -> pd.DataFrame:
    """Counts customers in bins of each column, in one pass.

    Args:
        features: columns of ``rfm_features``.
        bins: of each column.
        summed: the column that is summed up in the bins of each, to six decimals.

    Returns:
        ``column``, ``bin_left``, ``bin_right``, ``customers``, ``total``; bins without customers
        are there.
    """
    places = F.array(
        *(
            F.struct(
                F.lit(column).alias("column"),
                F.least(
                    F.floor((F.col(column) - each.start) / each.width), F.lit(each.count - 1)
                ).alias("place"),
                F.col(summed[column]).cast("double").alias("value"),
            )
            for column, each in bins.items()
        )
    )
    counted = (
        features.select(F.explode(places).alias("bin"))
        .groupBy("bin.column", "bin.place")
        .agg(F.count(F.lit(1)), total_usd(F.col("bin.value")))
    )
    found = {(column, place): held for column, place, *held in counted.collect()}
    rows = [
        (
            column,
            each.start + place * each.width,
            each.start + (place + 1) * each.width,
            *found.get((column, place), (0, 0.0)),
        )
        for column, each in bins.items()
        for place in range(each.count)
    ]
    return pd.DataFrame(rows, columns=["column", "bin_left", "bin_right", "customers", "total"])


def of_log_monetary(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``rfm_histograms`` that tell apart customers by spend, from small to large."""
    return table[(table["feature"] == "monetary") & table["transformed"].astype(bool)]


def share_of_top(bins: pd.DataFrame, part: float = TOP_PART) -> float:
    """Share of the total that the highest customers hold, 0 to 1.

    Customers of one bin count alike, so it may be too low by some tenths of a per cent: exactly the
    bin that holds the border is divided.

    Args:
        bins: ``bin_left``, ``customers`` and ``total`` of one column.
        part: of the customers.
    """
    held = bins[bins["customers"] > 0].sort_values("bin_left", ascending=False)
    customers, total = held["customers"].to_numpy(float), held["total"].to_numpy(float)
    above = customers.cumsum() - customers
    taken = np.clip(part * customers.sum() - above, 0, customers)
    return float((taken * total / customers).sum() / total.sum())
