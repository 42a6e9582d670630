"""The checks of all assets: each step loads figures, has them judged, and reports.

What is judged, and against which threshold, is in ``quality``.
"""

from collections.abc import Callable, Iterable
from functools import partial

import pandas as pd
from dagster import AssetCheckExecutionContext, Config
from pydantic import Field
from pyspark.sql import DataFrame

from amazon_seg_assets.assets.check_declaration import (
    WHOLE,
    Check,
    Verdicts,
    asked_assets,
    seg_checks,
)
from amazon_seg_assets.assets.cleaning import PRODUCT_DROP_REASONS, REVIEW_DROP_REASONS
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.ingestion.manifest import MonthCounts, require_manifest
from amazon_seg_assets.partitions import FIRST_MONTH, month_after
from amazon_seg_assets.quality import customers, raw, tables
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.sources.sample import describes_sample
from amazon_seg_assets.storage.columns import count_values
from amazon_seg_assets.storage.figures import read_figures, require_figures
from amazon_seg_assets.storage.footers import Stats, read_stats
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.small_tables import read_small
from amazon_seg_assets.storage.spark_tables import FORMER, read_table
from amazon_seg_assets.tables.clean import CLEAN_METADATA, CLEAN_REVIEWS, JOINED_REVIEWS
from amazon_seg_assets.tables.customers import (
    CLUSTER_CENTERS,
    CUSTOMER_CLUSTERS,
    K_SWEEP,
    RFM_FEATURES,
    RFM_SEGMENTS,
    SEGMENT_SUMMARY,
)
from amazon_seg_assets.tables.densities import CLUSTER_DENSITY, RFM_HISTOGRAMS
from amazon_seg_assets.tables.exploration import (
    ALL_TIME,
    HELPFUL_REVIEWS,
    MAIN_CATEGORY_COUNTS,
    METADATA_PROFILE,
    RATING_COUNTS,
    REVIEW_COUNTS,
    REVIEW_PROFILE,
    TOP_PRODUCTS,
)
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.tables.validation import CLUSTER_VALIDATION, SCHEME_COMPARISON
from amazon_seg_assets.transforms import ties
from amazon_seg_assets.transforms.collapse import collapse
from amazon_seg_assets.transforms.rfm import FEATURES
from amazon_seg_assets.transforms.scoring import SEGMENT
from amazon_seg_assets.transforms.summary import clusters_of_chosen_k


def _schema(table: Table) -> Check:
    return Check(
        table.name,
        "schema_as_declared",
        "The stored columns have the declared names, types and order, and no null where none may "
        "be.",
    )


def _null_shares(table: Table) -> Check:
    former = "of the same month before, else to the month before" if table.by_month else "before"
    return Check(
        table.name,
        "null_shares_steady",
        f"No column's share of nulls differs much from what it was in the table {former}.",
        blocking=False,
    )


def _frequency(table: Table) -> Check:
    return Check(table.name, "frequency_kept", "No review is lost or counted twice on the way.")


def _monetary(table: Table) -> Check:
    return Check(table.name, "monetary_kept", "No money is lost or counted twice on the way.")


def _customers(table: Table) -> Check:
    return Check(table.name, "customers_kept", "The counts add up to the customers there are.")


def _raw_rows(table: Table) -> Check:
    return Check(table.name, "rows_kept", "The counts add up to the rows of the raw table.")


def _sample(table: Table) -> Check:
    return Check(
        table.name,
        "sample_as_published",
        "Shares of the built-in sample are near the published ones; other sources pass.",
        blocking=False,
    )


def _stats(store: Store, table: Table, month: str | None = None) -> Stats:
    store.require(table.name, None if month is None else [month])
    return read_stats(store.path(table.name, month))


class RawReviewsChecks(Config):
    """What is tolerated in raw reviews."""

    max_month_gaps: int = Field(
        raw.MAX_MONTH_GAPS,
        description="Most months without reviews, after the first 5 % of all reviews.",
        ge=0,
    )


READ_ROWS = "rows_as_read"
RAW_ROWS = {
    table: Check(table.name, READ_ROWS, "All rows read from the source are stored.")
    for table in (RAW_REVIEWS, RAW_METADATA)
}
MONTH_GAPS = Check(
    RAW_REVIEWS.name, "no_month_gaps", "No month in between is without reviews.", blocking=False
)


