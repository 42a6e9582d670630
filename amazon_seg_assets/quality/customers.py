"""Verdicts on customers, clusters and segments."""

from __future__ import annotations

import pandas as pd

from amazon_seg_assets.quality.tables import total_kept
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.transforms.totals import MAX_RECENCY_DAYS, Totals

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


def one_each(what: str, odd: int, customers: int) -> Verdict:
    """Judges whether each customer is in exactly one cluster or segment.

    Args:
        what: ``cluster`` or ``segment``.
        odd: customers who are in none or in more than one.
        customers: all there are.
    """
    return Verdict(
        odd, 0, f"{odd:,} of {customers:,} customers are in no {what} or in more than one."
    )


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
    return total_kept("reviews", before, after)


def monetary_kept(before: float, after: float) -> Verdict:
    """Compares total monetary value, in USD, before and after a step."""
    return Verdict(
        abs(after - before),
        MAX_MONEY_DIFFERENCE,
        f"{after:,.2f} USD after the step, {before:,.2f} before.",
    )


def same_customers(segmented: int, clustered: int, odd: int, in_summary: int) -> Verdict:
    """Judges whether segments and clusters cover the same customers, and their summary all of them.

    Args:
        segmented: customers with a segment.
        clustered: customers with a cluster.
        odd: users who are not exactly once among both.
        in_summary: customers in the summary.
    """
    return Verdict(
        max(odd, abs(segmented - in_summary)),
        0,
        f"{segmented:,} customers have a segment and {clustered:,} a cluster, of which {odd:,} do "
        f"not have one of each; the summary holds {in_summary:,}.",
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
