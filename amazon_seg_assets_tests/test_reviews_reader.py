"""Review files are read in blocks, broken lines are counted, and equal reviews get equal hashes."""

import gzip
import json
import os
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from xxhash import xxh3_128_hexdigest

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.stages.raw import blocks as block_reader
from amazon_seg_assets.stages.raw.blocks import Block, Part, read_blocks
from amazon_seg_assets.stages.raw.malformed import MalformedLines
from amazon_seg_assets.stages.raw.reviews import parse_reviews, read_reviews
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS

NAME = "raw/review_categories/Kites.jsonl"
REVIEW: dict[str, Any] = {
    "rating": 4.0,
    "title": "Flies",
    "text": "Up, up\nand away \U0001f600",
    "images": [],
    "asin": "B00KITE001",
    "parent_asin": "B00KITE000",
    "user_id": "AEKITE",
    "timestamp": 1_672_531_200_123,
    "helpful_vote": 3,
    "verified_purchase": True,
}


def json_line(**changes: Any) -> bytes:
    return json.dumps(REVIEW | changes).encode()


def without(*fields: str) -> bytes:
    return json.dumps({key: REVIEW[key] for key in REVIEW if key not in fields}).encode()


def raw_line(field: str, value: bytes) -> bytes:
    """A review's line in which the JSON text of one field is as given."""
    return json_line(**{field: "@"}).replace(b'"@"', value)


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def read(path: Path, max_share: float = 0.9) -> tuple[pa.Table, MalformedLines]:
    malformed = MalformedLines(NAME, max_share)
    tables = list(read_reviews(Part(path, NAME), malformed))
    malformed.check()
    return pa.concat_tables(tables), malformed


def review_id(line: bytes) -> str:
    malformed = MalformedLines(NAME, 0)
    table = parse_reviews(Block(line, 0, 1, 0, 1), malformed)
    assert (table.num_rows, malformed.count) == (1, 0)
    return table["review_id"][0].as_py()


def summary(blocks: list[Block]) -> list[tuple[bytes, int, int]]:
    return [(block.data, block.offset, block.first_line) for block in blocks]


# Blocks of lines


def test_a_block_ends_with_the_line_that_fills_it(tmp_path: Path) -> None:
    path = write(tmp_path / "lines", b"a", b"bcd", b"ef")
    blocks = list(read_blocks(Part(path, NAME), block_bytes=4))
    assert summary(blocks) == [(b"a\nbcd\n", 0, 1), (b"ef\n", 6, 3)]
    assert [block.read_share for block in blocks] == [pytest.approx(6 / 9), 1]


def test_a_block_may_end_exactly_with_a_line(tmp_path: Path) -> None:
    path = write(tmp_path / "lines", b"a", b"bcd", b"ef")
    assert summary(list(read_blocks(Part(path, NAME), block_bytes=6))) == [
        (b"a\nbcd\n", 0, 1),
        (b"ef\n", 6, 3),
    ]


@pytest.mark.parametrize("block_bytes", [1, 3, 100])
def test_lines_keep_their_numbers_whatever_the_line_ends(tmp_path: Path, block_bytes: int) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"\xef\xbb\xbfa\r\n\r\n  \nb c \n\nlast")
    blocks = read_blocks(Part(path, NAME), block_bytes=block_bytes)
    assert [line for block in blocks for line in block.lines()] == [
        (1, b"a"),
        (4, b"b c"),
        (6, b"last"),
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 2, [b"a"]),
        (0, 3, [b"a", b"bcd"]),
        (1, 2, []),
        (2, 6, [b"bcd"]),
        (2, 7, [b"bcd", b"ef"]),
        (3, 6, []),
        (6, 100, [b"ef"]),
        (9, 100, []),
    ],
)
def test_a_line_belongs_to_the_range_in_which_it_begins(
    tmp_path: Path, start: int, end: int, expected: list[bytes]
) -> None:
    path = write(tmp_path / "lines", b"a", b"bcd", b"ef")  # begin at 0, 2 and 6
    blocks = read_blocks(Part(path, NAME, start=start, end=end))
    assert [line for block in blocks for _, line in block.lines()] == expected


