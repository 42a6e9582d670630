"""Declared tables as Spark DataFrames: reading the columns and months asked for, writing whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from amazon_seg_assets.locations import Location, children, spark_path, uploading
from amazon_seg_assets.storage.figures import Figures, write_figures
from amazon_seg_assets.storage.footers import Stats, read_stats
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.tables.model import MONTH, PLACE, Table

FORMER = "former"
"""The figure that tells rows, and nulls of each column, of what a partition replaced."""


def read_table(
    spark: SparkSession,
    store: Store,
    table: Table,
    months: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    with_place: bool = False,
) -> DataFrame:
    """Reads a table, or some of its months and columns.

    Tables laid out by month have the further column ``month``; ``with_place`` adds those of
    ``PLACE``, by which a row can be told from its equals.

    Raises:
        InputError: the table or a month of it has not been materialized.
    """
    store.require(table.name, months)
    schema = StructType(list(table.spark_schema))
    if table.by_month:
        schema.add(StructField(MONTH, StringType()))
    reader = spark.read.schema(schema).option("basePath", spark_path(store.base(table.name)))
    frame = reader.parquet(*map(spark_path, store.paths(table.name, months)))
    # Chosen always, as the storage may have folders of versions above the months.
    names = list(schema.names)
    if with_place:
        places = ("_metadata.file_path", "_metadata.row_index")
        frame = frame.withColumns(dict(zip(PLACE, map(F.col, places), strict=True)))
        names += PLACE
    return frame.select(*(names if columns is None else columns))


def write_months(
    frame: DataFrame,
    store: Store,
    table: Table,
    months: Sequence[str],
    figures: Callable[[str, Stats], Figures] = lambda _month, _stats: {},
) -> dict[str, Stats]:
    """Replaces months of a table; a month that the frame has no row of becomes empty.

    Args:
        frame: the columns of the table and ``month``; rows of no other months.
        store: where to write.
        table: what to write.
        months: the months to replace; others stay untouched.
        figures: gives facts about a month to keep beside it.
    """
    with store.replacing_in_place(table.name, months) as folder:
        conforming = _conform(frame, table, MONTH)
        conforming.write.mode("append").partitionBy(MONTH).parquet(spark_path(folder))
        found = {name for name in children(folder) if name.startswith(month_folder(""))}
        stray = found - set(map(month_folder, months))
        if stray:
            raise ValueError(f"{table.name}: rows of {sorted(stray)}, which was not asked for")
        written = {month: _complete(folder / month_folder(month), table) for month in months}
        for month, stats in written.items():
            facts = {**_former(store.path(table.name, month)), **figures(month, stats)}
            write_figures(folder / month_folder(month), facts)
        return written


def write_snapshot(
    frame: DataFrame,
    store: Store,
    table: Table,
    month: str,
    figures: Callable[[Stats], Figures] = lambda _: {},
) -> Stats:
    """Replaces one month of a table by a frame without the column ``month``.

    Args:
        frame: the columns of the table.
        store: where to write.
        table: what to write.
        month: the month to replace; others stay untouched.
        figures: gives facts about the partition to keep beside it, or raises if what was written
            may not take the place of the former data.
    """
    with store.replacing_in_place(table.name, [month]) as folder:
        target = folder / month_folder(month)
        _conform(frame, table).write.parquet(spark_path(target))
        stats = _complete(target, table)
        write_figures(target, figures(stats))
        return stats


def write_whole(
    frame: DataFrame,
    store: Store,
    table: Table,
    figures: Callable[[Stats], Figures] = lambda _: {},
) -> Stats:
    """Replaces a table that has no months; ``figures`` gives facts to keep beside it."""
    with store.replacing_in_place(table.name) as folder:
        _conform(frame, table).write.mode("append").parquet(spark_path(folder))
        stats = _complete(folder, table)
        write_figures(folder, {**_former(store.path(table.name)), **figures(stats)})
        return stats


def _former(folder: Location) -> Figures:
    """What is about to be replaced, for those who compare."""
    if not folder.is_dir():
        return {}
    stats = read_stats(folder)
    return {FORMER: {"rows": stats.rows, "nulls": stats.nulls}}


def _conform(frame: DataFrame, table: Table, *partition_columns: str) -> DataFrame:
    """The table's columns in stored order; raises where a type is not the declared one."""
    actual = {field.name: field.dataType for field in frame.schema}
    for declared in table.spark_schema:
        if actual.get(declared.name) != declared.dataType:
            raise TypeError(
                f"{table.name}.{declared.name} is declared as {declared.dataType.simpleString()}, "
                f"but computed as {actual.get(declared.name)}"
            )
    return frame.select(*table.column_names, *partition_columns)


def _complete(folder: Location, table: Table) -> Stats:
    """Makes sure that a folder holds a readable table, and checks that nulls are where allowed."""
    stats = read_stats(folder)
    if stats.files == 0:
        empty = table.arrow_schema.empty_table()
        with uploading(folder) as local:
            pq.write_table(empty, local / "part-empty.zstd.parquet", compression="zstd")
        stats = read_stats(folder)
    for column in table.columns:
        if not column.nullable and stats.nulls.get(column.name):
            raise ValueError(
                f"{table.name}.{column.name} must not be null, but is in "
                f"{stats.nulls[column.name]} rows"
            )
    return stats
