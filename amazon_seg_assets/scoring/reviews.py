"""Reviews of customers from elsewhere: their features, churn and value, by Spark.

The reviews become days of customers, and these the features, as in the pipeline.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.scoring.customers import CUSTOMER, USER
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.sources.file import FileSource
from amazon_seg_assets.stages.churn import logistic, scores
from amazon_seg_assets.stages.churn.features import churn_features
from amazon_seg_assets.stages.churn.model_used import stored_model, why_no_model
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA
from amazon_seg_assets.stages.history import transform
from amazon_seg_assets.stages.raw.ingest import ingest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.rfm.transform import window_start
from amazon_seg_assets.stages.value import expectations, histories
from amazon_seg_assets.stages.value.model_used import stored_params, why_no_value
from amazon_seg_assets.stages.value.tables import CUSTOMER_VALUE
from amazon_seg_assets.storage.facts import require_facts
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import spark_path
from amazon_seg_assets.storage.parquet import stored_stats
from amazon_seg_assets.storage.spark_tables import read_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SCORED = "scored"


def unknown(store: Store, month: str) -> tuple[str, ...]:
    """Says what a snapshot cannot tell of reviews, churn or value, and why."""
    reasons = {"Churn": why_no_model(store, month), "Value": why_no_value(store, month)}
    return tuple(f"{what} is not known: {why}" for what, why in reasons.items() if why)


def score_reviews(
    path: Path,
    store: Store,
    month: str,
    spark: SparkSession,
    max_malformed_share: float,
    folder: Path,
) -> tuple[Path, int]:
    """Scores those of whom there are reviews that count in the window of a snapshot.

    Args:
        path: reviews as JSON Lines in the hub's form, gzipped or not; all of each customer.
        store: of the snapshot, and of the products whose prices count.
        month: the snapshot.
        spark: that works on this machine.
        max_malformed_share: share of broken lines that is tolerated.
        folder: empty, for what lies between.

    Returns:
        The folder of Parquet files with ``CUSTOMER``, what ``churn_scores`` has, and what
        ``customer_value`` has, by user, null where it is not known; and the number of users
        without a review that counts, who are not in them.

    Raises:
        InputError: the file cannot be used, or nobody in it is a customer.
    """
    facts = require_facts(store, RFM_FEATURES.name, month, "window_end", "min_price")
    last_day = date.fromisoformat(facts["window_end"])
    days = _days(path, store, spark, facts["min_price"], max_malformed_share, folder)
    past = days.where(F.col("day") <= F.lit(last_day)).persist()
    try:
        scored = _scored(past, last_day, store, month).persist()
        scored.orderBy(USER).write.parquet(spark_path(folder / _SCORED))
        users, customers = past.select(USER).distinct().count(), scored.count()
        scored.unpersist()
    finally:
        past.unpersist()
    if not customers:
        raise InputError(
            f"{path} has no customers of {month}: none of its {users:,} users has a review, of a "
            f"verified purchase from {window_start(last_day)} to {last_day}, of a product of "
            f"{store.category} with a price; give reviews of that time."
        )
    return folder / _SCORED, users - customers


def _days(
    path: Path,
    store: Store,
    spark: SparkSession,
    min_price: float,
    max_malformed_share: float,
    folder: Path,
) -> DataFrame:
    """Columns of ``customer_days`` of a file."""
    from pyspark.sql import Observation

    own = Store(folder, store.category)
    source, silent = FileSource(path), lambda _: None
    manifest, _ = ingest(Kind.REVIEWS, source, own, max_malformed_share, True, silent)
    stats = stored_stats(store, CLEAN_METADATA.name)
    products = read_table(spark, store, CLEAN_METADATA, None, transform.PRODUCT_COLUMNS)
    return transform.customer_days(
        read_table(spark, own, RAW_REVIEWS, None, transform.RAW_COLUMNS),
        transform.few_to_each_task(products, stats.rows - (stats.nulls.get("price") or 0)),
        transform.tasks_for([counts.rows for counts in manifest.months.values()]),
        min_price,
        Observation(),
    )


def _scored(days: DataFrame, last_day: date, store: Store, month: str) -> DataFrame:
    customers = transform.customers_of(days, last_day)
    seen = histories.purchase_histories(days, customers, last_day)
    if why_no_value(store, month):
        values = expectations.unknown_value(seen)
    elif params := stored_params(store, month):
        how = require_facts(store, CUSTOMER_VALUE.name, month, "horizon_days", "discount_rate")
        values = expectations.customer_value(
            seen, params, how["horizon_days"], how["discount_rate"]
        )
    features = churn_features(days, last_day)
    model = None if why_no_model(store, month) else stored_model(store, month)
    churn = (
        scores.no_scores(features)
        if model is None
        else scores.churn_scores(features, values, logistic.pipeline(model), model)
    )
    return customers.select(*CUSTOMER).join(churn, USER).join(values, USER)
