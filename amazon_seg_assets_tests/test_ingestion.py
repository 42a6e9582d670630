"""Ingestion reads in parts and only what has changed, and never leaves half a table."""

import ctypes
import errno
import gzip
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sample.source import SampleSource
from amazon_seg_assets.sources.base import Download, Kind, RawFile
from amazon_seg_assets.sources.folder import FolderSource
from amazon_seg_assets.stages.raw import disk, parts
from amazon_seg_assets.stages.raw import ingest as ingestion
from amazon_seg_assets.stages.raw.ingest import RAW_TABLES, ingest
from amazon_seg_assets.stages.raw.manifest import MANIFEST, Manifest, MonthCounts, require_manifest
from amazon_seg_assets.stages.raw.processes import worker_processes
from amazon_seg_assets.storage.facts import note_checks
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import name_below
from amazon_seg_assets.storage.parquet import parquet_files
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.raw_files import product, review

REVIEWS = [
    review(f"user{number}", "kite", f"2023-{number % 3 + 1:02d}-05T00:00:00")
    for number in range(30)
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data", "Toys")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "source" / "raw" / "review_categories"
    folder.mkdir(parents=True)
    return folder


def name(path: Path) -> str:
    return f"raw/{path.parent.name}/{path.name}"


def write(path: Path, *records: Any) -> Path:
    lines = (line if isinstance(line, str) else json.dumps(line) for line in records)
    path.write_text("".join(line + "\n" for line in lines))
    return path


def ingest_reviews(
    raw: Path,
    store: Store,
    max_share: float = 0.0,
    force: bool = False,
    processes: int | None = 1,
) -> tuple[Manifest, bool]:
    source = FolderSource(raw.parents[1])
    return ingest(Kind.REVIEWS, source, store, max_share, force, lambda _: None, processes)


def users(store: Store) -> dict[str, list[str]]:
    return {
        month: pq.read_table(store.path("raw_reviews", month), partitioning=None)[
            "user_id"
        ].to_pylist()
        for month in store.months("raw_reviews")
    }


def files(store: Store) -> dict[str, tuple[int, bytes]]:
    folder = store.path("raw_reviews")
    return {
        name_below(path, folder): (path.stat().st_ino, path.read_bytes())
        for path in parquet_files(folder)
    }


# Parts


@pytest.mark.parametrize(
    ("size", "starts"),
    [(1, [0]), (19, [0]), (20, [0, 10]), (41, [0, 10, 20, 30]), (800, list(range(0, 800, 100)))],
)
def test_a_file_is_divided_by_its_size_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, starts: list[int]
) -> None:
    monkeypatch.setattr(parts, "_LEAST_BYTES", 10)
    path = tmp_path / "Toys.jsonl"
    path.write_bytes(b"x" * size)
    divided = parts.divide(path, "Toys.jsonl")
    assert [part.start for part in divided] == starts
    assert [part.end for part in divided[:-1]] == starts[1:]
    assert divided[-1].end > size


def test_a_compressed_file_is_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_LEAST_BYTES", 1)
    path = tmp_path / "Toys.jsonl.gz"
    path.write_bytes(gzip.compress(b"abc" * 100))
    assert len(parts.divide(path, "Toys.jsonl.gz")) == 1


