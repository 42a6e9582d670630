"""Checks of the segments that do not follow from their tables."""

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.stages.segments.scheme_used import scheme_of
from amazon_seg_assets.stages.segments.scoring import SEGMENT
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.stages.segments.ties import count_split

MAX_SPLIT_SHARE = 0.0
"""Most customers whose equals may get another segment: equals are to be treated equally."""

ANY_SHARE = 1.0
"""Most such customers under a scheme that splits ties by its own rules."""


@check(RFM_SEGMENTS, blocking=False)
def equal_customers_get_equal_segments(snapshot: Snapshot) -> Verdict:
    """Customers with the same features are in the same segment, unless the scheme splits ties."""
    scheme = scheme_of(snapshot)
    segments = snapshot.read(RFM_SEGMENTS, [*FEATURES, SEGMENT])
    split, customers = count_split(segments, FEATURES, SEGMENT), snapshot.rows(RFM_SEGMENTS)
    share = split / customers if customers else 0.0
    found = f"{split:,} of {customers:,} customers ({share:.1%}) have an equal in another segment"
    if scheme.splits_ties:
        meant = f"{found}, as the scheme {scheme.name} cuts customers into tiles of equal size."
        return Verdict(share, ANY_SHARE, meant)
    return Verdict(share, MAX_SPLIT_SHARE, f"{found}.")
