"""Reads JSON Lines in blocks of whole lines, in bounded memory, and keeps count of broken lines."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from amazon_seg_assets.errors import InputError

BLOCK_BYTES = 16 * 1024**2
_EXAMPLES = 5
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Whole lines of a file; ``first_line`` is the number of the first, from 1."""

    data: bytes
    first_line: int

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Number and content of each line that is not blank."""
        for number, line in enumerate(self.data.split(b"\n"), self.first_line):
            if line.strip():
                yield number, line


@dataclass
class MalformedLines:
    """Counts the lines of a file, and those that are no valid record.

    Attributes:
        max_share: share of broken lines that is tolerated.
        lines: all lines but blank ones.
        count: broken lines.
        examples: the first broken lines, with their reasons.
    """

    max_share: float
    lines: int = 0
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, name: str, line: int, reason: str) -> None:
        """Notes a broken line."""
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{name}, line {line}: {reason}")

    def check(self, name: str) -> None:
        """Judges a file that has been read to its end.

        Raises:
            InputError: it holds no record, or too many broken lines.
        """
        if self.lines == 0:
            raise InputError(f"{name} is empty: download it again, or choose another source.")
        if self.count > self.max_share * self.lines or self.count == self.lines:
            raise InputError(
                f"{name}: {self.count:,} of {self.lines:,} lines ({self.count / self.lines:.2%}) "
                f"are no valid records, more than the {self.max_share:.2%} that is tolerated "
                f"({self.examples[0]}); repair the file or raise AMAZON_SEG_MAX_MALFORMED_SHARE."
            )


def read_blocks(path: Path, name: str, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Reads a plain or gzipped file in blocks of whole lines.

    Raises:
        InputError: the file cannot be read, or is cut short.
    """
    try:
        with _open(path) as file:
            yield from _blocks(file, block_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{name} is cut short or no gzip file ({error}): download it again."
        ) from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from error


def _open(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _blocks(file: IO[bytes], block_bytes: int) -> Iterator[Block]:
    first_line, rest = 1, b""
    while chunk := file.read(block_bytes):
        if first_line == 1 and not rest:
            chunk = chunk.removeprefix(_BYTE_ORDER_MARK)
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            rest += chunk
            continue
        data = rest + head + newline
        yield Block(data, first_line)
        first_line += data.count(b"\n")
        rest = tail
    if rest:
        yield Block(rest, first_line)


def parse_object(line: bytes) -> dict[str, Any]:
    """The object of one line.

    Raises:
        ValueError: the line holds something else; says what.
    """
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record


def require_columns(block: Block, columns: list[str], name: str) -> None:
    """Checks that some record of the first block has each column.

    Raises:
        InputError: a column is missing; names it.
    """
    missing = [column for column in columns if f'"{column}"'.encode() not in block.data]
    if missing and any(True for _ in block.lines()):
        raise InputError(
            f"{name} lacks the column {', '.join(missing)}: it is not in the layout of Amazon "
            "Reviews 2023; choose another file or source."
        )
