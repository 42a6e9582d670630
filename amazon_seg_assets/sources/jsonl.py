"""Reads JSON Lines in blocks of whole lines, in bounded memory.

What the lines hold is the business of the readers of reviews and products.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedIOBase, BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from pydantic_core import from_json

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.malformed import MalformedLines

BLOCK_BYTES = 16 * 1024**2
LONGEST_LINE = 64 * 1024**2
"""In bytes. Whatever is longer is no JSON Lines, and would fill the memory."""

# A larger file would push out of the system's cache what is read next, and to make room for it page
# by page takes a tenth of the time.
_LARGE_FILE_BYTES = 1024**3
_RECORDS_LOOKED_AT = 1000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP_MAGIC = b"\x1f\x8b"
_SURROGATE = re.compile("[\ud800-\udfff]")
_BROKEN = (ValueError, TypeError, OverflowError, RecursionError, pa.ArrowException)

T = TypeVar("T")


@dataclass(frozen=True)
class Block:
    """Whole lines of a file.

    Attributes:
        data: the lines, with their ends.
        offset: of the first line in the file, in bytes; uncompressed where it is gzipped.
        first_line: number of the first line, from 1 at the start of what is read.
        line_ends: how many lines end in it; all but the last of a file that ends without one.
        read_share: share of the file's bytes that have been read with it, from the start of what is
            read; about.
    """

    data: bytes
    offset: int
    first_line: int
    line_ends: int
    read_share: float

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Number and content of each line that is not blank, without space around it."""
        for number, line in enumerate(self.data.split(b"\n"), self.first_line):
            if stripped := line.strip():
                yield number, stripped


def read_blocks(
    path: Path,
    name: str,
    start: int = 0,
    end: int = sys.maxsize,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Block]:
    """Reads a plain or gzipped file, or a range of it, in blocks of whole lines.

    Ranges that follow one another give each line once, so several processes can share a file.

    Args:
        path: the file; whether it is gzipped is seen from its content.
        name: of the file, for messages.
        start: first byte of the range; a line belongs to the range in which it begins.
        end: byte after the last one of the range.
        block_bytes: size of a block, but for the rest of its last line.

    Raises:
        InputError: the file cannot be read, is cut short, or is not made of lines.
    """
    with _explaining(name), path.open("rb") as raw:
        file: BufferedIOBase = gzip.GzipFile(fileobj=raw) if _is_gzip(raw) else raw
        size = path.stat().st_size
        first_line, seen = 1, start
        for data, offset in _chunks(file, name, start, end, block_bytes):
            if size >= _LARGE_FILE_BYTES:
                seen = _leave_cache(raw, seen)
            line_ends = data.count(b"\n")
            yield Block(data, offset, first_line, line_ends, (raw.tell() - start) / size)
            first_line += line_ends


def _leave_cache(raw: BufferedReader, since: int) -> int:
    """Takes what has been read since a place out of the system's cache of files; returns where."""
    here = raw.tell()
    if hasattr(os, "posix_fadvise"):  # not on macOS
        os.posix_fadvise(raw.fileno(), since, here - since, os.POSIX_FADV_DONTNEED)
    return here


def is_gzipped(path: Path, name: str) -> bool:
    """Whether a file is gzipped, so that ranges of it cannot be read alone.

    Raises:
        InputError: the file cannot be read.
    """
    with _explaining(name), path.open("rb") as raw:
        return _is_gzip(raw)


def _is_gzip(raw: BufferedReader) -> bool:
    return raw.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)


@contextmanager
def _explaining(name: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{name} is cut short or damaged ({error}): download or compress it again."
        ) from error
    except OSError as error:
        raise InputError(
            f"{name} cannot be read ({error.strerror or error}): check that it is a file that you "
            "may read."
        ) from error


def _chunks(
    file: BufferedIOBase, name: str, start: int, end: int, block_bytes: int
) -> Iterator[tuple[bytes, int]]:
    offset = start
    if start:
        # From the byte before: a line that begins exactly at `start` is in the range.
        file.seek(start - 1)
        offset += len(_rest_of_line(file, name)) - 1
    while offset < end:
        # One byte less, so that the rest of the line never is a line that begins at the end.
        data = file.read(min(block_bytes, end - offset) - 1)
        data += _rest_of_line(file, name)
        if not data:
            return
        yield data if offset else data.removeprefix(_BYTE_ORDER_MARK), offset
        offset += len(data)


def _rest_of_line(file: BufferedIOBase, name: str) -> bytes:
    rest = file.readline(LONGEST_LINE)
    if len(rest) == LONGEST_LINE:
        raise InputError(
            f"{name} has a line of more than {LONGEST_LINE // 1024**2} MiB, which no JSON Lines "
            "file of this data set has: download it again, or choose another source."
        )
    return rest


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


def require_columns(block: Block, columns: Sequence[str], name: str) -> None:
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


def unknown_fields(block: Block, columns: Sequence[str]) -> list[str]:
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
