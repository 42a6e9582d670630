"""Reads review files into Arrow, and gives each review its content hash."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as paj
from pydantic_core import PydanticCustomError
from xxhash import xxh3_128_digest

from amazon_seg_assets.stages.raw.blocks import Block, Part, read_blocks
from amazon_seg_assets.stages.raw.lines import (
    Record,
    convert_blocks,
    parse_object,
    read_records,
    record_type,
    validate,
)
from amazon_seg_assets.stages.raw.malformed import MalformedLines
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS

REVIEW_ID = "review_id"
_FIELDS = pa.schema([field for field in RAW_REVIEWS.arrow_schema if field.name != REVIEW_ID])
_REQUIRED = [name for name in _FIELDS.names if name != "images"]
_PARSE = paj.ParseOptions(
    explicit_schema=pa.schema([field.with_nullable(True) for field in _FIELDS]),
    unexpected_field_behavior="ignore",
)
# Milliseconds of the years 1 to 9999, which month folders can name.
_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999
_HASHED_TEXTS = ("title", "text", "asin", "parent_asin", "user_id")
_NULL = -1
_DIGEST_CHARACTERS = 32
_HASHED_FIXED = np.dtype(
    [
        ("rating", "<f8"),
        ("timestamp", "<i8"),
        ("helpful_vote", "<i8"),
        ("verified_purchase", "i1"),
        ("is_null", "u1"),
        *((f"{name}_bytes", "<i4") for name in _HASHED_TEXTS),
    ]
)


def _time(value: Any) -> Any:
    if isinstance(value, int | float) and not _EARLIEST <= value <= _LATEST:
        raise PydanticCustomError("time", "a time in milliseconds")
    return value


_REVIEW = record_type(_FIELDS, "timestamp", {"timestamp": _time})


def read_reviews(part: Part, malformed: MalformedLines) -> Iterator[pa.Table]:
    """Reads reviews from JSON Lines, gzipped or not; ends early where there are too many errors.

    Yields:
        Tables in the schema of ``raw_reviews``, one for each block; ``malformed`` notes lines that
        are no valid review, for the caller to judge.

    Raises:
        InputError: the file lacks a column or cannot be read.
    """
    return convert_blocks(read_blocks(part), parse_reviews, malformed, _REQUIRED, _FIELDS.names)


def parse_reviews(block: Block, malformed: MalformedLines) -> pa.Table:
    """The reviews of one block, in the schema of ``raw_reviews``.

    A record is valid if each field that it has is of its type or null, and its timestamp, which it
    must have, lies in the years 1 to 9999. Unknown fields are ignored.
    """
    table = _parsed_together(block.data.strip())
    if table is None:  # blank lines, or broken ones
        lines = list(block.lines())
        table = _parsed_together(b"\n".join(line for _, line in lines))
        if table is None:
            records = read_records(lines, _parse_alone, malformed)
            return with_review_id(pa.Table.from_pylist(records, _FIELDS))
    malformed.lines += table.num_rows
    return with_review_id(table)


def _parsed_together(data: bytes) -> pa.Table | None:
    try:
        return _checked(_parse_together(data))
    except (ValueError, pa.ArrowException):
        return None


def _parse_together(data: bytes) -> pa.Table:
    """Parses lines fast; refuses some unusual ones that are valid.

    Arrow does not mind two objects on a line or one on two lines, hence the looks at the ends of
    the lines and at the number of rows. Nor does it mind what is no UTF-8.
    """
    characters = np.frombuffer(data, np.uint8)
    line_ends = np.flatnonzero(characters == ord("\n"))
    starts, ends = characters[line_ends + 1], characters[line_ends - 1]
    are_objects = (starts == ord("{")).all() and (ends == ord("}")).all()
    if not (are_objects and data.startswith(b"{") and data.endswith(b"}")):
        raise ValueError("not a JSON object")
    if not data.isascii():
        data.decode()
    # Arrow's threads do not help within one block.
    options = paj.ReadOptions(block_size=len(data) + 1, use_threads=False)
    table = paj.read_json(pa.BufferReader(data), options, _PARSE)
    if table.num_rows != len(line_ends) + 1:
        raise ValueError("not one JSON object")
    return table


def _parse_alone(line: bytes) -> Record:
    """Parses slowly what `_parse_together` refuses, and says what is wrong with a broken line."""
    try:
        return validate(_REVIEW, parse_object(line))
    except (ValueError, RecursionError):
        # What it takes of unknown fields, such as NaN, must not depend on the lines around.
        if (table := _parsed_together(line)) is None:
            raise
        return table.to_pylist()[0]


def _checked(table: pa.Table) -> pa.Table:
    """The table in its stored form; fails if a value is not as it must be."""
    timestamp = table["timestamp"]
    if timestamp.null_count:
        raise ValueError("no timestamp")
    earliest, latest = pc.min_max(timestamp).as_py().values()
    if earliest < _EARLIEST or latest > _LATEST:
        raise ValueError("no time in milliseconds")
    if pc.any(pc.invert(pc.is_finite(table["rating"]))).as_py():
        raise ValueError("not finite")
    return table.select(_FIELDS.names).cast(_FIELDS)


def with_review_id(table: pa.Table) -> pa.Table:
    """Adds the content hash of each review, over all fields but ``images``.

    The hash is XXH3-128, in hexadecimal, of: rating as IEEE double, timestamp and helpful_vote as
    64-bit integers, verified_purchase as a byte, a byte with a bit for each of these four that is
    null (and 0 in its place), the lengths in bytes of title, text, asin, parent_asin and user_id
    as 32-bit integers (-1 for null), and then these five texts in UTF-8. All are little-endian.
    """
    table = table.combine_chunks()
    parts = [_fixed_part(table), *(table[name].cast(pa.binary()) for name in _HASHED_TEXTS)]
    joined = pc.binary_join_element_wise(*parts, b"", null_handling="replace", null_replacement=b"")
    digests = b"".join(map(xxh3_128_digest, joined.to_pylist()))
    ids = _cut(digests.hex().encode(), _DIGEST_CHARACTERS).cast(pa.string())
    return table.append_column(RAW_REVIEWS.arrow_schema.field(REVIEW_ID), ids)


def _fixed_part(table: pa.Table) -> pa.Array:
    packed = np.zeros(table.num_rows, _HASHED_FIXED)
    for bit, name in enumerate(("rating", "timestamp", "helpful_vote", "verified_purchase")):
        column = table[name]
        filled = pc.fill_null(column, pa.scalar(0).cast(column.type))
        packed[name] = filled.to_numpy() + 0  # turns -0.0 into 0.0
        packed["is_null"] |= (pc.is_null(column).to_numpy() << bit).astype("u1")
    for name in _HASHED_TEXTS:
        lengths = pc.fill_null(pc.binary_length(table[name]), _NULL)
        packed[f"{name}_bytes"] = lengths.to_numpy()
    return _cut(packed, _HASHED_FIXED.itemsize)


def _cut(data: bytes | np.ndarray, width: int) -> pa.Array:
    """Cuts data into values of some bytes each."""
    buffer = pa.py_buffer(data)
    count = buffer.size // width
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), count, [None, buffer])
    return fixed.cast(pa.binary())
