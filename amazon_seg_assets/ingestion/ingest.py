"""Ingests the raw files of a category: reviews into month folders, products into one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from amazon_seg_assets.engine import machine
from amazon_seg_assets.ingestion.manifest import Manifest, MonthCounts, read_manifest
from amazon_seg_assets.sources.base import Kind, RawFile, Source
from amazon_seg_assets.sources.jsonl import MalformedLines
from amazon_seg_assets.sources.metadata import read_metadata
from amazon_seg_assets.sources.reviews import read_reviews
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.month_writer import (
    COMPRESSION,
    MonthWriter,
    month_index,
    month_name,
)
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS

READER_VERSION = "1"
"""Raise it when the same files would give other rows."""

_LARGEST_BUDGET = 512 * 1024**2
_ROW_GROUP_BYTES = 64 * 1024**2

Progress = Callable[[str], None]


def ingest_reviews(
    source: Source, store: Store, max_malformed_share: float, force: bool, progress: Progress
) -> tuple[Manifest, bool]:
    """Ingests the reviews of a category.

    Args:
        source: where the files are.
        store: where the table goes; what is there stays unless the source has changed.
        max_malformed_share: share of broken lines that is tolerated in a file.
        force: ingest even if the source has not changed.
        progress: is told in words how far it is.

    Returns:
        What the table now holds, and whether it was written anew.
    """
    with _renewing(source, Kind.REVIEWS, store, RAW_REVIEWS, force) as (manifest, folder, files):
        if folder is None:
            return manifest, False
        budget = min(_LARGEST_BUDGET, machine.memory_bytes() // 16)
        with MonthWriter(folder, RAW_REVIEWS.arrow_schema, budget) as writer:
            for file in files:
                malformed = MalformedLines(max_malformed_share)
                for table in read_reviews(file.fetch(), file.name, malformed):
                    months = month_index(table["timestamp"])
                    writer.write(table, months)
                    _count_months(manifest, table, months)
                    progress(f"{file.name}: {manifest.rows:,} reviews read")
                _add_malformed(manifest, malformed)
    return manifest, True


def ingest_metadata(
    source: Source, store: Store, max_malformed_share: float, force: bool, progress: Progress
) -> tuple[Manifest, bool]:
    """Ingests the products of a category; arguments and result as `ingest_reviews`."""
    with _renewing(source, Kind.METADATA, store, RAW_METADATA, force) as (manifest, folder, files):
        if folder is None:
            return manifest, False
        path = folder / "part-0.zstd.parquet"
        schema = RAW_METADATA.arrow_schema
        with pq.ParquetWriter(path, schema, compression=COMPRESSION) as writer:
            for file in files:
                malformed = MalformedLines(max_malformed_share)
                for group in _row_groups(read_metadata(file.fetch(), file.name, malformed)):
                    writer.write_table(group)
                    manifest.rows += group.num_rows
                    progress(f"{file.name}: {manifest.rows:,} products read")
                _add_malformed(manifest, malformed)
    return manifest, True


@contextmanager
def _renewing(
    source: Source, kind: Kind, store: Store, table: Table, force: bool
) -> Iterator[tuple[Manifest, Path | None, list[RawFile]]]:
    """Gives the former manifest and no folder if nothing changed, else a folder to fill."""
    files = source.files(kind, store.category)
    version = f"{READER_VERSION}-{source.version(kind, store.category)}"
    former = read_manifest(store, table.name)
    if former is not None and former.version == version and not force:
        yield former, None, []
        return
    manifest = Manifest(
        version, source.description, files={file.name: file.fingerprint for file in files}
    )
    with store.replacing(table.name) as folder:
        yield manifest, folder, files
        manifest.months = dict(sorted(manifest.months.items()))
        manifest.write(folder)


def _count_months(manifest: Manifest, table: pa.Table, months: np.ndarray) -> None:
    flags = {
        "verified": table["verified_purchase"],
        "zero_rating": pc.equal(table["rating"], 0),
        "negative_vote": pc.less(table["helpful_vote"], 0),
    }
    manifest.rows += table.num_rows
    indices, inverse, rows = np.unique(months, return_inverse=True, return_counts=True)
    counts = {
        name: np.bincount(inverse, pc.fill_null(flag, False).to_numpy(), len(indices))
        for name, flag in flags.items()
    }
    for position, index in enumerate(indices):
        month = manifest.months.setdefault(month_name(int(index)), MonthCounts())
        month.rows += int(rows[position])
        for name, count in counts.items():
            setattr(month, name, getattr(month, name) + int(count[position]))


def _add_malformed(manifest: Manifest, malformed: MalformedLines) -> None:
    manifest.malformed += malformed.count
    manifest.malformed_examples += malformed.examples


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
