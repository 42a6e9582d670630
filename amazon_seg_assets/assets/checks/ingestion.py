"""The checks of the raw tables."""

from dagster import AssetCheckExecutionContext, Config
from pydantic import Field

from amazon_seg_assets.assets.checks.common import schema_check, stats_of
from amazon_seg_assets.assets.checks.declaration import WHOLE, Check, Verdicts, seg_checks
from amazon_seg_assets.ingestion.manifest import require_manifest
from amazon_seg_assets.quality import raw, tables
from amazon_seg_assets.resources import StoreResource
from amazon_seg_assets.sources.sample import describes_sample
from amazon_seg_assets.storage.columns import count_values
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS


def _sample(table: Table) -> Check:
    return Check(
        table.name,
        "sample_as_published",
        "Shares of the built-in sample are near the published ones; other sources pass.",
        blocking=False,
    )


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
    [schema_check(RAW_REVIEWS), RAW_ROWS[RAW_REVIEWS], MONTH_GAPS, _sample(RAW_REVIEWS)],
    partitioned=False,
)
def raw_reviews_checks(
    _context: AssetCheckExecutionContext, config: RawReviewsChecks, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the raw reviews by manifest and footers; of the sample, also by its ratings."""
    store = storage.store
    manifest, stats = require_manifest(store, RAW_REVIEWS.name), stats_of(store, RAW_REVIEWS)
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
            schema_check(RAW_REVIEWS): tables.schema_as_declared(RAW_REVIEWS, stats),
            RAW_ROWS[RAW_REVIEWS]: tables.rows_accounted(manifest.rows, stats.rows, {}),
            MONTH_GAPS: raw.month_gaps(months, config.max_month_gaps),
            _sample(RAW_REVIEWS): sample,
        }
    }


@seg_checks(
    "raw_metadata_checks",
    [schema_check(RAW_METADATA), RAW_ROWS[RAW_METADATA], _sample(RAW_METADATA)],
    partitioned=False,
)
def raw_metadata_checks(
    _context: AssetCheckExecutionContext, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the raw products by manifest and footers."""
    store = storage.store
    manifest, stats = require_manifest(store, RAW_METADATA.name), stats_of(store, RAW_METADATA)
    sample = raw.not_the_sample(manifest.source)
    if describes_sample(manifest.source):
        unpriced = (stats.nulls["price"] or 0) / stats.rows
        shares = [("without a price", unpriced, raw.PUBLISHED_UNPRICED_PRODUCTS)]
        sample = raw.like_published(shares, stats.rows)
    return {
        WHOLE: {
            schema_check(RAW_METADATA): tables.schema_as_declared(RAW_METADATA, stats),
            RAW_ROWS[RAW_METADATA]: tables.rows_accounted(manifest.rows, stats.rows, {}),
            _sample(RAW_METADATA): sample,
        }
    }
