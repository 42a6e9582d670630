"""Product files are read whole although their free-form fields vary from row to row."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.stages.raw.blocks import Part
from amazon_seg_assets.stages.raw.malformed import MalformedLines
from amazon_seg_assets.stages.raw.products import read_metadata
from amazon_seg_assets.stages.raw.tables import RAW_METADATA

NAME = "raw/meta_categories/meta_Kites.jsonl"
SHARD = "raw_meta_Kites/full-0.parquet"
PRODUCT: dict[str, Any] = {
    "main_category": "Toys & Games",
    "title": "Box kite",
    "average_rating": 4.5,
    "rating_number": 12,
    "features": ["Light", "Red"],
    "description": [],
    "price": 19.99,
    "images": [{"thumb": "t.jpg", "large": "l.jpg", "variant": "MAIN", "hi_res": None}],
    "videos": [{"title": "Flying", "url": "v.mp4", "user_id": ""}],
    "store": "Kite & Co",
    "categories": ["Toys & Games", "Kites"],
    "details": {"Wingspan": "1 m", "Best Sellers Rank": {"Kites": 7}, "Größe": "☺"},
    "parent_asin": "B00KITE000",
    "bought_together": None,
}
STORED = PRODUCT | {
    "price": "19.99",
    "details": '{"Wingspan": "1 m", "Best Sellers Rank": {"Kites": 7}, "Größe": "☺"}',
    "subtitle": None,
    "author": None,
}


def json_line(**changes: Any) -> bytes:
    return json.dumps(PRODUCT | changes).encode()


def read(path: Path, name: str = NAME) -> tuple[list[dict[str, Any]], MalformedLines]:
    malformed = MalformedLines(name, max_share=0.9)
    tables = list(read_metadata(Part(path, name), malformed))
    malformed.check()
    table = pa.concat_tables(tables)
    assert table.schema == RAW_METADATA.arrow_schema
    return table.to_pylist(), malformed


def read_lines(folder: Path, *lines: bytes) -> tuple[list[dict[str, Any]], MalformedLines]:
    path = folder / "meta_Kites.jsonl"
    path.write_bytes(b"\n".join(lines))
    return read(path)


def test_fields_are_read_as_published(tmp_path: Path) -> None:
    book = json_line(subtitle="A guide", author={"name": "A. Flyer", "about": ["kites"]})
    rows, malformed = read_lines(tmp_path, json_line(), b"", book)
    assert rows == [
        STORED,
        STORED | {"subtitle": "A guide", "author": '{"name": "A. Flyer", "about": ["kites"]}'},
    ]
    assert (malformed.lines, malformed.count) == (2, 0)


@pytest.mark.parametrize(
    ("field", "published", "stored"),
    [
        ("price", 19.5, "19.5"),
        ("price", 20.0, "20.0"),
        ("price", 20, "20"),
        ("price", 0.01, "0.01"),
        ("price", "from 14.99", "from 14.99"),
        ("price", "—", "—"),
        ("price", "None", "None"),
        ("price", None, None),
        ("details", '{"a": 1}', '{"a": 1}'),
        ("details", {}, "{}"),
        ("details", {"b": 1.0, "a": [True, None]}, '{"b": 1.0, "a": [true, null]}'),
        ("details", None, None),
        ("author", "A. Flyer", "A. Flyer"),
        ("bought_together", ["B00KITE001"], '["B00KITE001"]'),
        ("features", "Light", ["Light"]),
        ("features", ["Light", None], ["Light", None]),
        ("description", None, None),
        ("categories", [], []),
        ("average_rating", 4, 4.0),
        ("average_rating", "4.5", 4.5),
        ("average_rating", None, None),
        ("rating_number", "12", 12),
        ("rating_number", 12.0, 12),
        ("images", [], []),
        ("images", None, None),
        (
            "images",
            [{"thumb": "t", "alt": 1}, None],
            [{"thumb": "t", "large": None, "variant": None, "hi_res": None}, None],
        ),
        (
            "images",
            {"hi_res": [None, "h"], "large": ["l", "m"], "variant": ["MAIN", "PT01"]},
            [
                {"thumb": None, "large": "l", "variant": "MAIN", "hi_res": None},
                {"thumb": None, "large": "m", "variant": "PT01", "hi_res": "h"},
            ],
        ),
        ("videos", {"title": [], "url": [], "user_id": []}, []),
    ],
)
def test_forms_that_vary_are_read(tmp_path: Path, field: str, published: Any, stored: Any) -> None:
    rows, malformed = read_lines(tmp_path, json_line(), json_line(**{field: published}))
    assert rows == [STORED, STORED | {field: stored}]
    assert malformed.count == 0


def test_fields_may_be_missing_in_a_record(tmp_path: Path) -> None:
    rows, _ = read_lines(tmp_path, json_line(), b'{"parent_asin": "B00KITE001"}')
    assert rows[1] == dict.fromkeys(STORED) | {"parent_asin": "B00KITE001"}


def test_half_a_surrogate_pair_is_replaced(tmp_path: Path) -> None:
    line = json_line(title="@", details={"@": "@"}).replace(b"@", rb"a\ud83d")
    rows, _ = read_lines(tmp_path, line)
    assert rows == [STORED | {"title": "a\ufffd", "details": '{"a\ufffd": "a\ufffd"}'}]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (json_line()[:-1], "Expecting ',' delimiter at character "),
        (b'"text"', "not a JSON object"),
        (json_line(parent_asin=None), "no parent_asin"),
        (json_line(parent_asin=5), "parent_asin is 5, not a text"),
        (json_line(title=["Box kite"]), "title is ['Box kite'], not a text"),
        (json_line(price=[1]), "price is [1], not a price"),
        (json_line(price=True), "price is True, not a price"),
        (json_line(average_rating="good"), "average_rating is 'good', not a number"),
        (json_line(average_rating="nan"), "average_rating is nan, not a number"),
        (json_line(average_rating=False), "average_rating is False, not a number"),
        (json_line(rating_number=1.5), "rating_number is 1.5, not a whole number"),
        (json_line(rating_number=10**30), f"rating_number is {10**30}, not a whole number"),
        (json_line(features=[1]), "features.0 is 1, not a text"),
        (json_line(categories={"a": 1}), "categories is {'a': 1}, not a list"),
        (json_line(images=""), "images is '', not a list"),
        (json_line(images=["i.jpg"]), "images.0 is 'i.jpg', not an object"),
        (json_line(images=[{"thumb": 5}]), "images.0.thumb is 5, not a text"),
        (json_line(videos={"url": "v"}), "videos is {'url': 'v'}, not a list"),
    ],
)
def test_a_broken_line_is_left_out_and_noted(tmp_path: Path, broken: bytes, reason: str) -> None:
    good = [json_line(title=f"{number}") for number in range(5)]
    rows, malformed = read_lines(tmp_path, *good[:3], broken, *good[3:])
    assert [row["title"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert (malformed.lines, malformed.count) == (6, 1)
    assert malformed.examples[0].startswith(f"{NAME}, line 4: {reason}")


def test_a_gzipped_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "meta_Kites.jsonl.gz"
    path.write_bytes(gzip.compress(json_line()))
    assert read(path)[0] == [STORED]


def test_a_nested_key_is_no_column(tmp_path: Path) -> None:
    record = {key: PRODUCT[key] for key in PRODUCT if key != "title"}
    with pytest.raises(InputError, match=rf"^{NAME} lacks the column title: "):
        read_lines(tmp_path, json.dumps(record).encode())


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^{NAME} is empty: "):
        read_lines(tmp_path)


# The hub's Parquet shards


def write_parquet(path: Path, records: list[dict[str, Any]]) -> Path:
    """Writes records in the form in which the hub's old script wrote them."""
    forms: dict[str, Callable[[Any], Any]] = {
        "price": str,
        "details": json.dumps,
        "images": lambda images: _lists(images, ["hi_res", "large", "thumb", "variant"]),
        "videos": lambda videos: _lists(videos, ["title", "url", "user_id"]),
    }
    rows = [{key: forms.get(key, lambda x: x)(row[key]) for key in row} for row in records]
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    return path