def test_a_gzipped_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(gzip.compress(b"a\nb") + gzip.compress(b"c\nd"))
    assert summary(list(read_blocks(Part(path, NAME), block_bytes=3))) == [
        (b"a\nbc\n", 0, 1),
        (b"d", 5, 3),
    ]


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system has no such advice")
def test_a_large_file_leaves_the_cache_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "lines", b"1234", b"1234", b"1234")
    left: list[tuple[int, int]] = []
    monkeypatch.setattr(block_reader, "_LARGE_FILE_BYTES", path.stat().st_size)
    monkeypatch.setattr(os, "posix_fadvise", lambda _file, at, size, _: left.append((at, size)))
    assert b"".join(
        block.data for block in read_blocks(Part(path, NAME, start=5), block_bytes=4)
    ) == (b"1234\n1234\n")
    assert left == [(5, 5), (10, 5)]


def test_a_line_that_is_nested_too_deep_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "Kites.jsonl"
    deep = b'{"images": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    path.write_bytes(json_line() + b"\n" + deep + b"\n")
    malformed = MalformedLines("Kites.jsonl", 0.9)
    assert sum(table.num_rows for table in read_reviews(Part(path, "Kites.jsonl"), malformed)) == 1
    assert malformed.examples == ["Kites.jsonl, line 2: nested too deep"]


def test_a_truncated_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Kites.jsonl.gz"
    path.write_bytes(gzip.compress(json_line() * 100)[:-10])
    with pytest.raises(InputError, match=rf"^{NAME} is cut short or damaged"):
        read(path)


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_reader, "LONGEST_LINE", 1024**2)
    path = write(tmp_path / "lines", b"x" * (1024**2 + 10))
    with pytest.raises(InputError, match=rf"^{NAME} has a line of more than 1 MiB"):
        list(read_blocks(Part(path, NAME), block_bytes=10))


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^{NAME} cannot be read \(Is a directory\)"):
        list(read_blocks(Part(tmp_path, NAME)))


# Reviews


def test_fields_are_read_as_published(tmp_path: Path) -> None:
    image = {"small_image_url": "s", "medium_image_url": "m", "attachment_type": "IMAGE"}
    path = write(
        tmp_path / "Kites.jsonl",
        json_line(images=[image | {"unknown": [1]}], color="red"),
        json_line(title=None, images=None, rating=None, verified_purchase=None),
    )
    table, malformed = read(path, max_share=0)
    assert table.schema == RAW_REVIEWS.arrow_schema
    first, second = table.drop_columns(["review_id"]).to_pylist()
    assert first == REVIEW | {"images": [image | {"large_image_url": None}]}
    assert second == REVIEW | dict.fromkeys(["title", "images", "rating", "verified_purchase"])
    assert (malformed.lines, malformed.count) == (2, 0)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (json_line()[:-1], "Expecting ',' delimiter at character "),
        (b"null", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (json_line() + json_line(), "Extra data at character "),
        (json_line() + b" null " + json_line(), "Extra data at character "),
        (json_line(rating="five"), "rating is 'five', not a number"),
        (json_line(rating=True), "rating is True, not a number"),
        (raw_line("rating", b"NaN"), "NaN is not JSON"),
        (json_line(title=5), "title is 5, not a text"),
        (raw_line("title", b'"\xff"'), "'utf-8' codec can't decode byte 0xff"),
        (raw_line("title", b'"a\tb"'), "Invalid control character at character "),
        (json_line(verified_purchase=1), "verified_purchase is 1, not true or false"),
        (json_line(helpful_vote=1.5), "helpful_vote is 1.5, not a whole number"),
        (json_line(helpful_vote=2**63), f"helpful_vote is {2**63}, not a whole number"),
        (raw_line("rating", b"1e999"), "rating is inf, not a number"),
        (
            json_line(images=[{}, {"attachment_type": 1}]),
            "images.1.attachment_type is 1, not a text",
        ),
        (json_line(images="none"), "images is 'none', not a list"),
        (json_line(timestamp="1672531200123"), "timestamp is '1672531200123', not a whole number"),
        (json_line(timestamp=None), "no timestamp"),
        (without("timestamp"), "no timestamp"),
        (json_line(timestamp=10**18), f"timestamp is {10**18}, not a time in milliseconds"),
    ],
)
def test_a_broken_line_is_left_out_and_noted(tmp_path: Path, broken: bytes, reason: str) -> None:
    good = [json_line(title=f"{number}") for number in range(5)]
    path = write(tmp_path / "Kites.jsonl", *good[:3], b"", broken, *good[3:])
    table, malformed = read(path)
    assert table["title"].to_pylist() == ["0", "1", "2", "3", "4"]
    assert (malformed.lines, malformed.count) == (6, 1)
    assert malformed.examples[0].startswith(f"{NAME}, line 5: {reason}")


