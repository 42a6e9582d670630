"""Customers from elsewhere: cluster, segment, churn and value by what a snapshot keeps."""

from __future__ import annotations

import gzip
import json
import math
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from amazon_seg_assets import api
from amazon_seg_assets.cli import main
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.features import CENTERS, DEVIATIONS, MEANS, TRANSFORMED_FEATURES
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.scoring.reviews import unknown
from amazon_seg_assets.stages.churn.logistic import Logistic, Term
from amazon_seg_assets.stages.churn.tables import CHURN_EVALUATION
from amazon_seg_assets.stages.clusters.grouping import spreads_as_facts
from amazon_seg_assets.stages.clusters.tables import CLUSTER_CENTERS, K_SWEEP
from amazon_seg_assets.stages.value import bg_nbd, gamma_gamma
from amazon_seg_assets.stages.value.models import WEEKS_A_MONTH
from amazon_seg_assets.stages.value.tables import CUSTOMER_VALUE, NOW, VALUE_MODEL
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import write_small
from amazon_seg_assets_tests.ended_run import CATEGORY, SNAPSHOT, EndedRun
from amazon_seg_assets_tests.raw_files import review
from amazon_seg_assets_tests.test_api import CUTS, store_segments
from amazon_seg_assets_tests.test_value import CDNOW, CDNOW_SPEND

MONTH, L = "2023-01", date(2023, 3, 18)
MEAN, SD = (180.0, 1.0, 3.0), (90.0, 0.5, 1.0)
OF_CLUSTERS = {"Lapsed": (1.0, -0.5, -0.5), "Regular": (-1.0, 0.5, 0.0), "Spender": (0.0, 1.0, 2.0)}
CUSTOMERS: dict[str, list[Any]] = {
    "user_id": ["007", "b", "c", "d"],
    "recency": [300, 20, 100, 181],
    "frequency": [1, 4, 9, 1],
    "monetary": [5.0, 30.0, 900.0, 9.99],
    "note": ["x", "y", "z", "ü"],
}