def _lists(items: list[dict[str, str]], keys: list[str]) -> dict[str, list[str]]:
    return {key: [item[key] for item in items] for key in keys}


def test_the_hubs_parquet_gives_the_same_as_its_lines(tmp_path: Path) -> None:
    records = [PRODUCT | {"parent_asin": f"B{number}"} for number in range(5)]
    records[3] |= {"price": None, "images": [], "details": {}}
    expected = [STORED | {"parent_asin": f"B{number}"} for number in range(5)]
    expected[3] |= {"price": "None", "images": [], "details": "{}"}
    for row in expected:
        row["details"] = json.dumps(json.loads(row["details"]))
    rows, malformed = read(write_parquet(tmp_path / "full-0.parquet", records), SHARD)
    assert rows == expected
    assert (malformed.lines, malformed.count) == (5, 0)


def test_a_field_without_a_column_is_noted(tmp_path: Path) -> None:
    lines = [json_line(), b"{broken", json_line(size=1, colour="red")]
    assert read_lines(tmp_path, *lines)[1].unknown_fields == ["colour", "size"]
    path = write_parquet(tmp_path / "full-0.parquet", [PRODUCT | {"colour": "red"}])
    assert read(path, SHARD)[1].unknown_fields == ["colour"]


def test_a_broken_row_of_parquet_is_noted(tmp_path: Path) -> None:
    records = [PRODUCT, PRODUCT | {"parent_asin": None}, PRODUCT]
    rows, malformed = read(write_parquet(tmp_path / "full-0.parquet", records), SHARD)
    assert len(rows) == 2
    assert malformed.examples == [f"{SHARD}, row 2: no parent_asin"]


