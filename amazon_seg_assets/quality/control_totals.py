"""Control totals: what tables of customers add up to, by which they are held against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.spark.sums import total_usd

MAX_RECENCY_DAYS = 367
"""The window is a year, of 366 days at most, and its last day; recency counts to the day after."""

CUSTOMER_COLUMNS = ["user_id", *FEATURES]
"""Columns that the totals of customers are taken from."""

_HALF = 32
_LOW_BITS = (1 << _HALF) - 1


@dataclass(frozen=True)
class Totals:
    """One table of customers, summed up.

    Attributes:
        customers: rows.
        outside: customers with a recency, frequency or monetary value that cannot be.
        frequency: sum, in reviews.
        monetary: sum, in USD.
        users: what the ``user_id`` add up to, as hashes and in any order.
    """

    customers: int
    outside: int
    frequency: int
    monetary: float
    users: tuple[int, int]


def customer_totals(*tables: DataFrame) -> list[Totals]:
    """Sums up tables of customers, each with `CUSTOMER_COLUMNS`, in one job."""
    summed = [
        table.agg(F.lit(number).alias("table"), *_figures()) for number, table in enumerate(tables)
    ]
    rows = sorted(reduce(DataFrame.unionAll, summed).collect(), key=lambda row: int(row["table"]))
    return [
        Totals(
            row["customers"],
            row["outside"],
            row["frequency"] or 0,
            row["monetary"] or 0.0,
            (row["low"] or 0, row["high"] or 0),
        )
        for row in rows
    ]


def _figures() -> list[Column]:
    user, monetary = F.xxhash64("user_id"), F.col("monetary")
    possible = (
        F.col("recency").between(1, MAX_RECENCY_DAYS)
        & (F.col("frequency") >= 1)
        & (monetary > 0)
        # To Spark, NaN is above all numbers.
        & (monetary < float("inf"))
    )
    return [
        F.count(F.lit(1)).alias("customers"),
        F.count_if(~F.coalesce(possible, F.lit(False))).alias("outside"),
        F.sum("frequency").alias("frequency"),
        total_usd(F.when(F.abs(monetary) < float("inf"), monetary)).alias("monetary"),
        # In halves, as a sum of whole hashes would overflow.
        F.sum(user.bitwiseAND(_LOW_BITS)).alias("low"),
        F.sum(F.shiftrightunsigned(user, _HALF)).alias("high"),
    ]


def not_once_in_both(one: DataFrame, other: DataFrame, of_one: Totals, of_other: Totals) -> int:
    """Counts users who are not exactly once in each of two tables with ``user_id``.

    Equal counts and equal sums of hashes mean equal users, but for a chance of less than one in a
    billion billion. Only where they differ, the users are counted, with a shuffle of both.
    """
    if (of_one.customers, of_one.users) == (of_other.customers, of_other.users):
        return 0
    counted = [
        table.groupBy("user_id").agg(F.count(F.lit(1)).alias(name))
        for table, name in ((one, "one"), (other, "other"))
    ]
    both = counted[0].join(counted[1], on="user_id", how="full")
    once = F.coalesce((F.col("one") == 1) & (F.col("other") == 1), F.lit(False))
    return both.where(~once).count()


def repeated(table: DataFrame, key: Sequence[str], rows: int) -> int:
    """Counts rows whose key another row has already.

    As many hashes as ``rows``, of which the table's footers tell, prove that there are none, at
    less cost than the keys themselves.
    """
    # Moved first: to look for equals in each task before would find next to none, and cost more.
    hashes = table.select(F.xxhash64(*key).alias("hash")).repartition("hash").distinct().count()
    return 0 if hashes == rows else rows - table.select(*key).distinct().count()
