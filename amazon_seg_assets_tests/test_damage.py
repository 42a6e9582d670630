"""Stored files that are deleted, cut, added or exchanged: told by whoever reads them."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from upath import UPath

from amazon_seg_assets.dag.handles import Snapshot, Whole
from amazon_seg_assets.errors import DamagedError
from amazon_seg_assets.schema import Artifact, Column, Table
from amazon_seg_assets.spark.failures import remedy
from amazon_seg_assets.storage import damage as damage_module
from amazon_seg_assets.storage.contents import CONTENTS
from amazon_seg_assets.storage.damage import damage
from amazon_seg_assets.storage.facts import read_facts
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.locations import Location, parse_location
from amazon_seg_assets.storage.parquet import parquet_files, read_small, write_small
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.graph import family_of

JANUARY, FEBRUARY = "2023-01", "2023-02"
SIZES = Table("sizes", "A table.", (Column("size", pa.int64(), "A size."),), by_month=True)
TREE = Artifact("tree", "Files in folders.")


@pytest.fixture(params=["disk", "memory"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    url = f"memory:/{tmp_path}" if request.param == "memory" else str(tmp_path / "storage")
    return Store(parse_location(url), "Toys")


@pytest.fixture
def disk(tmp_path: Path) -> Store:
    return Store(tmp_path / "storage", "Toys")


def put(store: Store, *months: str | None, rows: int = 3) -> None:
    for month in months:
        write_small(pd.DataFrame({"size": range(rows)}), store, SIZES, month)


def file_of(store: Store, month: str | None) -> Location:
    [file] = parquet_files(store.path("sizes", month))
    return file


def delete(file: Location) -> None:
    file.unlink()


def cut(file: Location) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def add(file: Location) -> None:
    file.with_name("part-9.parquet").write_bytes(file.read_bytes())


def empty(file: Location) -> None:
    """As somebody does who removes what looks like all files of a month."""
    for each in (file, file.with_name(CONTENTS)):
        each.unlink()


HARMS: list[tuple[Callable[[Location], None], str]] = [
    (delete, r"part-\S+ is missing"),
    (cut, r"part-\S+ has [\d,]+ bytes instead of [\d,]+"),
    (add, r"part-9\.parquet was not written with it"),
    (empty, "its files are missing"),
    (lambda file: cut(file.with_name(CONTENTS)), rf"{CONTENTS} is cut short"),
]


@pytest.mark.parametrize(("harm", "told"), HARMS, ids=["delete", "cut", "add", "empty", "cut note"])
@pytest.mark.parametrize("month", [None, FEBRUARY])
def test_a_damaged_file_is_told_with_its_place_and_a_remedy(
    store: Store, month: str | None, harm: Callable[[Location], None], told: str
) -> None:
    months = [None] if month is None else [JANUARY, month]
    put(store, *months)
    assert damage(store, "sizes") == damage(store, "sizes", month and [month]) == ""
    # Nobody looks twice at a version in a bucket, within a process.
    damage_module._SOUND.clear()
    harm(file_of(store, month))
    folder = re.escape(str(store.path("sizes", month)))
    message = rf"^sizes of Toys is damaged: {told}, in {folder}; materialize it again, or run .*\.$"
    with pytest.raises(DamagedError, match=message):
        read_small(store, SIZES, month)
    assert damage(store, "sizes") != ""
    if month:
        read_small(store, SIZES, JANUARY)  # is as it was
    # What replaces it does not look at it.
    put(store, month)
    assert len(read_small(store, SIZES, month)) == 3


def test_a_file_of_other_rows_and_the_same_size_is_told(disk: Store) -> None:
    put(disk, JANUARY)
    file = on_disk(file_of(disk, JANUARY))
    size, handle = file.stat().st_size, Snapshot(family_of(), disk, JANUARY)
    assert handle.rows(SIZES) == 3
    pq.write_table(pa.table({"size": [1, 2]}, SIZES.arrow_schema), file)
    with file.open("rb+") as opened:  # its length is of no use to who reads it from the end
        content = opened.read()
        opened.seek(0)
        opened.write(content[:4] + b"\0" * (size - len(content)) + content[4:])
    with pytest.raises(DamagedError, match=r"sizes of Toys .* files have 2 rows instead of 3, in"):
        handle.rows(SIZES)


def test_files_of_any_artifact_are_compared_in_folders_too(store: Store) -> None:
    with store.replacing("tree") as folder:
        for name in ("metadata/part-0", "stages/0/data.parquet", "_SUCCESS", ".part.crc"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
    handle, place = Whole(family_of(), store), store.path("tree")
    assert handle.folder(TREE) == place
    (place / "_SUCCESS").unlink()
    (place / "notes.txt").write_text("somebody's own")
    damage_module._SOUND.clear()
    assert damage(store, "tree") == ""
    damage_module._SOUND.clear()
    (place / "metadata" / "part-0").unlink()
    with pytest.raises(DamagedError, match="tree of Toys is damaged: metadata/part-0 is missing"):
        handle.folder(TREE)


def test_months_within_a_whole_table_are_looked_at_alone(store: Store) -> None:
    with store.replacing("reviews") as folder:
        for month in (JANUARY, FEBRUARY):
            (folder / month_folder(month)).mkdir()
            (folder / month_folder(month) / "a.parquet").write_text(month)
    assert damage(store, "reviews", [JANUARY, FEBRUARY]) == ""
    damage_module._SOUND.clear()
    (store.path("reviews", FEBRUARY) / "a.parquet").unlink()
    assert damage(store, "reviews", [JANUARY]) == ""
    for months in (None, [FEBRUARY], [JANUARY, FEBRUARY]):
        assert damage(store, "reviews", months).startswith("month=2023-02/a.parquet is missing")


@pytest.mark.parametrize("month", [None, JANUARY])
def test_what_an_earlier_version_stored_is_read(store: Store, month: str | None) -> None:
    put(store, month)
    (store.path("sizes", month) / CONTENTS).unlink()
    assert len(read_small(store, SIZES, month)) == 3


def test_facts_that_are_cut_short_are_told(store: Store) -> None:
    write_small(pd.DataFrame({"size": [1]}), store, SIZES, JANUARY, {"rows": 1})
    facts = store.path("sizes", JANUARY) / "_figures.json"
    facts.write_text(facts.read_text()[:-3])
    with pytest.raises(DamagedError, match=r"sizes of Toys is damaged: .*_figures\.json cannot be"):
        read_facts(store, "sizes", JANUARY)


def test_many_months_of_a_url_are_one_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(parse_location(f"memory:/{tmp_path}"), "Toys")
    months = [f"2022-{number:02d}" for number in range(1, 13)]
    put(store, *months)
    assert isinstance(store.folder, UPath)
    listed: list[str] = []
    fs = type(store.folder.fs)
    find = fs.find

    def noting(self: object, path: str, **options: object) -> object:
        listed.append(path)
        return find(self, path, **options)

    monkeypatch.setattr(fs, "find", noting)
    for _ in range(3):
        assert damage(store, "sizes", months) == ""
    assert len(listed) == 1


def test_a_bit_that_has_flipped_on_the_disk_is_noticed(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(1_000).repartition(1).write.parquet(f"file://{tmp_path}/numbers")
    [file] = (tmp_path / "numbers").glob("*.parquet")
    assert not [*file.parent.glob(".*.crc")]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(Exception, match="CRC checksum") as failed:
        spark.read.parquet(f"file://{tmp_path}/numbers").collect()
    told = remedy(str(failed.value), None, "the storage")
    assert told is not None
    assert f"{file} is damaged (" in told
    assert "amazon-seg run --force" in told
