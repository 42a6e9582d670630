"""Parquet without Spark: small tables, counts of values, and the statistics of footers."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from io import SEEK_END
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from amazon_seg_assets.schema import MONTH, Table
from amazon_seg_assets.storage.contents import keep_contents
from amazon_seg_assets.storage.damage import require_rows, require_sound
from amazon_seg_assets.storage.facts import Facts, write_facts
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.locations import Location, is_local

if TYPE_CHECKING:
    import pandas as pd

_REMOTE_READERS = 16  # at the same time; reading a footer is waiting for answers
_REMEMBERED = 64  # folders; an asset's footers are read when it is written, and by its checks


@dataclass
class Stats:
    """Statistics from the footers of one folder, by column; shared, so not to be changed."""

    rows: int = 0
    bytes: int = 0
    files: int = 0
    nulls: dict[str, int | None] = field(default_factory=dict)  # None where a writer left them out
    minimum: dict[str, Any] = field(default_factory=dict)  # where known, as the maximum
    maximum: dict[str, Any] = field(default_factory=dict)
    schemas: list[pa.Schema] = field(default_factory=list)  # different ones: one if all is well


@dataclass(frozen=True)
class Written:
    """A table or partition just written: its files, and the facts as `read_facts` gives them."""

    stats: Stats
    facts: Facts


def write_small(
    frame: pd.DataFrame,
    store: Store,
    table: Table,
    month: str | None = None,
    facts: Facts | None = None,
) -> Written:
    """Replaces a table, or one month of it, by one file, and keeps ``facts`` beside it.

    Raises if the frame does not hold the columns as the table declares them.
    """
    columns = frame[table.column_names]
    content = pa.Table.from_pandas(columns, table.arrow_schema, preserve_index=False)
    with store.replacing(table.name, None if month is None else [month]) as folder:
        target = folder if month is None else folder / month_folder(month)
        target.mkdir(exist_ok=True)
        pq.write_table(content, target / part_name(), compression="zstd")
        keep_contents(target, len(frame))
        return Written(read_stats(target), write_facts(target, facts or {}))


def part_name() -> str:
    """A name for a file, which no other version of its table has.

    Whoever has listed files that are replaced before they are read gets an error, not other rows.
    """
    return f"part-{uuid.uuid4().hex[:12]}.zstd.parquet"


def read_small(store: Store, table: Table, month: str | None = None) -> pd.DataFrame:
    """A small table, or one month of it.

    Raises:
        InputError: it has not been materialized, or is damaged.
    """
    require_sound(store, table.name, None if month is None else [month])
    return _read_folder(store.path(table.name, month)).to_pandas()


def read_arrow(
    store: Store,
    table: Table,
    months: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """A table, or some of its months and columns, in memory.

    Tables laid out by month have the further column ``month``, as Spark reads them.

    Raises:
        InputError: the table or a month of it has not been materialized, or is damaged.
    """
    require_sound(store, table.name, months)
    names = list(columns or [*table.column_names, *([MONTH] if table.by_month else [])])
    if not table.by_month:
        return _read_folder(store.path(table.name), names)
    stored = [name for name in names if name != MONTH]
    parts = []
    for month in store.months(table.name) if months is None else months:
        part = _read_folder(store.path(table.name, month), stored)
        parts.append(part.append_column(MONTH, pa.repeat(month, part.num_rows)))
    return pa.concat_tables(parts).select(names)


def _read_folder(place: Location, columns: list[str] | None = None) -> pa.Table:
    folder = UPath(place)
    return pq.read_table(folder.path, columns=columns, filesystem=folder.fs, partitioning=None)


def parquet_files(folder: Location) -> list[Location]:
    """The data files of a folder, those of month folders included, in order of their names."""
    return sorted(path for path in folder.rglob("*.parquet") if path.name[0] not in "._")


def count_values(folder: Location, column: str) -> Counter[Any]:
    """Counts rows by the value of a column that has few; one row group is in memory at a time."""
    counts: Counter[Any] = Counter()
    for path in parquet_files(folder):
        with path.open("rb") as opened, pq.ParquetFile(opened) as file:
            for group in range(file.num_row_groups):
                values = file.read_row_group(group, [column]).column(0).value_counts()
                counts.update({each["values"]: each["counts"] for each in values.to_pylist()})
    return counts


def stored_stats(store: Store, asset: str, month: str | None = None) -> Stats:
    """Statistics of what is stored of a table, or of one month of it.

    Raises:
        InputError: it has not been materialized, or is damaged.
    """
    require_sound(store, asset, None if month is None else [month])
    stats = read_stats(store.path(asset, month))
    require_rows(store, asset, month, stats.rows)
    return stats


def read_stats(folder: Location) -> Stats:
    """Adds up the footers of all Parquet files below ``folder``."""
    files = parquet_files(folder)
    local = [file for file in files if is_local(file)]
    if len(local) < len(files):
        with ThreadPoolExecutor(_REMOTE_READERS) as readers:
            return _add_up(readers.map(_footer, files))
    return _add_up_local(tuple(local), tuple(map(_identity, local)))


@lru_cache(maxsize=_REMEMBERED)
def _add_up_local(files: Sequence[Path], _identities: Sequence[tuple[int, ...]]) -> Stats:
    """The same for local files, which are not read again as long as they are the same."""
    return _add_up(map(_footer, files))


def _identity(file: Path) -> tuple[int, ...]:
    status = file.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _footer(path: Location) -> tuple[pq.FileMetaData, int]:
    """A file's footer, and its size in bytes; the file is opened once."""
    with path.open("rb") as file:
        return pq.read_metadata(file), file.seek(0, SEEK_END)


def _add_up(footers: Iterator[tuple[pq.FileMetaData, int]]) -> Stats:
    stats = Stats()
    for metadata, size in footers:
        stats.rows += metadata.num_rows
        stats.bytes += size
        stats.files += 1
        schema = metadata.schema.to_arrow_schema().remove_metadata()
        if schema not in stats.schemas:
            stats.schemas.append(schema)
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            for column in map(group.column, range(metadata.num_columns)):
                if "." not in column.path_in_schema:  # not nested
                    _add_column(stats, column)
    return stats


def _add_column(stats: Stats, column: Any) -> None:
    name, statistics = column.path_in_schema, column.statistics
    known = statistics is not None and statistics.has_null_count
    former = stats.nulls.get(name, 0)
    stats.nulls[name] = former + statistics.null_count if known and former is not None else None
    if statistics is not None and statistics.has_min_max:
        least, most = statistics.min, statistics.max
        stats.minimum[name] = min(stats.minimum.get(name, least), least)
        stats.maximum[name] = max(stats.maximum.get(name, most), most)