@pytest.mark.parametrize("unknown", [b"NaN", b"Inf", b"[" * 2000 + b"]" * 2000])
def test_a_line_is_valid_whatever_is_around(tmp_path: Path, unknown: bytes) -> None:
    line = raw_line("color", unknown)
    assert review_id(line) == review_id(json_line())
    table, malformed = read(write(tmp_path / "Kites.jsonl", line, b"{"))
    assert (table["review_id"].to_pylist(), malformed.count) == ([review_id(line)], 1)


def test_an_object_over_two_lines_is_two_broken_lines(tmp_path: Path) -> None:
    head, tail = json_line().split(b', "asin"')
    path = write(tmp_path / "Kites.jsonl", json_line(), head + b",", b'"asin"' + tail)
    table, malformed = read(path)
    assert (table.num_rows, malformed.lines, malformed.count) == (1, 3, 2)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("rating", b"5", 5.0),
        ("timestamp", b"1.6e12", 1_600_000_000_000),
        ("helpful_vote", b"2.0", 2),
        ("title", rb'"a\ud83d b"', "a\ufffd b"),
        ("title", rb'"\ude00\ud83d\ude00"', "\ufffd\U0001f600"),
        ("title", '"né"'.encode(), "né"),
        ("title", b'"first", "title": "last"', "last"),
        (
            "images",
            b"[null, {}]",
            [None, dict.fromkeys(RAW_REVIEWS["images"].type.value_type.names)],
        ),
    ],
)
def test_unusual_json_is_read(tmp_path: Path, field: str, text: bytes, value: Any) -> None:
    path = write(tmp_path / "Kites.jsonl", json_line(), raw_line(field, text))
    table, malformed = read(path, max_share=0)
    assert table[field].to_pylist() == [REVIEW[field], value]
    assert malformed.count == 0


def test_a_column_that_no_record_has_is_named(tmp_path: Path) -> None:
    fields = ("helpful_vote", "verified_purchase")
    path = write(tmp_path / "Kites.jsonl", *[without(*fields)] * 3)
    message = rf"^{NAME} lacks the column helpful_vote, verified_purchase: "
    with pytest.raises(InputError, match=message):
        read(path)


def test_a_column_that_some_record_has_is_there(tmp_path: Path) -> None:
    path = write(tmp_path / "Kites.jsonl", without("helpful_vote"), b"{", json_line())
    assert read(path)[0]["helpful_vote"].to_pylist() == [None, 3]


def test_images_may_be_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "Kites.jsonl", without("images"))
    assert read(path)[0]["images"].to_pylist() == [None]


@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf"])
def test_a_file_without_lines_is_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "Kites.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"^{NAME} is empty: "):
        read(path)


def test_too_many_broken_lines_fail(tmp_path: Path) -> None:
    lines = [json_line()] * 300
    lines[16:28] = [json_line()[:-1]] * 12
    path = write(tmp_path / "Kites.jsonl", *lines)
    with pytest.raises(InputError) as error:
        read(path, max_share=0.001)
    assert str(error.value) == (
        f"{NAME}: 12 of 300 lines (4 %) are not valid records, more than the 0.1 % allowed; the "
        f"first is line 17: Expecting ',' delimiter at character {len(json_line())}; repair the "
        "file or raise AMAZON_SEG_MAX_MALFORMED_SHARE."
    )
    table, malformed = read(path, max_share=0.04)
    assert (table.num_rows, malformed.lines, malformed.count) == (288, 300, 12)
    assert len(malformed.examples) == 5


def test_a_file_without_any_record_fails_whatever_the_share(tmp_path: Path) -> None:
    path = write(tmp_path / "Kites.jsonl", b"<html>", b"</html>")
    with pytest.raises(InputError, match="none of 2 lines is a valid record; the first is line 1:"):
        read(path, max_share=1)


