"""Facts from the footers of Parquet files."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from amazon_seg_assets.storage import footers
from amazon_seg_assets.storage.footers import read_stats


def write(path: Path, days: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"day": days}), path)


def test_footers_are_read_again_only_where_files_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    read_footer = footers._footer

    def noting(path: Path) -> tuple[pq.FileMetaData, int]:
        read.append(path.name)
        return read_footer(path)

    monkeypatch.setattr(footers, "_footer", noting)
    write(tmp_path / "month=2023-01" / "a.parquet", [1, 2])
    write(tmp_path / "month=2023-02" / "b.parquet", [3])
    first = read_stats(tmp_path)
    assert (first.rows, first.files, first.maximum) == (3, 2, {"day": 3})
    assert read_stats(tmp_path) == first
    assert read == ["a.parquet", "b.parquet"]
    write(tmp_path / "month=2023-02" / "b.parquet", [7, 8, 9])
    changed = read_stats(tmp_path)
    assert (changed.rows, changed.maximum) == (5, {"day": 9})
    (tmp_path / "month=2023-01" / "a.parquet").unlink()
    assert read_stats(tmp_path).rows == 3
