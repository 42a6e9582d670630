"""Months that a user gives."""

import pytest
from amazon_seg_assets.dag.partitions import FIRST_MONTH, LAST_MONTH, require_in_span

from amazon_seg_assets.errors import InputError


@pytest.mark.parametrize(
    ("month", "message"),
    [
        ("2023-9", "'2023-9' is not a month: write YYYY-MM"),
        ("2023-13", "'2023-13' is not a month"),
        ("2023-09-01", "'2023-09-01' is not a month"),
        ("٢٠٢٣-09", "is not a month"),
        ("1995-12", "The month 1995-12 is outside the span"),
        ("2999-01", "The month 2999-01 is outside the span"),
    ],
)
def test_what_is_wrong_with_a_month_is_told(month: str, message: str) -> None:
    with pytest.raises(InputError, match=f"^.*{message}"):
        require_in_span(month)


def test_first_and_last_month_are_inside() -> None:
    require_in_span(FIRST_MONTH)
    require_in_span(LAST_MONTH)
