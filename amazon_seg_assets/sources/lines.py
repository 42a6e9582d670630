"""Parses lines as records and makes tables of them, without those that are broken.

What the records hold is the business of the readers of reviews and products.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa
from pydantic_core import from_json

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.blocks import Block
from amazon_seg_assets.sources.malformed import MalformedLines

_RECORDS_LOOKED_AT = 1000
_SURROGATE = re.compile("[\ud800-\udfff]")
_BROKEN = (ValueError, TypeError, OverflowError, RecursionError, pa.ArrowException)

T = TypeVar("T")


def parse_object(line: bytes) -> dict[str, Any]:
    """The object of one line.

    Half a surrogate pair, which UTF-8 cannot hold, becomes U+FFFD; of equal keys the last counts.

    Raises:
        ValueError: the line holds something else; says what.
    """
    try:
        record = from_json(line, allow_inf_nan=False)
    except ValueError:
        record = _parse_carefully(line)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record


def _parse_carefully(line: bytes) -> Any:
    """Slow, but repairs surrogates, and says what is wrong in words."""
    try:
        record = json.loads(line.decode(), parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise ValueError(f"{what} at character {error.colno}") from error
    return json.loads(_SURROGATE.sub("\ufffd", json.dumps(record, ensure_ascii=False)))


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def convert_lines(
    lines: Sequence[tuple[int, T]],
    convert: Callable[[list[T]], pa.Table],
    name: str,
    malformed: MalformedLines,
) -> pa.Table:
    """Converts lines together, without those that are broken.

    Broken ones are found by halving, so a few of them cost little.

    Args:
        lines: numbers and contents.
        convert: gives one row for each line, also for none; fails if any line is broken.
        name: of the file, for messages.
        malformed: counts the lines, and notes the broken ones.
    """
    malformed.lines += len(lines)
    return pa.concat_tables(_converted(lines, convert, name, malformed) or [convert([])])


def _converted(
    lines: Sequence[tuple[int, T]],
    convert: Callable[[list[T]], pa.Table],
    name: str,
    malformed: MalformedLines,
) -> list[pa.Table]:
    try:
        return [convert([line for _, line in lines])]
    except _BROKEN as error:
        if len(lines) == 1:
            malformed.add(name, lines[0][0], next(iter(str(error).splitlines()), "unreadable"))
            return []
    half = len(lines) // 2
    return [
        table
        for part in (lines[:half], lines[half:])
        for table in _converted(part, convert, name, malformed)
    ]


def convert_blocks(
    blocks: Iterable[Block],
    name: str,
    malformed: MalformedLines,
    required: Sequence[str],
    known: Sequence[str],
    convert: Callable[[Block], pa.Table],
) -> Iterator[pa.Table]:
    """Converts blocks of JSON Lines in turn; ends early where the file is hopeless.

    Args:
        blocks: of a file, or of a range of it, in order.
        name: of the file, for messages.
        malformed: gets the length of what is read and, at a file's start, its unknown fields.
        required: columns that some record of the file's first block must hold.
        known: all columns that a record may hold.
        convert: makes a table of a block, and counts its lines, all and broken ones.

    Yields:
        A table for each block.

    Raises:
        InputError: the file lacks a required column; or as `blocks` does.
    """
    for block in blocks:
        if block.offset == 0:
            _require_columns(block, required, name)
            malformed.unknown_fields = _unknown_fields(block, known)
        yield convert(block)
        malformed.length += block.line_ends
        if malformed.judge_so_far(block.read_share):
            return


def _require_columns(block: Block, columns: Sequence[str], name: str) -> None:
    """Checks that the first block of a file holds each column in some record.

    Raises:
        InputError: columns are missing; names them.
    """
    missing, is_any_record = dict.fromkeys(columns), False
    for _, line in block.lines():
        try:
            present = parse_object(line)
        except _BROKEN:
            continue
        is_any_record = True
        missing = {column: None for column in missing if column not in present}
        if not missing:
            return
    if is_any_record:
        raise lacking_columns(name, missing)


def _unknown_fields(block: Block, columns: Sequence[str]) -> list[str]:
    """The fields of a block's first records that are none of the columns, in order."""
    names: set[str] = set()
    for _, line in islice(block.lines(), _RECORDS_LOOKED_AT):
        with suppress(*_BROKEN):
            names |= parse_object(line).keys()
    return sorted(names.difference(columns))


def lacking_columns(name: str, missing: Iterable[str]) -> InputError:
    """The error for a file without columns that are needed."""
    return InputError(
        f"{name} lacks the column {', '.join(missing)}: it is not in the layout of Amazon Reviews "
        "2023; choose another file or source."
    )
