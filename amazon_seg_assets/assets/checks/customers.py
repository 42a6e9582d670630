"""The checks of what is known of customers: features, clusters, segments and their summary."""

from functools import partial

from dagster import AssetCheckExecutionContext, Config
from pydantic import Field
from pyspark.sql import DataFrame

from amazon_seg_assets.assets.checks.common import (
    customers_check,
    figures_of,
    frequency_check,
    judge_schemas,
    monetary_check,
    schema_check,
    stats_of,
)
from amazon_seg_assets.assets.checks.declaration import Check, Verdicts, seg_checks
from amazon_seg_assets.quality import customers, tables
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.small_tables import read_small
from amazon_seg_assets.storage.spark_tables import read_table
from amazon_seg_assets.tables.customers import (
    CLUSTER_CENTERS,
    CUSTOMER_CLUSTERS,
    K_SWEEP,
    RFM_FEATURES,
    RFM_SEGMENTS,
    SEGMENT_SUMMARY,
)
from amazon_seg_assets.tables.features import FEATURES
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.transforms.rfm import DROP_REASONS
from amazon_seg_assets.transforms.scoring import SEGMENT
from amazon_seg_assets.transforms.summary import clusters_of_chosen_k
from amazon_seg_assets.transforms.ties import count_separated
from amazon_seg_assets.transforms.totals import (
    CUSTOMER_COLUMNS,
    MAX_RECENCY_DAYS,
    customer_totals,
    not_once_in_both,
    repeated,
)


class RfmChecks(Config):
    """What is tolerated in the reviews that make the features."""

    max_unpriced_share: float = Field(
        customers.MAX_UNPRICED_SHARE,
        description="Largest share of the window's reviews that may be of unpriced products.",
        ge=0,
        le=1,
    )


UNIQUE_CUSTOMERS = Check(RFM_FEATURES.name, "user_id_unique", "No customer is there twice.")
IN_RANGE = Check(
    RFM_FEATURES.name,
    "features_in_range",
    f"Recency is 1 to {MAX_RECENCY_DAYS} days, frequency 1 or more, monetary above 0.",
)
FEW_UNPRICED = Check(
    RFM_FEATURES.name,
    "few_unpriced_reviews",
    "Most reviews of the window are of products with a price.",
    blocking=False,
)


@seg_checks(
    "rfm_features_checks",
    [
        schema_check(RFM_FEATURES),
        UNIQUE_CUSTOMERS,
        IN_RANGE,
        frequency_check(RFM_FEATURES),
        monetary_check(RFM_FEATURES),
        FEW_UNPRICED,
    ],
)
def rfm_features_checks(
    context: AssetCheckExecutionContext,
    config: RfmChecks,
    spark: SparkResource,
    storage: StoreResource,
) -> dict[str, Verdicts]:
    """Judges the features of each snapshot: two aggregates, of the keys and of the features."""
    store = storage.store

    def of_snapshot(snapshot: str) -> Verdicts:
        stats, figures = (
            stats_of(store, RFM_FEATURES, snapshot),
            figures_of(store, RFM_FEATURES, snapshot),
        )
        features = _customers_of(spark, store, RFM_FEATURES, snapshot)
        [totals] = customer_totals(features)
        counted = figures["in_window"] - sum(figures[reason] for reason in DROP_REASONS)
        return {
            schema_check(RFM_FEATURES): tables.schema_as_declared(RFM_FEATURES, stats),
            UNIQUE_CUSTOMERS: tables.none_repeated(
                "user_id", repeated(features, "user_id", stats.rows), stats.rows
            ),
            IN_RANGE: customers.features_in_range(totals),
            frequency_check(RFM_FEATURES): customers.frequency_kept(counted, totals.frequency),
            monetary_check(RFM_FEATURES): customers.monetary_kept(
                figures["counted_usd"], totals.monetary
            ),
            FEW_UNPRICED: customers.few_unpriced(
                figures["no_price"], figures["in_window"], config.max_unpriced_share
            ),
        }

    return {snapshot: of_snapshot(snapshot) for snapshot in context.partition_keys}


def _customers_of(spark: SparkResource, store: Store, table: Table, snapshot: str) -> DataFrame:
    return read_table(spark.spark_session, store, table, [snapshot], CUSTOMER_COLUMNS)


class ClusterChecks(Config):
    """What is tolerated in clusters."""

    min_cluster_share: float = Field(
        customers.MIN_CLUSTER_SHARE,
        description="Smallest share of the customers that a cluster may hold.",
        ge=0,
        le=1,
    )
    min_silhouette: float = Field(
        customers.MIN_SILHOUETTE,
        description="Lowest mean silhouette of the chosen k.",
        ge=-1,
        le=1,
    )


CLUSTERS_APART = Check(
    K_SWEEP.name,
    "silhouette_high_enough",
    "The clusters of the chosen k are apart from each other.",
    blocking=False,
)
NO_TINY_CLUSTER = Check(
    CLUSTER_CENTERS.name,
    "no_tiny_cluster",
    "No cluster of the chosen k is too small to address.",
    blocking=False,
)


