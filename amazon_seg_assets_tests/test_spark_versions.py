"""Spark on storage that names versions: here a disk, as Hadoop's S3 is not among the packages."""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from upath import UPath

from amazon_seg_assets.schema import Column, Table
from amazon_seg_assets.storage import layout
from amazon_seg_assets.storage.facts import read_facts
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import Stats
from amazon_seg_assets.storage.spark_tables import (
    read_table,
    write_months,
    write_snapshot,
    write_whole,
)
from amazon_seg_assets.storage.versions import Versions

MONTHLY = Table("monthly", "By month.", (Column("day", pa.date32(), "A day."),), by_month=True)
WHOLE = Table("whole", "Not by month.", (Column("day", pa.date32(), "A day."),))

Frame = Callable[..., DataFrame]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(layout, "Renaming", lambda folder: Versions(UPath(folder)))
    monkeypatch.setattr(UPath(tmp_path).fs, "auto_mkdir", True)
    return Store(tmp_path, "Toys")


@pytest.fixture
def days(spark: SparkSession) -> Frame:
    def frame(*days: str) -> DataFrame:
        rows = [(date.fromisoformat(day), day[:7]) for day in days]
        return spark.createDataFrame(rows, "day date, month string")

    return frame


def rows(frame: DataFrame) -> list[tuple[str, ...]]:
    return sorted(tuple(map(str, row)) for row in frame.collect())


def test_months_of_several_versions_are_one_table(
    spark: SparkSession, store: Store, days: Frame
) -> None:
    months = ["2023-01", "2023-02", "2023-03"]
    first = write_months(days("2023-01-05", "2023-02-05"), store, MONTHLY, months)
    assert [written.stats.rows for written in first.values()] == [1, 1, 0]
    assert [written.facts for written in first.values()] == [{}, {}, {}]
    second = write_months(
        days("2023-02-06", "2023-02-07"), store, MONTHLY, ["2023-02"], lambda *at: {"month": at[0]}
    )
    facts = {"former": {"rows": 1, "nulls": {"day": 0}}, "month": "2023-02"}
    assert second["2023-02"].facts == facts == read_facts(store, "monthly", "2023-02")
    assert len({path.parent for path in store.paths("monthly", months)}) == 2
    expected = [("2023-01-05", "2023-01"), ("2023-02-06", "2023-02"), ("2023-02-07", "2023-02")]
    assert rows(read_table(spark, store, MONTHLY, months)) == expected
    assert rows(read_table(spark, store, MONTHLY)) == expected
    assert rows(read_table(spark, store, MONTHLY, ["2023-02"], ["month"])) == [("2023-02",)] * 2
    with pytest.raises(ValueError, match=r"rows of \['month=2023-02'\]"):
        write_months(days("2023-02-08"), store, MONTHLY, ["2023-01"])
    assert rows(read_table(spark, store, MONTHLY)) == expected


def day_of(day: str, _: Stats) -> dict[str, str]:
    return {"day": day}


def test_snapshots_and_whole_tables_are_replaced(
    spark: SparkSession, store: Store, days: Frame
) -> None:
    for day in ("2023-01-05", "2023-01-06"):
        frame = days(day).drop("month")
        snapshot = write_snapshot(frame, store, MONTHLY, "2023-01", partial(day_of, day))
        whole = write_whole(frame, store, WHOLE)
        assert (snapshot.stats.rows, whole.stats.rows) == (1, 1)
        assert rows(read_table(spark, store, MONTHLY, ["2023-01"])) == [(day, "2023-01")]
        assert rows(read_table(spark, store, WHOLE)) == [(day,)]
        assert snapshot.facts == {"day": day} == read_facts(store, "monthly", "2023-01")
        assert whole.facts == read_facts(store, "whole")
    assert whole.facts == {"former": {"rows": 1, "nulls": {"day": 0}}}
