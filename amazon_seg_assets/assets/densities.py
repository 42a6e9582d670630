"""Counts of customers in bins: what the pictures of all customers are drawn from."""

import pandas as pd
from dagster import AssetExecutionContext
from pyspark.sql import DataFrame

from amazon_seg_assets.assets.declaration import seg_asset, table_spec
from amazon_seg_assets.assets.metadata import report_table
from amazon_seg_assets.plots.features import FEATURES
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.storage.footers import Stats, read_stats
from amazon_seg_assets.storage.small_tables import write_small
from amazon_seg_assets.storage.spark_tables import read_table, write_snapshot
from amazon_seg_assets.tables.customers import CUSTOMER_CLUSTERS, RFM_FEATURES
from amazon_seg_assets.tables.densities import CLUSTER_DENSITY, RFM_HISTOGRAMS
from amazon_seg_assets.tables.features import FEATURE_COLUMNS
from amazon_seg_assets.transforms import density

_LOG = "_log"


@seg_asset(
    table_spec(
        CLUSTER_DENSITY, group="clustering", kinds={"pyspark"}, deps=[CUSTOMER_CLUSTERS.name]
    ),
    for_pictures=True,
)
def cluster_density(
    context: AssetExecutionContext, spark: SparkResource, storage: StoreResource
) -> None:
    """Counts the customers of each cluster in bins."""
    store, edges = storage.store, {name: feature.edges for name, feature in FEATURES.items()}
    for snapshot in context.partition_keys:
        columns = ["cluster", "cluster_label", *edges]
        clustered = read_table(spark.spark_session, store, CUSTOMER_CLUSTERS, [snapshot], columns)
        counted = density.cluster_density(clustered, edges)
        stats = write_snapshot(counted, store, CLUSTER_DENSITY, snapshot)
        context.add_asset_metadata(
            report_table(store, CLUSTER_DENSITY, stats, snapshot), partition_key=snapshot
        )


@seg_asset(
    table_spec(RFM_HISTOGRAMS, group="rfm", kinds={"pyspark"}, deps=[RFM_FEATURES.name]),
    for_pictures=True,
)
def rfm_histograms(
    context: AssetExecutionContext, spark: SparkResource, storage: StoreResource
) -> None:
    """Counts customers in bins of each feature, before and after the transformation."""
    store = storage.store
    for snapshot in context.partition_keys:
        features = read_table(spark.spark_session, store, RFM_FEATURES, [snapshot], FEATURE_COLUMNS)
        stats = read_stats(store.path(RFM_FEATURES.name, snapshot))
        written = write_small(_histograms(features, stats), store, RFM_HISTOGRAMS, snapshot)
        context.add_asset_metadata(
            report_table(store, RFM_HISTOGRAMS, written, snapshot), partition_key=snapshot
        )


def _histograms(features: DataFrame, stats: Stats) -> pd.DataFrame:
    bins = {
        column: density.equal_bins(
            stats.minimum[column], stats.maximum[column], column in ("recency", "frequency")
        )
        for column in FEATURE_COLUMNS
    }
    counted = density.histograms(features, bins)
    return counted.assign(
        feature=counted["column"].str.removesuffix(_LOG),
        transformed=counted["column"].str.endswith(_LOG),
    )
