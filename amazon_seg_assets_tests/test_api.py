"""Tests of the API: stored tables and models for other programs, segments of new customers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from amazon_seg_assets import api
from amazon_seg_assets.definitions import DECLARATIONS
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.clusters.tables import K_SWEEP
from amazon_seg_assets.stages.exploration.tables import RATING_COUNTS
from amazon_seg_assets.stages.segments.scoring import CutPoints
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import write_small
from amazon_seg_assets_tests.ended_run import CATEGORY, SNAPSHOT, EndedRun
from amazon_seg_assets_tests.test_readme import DOCS, blocks

MONTHS = ["2022-11", "2023-01", "2023-02"]
DIVIDED = "2023-03"
SEGMENTED = ["r_score", "f_score", "m_score", "rfm_score", "segment"]
CUTS = {
    "recency": CutPoints(("-recency",), ((-300,), (-200,), (-100,), (-10,))),
    "frequency": CutPoints(("frequency",), ((1,), (2,), (3,), (4,))),
    "monetary": CutPoints(("monetary",), ((5.0,), (10.0,), (20.0,), (50.0,))),
}
BY_TIES = CutPoints(("-recency", "user_id"), ((-10, "b"),) * 4)
NEW = {"recency": [9, 150, 400], "frequency": [9, 3, 1], "monetary": [50.0, 50.01, 0.3]}


def store_segments(store: Store, month: str, cuts: dict[str, CutPoints]) -> None:
    """One row, whose figures do not matter, and the rules beside it."""
    customer = {"user_id": [f"of {month}"], "recency": 1, "frequency": 1, "monetary": 9.99}
    scores = {"r_score": 5, "f_score": 1, "m_score": 1, "rfm_score": "511", "segment": "Lost"}
    facts = {
        "scheme": load_scheme("standard").model_dump(mode="json", exclude_none=True),
        "thresholds": {},
        "cuts": {feature: points.to_facts() for feature, points in cuts.items()},
    }
    write_small(pd.DataFrame(customer | scores), store, RFM_SEGMENTS, month, facts)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage with a few tables, made without Spark; one month divides equal customers."""
    root = tmp_path_factory.mktemp("api")
    store = Store(root, CATEGORY)
    for month in MONTHS:
        store_segments(store, month, CUTS)
    store_segments(store, DIVIDED, {**CUTS, "recency": BY_TIES})
    counts = {"scope": ["all time"], "rating": [5.0], "verified_purchase": [True]}
    write_small(pd.DataFrame(counts | {"reviews": [7], "share": [1.0]}), store, RATING_COUNTS)
    return root


