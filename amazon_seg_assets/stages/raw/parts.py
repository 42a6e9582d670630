"""Parts of raw files, which one process at a time reads, and stores as Parquet.

How a file is divided depends on its size alone, so it gives the same Parquet files whatever the
machine; and their names tell which raw file they came from.
"""

import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_hexdigest

from amazon_seg_assets.months import month_name
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.stages.raw.blocks import Part, is_gzipped
from amazon_seg_assets.stages.raw.malformed import MalformedLines
from amazon_seg_assets.stages.raw.manifest import MonthCounts, Months, add_months
from amazon_seg_assets.stages.raw.products import read_metadata
from amazon_seg_assets.stages.raw.reviews import read_reviews
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.storage.locations import (
    Location,
    copy_files,
    is_local,
    name_below,
    uploading,
)
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


def divide(path: Path, name: str) -> list[Part]:
    """Divides a file into parts of equal size, in order; a compressed one is one part.

    Raises:
        InputError: the file cannot be read.
    """
    if path.suffix == ".parquet" or is_gzipped(path, name):
        return [Part(path, name)]
    size = path.stat().st_size
    count = max((each for each in _COUNTS if size >= each * _LEAST_BYTES), default=1)
    bounds = [*(size * number // count for number in range(count)), sys.maxsize]
    return [Part(path, name, number, *ends) for number, ends in enumerate(pairwise(bounds))]


def link_parts(former: Location, folder: Location, names: Iterable[str], version: str) -> None:
    """Gives a new version of a table the Parquet files of some raw files from its former one."""
    kept = _parts_of(former, names)
    copy_files(kept, [folder / _renamed(name_below(path, former), version) for path in kept])


def _renamed(name: str, version: str) -> str:
    path = PurePosixPath(name)
    file_id, number, *_ = path.name.split("-")
    return str(path.with_name(_file_name(file_id, number, version)))


def remove_parts(folder: Location, names: Iterable[str]) -> None:
    """Removes the Parquet files of some raw files from a folder that is being written."""
    for path in _parts_of(folder, names):
        path.unlink()
        if is_local(path) and not any(path.parent.iterdir()):
            path.parent.rmdir()  # a month without rows has no folder


def _parts_of(folder: Location, names: Iterable[str]) -> list[Location]:
    wanted = set(map(_file_id, names))
    if not wanted:
        return []
    return [path for path in parquet_files(folder) if path.name.partition("-")[0] in wanted]


def _file_id(name: str) -> str:
    return xxh3_64_hexdigest(name.encode())


def _file_name(file_id: str, number: str, version: str) -> str:
    """The name of a Parquet file: raw file, part, version of the table.

    Whoever has listed files that are replaced before they are read gets an error, not other rows.
    """
    number = number.partition(".")[0]  # an earlier version of this package ended the name here
    return f"{file_id}-{number}-{xxh3_64_hexdigest(version.encode())}.zstd.parquet"


def store_part(
    kind: Kind, folder: Location, version: str, max_malformed_share: float, part: Part
) -> tuple[MalformedLines, Months]:
    """Writes the Parquet files of a part into a table's folder.

    Returns:
        Counts of its lines, numbered from 1 at its start, and of each month; of none for products.

    Raises:
        InputError: the file lacks a column or cannot be read.
    """
    malformed = MalformedLines(part.name, max_malformed_share)
    read, store = _READ_AND_STORE[kind]
    file_name = _file_name(_file_id(part.name), str(part.number), version)  # in each month folder
    with uploading(folder) as local:
        return malformed, store(read(part, malformed), local, file_name)


def _store_reviews(tables: Iterable[pa.Table], folder: Path, name: str) -> Months:
    counts = []
    with MonthWriter(folder, name, RAW_REVIEWS.arrow_schema, _HELD_BYTES, _FEW_VALUES) as writer:
        for table in tables:
            months = month_numbers(table["timestamp"])
            writer.write(table, months)
            counts.append(_count_months(table, months))
    return add_months(counts)


def _count_months(table: pa.Table, months: np.ndarray) -> Months:
    kinds = {
        "rows": np.ones_like(months),
        "verified": table["verified_purchase"],
        "zero_rating": pc.equal(table["rating"], 0),
        "negative_vote": pc.less(table["helpful_vote"], 0),
    }
    by_month = pa.table({"month": months, **kinds}).group_by("month", use_threads=False)
    sums = by_month.aggregate([(kind, "sum") for kind in kinds]).to_pylist()
    return {
        month_name(row["month"]): MonthCounts(**{kind: row[f"{kind}_sum"] or 0 for kind in kinds})
        for row in sums
    }


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
