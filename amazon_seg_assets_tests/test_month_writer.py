"""Rows in any order of time end in their month's folder."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from amazon_seg_assets.months import month_name
from amazon_seg_assets.storage.month_writer import MonthWriter, month_numbers

MANY_MONTHS = """
import resource, sys
from pathlib import Path
import numpy as np
import pyarrow as pa
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.storage.month_writer import MonthWriter
folder, hard = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (40, hard))
table = pa.table({"month": range(60)})
try:
    with MonthWriter(folder, "a.parquet", table.schema, budget_bytes=1) as writer:
        writer.write(table, table["month"].to_numpy())
except InputError as error:
    print(error)
"""
NAME = "a-0.zstd.parquet"
SCHEMA = pa.schema([("timestamp", pa.int64()), ("text", pa.string())])


def milliseconds(*time: int) -> int:
    return round(datetime(*time, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc, arg-type]


def test_months_are_utc_to_the_millisecond() -> None:
    times = [
        milliseconds(2023, 2, 1) - 1,
        milliseconds(2023, 2, 1),
        milliseconds(1969, 12, 31, 23, 59, 59),
        milliseconds(2024, 2, 29, 23, 59, 59),
    ]
    names = [month_name(index) for index in month_numbers(pa.chunked_array([times]))]
    assert names == ["2023-01", "2023-02", "1969-12", "2024-02"]


def test_rows_go_to_their_month_in_the_order_they_came(tmp_path: Path) -> None:
    january, march = milliseconds(2023, 1, 5), milliseconds(2023, 3, 5)
    first = pa.table({"timestamp": [march, january, march], "text": ["a", "b", "c"]}, SCHEMA)
    second = pa.table({"timestamp": [january, march], "text": ["d", "e"]}, SCHEMA)
    with MonthWriter(tmp_path, NAME, SCHEMA, budget_bytes=1) as writer:
        for table in (first, first.slice(0, 0), second):
            writer.write(table, month_numbers(table["timestamp"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["month=2023-01", "month=2023-03"]
    january_file = pq.ParquetFile(tmp_path / "month=2023-01" / NAME)
    assert january_file.read()["text"].to_pylist() == ["b", "d"]
    assert january_file.num_row_groups == 2
    march_file = pq.ParquetFile(tmp_path / "month=2023-03" / NAME)
    assert march_file.read()["text"].to_pylist() == ["a", "c", "e"]


def test_within_the_budget_a_month_is_one_row_group(tmp_path: Path) -> None:
    table = pa.table({"timestamp": [milliseconds(2023, 1, 5)], "text": ["a"]}, SCHEMA)
    with MonthWriter(tmp_path, NAME, SCHEMA, budget_bytes=10_000) as writer:
        for _ in range(3):
            writer.write(table, month_numbers(table["timestamp"]))
    file = pq.ParquetFile(tmp_path / "month=2023-01" / NAME)
    assert (file.metadata.num_rows, file.num_row_groups) == (3, 1)


def write_60_months(folder: Path, hard_limit: int) -> str:
    arguments = [sys.executable, "-c", MANY_MONTHS, str(folder), str(hard_limit)]
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


def test_more_months_than_open_files_are_written_if_the_system_lets_them(tmp_path: Path) -> None:
    assert write_60_months(tmp_path, hard_limit=400) == ""
    assert len(list(tmp_path.rglob("*.parquet"))) == 60


def test_more_months_than_files_may_be_open_are_told(tmp_path: Path) -> None:
    message = r"^Reviews of more than \d\d months need more open files .* `ulimit -n 8192`, "
    assert re.search(message, write_60_months(tmp_path, hard_limit=40))