@pytest.fixture(autouse=True)
def settings(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMAZON_SEG_STORAGE", str(root))
    monkeypatch.setenv("AMAZON_SEG_CATEGORY", CATEGORY)
    monkeypatch.setenv("AMAZON_SEG_SOURCE", str(root))


def test_all_tables_that_assets_store_can_be_loaded() -> None:
    stored = [output for declared in DECLARATIONS for output in declared.stores]
    assert sorted(api.tables()) == sorted(each.name for each in stored if isinstance(each, Table))
    assert api.tables()[:2] == ["raw_reviews", "raw_metadata"]


def test_months_are_loaded_with_their_names() -> None:
    assert api.months("rfm_segments") == [*MONTHS, DIVIDED]
    one = api.load_table("rfm_segments", MONTHS[0])
    assert one["user_id"].tolist() == [f"of {MONTHS[0]}"]
    assert one.columns.tolist() == [*RFM_SEGMENTS.column_names, "month"]
    two = api.load_table("rfm_segments", MONTHS[1:], form="arrow", columns=["month", "user_id"])
    assert two.to_pylist() == [{"month": m, "user_id": f"of {m}"} for m in MONTHS[1:]]
    assert api.load_table("rfm_segments", columns=["month"])["month"].tolist() == [*MONTHS, DIVIDED]


def test_a_table_without_months_is_loaded_whole() -> None:
    assert api.load_table("rating_counts", form="arrow").schema == RATING_COUNTS.arrow_schema
    assert api.load_table("rating_counts")["reviews"].tolist() == [7]


def test_arguments_take_the_place_of_settings(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMAZON_SEG_STORAGE", str(root / "nowhere"))
    monkeypatch.setenv("AMAZON_SEG_CATEGORY", "Games,Books")
    assert len(api.load_table("rating_counts", storage=str(root), category=CATEGORY)) == 1
    with pytest.raises(InputError, match="several categories: give one of Games, Books"):
        api.load_table("rating_counts", storage=root)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: api.load_table("rfm_segment"), "no table rfm_segment: did you mean rfm_segments?"),
        (lambda: api.load_table("zzz"), "no table zzz: there are raw_reviews, raw_metadata, "),
        (
            lambda: api.load_table("rfm_segments", ["2023-01", "2022-12", "2023-9"]),
            r"of Toys has no 2022-12, 2023-9 in .*: stored are 2022-11, 2023-01 … 2023-03\.",
        ),
        (lambda: api.load_table("rfm_segments", []), "No month of rfm_segments is asked for"),
        (lambda: api.load_table("k_sweep", DIVIDED), "k_sweep of Toys is not in .*: materialize"),
        (lambda: api.load_table("rating_counts", DIVIDED), "no months: load it without one"),
        (lambda: api.months("rating_counts"), "no months: it is loaded without one"),
        (
            lambda: api.load_table("rfm_segments", columns=["user_id", "segmnt"]),
            "rfm_segments has no column segmnt: did you mean segment?",
        ),
        (
            lambda: api.load_table("rfm_segments", form="csv"),  # type: ignore[call-overload]
            "'csv': give pandas, arrow or spark",
        ),
        (lambda: api.load_model(DIVIDED), "cluster_model of Toys is not in"),
        (lambda: api.segment(pd.DataFrame(NEW), "2021-01"), "has no 2021-01 in .*: stored are 20"),
        (
            lambda: api.segment(pd.DataFrame(NEW).drop(columns="monetary"), MONTHS[0]),
            "lacks monetary: give recency, frequency, monetary",
        ),
        (lambda: api.segment(pd.DataFrame(NEW), DIVIDED), "lacks user_id: give .*, user_id"),
        (
            lambda: api.segment(pa.table({**NEW, "recency": [None, 1, None]}), MONTHS[0]),
            "frame of customers, row 1: recency is missing, as in 1 further row; repair",
        ),
        (
            lambda: api.segment(pd.DataFrame({**NEW, "recency": ["a", "b", "c"]}), MONTHS[0]),
            "row 1: recency is 'a', not a number, as in 2 further rows",
        ),
    ],
)
def test_errors_tell_what_there_is(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_new_customers_are_scored_by_the_cut_points_kept_with_the_snapshot() -> None:
    """Also by values that nobody had then; other columns stay, former scores go."""
    frame = pd.DataFrame(NEW | {"note": ["a", "b", "c"], "segment": "old"}, index=[7, 8, 9])
    found = api.segment(frame, MONTHS[0])
    assert found["rfm_score"].tolist() == ["554", "335", "111"]
    assert found["r_score"].dtype == "int32"
    cells = load_scheme("standard").cells
    expected = [cells[5, 5, 4], cells[3, 3, 5], cells[1, 1, 1]]
    assert found["segment"].tolist() == expected
    assert found["note"].tolist() == ["a", "b", "c"]
    assert found.index.tolist() == [7, 8, 9]
    as_arrow = api.segment(pa.Table.from_pandas(frame, preserve_index=False), MONTHS[0])
    assert as_arrow.column_names == ["recency", "frequency", "monetary", "note", *SEGMENTED]
    assert as_arrow["segment"].to_pylist() == expected
    nobody = api.segment(as_arrow.slice(0, 0), MONTHS[0])
    assert nobody.schema == as_arrow.schema


def test_equal_customers_are_divided_where_the_scheme_does() -> None:
    tied = pd.DataFrame({**NEW, "recency": 10, "user_id": ["a", "b", "c"]})
    assert api.segment(tied, DIVIDED)["r_score"].tolist() == [1, 1, 5]


def test_what_a_run_has_stored_comes_back(
    spark: SparkSession, ended_run: EndedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each form; and its own customers get the segments that are stored."""
    assert spark is not None
    monkeypatch.setenv("AMAZON_SEG_STORAGE", str(ended_run.storage))
    stored = api.load_table("rfm_segments", SNAPSHOT, form="arrow").sort_by("user_id")
    frame = api.load_table("rfm_segments", SNAPSHOT, form="spark").orderBy("user_id")
    assert [row.asDict() for row in frame.collect()] == stored.to_pylist()
    assert stored.num_rows == 12
    features = stored.select(["user_id", *FEATURES])
    expected = stored.select([*features.column_names, *SEGMENTED])
    assert api.segment(features, SNAPSHOT).to_pylist() == expected.to_pylist()
    planned = api.segment(frame.select(*features.column_names), SNAPSHOT)
    assert [row.asDict() for row in planned.collect()] == expected.to_pylist()
    chosen = api.load_table("k_sweep", SNAPSHOT).query("chosen")
    assert chosen["k"].tolist() == [2]
    assert chosen.columns.tolist() == [*K_SWEEP.column_names, "month"]


def test_the_code_of_the_page_runs_as_it_stands(
    spark: SparkSession, ended_run: EndedRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its reviews are those of the run, whose customers get what is stored of them."""
    assert spark is not None
    monkeypatch.setenv("AMAZON_SEG_STORAGE", str(ended_run.storage))
    monkeypatch.chdir(tmp_path)
    reviews = ended_run.source / f"raw/review_categories/{CATEGORY}.jsonl"
    Path("reviews.jsonl").symlink_to(reviews)
    names: dict[str, Any] = {}
    for block in blocks(DOCS / "python.md", "python"):
        exec(re.sub("2023-09", SNAPSHOT, block), names)
    for name in ("segmented", "scored", "found"):
        assert names[name]["segment"].notna().all()
    assert {row["cluster"] for row in names["clustered"].collect()} <= {0, 1}
    assert names["labelled"]["cluster_label"].notna().all()
    assert names["told"] == api.Scored(12, 0, names["told"].unknown)
    found = names["found"]
    for table in ("rfm_segments", "customer_clusters"):
        stored = api.load_table(table, SNAPSHOT).drop(columns="month")
        stored = stored.sort_values("user_id", ignore_index=True)
        pd.testing.assert_frame_equal(found[stored.columns], stored)
    # Neither is made by the run, which its sentences tell.
    assert [text.split()[0] for text in names["told"].unknown] == ["Churn", "Value"]
    assert found[["churn_probability", "p_alive", "expected_spend_12m"]].isna().all(axis=None)
