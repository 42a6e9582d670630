"""Writes Arrow tables, in whatever order of time, into month folders of Parquet."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import month_name
from amazon_seg_assets.storage.layout import month_folder

_OPEN_FILES = 8192
"""More than there can be months, and less than macOS allows."""


def parquet_writer(
    path: Path, schema: pa.Schema, dictionary: Sequence[str] | None = None
) -> pq.ParquetWriter:
    """Opens a new Parquet file.

    Args:
        path: of the file.
        schema: of what is written.
        dictionary: the columns that have few distinct values; None if that is to be tried out,
            which takes time.
    """
    use_dictionary = True if dictionary is None else list(dictionary)
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=use_dictionary)


def month_numbers(timestamp_ms: pa.ChunkedArray) -> np.ndarray:
    """Months since January of year 0 of UTC times in milliseconds since 1970."""
    time = pc.cast(timestamp_ms, pa.timestamp("ms", tz="UTC"))
    year, month = pc.year(time).to_numpy(), pc.month(time).to_numpy()
    return year * 12 + month - 1


def _allow_open_files() -> None:
    """Lets this process have as many files open as it may; by default that can be 256."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class MonthWriter:
    """Collects rows by month, and appends a row group to each month when memory is used up.

    One file per month is open, for which the limit of this process is raised. Rows of a month keep
    the order in which they came.

    Args:
        folder: where the month folders go.
        file_name: of the file in each of them.
        schema: of all tables written.
        budget_bytes: of rows held before they are written.
        dictionary: as of `parquet_writer`.

    Raises:
        InputError: there are more months than files that this process may open.
    """

    def __init__(
        self,
        folder: Path,
        file_name: str,
        schema: pa.Schema,
        budget_bytes: int,
        dictionary: Sequence[str] | None = None,
    ) -> None:
        self._folder = folder
        self._file_name = file_name
        self._schema = schema
        self._budget = budget_bytes
        self._dictionary = dictionary
        self._held: list[pa.Table] = []
        self._held_months: list[np.ndarray] = []
        self._held_bytes = 0
        self._writers: dict[int, pq.ParquetWriter] = {}
        _allow_open_files()

    def write(self, table: pa.Table, months: np.ndarray) -> None:
        """Takes rows over; ``months`` holds the number of each."""
        self._held.append(table)
        self._held_months.append(months)
        self._held_bytes += table.nbytes
        if self._held_bytes >= self._budget:
            self._flush()

    def _flush(self) -> None:
        if not self._held:
            return
        months = np.concatenate(self._held_months)
        order = np.argsort(months, kind="stable")
        months = months[order]
        columns = pa.concat_tables(self._held).columns
        self._held, self._held_months, self._held_bytes = [], [], 0
        # Column by column, so that no more than one is in memory twice.
        for position, column in enumerate(columns):
            columns[position] = column.combine_chunks().take(pa.array(order))
        table = pa.table(columns, schema=self._schema)
        starts = np.flatnonzero(np.diff(months, prepend=-1))
        for start, end in pairwise([*starts.tolist(), len(months)]):
            self._writer(int(months[start])).write_table(table.slice(start, end - start))

    def _writer(self, month: int) -> pq.ParquetWriter:
        if month not in self._writers:
            path = self._folder / month_folder(month_name(month)) / self._file_name
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._explaining_limit():
                self._writers[month] = parquet_writer(path, self._schema, self._dictionary)
        return self._writers[month]

    @contextmanager
    def _explaining_limit(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
            raise InputError(
                f"Reviews of more than {len(self._writers)} months need more open files than a "
                f"process may have here: raise the limit with `ulimit -n {_OPEN_FILES}`, for which "
                "you may need an administrator, and run it again."
            ) from error

    def __enter__(self) -> MonthWriter:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._flush()
        for writer in self._writers.values():
            writer.close()
