"""Parts of raw files: what one process reads at a time, and stores as Parquet.

How a file is divided depends on its size alone, so it gives the same Parquet files whatever the
machine; and their names tell which raw file they came from.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_hexdigest

from amazon_seg_assets.months import month_name
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.stages.raw.blocks import is_gzipped
from amazon_seg_assets.stages.raw.malformed import MalformedLines
from amazon_seg_assets.stages.raw.manifest import MonthCounts, Months, add_months
from amazon_seg_assets.stages.raw.products import read_metadata
from amazon_seg_assets.stages.raw.reviews import read_reviews
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.storage.locations import Location, copy_files, name_below, uploading
from amazon_seg_assets.storage.month_writer import MonthWriter, month_numbers, parquet_writer
from amazon_seg_assets.storage.parquet import parquet_files

PROCESS_BYTES = 1600 * 1024**2
"""Memory that storing one part takes, at most, as measured with reviews of the published length."""

# Of equal size, and powers of two as processors are. More parts could keep more processes busy, but
# each becomes a file in each month.
_COUNTS = (1, 2, 4, 8)
_LEAST_BYTES = 128 * 1024**2
_HELD_BYTES = 384 * 1024**2
_ROW_GROUP_BYTES = 64 * 1024**2
_FEW_VALUES = ["rating", "helpful_vote"]  # other columns of reviews gain nothing by a dictionary


@dataclass(frozen=True)
class Part:
    """A raw file, or a range of its bytes.

    Attributes:
        kind: what is in it.
        path: of the file on this machine.
        name: of the file within the hub's layout.
        number: of the part within the file, from 0.
        start: first byte.
        end: byte after the last one.
    """

    kind: Kind
    path: Path
    name: str
    number: int = 0
    start: int = 0
    end: int = sys.maxsize

    @property
    def parquet_name(self) -> str:
        """Name of the Parquet files that become of it, one in each month folder."""
        return f"{_file_id(self.name)}-{self.number}.zstd.parquet"


def divide(kind: Kind, path: Path, name: str) -> list[Part]:
    """Divides a file into parts of equal size, in order; a compressed one is one part.

    Raises:
        InputError: the file cannot be read.
    """
    if path.suffix == ".parquet" or is_gzipped(path, name):
        return [Part(kind, path, name)]
    size = path.stat().st_size
    count = max((each for each in _COUNTS if size >= each * _LEAST_BYTES), default=1)
    starts = [size * number // count for number in range(count)]
    ends = [*starts[1:], sys.maxsize]
    return [Part(kind, path, name, *each) for each in zip(range(count), starts, ends, strict=True)]


def link_parts(former: Location, folder: Location, names: Iterable[str]) -> None:
    """Gives a new folder of a table the Parquet files of some raw files from its former folder."""
    wanted = set(map(_file_id, names))
    if not wanted:
        return
    kept = [path for path in parquet_files(former) if path.name.partition("-")[0] in wanted]
    copy_files(kept, [folder / name_below(path, former) for path in kept])


def _file_id(name: str) -> str:
    return xxh3_64_hexdigest(name.encode())


def store_part(
    folder: Location, max_malformed_share: float, part: Part
) -> tuple[MalformedLines, Months]:
    """Writes the Parquet files of a part into a table's folder.

    Returns:
        Counts of its lines, numbered from 1 at its start, and of each month; of none for products.

    Raises:
        InputError: the file lacks a column or cannot be read.
    """
    malformed = MalformedLines(part.name, max_malformed_share)
    read, store = _READ_AND_STORE[part.kind]
    tables = read(part.path, malformed, part.start, part.end)
    with uploading(folder) as local:
        return malformed, store(tables, local, part.parquet_name)


def _store_reviews(tables: Iterable[pa.Table], folder: Path, name: str) -> Months:
    rows_by_key: Counter[int] = Counter()
    with MonthWriter(folder, name, RAW_REVIEWS.arrow_schema, _HELD_BYTES, _FEW_VALUES) as writer:
        for table in tables:
            months = month_numbers(table["timestamp"])
            writer.write(table, months)
            keys, rows = np.unique(_count_keys(table, months), return_counts=True)
            rows_by_key.update(dict(zip(keys.tolist(), rows.tolist(), strict=True)))
    return _month_counts(rows_by_key)


def _count_keys(table: pa.Table, months: np.ndarray) -> np.ndarray:
    """The month of each review, followed by a bit for each kind of reviews that is counted."""
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


def _store_products(tables: Iterable[pa.Table], folder: Path, name: str) -> Months:
    held: list[pa.Table] = []
    with parquet_writer(folder / name, RAW_METADATA.arrow_schema) as writer:
        for table in tables:
            held.append(table)
            if sum(each.nbytes for each in held) >= _ROW_GROUP_BYTES:
                writer.write_table(pa.concat_tables(held))
                held = []
        if held:
            writer.write_table(pa.concat_tables(held))
    return {}


_READ_AND_STORE = {
    Kind.REVIEWS: (read_reviews, _store_reviews),
    Kind.METADATA: (read_metadata, _store_products),
}
