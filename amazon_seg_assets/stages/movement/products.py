"""Kinds of products that tell the customers of a segment from all others."""

from collections.abc import Mapping
from datetime import date

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.spark.sums import CUSTOMERS, collapse, total_usd
from amazon_seg_assets.stages.movement.tables import SEGMENT_PRODUCTS
from amazon_seg_assets.stages.rfm.transform import counted

MOST_TELLING = 10
"""Names for each segment and level; more than people read of one."""

LEAST_CUSTOMERS = 25
"""Of a segment's customers, before a name counts: the chance error of a count of 25 is a fifth of
it, so that a lift of 1.5 is hardly chance."""

CATEGORY = "category"
"""The level of the most special category; the other is the whole department."""

_LEVELS = {"main_category": "main_category", CATEGORY: "try_element_at(categories, -1)"}
"""SQL that gives the name of a product at each level."""


def segment_products(
    joined: DataFrame, segments: DataFrame, window: tuple[date, date], min_price: float
) -> pd.DataFrame:
    """Finds the names at each level that tell the customers of each segment from all.

    Args:
        joined: ``user_id``, ``timestamp``, ``price``, ``main_category`` and ``categories`` of
            reviews; may reach beyond the window.
        segments: ``user_id`` and ``segment``.
        window: first and last day of the snapshot.
        min_price: a review counts if its price is above this, in USD, as in ``rfm_features``.

    Returns:
        Columns of ``segment_products``.
    """
    sizes = {row["segment"]: row[CUSTOMERS] for row in collapse(segments, ["segment"]).collect()}
    found = _count(joined, segments, window, min_price)
    return most_telling(pd.DataFrame(found.collect(), columns=found.columns), sizes)


def _count(
    joined: DataFrame, segments: DataFrame, window: tuple[date, date], min_price: float
) -> DataFrame:
    """``segment``, ``level``, ``name``, ``customers`` and ``spend``: as many as categories."""
    names = F.array(
        *(
            F.struct(F.lit(level).alias("level"), F.expr(name).alias("name"))
            for level, name in _LEVELS.items()
        )
    )
    lean = counted(joined, *window, min_price).select(
        "user_id", F.col("price").alias("spend"), names.alias("names")
    )
    keys = ["segment", "level", "name"]
    return (
        lean.join(segments.select("user_id", "segment"), "user_id")
        .select("user_id", "segment", "spend", F.inline("names"))
        .where("name IS NOT NULL")
        .groupBy("user_id", *keys)
        .agg(total_usd(F.col("spend")).alias("spend"))
        .groupBy(*keys)
        .agg(F.count(F.lit(1)).alias(CUSTOMERS), total_usd(F.col("spend")).alias("spend"))
    )


def most_telling(bought: pd.DataFrame, sizes: Mapping[str, int]) -> pd.DataFrame:
    """The names with the highest lift for each segment and level; of equal ones the more frequent.

    Args:
        bought: ``segment``, ``level``, ``name``, ``customers`` and ``spend``.
        sizes: customers of each segment.

    Returns:
        Columns of ``segment_products``, the most telling first.
    """
    of_all = bought.groupby(["level", "name"])[CUSTOMERS].transform("sum") / sum(sizes.values())
    share = bought[CUSTOMERS] / bought["segment"].map(sizes)
    table = bought.assign(share=share, lift=share / of_all)
    enough = table[table[CUSTOMERS] >= LEAST_CUSTOMERS]
    ordered = enough.sort_values(
        ["segment", "level", "lift", CUSTOMERS, "name"], ascending=[True, True, False, False, True]
    )
    first = ordered.groupby(["segment", "level"]).head(MOST_TELLING)
    return first[SEGMENT_PRODUCTS.column_names].reset_index(drop=True)
