"""The profile of raw reviews, month by month: months are found once, and merged.

Distinct values of texts, lists and times are sketches (HyperLogLog of Apache DataSketches, as Spark
has it), of numbers how often each value occurs. So what a new month takes does not grow with those
before it, and all figures are the same however the rows are spread over tasks.
"""

from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from amazon_seg_assets.schema import MONTH
from amazon_seg_assets.schema import Column as Declared
from amazon_seg_assets.spark.internals import load_sketches
from amazon_seg_assets.stages.exploration.profiles import (
    Profile,
    count_values,
    described,
    figures_of_values,
    is_numeric,
    is_time,
    number_of,
    placeholders,
)
from amazon_seg_assets.stages.exploration.tables import REVIEW_PROFILE_PARTS
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS

VERSION = "1"
"""Of these functions: parts of another one are not merged."""

_LG_REGISTERS = 11
"""Of a sketch, by which its standard error is 1.04 / sqrt(2048) = 2.3 %."""

_NUMBERS = [each.name for each in RAW_REVIEWS.columns if is_numeric(each.type)]
_TIMES = [each.name for each in RAW_REVIEWS.columns if is_time(each.name)]


def profile_months(raw: DataFrame) -> pd.DataFrame:
    """Profiles each month of raw reviews.

    Args:
        raw: columns of ``raw_reviews``, and ``month``, of whole months.

    Returns:
        Columns of ``review_profile_parts``, in order of months.
    """
    load_sketches(raw.sparkSession)
    figures = {"rows": F.count(F.lit(1))}
    for column in RAW_REVIEWS.columns:
        figures |= {f"{column.name}.{name}": each for name, each in _figures(column).items()}
    found = raw.groupBy(MONTH).agg(*(each.alias(name) for name, each in figures.items()))
    different, values = _different(raw), _values(raw)
    rows = [
        _row(month.asDict(), column.name, different, values)
        for month in sorted(found.collect(), key=lambda row: row[MONTH])
        for column in RAW_REVIEWS.columns
    ]
    return pd.DataFrame(rows, columns=REVIEW_PROFILE_PARTS.column_names)


def _figures(column: Declared) -> dict[str, Column]:
    value = F.col(column.name)
    figures = {"nulls": F.count_if(value.isNull())}
    if is_time(column.name):
        figures |= {"earliest": F.min(value), "latest": F.max(value)}
    elif is_numeric(column.type):
        return figures
    hashed = F.when(value.isNotNull(), F.xxhash64(value))
    figures["sketch"] = F.hll_sketch_agg(hashed, F.lit(_LG_REGISTERS))
    if (missing := placeholders(value, column.type)) is not None:
        figures["placeholders"] = missing
    return figures


def _different(raw: DataFrame) -> dict[str, int]:
    """Reviews of each month that differ in some field other than ``images``.

    Copies are of one time, so of one month. They are found by 64 bits of a hash of their own hash:
    of 44 million reviews two others share them once in 20,000 times.
    """
    lean = raw.select(MONTH, F.xxhash64("review_id").alias("id")).repartition("id")
    counted = lean.distinct().groupBy(MONTH).agg(F.count(F.lit(1)).alias("reviews"))
    return {row[MONTH]: row["reviews"] for row in counted.collect()}


def _values(raw: DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """Occurrences of each number, by month and column; of times their days."""
    numbers = {name: number_of(name, RAW_REVIEWS[name].type) for name in (*_NUMBERS, *_TIMES)}
    known = {name: number for name, number in numbers.items() if number is not None}
    counted = pd.DataFrame(count_values(raw, known, by=[MONTH]).toPandas())
    ordered = counted.sort_values([MONTH, "column", "value"])
    return {(month, name): rows for (month, name), rows in ordered.groupby([MONTH, "column"])}


def _row(
    found: dict[str, Any],
    name: str,
    different: dict[str, int],
    values: dict[tuple[str, str], pd.DataFrame],
) -> dict[str, Any]:
    month, counted = found[MONTH], values.get((found[MONTH], name))
    figures = ("nulls", "placeholders", "earliest", "latest")
    return {
        MONTH: month,
        "column": name,
        "rows": found["rows"],
        **{figure: found.get(f"{name}.{figure}") for figure in figures},
        "repeats": found["rows"] - different[month] if name == "review_id" else None,
        "sketch": None if (of := found.get(f"{name}.sketch")) is None else bytes(of),
        "values": [] if counted is None else counted["value"].tolist(),
        "value_rows": [] if counted is None else counted["rows"].tolist(),
    }


def merged(spark: SparkSession, parts: pd.DataFrame) -> Profile:
    """The profile of all reviews.

    Facts: ``rows``, and ``exact_duplicates``, rows that are equal to another in all fields but
    ``images``, without the first of each.

    Args:
        spark: the session.
        parts: columns of ``review_profile_parts``, each month once.
    """
    distinct, numbers = _distinct(spark, parts), _numbers(spark, parts)
    sums = parts.groupby("column")[["rows", "nulls", "placeholders", "repeats"]].sum(min_count=1)
    ends = parts.groupby("column").agg({"earliest": "min", "latest": "max"})
    rows = int(sums["rows"].iloc[0]) if len(sums) else 0
    found: dict[str, dict[str, Any]] = {}
    for name in sums.index:
        known = {of: _whole(sums.loc[name, of]) for of in ("nulls", "placeholders")}
        earliest, latest = (_whole(ends.loc[name, of]) for of in ("earliest", "latest"))
        found[name] = (
            known
            | ({"min": earliest, "max": latest} if is_time(name) else {})
            | ({"distinct": distinct[name]} if name in distinct else {})
            | numbers.get(name, {})
        )
    facts = {"rows": rows, "exact_duplicates": int(sums["repeats"].sum()) if len(sums) else 0}
    return Profile(described(RAW_REVIEWS, rows, found), facts)


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _distinct(spark: SparkSession, parts: pd.DataFrame) -> dict[str, int]:
    sketches = parts.loc[parts["sketch"].notna(), ["column", "sketch"]]
    if sketches.empty:
        return {}
    load_sketches(spark)
    frame = spark.createDataFrame(sketches, "column string, sketch binary")
    union = frame.groupBy("column").agg(F.hll_union_agg("sketch").alias("all"))
    # Once more with itself, so that the estimate goes by registers, not by the order of updates.
    estimate = F.hll_sketch_estimate(F.hll_union("all", "all")).alias("distinct")
    return {row["column"]: row["distinct"] for row in union.select("column", estimate).collect()}


def _numbers(spark: SparkSession, parts: pd.DataFrame) -> dict[str, dict[str, Any]]:
    lengths = parts["values"].map(len)
    if not lengths.sum():
        return {}
    values = pd.DataFrame(
        {
            "column": np.repeat(parts["column"].to_numpy(object), lengths),
            "value": np.concatenate(parts["values"].tolist()).astype(float),
            "rows": np.concatenate(parts["value_rows"].tolist()).astype(np.int64),
        }
    )
    by_value = values.groupby(["column", "value"], as_index=False)["rows"].sum()
    schema = "column string, value double, rows bigint"
    return figures_of_values(spark.createDataFrame(by_value, schema))
