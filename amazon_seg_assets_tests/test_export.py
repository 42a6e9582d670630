"""The files for campaign tools: hostile users, order, nobody lost, and what is known of each."""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import json
import random
from collections import defaultdict
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from amazon_seg_assets.dag.metadata import artifact_metadata
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.spark.internals import hidden_row
from amazon_seg_assets.stages.movement.export import (
    COLUMNS,
    ESCAPED,
    FILE,
    PSEUDONYM_KEY,
    SEGMENTED,
    changes,
    check_complete,
    customers_with_context,
    file_names,
    for_campaigns,
    hmac_pads,
    is_control,
    listed,
    previous_month,
    pseudonym_key,
    top_categories,
    unbroken_months,
    with_pseudonyms,
)
from amazon_seg_assets.storage.exports import MANIFEST, write_one_file_each
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
SORTED_CHAMPIONS = [
    "c",
    "a",
    "b",
    "'=1+1",
    "'@x",
    'quo"te, comma',
    " blanks ",
    "line\nend",
    "'\tx",
]
# User, segment, month; the present one is March.
PATHS = [
    *((user, segment, "2023-03") for user, segment, _ in CUSTOMERS),
    ("a", "Champions", "2023-02"),
    ("a", "Champions", "2023-01"),
    ("b", "Promising", "2023-02"),
    ("b", "Champions", "2023-01"),
    ("c", "Champions", "2023-02"),
    ("Zoë", "Can't Lose Them", "2023-02"),
    ("Zoë", "=Lost", "2023-01"),
    ("-gone", "=Lost", "2023-02"),
    ("was", "Champions", "2023-02"),
    ("long ago", "Champions", "2023-01"),
]
MONTHS = ("2023-03", "2023-02", ["2023-02", "2023-01"])
KEY = "not a secret, but long enough: ключ"


@pytest.fixture(scope="module")
def known(spark: SparkSession) -> DataFrame:
    rows = [(user, name, 5, 4, 3, 10, 2, monetary) for user, name, monetary in CUSTOMERS]
    segments = spark.createDataFrame(PATHS, "user_id string, segment string, month string")
    clusters = spark.createDataFrame([("a", "+Best"), ("b", "Rest")], "user_id string, c string")
    known = customers_with_context(
        spark.createDataFrame(rows, SCHEMA),
        [
            changes(segments, *MONTHS),
            clusters.withColumnRenamed("c", "cluster_label"),
            spark.createDataFrame([("a", "Toys")], "user_id string, top_category string"),
        ],
        F.col("user_id").isin("a", "was"),
    )
    return known.cache()


def write(
    folder: Path, customers: DataFrame, form: Any = "csv", has_earlier: bool = True
) -> tuple[Path, dict[str, int]]:
    store, counts, files = Store(folder, "Toys"), Observation(), file_names(SEGMENTS)
    arranged = for_campaigns(customers, files, counts, form == "csv", has_earlier)
    write_one_file_each(
        arranged,
        store,
        "segment_export",
        "2023-03",
        FILE,
        form,
        lambda written: {"files": listed(written, files, counts.get)},
    )
    return on_disk(store.path("segment_export", "2023-03")), counts.get


@pytest.fixture(scope="module")
def written(
    known: DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, int]]:
    """CSV files with an earlier snapshot to compare with, and the counted rows."""
    return write(tmp_path_factory.mktemp("data"), known)


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return [*csv.DictReader(opened, strict=True)]


def users(file: Path) -> list[str]:
    return [row["user_id"] for row in read_csv(file)]


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
    # `a-joined` lists who came into A; the file of A itself would be that of who left B.
    assert file_names(["A", "A joined"]) == {"A": "a", "A joined": "a-joined-2"}
    assert file_names(["B left", "B"]) == {"B left": "b-left", "B": "b-2"}


def test_the_earlier_snapshot_is_a_month_before_or_a_year() -> None:
    assert previous_month("2023-01", {"2022-12", "2022-01"}) == "2022-12"
    assert previous_month("2023-01", {"2023-01", "2022-11", "2022-01"}) == "2022-01"
    assert previous_month("2023-01", {"2023-01", "2022-11", "2021-12"}) is None


