"""Publishing, on a disk and where nothing can be renamed: whole partitions or none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.locations import children, parse_location
from amazon_seg_assets.storage.layout import Store


@pytest.fixture(params=["disk", "memory"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    url = f"memory:/{tmp_path}" if request.param == "memory" else str(tmp_path / "storage")
    return Store(parse_location(url), "Toys")


@pytest.fixture
def disk(tmp_path: Path) -> Store:
    return Store(tmp_path / "storage", "Toys")


def put(store: Store, asset: str, month: str | None, content: str) -> None:
    with store.replacing(asset, None if month is None else [month]) as folder:
        target = folder if month is None else folder / f"month={month}"
        target.mkdir(exist_ok=True)
        (target / "part").write_text(content)


def test_only_the_named_months_are_replaced(store: Store) -> None:
    put(store, "reviews", "2023-01", "one")
    put(store, "reviews", "2023-02", "two")
    put(store, "reviews", "2023-01", "new")
    assert store.months("reviews") == ["2023-01", "2023-02"]
    assert (store.path("reviews", "2023-01") / "part").read_text() == "new"
    assert (store.path("reviews", "2023-02") / "part").read_text() == "two"


def test_a_whole_artifact_is_replaced(store: Store) -> None:
    put(store, "model", None, "old")
    put(store, "model", None, "new")
    assert children(store.path("model")) == {"part"}
    assert (store.path("model") / "part").read_text() == "new"


def test_a_write_that_fails_leaves_the_former_data(store: Store) -> None:
    put(store, "reviews", "2023-01", "one")
    with pytest.raises(RuntimeError), store.replacing("reviews", ["2023-01"]) as folder:
        (folder / "month=2023-01").mkdir()
        raise RuntimeError
    assert (store.path("reviews", "2023-01") / "part").read_text() == "one"
    assert children(store.folder / ".staging") == set()


def test_a_block_that_did_not_write_its_month_leaves_the_former_data(store: Store) -> None:
    put(store, "reviews", "2023-01", "one")
    with pytest.raises(FileNotFoundError), store.replacing("reviews", ["2023-01"]):
        pass
    assert (store.path("reviews", "2023-01") / "part").read_text() == "one"


KILLED_BETWEEN_THE_RENAMES = """
import os, pathlib, sys
from amazon_seg_assets.storage.layout import Store
store = Store(pathlib.Path(sys.argv[1]), "Toys")
rename = pathlib.Path.rename
def rename_once(self, target):
    if "new" in self.parts:
        os._exit(9)
    return rename(self, target)
pathlib.Path.rename = rename_once
with store.replacing("reviews", ["2023-01"]) as folder:
    (folder / "month=2023-01").mkdir()
"""


def test_a_partition_that_a_killed_process_moved_aside_comes_back(disk: Store) -> None:
    put(disk, "reviews", "2023-01", "one")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BETWEEN_THE_RENAMES, str(disk.root)], check=False
    )
    assert killed.returncode == 9
    assert not disk.path("reviews", "2023-01").exists()
    put(disk, "reviews", "2023-02", "two")
    assert (disk.path("reviews", "2023-01") / "part").read_text() == "one"
    assert children(disk.folder / ".staging") == set()


def test_the_staging_of_a_living_process_stays(store: Store) -> None:
    with store.replacing("reviews", None) as folder:
        store.sweep()
        assert folder.is_dir()
        (folder / "part").write_text("one")
    assert (store.path("reviews") / "part").exists()


def test_what_is_missing_is_named(store: Store) -> None:
    with pytest.raises(InputError, match="reviews of Toys is not in"):
        store.require("reviews")
    put(store, "reviews", "2023-01", "one")
    store.require("reviews", ["2023-01"])
    with pytest.raises(InputError, match=r"no 2023-02 … 2023-03 .*2 missing"):
        store.require("reviews", ["2023-01", "2023-03", "2023-02"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_storage_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(InputError, match="cannot be written"):
        put(Store(locked, "Toys"), "reviews", None, "one")


def test_a_storage_below_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        put(Store(tmp_path / "file", "Toys"), "reviews", None, "one")
