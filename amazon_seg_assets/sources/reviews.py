"""Reads review files into Arrow, and gives each review its content hash."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as paj
from xxhash import xxh3_128_hexdigest

from amazon_seg_assets.sources.jsonl import (
    Block,
    MalformedLines,
    parse_object,
    read_blocks,
    require_columns,
)
from amazon_seg_assets.tables.raw import RAW_REVIEWS

REVIEW_ID = "review_id"
_FIELDS = pa.schema([field for field in RAW_REVIEWS.arrow_schema if field.name != REVIEW_ID])
_REQUIRED = [name for name in _FIELDS.names if name != "images"]
_HASHED_TEXTS = ("title", "text", "asin", "parent_asin", "user_id")
_PARSE = paj.ParseOptions(
    explicit_schema=pa.schema([field.with_nullable(True) for field in _FIELDS]),
    unexpected_field_behavior="ignore",
)
_NULL = -1
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


def read_reviews(path: Path, name: str, malformed: MalformedLines) -> Iterator[pa.Table]:
    """Reads a file of reviews.

    Args:
        path: a plain or gzipped JSON Lines file.
        name: of the file, for messages.
        malformed: counts lines, and notes those that are no valid review.

    Yields:
        Tables in the schema of ``raw_reviews``.

    Raises:
        InputError: the file is empty, lacks a column, cannot be read, or has too many broken lines.
    """
    for block in read_blocks(path, name):
        if block.first_line == 1:
            require_columns(block, _REQUIRED, name)
        table = _parse(block, name, malformed)
        malformed.lines += table.num_rows
        yield with_review_id(table)
    malformed.lines += malformed.count
    malformed.check(name)


def _parse(block: Block, name: str, malformed: MalformedLines) -> pa.Table:
    try:
        options = paj.ReadOptions(block_size=len(block.data) + 1)
        table = paj.read_json(io.BytesIO(block.data), options, _PARSE)
    except pa.ArrowInvalid:
        return _parse_lines(block, name, malformed)
    if table["timestamp"].null_count:
        return _parse_lines(block, name, malformed)
    return table.select(_FIELDS.names).cast(_FIELDS)


def _parse_lines(block: Block, name: str, malformed: MalformedLines) -> pa.Table:
    """Slow, but knows which line is broken."""
    records = []
    for number, line in block.lines():
        try:
            records.append(_record(line))
        except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
            malformed.add(name, number, _reason(error))
    return pa.Table.from_pylist(records, schema=_FIELDS)


def _record(line: bytes) -> dict[str, Any]:
    # A lone surrogate cannot be stored as UTF-8.
    record = parse_object(line)
    text = json.dumps(record, ensure_ascii=False)
    record = json.loads(text.encode("utf-8", "replace"))
    if record.get("timestamp") is None:
        raise ValueError("no timestamp")
    for field in _FIELDS:
        _check_type(field, record.get(field.name))
    return {name: record.get(name) for name in _FIELDS.names}


def _check_type(field: pa.Field, value: Any) -> None:
    wrong_bool = isinstance(value, bool) and not pa.types.is_boolean(field.type)
    try:
        if wrong_bool:
            raise TypeError
        pa.scalar(value, field.type)
    except (TypeError, OverflowError, pa.ArrowException) as error:
        raise ValueError(f"{field.name} is {value!r:.40}, not a {field.type}") from error


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0]


def with_review_id(table: pa.Table) -> pa.Table:
    """Adds the content hash of each review, over all fields but ``images``.

    The hash is XXH3-128, in hexadecimal, of: rating as IEEE double, timestamp and helpful_vote as
    64-bit integers, verified_purchase as a byte, a byte with a bit for each of these four that is
    null (and 0 in its place), the lengths in bytes of title, text, asin, parent_asin and user_id
    as 32-bit integers (-1 for null), and then these five texts in UTF-8. All are little-endian.
    """
    table = table.combine_chunks()
    parts = [_fixed_part(table), *(_binary(table[name]) for name in _HASHED_TEXTS)]
    joined = pc.binary_join_element_wise(*parts, b"", null_handling="replace", null_replacement=b"")
    chunks = joined.chunks if isinstance(joined, pa.ChunkedArray) else [joined]
    ids = [digest for chunk in chunks for digest in _digests(chunk)]
    return table.append_column(
        RAW_REVIEWS.arrow_schema.field(REVIEW_ID), pa.array(ids, pa.string())
    )


def _binary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.binary())


def _fixed_part(table: pa.Table) -> pa.Array:
    packed = np.zeros(table.num_rows, _HASHED_FIXED)
    for bit, name in enumerate(("rating", "timestamp", "helpful_vote", "verified_purchase")):
        column = table[name]
        filled = pc.fill_null(column, pa.scalar(0).cast(column.type))
        packed[name] = filled.to_numpy() + 0  # turns -0.0 into 0.0
        packed["is_null"] |= (pc.is_null(column).to_numpy() << bit).astype("u1")
    for name in _HASHED_TEXTS:
        lengths = pc.fill_null(pc.binary_length(_binary(table[name])), _NULL)
        packed[f"{name}_bytes"] = lengths.to_numpy()
    width = _HASHED_FIXED.itemsize
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(packed), [None, pa.py_buffer(packed)]
    )
    return fixed.cast(pa.binary())


def _digests(canonical: pa.Array) -> Iterator[str]:
    _, offset_buffer, data = canonical.buffers()
    dtype = np.int64 if pa.types.is_large_binary(canonical.type) else np.int32
    start = canonical.offset
    offsets = np.frombuffer(offset_buffer, dtype)[start : start + len(canonical) + 1].tolist()
    view = memoryview(data)
    for begin, end in pairwise(offsets):
        yield xxh3_128_hexdigest(view[begin:end])
