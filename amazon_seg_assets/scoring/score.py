"""A file of customers or reviews, scored into another file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.scoring.customers import (
    CUSTOMER,
    Rules,
    as_numbers,
    require_columns,
    require_distinct,
)
from amazon_seg_assets.scoring.files import (
    holds_reviews,
    read_customers,
    require_writable_form,
    writing,
)
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import parquet_files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Scored:
    """The end of scoring a file.

    Attributes:
        customers: scored.
        left_out: users of reviews of whom none counts in the snapshot's window.
        unknown: what the snapshot cannot tell of them, and why, in sentences.
    """

    customers: int
    left_out: int = 0
    unknown: tuple[str, ...] = ()


def score_table(customers: pa.Table, rules: Rules, place: str) -> pa.Table:
    """Adds cluster, scores and segment to customers; former columns of these names are replaced.

    Raises:
        InputError: they lack columns or values, or one is there again; ``place`` says whose.
    """
    require_columns(CUSTOMER, customers.column_names, place)
    numbers = as_numbers(customers.select(CUSTOMER).to_pandas(), place)
    require_distinct(numbers, place)
    return with_columns(_in_numbers(customers, numbers), rules.apply(numbers))


def _in_numbers(customers: pa.Table, numbers: pd.DataFrame) -> pa.Table:
    """Customers with numbers in place of texts that say them, whole ones where all are whole."""
    for place, name in enumerate(customers.column_names):
        if name in FEATURES and _is_text(customers[name].type):
            values = numbers[name].to_numpy()
            whole = (values == np.rint(values)).all()
            found = pa.array(values.astype(np.int64) if whole else values)
            customers = customers.set_column(place, name, found)
    return customers


def _is_text(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_) or pa.types.is_large_string(type_)


def with_columns(frame: pa.Table, columns: dict[str, Any]) -> pa.Table:
    """A table with further columns, or others in place of those that it has of these names."""
    kept = frame.drop_columns([name for name in columns if name in frame.column_names])
    for name, values in columns.items():
        type_ = pa.string() if isinstance(values, list) else None  # else that of NumPy
        kept = kept.append_column(name, pa.array(values, type_))
    return kept


def score_file(
    path: Path,
    output: Path,
    store: Store,
    month: str,
    max_malformed_share: float,
    spark: Callable[[], SparkSession],
) -> Scored:
    """Scores a file of customers or reviews into another, CSV or Parquet by its name.

    Args:
        path: customers as CSV or Parquet, or reviews as JSON Lines, by its name.
        output: is replaced.
        store: of the snapshot.
        month: the snapshot.
        max_malformed_share: share of broken lines of reviews that is tolerated.
        spark: starts Spark, which reviews alone need.

    Raises:
        InputError: a file cannot be used; says what is wrong with it.
    """
    require_writable_form(output)
    if output.absolute() == path.absolute():
        raise InputError(f"{path} would be replaced by its scores: give another --output.")
    of_reviews, rules = holds_reviews(path), Rules.stored(store, month)
    if not of_reviews:
        scored = score_table(read_customers(path), rules, str(path))
        with writing(output, scored.schema) as writer:
            writer.write_table(scored)
        return Scored(scored.num_rows)
    from amazon_seg_assets.scoring.reviews import score_reviews, unknown

    with TemporaryDirectory(prefix="amazon-seg-") as folder:
        told, left_out = score_reviews(
            path, store, month, spark(), max_malformed_share, Path(folder)
        )
        return Scored(_segmented(told, rules, output), left_out, unknown(store, month))


def _segmented(told: Path, rules: Rules, output: Path) -> int:
    """Writes scored customers with cluster and segment behind their features; how many."""
    files = parquet_files(told)
    batches = (batch for file in files for batch in pq.ParquetFile(file).iter_batches())
    tables = (_with_segments(pa.Table.from_batches([batch]), rules) for batch in batches)
    first = next(tables)
    with writing(output, first.schema) as writer:
        writer.write_table(first)
        rows = first.num_rows
        for table in tables:
            writer.write_table(table)
            rows += table.num_rows
    return rows


def _with_segments(customers: pa.Table, rules: Rules) -> pa.Table:
    numbers = customers.select(CUSTOMER).to_pandas()
    found = with_columns(customers, rules.apply(pd.DataFrame(numbers)))
    own = [*CUSTOMER, *found.column_names[customers.num_columns :]]
    return found.select([*own, *(name for name in customers.column_names if name not in own)])
