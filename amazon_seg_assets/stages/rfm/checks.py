"""Checks of the features that do not follow from their table."""

from typing import Annotated

from pydantic import Field

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.derived import totals_of
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.quality.control_totals import MAX_RECENCY_DAYS
from amazon_seg_assets.quality.verdict import Share, Verdict
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES

MAX_UNPRICED_SHARE = 0.5
"""Above it the monetary value speaks for a minority of the reviews; Electronics has 17 %."""


@check(RFM_FEATURES)
def features_in_range(snapshot: Snapshot) -> Verdict:
    """Recency is 1 to 367 days, frequency 1 or more, monetary above 0."""
    [totals] = totals_of(snapshot, RFM_FEATURES)
    return Verdict(
        totals.outside,
        0,
        f"{totals.outside:,} of {totals.customers:,} customers have a recency outside 1 to "
        f"{MAX_RECENCY_DAYS} days, a frequency below 1, or a monetary value that is not above 0.",
    )


@check(RFM_FEATURES, blocking=False)
def few_unpriced_reviews(
    snapshot: Snapshot,
    *,
    max_unpriced_share: Annotated[
        Share,
        Field(
            description="Largest share of the window's reviews that may be of unpriced products."
        ),
    ] = MAX_UNPRICED_SHARE,
) -> Verdict:
    """Most reviews of the window are of products with a price."""
    facts = snapshot.facts(RFM_FEATURES, "no_price", "in_window")
    unpriced, reviews = facts["no_price"], facts["in_window"]
    share = unpriced / reviews if reviews else 0.0
    return Verdict(
        share,
        max_unpriced_share,
        f"{unpriced:,} of {reviews:,} reviews ({share:.1%}) are of products without a price.",
    )
