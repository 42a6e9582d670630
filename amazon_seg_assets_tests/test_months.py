"""Months that a user gives, the span of a deployment, and its partitions."""

import pytest

from amazon_seg_assets.dag.family import monthly_partitions
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import Span, contiguous, month_range, said

SPAN = Span("1996-05", "2023-09")


@pytest.mark.parametrize(
    ("month", "message"),
    [
        ("2023-9", "'2023-9' is not a month: write YYYY-MM, such as 2023-09."),
        ("2023-13", "'2023-13' is not a month"),
        ("2023-09-01", "'2023-09-01' is not a month"),
        ("٢٠٢٣-09", "is not a month"),
        ("1995-12", "The month 1995-12 is outside the span 1996-05 … 2023-09: choose one inside"),
        ("1996-04", "The month 1996-04 is outside the span"),
        ("2023-10", "The month 2023-10 is outside the span"),
        ("2999-01", "The month 2999-01 is outside the span"),
    ],
)
def test_what_is_wrong_with_a_month_is_told(month: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^.*{message}"):
        SPAN.require(month)


def test_first_and_last_month_are_inside_and_are_partitions() -> None:
    months = monthly_partitions(SPAN).get_partition_keys()
    assert months == month_range(SPAN.first, SPAN.last)
    assert len(months) == 8 + 26 * 12 + 9
    for month in (SPAN.first, SPAN.last):
        SPAN.require(month)
        assert month in SPAN


def test_a_snapshot_looks_back_twelve_months_as_far_as_the_span_goes() -> None:
    assert SPAN.look_back("2023-03") == month_range("2022-03", "2023-03")
    assert len(SPAN.look_back("2023-03")) == 13
    assert SPAN.look_back("1996-07") == ["1996-05", "1996-06", "1996-07"]
    assert SPAN.look_back(SPAN.first) == [SPAN.first]


def test_months_without_a_gap_are_one_range() -> None:
    assert contiguous(["2023-01", "2022-12", "2023-03", "2023-01"]) == [
        ("2022-12", "2023-01"),
        ("2023-03", "2023-03"),
    ]
    assert contiguous([]) == []


def test_months_are_said_as_people_do() -> None:
    assert said(["2022-05"]) == "2022-05"
    assert said(month_range("2022-05", "2022-08")) == "2022-05 to 2022-08"
    assert said(["2022-01", "2022-03", "2022-05", "2022-06"]) == (
        "2022-01, 2022-03 and 2022-05 to 2022-06"
    )
