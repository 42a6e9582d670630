"""All that does not go through Spark, on a stand-in for S3 that is reached over HTTP."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.schema import Column, Table
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.sources.folder import FolderSource
from amazon_seg_assets.stages.raw import parts
from amazon_seg_assets.stages.raw.ingest import ingest
from amazon_seg_assets.stages.raw.manifest import Manifest, read_manifest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.storage.facts import failed_checks, note_checks, read_facts
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.locations import children, name_below, parse_location, url_of
from amazon_seg_assets.storage.parquet import (
    count_values,
    parquet_files,
    read_small,
    read_stats,
    write_small,
)
from amazon_seg_assets_tests.raw_files import review

MONTH = "2023-01"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket-{len(s3fs.S3FileSystem().ls(''))}"
    s3fs.S3FileSystem().mkdir(name)
    return name


@pytest.fixture
def store(bucket: str) -> Store:
    return Store(parse_location(f"s3://{bucket}/data"), "Toys")


# Ingestion


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def ingest_reviews(source: Path, store: Store, processes: int) -> Manifest:
    arguments = (FolderSource(source), store, 0.0, False, lambda _: None, processes)
    return ingest(Kind.REVIEWS, *arguments)[0]


def content(store: Store) -> dict[str, bytes]:
    folder = store.path(RAW_REVIEWS.name)
    return {name_below(path, folder): path.read_bytes() for path in parquet_files(folder)}


def test_raw_reviews_are_the_same_as_on_a_disk(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_LEAST_BYTES", 1500)
    disk = Store(tmp_path / "disk", "Toys")
    folder = tmp_path / "source" / "raw" / "review_categories"
    write(
        folder / "Toys-1.jsonl",
        *(review(f"u{day}", "kite", f"2023-0{day % 3 + 1}-05T00:00:00") for day in range(30)),
    )
    changing = write(folder / "Toys-2.jsonl", review("old", "kite", "2023-01-06T00:00:00"))
    going = write(folder / "Toys-3.jsonl", review("gone", "kite", "2021-01-06T00:00:00"))
    first = ingest_reviews(tmp_path / "source", store, processes=2)
    assert first == ingest_reviews(tmp_path / "source", disk, processes=1)
    assert read_manifest(store, RAW_REVIEWS.name) == first
    assert content(store) == content(disk)
    assert len(content(store)) == 3 * 4 + 2
    # Of an unchanged file the objects are taken over; one of a changed file has its former name.
    write(changing, review("new", "kite", "2023-01-06T00:00:00"))
    going.unlink()
    second = ingest_reviews(tmp_path / "source", store, processes=1)
    assert second.files_read == ["raw/review_categories/Toys-2.jsonl"]
    assert second == ingest_reviews(tmp_path / "source", disk, processes=1)
    assert content(store) == content(disk)
    assert store.months(RAW_REVIEWS.name) == ["2023-01", "2023-02", "2023-03"]
    stats = read_stats(store.path(RAW_REVIEWS.name))
    assert stats == read_stats(disk.path(RAW_REVIEWS.name))
    assert (stats.rows, stats.files) == (31, 13)
    # Nothing else is left: one version, what says that it counts, and the manifest.
    assert children(store.folder) == {RAW_REVIEWS.name}
    assert len(list(store.folder.rglob("*.parquet"))) == 13


# Small things

SMALL = Table(
    "small",
    "A table.",
    (Column("name", pa.string(), "A name."), Column("size", pa.int64(), "A")),
)
"""A table, without months or with, as each test has it."""


@pytest.mark.parametrize("month", [None, MONTH])
def test_small_tables_and_their_facts_come_back(store: Store, month: str | None) -> None:
    for size, facts in enumerate([{"skewness": 0.5}, {}]):
        frame = pd.DataFrame({"name": ["a", "b"], "size": [size, size]})
        written = write_small(frame, store, SMALL, month, facts)
        assert (written.stats.rows, written.facts) == (2, facts)
        assert read_facts(store, SMALL.name, month) == facts
        pd.testing.assert_frame_equal(read_small(store, SMALL, month), frame)
        assert count_values(store.path(SMALL.name, month), "size") == {size: 2}
    assert len(list(store.folder.rglob("*.parquet"))) == 1


def test_notes_on_failed_checks_are_kept_and_taken_back(store: Store) -> None:
    write_small(pd.DataFrame({"name": ["a"], "size": [1]}), store, SMALL, MONTH)
    note_checks(store, SMALL.name, MONTH, {"keys": False, "rows": False})
    note_checks(store, SMALL.name, MONTH, {"keys": True, "nulls": True})
    assert failed_checks(store, SMALL.name, MONTH) == {"rows"}


def test_files_have_an_address(store: Store, bucket: str) -> None:
    with store.replacing("elbow_plot", [MONTH]) as folder:
        (folder / month_folder(MONTH)).mkdir()
        (folder / month_folder(MONTH) / "elbow_plot.png").write_bytes(b"\x89PNG")
    address = url_of(store.path("elbow_plot", MONTH) / "elbow_plot.png")
    assert address.startswith(f"s3://{bucket}/data/Toys/elbow_plot/version=")
    assert address.endswith(f"/month={MONTH}/elbow_plot.png")
    assert parse_location(address).read_bytes() == b"\x89PNG"


# Processes

KILLED_BEFORE_IT_COUNTS, KILLED_BEFORE_THE_OLD_GOES = "pipe", "rm"
KILLED = """
import os, sys
from amazon_seg_assets.storage.locations import parse_location
from amazon_seg_assets.storage.layout import Store
store = Store(parse_location(sys.argv[1]), "Toys")
with store.replacing("reviews", ["2023-01"]) as folder:
    (folder / "month=2023-01").mkdir()
    (folder / "month=2023-01" / "a").write_text("new")
    setattr(store.folder.fs, sys.argv[2], lambda *_, **__: os._exit(9))