@seg_checks(
    "raw_reviews_checks",
    [_schema(RAW_REVIEWS), RAW_ROWS[RAW_REVIEWS], MONTH_GAPS, _sample(RAW_REVIEWS)],
    partitioned=False,
)
def raw_reviews_checks(
    _context: AssetCheckExecutionContext, config: RawReviewsChecks, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the raw reviews by manifest and footers; of the sample, also by its ratings."""
    store = storage.store
    manifest, stats = require_manifest(store, RAW_REVIEWS.name), _stats(store, RAW_REVIEWS)
    sample = raw.not_the_sample(manifest.source)
    if describes_sample(manifest.source):
        ratings = count_values(store.path(RAW_REVIEWS.name), "rating")
        verified = sum(counts.verified for counts in manifest.months.values())
        shares = [
            (f"of {stars:g} stars", ratings[stars] / manifest.rows, published)
            for stars, published in raw.PUBLISHED_RATINGS.items()
        ]
        shares.append(("verified", verified / manifest.rows, raw.PUBLISHED_VERIFIED))
        sample = raw.like_published(shares, manifest.rows)
    months = {month: counts.rows for month, counts in manifest.months.items()}
    return {
        WHOLE: {
            _schema(RAW_REVIEWS): tables.schema_as_declared(RAW_REVIEWS, stats),
            RAW_ROWS[RAW_REVIEWS]: tables.rows_accounted(manifest.rows, stats.rows, {}),
            MONTH_GAPS: raw.month_gaps(months, config.max_month_gaps),
            _sample(RAW_REVIEWS): sample,
        }
    }


@seg_checks(
    "raw_metadata_checks",
    [_schema(RAW_METADATA), RAW_ROWS[RAW_METADATA], _sample(RAW_METADATA)],
    partitioned=False,
)
def raw_metadata_checks(
    _context: AssetCheckExecutionContext, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the raw products by manifest and footers."""
    store = storage.store
    manifest, stats = require_manifest(store, RAW_METADATA.name), _stats(store, RAW_METADATA)
    sample = raw.not_the_sample(manifest.source)
    if describes_sample(manifest.source):
        unpriced = (stats.nulls["price"] or 0) / stats.rows
        shares = [("without a price", unpriced, raw.PUBLISHED_UNPRICED_PRODUCTS)]
        sample = raw.like_published(shares, stats.rows)
    return {
        WHOLE: {
            _schema(RAW_METADATA): tables.schema_as_declared(RAW_METADATA, stats),
            RAW_ROWS[RAW_METADATA]: tables.rows_accounted(manifest.rows, stats.rows, {}),
            _sample(RAW_METADATA): sample,
        }
    }


class NullShareChecks(Config):
    """What is tolerated in the share of nulls."""

    max_null_share_change: float = Field(
        tables.MAX_NULL_SHARE_CHANGE,
        description="Most that a column's share of nulls may change, 0 to 1.",
        ge=0,
        le=1,
    )


CLEAN_ROWS = {
    table: Check(table.name, "rows_accounted", "Each raw row is kept, or dropped for a reason.")
    for table in (CLEAN_REVIEWS, CLEAN_METADATA)
}
UNIQUE_PRODUCTS = Check(
    CLEAN_METADATA.name, "parent_asin_unique", "No product is there more than once."
)


@seg_checks(
    "clean_metadata_checks",
    [
        _schema(CLEAN_METADATA),
        CLEAN_ROWS[CLEAN_METADATA],
        UNIQUE_PRODUCTS,
        _null_shares(CLEAN_METADATA),
    ],
    partitioned=False,
)
def clean_metadata_checks(
    _context: AssetCheckExecutionContext,
    config: NullShareChecks,
    spark: SparkResource,
    storage: StoreResource,
) -> dict[str, Verdicts]:
    """Judges the products: one aggregate over their keys, the rest from footers."""
    store, name = storage.store, CLEAN_METADATA.name
    stats, figures = _stats(store, CLEAN_METADATA), _figures(store, CLEAN_METADATA)
    came_in = require_manifest(store, RAW_METADATA.name).rows
    dropped = {reason: figures[reason] for reason in PRODUCT_DROP_REASONS}
    keys = read_table(spark.spark_session, store, CLEAN_METADATA, columns=["parent_asin"])
    return {
        WHOLE: {
            _schema(CLEAN_METADATA): tables.schema_as_declared(CLEAN_METADATA, stats),
            CLEAN_ROWS[CLEAN_METADATA]: tables.rows_accounted(came_in, stats.rows, dropped),
            UNIQUE_PRODUCTS: tables.none_repeated(
                "parent_asin", customers.repeated(keys, "parent_asin", stats.rows), stats.rows
            ),
            _null_shares(CLEAN_METADATA): tables.null_shares_steady(
                stats, _replaced(store, name), config.max_null_share_change
            ),
        }
    }


class CleanReviewsChecks(NullShareChecks):
    """What is tolerated in clean reviews."""

    max_duplicate_share: float = Field(
        raw.MAX_DUPLICATE_SHARE,
        description="Largest share of a month's verified reviews that may be exact duplicates.",
        ge=0,
        le=1,
    )


FEW_DUPLICATES = Check(
    CLEAN_REVIEWS.name,
    "few_duplicates",
    "Few of a month's verified reviews are exact duplicates of another.",
    blocking=False,
)


@seg_checks(
    "clean_reviews_checks",
    [
        _schema(CLEAN_REVIEWS),
        CLEAN_ROWS[CLEAN_REVIEWS],
        FEW_DUPLICATES,
        _null_shares(CLEAN_REVIEWS),
    ],
)
def clean_reviews_checks(
    context: AssetCheckExecutionContext, config: CleanReviewsChecks, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the clean reviews of each month by manifest, footers and recorded figures."""
    store = storage.store
    raw_months = require_manifest(store, RAW_REVIEWS.name).months

    def of_month(month: str) -> Verdicts:
        stats, figures = _stats(store, CLEAN_REVIEWS, month), _figures(store, CLEAN_REVIEWS, month)
        counts = raw_months.get(month, MonthCounts())
        dropped = {reason: figures[reason] for reason in REVIEW_DROP_REASONS}
        return {
            _schema(CLEAN_REVIEWS): tables.schema_as_declared(CLEAN_REVIEWS, stats),
            CLEAN_ROWS[CLEAN_REVIEWS]: tables.rows_accounted(counts.rows, stats.rows, dropped),
            FEW_DUPLICATES: raw.few_duplicates(
                counts.verified,
                figures["duplicate"],
                tables.MIN_ROWS_FOR_SHARES,
                config.max_duplicate_share,
            ),
            _null_shares(CLEAN_REVIEWS): tables.null_shares_steady(
                stats, _month_to_compare(store, CLEAN_REVIEWS, month), config.max_null_share_change
            ),
        }

    return {month: of_month(month) for month in context.partition_keys}


JOINED_ROWS = Check(
    JOINED_REVIEWS.name, "rows_as_clean", "Each clean review is there, and none twice."
)


@seg_checks(
    "joined_reviews_checks", [_schema(JOINED_REVIEWS), JOINED_ROWS, _null_shares(JOINED_REVIEWS)]
)
def joined_reviews_checks(
    context: AssetCheckExecutionContext, config: NullShareChecks, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the joined reviews of each month by footers."""
    store = storage.store

    def of_month(month: str) -> Verdicts:
        stats, clean = _stats(store, JOINED_REVIEWS, month), _stats(store, CLEAN_REVIEWS, month)
        return {
            _schema(JOINED_REVIEWS): tables.schema_as_declared(JOINED_REVIEWS, stats),
            JOINED_ROWS: tables.rows_accounted(clean.rows, stats.rows, {}),
            _null_shares(JOINED_REVIEWS): tables.null_shares_steady(
                stats, _month_to_compare(store, JOINED_REVIEWS, month), config.max_null_share_change
            ),
        }

    return {month: of_month(month) for month in context.partition_keys}


def _figures(store: Store, table: Table, month: str | None = None) -> dict[str, int]:
    """What was recorded when a table, or a month of it, was written.

    Raises:
        InputError: it was written by a version of this package that did not record it.
    """
    figures = read_figures(store, table.name, month)
    if not figures.keys() - {FORMER}:
        raise InputError(
            f"{table.name}{f' of {month}' if month else ''} was stored without the figures that "
            "its checks need: materialize it again."
        )
    return figures


def _replaced(store: Store, asset: str, month: str | None = None) -> Stats | None:
    """Rows and nulls of what a partition took the place of, if anything."""
    former = read_figures(store, asset, month).get(FORMER)
    return Stats(**former) if former else None


def _month_to_compare(store: Store, table: Table, month: str) -> Stats | None:
    """What a month took the place of, else the month before it, if that is there."""
    before = month_after(month, -1)
    if former := _replaced(store, table.name, month):
        return former
    if before < FIRST_MONTH or not store.path(table.name, before).is_dir():
        return None
    return _stats(store, table, before)


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
    f"Recency is 1 to {customers.MAX_RECENCY_DAYS} days, frequency 1 or more, monetary above 0.",
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
        _schema(RFM_FEATURES),
        UNIQUE_CUSTOMERS,
        IN_RANGE,
        _frequency(RFM_FEATURES),
        _monetary(RFM_FEATURES),
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
            _stats(store, RFM_FEATURES, snapshot),
            _figures(store, RFM_FEATURES, snapshot),
        )
        features = _customers_of(spark, store, RFM_FEATURES, snapshot)
        [totals] = customers.customer_totals(features)
        left_out = ("no_user", "no_price", "low_price")
        counted = figures["in_window"] - sum(figures[reason] for reason in left_out)
        return {
            _schema(RFM_FEATURES): tables.schema_as_declared(RFM_FEATURES, stats),
            UNIQUE_CUSTOMERS: tables.none_repeated(
                "user_id", customers.repeated(features, "user_id", stats.rows), stats.rows
            ),
            IN_RANGE: customers.features_in_range(totals),
            _frequency(RFM_FEATURES): customers.frequency_kept(counted, totals.frequency),
            _monetary(RFM_FEATURES): customers.monetary_kept(
                figures["counted_usd"], totals.monetary
            ),
            FEW_UNPRICED: customers.few_unpriced(
                figures["no_price"], figures["in_window"], config.max_unpriced_share
            ),
        }

    return {snapshot: of_snapshot(snapshot) for snapshot in context.partition_keys}


def _customers_of(spark: SparkResource, store: Store, table: Table, snapshot: str) -> DataFrame:
    columns = customers.CUSTOMER_COLUMNS
    return read_table(spark.spark_session, store, table, [snapshot], columns)


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
        _schema(K_SWEEP),
        CLUSTERS_APART,
        _schema(CLUSTER_CENTERS),
        _customers(CLUSTER_CENTERS),
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
            **_schemas(store, [K_SWEEP, CLUSTER_CENTERS], snapshot),
            CLUSTERS_APART: customers.clusters_apart(silhouette, config.min_silhouette),
            _customers(CLUSTER_CENTERS): tables.totals_kept(
                "customers",
                _stats(store, RFM_FEATURES, snapshot).rows,
                centers.groupby("k")["customers"].sum(),
            ),
            NO_TINY_CLUSTER: customers.no_tiny_cluster(
                clusters_of_chosen_k(sweep, centers), config.min_cluster_share
            ),
        }

    return {snapshot: of_snapshot(snapshot) for snapshot in context.partition_keys}


