"""Checks of the clusters that do not follow from their tables."""

from typing import Annotated

from pydantic import Field

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.quality.verdict import Share, Verdict
from amazon_seg_assets.stages.clusters.choice_of_k import clusters_of_chosen_k
from amazon_seg_assets.stages.clusters.tables import CLUSTER_CENTERS, K_SWEEP

MIN_CLUSTER_SHARE = 0.02
"""Below it a cluster is a few outliers; the smallest of the original analysis holds 15 %."""

MIN_SILHOUETTE = 0.45
"""By squared distances, which read higher than plain ones: K-Means makes 0.33 to 0.44 of a single
cloud in three features, so below it there need be no clusters at all."""


@check(K_SWEEP, blocking=False)
def silhouette_high_enough(
    snapshot: Snapshot,
    *,
    min_silhouette: Annotated[
        float, Field(description="Lowest mean silhouette of the chosen k.", ge=-1, le=1)
    ] = MIN_SILHOUETTE,
) -> Verdict:
    """The clusters of the chosen k are apart from each other."""
    sweep = snapshot.small(K_SWEEP)
    silhouette = float(sweep.loc[sweep["chosen"], "silhouette"].item())
    sentence = f"The mean silhouette is {silhouette:.3f}, by squared Euclidean distance."
    return Verdict(silhouette, min_silhouette, sentence, at_least=True)


@check(CLUSTER_CENTERS, blocking=False)
def no_tiny_cluster(
    snapshot: Snapshot,
    *,
    min_cluster_share: Annotated[
        Share, Field(description="Smallest share of the customers that a cluster may hold.")
    ] = MIN_CLUSTER_SHARE,
) -> Verdict:
    """No cluster of the chosen k is too small to address."""
    clusters = clusters_of_chosen_k(snapshot.small(K_SWEEP), snapshot.small(CLUSTER_CENTERS))
    smallest = clusters.loc[clusters["customers"].idxmin()]
    share = float(smallest["customers"] / clusters["customers"].sum())
    return Verdict(
        share,
        min_cluster_share,
        f"The smallest cluster, {smallest['cluster_label']}, holds {smallest['customers']:,} "
        f"customers ({share:.1%}).",
        at_least=True,
    )
