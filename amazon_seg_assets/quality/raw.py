"""Verdicts on what a source brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from amazon_seg_assets.quality.verdict import Verdict

EARLY_SHARE = 0.05
"""Gaps among the first 5 % of reviews do not count: a category begins with a few now and then."""

MAX_MONTH_GAPS = 0
"""Later no month of a whole category is without reviews; a gap is a file that is missing."""

MAX_DUPLICATE_SHARE = 0.1
"""Of verified reviews, in a month; 1.09 % of all published reviews are exact duplicates."""

PUBLISHED_RATINGS = {1.0: 0.122, 2.0: 0.051, 3.0: 0.066, 4.0: 0.127, 5.0: 0.634}
PUBLISHED_VERIFIED = 0.924
PUBLISHED_UNPRICED_PRODUCTS = 0.673
"""Shares in the published Electronics category, which the built-in sample imitates."""

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
    gaps = sorted(set(pd.period_range(months[0], months[-1], freq="M").astype(str)) - set(months))
    named = f": {', '.join(gaps[:5])}{' …' if len(gaps) > 5 else ''}" if gaps else ""
    return Verdict(
        len(gaps),
        threshold,
        f"{len(gaps):,} months from {months[0]} to {months[-1]} have no review{named}.",
    )


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
