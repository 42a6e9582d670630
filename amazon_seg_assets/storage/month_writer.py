"""Writes Arrow tables, in any order of time, into month folders of Parquet."""

import errno
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import month_name
from amazon_seg_assets.storage.layout import month_folder

_OPEN_FILES = 8192  # more than there can be months, and less than macOS allows


def parquet_writer(
    path: Path, schema: pa.Schema, dictionary: Sequence[str] | None = None
) -> pq.ParquetWriter:
    """Opens a new Parquet file.

    ``dictionary`` names the columns of few distinct values; None tries that out, which takes time.
    """
    use_dictionary = True if dictionary is None else list(dictionary)
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=use_dictionary)


def month_numbers(timestamp_ms: pa.ChunkedArray) -> np.ndarray:
    """Months since January of year 0 of UTC times in milliseconds since 1970."""
    time = pc.cast(timestamp_ms, pa.timestamp("ms", tz="UTC"))
    year, month = pc.year(time).to_numpy(), pc.month(time).to_numpy()
    return year * 12 + month - 1


def _allow_open_files() -> None:
    """Raises the number of files that this process may have open; the default can be 256."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@dataclass
class MonthWriter:
    """Collects rows by month, and appends a row group to each month when memory is used up.

    Rows of a month keep their order. One file per month is open; the limit for that is raised.

    Raises:
        InputError: there are more months than files that this process may open.
    """

    folder: Path  # of the month folders
    file_name: str  # in each of them
    schema: pa.Schema
    budget_bytes: int  # of rows held before they are written
    dictionary: Sequence[str] | None = None  # as of `parquet_writer`
    _held: list[tuple[pa.Table, np.ndarray]] = field(default_factory=list, init=False)
    _held_bytes: int = field(default=0, init=False)
    _writers: dict[int, pq.ParquetWriter] = field(default_factory=dict, init=False)

    def __enter__(self) -> Self:
        _allow_open_files()
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        if error_type is None and self._held:
            self._flush()
        for writer in self._writers.values():
            writer.close()

    def write(self, table: pa.Table, months: np.ndarray) -> None:
        """Takes rows over; ``months`` holds the number of each."""
        self._held.append((table, months))
        self._held_bytes += table.nbytes
        if self._held_bytes >= self.budget_bytes:
            self._flush()

    def _flush(self) -> None:
        months = np.concatenate([numbers for _, numbers in self._held])
        columns = pa.concat_tables(table for table, _ in self._held).columns
        self._held, self._held_bytes = [], 0
        order = np.argsort(months, kind="stable")
        months = months[order]
        # Column by column, so that no more than one is in memory twice.
        for position, column in enumerate(columns):
            columns[position] = column.combine_chunks().take(pa.array(order))
        table = pa.table(columns, schema=self.schema)
        starts = np.flatnonzero(np.diff(months, prepend=-1))
        for start, end in pairwise([*starts.tolist(), len(months)]):
            self._writer(int(months[start])).write_table(table.slice(start, end - start))

    def _writer(self, month: int) -> pq.ParquetWriter:
        if month not in self._writers:
            path = self.folder / month_folder(month_name(month)) / self.file_name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._writers[month] = parquet_writer(path, self.schema, self.dictionary)
            except OSError as error:
                if error.errno != errno.EMFILE:
                    raise
                raise InputError(
                    f"Reviews of more than {len(self._writers)} months need more open files than a "
                    f"process may have here: raise the limit with `ulimit -n {_OPEN_FILES}`, for "
                    "which you may need an administrator, and run it again."
                ) from error
        return self._writers[month]
