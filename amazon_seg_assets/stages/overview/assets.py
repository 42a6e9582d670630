"""The summary of clusters and segments, its pictures, and the evaluation of clusters."""

from dataclasses import replace

import pandas as pd
from dagster import Config, MetadataValue
from pydantic import Field

from amazon_seg_assets.dag.declaration import plot, snapshot_asset
from amazon_seg_assets.dag.handles import Snapshot, Stored
from amazon_seg_assets.dag.metadata import shown
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.stages.clusters.grouping import ALGORITHM, DOUBTS, SPREADS, Grouping
from amazon_seg_assets.stages.clusters.kmeans import LARGEST_SEED, SearchParams
from amazon_seg_assets.stages.clusters.points import collect_points, part_of
from amazon_seg_assets.stages.clusters.tables import CLUSTER_CENTERS, CUSTOMER_CLUSTERS, K_SWEEP
from amazon_seg_assets.stages.overview import evaluation, plots, summary, treemap
from amazon_seg_assets.stages.overview.other_k import other_k, regrouped
from amazon_seg_assets.stages.overview.tables import CLUSTER_VALIDATION, SEGMENT_SUMMARY
from amazon_seg_assets.stages.rfm.assets import scope
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments.scheme_used import scheme_of
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS

DRAWN_FROM = [SEGMENT_SUMMARY, RFM_SEGMENTS, RFM_FEATURES]


@snapshot_asset(SEGMENT_SUMMARY, reads=[RFM_SEGMENTS, CUSTOMER_CLUSTERS], kinds={"pyspark"})
def segment_summary(snapshot: Snapshot) -> Stored:
    """Sums up customers by cluster, segment and scores."""
    scheme = scheme_of(snapshot)
    segments, clusters = snapshot.read(RFM_SEGMENTS), snapshot.read(CUSTOMER_CLUSTERS)
    summed = summary.segment_summary(segments, clusters).toPandas()
    table = summary.by_segment(summed)
    of_segments = dict(zip(table["segment"], table["share"].tolist(), strict=True))
    shares = dict.fromkeys(scheme.segments, 0.0) | of_segments
    return snapshot.store(summed).telling(
        customers=int(table["customers"].sum()),
        segments=shown(table),
        **{f"share_{name}": share for name, share in shares.items()},
    )


class EvaluationConfig(Config):
    """The trial of the clusters' stability."""

    resamples: int = Field(
        evaluation.DEFAULT_RESAMPLES, description="Resamples of the customers.", ge=1, le=1000
    )
    random_state: int = Field(42, description="Seed of the resamples.", ge=0, le=LARGEST_SEED)


@snapshot_asset(
    CLUSTER_VALIDATION,
    reads=[K_SWEEP, CLUSTER_CENTERS, SEGMENT_SUMMARY, RFM_FEATURES],
    kinds={"pyspark", "scikitlearn"},
    code_version="6",
    comes_last=True,
    check_step="customer_counts_checks",
)
def cluster_validation(snapshot: Snapshot, config: EvaluationConfig) -> Stored:
    """Measures sizes, separation, agreement with segments, and stability of the clusters."""
    sweep, of_all_k = snapshot.small(K_SWEEP), snapshot.small(CLUSTER_CENTERS)
    how = snapshot.facts(K_SWEEP, "search", "max_points", ALGORITHM, DOUBTS, SPREADS)
    chosen = Grouping.chosen(sweep, of_all_k, how)
    customers, parts = part_of(
        snapshot.read(RFM_FEATURES), snapshot.rows(RFM_FEATURES), how["max_points"]
    )
    points = collect_points(customers, parts)
    resampled = evaluation.bootstrap(
        snapshot.spark,
        points,
        chosen,
        how[ALGORITHM],
        replace(SearchParams(**how["search"]), random_state=config.random_state),
        config.resamples,
    )
    other = other_k(sweep)
    by_other_k = (
        None if other is None else regrouped(chosen, Grouping.of_k(other, of_all_k, how), points)
    )
    found = evaluation.evaluate(
        sweep,
        chosen.clusters,
        snapshot.small(SEGMENT_SUMMARY),
        evaluation.stability(resampled),
        by_other_k,
        how[ALGORITHM],
        how[DOUBTS].get(str(len(chosen.clusters)), ""),
    )
    kept = found.figures | found.words | {"sentences": found.sentences}
    return snapshot.store(found.table, facts=kept).telling(
        what_it_means=MetadataValue.md("\n".join(f"- {line}" for line in found.sentences)),
        clusters=shown(found.table[CLUSTER_VALIDATION.column_names]),
        clusters_by_segments=shown(found.contingency.reset_index()),
        clusters_by_other_k=shown(
            pd.DataFrame() if by_other_k is None else by_other_k.reset_index(names="cluster"),
            empty="No other k suggests itself.",
        ),
        **found.figures,
    )


@plot(reads=DRAWN_FROM, section="segments", caption="Customers of each segment, the largest first.")
def segment_counts_plot(snapshot: Snapshot) -> Picture:
    """Customers of each RFM segment."""
    table = summary.by_segment(snapshot.small(SEGMENT_SUMMARY))
    return plots.segment_counts(table, scheme_of(snapshot).colours, scope(snapshot))


@plot(reads=DRAWN_FROM)
def segment_shares_plot(snapshot: Snapshot) -> Picture:
    """Share of customers in each RFM segment, and of what all have spent."""
    table = summary.by_segment(snapshot.small(SEGMENT_SUMMARY))
    return plots.segment_shares(table, scheme_of(snapshot).colours, scope(snapshot))


@plot(reads=DRAWN_FROM, section="brief", caption="Where the money is: average and total spend.")
def segment_money_plot(snapshot: Snapshot) -> Picture:
    """Mean and total monetary value of each RFM segment."""
    table = summary.by_segment(snapshot.small(SEGMENT_SUMMARY))
    renamed = table.rename(columns={"monetary": "mean_monetary"})
    return plots.segment_money(renamed, scheme_of(snapshot).colours, scope(snapshot))


@plot(
    reads=[SEGMENT_SUMMARY, RFM_FEATURES],
    section="schemes",
    caption="Each square is a combination of scores: recency upwards, frequency and spend together "
    "to the right. The darker, the more customers.",
)
def rfm_heatmap_plot(snapshot: Snapshot) -> Picture:
    """Customers and mean monetary value by recency score, and by frequency and monetary score."""
    table = summary.by_cell(snapshot.small(SEGMENT_SUMMARY))
    return plots.rfm_heatmap(table.rename(columns={"monetary": "mean_monetary"}), scope(snapshot))


@plot(
    reads=[SEGMENT_SUMMARY, RFM_FEATURES],
    section="clusters",
    caption="Share of the customers in each cluster.",
)
def cluster_shares_plot(snapshot: Snapshot) -> Picture:
    """Share of customers in each cluster."""
    return plots.cluster_shares(
        summary.by_cluster(snapshot.small(SEGMENT_SUMMARY)), scope(snapshot)
    )


@plot(
    reads=DRAWN_FROM,
    section="clusters",
    caption="Segments within clusters; each area is proportional to its customers.",
)
def segment_treemap_plot(snapshot: Snapshot) -> Picture:
    """RFM segments inside the clusters, as areas."""
    table = summary.by_cluster_and_segment(snapshot.small(SEGMENT_SUMMARY))
    return treemap.segment_treemap(table, scheme_of(snapshot).colours, scope(snapshot))
