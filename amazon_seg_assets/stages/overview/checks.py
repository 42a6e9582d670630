"""Checks of what sums up clusters and segments that do not follow from its tables."""

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.derived import totals_of, users_not_once_in_both
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.stages.clusters.tables import CUSTOMER_CLUSTERS
from amazon_seg_assets.stages.overview.tables import SEGMENT_SUMMARY
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS


@check(SEGMENT_SUMMARY)
def segments_and_clusters_cover_the_same_customers(snapshot: Snapshot) -> Verdict:
    """Each customer who has a segment has a cluster, and the other way round."""
    segmented, clustered = totals_of(snapshot, RFM_SEGMENTS, CUSTOMER_CLUSTERS)
    # The summary joins by features: it cannot tell whose they are.
    odd = users_not_once_in_both(snapshot, RFM_SEGMENTS, CUSTOMER_CLUSTERS)
    in_summary = int(snapshot.small(SEGMENT_SUMMARY)["customers"].sum())
    return Verdict(
        max(odd, abs(segmented.customers - in_summary)),
        0,
        f"{segmented.customers:,} customers have a segment and {clustered.customers:,} a cluster, "
        f"of which {odd:,} do not have one of each; the summary holds {in_summary:,}.",
    )