def test_text_that_is_not_utf_8_is_a_broken_row_of_parquet(tmp_path: Path) -> None:
    records = [PRODUCT | {"parent_asin": f"B{number}"} for number in range(5)]
    path = write_parquet(tmp_path / "full-0.parquet", records)
    table = pq.read_table(path)
    titles = pa.array([b"fine", b"bad \xff", b"Zo\xc3\xab", b"\xc3", b"fine"])
    place = table.column_names.index("title")
    # As a writer does that does not look: the type says text.
    texts = pa.Array.from_buffers(pa.string(), 5, titles.buffers())
    pq.write_table(table.set_column(place, "title", texts), path)
    rows, malformed = read(path, SHARD)
    assert [row["parent_asin"] for row in rows] == ["B0", "B2", "B4"]
    assert rows[1]["title"] == "Zoë"
    assert (malformed.lines, malformed.count) == (5, 2)
    assert [example.partition(": ")[0] for example in malformed.examples] == [
        f"{SHARD}, row 2",
        f"{SHARD}, row 4",
    ]
    assert "'utf-8' codec can't decode byte 0xff" in malformed.examples[0]


def test_parquet_without_a_column_is_refused(tmp_path: Path) -> None:
    record = {key: PRODUCT[key] for key in PRODUCT if key not in ("price", "parent_asin")}
    path = write_parquet(tmp_path / "full-0.parquet", [record])
    with pytest.raises(InputError, match=rf"^{SHARD} lacks the column price, parent_asin: "):
        read(path, SHARD)


def test_parquet_without_rows_is_empty(tmp_path: Path) -> None:
    pq.write_table(RAW_METADATA.arrow_schema.empty_table(), tmp_path / "full-0.parquet")
    with pytest.raises(InputError, match=rf"^{SHARD} is empty: "):
        read(tmp_path / "full-0.parquet", SHARD)


@pytest.mark.parametrize("damage", ["no Parquet", "cut short", "damaged inside"])
def test_a_broken_parquet_file_is_refused(tmp_path: Path, damage: str) -> None:
    path = write_parquet(tmp_path / "full-0.parquet", [PRODUCT] * 3)
    content = path.read_bytes()
    broken = {
        "no Parquet": b"<html>",
        "cut short": content[:-20],
        "damaged inside": content[:4] + b"\xff" * 400 + content[404:],
    }
    path.write_bytes(broken[damage])
    with pytest.raises(InputError, match=rf"^{SHARD} is no readable Parquet file"):
        read(path, SHARD)
