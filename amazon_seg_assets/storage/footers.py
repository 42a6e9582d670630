"""Facts about written Parquet that its footers hold, so that nobody needs to count again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from io import SEEK_END
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from amazon_seg_assets.locations import Location, is_local

_REMOTE_READERS = 16  # at the same time; reading a footer is waiting for answers
_REMEMBERED = 64  # folders; an asset's footers are read when it is written, and by those who check

_Identity = tuple[int, int, int, int]


@dataclass
class Stats:
    """What the footers of one folder say; shared, so not to be changed.

    Attributes:
        rows: number of rows.
        bytes: size of the files.
        files: number of files.
        nulls: null values per column, None where a writer left them out.
        minimum: smallest value per column, where known.
        maximum: largest value per column, where known.
        schemas: the different schemas of the files, one if all is well.
    """

    rows: int = 0
    bytes: int = 0
    files: int = 0
    nulls: dict[str, int | None] = field(default_factory=dict)
    minimum: dict[str, Any] = field(default_factory=dict)
    maximum: dict[str, Any] = field(default_factory=dict)
    schemas: list[pa.Schema] = field(default_factory=list)


def parquet_files(folder: Location) -> list[Location]:
    """The data files of a folder, those of month folders included, in order of their names."""
    return sorted(
        path for path in folder.rglob("*.parquet") if not path.name.startswith((".", "_"))
    )


def read_stats(folder: Location) -> Stats:
    """Adds up the footers of all Parquet files below ``folder``."""
    files = parquet_files(folder)
    local = [file for file in files if is_local(file)]
    if len(local) < len(files):
        return _add_up(files)
    return _add_up_local(tuple(local), tuple(map(_identity, local)))


@lru_cache(maxsize=_REMEMBERED)
def _add_up_local(files: tuple[Path, ...], _identities: tuple[_Identity, ...]) -> Stats:
    """The same for local files, which are not read again as long as they are the same."""
    return _add_up(files)


def _identity(file: Path) -> _Identity:
    status = file.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _add_up(files: Sequence[Location]) -> Stats:
    stats = Stats()
    for metadata, size in _footers(files):
        stats.rows += metadata.num_rows
        stats.bytes += size
        stats.files += 1
        schema = metadata.schema.to_arrow_schema().remove_metadata()
        if schema not in stats.schemas:
            stats.schemas.append(schema)
        for column in _flat_columns(metadata):
            _add_column(stats, column)
    return stats


def _footers(files: Sequence[Location]) -> Iterator[tuple[pq.FileMetaData, int]]:
    if all(map(is_local, files)):
        yield from map(_footer, files)
    else:
        with ThreadPoolExecutor(_REMOTE_READERS) as readers:
            yield from readers.map(_footer, files)


def _footer(path: Location) -> tuple[pq.FileMetaData, int]:
    """What a file's footer says, and its size in bytes; it is opened once."""
    with path.open("rb") as file:
        return pq.read_metadata(file), file.seek(0, SEEK_END)


def _flat_columns(metadata: pq.FileMetaData) -> Iterator[Any]:
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(metadata.num_columns)):
            if "." not in column.path_in_schema:
                yield column


def _add_column(stats: Stats, column: Any) -> None:
    name, statistics = column.path_in_schema, column.statistics
    known = statistics is not None and statistics.has_null_count
    former = stats.nulls.get(name, 0)
    stats.nulls[name] = former + statistics.null_count if known and former is not None else None
    if statistics is not None and statistics.has_min_max:
        least, most = statistics.min, statistics.max
        stats.minimum[name] = min(stats.minimum.get(name, least), least)
        stats.maximum[name] = max(stats.maximum.get(name, most), most)
