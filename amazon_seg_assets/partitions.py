"""Months as partitions: their span, and how a snapshot depends on them."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime

from dagster import MonthlyPartitionsDefinition, TimeWindowPartitionMapping

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import MONTH_PATTERN, month_after, month_range
from amazon_seg_assets.settings import load_settings

MONTH_FORMAT = "%Y-%m"
LOOK_BACK_MONTHS = 12


def monthly_partitions(first: str, last: str) -> MonthlyPartitionsDefinition:
    """One partition for each month, both ends included, in UTC."""

    def start(month: str) -> datetime:
        return datetime.strptime(month, MONTH_FORMAT).replace(tzinfo=UTC)

    return MonthlyPartitionsDefinition(
        start_date=start(first), end_date=start(month_after(last)), fmt=MONTH_FORMAT, timezone="UTC"
    )


_SETTINGS = load_settings()
FIRST_MONTH, LAST_MONTH = _SETTINGS.first_month, _SETTINGS.last_month
MONTHS = monthly_partitions(FIRST_MONTH, LAST_MONTH)

# A snapshot is the state as of the end of its month: it looks at that month and the twelve before.
with warnings.catch_warnings():
    # Months before the first may be left out; Dagster calls this beta, and says so each time.
    warnings.simplefilter("ignore")
    SNAPSHOT_NEEDS = TimeWindowPartitionMapping(
        start_offset=-LOOK_BACK_MONTHS, allow_nonexistent_upstream_partitions=True
    )


def snapshot_months(snapshot: str) -> list[str]:
    """The months that a snapshot looks at."""
    return month_range(max(FIRST_MONTH, month_after(snapshot, -LOOK_BACK_MONTHS)), snapshot)


def in_span(month: str) -> bool:
    """Whether a month is one of those that exist as partitions."""
    return FIRST_MONTH <= month <= LAST_MONTH


def require_in_span(month: str) -> None:
    """Checks a month that a user gave.

    Raises:
        InputError: it is outside the span, or not written as YYYY-MM.
    """
    if not MONTH_PATTERN.fullmatch(month):
        raise InputError(f"{month!r} is not a month: write YYYY-MM, such as {LAST_MONTH}.")
    if not in_span(month):
        raise InputError(
            f"The month {month} is outside the span {FIRST_MONTH} … {LAST_MONTH}: choose one "
            "inside, or set AMAZON_SEG_FIRST_MONTH and AMAZON_SEG_LAST_MONTH."
        )