@seg_checks(
    "k_sweep_checks",
    [
        schema_check(K_SWEEP),
        CLUSTERS_APART,
        schema_check(CLUSTER_CENTERS),
        customers_check(CLUSTER_CENTERS),
        NO_TINY_CLUSTER,
    ],
)
def k_sweep_checks(
    context: AssetCheckExecutionContext, config: ClusterChecks, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the sweep and the clusters of each k, which are small tables."""
    store = storage.store

    def of_snapshot(snapshot: str) -> Verdicts:
        sweep = read_small(store, K_SWEEP, snapshot)
        centers = read_small(store, CLUSTER_CENTERS, snapshot)
        silhouette = float(sweep.loc[sweep["chosen"], "silhouette"].item())
        return {
            **judge_schemas(store, [K_SWEEP, CLUSTER_CENTERS], snapshot),
            CLUSTERS_APART: customers.clusters_apart(silhouette, config.min_silhouette),
            customers_check(CLUSTER_CENTERS): tables.totals_kept(
                "customers",
                figures_of(store, CLUSTER_CENTERS, snapshot).get("customers_of_part")
                or stats_of(store, RFM_FEATURES, snapshot).rows,
                centers.groupby("k")["customers"].sum(),
            ),
            NO_TINY_CLUSTER: customers.no_tiny_cluster(
                clusters_of_chosen_k(sweep, centers), config.min_cluster_share
            ),
        }

    return {snapshot: of_snapshot(snapshot) for snapshot in context.partition_keys}


ONE_EACH = {
    table: Check(table.name, f"one_{what}_each", f"Each customer is in exactly one {what}.")
    for table, what in ((CUSTOMER_CLUSTERS, "cluster"), (RFM_SEGMENTS, "segment"))
}


def _of_customers(table: Table) -> list[Check]:
    return [schema_check(table), ONE_EACH[table], frequency_check(table), monetary_check(table)]


def _judge_customers(
    spark: SparkResource, store: Store, table: Table, what: str, snapshot: str
) -> Verdicts:
    """Judges what was made of `rfm_features` by holding it against it, in one aggregate."""
    features = _customers_of(spark, store, RFM_FEATURES, snapshot)
    found = _customers_of(spark, store, table, snapshot)
    before, after = customer_totals(features, found)
    odd = not_once_in_both(features, found, before, after)
    return {
        **judge_schemas(store, [table], snapshot),
        ONE_EACH[table]: customers.one_each(what, odd, before.customers),
        frequency_check(table): customers.frequency_kept(before.frequency, after.frequency),
        monetary_check(table): customers.monetary_kept(before.monetary, after.monetary),
    }


@seg_checks("customer_clusters_checks", _of_customers(CUSTOMER_CLUSTERS))
def customer_clusters_checks(
    context: AssetCheckExecutionContext, spark: SparkResource, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the cluster of each customer."""
    judge = partial(_judge_customers, spark, storage.store, CUSTOMER_CLUSTERS, "cluster")
    return {snapshot: judge(snapshot) for snapshot in context.partition_keys}


EQUALS_TOGETHER = Check(
    RFM_SEGMENTS.name,
    "equal_customers_get_equal_segments",
    "Customers with the same recency, frequency and monetary value are in the same segment.",
    blocking=False,
)


@seg_checks("rfm_segments_checks", [*_of_customers(RFM_SEGMENTS), EQUALS_TOGETHER])
def rfm_segments_checks(
    context: AssetCheckExecutionContext, spark: SparkResource, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the segment of each customer."""
    store = storage.store

    def of_snapshot(snapshot: str) -> Verdicts:
        columns = [*FEATURES, SEGMENT]
        segments = read_table(spark.spark_session, store, RFM_SEGMENTS, [snapshot], columns)
        return {
            **_judge_customers(spark, store, RFM_SEGMENTS, "segment", snapshot),
            EQUALS_TOGETHER: customers.equals_together(
                count_separated(segments, FEATURES, SEGMENT),
                stats_of(store, RFM_SEGMENTS, snapshot).rows,
            ),
        }

    return {snapshot: of_snapshot(snapshot) for snapshot in context.partition_keys}


SAME_CUSTOMERS = Check(
    SEGMENT_SUMMARY.name,
    "segments_and_clusters_cover_the_same_customers",
    "Each customer who has a segment has a cluster, and the other way round.",
)


@seg_checks(
    "segment_summary_checks",
    [
        schema_check(SEGMENT_SUMMARY),
        SAME_CUSTOMERS,
        frequency_check(SEGMENT_SUMMARY),
        monetary_check(SEGMENT_SUMMARY),
    ],
)
def segment_summary_checks(
    context: AssetCheckExecutionContext, spark: SparkResource, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the small table of segments and clusters against the customers that it sums up."""
    store = storage.store

    def of_snapshot(snapshot: str) -> Verdicts:
        summary = read_small(store, SEGMENT_SUMMARY, snapshot)
        segments = _customers_of(spark, store, RFM_SEGMENTS, snapshot)
        clusters = _customers_of(spark, store, CUSTOMER_CLUSTERS, snapshot)
        # The summary joins by features: it cannot tell whose they are.
        before, clustered = customer_totals(segments, clusters)
        return {
            **judge_schemas(store, [SEGMENT_SUMMARY], snapshot),
            SAME_CUSTOMERS: customers.same_customers(
                before.customers,
                clustered.customers,
                not_once_in_both(segments, clusters, before, clustered),
                int(summary["customers"].sum()),
            ),
            frequency_check(SEGMENT_SUMMARY): customers.frequency_kept(
                before.frequency, int(summary["total_frequency"].sum())
            ),
            monetary_check(SEGMENT_SUMMARY): customers.monetary_kept(
                before.monetary, float(summary["total_monetary"].sum())
            ),
        }

    return {snapshot: of_snapshot(snapshot) for snapshot in context.partition_keys}
