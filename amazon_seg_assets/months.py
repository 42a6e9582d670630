"""Months as text, ``YYYY-MM``, and how they follow one another."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from amazon_seg_assets.errors import InputError

MONTH_PATTERN = re.compile("[12][0-9]{3}-(0[1-9]|1[0-2])")
"""A month that people give; in data there are years from 1 to 9999."""

LOOK_BACK_MONTHS = 12
"""A snapshot, the state as of the end of its month, looks at that month and so many before."""


SNAPSHOT_MONTHS = 36
"""Snapshots begin so many months before the end of the data, as hardly anybody looks further."""


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


def said(months: Iterable[str]) -> str:
    """Months as people say them: ``2022-05 to 2022-08 and 2023-01``."""
    ranges = contiguous(months)
    *others, last = [first if first == end else f"{first} to {end}" for first, end in ranges]
    return f"{', '.join(others)} and {last}" if others else last


@dataclass(frozen=True)
class Span:
    """The months that exist as partitions, both ends included."""

    first: str
    last: str

    def __contains__(self, month: str) -> bool:
        return self.first <= month <= self.last

    def look_back(self, snapshot: str) -> list[str]:
        """The months that a snapshot looks at."""
        return month_range(max(self.first, month_after(snapshot, -LOOK_BACK_MONTHS)), snapshot)

    def require(self, month: str) -> None:
        """Checks a month that a user gave.

        Raises:
            InputError: it is outside the span, or not written as YYYY-MM.
        """
        if not MONTH_PATTERN.fullmatch(month):
            raise InputError(f"{month!r} is not a month: write YYYY-MM, such as {self.last}.")
        if month not in self:
            raise InputError(
                f"The month {month} is outside the span {self.first} … {self.last}: choose one "
                "inside, or set AMAZON_SEG_FIRST_MONTH and AMAZON_SEG_LAST_MONTH."
            )


@dataclass(frozen=True)
class Spans:
    """The months of a category that exist as partitions.

    Attributes:
        history: all months of the data.
        prepared: those that are cleaned and joined: of the snapshots, and what these look back at.
        snapshots: those as whose end customers are segmented.
    """

    history: Span
    prepared: Span
    snapshots: Span

    @classmethod
    def of(cls, months: Span, first_snapshot: str, first_prepared: str | None = None) -> Self:
        """The spans that end with the data.

        Args:
            months: of the data.
            first_snapshot: as whose end customers are segmented.
            first_prepared: if it is before what the first snapshot looks back at.
        """

        def since(first: str) -> Span:
            return Span(min(max(first, months.first), months.last), months.last)

        look_back = month_after(first_snapshot, -LOOK_BACK_MONTHS)
        return cls(
            history=months,
            prepared=since(min(look_back, first_prepared or look_back)),
            snapshots=since(first_snapshot),
        )
