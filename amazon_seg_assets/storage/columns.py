"""The content of one column of a stored table, without Spark."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow.parquet as pq

from amazon_seg_assets.locations import Location
from amazon_seg_assets.storage.footers import parquet_files


def count_values(folder: Location, column: str) -> Counter[Any]:
    """Counts rows by the value of a column that has few; one row group is in memory at a time."""
    counts: Counter[Any] = Counter()
    for path in parquet_files(folder):
        with path.open("rb") as opened, pq.ParquetFile(opened) as file:
            for group in range(file.num_row_groups):
                values = file.read_row_group(group, [column]).column(0).value_counts()
                counts.update({each["values"]: each["counts"] for each in values.to_pylist()})
    return counts
