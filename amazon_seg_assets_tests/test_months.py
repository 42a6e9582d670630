"""Months that a user gives, the span of a deployment, and its partitions."""

from pathlib import Path
from typing import Any

import pytest

from amazon_seg_assets.dag import family as families_of
from amazon_seg_assets.dag.family import Family, families, monthly_partitions
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import Span, Spans, contiguous, month_range, said
from amazon_seg_assets.settings import Settings, load_settings
from amazon_seg_assets.stages.cleaning.tables import JOINED_REVIEWS
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.storage.layout import Store

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


def family(storage: Path, **settings: Any) -> Family:
    [only] = families(Settings(category="Toys", storage=storage, **settings))
    return only


def stored(storage: Path, table: str, *months: str) -> None:
    for month in months:
        Store(storage, "Toys").path(table, month).mkdir(parents=True)


def test_tables_whose_months_partitions_follow_are_called_so() -> None:
    names = families_of._REVIEWS, families_of._JOINED, families_of._FEATURES
    assert names == (RAW_REVIEWS.name, JOINED_REVIEWS.name, RFM_FEATURES.name)


@pytest.mark.parametrize(
    ("months", "settings", "history", "prepared", "snapshots"),
    [
        # Before anything is ingested, those of the published reviews.
        ({}, {}, "1996-05 2023-09", "2019-10 2023-09", "2020-10 2023-09"),
        (
            {"raw_reviews": ["2016-02", "2024-11"]},
            {},
            *("2016-02 2024-11", "2020-12 2024-11", "2021-12 2024-11"),
        ),
        # What is stored is shown, if it is older.
        (
            {"raw_reviews": ["2016-02", "2024-11"], "rfm_features": ["2019-06"]},
            {},
            *("2016-02 2024-11", "2018-06 2024-11", "2019-06 2024-11"),
        ),
        (
            {"raw_reviews": ["2016-02", "2024-11"], "joined_reviews": ["2016-02"]},
            {},
            *("2016-02 2024-11", "2016-02 2024-11", "2021-12 2024-11"),
        ),
        # Data of a year: there is nothing before it to look back at.
        ({"raw_reviews": ["2024-01", "2024-12"]}, {}, *["2024-01 2024-12"] * 3),
        # A wrong date is no end.
        (
            {"raw_reviews": ["1970-01", "2016-02", "2024-11", "9999-12"]},
            {},
            *("2016-02 2024-11", "2020-12 2024-11", "2021-12 2024-11"),
        ),
        (
            {"raw_reviews": ["2016-02", "2024-11"]},
            {"last_month": "2024-06", "first_snapshot": "2024-01"},
            *("2016-02 2024-06", "2023-01 2024-06", "2024-01 2024-06"),
        ),
    ],
)
def test_partitions_follow_the_data_and_begin_where_people_look(
    tmp_path: Path,
    months: dict[str, list[str]],
    settings: dict[str, str],
    history: str,
    prepared: str,
    snapshots: str,
) -> None:
    for table, of_table in months.items():
        stored(tmp_path, table, *of_table)
    expected = (Span(*ends.split()) for ends in (history, prepared, snapshots))
    assert family(tmp_path, **settings).spans == Spans(*expected)


def test_a_month_that_comes_in_is_known_to_who_asks_anew(tmp_path: Path) -> None:
    stored(tmp_path, "raw_reviews", "2022-01", "2023-03")
    before = family(tmp_path)
    stored(tmp_path, "raw_reviews", "2023-04")
    assert before.span.last == "2023-03"
    assert before.renewed().span.last == "2023-04"
    assert before.renewed(first_snapshot="2022-02").spans.snapshots.first == "2022-02"


def test_a_storage_that_cannot_be_reached_leaves_the_months_published(tmp_path: Path) -> None:
    (tmp_path / "Toys").mkdir()
    (tmp_path / "Toys" / "raw_reviews").write_text("no folder")
    assert family(tmp_path).span == SPAN


@pytest.mark.parametrize(
    ("first", "last", "snapshot"),
    [("2022-01", None, "2021-12"), ("2022-01", "2022-06", "2022-07"), ("2999-01", None, None)],
)
def test_months_that_contradict_each_other_are_told(
    first: str, last: str | None, snapshot: str | None
) -> None:
    with pytest.raises(InputError, match="The span of months is not valid"):
        load_settings(first_month=first, last_month=last, first_snapshot=snapshot)
