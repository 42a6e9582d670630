"""The checks of the clean tables and their join."""

from dagster import AssetCheckExecutionContext, Config
from pydantic import Field

from amazon_seg_assets.assets.checks.common import figures_of, schema_check, stats_of
from amazon_seg_assets.assets.checks.declaration import WHOLE, Check, Verdicts, seg_checks
from amazon_seg_assets.ingestion.manifest import MonthCounts, require_manifest
from amazon_seg_assets.months import month_after
from amazon_seg_assets.partitions import FIRST_MONTH
from amazon_seg_assets.quality import raw, tables
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.storage.figures import read_figures
from amazon_seg_assets.storage.footers import Stats
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.spark_tables import FORMER, read_table
from amazon_seg_assets.tables.clean import CLEAN_METADATA, CLEAN_REVIEWS, JOINED_REVIEWS
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.transforms.cleaning import PRODUCT_DROP_REASONS, REVIEW_DROP_REASONS
from amazon_seg_assets.transforms.totals import repeated


def _null_shares(table: Table) -> Check:
    former = "of the same month before, else to the month before" if table.by_month else "before"
    return Check(
        table.name,
        "null_shares_steady",
        f"No column's share of nulls differs much from what it was in the table {former}.",
        blocking=False,
    )


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
        schema_check(CLEAN_METADATA),
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
    stats, figures = stats_of(store, CLEAN_METADATA), figures_of(store, CLEAN_METADATA)
    came_in = require_manifest(store, RAW_METADATA.name).rows
    dropped = {reason: figures[reason] for reason in PRODUCT_DROP_REASONS}
    keys = read_table(spark.spark_session, store, CLEAN_METADATA, columns=["parent_asin"])
    return {
        WHOLE: {
            schema_check(CLEAN_METADATA): tables.schema_as_declared(CLEAN_METADATA, stats),
            CLEAN_ROWS[CLEAN_METADATA]: tables.rows_accounted(came_in, stats.rows, dropped),
            UNIQUE_PRODUCTS: tables.none_repeated(
                "parent_asin", repeated(keys, "parent_asin", stats.rows), stats.rows
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
        schema_check(CLEAN_REVIEWS),
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
        stats, figures = (
            stats_of(store, CLEAN_REVIEWS, month),
            figures_of(store, CLEAN_REVIEWS, month),
        )
        counts = raw_months.get(month, MonthCounts())
        dropped = {reason: figures[reason] for reason in REVIEW_DROP_REASONS}
        return {
            schema_check(CLEAN_REVIEWS): tables.schema_as_declared(CLEAN_REVIEWS, stats),
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
    "joined_reviews_checks",
    [schema_check(JOINED_REVIEWS), JOINED_ROWS, _null_shares(JOINED_REVIEWS)],
)
def joined_reviews_checks(
    context: AssetCheckExecutionContext, config: NullShareChecks, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the joined reviews of each month by footers."""
    store = storage.store

    def of_month(month: str) -> Verdicts:
        stats, clean = stats_of(store, JOINED_REVIEWS, month), stats_of(store, CLEAN_REVIEWS, month)
        return {
            schema_check(JOINED_REVIEWS): tables.schema_as_declared(JOINED_REVIEWS, stats),
            JOINED_ROWS: tables.rows_accounted(clean.rows, stats.rows, {}),
            _null_shares(JOINED_REVIEWS): tables.null_shares_steady(
                stats, _month_to_compare(store, JOINED_REVIEWS, month), config.max_null_share_change
            ),
        }

    return {month: of_month(month) for month in context.partition_keys}


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
    return stats_of(store, table, before)
