"""How good the clusters and the segments are, and what separating equal customers does."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dagster import (
    AssetExecutionContext,
    Config,
    MetadataValue,
)
from pydantic import Field
from pyspark.sql import DataFrame

from amazon_seg_assets.assets.declaration import seg_asset, table_spec
from amazon_seg_assets.assets.metadata import markdown_frame, report_table
from amazon_seg_assets.assets.plots import plot_asset
from amazon_seg_assets.assets.segmentation import cut_points
from amazon_seg_assets.plots.picture import Picture
from amazon_seg_assets.plots.segments import scheme_comparison as draw_comparison
from amazon_seg_assets.plots.style import Scope
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.rules.scheme import BUILT_IN_SCHEMES, Scheme, load_scheme
from amazon_seg_assets.storage.figures import require_figures
from amazon_seg_assets.storage.footers import read_stats
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.small_tables import read_small, write_small
from amazon_seg_assets.storage.spark_tables import read_table
from amazon_seg_assets.tables.customers import (
    CLUSTER_CENTERS,
    K_SWEEP,
    RFM_FEATURES,
    SEGMENT_SUMMARY,
)
from amazon_seg_assets.tables.validation import CLUSTER_VALIDATION, SCHEME_COMPARISON
from amazon_seg_assets.transforms import scoring, ties, validation
from amazon_seg_assets.transforms.agreement import (
    adjusted_rand,
    balance,
    normalized_mutual_information,
)
from amazon_seg_assets.transforms.collapse import CUSTOMERS, collapse
from amazon_seg_assets.transforms.points import Standardization, collect_points
from amazon_seg_assets.transforms.rfm import FEATURES, TRANSFORMED_FEATURES
from amazon_seg_assets.transforms.summary import by_cluster, clusters_of_chosen_k
from amazon_seg_assets.transforms.sweep import Starts

_SCHEMES = ("standard", "notebook")
_SEGMENTS = [
    *(scoring.outcome(scoring.SEGMENT, scheme) for scheme in _SCHEMES),
    "notebook_rules_segment",
]


class ValidationConfig(Config):
    """How the stability of the clusters is tried."""

    resamples: int = Field(
        validation.DEFAULT_RESAMPLES, description="Resamples of the customers.", ge=1, le=1000
    )
    seed: int = Field(42, description="Seed of the resamples.", ge=0)


@seg_asset(
    table_spec(
        CLUSTER_VALIDATION,
        group="validation",
        kinds={"pyspark", "scikitlearn"},
        deps=[K_SWEEP.name, CLUSTER_CENTERS.name, SEGMENT_SUMMARY.name, RFM_FEATURES.name],
        code_version="3",
    )
)
def cluster_validation(
    context: AssetExecutionContext,
    config: ValidationConfig,
    spark: SparkResource,
    storage: StoreResource,
) -> None:
    """Measures sizes, separation, agreement with segments, and stability of the clusters."""
    store = storage.store
    for snapshot in context.partition_keys:
        sweep = read_small(store, K_SWEEP, snapshot)
        centers = clusters_of_chosen_k(sweep, read_small(store, CLUSTER_CENTERS, snapshot))
        summary = read_small(store, SEGMENT_SUMMARY, snapshot)
        customers = read_table(spark.spark_session, store, RFM_FEATURES, [snapshot])
        count = read_stats(store.path(RFM_FEATURES.name, snapshot)).rows
        how = require_figures(store, K_SWEEP.name, snapshot, "starts", "max_points")
        starts = replace(Starts(**how["starts"]), seed=config.seed)
        first = centers.iloc[0]
        found = validation.stability(
            validation.bootstrap(
                spark.spark_session,
                collect_points(customers, count, how["max_points"]),
                Standardization(
                    tuple(first[[f"{name}_mean" for name in TRANSFORMED_FEATURES]]),
                    tuple(first[[f"{name}_sd" for name in TRANSFORMED_FEATURES]]),
                ),
                centers[[f"{name}_center" for name in TRANSFORMED_FEATURES]].to_numpy(float),
                starts,
                config.resamples,
            )
        )
        table = validation.validate_clusters(centers, by_cluster(summary), found.survival)
        shares, chosen = table["share"], sweep[sweep["chosen"]].iloc[0]
        evenness = balance(table["customers"].to_numpy())
        contingency = validation.contingency(summary)
        rand = adjusted_rand(contingency.to_numpy())
        information = normalized_mutual_information(contingency.to_numpy())
        silhouette, iterations = float(chosen["silhouette"]), int(chosen["iterations"])
        converged = bool(chosen["converged"])
        sentences = (
            validation.say_sizes(shares.tolist(), evenness),
            validation.say_silhouette(silhouette),
            validation.say_stability(found),
            validation.say_convergence(converged, iterations),
            validation.say_agreement(rand, information),
        )
        figures = {
            "silhouette": silhouette,
            "segments_adjusted_rand": rand,
            "segments_mutual_information": information,
            "surviving_share_mean": float(found.survivors.mean()),
        }
        words = {
            "sentences": sentences,
            "silhouette_in_words": validation.in_words(silhouette, validation.SILHOUETTE_WORDS),
            "agreement_in_words": validation.in_words(rand, validation.RAND_WORDS),
        }
        context.add_asset_metadata(
            report_table(
                store,
                CLUSTER_VALIDATION,
                write_small(table, store, CLUSTER_VALIDATION, snapshot, figures | words),
                snapshot,
                what_it_means=MetadataValue.md("\n".join(f"- {line}" for line in sentences)),
                clusters=MetadataValue.md(markdown_frame(table[CLUSTER_VALIDATION.column_names])),
                smallest_share=float(shares.min()),
                largest_share=float(shares.max()),
                balance=evenness,
                converged=converged,
                iterations=iterations,
                clusters_by_segments=MetadataValue.md(markdown_frame(contingency.reset_index())),
                resamples=config.resamples,
                stability_adjusted_rand_mean=float(found.adjusted_rand.mean()),
                stability_adjusted_rand_sd=found.spread,
                stability_adjusted_rand_min=float(found.adjusted_rand.min()),
                surviving_share_min=float(found.survivors.min()),
                **figures,
            ),
            partition_key=snapshot,
        )


@seg_asset(
    table_spec(
        SCHEME_COMPARISON,
        group="validation",
        kinds={"pyspark"},
        deps=[RFM_FEATURES.name],
        code_version="-".join(["1", *(load_scheme(name).fingerprint for name in BUILT_IN_SCHEMES)]),
    )
)
def scheme_comparison(
    context: AssetExecutionContext, spark: SparkResource, storage: StoreResource
) -> None:
    """Segments the customers by both schemes, and counts those whom each separates from equals."""
    store = storage.store
    standard, notebook = load_scheme("standard"), load_scheme("notebook")
    for snapshot in context.partition_keys:
        columns = ["user_id", *FEATURES]
        customers = read_table(spark.spark_session, store, RFM_FEATURES, [snapshot], columns)
        # Read by each of the counts below, so not in as many partitions as a cluster's shuffle.
        cores = spark.spark_session.sparkContext.defaultParallelism
        both = _segment_by_both(customers, standard, notebook).coalesce(cores).persist()
        segments = list(dict.fromkeys([*standard.segments, *notebook.segments]))
        try:
            counts = ties.count_segments(both, _SEGMENTS)
            figures = _ties(both, segments)
        finally:
            both.unpersist()
        table = ties.compare_segments(counts, segments)
        context.add_asset_metadata(
            report_table(
                store,
                SCHEME_COMPARISON,
                write_small(table, store, SCHEME_COMPARISON, snapshot, figures),
                snapshot,
                segments=MetadataValue.md(markdown_frame(table)),
                **figures,
                **{
                    f"{what}_{where}": find(table, against)
                    for what, find in (("starved", ties.starved), ("swollen", ties.swollen))
                    for where, against in (
                        ("against_standard", "standard_customers"),
                        ("by_scores", "notebook_rules_customers"),
                    )
                },
            ),
            partition_key=snapshot,
        )


def _segment_by_both(customers: DataFrame, standard: Scheme, notebook: Scheme) -> DataFrame:
    """Scores and segments by both schemes, and by the notebook's rules on the standard's scores.

    Equal customers are one row, but for those whom the notebook scheme separates.
    """
    cuts = cut_points([standard, notebook], customers)
    tiled = collapse(scoring.score(customers, cuts[1]), [*FEATURES, *scoring.SCORES.values()])
    by_notebook = scoring.keep_as(scoring.assign_segments(tiled, notebook.cells), "notebook")
    honest = scoring.score(by_notebook, cuts[0])
    by_rules = scoring.assign_segments(honest, notebook.cells).withColumnRenamed(
        scoring.SEGMENT, _SEGMENTS[2]
    )
    both = scoring.keep_as(scoring.assign_segments(by_rules, standard.cells), "standard")
    scores = [scoring.outcome(score, s) for s in _SCHEMES for score in scoring.SCORES.values()]
    return both.select(*FEATURES, *_SEGMENTS, *scores, CUSTOMERS)


def _ties(both: DataFrame, segments: Sequence[str]) -> dict[str, Any]:
    """Figures of the equal customers whom each scheme separates, and what they mean."""
    whole = ties.find_ties(both, FEATURES, dict.fromkeys(_SEGMENTS[:2], segments))
    possible = range(1, scoring.TOP_SCORE + 1)
    by_feature = {
        feature: ties.find_ties(
            both, [feature], {scoring.outcome(score, scheme): possible for scheme in _SCHEMES}
        )
        for feature, score in scoring.SCORES.items()
    }
    figures: dict[str, Any] = {}
    for scheme in _SCHEMES:
        of_all = whole[scoring.outcome(scoring.SEGMENT, scheme)]
        scores = {
            feature: by_feature[feature][scoring.outcome(score, scheme)]
            for feature, score in scoring.SCORES.items()
        }
        figures |= {
            f"{scheme}_what_it_means": ties.say_ties(scheme, of_all, scores["frequency"]),
            f"{scheme}_equals_in_other_segments": of_all.separated,
            f"{scheme}_equals_in_other_segments_share": of_all.share,
        }
        for feature, found in scores.items():
            figures |= {
                f"{scheme}_equal_{feature}_other_score": found.separated,
                f"{scheme}_equal_{feature}_other_score_share": found.share,
                f"{scheme}_equal_{feature}_most_scores": found.outcomes,
            }
    return figures


def _comparison(store: Store, snapshot: str, scope: Scope) -> Picture:
    table = read_small(store, SCHEME_COMPARISON, snapshot)
    return draw_comparison(
        table.rename(columns={f"{name}_customers": name for name in ("standard", "notebook")}),
        scope,
    )


scheme_comparison_plot = plot_asset(
    "scheme_comparison_plot",
    "Customers of each segment under the standard and the notebook scheme.",
    [SCHEME_COMPARISON],
    _comparison,
)