"""


@pytest.mark.parametrize(
    ("method", "expected"),
    [(KILLED_BEFORE_IT_COUNTS, "old"), (KILLED_BEFORE_THE_OLD_GOES, "new")],
)
def test_a_killed_process_leaves_one_version(store: Store, method: str, expected: str) -> None:
    def put(text: str) -> None:
        with store.replacing("reviews", [MONTH]) as folder:
            (folder / f"month={MONTH}").mkdir()
            (folder / f"month={MONTH}" / "a").write_text(text)

    def get() -> list[str]:
        return [path.read_text() for path in store.path("reviews", MONTH).glob("[!_]*")]

    put("old")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(store.root), method], check=False, capture_output=True
    )
    assert killed.returncode == 9, killed.stderr
    assert get() == [expected]  # seen although this process has listed the folder before
    put("last")
    assert get() == ["last"]
    assert children(store.folder / ".staging") == set()
    assert len(children(store.base("reviews"))) == 2


# Access


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_is_not_there_is_told() -> None:
    store = Store(parse_location("s3://no-such-bucket/data"), "Toys")
    with pytest.raises(InputError, match="small of Toys is not in s3://no-such-bucket/data"):
        read_small(store, SMALL)
    message = r"storage s3://no-such-bucket/data cannot be written to \(.*bucket.*\): check the URL"
    with pytest.raises(InputError, match=message):
        write_small(pd.DataFrame({"name": ["a"], "size": [1]}), store, SMALL)


def test_no_network_and_no_credentials_are_told(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    s3fs.S3FileSystem.clear_instance_cache()
    store = Store(parse_location(f"s3://{bucket}/data"), "Toys")
    with pytest.raises(InputError, match=r"cannot be read \(.*credentials"):
        store.months("small")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    s3fs.S3FileSystem.clear_instance_cache()
    store = Store(parse_location(f"s3://{bucket}/data"), "Toys")
    with pytest.raises(InputError, match=r"cannot be read \(.*connect.*\): check the URL"):
        store.months("small")
