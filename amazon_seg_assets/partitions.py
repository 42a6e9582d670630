"""Months as partitions, and how a snapshot depends on them."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime

from dagster import MonthlyPartitionsDefinition, TimeWindowPartitionMapping

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.settings import MONTH, load_settings

MONTH_FORMAT = "%Y-%m"
LOOK_BACK_MONTHS = 12


def month_after(month: str, offset: int = 1) -> str:
    """The month ``offset`` months later (earlier if negative)."""
    year, number = map(int, month.split("-"))
    index = year * 12 + number - 1 + offset
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def month_range(first: str, last: str) -> list[str]:
    """All months from ``first`` to ``last``, both included."""
    months = []
    month = first
    while month <= last:
        months.append(month)
        month = month_after(month)
    return months


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


def require_in_span(month: str) -> None:
    """Checks a month that a user gave.

    Raises:
        InputError: it is outside the span, or not written as YYYY-MM.
    """
    if not MONTH.fullmatch(month):
        raise InputError(f"{month!r} is not a month: write YYYY-MM, such as {LAST_MONTH}.")
    if not FIRST_MONTH <= month <= LAST_MONTH:
        raise InputError(
            f"The month {month} is outside the span {FIRST_MONTH} … {LAST_MONTH}: choose one "
            "inside, or set AMAZON_SEG_FIRST_MONTH and AMAZON_SEG_LAST_MONTH."
        )
