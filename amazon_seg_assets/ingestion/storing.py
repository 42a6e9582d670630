"""Reads one part of a raw file and stores it as Parquet; what a worker process does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amazon_seg_assets.ingestion.manifest import MonthCounts, Months, add_months
from amazon_seg_assets.ingestion.parts import Part
from amazon_seg_assets.locations import Location, uploading
from amazon_seg_assets.months import month_name
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.sources.malformed import MalformedLines
from amazon_seg_assets.sources.metadata import read_metadata
from amazon_seg_assets.sources.reviews import read_reviews
from amazon_seg_assets.storage.month_writer import MonthWriter, month_numbers, parquet_writer
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS

PROCESS_BYTES = 1600 * 1024**2
"""Memory that storing one part takes, at most, as measured with reviews of the published length."""

_HELD_BYTES = 384 * 1024**2
_ROW_GROUP_BYTES = 64 * 1024**2
_FEW_VALUES = ["rating", "helpful_vote"]  # other columns of reviews gain nothing by a dictionary


@dataclass(frozen=True)
class PartContent:
    """What a part held.

    Attributes:
        rows: rows written.
        malformed: counts its lines, numbered from 1 at its start.
        months: counts of each month; empty for products.
    """

    rows: int
    malformed: MalformedLines
    months: Months


def store_part(folder: Location, max_malformed_share: float, part: Part) -> PartContent:
    """Writes the Parquet files of a part into a table's folder.

    Raises:
        InputError: the file lacks a column or cannot be read.
    """
    store = _store_reviews if part.kind is Kind.REVIEWS else _store_products
    with uploading(folder) as local:
        return store(local, part, MalformedLines(max_malformed_share))


def _store_reviews(folder: Path, part: Part, malformed: MalformedLines) -> PartContent:
    tables = read_reviews(part.path, part.name, malformed, part.start, part.end)
    rows_by_key: Counter[int] = Counter()
    with MonthWriter(
        folder, part.parquet_name, RAW_REVIEWS.arrow_schema, _HELD_BYTES, _FEW_VALUES
    ) as writer:
        for table in tables:
            months = month_numbers(table["timestamp"])
            writer.write(table, months)
            keys, rows = np.unique(_count_keys(table, months), return_counts=True)
            rows_by_key.update(dict(zip(keys.tolist(), rows.tolist(), strict=True)))
    return PartContent(rows_by_key.total(), malformed, _month_counts(rows_by_key))


def _count_keys(table: pa.Table, months: np.ndarray) -> np.ndarray:
    """For each review the month, and a bit for each kind of reviews that is counted."""
    kinds = (
        table["verified_purchase"],
        pc.equal(table["rating"], 0),
        pc.less(table["helpful_vote"], 0),
    )
    keys = months
    for is_of_kind in kinds:
        keys = 2 * keys + pc.fill_null(is_of_kind, False).to_numpy()
    return keys


def _month_counts(rows_by_key: Mapping[int, int]) -> Months:
    return add_months(
        {
            month_name(key >> 3): MonthCounts(
                rows, rows * (key >> 2 & 1), rows * (key >> 1 & 1), rows * (key & 1)
            )
        }
        for key, rows in rows_by_key.items()
    )


def _store_products(folder: Path, part: Part, malformed: MalformedLines) -> PartContent:
    tables = read_metadata(part.path, part.name, malformed, part.start, part.end)
    rows = 0
    with parquet_writer(folder / part.parquet_name, RAW_METADATA.arrow_schema) as writer:
        for group in _row_groups(tables):
            writer.write_table(group)
            rows += group.num_rows
    return PartContent(rows, malformed, {})


def _row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Joins small tables to row groups of a sensible size."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(each.nbytes for each in held) >= _ROW_GROUP_BYTES:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)
