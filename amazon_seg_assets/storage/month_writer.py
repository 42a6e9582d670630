"""Writes Arrow tables, in whatever order of time, into month folders of Parquet."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from amazon_seg_assets.storage.layout import month_folder

COMPRESSION = "zstd"


def month_index(timestamp_ms: pa.ChunkedArray) -> np.ndarray:
    """Months since year 0 of UTC times in milliseconds since 1970."""
    time = pc.cast(timestamp_ms, pa.timestamp("ms", tz="UTC"))
    year, month = pc.year(time).to_numpy(), pc.month(time).to_numpy()
    return year * 12 + month - 1


def month_name(index: int) -> str:
    """``YYYY-MM`` of a month index."""
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


class MonthWriter:
    """Collects rows by month, and appends a row group to each month when memory is used up.

    One file a month stays open. Rows of a month keep the order in which they came.

    Args:
        folder: where the month folders go.
        schema: of all tables written.
        budget_bytes: of rows held before they are written.
    """

    def __init__(self, folder: Path, schema: pa.Schema, budget_bytes: int) -> None:
        self._folder = folder
        self._schema = schema
        self._budget = budget_bytes
        self._held: dict[int, list[pa.Table]] = {}
        self._held_bytes = 0
        self._writers: dict[int, pq.ParquetWriter] = {}

    def write(self, table: pa.Table, months: np.ndarray) -> None:
        """Takes rows over; ``months`` holds the `month_index` of each."""
        if table.num_rows == 0:
            return
        order = np.argsort(months, kind="stable")
        by_month, months = table.take(pa.array(order)), months[order]
        starts = np.flatnonzero(np.diff(months, prepend=months[0] - 1))
        ends = [*starts[1:], len(months)]
        for start, end in zip(starts, ends, strict=True):
            rows = by_month.slice(start, end - start)
            self._held.setdefault(int(months[start]), []).append(rows)
        self._held_bytes += by_month.nbytes
        if self._held_bytes >= self._budget:
            self._flush()

    def _flush(self) -> None:
        for month in sorted(self._held):
            self._writer(month).write_table(pa.concat_tables(self._held.pop(month)))
        self._held_bytes = 0

    def _writer(self, month: int) -> pq.ParquetWriter:
        if month not in self._writers:
            path = self._folder / month_folder(month_name(month)) / "part-0.zstd.parquet"
            path.parent.mkdir(parents=True)
            self._writers[month] = pq.ParquetWriter(path, self._schema, compression=COMPRESSION)
        return self._writers[month]

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
