"""Reads product files into Arrow: JSON Lines, or the hub's Parquet shards.

Free-form fields vary from row to row; what has no fixed form is kept as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.jsonl import (
    MalformedLines,
    parse_object,
    read_blocks,
    require_columns,
)
from amazon_seg_assets.tables.raw import RAW_METADATA

SCHEMA = RAW_METADATA.arrow_schema
_REQUIRED = ["main_category", "title", "price", "parent_asin"]
_BATCH_ROWS = 4_096


def read_metadata(path: Path, name: str, malformed: MalformedLines) -> Iterator[pa.Table]:
    """Reads a file of products.

    Args:
        path: a plain or gzipped JSON Lines file, or a Parquet file.
        name: of the file, for messages.
        malformed: counts lines, and notes those that are no valid product.

    Yields:
        Tables in the schema of ``raw_metadata``.

    Raises:
        InputError: the file is empty, lacks a column, cannot be read, or has too many broken lines.
    """
    batches = _parquet_rows(path, name) if path.suffix == ".parquet" else _lines(path, name)
    for batch in batches:
        products = []
        for number, parse in batch:
            malformed.lines += 1
            try:
                products.append(_product(parse()))
            except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
                malformed.add(name, number, str(error).splitlines()[0])
        yield pa.Table.from_pylist(products, schema=SCHEMA)
    malformed.check(name)


_NumberedRecords = list[tuple[int, Callable[[], dict[str, Any]]]]


def _lines(path: Path, name: str) -> Iterator[_NumberedRecords]:
    for block in read_blocks(path, name):
        if block.first_line == 1:
            require_columns(block, _REQUIRED, name)
        yield [(number, lambda line=line: parse_object(line)) for number, line in block.lines()]


def _parquet_rows(path: Path, name: str) -> Iterator[_NumberedRecords]:
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{name} is no readable Parquet file: download it again.") from error
    missing = [column for column in _REQUIRED if column not in file.schema_arrow.names]
    if missing:
        raise InputError(f"{name} lacks the column {', '.join(missing)}: choose another source.")
    number = 1
    for batch in file.iter_batches(_BATCH_ROWS):
        rows = batch.to_pylist()
        yield [(number + i, lambda row=row: row) for i, row in enumerate(rows)]
        number += len(rows)


def _product(record: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(record.get("parent_asin"), str):
        raise ValueError("no parent_asin")
    product = {}
    for field in SCHEMA:
        value = record.get(field.name)
        try:
            product[field.name] = None if value is None else _CONVERT[field.name](value)
            pa.scalar(product[field.name], field.type)
        except (ValueError, TypeError, OverflowError, AttributeError, pa.ArrowException) as error:
            raise ValueError(f"{field.name} is {value!r:.40}, not a {field.type}") from error
    return product


def _text(value: Any) -> str:
    """Text as it is, anything else as JSON; what cannot be stored as UTF-8 is replaced."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()


def _texts(value: Any) -> list[str | None]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise TypeError
    return [None if item is None else _text(item) for item in items]


def _integer(value: Any) -> int:
    number = float(value)
    if isinstance(value, bool) or number != int(number):
        raise TypeError
    return int(number)


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _structs(keys: Iterable[str]) -> Callable[[Any], list[dict[str, str | None]]]:
    """Reads a list of objects, or the hub's Parquet form: one object of lists."""
    names = list(keys)

    def convert(value: Any) -> list[dict[str, str | None]]:
        if isinstance(value, dict):
            columns = [value.get(name) or [] for name in names]
            length = max(map(len, columns), default=0)
            padded = [[*column, *[None] * (length - len(column))] for column in columns]
            items: Any = [dict(zip(names, row, strict=True)) for row in zip(*padded, strict=True)]
        else:
            items = value
        if not isinstance(items, list):
            raise TypeError
        return [
            {name: None if item.get(name) is None else _text(item[name]) for name in names}
            for item in items
            if item is not None
        ]

    return convert


def _converter(field: pa.Field) -> Callable[[Any], Any]:
    if pa.types.is_list(field.type):
        items = field.type.value_type
        return _structs(f.name for f in items) if pa.types.is_struct(items) else _texts
    if pa.types.is_integer(field.type):
        return _integer
    return _float if pa.types.is_floating(field.type) else _text


_CONVERT = {field.name: _converter(field) for field in SCHEMA}