def test_a_field_without_a_column_is_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "Kites.jsonl", json_line(images=[]), json_line(size=1, review_id="x"))
    assert read(path)[1].unknown_fields == ["review_id", "size"]


def test_a_hopeless_file_is_given_up_early() -> None:
    # Half is read. With 100 broken lines of 10,000 the whole has at most 40,000: 0.25 %.
    malformed = MalformedLines(NAME, 0.0025, lines=10_000, count=100, first=[(1, "bad")])
    assert not malformed.judge_so_far(read_share=0.5)
    malformed.max_share = 0.0024
    assert malformed.judge_so_far(read_share=0.5)
    with pytest.raises(InputError, match=r"100 of 10,000 lines \(1 %\)"):
        malformed.check()


def test_lines_of_a_later_range_are_numbered_on() -> None:
    malformed = MalformedLines(NAME, 0.5, lines=8, count=1, first=[(2, "bad")], length=10)
    later = MalformedLines(NAME, 0.5, lines=3, count=1, first=[(4, "worse")], length=5)
    malformed.append(later)
    malformed.append(later)
    assert malformed.examples == [f"{NAME}, line {n}" for n in ("2: bad", "14: worse", "19: worse")]
    assert (malformed.lines, malformed.count, malformed.length) == (14, 3, 20)


# The content hash


def test_the_hash_is_over_documented_bytes() -> None:
    texts = [REVIEW[name].encode() for name in ("title", "text", "asin", "parent_asin", "user_id")]
    documented = (
        struct.pack("<dqqbB", 4.0, 1_672_531_200_123, 3, 1, 0)
        + struct.pack("<5i", 5, 20, 10, 10, 6)
        + b"".join(texts)
    )
    assert review_id(json_line()) == xxh3_128_hexdigest(documented)


def test_the_hash_of_nulls_is_over_documented_bytes() -> None:
    nulls = dict.fromkeys(["rating", "title", "text", "helpful_vote", "verified_purchase"])
    documented = (
        struct.pack("<dqqbB", 0.0, 1_672_531_200_123, 0, 0, 0b1101)
        + struct.pack("<5i", -1, -1, 10, 10, 6)
        + b"B00KITE001B00KITE000AEKITE"
    )
    assert review_id(json_line(**nulls)) == xxh3_128_hexdigest(documented)


def test_the_hash_stays_the_same_over_versions() -> None:
    assert review_id(json_line()) == "5c8349629e2f92774949891d7bde70e5"


def test_the_hash_depends_on_content_alone() -> None:
    backwards = json.dumps(dict(reversed(REVIEW.items())), ensure_ascii=False)
    same = [
        backwards.encode(),
        raw_line("rating", b"4"),
        raw_line("rating", b"40e-1"),
        raw_line("helpful_vote", b"3.0"),
        json_line(images=[{"small_image_url": "s"}]),
        json_line(color="red"),
    ]
    assert {review_id(line) for line in same} == {review_id(json_line())}
    assert review_id(raw_line("rating", b"-0.0")) == review_id(raw_line("rating", b"0"))


def test_each_hashed_field_counts_and_none_runs_into_the_next() -> None:
    different = [
        json_line(),
        json_line(rating=5.0),
        json_line(rating=None),
        json_line(rating=0),
        json_line(title="flies"),
        json_line(title=None),
        json_line(title=""),
        json_line(title="FliesU", text=REVIEW["text"][1:]),
        json_line(text=None),
        json_line(text=""),
        json_line(asin=REVIEW["parent_asin"], parent_asin=REVIEW["asin"]),
        json_line(asin="B00KITE001B", parent_asin="00KITE000"),
        json_line(user_id="AEKITE_2"),
        json_line(timestamp=REVIEW["timestamp"] + 1),
        json_line(helpful_vote=4),
        json_line(helpful_vote=None),
        json_line(helpful_vote=0),
        json_line(verified_purchase=False),
        json_line(verified_purchase=None),
    ]
    assert len({review_id(line) for line in different}) == len(different)


def test_the_hash_does_not_depend_on_the_rows_around(tmp_path: Path) -> None:
    lines = [json_line(title="x" * number) for number in range(7)]
    table, _ = read(write(tmp_path / "Kites.jsonl", *lines, b"{"))
    assert table["review_id"].to_pylist() == [review_id(line) for line in lines]
