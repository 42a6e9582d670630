"""The RFM features of each customer."""

from datetime import date
from typing import Any

from dagster import AssetDep, AssetExecutionContext, Config
from pydantic import Field
from pyspark.sql import Observation

from amazon_seg_assets.assets.declaration import seg_asset, table_spec
from amazon_seg_assets.assets.metadata import dropped, report_table
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.partitions import SNAPSHOT_NEEDS, snapshot_months
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.storage.figures import read_figures
from amazon_seg_assets.storage.footers import Stats, read_stats
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.spark_tables import read_table, write_snapshot
from amazon_seg_assets.tables.clean import JOINED_REVIEWS
from amazon_seg_assets.tables.customers import RFM_FEATURES
from amazon_seg_assets.transforms import rfm


class RfmConfig(Config):
    """Which reviews count."""

    min_price: float = Field(
        0.25, description="A review counts if its product's price is above this, in USD.", ge=0
    )


@seg_asset(
    table_spec(
        RFM_FEATURES,
        group="rfm",
        kinds={"pyspark"},
        deps=[AssetDep(JOINED_REVIEWS.name, partition_mapping=SNAPSHOT_NEEDS)],
    )
)
def rfm_features(
    context: AssetExecutionContext,
    config: RfmConfig,
    spark: SparkResource,
    storage: StoreResource,
) -> None:
    """Derives the features of the snapshots asked for."""
    for snapshot in context.partition_keys:
        context.add_asset_metadata(
            _derive(spark, storage.store, snapshot, config.min_price), partition_key=snapshot
        )


def _derive(spark: SparkResource, store: Store, snapshot: str, min_price: float) -> dict[str, Any]:
    """Stores the features of a snapshot; returns metadata."""
    last_day = last_review_day(store, snapshot)
    columns = ["user_id", "timestamp", "price"]
    months = snapshot_months(snapshot)
    joined = read_table(spark.spark_session, store, JOINED_REVIEWS, months, columns)
    counts, shape = Observation(), Observation()
    features = rfm.rfm_features(joined, last_day, min_price, counts)
    described = features.observe(shape, *rfm.shape_statistics())

    def figures(stats: Stats) -> dict[str, Any]:
        if stats.rows == 0:
            raise InputError(_no_customers(store.category, last_day, min_price, counts.get))
        return {
            "customers": stats.rows,
            "window_start": str(rfm.window_start(last_day)),
            "window_end": str(last_day),
            "min_price": min_price,
            **counts.get,
            # Without variance there is no skewness.
            **{name: figure for name, figure in shape.get.items() if figure is not None},
        }

    stats = write_snapshot(described, store, RFM_FEATURES, snapshot, figures)
    stored = read_figures(store, RFM_FEATURES.name, snapshot)
    return report_table(
        store,
        RFM_FEATURES,
        stats,
        snapshot,
        reviews_in_window=stored.pop("in_window"),
        unpriced_share=counts.get["no_price"] / counts.get["in_window"],
        **dropped({reason: stored.pop(reason) for reason in rfm.DROP_REASONS}),
        **stored,
    )


def last_review_day(store: Store, snapshot: str) -> date:
    """L: the date, in UTC, of the latest clean review of the snapshot month.

    Raises:
        InputError: the month has no clean reviews, or has not been materialized.
    """
    store.require(JOINED_REVIEWS.name, [snapshot])
    stats = read_stats(store.path(JOINED_REVIEWS.name, snapshot))
    if stats.rows == 0:
        raise InputError(
            f"There is no snapshot {snapshot} of {store.category}: the month has no reviews of "
            "verified purchases; choose a month that has."
        )
    latest: date = stats.maximum["timestamp"].date()
    return latest


def _no_customers(category: str, last_day: date, min_price: float, counts: dict[str, int]) -> str:
    return (
        f"Nobody in {category} can be segmented as of {last_day}: of the {counts['in_window']:,} "
        f"verified reviews since {rfm.window_start(last_day)}, {counts['no_price']:,} are of "
        f"products without a price, {counts['low_price']:,} of products at {min_price:g} USD or "
        f"less and {counts['no_user']:,} without a user; choose another category or snapshot."
    )
