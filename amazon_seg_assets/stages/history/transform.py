"""The days on which customers wrote clean reviews."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Any

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from amazon_seg_assets.schema import MONTH
from amazon_seg_assets.spark.sums import exact_usd, total_usd
from amazon_seg_assets.stages.cleaning.transform import known_text
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.rfm.transform import window_start

RAW_COLUMNS = [
    "user_id",
    "timestamp",
    "rating",
    "helpful_vote",
    "verified_purchase",
    "parent_asin",
    "review_id",
    MONTH,
]
PRODUCT_COLUMNS = ["parent_asin", "price"]

LOWEST_RATING, HIGHEST_LOW_RATING = 1, 2
"""Stars."""

LARGEST_BROADCAST_ROWS = 3_000_000
"""Products, with no more than a name and a price, that go to each task."""

ROWS_A_TASK = 200_000
"""Raw reviews: so few keep the groups of a task in memory, and fewer are not worth one."""

_NO_USER = "no_user"


def tasks_for(rows: Sequence[int]) -> int:
    """Number of tasks for months with so many raw reviews each: a month is in one task."""
    return max(1, min(len(rows), ceil(sum(rows) / ROWS_A_TASK)))


def customer_days(
    raw: DataFrame, products: DataFrame, tasks: int, min_price: float, counts: Observation
) -> DataFrame:
    """Sums up the clean reviews of each customer and day.

    Only the shuffle by month moves rows: exact duplicates, customers and products meet within it.

    Args:
        raw: ``RAW_COLUMNS`` of the raw reviews.
        products: ``PRODUCT_COLUMNS`` of the clean products, to be broadcast if they are few.
        tasks: in which months meet, as of `tasks_for`.
        min_price: a price counts if it is, to six decimals, above this, in USD.
        counts: receives the reviews without a user, to be read by `without_user`.

    Returns:
        Columns of ``customer_days``, and ``month``.
    """
    priced = products.withColumn("price", exact_usd(F.col("price"))).where(
        F.col("price") > min_price
    )
    reviews = (
        raw.where("verified_purchase")
        .select(
            MONTH,
            "review_id",
            known_text(F.col("user_id")).alias("user_id"),
            known_text(F.col("parent_asin")).alias("parent_asin"),
            F.to_date(F.timestamp_millis("timestamp")).alias("day"),
            F.when(F.col("rating") == 0, LOWEST_RATING).otherwise(F.col("rating")).alias("rating"),
            F.greatest("helpful_vote", F.lit(0)).alias("helpful_vote"),
        )
        .join(priced, "parent_asin", "left")
    )
    # Duplicates are equal in all columns, and so a group, which needs no sort.
    distinct = reviews.repartition(tasks, MONTH).distinct()
    days = distinct.groupBy(MONTH, "user_id", "day").agg(
        F.count(F.lit(1)).alias("reviews"),
        F.count("price").alias("priced_reviews"),
        F.coalesce(total_usd(F.col("price")), F.lit(0.0)).alias("spend"),
        F.coalesce(F.sum("rating"), F.lit(0.0)).alias("rating_sum"),
        F.count_if(F.col("rating") <= HIGHEST_LOW_RATING).alias("low_ratings"),
        F.sum("helpful_vote").alias("helpful_votes"),
        F.count_distinct("parent_asin").alias("products"),
    )
    nobody = F.col("user_id").isNull()
    # A row a day, whose list costs less than a count for each month.
    left_out = F.collect_list(F.when(nobody, F.struct(MONTH, "day", "reviews", "priced_reviews")))
    counted = days.observe(counts, F.to_json(left_out).alias(_NO_USER))
    return counted.where(~nobody).select(*CUSTOMER_DAYS.column_names, MONTH)


def few_to_each_task(products: DataFrame, priced: int) -> DataFrame:
    """Products whose prices, if they are few, go to each task, so that no review moves for them.

    Args:
        products: ``PRODUCT_COLUMNS``.
        priced: those with a price.
    """
    return F.broadcast(products) if priced <= LARGEST_BROADCAST_ROWS else products


def customers_of(days: DataFrame, last_day: date) -> DataFrame:
    """The customers of a snapshot by their days, as `rfm_features` finds them by their reviews.

    Args:
        days: ``user_id``, ``day``, ``priced_reviews`` and ``spend``; may reach beyond the window.
        last_day: L.

    Returns:
        ``user_id``, ``recency`` (days), ``frequency`` (reviews) and ``monetary`` (USD).
    """
    in_window = F.col("day").between(F.lit(window_start(last_day)), F.lit(last_day))
    return (
        days.where(in_window & (F.col("priced_reviews") > 0))
        .groupBy("user_id")
        .agg(
            F.date_diff(F.lit(last_day + timedelta(days=1)), F.max("day")).alias("recency"),
            F.sum("priced_reviews").alias("frequency"),
            total_usd(F.col("spend")).alias("monetary"),
        )
    )


@dataclass(frozen=True)
class WithoutUser:
    """Clean reviews of a month that have no user.

    Attributes:
        reviews: how many.
        priced: those of products whose price counts.
        last_day: of the latest; None if there are none.
    """

    reviews: int = 0
    priced: int = 0
    last_day: date | None = None


def without_user(counts: Mapping[str, Any]) -> dict[str, WithoutUser]:
    """The reviews without a user, by month, as `customer_days` has observed them."""
    by_month: dict[str, list[Mapping[str, Any]]] = {}
    for row in json.loads(counts[_NO_USER]):
        by_month.setdefault(row[MONTH], []).append(row)
    return {
        month: WithoutUser(
            sum(row["reviews"] for row in rows),
            sum(row["priced_reviews"] for row in rows),
            date.fromisoformat(max(row["day"] for row in rows)),
        )
        for month, rows in by_month.items()
    }
