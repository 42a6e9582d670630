"""Parquet without Spark: small tables with their facts, counts, statistics of footers."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.schema import Column, Table
from amazon_seg_assets.storage import parquet
from amazon_seg_assets.storage.contents import CONTENTS
from amazon_seg_assets.storage.facts import read_facts, require_facts
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import children, parse_location
from amazon_seg_assets.storage.parquet import count_values, read_small, read_stats, write_small

SMALL = Table(
    "small",
    "A table.",
    (
        Column("name", pa.string(), "A name.", nullable=False),
        Column("size", pa.int64(), "A size."),
    ),
)
"""A table, without months or with, as each test has it."""

MONTH = "2023-01"


@pytest.fixture(params=["disk", "memory"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    url = f"memory:/{tmp_path}" if request.param == "memory" else str(tmp_path / "storage")
    return Store(parse_location(url), "Toys")


def small(*names: str | None) -> pd.DataFrame:
    return pd.DataFrame({"name": names, "size": range(len(names))})


@pytest.mark.parametrize("month", [None, MONTH])
def test_a_write_returns_the_facts_that_are_read_afterwards(
    store: Store, month: str | None
) -> None:
    facts: dict[str, Any] = {"skewness": 0.5, "range": (1, 2), "rows_of_k": {3: 4}, "none": None}
    written = write_small(small("a", "b"), store, SMALL, month, facts)
    assert written.facts == read_facts(store, "small", month)
    assert written.facts == {**facts, "range": [1, 2], "rows_of_k": {"3": 4}}
    assert (written.stats.rows, written.stats.files) == (2, 1)
    [former] = children(store.path("small", month)) - {"_figures.json", CONTENTS}
    # The facts go with what is replaced.
    written = write_small(small("c"), store, SMALL, month)
    # Who has listed the files before gets no other rows.
    assert former.endswith(".parquet")
    assert former not in children(store.path("small", month))
    assert written.facts == read_facts(store, "small", month) == {}
    pd.testing.assert_frame_equal(read_small(store, SMALL, month), small("c"))


def test_facts_that_are_required_and_missing_are_told(store: Store) -> None:
    write_small(small("a"), store, SMALL, MONTH, {"rows": 1})
    assert require_facts(store, "small", MONTH, "rows") == {"rows": 1}
    with pytest.raises(InputError, match=f"small of Toys lacks facts of {MONTH} beside it"):
        require_facts(store, "small", MONTH, "rows", "users")
    write_small(small("a"), store, SMALL, MONTH)
    with pytest.raises(InputError, match="lacks facts"):
        require_facts(store, "small", MONTH)


def test_a_frame_that_is_not_as_declared_is_not_written(store: Store) -> None:
    with pytest.raises(KeyError):
        write_small(small("a").drop(columns="size"), store, SMALL)
    with pytest.raises(ValueError, match="non-nullable"):
        write_small(small("a", None), store, SMALL)
    assert children(store.folder) <= {".staging"}


def write(path: Path, days: list[int | None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"day": days}), path, row_group_size=2)


def test_rows_are_counted_by_value_in_all_row_groups(tmp_path: Path) -> None:
    write(tmp_path / "month=2023-01" / "a.parquet", [1, 2, 1, None, 1])
    write(tmp_path / "month=2023-02" / "b.parquet", [1])
    write(tmp_path / "_hidden.parquet", [1])
    assert count_values(tmp_path, "day") == {1: 4, 2: 1, None: 1}


def test_footers_are_read_again_only_where_files_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    read_footer = parquet._footer

    def noting(path: Path) -> tuple[pq.FileMetaData, int]:
        read.append(path.name)
        return read_footer(path)

    monkeypatch.setattr(parquet, "_footer", noting)
    write(tmp_path / "month=2023-01" / "a.parquet", [1, 2, None])
    write(tmp_path / "month=2023-02" / "b.parquet", [3])
    first = read_stats(tmp_path)
    assert (first.rows, first.files, first.nulls) == (4, 2, {"day": 1})
    assert (first.minimum, first.maximum) == ({"day": 1}, {"day": 3})
    assert read_stats(tmp_path) == first
    assert read == ["a.parquet", "b.parquet"]
    write(tmp_path / "month=2023-02" / "b.parquet", [7, 8, 9])
    changed = read_stats(tmp_path)
    assert (changed.rows, changed.maximum) == (6, {"day": 9})
    (tmp_path / "month=2023-01" / "a.parquet").unlink()
    assert read_stats(tmp_path).rows == 3
