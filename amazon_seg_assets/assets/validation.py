"""How good the clusters and the segments are, and what separating equal customers does."""

from dataclasses import replace

from dagster import (
    AssetExecutionContext,
    Config,
    MetadataValue,
)
from pydantic import Field

from amazon_seg_assets.assets.declaration import seg_asset, table_spec
from amazon_seg_assets.assets.metadata import markdown_frame, report_table
from amazon_seg_assets.assets.plots import plot_asset
from amazon_seg_assets.plots.picture import Picture
from amazon_seg_assets.plots.segments import scheme_comparison as draw_comparison
from amazon_seg_assets.plots.style import Scope
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.rules.scheme import BUILT_IN_SCHEMES, load_scheme
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
from amazon_seg_assets.tables.features import CENTERS, FEATURES
from amazon_seg_assets.tables.validation import CLUSTER_VALIDATION, SCHEME_COMPARISON
from amazon_seg_assets.transforms import ties, validation
from amazon_seg_assets.transforms.lloyd import LARGEST_SEED, Starts
from amazon_seg_assets.transforms.points import Standardization, collect_points
from amazon_seg_assets.transforms.summary import clusters_of_chosen_k


class ValidationConfig(Config):
    """How the stability of the clusters is tried."""

    resamples: int = Field(
        validation.DEFAULT_RESAMPLES, description="Resamples of the customers.", ge=1, le=1000
    )
    seed: int = Field(42, description="Seed of the resamples.", ge=0, le=LARGEST_SEED)


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
    store, session = storage.store, spark.spark_session
    for snapshot in context.partition_keys:
        sweep = read_small(store, K_SWEEP, snapshot)
        centers = clusters_of_chosen_k(sweep, read_small(store, CLUSTER_CENTERS, snapshot))
        customers = read_table(session, store, RFM_FEATURES, [snapshot])
        count = read_stats(store.path(RFM_FEATURES.name, snapshot)).rows
        how = require_figures(store, K_SWEEP.name, snapshot, "starts", "max_points")
        resampled = validation.bootstrap(
            session,
            collect_points(customers, count, how["max_points"]),
            Standardization.from_row(centers.iloc[0]),
            centers[CENTERS].to_numpy(float),
            replace(Starts(**how["starts"]), seed=config.seed),
            config.resamples,
        )
        found = validation.validate(
            sweep,
            centers,
            read_small(store, SEGMENT_SUMMARY, snapshot),
            validation.stability(resampled),
        )
        kept = found.figures | found.words | {"sentences": found.sentences}
        context.add_asset_metadata(
            report_table(
                store,
                CLUSTER_VALIDATION,
                write_small(found.table, store, CLUSTER_VALIDATION, snapshot, kept),
                snapshot,
                what_it_means=MetadataValue.md("\n".join(f"- {line}" for line in found.sentences)),
                clusters=MetadataValue.md(
                    markdown_frame(found.table[CLUSTER_VALIDATION.column_names])
                ),
                clusters_by_segments=MetadataValue.md(
                    markdown_frame(found.contingency.reset_index())
                ),
                **found.figures,
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
        both = ties.segment_by_both(customers, standard, notebook).coalesce(cores).persist()
        segments = list(dict.fromkeys([*standard.segments, *notebook.segments]))
        try:
            counts = ties.count_segments(both, ties.SEGMENT_COLUMNS)
            figures = ties.figures_of_ties(both, segments)
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
