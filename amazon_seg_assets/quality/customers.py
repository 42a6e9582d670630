"""Verdicts on customers, clusters and segments, and the figures that they rest on.

A table of customers is read in one aggregate over the columns at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.quality.tables import total_kept
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.transforms.rfm import EXACT_USD, FEATURES

MAX_RECENCY_DAYS = 367
"""The window is a year, of 366 days at most, and its last day; recency counts to the day after."""

MAX_MONEY_DIFFERENCE = 0.01
"""A cent: money is summed exactly, but stored as a double of 15 digits."""

MAX_UNPRICED_SHARE = 0.5
"""Above it the monetary value speaks for a minority of the reviews; Electronics has 17 %."""

MIN_CLUSTER_SHARE = 0.02
"""Below it a cluster is a few outliers; the smallest of the original analysis holds 15 %."""

MIN_SILHOUETTE = 0.45
"""By squared distances, which read higher than plain ones: K-Means makes 0.33 to 0.44 of a single
cloud in three features, so below it there need be no clusters at all."""

MAX_SEPARATED_SHARE = 0.0
"""Most customers whose equals may get another segment: equals are to be treated equally."""

CUSTOMER_COLUMNS = ["user_id", *FEATURES]
"""What the totals of customers are taken from."""

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
    monetary: Decimal
    users: tuple[int, int]


def customer_totals(*tables: DataFrame) -> list[Totals]:
    """Sums up tables of customers, in one job.

    Args:
        tables: ``user_id``, ``recency``, ``frequency`` and ``monetary``.
    """
    summed = [
        table.agg(F.lit(number).alias("table"), *_figures()) for number, table in enumerate(tables)
    ]
    together = summed[0]
    for further in summed[1:]:
        together = together.unionAll(further)
    rows = sorted(together.collect(), key=lambda row: int(row["table"]))
    return [
        Totals(
            row["customers"],
            row["outside"],
            row["frequency"] or 0,
            row["monetary"] or Decimal(0),
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
        F.sum(monetary.try_cast(EXACT_USD)).alias("monetary"),
        # In halves, as a sum of whole hashes would overflow.
        F.sum(user.bitwiseAND(_LOW_BITS)).alias("low"),
        F.sum(F.shiftrightunsigned(user, _HALF)).alias("high"),
    ]


def repeated(table: DataFrame, key: str, rows: int) -> int:
    """Counts rows whose key another row has already.

    As many hashes as rows prove that there are none, at less cost than the keys themselves.

    Args:
        table: with the key.
        key: its column.
        rows: of the table, as its footers say.
    """
    # Moved first: to look for equals in each task before would find next to none, and cost more.
    hashes = table.select(F.xxhash64(key).alias("hash")).repartition("hash").distinct().count()
    return 0 if hashes == rows else rows - table.select(key).distinct().count()


def not_exactly_once(expected: DataFrame, found: DataFrame) -> int:
    """Counts users that do not come once in each of two tables, with a shuffle of both."""
    counted = [
        table.groupBy("user_id").agg(F.count(F.lit(1)).alias(name))
        for table, name in ((expected, "expected"), (found, "found"))
    ]
    both = counted[0].join(counted[1], on="user_id", how="full")
    once = F.coalesce((F.col("expected") == 1) & (F.col("found") == 1), F.lit(False))
    return both.where(~once).count()


def one_each(what: str, expected: DataFrame, found: DataFrame, totals: list[Totals]) -> Verdict:
    """Judges whether each customer is in exactly one cluster or segment.

    Equal counts and equal sums of hashes mean equal customers, but for a chance of less than one in
    a billion billion. Where they differ, the customers concerned are counted.

    Args:
        what: ``cluster`` or ``segment``.
        expected: ``user_id`` of all customers, each once.
        found: ``user_id`` of those who have a cluster or a segment.
        totals: of both.
    """
    of_all, of_found = totals
    same = (of_all.customers, of_all.users) == (of_found.customers, of_found.users)
    odd = 0 if same else not_exactly_once(expected, found)
    return Verdict(odd, 0, f"{odd:,} of {of_all.customers:,} customers are not in one {what} each.")


def features_in_range(totals: Totals) -> Verdict:
    """Judges customers whose features cannot be: R 1 to 367 days, F 1 or more, M above 0 USD."""
    return Verdict(
        totals.outside,
        0,
        f"{totals.outside:,} of {totals.customers:,} customers have a recency outside 1 to "
        f"{MAX_RECENCY_DAYS} days, a frequency below 1, or a monetary value that is not above 0.",
    )


def frequency_kept(before: int, after: int) -> Verdict:
    """Compares total frequency before and after a step."""
    return total_kept("reviews in total", before, after)


def monetary_kept(before: Decimal | float, after: Decimal | float) -> Verdict:
    """Compares total monetary value, in USD, before and after a step."""
    return Verdict(
        abs(float(after) - float(before)),
        MAX_MONEY_DIFFERENCE,
        f"{after:,.2f} USD in total, of {before:,.2f} before.",
    )


def same_customers(segmented: int, clustered: int, in_both: int) -> Verdict:
    """Judges whether segments and clusters cover the same customers, given that each is there once.

    Args:
        segmented: customers with a segment.
        clustered: customers with a cluster.
        in_both: those who have both.
    """
    return Verdict(
        max(abs(segmented - in_both), abs(clustered - in_both)),
        0,
        f"{segmented:,} customers have a segment and {clustered:,} a cluster; {in_both:,} have "
        "both.",
    )


def few_unpriced(unpriced: int, reviews: int, threshold: float = MAX_UNPRICED_SHARE) -> Verdict:
    """Judges the share of reviews in the window whose product has no price."""
    share = unpriced / reviews if reviews else 0.0
    return Verdict(
        share,
        threshold,
        f"{unpriced:,} of {reviews:,} reviews ({share:.1%}) are of products without a price.",
    )


def no_tiny_cluster(clusters: pd.DataFrame, threshold: float = MIN_CLUSTER_SHARE) -> Verdict:
    """Judges the share of the smallest cluster.

    Args:
        clusters: ``cluster_label`` and ``customers`` of the chosen k.
        threshold: smallest share that is tolerated.
    """
    smallest = clusters.loc[clusters["customers"].idxmin()]
    share = float(smallest["customers"] / clusters["customers"].sum())
    return Verdict(
        share,
        threshold,
        f"The smallest cluster, {smallest['cluster_label']}, holds {smallest['customers']:,} "
        f"customers ({share:.1%}).",
        at_least=True,
    )


def clusters_apart(silhouette: float, threshold: float = MIN_SILHOUETTE) -> Verdict:
    """Judges the mean silhouette of the chosen k."""
    return Verdict(
        silhouette,
        threshold,
        f"The mean silhouette is {silhouette:.3f}, by squared Euclidean distance.",
        at_least=True,
    )


def equals_together(separated: int, customers: int) -> Verdict:
    """Judges the share of customers who have an equal in another segment."""
    share = separated / customers if customers else 0.0
    return Verdict(
        share,
        MAX_SEPARATED_SHARE,
        f"{separated:,} of {customers:,} customers ({share:.1%}) have an equal in another segment.",
    )
