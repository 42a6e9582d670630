"""The checks of the raw tables."""

from dagster import AssetCheckExecutionContext, Config
from pydantic import Field

from amazon_seg_assets.assets.checks.common import schema_check, stats_of
from amazon_seg_assets.assets.checks.declaration import WHOLE, Check, Verdicts, seg_checks
from amazon_seg_assets.ingestion.manifest import Manifest, require_manifest
from amazon_seg_assets.partitions import FIRST_MONTH, LAST_MONTH, in_span
from amazon_seg_assets.quality import raw, tables
from amazon_seg_assets.quality.verdict import Verdict
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


class RawChecks(Config):
    """What is tolerated in what a source brings."""

    max_unread_lines: int = Field(
        raw.MAX_UNREAD_LINES,
        description="Most lines of the source that may be invalid records.",
        ge=0,
    )


class RawReviewsChecks(RawChecks):
    """What is tolerated in raw reviews."""

    max_rows_outside: int = Field(
        raw.MAX_ROWS_OUTSIDE,
        description="Most reviews that may be outside the span of months.",
        ge=0,
    )
    max_month_gaps: int = Field(
        raw.MAX_MONTH_GAPS,
        description="Most months without reviews, after the first 5 % of all reviews.",
        ge=0,
    )


RAW_ROWS = {
    table: Check(table.name, "rows_as_read", "All rows read from the source are stored.")
    for table in (RAW_REVIEWS, RAW_METADATA)
}
ALL_READ = {
    table: Check(
        table.name, "all_lines_read", "Each line of the source is a valid record.", blocking=False
    )
    for table in (RAW_REVIEWS, RAW_METADATA)
}
NO_UNKNOWN = {
    table: Check(
        table.name,
        "no_unknown_fields",
        "The first records of each file have no field that is not stored.",
        blocking=False,
    )
    for table in (RAW_REVIEWS, RAW_METADATA)
}
IN_SPAN = Check(
    RAW_REVIEWS.name, "rows_in_span", "Each review is of a month of the span.", blocking=False
)
MONTH_GAPS = Check(
    RAW_REVIEWS.name, "no_month_gaps", "No month in between is without reviews.", blocking=False
)


@seg_checks(
    "raw_reviews_checks",
    [
        schema_check(RAW_REVIEWS),
        RAW_ROWS[RAW_REVIEWS],
        ALL_READ[RAW_REVIEWS],
        NO_UNKNOWN[RAW_REVIEWS],
        IN_SPAN,
        MONTH_GAPS,
        _sample(RAW_REVIEWS),
    ],
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
    months = {month: counts.rows for month, counts in manifest.months.items() if in_span(month)}
    return {
        WHOLE: {
            schema_check(RAW_REVIEWS): tables.schema_as_declared(RAW_REVIEWS, stats),
            RAW_ROWS[RAW_REVIEWS]: tables.rows_accounted(manifest.rows, stats.rows, {}),
            ALL_READ[RAW_REVIEWS]: _all_lines_read(manifest, config),
            NO_UNKNOWN[RAW_REVIEWS]: raw.no_unknown_fields(manifest.unknown_fields),
            IN_SPAN: raw.rows_in_span(
                manifest.rows,
                manifest.rows_outside(FIRST_MONTH, LAST_MONTH),
                FIRST_MONTH,
                LAST_MONTH,
                config.max_rows_outside,
            ),
            MONTH_GAPS: raw.month_gaps(months, config.max_month_gaps),
            _sample(RAW_REVIEWS): sample,
        }
    }


@seg_checks(
    "raw_metadata_checks",
    [
        schema_check(RAW_METADATA),
        RAW_ROWS[RAW_METADATA],
        ALL_READ[RAW_METADATA],
        NO_UNKNOWN[RAW_METADATA],
        _sample(RAW_METADATA),
    ],
    partitioned=False,
)
def raw_metadata_checks(
    _context: AssetCheckExecutionContext, config: RawChecks, storage: StoreResource
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
            ALL_READ[RAW_METADATA]: _all_lines_read(manifest, config),
            NO_UNKNOWN[RAW_METADATA]: raw.no_unknown_fields(manifest.unknown_fields),
            _sample(RAW_METADATA): sample,
        }
    }


def _all_lines_read(manifest: Manifest, config: RawChecks) -> Verdict:
    return raw.all_lines_read(
        manifest.rows, manifest.malformed, manifest.malformed_examples, config.max_unread_lines
    )