@pytest.mark.parametrize("processes", [2, 4])
def test_any_number_of_processes_gives_the_same_files(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(parts, "_LEAST_BYTES", 1000)
    write(raw / "Toys.jsonl", *REVIEWS[:10], "{broken", "", *REVIEWS[10:25], "{again", REVIEWS[25])
    one, several = Store(tmp_path / "one", "Toys"), Store(tmp_path / "several", "Toys")
    manifest, _ = ingest_reviews(raw, one, max_share=0.1)
    assert ingest_reviews(raw, several, max_share=0.1, processes=processes)[0] == manifest
    content = {path: data for path, (_, data) in files(one).items()}
    assert content == {path: data for path, (_, data) in files(several).items()}
    assert len({Path(path).name for path in content}) == 4
    assert users(one)["2023-01"] == [f"user{number}" for number in range(0, 26, 3)]
    assert (manifest.rows, manifest.malformed) == (26, 2)
    assert manifest.malformed_examples[0].startswith(f"{name(raw / 'Toys.jsonl')}, line 11: ")
    assert manifest.malformed_examples[1].startswith(f"{name(raw / 'Toys.jsonl')}, line 28: ")


def test_months_are_counted_by_kind(raw: Path, store: Store) -> None:
    write(
        raw / "Toys.jsonl",
        review("a", "kite", "2023-01-01T00:00:00"),
        review("b", "kite", "2023-01-31T23:59:59", verified_purchase=False, rating=0.0),
        review("c", "kite", "2022-12-31T23:59:59", helpful_vote=-1, rating=None),
        review("d", "kite", "2023-01-01T00:00:00", helpful_vote=-4, rating=0.0),
    )
    manifest, _ = ingest_reviews(raw, store)
    assert manifest.months == {
        "2022-12": MonthCounts(rows=1, verified=1, zero_rating=0, negative_vote=1),
        "2023-01": MonthCounts(rows=3, verified=2, zero_rating=2, negative_vote=1),
    }
    assert require_manifest(store, "raw_reviews") == manifest


def test_products_are_read_in_parts_too(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_LEAST_BYTES", 500)
    folder = tmp_path / "source" / "raw" / "meta_categories"
    folder.mkdir(parents=True)
    write(folder / "meta_Toys.jsonl", *(product(f"P{number}", 1.0) for number in range(9)))
    source = FolderSource(tmp_path / "source")
    manifest, _ = ingest(Kind.METADATA, source, store, 0.0, False, lambda _: None, processes=2)
    stored = pq.read_table(store.path("raw_metadata"), partitioning=None)
    assert stored["parent_asin"].to_pylist() == [f"P{number}" for number in range(9)]
    assert (manifest.rows, manifest.months) == (9, {})


# Incremental


def test_only_what_has_changed_is_read(raw: Path, store: Store) -> None:
    january = review("january", "kite", "2023-01-01T00:00:00")
    february = review("february", "kite", "2023-02-01T00:00:00")
    write(raw / "Toys-1.jsonl", january, february)
    changing = write(raw / "Toys-2.jsonl", review("old", "kite", "2023-02-02T00:00:00"))
    going = write(raw / "Toys-3.jsonl", review("gone", "kite", "2022-11-01T00:00:00"))
    ingest_reviews(raw, store)
    former = files(store)
    write(changing, review("new", "kite", "2023-03-02T00:00:00"))
    adding = write(raw / "Toys-4.jsonl", review("added", "kite", "2023-01-02T00:00:00"))
    going.unlink()
    manifest, is_renewed = ingest_reviews(raw, store)
    assert is_renewed
    assert {month: sorted(names) for month, names in users(store).items()} == {
        "2023-01": ["added", "january"],
        "2023-02": ["february"],
        "2023-03": ["new"],
    }
    assert manifest.files_read == [name(changing), name(adding)]
    assert manifest.months_changed == ["2022-11", "2023-01", "2023-02", "2023-03"]
    assert list(manifest.months) == ["2023-01", "2023-02", "2023-03"]
    assert manifest.rows == 4
    kept = {inode for inode, _ in former.values()} & {inode for inode, _ in files(store).values()}
    assert len(kept) == 2  # the very same files, linked
    # Who has listed files of the former version finds none of them, and so mixes nothing.
    assert not former.keys() & files(store).keys()


def test_an_unchanged_source_is_not_read_unless_forced(raw: Path, store: Store) -> None:
    write(raw / "Toys.jsonl", *REVIEWS)
    first, _ = ingest_reviews(raw, store)
    before = files(store)
    assert ingest_reviews(raw, store) == (first, False)
    assert files(store) == before
    forced, is_renewed = ingest_reviews(raw, store, force=True)
    assert is_renewed
    assert forced.files_read == [name(raw / "Toys.jsonl")]
    assert {path: inode for path, (inode, _) in files(store).items()} != {
        path: inode for path, (inode, _) in before.items()
    }


def test_a_table_of_another_reader_is_read_anew(
    raw: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(raw / "Toys.jsonl", *REVIEWS)
    ingest_reviews(raw, store)
    monkeypatch.setattr("amazon_seg_assets.stages.raw.ingest.READER_VERSION", "next")
    assert ingest_reviews(raw, store)[0].files_read == [name(raw / "Toys.jsonl")]


def test_a_file_that_changes_after_it_was_listed_is_read_by_the_next_run(
    raw: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(raw / "Toys.jsonl", *REVIEWS[:1])
    ingest_reviews(raw, store)
    list_files, changes = FolderSource.files, [REVIEWS[:2]]

    def then_change(*arguments: Any) -> list[RawFile]:
        found = list_files(*arguments)
        if changes:
            write(raw / "Toys.jsonl", *changes.pop())
        return found

    with monkeypatch.context() as patched:
        patched.setattr(FolderSource, "files", then_change)
        ingest_reviews(raw, store)
    manifest, is_renewed = ingest_reviews(raw, store)
    assert (manifest.rows, is_renewed) == (2, True)


def change_after_each_part(
    monkeypatch: pytest.MonkeyPatch, path: Path, *contents: list[Any]
) -> None:
    """Changes a file of several parts as soon as one of them has been read."""
    store_part, left = parts.store_part, list(contents)

    def then_change(*arguments: Any) -> Any:
        stored = store_part(*arguments)
        if left:
            write(path, *left.pop(0))
        return stored

    monkeypatch.setattr(ingestion, "store_part", then_change)
    monkeypatch.setattr(parts, "_LEAST_BYTES", 2000)


@pytest.mark.parametrize(
    ("between", "then"),
    [
        pytest.param(REVIEWS[:8], REVIEWS[:8], id="shrinks"),
        pytest.param(REVIEWS * 2, REVIEWS * 2, id="grows"),
        pytest.param([*REVIEWS[:8], "{cut"], REVIEWS, id="is being written"),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_read_once_more(
    raw: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    between: list[Any],
    then: list[Any],
) -> None:
    other = write(raw / "Toys-0.jsonl", review("other", "kite", "2023-03-05T00:00:00"))
    # Its only review of that month is in the first part, and gone when it is read again.
    changing = write(
        raw / "Toys.jsonl", review("gone", "kite", "2021-01-05T00:00:00"), *REVIEWS[1:]
    )
    # The other file is the first part.
    first = changing.read_text().splitlines()
    change_after_each_part(monkeypatch, changing, first, between, then)
    manifest, _ = ingest_reviews(raw, store)
    found = sorted(user for month in users(store).values() for user in month)
    assert found == sorted(["other", *(each["user_id"] for each in then)])
    assert manifest.files[name(changing)].rows == len(then)
    assert manifest.files[name(other)].rows == 1
    assert "2021-01" not in store.months("raw_reviews")
    # What it held when it was listed is not what was read, so it is looked at again.
    monkeypatch.undo()
    assert ingest_reviews(raw, store)[0].files_read == [name(changing)]


def test_a_file_that_goes_on_changing_replaces_nothing(
    raw: Path, store: Store, former: dict[str, tuple[int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = [REVIEWS * number for number in range(2, 40)]
    change_after_each_part(monkeypatch, raw / "Toys.jsonl", *growing)
    message = (
        r"^raw/review_categories/Toys\.jsonl changes while it is read: wait until .* as it was"
    )
    with pytest.raises(InputError, match=message):
        ingest_reviews(raw, store)
    assert files(store) == former


def test_versions_of_tables_and_months_follow_from_content_alone(raw: Path, store: Store) -> None:
    write(raw / "Toys-1.jsonl", *REVIEWS[:1])
    changing = write(raw / "Toys-2.jsonl", *REVIEWS[1:2])
    first, _ = ingest_reviews(raw, store)
    other_commit = replace(first, version="2-another")
    assert other_commit.table_version() == first.table_version()
    write(changing, review("new", "kite", "2023-02-06T00:00:00"))
    second, _ = ingest_reviews(raw, store)
    assert second.table_version() != first.table_version()
    assert second.month_version("2023-01") == first.month_version("2023-01")
    assert second.month_version("2023-02") != first.month_version("2023-02")


# What can go wrong


def test_a_table_of_an_earlier_version_is_told_from_one_that_is_not_there(
    raw: Path, store: Store
) -> None:
    with pytest.raises(InputError, match=r"raw_reviews of Toys is not in .*: materialize it first"):
        require_manifest(store, "raw_reviews")
    write(raw / "Toys.jsonl", *REVIEWS[:1])
    ingest_reviews(raw, store)
    path = on_disk(store.path("raw_reviews")) / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 1}))
    message = r"raw_reviews of Toys in .* was stored by an earlier version of this package: ingest"
    with pytest.raises(InputError, match=message):
        require_manifest(store, "raw_reviews")
    assert ingest_reviews(raw, store)[1]


@pytest.mark.parametrize(
    "source", ["sample of 200,000 invented reviews (seed 42)", "folder sample"]
)
def test_a_manifest_of_the_former_format_is_read(raw: Path, store: Store, source: str) -> None:
    write(raw / "Toys.jsonl", *REVIEWS)
    manifest, _ = ingest_reviews(raw, store)
    path = on_disk(store.path("raw_reviews")) / MANIFEST
    content = json.loads(path.read_text()) | {"format": 2, "source": source}
    del content["is_sample"]
    path.write_text(json.dumps(content))
    is_sample = source.startswith("sample")
    expected = replace(manifest, source=source, is_sample=is_sample)
    assert require_manifest(store, "raw_reviews") == expected
    assert ingest_reviews(raw, store) == (expected, False)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("stored", Kind)
def test_the_sample_takes_the_place_of_real_data_of_either_kind_only_if_forced(
    tmp_path: Path, store: Store, kind: Kind, stored: Kind
) -> None:
    table = RAW_TABLES[stored].name
    with store.replacing(table) as folder:
        Manifest("2-version", "hub reviews@v1", files={}).write(folder)
    # Such a table is made anew, yet not of anything else.
    note_checks(store, table, None, {"rows_as_read": False})
    sample = SampleSource(tmp_path / "sample", reviews=1000)

    def ingest_sample(force: bool) -> Manifest:
        return ingest(kind, sample, store, 0.0, force, lambda _: None, 1)[0]

    message = (
        rf"^{table} of Toys in .*data comes from hub reviews@v1, and the built-in sample would "
        r"replace it: give --source or set AMAZON_SEG_SOURCE, choose .*, or force it\.$"
    )
    with pytest.raises(InputError, match=message):
        ingest_sample(force=False)
    assert not (tmp_path / "sample").exists()
    assert require_manifest(store, table).source == "hub reviews@v1"
    forced = ingest_sample(force=True)
    assert (forced.source, forced.is_sample) == (sample.description, True)


def test_real_data_takes_the_place_of_the_sample(raw: Path, store: Store) -> None:
    with store.replacing("raw_reviews") as folder:
        Manifest("2-version", "sample", files={}, is_sample=True).write(folder)
    write(raw / "Toys.jsonl", *REVIEWS)
    assert ingest_reviews(raw, store)[0].rows == 30
    assert sum(map(len, users(store).values())) == 30


@pytest.mark.parametrize("further", [[], ["Toys-2.jsonl"]], ids=["unchanged", "beside a new file"])
def test_a_lower_share_of_broken_lines_also_counts_for_what_is_kept(
    raw: Path, store: Store, further: list[str]
) -> None:
    write(raw / "Toys.jsonl", *REVIEWS[:9], "{broken")
    ingest_reviews(raw, store, max_share=0.1)
    before = files(store)
    for each in further:
        write(raw / each, *REVIEWS[9:])
    message = (
        r"^raw/review_categories/Toys\.jsonl: 1 of 10 lines \(10 %\) are not valid records, more "
        r"than the 5 % allowed; the first is line 10: .*AMAZON_SEG_MAX_MALFORMED_SHARE\.$"
    )
    with pytest.raises(InputError, match=message):
        ingest_reviews(raw, store, max_share=0.05)
    assert files(store) == before


@pytest.fixture
def former(raw: Path, store: Store) -> dict[str, tuple[int, bytes]]:
    """A stored table, whose source has changed since."""
    write(raw / "Toys.jsonl", *REVIEWS[:3])
    ingest_reviews(raw, store)
    write(raw / "Toys.jsonl", *REVIEWS)
    return files(store)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_broken_file_is_told_alike_by_any_process(
    raw: Path,
    store: Store,
    former: dict[str, tuple[int, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    processes: int,
) -> None:
    monkeypatch.setattr(parts, "_LEAST_BYTES", 2000)
    write(raw / "Toys.jsonl", *REVIEWS[:20], *["{broken"] * 10, *REVIEWS[20:])
    with pytest.raises(InputError, match=r"Toys\.jsonl: .* not valid .* the first is line 21: "):
        ingest_reviews(raw, store, max_share=0.01, processes=processes)
    assert files(store) == former


def test_too_little_room_is_told_before(
    raw: Path,
    store: Store,
    former: dict[str, tuple[int, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage(free=1000))
    with pytest.raises(
        InputError, match=r"raw_reviews of Toys needs about 0\.0 GiB in .*--storage"
    ):
        ingest_reviews(raw, store)
    assert files(store) == former


def test_room_is_needed_for_what_follows_and_for_a_download_to_the_same_disk(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gib = 1024**3
    usage = namedtuple("usage", "free")
    download = Download(tmp_path / "cache" / "not there yet", 5 * gib)
    file = RawFile("raw/review_categories/Toys.jsonl", "print", 10 * gib, Path, download)
    on_disk(store.folder).mkdir(parents=True)

    def require(free: float) -> None:
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: usage(int(free * gib)))
        disk.require_space([file], "raw_reviews", store)

    require(9.3)
    with pytest.raises(InputError, match=r"about 4\.2 GiB in .* and 5\.0 GiB for its download"):
        require(9.1)
    devices = count()
    monkeypatch.setattr(disk, "_device", lambda _: next(devices))
    require(4.3)
    with pytest.raises(InputError, match=r"about 4\.2 GiB in .*data, where 4\.1 GiB are free"):
        require(4.1)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_is_told_and_leaves_what_was_there(
    raw: Path,
    store: Store,
    former: dict[str, tuple[int, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
    with pytest.raises(InputError, match=r"no room left in .* for raw_reviews of Toys"):
        ingest_reviews(raw, store)
    assert files(store) == former
    monkeypatch.undo()
    assert ingest_reviews(raw, store)[0].rows == 30


def end_this_process(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_is_told() -> None:
    message = "ended unexpectedly, most likely because memory ran out"
    with pytest.raises(InputError, match=message), worker_processes(2) as map_in_processes:
        list(map_in_processes(end_this_process, [1]))


def wait_long(_: int) -> None:
    signal.pause()


def test_processes_end_with_an_error_here() -> None:
    with pytest.raises(KeyboardInterrupt), worker_processes(2) as map_in_processes:
        map_in_processes(wait_long, [1, 2])
        raise KeyboardInterrupt


def leave_a_file(_: int) -> None:
    Path(tempfile.mkdtemp(), "part").touch()
    signal.pause()


def wait_until_left(count: int, folder: Path) -> None:
    deadline = time.monotonic() + 30
    while len(list(folder.rglob("part"))) != count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_processes_that_end_early_leave_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt), worker_processes(2) as map_in_processes:
        map_in_processes(leave_a_file, [1, 2])
        wait_until_left(2, tmp_path)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from amazon_seg_assets.stages.raw.processes import worker_processes
from amazon_seg_assets_tests.test_ingestion import leave_a_file, wait_until_left
with worker_processes(2) as map_in_processes:
    map_in_processes(leave_a_file, [1, 2])
    wait_until_left(2, Path(sys.argv[1]))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_whose_starter_is_killed_leave_no_files(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        check=False,
        capture_output=True,  # which ends with the last of the processes
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert list(tmp_path.iterdir()) == []


def kept_of_freed_bytes(size: int) -> int:
    """Memory that this process still has after it has used and freed some, in one piece."""
    this = psutil.Process()
    before = this.memory_info().rss
    freed = pa.allocate_buffer(size)
    ctypes.memset(freed.address, 1, size)
    assert this.memory_info().rss - before > 0.9 * size
    del freed
    return this.memory_info().rss - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the settings are glibc's")
def test_processes_keep_the_memory_that_they_free() -> None:
    size = 100 * 1024**2
    with worker_processes(2) as map_in_processes:
        assert min(map_in_processes(kept_of_freed_bytes, [size, size])) > 0.9 * size
    assert not [name for name in os.environ if name.startswith("MALLOC_")]
