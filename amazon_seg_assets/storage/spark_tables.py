"""Declared tables as Spark DataFrames: reading the columns and months asked for, writing whole."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from amazon_seg_assets.schema import MONTH, ROW_ID, Table
from amazon_seg_assets.storage.contents import keep_contents
from amazon_seg_assets.storage.damage import damage, require_sound, sound_months
from amazon_seg_assets.storage.facts import Facts, write_facts
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.locations import Location, children, spark_path, uploading
from amazon_seg_assets.storage.parquet import Stats, Written, part_name, read_stats

FORMER = "former"
"""The fact that holds rows, and nulls of each column, of what a partition replaced."""

FactsOf = Callable[[Stats], Facts]


def read_table(
    spark: SparkSession,
    store: Store,
    table: Table,
    months: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    with_row_id: bool = False,
) -> DataFrame:
    """Reads a table, or some of its months and columns.

    Tables laid out by month have the further column ``month``; ``with_row_id`` adds those of
    ``ROW_ID``, by which a row can be told from its equals.

    Raises:
        InputError: the table or a month of it has not been materialized, or is damaged.
    """
    require_sound(store, table.name, months)
    schema = StructType(list(table.spark_schema))
    if table.by_month:
        schema.add(StructField(MONTH, StringType()))
    reader = spark.read.schema(schema).option("basePath", spark_path(store.base(table.name)))
    frame = reader.parquet(*map(spark_path, store.paths(table.name, months)))
    # Chosen always, as the storage may have folders of versions above the months.
    names = list(schema.names)
    if with_row_id:
        places = ("_metadata.file_path", "_metadata.row_index")
        frame = frame.withColumns(dict(zip(ROW_ID, map(F.col, places), strict=True)))
        names += ROW_ID
    return frame.select(*(names if columns is None else columns))


def write_months(
    frame: DataFrame,
    store: Store,
    table: Table,
    months: Sequence[str],
    facts: Callable[[str, Stats], Facts] | None = None,
) -> dict[str, Written]:
    """Replaces months of a table by a frame that has the column ``month``, and rows of no others.

    A month without rows becomes empty. ``facts`` gives those kept beside a month.
    """
    with store.replacing_in_place(table.name, months) as folder:
        conforming = _conform(frame, table, MONTH)
        conforming.write.mode("append").partitionBy(MONTH).parquet(spark_path(folder))
        found = {name for name in children(folder) if name.startswith(month_folder(""))}
        if stray := found - set(map(month_folder, months)):
            raise ValueError(f"{table.name}: rows of {sorted(stray)}, which was not asked for")
        written, sound = {}, sound_months(store, table.name, months)
        for month in months:
            former = store.path(table.name, month) if month in sound else None
            target = folder / month_folder(month)
            written[month] = _finish(target, table, facts and partial(facts, month), former)
        return written


def write_snapshot(
    frame: DataFrame, store: Store, table: Table, month: str, facts: FactsOf | None = None
) -> Written:
    """Replaces one month of a table by a frame without the column ``month``.

    ``facts`` gives those kept beside it, or raises if the former data must stay.
    """
    with store.replacing_in_place(table.name, [month]) as folder:
        target = folder / month_folder(month)
        _conform(frame, table).write.parquet(spark_path(target))
        return _finish(target, table, facts)


def write_whole(
    frame: DataFrame, store: Store, table: Table, facts: FactsOf | None = None
) -> Written:
    """Replaces a table that has no months; ``facts`` gives those kept beside it."""
    with store.replacing_in_place(table.name) as folder:
        _conform(frame, table).write.mode("append").parquet(spark_path(folder))
        former = store.path(table.name)
        is_sound = former.is_dir() and not damage(store, table.name)
        return _finish(folder, table, facts, former if is_sound else None)


def _conform(frame: DataFrame, table: Table, *partition_columns: str) -> DataFrame:
    """The table's columns in stored order; raises where a type is not the declared one."""
    computed = {field.name: field.dataType for field in frame.schema}
    for field in table.spark_schema:
        if (actual := computed.get(field.name)) != field.dataType:
            declared = f"declared as {field.dataType.simpleString()}"
            raise TypeError(f"{table.name}.{field.name} is {declared}, but computed as {actual}")
    return frame.select(*table.column_names, *partition_columns)


def _finish(
    folder: Location, table: Table, facts: FactsOf | None, former: Location | None = None
) -> Written:
    """Makes sure that a folder just written holds a readable table, and keeps facts beside it.

    Nulls must be where they are allowed. Among the facts are those about ``former``.
    """
    stats = read_stats(folder)
    if stats.files == 0:
        empty = table.arrow_schema.empty_table()
        with uploading(folder) as local:
            pq.write_table(empty, local / part_name(), compression="zstd")
        stats = read_stats(folder)
    for column in table.columns:
        if not column.nullable and (nulls := stats.nulls.get(column.name)):
            raise ValueError(f"{table.name}.{column.name} must not be null, but is in {nulls} rows")
    kept: dict[str, Any] = {}
    keep_contents(folder, stats.rows)
    if former is not None:
        replaced = read_stats(former)
        kept[FORMER] = {"rows": replaced.rows, "nulls": replaced.nulls}
    if facts is not None:
        kept.update(facts(stats))
    return Written(stats, write_facts(folder, kept))
