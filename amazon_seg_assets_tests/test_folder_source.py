"""A folder in the hub's layout offers the files of a category, and no others."""

import os
from pathlib import Path

import pytest

from amazon_seg_assets.dag.resources import SourceResource
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.sources.folder import FolderSource

REVIEWS = "raw/review_categories"
METADATA = "raw/meta_categories"


def make(root: Path, *names: str, content: bytes = b"{}\n") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def names(root: Path, kind: Kind, category: str) -> list[str]:
    return [file.name for file in FolderSource(root).files(kind, category)]


def test_a_category_has_its_own_files_in_order(tmp_path: Path) -> None:
    mine = [
        f"{REVIEWS}/Toys-2023-01.jsonl",
        f"{REVIEWS}/Toys-2023-02.jsonl.gz",
        f"{REVIEWS}/Toys.jsonl",
    ]
    make(tmp_path, *reversed(mine))
    make(tmp_path, f"{REVIEWS}/Toys_and_Games.jsonl", f"{REVIEWS}/Toys_and_Games-2023.jsonl")
    assert names(tmp_path, Kind.REVIEWS, "Toys") == mine


def test_unfinished_and_foreign_files_do_not_count(tmp_path: Path) -> None:
    others = [
        "Toys.jsonl.part",
        "Toys.jsonl.tmp",
        "Toys.jsonl.crdownload",
        ".Toys.jsonl",
        "Toys.csv",
    ]
    make(tmp_path, f"{REVIEWS}/Toys.jsonl", *(f"{REVIEWS}/{name}" for name in others))
    make(tmp_path, f"{REVIEWS}/Toys-folder.jsonl/inside")
    assert names(tmp_path, Kind.REVIEWS, "Toys") == [f"{REVIEWS}/Toys.jsonl"]


def test_of_a_file_and_its_gzipped_copy_the_plain_one_counts(tmp_path: Path) -> None:
    make(tmp_path, f"{REVIEWS}/Toys.jsonl", f"{REVIEWS}/Toys.jsonl.gz")
    assert names(tmp_path, Kind.REVIEWS, "Toys") == [f"{REVIEWS}/Toys.jsonl"]


def test_metadata_lines_go_before_parquet(tmp_path: Path) -> None:
    lines = [f"{METADATA}/meta_Toys-1.jsonl", f"{METADATA}/meta_Toys.jsonl.gz"]
    shards = [
        "raw_meta_Toys/full-00000-of-00002.parquet",
        "raw_meta_Toys/full-00001-of-00002.parquet",
    ]
    make(tmp_path, *reversed(shards), f"{METADATA}/Toys.jsonl", "raw_meta_Toys/other.parquet")
    assert names(tmp_path, Kind.METADATA, "Toys") == shards
    make(tmp_path, *lines)
    assert names(tmp_path, Kind.METADATA, "Toys") == lines


def test_the_folder_may_be_raw_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {Kind.REVIEWS: f"{REVIEWS}/Toys.jsonl", Kind.METADATA: "raw_meta_Toys/full-0.parquet"}
    make(tmp_path, *files.values())
    monkeypatch.chdir(tmp_path / "raw")
    for root in (tmp_path, tmp_path / "raw", Path()):
        for kind, name in files.items():
            (file,) = FolderSource(root).files(kind, "Toys")
            assert (file.name, file.fetch()) == (name, tmp_path / name)


def test_another_category_is_refused_with_near_ones_or_those_that_are_there(tmp_path: Path) -> None:
    make(tmp_path, f"{REVIEWS}/Toys_and_Games.jsonl", f"{REVIEWS}/Books-1.jsonl")
    make(tmp_path, f"{METADATA}/meta_Toys_and_Games.jsonl", "raw_meta_Software/full-0.parquet")
    source = FolderSource(tmp_path)
    with pytest.raises(InputError, match=r"no reviews of Cards in .*: Books, Toys_and_Games\.$"):
        source.files(Kind.REVIEWS, "Cards")
    with pytest.raises(
        InputError, match=r"no metadata of Cards in .*: Software, Toys_and_Games\.$"
    ):
        source.files(Kind.METADATA, "Cards")
    for kind, given, near in (
        (Kind.REVIEWS, "Toys", "Toys_and_Games"),
        (Kind.REVIEWS, "Book", "Books"),
        (Kind.METADATA, "software", "Software"),
    ):
        with pytest.raises(
            InputError, match=rf"no {kind} of {given} in .*: did you mean {near}\?$"
        ):
            source.files(kind, given)


def test_an_empty_folder_is_refused_with_the_layout(tmp_path: Path) -> None:
    source = FolderSource(tmp_path)
    with pytest.raises(InputError, match=r"no reviews in .* raw/review_categories/Toys\.jsonl\.$"):
        source.files(Kind.REVIEWS, "Toys")
    with pytest.raises(InputError, match=r"no metadata in .* raw/meta_categories/meta_Toys\.jsonl"):
        source.files(Kind.METADATA, "Toys")


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^The source {tmp_path}/absent does not exist: "):
        FolderSource(tmp_path / "absent")
    make(tmp_path, "file")
    with pytest.raises(InputError, match=rf"^The source {tmp_path}/file is a file, not a folder: "):
        FolderSource(tmp_path / "file")


def test_the_home_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^The source ~nobody-here/x is in a home folder that "):
        SourceResource(
            name="~nobody-here/x",
            sample_directory=str(tmp_path),
            sample_reviews=1_000,
            max_malformed_share=0.0,
        ).open()


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    make(tmp_path, REVIEWS)
    with pytest.raises(
        InputError, match=rf"^{tmp_path}/{REVIEWS} cannot be read \(Not a directory"
    ):
        FolderSource(tmp_path).files(Kind.REVIEWS, "Toys")


def test_the_fingerprint_follows_size_time_and_both_ends(tmp_path: Path) -> None:
    name = f"{REVIEWS}/Toys.jsonl"
    path = tmp_path / name

    def fingerprint(content: bytes, seconds: int) -> str:
        make(tmp_path, name, content=content)
        os.utime(path, (seconds, seconds))
        (file,) = FolderSource(tmp_path).files(Kind.REVIEWS, "Toys")
        assert file.size == len(content)
        return file.fingerprint

    content = bytes(3 * 1024**2)
    first = fingerprint(content, seconds=1)
    assert fingerprint(content, seconds=1) == first
    others = [
        fingerprint(content, seconds=2),
        fingerprint(content + b"\0", seconds=1),
        fingerprint(b"1" + content[1:], seconds=1),
        fingerprint(content[1:] + b"1", seconds=1),
    ]
    assert len({first, *others}) == 5
    in_the_middle = content[: len(content) // 2] + b"1" + content[len(content) // 2 + 1 :]
    assert fingerprint(in_the_middle, seconds=1) == first  # the documented gap


def test_the_version_changes_with_any_file_of_the_category_only(tmp_path: Path) -> None:
    make(tmp_path, f"{REVIEWS}/Toys.jsonl", f"{REVIEWS}/Books.jsonl")
    source = FolderSource(tmp_path)
    first = source.version(Kind.REVIEWS, "Toys")
    make(tmp_path, f"{REVIEWS}/Books.jsonl", content=b"changed")
    assert source.version(Kind.REVIEWS, "Toys") == first
    make(tmp_path, f"{REVIEWS}/Toys-2.jsonl")
    assert source.version(Kind.REVIEWS, "Toys") != first
