"""Checks of the segments that do not follow from their tables."""

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.stages.segments.scoring import SEGMENT
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.stages.segments.ties import count_split

MAX_SPLIT_SHARE = 0.0
"""Most customers whose equals may get another segment: equals are to be treated equally."""


@check(RFM_SEGMENTS, blocking=False)
def equal_customers_get_equal_segments(snapshot: Snapshot) -> Verdict:
    """Customers with the same recency, frequency and monetary value are in the same segment."""
    segments = snapshot.read(RFM_SEGMENTS, [*FEATURES, SEGMENT])
    split, customers = count_split(segments, FEATURES, SEGMENT), snapshot.rows(RFM_SEGMENTS)
    share = split / customers if customers else 0.0
    return Verdict(
        share,
        MAX_SPLIT_SHARE,
        f"{split:,} of {customers:,} customers ({share:.1%}) have an equal in another segment.",
    )
