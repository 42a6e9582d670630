"""The RFM features of each customer, and how they are distributed."""

from datetime import date

import pandas as pd
from dagster import Config
from pydantic import Field
from pyspark.sql import Observation

from amazon_seg_assets.dag.declaration import LookBack, plot, snapshot_asset
from amazon_seg_assets.dag.handles import Snapshot, Stored
from amazon_seg_assets.dag.metadata import dropped, in_units
from amazon_seg_assets.errors import TooFewError
from amazon_seg_assets.features import FEATURE_COLUMNS
from amazon_seg_assets.plots.style import Picture, Scope
from amazon_seg_assets.stages.cleaning.tables import JOINED_REVIEWS
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm import histograms, plots, transform
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES, RFM_HISTOGRAMS
from amazon_seg_assets.storage.facts import Facts
from amazon_seg_assets.storage.parquet import Stats

_LOG = "_log"


class RfmConfig(Config):
    """The choice of the reviews that count."""

    min_price: float = Field(
        0.25, description="A review counts if its product's price is above this, in USD.", ge=0
    )


@snapshot_asset(RFM_FEATURES, reads=[LookBack(JOINED_REVIEWS)], kinds={"pyspark"}, code_version="3")
def rfm_features(snapshot: Snapshot, config: RfmConfig) -> Stored:
    """Derives the features of each customer as of the snapshot's last day."""
    last_day = last_review_day(snapshot)
    joined = snapshot.read(JOINED_REVIEWS, ["user_id", "timestamp", "price"])
    counts, shape = Observation(), Observation()
    statistics = [*transform.repeat_statistics(), *transform.shape_statistics()]
    features = transform.rfm_features(joined, last_day, config.min_price, counts)

    def facts(stats: Stats) -> Facts:
        if stats.rows == 0:
            raise TooFewError(
                _no_customers(snapshot.category, last_day, config.min_price, counts.get)
            )
        left_out = sum(counts.get[reason] for reason in transform.DROP_REASONS)
        return {
            "customers": stats.rows,
            "window_start": str(transform.window_start(last_day)),
            "window_end": str(last_day),
            "min_price": config.min_price,
            **counts.get,
            "counted_reviews": counts.get["in_window"] - left_out,
            # Without variance there is no skewness.
            **{name: figure for name, figure in shape.get.items() if figure is not None},
        }

    stored = snapshot.store(features.observe(shape, *statistics), facts=facts)
    told = dict(stored.facts)
    return stored.telling(
        reviews_in_window=told.pop("in_window"),
        unpriced_share=told["no_price"] / counts.get["in_window"],
        **dropped({reason: told.pop(reason) for reason in transform.DROP_REASONS}),
        **in_units(told, usd=["min_price", "mean_monetary"], days=["mean_recency"]),
    )


def last_review_day(snapshot: Snapshot) -> date:
    """L: the date, in UTC, of the latest clean review of the snapshot month.

    Raises:
        TooFewError: the month has no clean reviews.
        InputError: it has not been materialized.
    """
    stats = snapshot.stats(JOINED_REVIEWS)
    if stats.rows == 0:
        raise TooFewError(
            f"There is no snapshot {snapshot.month} of {snapshot.category}: the month has no "
            "reviews of verified purchases; choose a month that has."
        )
    latest: date = stats.maximum["timestamp"].date()
    return latest


def _no_customers(category: str, last_day: date, min_price: float, counts: dict[str, int]) -> str:
    return (
        f"Nobody in {category} can be segmented as of {last_day}: of the {counts['in_window']:,} "
        f"verified reviews since {transform.window_start(last_day)}, {counts['no_price']:,} are of "
        f"products without a price, {counts['low_price']:,} of products at {min_price:g} USD or "
        f"less and {counts['no_user']:,} without a user; choose another category or snapshot."
    )


@snapshot_asset(
    RFM_HISTOGRAMS,
    reads=[RFM_FEATURES],
    kinds={"pyspark"},
    code_version="2",
    comes_last=True,
    check_step="customer_counts_checks",
)
def rfm_histograms(snapshot: Snapshot) -> Stored:
    """Counts customers in bins of each feature, before and after the transformation."""
    stats = snapshot.stats(RFM_FEATURES)
    bins = {
        column: histograms.equal_bins(
            stats.minimum[column], stats.maximum[column], column in ("recency", "frequency")
        )
        for column in FEATURE_COLUMNS
    }
    feature_of = {column: column.removesuffix(_LOG) for column in FEATURE_COLUMNS}
    features = snapshot.read(RFM_FEATURES, FEATURE_COLUMNS)
    counted = histograms.histograms(features, bins, feature_of)
    table = counted.assign(
        feature=counted["column"].map(feature_of),
        transformed=counted["column"].str.endswith(_LOG),
    )
    top = histograms.share_of_top(histograms.of_log_monetary(table))
    return snapshot.store(table).telling(top_tenth_spend_share=top)


def scope(snapshot: Snapshot) -> Scope:
    """The category, month and customers of a snapshot, for captions."""
    is_invented = require_manifest(snapshot.storage, RAW_REVIEWS.name).is_sample
    return Scope(snapshot.category, snapshot.month, snapshot.rows(RFM_FEATURES), is_invented)


@plot(
    reads=[RFM_HISTOGRAMS, RFM_FEATURES],
    section="choice",
    caption="How recency, frequency and spend are distributed, before and after the logarithm.",
)
def rfm_distributions_plot(snapshot: Snapshot) -> Picture:
    """Histograms of recency, frequency and monetary value before and after the transformation."""
    prefix = "skewness_"
    facts = snapshot.facts(RFM_FEATURES)
    skewness = {k.removeprefix(prefix): v for k, v in facts.items() if k.startswith(prefix)}
    bins: pd.DataFrame = snapshot.small(RFM_HISTOGRAMS)
    return plots.distributions(bins, skewness, scope(snapshot))
