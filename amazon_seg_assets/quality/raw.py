"""Verdicts on what a source brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amazon_seg_assets.formats import counted
from amazon_seg_assets.months import MONTH_PATTERN, month_range
from amazon_seg_assets.quality.verdict import Verdict

EARLY_SHARE = 0.05
"""Gaps among the first 5 % of reviews do not count: a category begins with a few now and then."""

MAX_MONTH_GAPS = 0
"""Later no month of a whole category is without reviews; a gap is a file that is missing."""

MAX_UNREAD_LINES = 0
"""Whatever is left out is told; a file with too many broken lines is not stored at all."""

MAX_ROWS_OUTSIDE = 0
"""The default span is that of the published reviews, and holds all of the built-in sample."""

MAX_DUPLICATE_SHARE = 0.1
"""Of verified reviews, in a month; 1.09 % of all published reviews are exact duplicates."""

PUBLISHED_RATINGS = {1.0: 0.122, 2.0: 0.051, 3.0: 0.066, 4.0: 0.127, 5.0: 0.634}
PUBLISHED_VERIFIED = 0.924
PUBLISHED_UNPRICED_PRODUCTS = 0.673
"""Shares in the published Electronics category, which the built-in sample imitates."""

_NAMED = 5
_SAMPLE_TOLERANCE = 0.02
_SAMPLING_ERRORS = 2.0  # over the root of the rows: four standard errors of a share of one half


def month_gaps(rows: Mapping[str, int], threshold: int = MAX_MONTH_GAPS) -> Verdict:
    """Counts months without reviews, after the first 5 % of all reviews.

    Args:
        rows: reviews of each month that has any.
        threshold: most such months that are tolerated.
    """
    months = sorted(rows)
    early, total = 0, sum(rows.values())
    while months and early + rows[months[0]] <= EARLY_SHARE * total:
        early += rows[months.pop(0)]
    if not months:
        return Verdict(0, threshold, "There are no reviews.")
    gaps = sorted({*month_range(months[0], months[-1])} - set(months))
    return Verdict(
        len(gaps),
        threshold,
        f"{len(gaps):,} months from {months[0]} to {months[-1]} have no review{_named(gaps)}.",
    )


def all_lines_read(
    rows: int, broken: int, examples: Sequence[str], threshold: int = MAX_UNREAD_LINES
) -> Verdict:
    """Counts lines of the source that are not valid records, and so left out.

    Args:
        rows: lines that were read.
        broken: lines that were not.
        examples: some of these, each as file, line and reason.
        threshold: most broken lines that are tolerated.
    """
    return Verdict(
        broken,
        threshold,
        f"{broken:,} of {rows + broken:,} lines are not valid records, and left out"
        f"{_named(examples, '; ')}.",
    )


def no_unknown_fields(fields: Sequence[str]) -> Verdict:
    """Counts fields of the source that the table has no column for, and so lacks."""
    sentence = f"{counted(len(fields), 'field')} of the source not stored{_named(fields)}."
    return Verdict(len(fields), 0, sentence)


def rows_in_span(
    rows: int, outside: Mapping[str, int], first: str, last: str, threshold: int = MAX_ROWS_OUTSIDE
) -> Verdict:
    """Counts reviews of months that no result takes into account, as they are no partitions.

    Args:
        rows: all reviews.
        outside: reviews of each month outside the span, in the order of months.
        first: first month of the span.
        last: last month of the span.
        threshold: most reviews outside that are tolerated.
    """
    count = sum(outside.values())
    # Of the year 9999 nobody wants to count any; the date is wrong.
    months = [*filter(MONTH_PATTERN.fullmatch, outside)]
    hints = []
    if months and months[0] < first:
        hints.append(f"to count those from {months[0]} on, set AMAZON_SEG_FIRST_MONTH")
    if months and months[-1] > last:
        hints.append(f"to count those up to {months[-1]}, set AMAZON_SEG_LAST_MONTH")
    return Verdict(
        count,
        threshold,
        f"{count:,} of {rows:,} reviews are outside the months {first} … {last}, and left out"
        f"{''.join(f'; {hint}' for hint in hints)}.",
    )


def _named(items: Sequence[str], separator: str = ", ") -> str:
    """The first items, to end a sentence with."""
    more = " …" if len(items) > _NAMED else ""
    return f": {separator.join(items[:_NAMED])}{more}" if items else ""


def few_duplicates(
    verified: int, duplicates: int, min_rows: int, threshold: float = MAX_DUPLICATE_SHARE
) -> Verdict:
    """Judges the share of verified reviews that were dropped as duplicates.

    Args:
        verified: reviews of verified purchases, duplicates counted in.
        duplicates: those dropped.
        min_rows: of fewer reviews the share is not judged.
        threshold: largest share that is tolerated.
    """
    if verified < min_rows:
        return Verdict(0.0, threshold, f"{verified:,} reviews are too few to judge duplicates.")
    share = duplicates / verified
    return Verdict(
        share, threshold, f"{duplicates:,} of {verified:,} verified reviews ({share:.2%}) repeat."
    )


def like_published(shares: Sequence[tuple[str, float, float]], rows: int) -> Verdict:
    """Holds shares of the built-in sample against the published ones, in shares of 1.

    Args:
        shares: name, share found, share published.
        rows: of which the shares are; the fewer, the more chance is allowed.
    """
    name, found, published = max(shares, key=lambda each: abs(each[1] - each[2]))
    return Verdict(
        abs(found - published),
        _SAMPLE_TOLERANCE + _SAMPLING_ERRORS / max(rows, 1) ** 0.5,
        f"Of {rows:,} rows {found:.1%} are {name}, published are {published:.1%}; other shares "
        "are closer.",
    )


def not_the_sample(source: str) -> Verdict:
    """Passes what has no published shape to keep to."""
    return Verdict(0.0, 0.0, f"Not the sample, but {source}: nothing to compare with.")