def _schemas(store: Store, several: Iterable[Table], month: str | None = None) -> Verdicts:
    return {
        _schema(table): tables.schema_as_declared(table, _stats(store, table, month))
        for table in several
    }


ONE_EACH = {
    table: Check(table.name, f"one_{what}_each", f"Each customer is in exactly one {what}.")
    for table, what in ((CUSTOMER_CLUSTERS, "cluster"), (RFM_SEGMENTS, "segment"))
}


def _of_customers(table: Table) -> list[Check]:
    return [_schema(table), ONE_EACH[table], _frequency(table), _monetary(table)]


def _judge_customers(
    spark: SparkResource, store: Store, table: Table, what: str, snapshot: str
) -> Verdicts:
    """Judges what was made of `rfm_features` by holding it against it, in one aggregate."""
    features = _customers_of(spark, store, RFM_FEATURES, snapshot)
    found = _customers_of(spark, store, table, snapshot)
    totals = customers.customer_totals(features, found)
    before, after = totals
    return {
        **_schemas(store, [table], snapshot),
        ONE_EACH[table]: customers.one_each(what, features, found, totals),
        _frequency(table): customers.frequency_kept(before.frequency, after.frequency),
        _monetary(table): customers.monetary_kept(before.monetary, after.monetary),
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
        possible = require_figures(store, RFM_SEGMENTS.name, snapshot)["scheme"]["segments"]
        found = ties.find_ties(collapse(segments, columns), FEATURES, {SEGMENT: list(possible)})
        return {
            **_judge_customers(spark, store, RFM_SEGMENTS, "segment", snapshot),
            EQUALS_TOGETHER: customers.equals_together(
                found[SEGMENT].separated, found[SEGMENT].customers
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
        _schema(SEGMENT_SUMMARY),
        SAME_CUSTOMERS,
        _frequency(SEGMENT_SUMMARY),
        _monetary(SEGMENT_SUMMARY),
    ],
)
def segment_summary_checks(
    context: AssetCheckExecutionContext, spark: SparkResource, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the small table of segments and clusters against the customers that it sums up."""
    store = storage.store

    def of_snapshot(snapshot: str) -> Verdicts:
        summary = read_small(store, SEGMENT_SUMMARY, snapshot)
        [before] = customers.customer_totals(_customers_of(spark, store, RFM_SEGMENTS, snapshot))
        return {
            **_schemas(store, [SEGMENT_SUMMARY], snapshot),
            SAME_CUSTOMERS: customers.same_customers(
                before.customers,
                _stats(store, CUSTOMER_CLUSTERS, snapshot).rows,
                int(summary["customers"].sum()),
            ),
            _frequency(SEGMENT_SUMMARY): customers.frequency_kept(
                before.frequency, int(summary["total_frequency"].sum())
            ),
            _monetary(SEGMENT_SUMMARY): customers.monetary_kept(
                before.monetary, float(summary["total_monetary"].sum())
            ),
        }

    return {snapshot: of_snapshot(snapshot) for snapshot in context.partition_keys}


CUSTOMER_COUNTS: dict[Table, Callable[[pd.DataFrame], Iterable[int]]] = {
    CLUSTER_DENSITY: lambda table: [table["customers"].sum()],
    RFM_HISTOGRAMS: lambda table: table.groupby(["feature", "transformed"])["customers"].sum(),
    CLUSTER_VALIDATION: lambda table: [table["customers"].sum()],
    SCHEME_COMPARISON: lambda table: (
        table[f"{scheme}_customers"].sum() for scheme in ("standard", "notebook", "notebook_rules")
    ),
}
"""Small tables of which no other depends on another, and the totals of customers in them."""


@seg_checks(
    "customer_counts_checks",
    [check for table in CUSTOMER_COUNTS for check in (_schema(table), _customers(table))],
)
def customer_counts_checks(
    context: AssetCheckExecutionContext, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges small tables that count customers, against the customers that there are."""
    store, asked = storage.store, asked_assets(context)
    return {
        snapshot: {
            check: verdict
            for table, totals in CUSTOMER_COUNTS.items()
            if table.name in asked
            for check, verdict in (
                *_schemas(store, [table], snapshot).items(),
                (
                    _customers(table),
                    tables.totals_kept(
                        "customers",
                        _stats(store, RFM_FEATURES, snapshot).rows,
                        totals(read_small(store, table, snapshot)),
                    ),
                ),
            )
        }
        for snapshot in context.partition_keys
    }


ROW_COUNTS: dict[Table, tuple[Table, Callable[[pd.DataFrame], int]]] = {
    RATING_COUNTS: (
        RAW_REVIEWS,
        lambda table: table.loc[table["scope"] == ALL_TIME, "reviews"].sum(),
    ),
    REVIEW_COUNTS: (RAW_REVIEWS, lambda table: table["reviews"].sum()),
    MAIN_CATEGORY_COUNTS: (RAW_METADATA, lambda table: table["products"].sum()),
}
"""Small tables that count rows: of which raw table, and the total in them."""

EXPLORED = (REVIEW_PROFILE, METADATA_PROFILE, HELPFUL_REVIEWS, TOP_PRODUCTS, *ROW_COUNTS)


@seg_checks(
    "exploration_checks",
    [*map(_schema, EXPLORED), *map(_raw_rows, ROW_COUNTS)],
    partitioned=False,
)
def exploration_checks(
    context: AssetCheckExecutionContext, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the small tables that show what the raw tables hold."""
    store, asked = storage.store, asked_assets(context)
    counts = {
        _raw_rows(table): tables.total_kept(
            "rows", require_manifest(store, of.name).rows, int(total(read_small(store, table)))
        )
        for table, (of, total) in ROW_COUNTS.items()
        if table.name in asked
    }
    return {WHOLE: {**_schemas(store, [t for t in EXPLORED if t.name in asked]), **counts}}
