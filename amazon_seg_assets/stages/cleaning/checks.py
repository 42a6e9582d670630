"""Checks of the clean tables that do not follow from their declarations."""

from typing import Annotated

from pydantic import Field

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.quality.tables import MIN_ROWS_FOR_SHARES
from amazon_seg_assets.quality.verdict import Share, Verdict
from amazon_seg_assets.stages.cleaning.tables import CLEAN_REVIEWS

MAX_DUPLICATE_SHARE = 0.1
"""Of verified reviews, in a month; 1.09 % of all published reviews are exact duplicates."""


@check(CLEAN_REVIEWS, blocking=False)
def few_duplicates(
    snapshot: Snapshot,
    *,
    max_duplicate_share: Annotated[
        Share,
        Field(
            description="Largest share of a month's verified reviews that may be exact duplicates."
        ),
    ] = MAX_DUPLICATE_SHARE,
) -> Verdict:
    """Few of a month's verified reviews are exact duplicates of another."""
    facts = snapshot.facts(CLEAN_REVIEWS, "raw", "not_verified", "duplicate")
    verified, duplicates = facts["raw"] - facts["not_verified"], facts["duplicate"]
    if verified < MIN_ROWS_FOR_SHARES:
        sentence = f"{verified:,} reviews are too few to judge duplicates."
        return Verdict(0.0, max_duplicate_share, sentence)
    share = duplicates / verified
    return Verdict(
        share,
        max_duplicate_share,
        f"{duplicates:,} of {verified:,} verified reviews ({share:.2%}) repeat.",
    )