def plain_clusters(customers: dict[str, list[Any]]) -> list[str]:
    """The label of the nearest center, customer by customer."""
    found = []
    for r, f, m in zip(*(customers[n] for n in ("recency", "frequency", "monetary")), strict=True):
        point = (r, math.log1p(f), math.log1p(m))
        place = [(value - mean) / sd for value, mean, sd in zip(point, MEAN, SD, strict=True)]
        found.append(min(OF_CLUSTERS, key=lambda label: math.dist(place, OF_CLUSTERS[label])))
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage with the rules of one snapshot, made without Spark."""
    root = tmp_path_factory.mktemp("score")
    store = Store(root, CATEGORY)
    store_segments(store, MONTH, CUTS)
    centers = [
        {
            **{"k": 3, "cluster": number, "cluster_label": label, "customers": 1},
            **dict.fromkeys(("recency", "frequency", "monetary", "silhouette"), 1.0),
            **dict(zip((*CENTERS, *MEANS, *DEVIATIONS), (*center, *MEAN, *SD), strict=True)),
        }
        for number, (label, center) in enumerate(OF_CLUSTERS.items())
    ]
    others = [row | {"k": 2, "cluster_label": "of another k"} for row in centers[:2]]
    sweep = [
        dict.fromkeys(K_SWEEP.column_names, 1) | {"k": k, "converged": True, "chosen": k == 3}
        for k in (2, 3)
    ]
    assert len(CENTERS) == len(TRANSFORMED_FEATURES)
    write_small(pd.DataFrame([*others, *centers]), store, CLUSTER_CENTERS, MONTH)
    write_small(pd.DataFrame(sweep), store, K_SWEEP, MONTH, spreads_as_facts({}))
    return root


@pytest.fixture(autouse=True)
def settings(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMAZON_SEG_STORAGE", str(root))
    monkeypatch.setenv("AMAZON_SEG_CATEGORY", CATEGORY)
    monkeypatch.setenv("AMAZON_SEG_SOURCE", str(root))


@pytest.fixture
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object) -> None:
        raise AssertionError("Spark is started")

    monkeypatch.setattr("amazon_seg_assets.api.start_session", start)


@pytest.mark.usefixtures("no_spark")
def test_new_customers_get_cluster_and_segment_without_spark() -> None:
    """Other columns stay, former ones of the same names go; pandas and Arrow give the same."""
    frame = pd.DataFrame(CUSTOMERS | {"cluster": "old"}, index=[4, 5, 6, 7])
    found = api.score(frame, MONTH)
    assert found["cluster_label"].tolist() == plain_clusters(CUSTOMERS)
    assert set(found["cluster_label"]) == set(OF_CLUSTERS)
    assert found["cluster"].tolist() == [[*OF_CLUSTERS].index(n) for n in found["cluster_label"]]
    # By the cut points of test_api: worse than 300 days is 1, 10 USD and less is 1 or 2.
    assert found["rfm_score"].tolist() == ["111", "444", "355", "312"]
    cells = load_scheme("standard").cells
    by_score = {f"{r}{f}{m}": segment for (r, f, m), segment in cells.items()}
    assert found["segment"].tolist() == found["rfm_score"].map(by_score).tolist()
    assert found["note"].tolist() == CUSTOMERS["note"]
    assert found.index.tolist() == [4, 5, 6, 7]
    as_arrow = api.score(pa.Table.from_pandas(frame, preserve_index=False), MONTH)
    assert as_arrow.to_pandas().equals(found[as_arrow.column_names].reset_index(drop=True))


@pytest.mark.usefixtures("no_spark")
@pytest.mark.parametrize("output", ["scored.parquet", "scored.csv"])
@pytest.mark.parametrize("file", ["customers.csv", "customers.parquet"])
def test_a_file_is_scored_into_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, output: str
) -> None:
    table = pa.table(CUSTOMERS)
    given, scored = tmp_path / file, tmp_path / output
    scored.write_text("former")
    (pacsv.write_csv if file.endswith("csv") else pq.write_table)(table, given)
    main(["score", str(given), "--output", str(scored)])
    assert capsys.readouterr().out == f"4 customers by the rules of {MONTH} in {scored}.\n"
    if output.endswith("csv"):
        found = pacsv.read_csv(
            scored, convert_options=pacsv.ConvertOptions(column_types={"user_id": pa.string()})
        )
    else:
        found = pq.read_table(scored)
    expected = api.score(table, MONTH)
    assert found.column_names == expected.column_names
    assert found.schema.field("frequency").type == pa.int64()
    rows = (table.drop_columns("rfm_score").to_pylist() for table in (found, expected))
    assert next(rows) == next(rows)
    assert {*tmp_path.iterdir()} == {given, scored}


HEAD = "user_id,recency,frequency,monetary\n"


@pytest.mark.usefixtures("no_spark")
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "user_id,recency\nu,1\n", "a.csv lacks frequency, monetary: give user_id, rec"),
        ("a.csv", "", r"a.csv cannot be read as csv \(Empty CSV file\): check the file."),
        ("a.csv", HEAD, "a.csv has no rows: give one for each customer."),
        (
            "a.csv",
            HEAD + "u,1,1,9.5\nv,2,many,1\nw,3,few,1\n",
            "a.csv, row 2: frequency is 'many', not a number, as in 1 further row; repair or",
        ),
        ("a.csv", HEAD + "u,1,,9\n", "a.csv, row 1: frequency is missing; repair or leave out"),
        ("a.csv", HEAD + "u,1,1,inf\n", "row 1: monetary is 'inf', not a number"),
        ("a.csv", HEAD + "u,-1,1,1\n", "row 1: recency is '-1', below 0"),
        (
            "a.csv",
            HEAD + "u,1,1,1\nv,1,1,1\nu,2,2,2\n",
            "a.csv, rows 1 and 3: both are of the customer 'u'; give one row for each.",
        ),
        ("a.csv", HEAD + "u,1,1,1\nv,1\n", r"a.csv cannot be read as csv \(.*Expected 4 columns"),
        ("a.parquet", "no Parquet", "a.parquet cannot be read as parquet"),
        ("b.csv", None, "b.csv does not exist: check the path."),
        ("a.txt", "", "a.txt is of no known form: give customers as .csv or .parquet, or reviews"),
    ],
)
def test_a_file_that_cannot_be_scored_is_told_in_a_sentence(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    file, output = tmp_path / name, tmp_path / "scored.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError, match=message) as error:
        api.score_file(file, output, MONTH)
    assert str(error.value).endswith(".")
    assert not output.exists()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"recency": [L] * 4}, "row 1: recency is 2023-03-18, not a number, as in 3 further row"),
        ({"monetary": [True] * 4}, "frame of customers has bool in monetary: give numbers"),
        ({"user_id": ["a", None, "c", None]}, "row 2: user_id is missing, as in 1 further row"),
        ({"user_id": [1, 2, 3, 2]}, "rows 2 and 4: both are of the customer '2'"),
    ],
)
def test_a_frame_that_cannot_be_scored_is_told(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        api.score(pd.DataFrame(CUSTOMERS | columns), MONTH)


def test_wrong_places_are_told(tmp_path: Path, root: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(HEAD + "u,1,1,1\n")
    for output, month, message in (
        (file, MONTH, "would be replaced by its scores"),
        (tmp_path / "a.xlsx", MONTH, r"a.xlsx is of no form that is written: end its name in .csv"),
        (tmp_path / "nowhere/a.csv", MONTH, "a.csv cannot be written"),
        (tmp_path / "b.csv", "2022-01", "has no 2022-01"),
    ):
        with pytest.raises(InputError, match=message):
            api.score_file(file, output, month)
    reasons = unknown(Store(root, CATEGORY), MONTH)
    assert reasons == (
        f"Churn is not known: churn_evaluation of {CATEGORY} is not stored for {MONTH}.",
        f"Value is not known: value_model of {CATEGORY} is not stored for {MONTH}.",
    )


# Reviews

PRICES = {"product-0": 10.0, "product-1": 30.0, "product-2": 90.0}
BOUGHT = {
    "often": [("2020-05-01", 0), ("2021-07-31", 2), ("2022-11-30", 1), ("2023-03-18", 2)],
    "once": [("2022-03-18", 1)],
    "back": [("2015-01-01", 0), ("2022-12-24", 0)],
}
LEFT_OUT = [
    review("too-early", "product-0", "2022-03-17T23:59:59"),
    review("unpriced", "unknown", "2023-01-01T12:00:00"),
    review("often", "product-2", "2023-03-19T00:00:00"),
    review("later", "product-2", "2023-03-19T00:00:00"),
    review("not-verified", "product-2", "2023-01-01T00:00:00", verified_purchase=False),
]
MODEL = Logistic(
    [Term("recency_days"), Term("days_ever", times="recency_days")],
    np.array([0.8, -0.25]),
    0.1,
    np.array([4.0, 3.0]),
)


@pytest.fixture
def modelled(ended_run: EndedRun, tmp_path: Path) -> Path:
    """The storage of a run, with models of churn and value beside what it has stored."""
    shutil.copytree(ended_run.storage, tmp_path / "data")
    store = Store(tmp_path / "data", CATEGORY)
    facts = {"reason": None, "model": MODEL.to_facts()}
    nothing = pd.DataFrame(columns=CHURN_EVALUATION.column_names)
    write_small(nothing, store, CHURN_EVALUATION, SNAPSHOT, facts)
    rows = [
        (NOW, model, name, value, 0.1)
        for model, names, values in (
            ("bg_nbd", bg_nbd.NAMES, (CDNOW.r, CDNOW.alpha, CDNOW.a, CDNOW.b)),
            ("gamma_gamma", gamma_gamma.NAMES, CDNOW_SPEND),
        )
        for name, value in zip(names, values, strict=True)
    ]
    table = pd.DataFrame(rows, columns=VALUE_MODEL.column_names)
    write_small(table, store, VALUE_MODEL, SNAPSHOT, {"reason": None, "priced_share": 0.9})
    how = {"horizon_days": 90, "discount_rate": 0.0}
    nobody = pd.DataFrame(columns=CUSTOMER_VALUE.column_names)
    write_small(nobody, store, CUSTOMER_VALUE, SNAPSHOT, how)
    return tmp_path / "data"


def test_reviews_lead_to_segment_churn_and_value(
    spark: SparkSession,
    modelled: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert spark is not None
    lines = [
        review(user, f"product-{number}", f"{day}T23:59:59")
        for user, of in BOUGHT.items()
        for day, number in of
    ]
    file, output = tmp_path / "reviews.jsonl.gz", tmp_path / "scored.parquet"
    text = "".join(json.dumps(line) + "\n" for line in [*lines, lines[3], *LEFT_OUT])
    file.write_bytes(gzip.compress(text.encode()))
    where = ["--storage", str(modelled), "--category", CATEGORY]
    main(["score", str(file), "--snapshot", SNAPSHOT, "--output", str(output), *where])
    assert capsys.readouterr().out == (
        f"3 customers by the rules of {SNAPSHOT} in {output}.\n"
        "2 users without a review that counts left out.\n"
    )
    found = pq.read_table(output).to_pandas().set_index("user_id")
    assert found.index.tolist() == ["back", "often", "once"]
    for user, of in BOUGHT.items():
        row, days = found.loc[user], [date.fromisoformat(day) for day, _ in of]
        spends = [PRICES[f"product-{number}"] for _, number in of]
        window = [usd for day, usd in zip(days, spends, strict=True) if day >= date(2022, 3, 18)]
        recency = (L - max(days)).days + 1
        assert row[["recency", "frequency"]].tolist() == [recency, len(window)]
        assert row["monetary"] == sum(window)
        odds = 0.1 + 0.8 * math.log1p(recency)
        odds -= 0.25 * math.log1p(len(of)) * math.log1p(recency)
        churn = 1 / (1 + math.exp(-odds))
        assert row["churn_probability"] == pytest.approx(churn)
        first, last = min(days), max(days)
        weeks = (last - first).days / 7, ((L - first).days + 1) / 7
        x, t_x, age = (np.array([float(n)]) for n in (len(of) - 1, *map(round, weeks)))
        assert row["p_alive"] == pytest.approx(bg_nbd.p_alive(CDNOW, x, t_x, age)[0])
        assert row["p_no_purchase"] == pytest.approx(
            bg_nbd.p_no_purchase(CDNOW, x, t_x, age, 90 / 7)[0]
        )
        purchases = bg_nbd.expected_purchases(CDNOW, x, t_x, age, 12 * WEEKS_A_MONTH)
        assert row["expected_purchases_12m"] == pytest.approx(purchases[0])
        each = gamma_gamma.expected_spend(
            CDNOW_SPEND, np.array([len(of)]), np.array([np.mean(spends)])
        )
        assert row["expected_spend_12m"] == pytest.approx(purchases[0] * each[0] * 0.9)
        assert row["expected_loss"] == pytest.approx(churn * row["expected_spend_12m"])
    features = found.reset_index()[["user_id", "recency", "frequency", "monetary"]]
    again = api.score(features, SNAPSHOT, storage=modelled)
    columns = ["cluster", "cluster_label", "rfm_score", "segment"]
    assert found[columns].to_numpy().tolist() == again[columns].to_numpy().tolist()


def test_reviews_that_cannot_be_scored_are_told(
    spark: SparkSession, ended_run: EndedRun, tmp_path: Path
) -> None:
    assert spark is not None
    file, output = tmp_path / "reviews.jsonl", tmp_path / "scored.parquet"
    file.write_text("".join(json.dumps(line) + "\n" for line in LEFT_OUT[:2]))
    where: dict[str, Any] = {"storage": ended_run.storage, "category": CATEGORY}
    with pytest.raises(InputError, match="has no customers of 2023-03: none of its 2 users has a"):
        api.score_file(file, output, SNAPSHOT, **where)
    for text, message in (
        ("", "is empty"),
        ('{"rating": 5.0}\n', "lacks the column title"),
        (json.dumps(LEFT_OUT[0] | {"timestamp": "now"}) + "\n", "none of 1 lines is a valid"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=message):
            api.score_file(file, output, SNAPSHOT, **where)
