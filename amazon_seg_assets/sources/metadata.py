"""Reads product files into Arrow: JSON Lines, or the hub's Parquet shards.

Free-form fields vary from row to row; what has no fixed form is kept as text.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.blocks import Block, read_blocks
from amazon_seg_assets.sources.lines import (
    convert_blocks,
    convert_lines,
    lacking_columns,
    parse_object,
)
from amazon_seg_assets.sources.malformed import MalformedLines
from amazon_seg_assets.tables.raw import RAW_METADATA

SCHEMA = RAW_METADATA.arrow_schema
_REQUIRED = ["main_category", "title", "price", "parent_asin"]
_JSON_TEXTS = {"details", "author", "bought_together"}
# Parsed products take many times their size in the file.
_BLOCK_BYTES = 4 * 1024**2
_BATCH_ROWS = 4_096

_encode = json.JSONEncoder(ensure_ascii=False).encode

Record = dict[str, Any]


def read_metadata(
    path: Path, name: str, malformed: MalformedLines, start: int = 0, end: int = sys.maxsize
) -> Iterator[pa.Table]:
    """Reads a file of products, or a range of it; ends early where it is hopeless.

    A price is kept as text as it was published, a number in its shortest form; so are the free
    fields ``details``, ``author`` and ``bought_together``: text as it is, else as JSON. Numbers may
    come as text, a list of texts as a single text, ``images`` and ``videos`` as objects of lists,
    as in the hub's Parquet. Any field but ``parent_asin`` may be null or missing in a record.

    Args:
        path: a plain or gzipped JSON Lines file, or a Parquet file.
        name: of the file, for messages.
        malformed: counts lines, and notes those that are no valid product; to be judged by the
            caller, once all ranges are read.
        start: first byte of the range; a Parquet file is always read whole.
        end: byte after the last one of the range.

    Yields:
        Tables in the schema of ``raw_metadata``.

    Raises:
        InputError: the file lacks a column or cannot be read.
    """
    if path.suffix == ".parquet":
        return _read_parquet(path, name, malformed)
    parse = partial(_parse_products, name=name, malformed=malformed)
    blocks = read_blocks(path, name, start, end, _BLOCK_BYTES)
    return convert_blocks(blocks, name, malformed, _REQUIRED, SCHEMA.names, parse)


def _read_parquet(path: Path, name: str, malformed: MalformedLines) -> Iterator[pa.Table]:
    number = 1
    for batch in _parquet_batches(path, name, malformed):
        rows = list(enumerate(batch.to_pylist(), number))
        yield convert_lines(rows, _to_table, name, malformed)
        number += len(rows)


def _parquet_batches(path: Path, name: str, malformed: MalformedLines) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as file:
            present = set(file.schema_arrow.names)
            if missing := [column for column in _REQUIRED if column not in present]:
                raise lacking_columns(name, missing)
            columns = [column for column in SCHEMA.names if column in present]
            malformed.unknown_fields = sorted(present.difference(columns))
            yield from file.iter_batches(_BATCH_ROWS, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{name} is no readable Parquet file ({str(error).splitlines()[0]}): download it again."
        ) from error


def _parse_products(block: Block, name: str, malformed: MalformedLines) -> pa.Table:
    return convert_lines(list(block.lines()), _parse, name, malformed)


def _parse(lines: list[bytes]) -> pa.Table:
    return _to_table([parse_object(line) for line in lines])


def _to_table(records: list[Record]) -> pa.Table:
    """One row a record; fails if any is broken, and names the column."""
    return pa.Table.from_arrays([_column(field, records) for field in SCHEMA], schema=SCHEMA)


def _column(field: pa.Field, records: list[Record]) -> pa.Array:
    name, convert = field.name, _CONVERT[field.name]
    try:
        values = [None if (v := record.get(name)) is None else convert(v) for record in records]
        column = pa.array(values, field.type)
    except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
        value = repr(records[0].get(name))
        raise ValueError(f"{name} is {value:.40}, not {_KINDS[name]}") from error
    if name == "parent_asin" and column.null_count:
        raise ValueError("no parent_asin")
    return column


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _json_text(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value)


def _price(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return str(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _whole_number(value: Any) -> int:
    if type(value) is int:
        return value
    number = _number(value)
    if not number.is_integer():
        raise ValueError
    return int(number)


def _texts(value: Any) -> list[str | None]:
    return [value] if isinstance(value, str) else _list(value)


def _objects(value: Any, keys: list[str]) -> list[Record | None]:
    """A list of objects, also from the form of the hub's Parquet: an object of lists."""
    if isinstance(value, dict):
        columns = [_list(value.get(key) or []) for key in keys]
        return [dict(zip(keys, row, strict=True)) for row in zip_longest(*columns)]
    if not all(item is None or isinstance(item, dict) for item in _list(value)):
        raise TypeError
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _converter(field: pa.Field) -> tuple[str, Callable[[Any], Any]]:
    """What values of a column are called, and how they are brought into its type."""
    if field.name == "price":
        return "a price", _price
    if field.name in _JSON_TEXTS:
        return "JSON", _json_text
    if pa.types.is_integer(field.type):
        return "a whole number", _whole_number
    if pa.types.is_floating(field.type):
        return "a number", _number
    if not pa.types.is_list(field.type):
        return "a text", _text
    items = field.type.value_type
    if pa.types.is_struct(items):
        return "a list of objects", partial(_objects, keys=[item.name for item in items])
    return "a list of texts", _texts


_KINDS = {field.name: _converter(field)[0] for field in SCHEMA}
_CONVERT = {field.name: _converter(field)[1] for field in SCHEMA}
