"""Checks of the raw tables that do not follow from their declarations."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Whole
from amazon_seg_assets.formats import counted
from amazon_seg_assets.months import MONTH_PATTERN, month_range
from amazon_seg_assets.quality.tables import rows_accounted
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.storage.parquet import count_values
from amazon_seg_assets.texts import as_code

EARLY_SHARE = 0.05
"""Gaps among the first 5 % of reviews do not count: a category begins with a few now and then."""

MAX_MONTH_GAPS = 0
"""Later no month of a whole category is without reviews; a gap is a file that is missing."""

MAX_UNREAD_LINES = 0
"""Each line left out is told; a file with too many broken lines is not stored at all."""

MAX_ROWS_OUTSIDE = 0
"""The default span is that of the published reviews, and holds all of the built-in sample."""

PUBLISHED_RATINGS = {1.0: 0.122, 2.0: 0.051, 3.0: 0.066, 4.0: 0.127, 5.0: 0.634}
PUBLISHED_VERIFIED = 0.924
PUBLISHED_UNPRICED_PRODUCTS = 0.673
"""Shares in the published Electronics category, which the built-in sample imitates."""

_NAMED = 5
_SAMPLE_TOLERANCE = 0.02
_SAMPLING_ERRORS = 2.0  # over the root of the rows: four standard errors of a share of one half


@check(RAW_REVIEWS, RAW_METADATA)
def rows_as_read(table: Table, raw: Whole) -> Verdict:
    """All rows read from the source are stored."""
    return rows_accounted(require_manifest(raw.storage, table.name).rows, raw.rows(table), {})


@check(RAW_REVIEWS, RAW_METADATA, blocking=False)
def all_lines_read(
    table: Table,
    raw: Whole,
    *,
    max_unread_lines: Annotated[
        int, Field(description="Most lines of the source that may be invalid records.", ge=0)
    ] = MAX_UNREAD_LINES,
) -> Verdict:
    """Each line of the source is a valid record."""
    manifest = require_manifest(raw.storage, table.name)
    return Verdict(
        manifest.malformed,
        max_unread_lines,
        f"{manifest.malformed:,} of {manifest.rows + manifest.malformed:,} lines are not valid "
        f"records, and left out{_named([*map(as_code, manifest.malformed_examples)], '; ')}.",
    )


@check(RAW_REVIEWS, RAW_METADATA, blocking=False)
def no_unknown_fields(table: Table, raw: Whole) -> Verdict:
    """The first records of each file have no field that is not stored."""
    fields = require_manifest(raw.storage, table.name).unknown_fields
    names = _named([*map(as_code, fields)])
    sentence = f"{counted(len(fields), 'field')} of the source not stored{names}."
    return Verdict(len(fields), 0, sentence)


@check(RAW_REVIEWS, blocking=False)
def rows_in_span(
    raw: Whole,
    *,
    max_rows_outside: Annotated[
        int, Field(description="Most reviews that may be outside the span of months.", ge=0)
    ] = MAX_ROWS_OUTSIDE,
) -> Verdict:
    """Each review is of a month of the span."""
    manifest, settings = require_manifest(raw.storage, RAW_REVIEWS.name), raw.family.settings
    span = settings.span
    outside = manifest.rows_outside(span.first, span.last)
    # Of the year 9999 nobody wants to count any; the date is wrong.
    months = [*filter(MONTH_PATTERN.fullmatch, outside)]
    hints = []
    if months and months[0] < span.first:
        hints.append(f"to count those from {months[0]} on, set AMAZON_SEG_FIRST_MONTH")
    if months and months[-1] > span.last and settings.last_month is None:
        hints.append(f"those up to {months[-1]} are of the future: correct their timestamps")
    elif months and months[-1] > span.last:
        hints.append(
            f"to count those up to {months[-1]}, set AMAZON_SEG_LAST_MONTH to it, or to nothing to "
            "follow the data"
        )
    return Verdict(
        sum(outside.values()),
        max_rows_outside,
        f"{sum(outside.values()):,} of {manifest.rows:,} reviews are outside the months "
        f"{span.first} … {span.last}, and left out{''.join(f'; {hint}' for hint in hints)}.",
    )


@check(RAW_REVIEWS, blocking=False)
def no_month_gaps(
    raw: Whole,
    *,
    max_month_gaps: Annotated[
        int,
        Field(description="Most months without reviews, after the first 5 % of all reviews.", ge=0),
    ] = MAX_MONTH_GAPS,
) -> Verdict:
    """No month in between is without reviews."""
    span = raw.family.settings.span
    months = require_manifest(raw.storage, RAW_REVIEWS.name).months.items()
    rows = {month: counts.rows for month, counts in months if month in span}
    later = sorted(rows)
    early, total = 0, sum(rows.values())
    while later and early + rows[later[0]] <= EARLY_SHARE * total:
        early += rows[later.pop(0)]
    if not later:
        return Verdict(0, max_month_gaps, "There are no reviews.")
    gaps = sorted({*month_range(later[0], later[-1])} - set(later))
    return Verdict(
        len(gaps),
        max_month_gaps,
        f"{len(gaps):,} months from {later[0]} to {later[-1]} have no review{_named(gaps)}.",
    )


@check(RAW_REVIEWS, RAW_METADATA, blocking=False)
def sample_as_published(table: Table, raw: Whole) -> Verdict:
    """Shares of the built-in sample are near the published ones; other sources pass."""
    manifest = require_manifest(raw.storage, table.name)
    if not manifest.is_sample:
        return Verdict(0.0, 0.0, f"Not the sample, but {manifest.source}: nothing to compare with.")
    if table is RAW_METADATA:
        unpriced = (raw.stats(table).nulls["price"] or 0) / manifest.rows
        shares = [("without a price", unpriced, PUBLISHED_UNPRICED_PRODUCTS)]
    else:
        ratings = count_values(raw.folder(table), "rating")
        verified = sum(counts.verified for counts in manifest.months.values())
        shares = [
            (f"of {stars:g} stars", ratings[stars] / manifest.rows, published)
            for stars, published in PUBLISHED_RATINGS.items()
        ]
        shares.append(("verified", verified / manifest.rows, PUBLISHED_VERIFIED))
    name, found, published = max(shares, key=lambda each: abs(each[1] - each[2]))
    return Verdict(
        abs(found - published),
        _SAMPLE_TOLERANCE + _SAMPLING_ERRORS / max(manifest.rows, 1) ** 0.5,
        f"Of {manifest.rows:,} rows {found:.1%} are {name}, published are {published:.1%}; other "
        "shares are closer.",
    )


def _named(items: Sequence[str], separator: str = ", ") -> str:
    """The first items, to end a sentence with."""
    more = " …" if len(items) > _NAMED else ""
    return f": {separator.join(items[:_NAMED])}{more}" if items else ""
