"""The files for campaign tools: hostile users, order, and nobody lost."""

import csv
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, Observation, SparkSession

from amazon_seg_assets.dag.metadata import artifact_metadata
from amazon_seg_assets.stages.segments.export import (
    COLUMNS,
    ESCAPED,
    FILE,
    file_names,
    for_campaigns,
)
from amazon_seg_assets.storage.exports import write_one_file_each
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.graph import family_of

SEGMENTS = ["Champions", "Can't Lose Them", "=Lost", "Promising"]
SCHEMA = (
    "user_id string, segment string, r_score int, f_score int, m_score int, recency int, "
    "frequency bigint, monetary double"
)
# User, segment, monetary; in no order.
CUSTOMERS = [
    ("b", "Champions", 20.0),
    ("a", "Champions", 20.0),
    ("c", "Champions", 12_345_678.905),
    ("=1+1", "Champions", 5.0),
    ("@x", "Champions", 4.0),
    ('quo"te, comma', "Champions", 3.0),
    (" blanks ", "Champions", 2.0),
    ("line\nend", "Champions", 1.5),
    ("\tx", "Champions", 1.0),
    ("Zoë", "Can't Lose Them", 7.0),
    ("-2", "=Lost", 0.5),
]


@pytest.fixture
def customers(spark: SparkSession) -> DataFrame:
    rows = [(user, name, 5, 4, 3, 10, 2, monetary) for user, name, monetary in CUSTOMERS]
    return spark.createDataFrame(rows, SCHEMA)


def write(folder: Path, customers: DataFrame, form: str) -> tuple[Path, dict[str, int]]:
    store, counts = Store(folder, "Toys"), Observation()
    arranged = for_campaigns(customers, file_names(SEGMENTS), counts, as_text=form == "csv")
    write_one_file_each(
        arranged, store, "segment_export", "2023-03", FILE, form, lambda: None  # type: ignore[arg-type]
    )  # fmt: skip
    return on_disk(store.path("segment_export", "2023-03")), counts.get


def test_names_of_files_are_plain_and_unique() -> None:
    assert file_names(["Can't Lose Them", "Déjà vu / 2", "At Risk", "at-risk", "株", "…"]) == {
        "Can't Lose Them": "cant-lose-them",
        "Déjà vu / 2": "deja-vu-2",
        "At Risk": "at-risk",
        "at-risk": "at-risk-2",
        "株": "segment",
        "…": "segment-2",
    }
    assert len(file_names(["x" * 300])["x" * 300]) == 60
    assert ESCAPED not in file_names(["Escaped", "_escaped"]).values()


def test_csv_is_safe_in_order_and_complete(tmp_path: Path, customers: DataFrame) -> None:
    folder, counts = write(tmp_path, customers, "csv")
    assert sorted(path.name for path in folder.iterdir()) == [
        "cant-lose-them.csv",
        "champions.csv",
        "lost.csv",
    ]
    with (folder / "champions.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    assert header == list(COLUMNS)
    assert rows[0] == ["c", "Champions", "5", "4", "3", "10", "2", "12345678.91"]
    assert [row[0] for row in rows] == [
        "c",
        "a",
        "b",
        "'=1+1",
        "'@x",
        'quo"te, comma',
        " blanks ",
        "line\r\nend",
        "'\tx",
    ]
    assert (folder / "lost.csv").read_bytes().split(b"\r\n") == [
        ",".join(COLUMNS).encode(),
        b"'-2,'=Lost,5,4,3,10,2,0.50",
        b"",
    ]
    assert "Zoë" in (folder / "cant-lose-them.csv").read_text(encoding="utf-8")
    store = Store(tmp_path, "Toys")
    told = artifact_metadata(family_of(), store, "segment_export", "2023-03")
    assert told["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert told["dagster/table_name"] == "Toys.segment_export"
    assert counts == {
        ESCAPED: 4,
        "champions": 9,
        "cant-lose-them": 1,
        "lost": 1,
        "promising": 0,
    }


def test_parquet_holds_values_as_they_are(tmp_path: Path, customers: DataFrame) -> None:
    folder, _ = write(tmp_path, customers, "parquet")
    champions = pq.read_table(folder / "champions.parquet").to_pandas()
    assert list(champions.columns) == list(COLUMNS)
    assert champions["user_id"].tolist()[:4] == ["c", "a", "b", "=1+1"]
    assert champions["monetary"][0] == 12_345_678.905
    assert champions["monetary"].is_monotonic_decreasing


def test_files_do_not_depend_on_partitions(tmp_path: Path, spark: SparkSession) -> None:
    """Many customers of one segment come sorted as a whole, however the input is cut."""
    rows = pd.DataFrame(
        {
            "user_id": [f"u{number:04d}" for number in range(2000)],
            "segment": ["Champions", "Promising"] * 1000,
            **dict.fromkeys(("r_score", "f_score", "m_score", "recency", "frequency"), 1),
            "monetary": [float(number * 7919 % 101) for number in range(2000)],
        }
    )
    frame = spark.createDataFrame(rows, SCHEMA)
    written = []
    for partitions in (1, 7):
        folder, _ = write(tmp_path / str(partitions), frame.repartition(partitions), "csv")
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    expected = rows[rows["segment"] == "Champions"].sort_values(
        ["monetary", "user_id"], ascending=[False, True]
    )
    lines = written[0]["champions.csv"].decode().split("\r\n")[1:-1]
    assert [line.split(",")[0] for line in lines] == expected["user_id"].tolist()


def test_a_failed_check_keeps_the_former_files(tmp_path: Path, customers: DataFrame) -> None:
    folder, _ = write(tmp_path, customers, "csv")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def check() -> None:
        raise ValueError("10 rows were exported of 11 customers")

    arranged = for_campaigns(customers, file_names(SEGMENTS), Observation(), as_text=False)
    with pytest.raises(ValueError, match="10 rows"):
        write_one_file_each(
            arranged, Store(tmp_path, "Toys"), "segment_export", "2023-03", FILE, "parquet", check
        )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
