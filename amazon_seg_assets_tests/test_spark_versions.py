"""Spark on storage that names versions: here a disk, as Hadoop's S3 is not among the packages."""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from upath import UPath

from amazon_seg_assets.storage import layout
from amazon_seg_assets.storage.figures import read_figures
from amazon_seg_assets.storage.footers import Stats
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.spark_tables import (
    read_table,
    write_months,
    write_snapshot,
    write_whole,
)
from amazon_seg_assets.storage.versions import Versions
from amazon_seg_assets.tables.model import Column, Table

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
    assert [stats.rows for stats in first.values()] == [1, 1, 0]
    write_months(days("2023-02-06", "2023-02-07"), store, MONTHLY, ["2023-02"])
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
        stats = write_snapshot(frame, store, MONTHLY, "2023-01", partial(day_of, day))
        assert (stats.rows, write_whole(frame, store, WHOLE).rows) == (1, 1)
        assert rows(read_table(spark, store, MONTHLY, ["2023-01"])) == [(day, "2023-01")]
        assert rows(read_table(spark, store, WHOLE)) == [(day,)]
        assert read_figures(store, "monthly", "2023-01") == {"day": day}
