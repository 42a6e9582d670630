"""Counts of customers in bins."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

HISTOGRAM_BINS = 40


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


def histograms(features: DataFrame, bins: Mapping[str, Bins]) -> pd.DataFrame:
    """Counts customers in bins of each column, in one pass.

    Returns:
        ``column``, ``bin_left``, ``bin_right``, ``customers``; bins without customers are there.
    """
    places = F.array(
        *(
            F.struct(
                F.lit(column).alias("column"),
                F.least(
                    F.floor((F.col(column) - each.start) / each.width), F.lit(each.count - 1)
                ).alias("place"),
            )
            for column, each in bins.items()
        )
    )
    counted = (
        features.select(F.explode(places).alias("bin"))
        .groupBy("bin.column", "bin.place")
        .agg(F.count(F.lit(1)).alias("customers"))
    )
    found = {(row["column"], row["place"]): row["customers"] for row in counted.collect()}
    return pd.DataFrame(
        [
            {
                "column": column,
                "bin_left": each.start + place * each.width,
                "bin_right": each.start + (place + 1) * each.width,
                "customers": found.get((column, place), 0),
            }
            for column, each in bins.items()
            for place in range(each.count)
        ]
    )
