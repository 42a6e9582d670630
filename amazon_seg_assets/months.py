"""Months as text, ``YYYY-MM``, and how they follow one another."""

from __future__ import annotations

import re
from collections.abc import Iterable

MONTH_PATTERN = re.compile("[12][0-9]{3}-(0[1-9]|1[0-2])")
"""A month that people give; in data there are years from 1 to 9999."""


def month_number(month: str) -> int:
    """Months since January of year 0."""
    year, number = map(int, month.split("-"))
    return year * 12 + number - 1


def month_name(number: int) -> str:
    """``YYYY-MM`` of a month's number."""
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def month_after(month: str, offset: int = 1) -> str:
    """The month ``offset`` months later (earlier if negative)."""
    return month_name(month_number(month) + offset)


def month_range(first: str, last: str) -> list[str]:
    """All months from ``first`` to ``last``, both included."""
    return [month_name(number) for number in range(month_number(first), month_number(last) + 1)]


def contiguous(months: Iterable[str]) -> list[tuple[str, str]]:
    """First and last month of each run of months without a gap."""
    ranges: list[tuple[str, str]] = []
    for month in sorted(set(months)):
        if ranges and month_after(ranges[-1][1]) == month:
            ranges[-1] = ranges[-1][0], month
        else:
            ranges.append((month, month))
    return ranges