def test_snapshots_count_back_to_the_first_gap_at_most_twelve() -> None:
    year = [f"2022-{month:02d}" for month in range(12, 0, -1)]
    assert unbroken_months("2023-01", {*year, "2021-12", "2023-02"}) == year
    assert unbroken_months("2023-01", {*year} - {"2022-10"}) == ["2022-12", "2022-11"]
    assert unbroken_months("2023-01", {"2022-11"}) == []


def test_files_of_invented_customers_say_so() -> None:
    assert file_names(["Can't Lose Them", "Lost"], is_invented=True) == {
        "Can't Lose Them": "invented-cant-lose-them",
        "Lost": "invented-lost",
    }


def test_csv_is_safe_in_order_and_complete(written: tuple[Path, dict[str, int]]) -> None:
    folder, counts = written
    assert sorted(path.name for path in folder.glob("[!_]*")) == [
        "cant-lose-them.csv",
        "champions-joined.csv",
        "champions-left.csv",
        "champions.csv",
        "lost-joined.csv",
        "lost-left.csv",
        "lost.csv",
        MANIFEST,
        "promising-left.csv",
    ]
    champions = read_csv(folder / "champions.csv")
    assert list(champions[0]) == list(COLUMNS)
    assert [row["user_id"] for row in champions] == SORTED_CHAMPIONS
    told = ["Champions,5,4,3,10,2,12345678.91,Champions,2023-02,,,,false,,,,"]
    told += ["Champions,5,4,3,10,2,20.00,Champions,2023-01,'+Best,,Toys,true,,,,"]
    told += ["Champions,5,4,3,10,2,20.00,Promising,2023-03,Rest,,,false,,,,"]
    assert [",".join(row.values()) for row in champions[:3]] == [
        f"{user},{rest}" for user, rest in zip("cab", told, strict=True)
    ]
    assert (folder / "lost.csv").read_text(encoding="utf-8").split("\n") == [
        ",".join(f'"{name}"' for name in COLUMNS),
        """"'-2","'=Lost","5","4","3","10","2","0.50","","2023-03","","","","false","""
        + '"","","",""',
        "",
    ]
    assert "Zoë" in (folder / "cant-lose-them.csv").read_text(encoding="utf-8")
    store = Store(folder.parents[2], "Toys")
    metadata = artifact_metadata(family_of(), store, "segment_export", "2023-03")
    assert metadata["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert metadata["dagster/table_name"] == "Toys.segment_export"
    here = {"champions": 9, "cant-lose-them": 1, "lost": 1, "promising": 0}
    joined = {"champions-joined": 7, "cant-lose-them-joined": 0, "lost-joined": 1}
    left = {"champions-left": 1, "cant-lose-them-left": 0, "lost-left": 1, "promising-left": 1}
    assert counts == {ESCAPED: 4, **here, **joined, "promising-joined": 0, **left}
    check_complete(counts, file_names(SEGMENTS), now=11, before=6)


def test_who_came_and_who_left_have_files(written: tuple[Path, dict[str, int]]) -> None:
    folder, _ = written
    assert users(folder / "champions-joined.csv") == [
        user for user in SORTED_CHAMPIONS if user not in ("a", "c")
    ]
    assert users(folder / "lost-joined.csv") == ["'-2"]
    [moved] = read_csv(folder / "promising-left.csv")
    assert (moved["user_id"], moved["segment"], moved["monetary"]) == ("b", "Champions", "20.00")
    [gone] = read_csv(folder / "champions-left.csv")
    assert {name: value for name, value in gone.items() if value} == {
        "user_id": "was",
        "previous_segment": "Champions",
        "control": "true",
    }
    [fallen] = read_csv(folder / "lost-left.csv")
    assert {name: value for name, value in fallen.items() if value} == {
        "user_id": "'-gone",
        "previous_segment": "'=Lost",
        "control": "false",
    }


def test_ids_come_back_byte_by_byte(tmp_path: Path, spark: SparkSession) -> None:
    ids = [
        "semi;colon",
        "a;=1+1",
        'a"b";=2',
        "line\nend",
        "both\r\nends",
        "one\rend",
        " blank ",
        "",
    ]
    given = ((user, "Champions", 5, 4, 3, 10, 2, 20.0) for user in ids)
    blank = dict.fromkeys(set(COLUMNS) - {*SEGMENTED, "control"}, F.lit(None).cast("string"))
    frame = spark.createDataFrame([*given], SCHEMA).withColumns({**blank, "control": F.lit(False)})
    folder, _ = write(tmp_path, frame, has_earlier=False)
    assert sorted(users(folder / "champions.csv")) == sorted(ids)
    # Where `;` separates cells, that is in quotes, so that no cell begins within an id.
    with (folder / "champions.csv").open(encoding="utf-8", newline="") as opened:
        cells = [cell for row in csv.reader(opened, delimiter=";") for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]


def test_without_an_earlier_snapshot_nobody_came_or_left(
    tmp_path: Path, spark: SparkSession
) -> None:
    rows = [(user, name, 5, 4, 3, 10, 2, monetary) for user, name, monetary in CUSTOMERS]
    segments = spark.createDataFrame(PATHS[:11], "user_id string, segment string, month string")
    known = customers_with_context(
        spark.createDataFrame(rows, SCHEMA), [changes(segments, "2023-03", None, [])], F.lit(False)
    )
    folder, counts = write(tmp_path, known, has_earlier=False)
    names = {path.name for path in folder.glob("[!_]*")}
    assert names == {"cant-lose-them.csv", "champions.csv", "lost.csv", MANIFEST}
    assert set(counts) == {ESCAPED, *file_names(SEGMENTS).values()}
    rows_told = read_csv(folder / "champions.csv")
    assert {(r["previous_segment"], r["segment_since"]) for r in rows_told} == {("", "2023-03")}
    check_complete(counts, file_names(SEGMENTS), now=11, before=None)


def test_the_manifest_has_the_hash_of_each_file(written: tuple[Path, dict[str, int]]) -> None:
    folder, _ = written
    files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    assert [(each["segment"], each["customers"], each["file"], each["rows"]) for each in files] == [
        ("Can't Lose Them", "present", "cant-lose-them.csv", 1),
        ("Champions", "present", "champions.csv", 9),
        ("Champions", "joined", "champions-joined.csv", 7),
        ("Champions", "left", "champions-left.csv", 1),
        ("=Lost", "present", "lost.csv", 1),
        ("=Lost", "joined", "lost-joined.csv", 1),
        ("=Lost", "left", "lost-left.csv", 1),
        ("Promising", "left", "promising-left.csv", 1),
    ]
    for each in files:
        content = (folder / each["file"]).read_bytes()
        assert each["bytes"] == len(content)
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
        assert each["rows"] == len(read_csv(folder / each["file"]))


def test_parquet_holds_values_as_they_are(tmp_path: Path, known: DataFrame) -> None:
    folder, _ = write(tmp_path, known, "parquet")
    champions = pq.read_table(folder / "champions.parquet").to_pandas()
    assert list(champions.columns) == list(COLUMNS)
    assert champions["user_id"].tolist()[:4] == ["c", "a", "b", "=1+1"]
    assert champions["monetary"][0] == 12_345_678.905
    assert champions["monetary"].is_monotonic_decreasing
    assert champions["cluster_label"][1] == "+Best"
    [gone] = pq.read_table(folder / "lost-left.parquet").to_pylist()
    assert (gone["user_id"], gone["segment"], gone["monetary"]) == ("-gone", None, None)


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
    blank = dict.fromkeys(set(COLUMNS) - {*SEGMENTED, "control"}, F.lit(None).cast("string"))
    frame = spark.createDataFrame(rows, SCHEMA).withColumns({**blank, "control": F.lit(False)})
    contents = []
    for partitions in (1, 7):
        cut = frame.repartition(partitions)
        folder, _ = write(tmp_path / str(partitions), cut, has_earlier=False)
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert contents[0] == contents[1]
    expected = rows[rows["segment"] == "Champions"].sort_values(
        ["monetary", "user_id"], ascending=[False, True]
    )
    rows_told = csv.DictReader(contents[0]["champions.csv"].decode().splitlines())
    assert [row["user_id"] for row in rows_told] == expected["user_id"].tolist()


def test_rows_that_do_not_add_up_are_an_error() -> None:
    files = {"A": "a", "B": "b"}
    counts = {"a": 3, "b": 2, "a-joined": 2, "b-left": 1, "a-left": 1}
    check_complete(counts, files, now=5, before=5)
    with pytest.raises(ValueError, match="5 rows were exported of 6 customers"):
        check_complete(counts, files, now=6, before=5)
    with pytest.raises(ValueError, match="do not lead back to the 4 customers before"):
        check_complete(counts, files, now=5, before=4)


def test_a_segment_without_a_file_is_missed(known: DataFrame) -> None:
    counts, files = Observation(), file_names(SEGMENTS[1:])
    for_campaigns(known, files, counts, as_text=False, has_earlier=True).count()
    with pytest.raises(ValueError, match="2 rows were exported of 11 customers"):
        check_complete(counts.get, files, now=11, before=6)


def test_a_failed_check_keeps_the_former_files(
    written: tuple[Path, dict[str, int]], known: DataFrame
) -> None:
    folder, _ = written
    store = Store(folder.parents[2], "Toys")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(_: Any) -> dict[str, Any]:
        raise ValueError("10 rows were exported of 11 customers")

    arranged = for_campaigns(known, file_names(SEGMENTS), Observation(), False, True)
    with pytest.raises(ValueError, match="10 rows"):
        write_one_file_each(arranged, store, "segment_export", "2023-03", FILE, "parquet", fail)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_paths_are_those_of_plain_python(spark: SparkSession) -> None:
    draw = random.Random(7)
    snapshot, unbroken, previous = "2022-03", ["2022-02", "2022-01"], "2022-02"
    held = {
        (f"u{user}", month): draw.choice(["A", "A", "B"])
        for user in range(200)
        for month in (snapshot, *unbroken)
        if draw.random() < 0.8
    }
    expected = {}
    for user in {user for user, _ in held}:
        now, since = held.get((user, snapshot)), snapshot
        for month in unbroken:
            if held.get((user, month)) != now:
                break
            since = month
        expected[user] = (held.get((user, previous)), None if now is None else since)
    rows = [(user, segment, month) for (user, month), segment in held.items()]
    draw.shuffle(rows)
    frame = spark.createDataFrame(rows, "user_id string, segment string, month string")
    found = changes(frame, snapshot, previous, unbroken).collect()
    assert {user: tuple(rest) for user, *rest in found} == expected
    assert len(set(expected.values())) > 6


def test_an_earlier_snapshot_of_last_year_tells_nothing_of_since_when(spark: SparkSession) -> None:
    rows = [("a", "A", "2023-03"), ("a", "A", "2022-03"), ("b", "B", "2023-03")]
    rows += [("c", "B", "2022-03")]
    frame = spark.createDataFrame(rows, "user_id string, segment string, month string")
    assert sorted(map(tuple, changes(frame, "2023-03", "2022-03", []).collect())) == [
        ("a", "A", "2023-03"),
        ("b", None, "2023-03"),
        ("c", "B", None),
    ]


def test_top_categories_are_those_of_plain_python(spark: SparkSession) -> None:
    start, end = date(2023, 2, 28), date(2024, 2, 29)
    least = 0.25

    def at(day: str, time: str = "12:00:00") -> datetime:
        return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC)

    by_hand: list[tuple[str | None, datetime, float | None, str | None]] = [
        ("ties go by name", at("2024-02-29", "23:59:59"), 3.1, "B"),
        ("ties go by name", at("2023-02-28", "00:00:00"), 3.1, "A"),
        ("adds up", at("2023-06-01"), 0.1 + 0.2, "B"),
        ("adds up", at("2023-06-01"), 0.3, "B"),
        ("adds up", at("2023-06-01"), 0.6, "A"),
        ("days outside", at("2023-02-27", "23:59:59"), 9.0, "A"),
        ("days outside", at("2024-03-01", "00:00:00"), 9.0, "A"),
        ("days outside", at("2023-06-01"), 1.0, "B"),
        ("too cheap", at("2023-06-01"), 0.2500004, "A"),
        ("no category", at("2023-06-01"), 5.0, None),
        ("a category at least", at("2023-06-01"), 5.0, None),
        ("a category at least", at("2023-06-01"), 1.0, "A"),
        (None, at("2023-06-01"), 5.0, "A"),
        ("no price", at("2023-06-01"), None, "A"),
    ]
    draw = random.Random(3)
    drawn = [
        (
            f"u{draw.randrange(60)}",
            at(draw.choice(["2023-02-27", "2023-02-28", "2023-11-05", "2024-02-29"])),
            draw.choice([None, 0.25, 0.5, 1.0, 0.1 + 0.2, 1e9 / 3]),
            draw.choice([None, "A", "B", "ä", "Z"]),
        )
        for _ in range(400)
    ]
    rows = [*by_hand, *drawn]
    spent: dict[str, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for user, time, price, category in rows:
        micros = None if price is None else round(price * 1_000_000)
        if micros is None or micros <= round(least * 1_000_000) or not start <= time.date() <= end:
            continue
        if user is not None and category is not None:
            spent[user][category] += Fraction(micros, 1_000_000)
    expected = {
        user: min(of, key=lambda name: (-of[name], name.encode())) for user, of in spent.items()
    }
    schema = "user_id string, timestamp timestamp, price double, main_category string"
    found = top_categories(spark.createDataFrame(rows, schema), start, end, least).collect()
    assert dict(found) == expected
    assert len(found) == len(expected)
    told = {user: category for user, category in found if not user.startswith("u")}
    assert told == {
        "ties go by name": "A",
        "adds up": "A",
        "days outside": "B",
        "a category at least": "A",
    }


def test_the_control_is_a_stable_share_that_others_can_compute(spark: SparkSession) -> None:
    names = [f"AE{number}" for number in range(5000)] + ["Zoë", "", "株"]
    frame = spark.createDataFrame([(name,) for name in names], "user_id string")
    shares = (0.0, 0.1, 0.5, 1.0)
    columns = [is_control(share, "sält").alias(str(share)) for share in shares]
    found = frame.select("user_id", *columns, is_control(0.1, "other").alias("other")).collect()

    def fraction(user: str) -> float:
        return int.from_bytes(hashlib.sha256(f"sält:{user}".encode()).digest()[:8]) / 2**64

    assert [row["user_id"] for row in found] == names
    for share in shares:
        assert [row[str(share)] for row in found] == [fraction(name) < share for name in names]
    ours, others = (sum(row[name] for row in found) for name in ("0.1", "other"))
    # Three standard deviations of a share of a tenth.
    assert ours == pytest.approx(500, abs=64)
    assert others == pytest.approx(500, abs=64)
    assert sum(row["0.1"] and row["other"] for row in found) == pytest.approx(50, abs=21)


@pytest.mark.parametrize("key", [KEY, "k" * 16, "x" * 64, "long" * 40])
def test_pseudonyms_are_hmac_and_the_key_shows_nowhere(
    spark: SparkSession, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    names = ["AE22", "Zoë", "=1+1", ""]
    rows = [(name, number) for number, name in enumerate(names)]
    frame = spark.createDataFrame(rows, "user_id string, number int")
    keyed = with_pseudonyms(frame, hidden_row(spark, hmac_pads(key)))
    assert keyed.columns == frame.columns
    assert {row["number"]: row["user_id"] for row in keyed.collect()} == {
        number: hmac.new(key.encode(), name.encode(), "sha256").hexdigest()
        for number, name in enumerate(names)
    }
    plan = keyed._jdf.queryExecution().toString().lower()
    assert "inner" in plan
    assert "sha2" in caplog.text  # the protocol between Python and Java
    for pad in hmac_pads(key).values():
        assert pad[:8].hex() not in plan
        assert base64.b64encode(pad)[:8].decode() not in caplog.text


def test_pseudonyms_need_a_key_that_is_long_enough() -> None:
    assert pseudonym_key({PSEUDONYM_KEY: "k" * 16}) == "k" * 16
    with pytest.raises(InputError, match=f"{PSEUDONYM_KEY}, is not set: give 16 characters"):
        pseudonym_key({})
    with pytest.raises(InputError, match="is shorter: give 16") as short:
        pseudonym_key({PSEUDONYM_KEY: "secret-of-mine!"})
    assert "secret-of-mine" not in str(short.value)
