"""Reads product files into Arrow: JSON Lines, or the hub's Parquet shards.

Free-form fields vary from row to row; what has no fixed form is kept as text.
"""

import json
from collections.abc import Iterator
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import PydanticCustomError

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.stages.raw.blocks import Block, Part, read_blocks
from amazon_seg_assets.stages.raw.lines import (
    Forms,
    Record,
    convert_blocks,
    judge_columns,
    parse_object,
    read_records,
    record_type,
    validate,
)
from amazon_seg_assets.stages.raw.malformed import MalformedLines
from amazon_seg_assets.stages.raw.tables import RAW_METADATA

SCHEMA = RAW_METADATA.arrow_schema
_REQUIRED = ["main_category", "title", "price", "parent_asin"]
# Parsed products take many times their size in the file.
_BLOCK_BYTES = 4 * 1024**2
_BATCH_ROWS = 4_096

_encode = json.JSONEncoder(ensure_ascii=False).encode


def _price(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PydanticCustomError("price", "a price")
    return str(value)


def _json_text(value: Any) -> str:
    return value if isinstance(value, str) else _encode(value)


def _number(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _rows(value: Any, keys: list[str]) -> Any:
    """A list of objects, made of the form of the hub's Parquet: an object of lists."""
    if not isinstance(value, dict):
        return value
    columns = [value.get(key) or [] for key in keys]
    if not all(isinstance(column, list) for column in columns):
        return value
    return [dict(zip(keys, row, strict=True)) for row in zip_longest(*columns)]


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_FORMS: Forms = {
    "price": _price,
    **dict.fromkeys(("average_rating", "rating_number"), _number),
    **dict.fromkeys(("features", "description", "categories"), _texts),
    **dict.fromkeys(("details", "author", "bought_together"), _json_text),
    **{
        name: partial(_rows, keys=[each.name for each in SCHEMA.field(name).type.value_type])
        for name in ("images", "videos")
    },
}
_PRODUCT = record_type(SCHEMA, "parent_asin", _FORMS)


def read_metadata(part: Part, malformed: MalformedLines) -> Iterator[pa.Table]:
    """Reads products from JSON Lines, gzipped or not, or from a Parquet file, always whole.

    Ends early where there are too many errors.

    A price is kept as text as it was published, a number in its shortest form; so are the free
    fields ``details``, ``author`` and ``bought_together``: text as it is, else as JSON. Numbers may
    come as text, a list of texts as a single text, ``images`` and ``videos`` as objects of lists,
    as in the hub's Parquet. Any field but ``parent_asin`` may be null or missing in a record.

    Yields:
        Tables in the schema of ``raw_metadata``; ``malformed`` notes lines that are no valid
        product, for the caller to judge.

    Raises:
        InputError: the file lacks a column or cannot be read.
    """
    if part.path.suffix == ".parquet":
        return _read_parquet(part.path, malformed)
    blocks = read_blocks(part, _BLOCK_BYTES)
    return convert_blocks(blocks, _parse_products, malformed, _REQUIRED, SCHEMA.names)


def _read_parquet(path: Path, malformed: MalformedLines) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            present = set(file.schema_arrow.names)
            judge_columns(present, malformed, _REQUIRED, SCHEMA.names)
            columns = [column for column in SCHEMA.names if column in present]
            for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
                yield pa.Table.from_pylist(_records(batch, malformed), SCHEMA)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{malformed.name} is no readable Parquet file ({str(error).splitlines()[0]}): "
            "download it again."
        ) from error


def _records(batch: pa.RecordBatch, malformed: MalformedLines) -> list[Record]:
    first = malformed.lines + 1
    try:
        rows = batch.to_pylist()
    except UnicodeDecodeError:  # some text is not UTF-8: row by row, to leave out only its own
        numbers = enumerate(range(batch.num_rows), first)
        return read_records(numbers, partial(_row, batch), malformed)
    return read_records(enumerate(rows, first), partial(validate, _PRODUCT), malformed)


def _row(batch: pa.RecordBatch, number: int) -> Record:
    return validate(_PRODUCT, batch.slice(number, 1).to_pylist()[0])


def _parse_products(block: Block, malformed: MalformedLines) -> pa.Table:
    def read(line: bytes) -> Record:
        return validate(_PRODUCT, parse_object(line))

    return pa.Table.from_pylist(read_records(block.lines(), read, malformed), SCHEMA)
