"""Reads files in blocks of whole lines, in bounded memory."""

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, BufferedReader
from pathlib import Path

from amazon_seg_assets.errors import InputError

BLOCK_BYTES = 16 * 1024**2
LONGEST_LINE = 64 * 1024**2
"""In bytes. Whatever is longer is no JSON Lines, and would fill the memory."""

# A larger file would push out of the system's cache what is read next, and to make room for it page
# by page takes a tenth of the time.
_LARGE_FILE_BYTES = 1024**3
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Part:
    """A raw file, or a range of its bytes.

    Attributes:
        path: of the file on this machine; its content tells whether it is gzipped.
        name: of the file within the hub's layout, for messages.
        number: of the part within the file, from 0.
        start: first byte.
        end: byte after the last one.
    """

    path: Path
    name: str
    number: int = 0
    start: int = 0
    end: int = sys.maxsize


@dataclass(frozen=True)
class Block:
    """Whole lines of a part of a file.

    Attributes:
        data: the lines, with their ends.
        offset: of the first line in the file, in bytes; uncompressed where it is gzipped.
        first_line: its number, from 1 at the start of the part.
        line_ends: lines that end in it; the last of a file may not.
        read_share: about the share of the file that has been read since the start of the part.
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


def read_blocks(part: Part, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Reads a part of a plain or gzipped file in blocks of whole lines.

    A line belongs to the part in which it begins, so several processes can share a file. A block
    is as large as ``block_bytes``, but for the rest of its last line.

    Raises:
        InputError: the file cannot be read, is cut short, or is not made of lines.
    """
    with _explaining(part.name), part.path.open("rb") as raw:
        file: BufferedIOBase = gzip.GzipFile(fileobj=raw) if _is_gzip(raw) else raw
        size = part.path.stat().st_size
        first_line, seen = 1, part.start
        for data, offset in _chunks(file, part, block_bytes):
            if size >= _LARGE_FILE_BYTES:
                seen = _leave_cache(raw, seen)
            line_ends = data.count(b"\n")
            yield Block(data, offset, first_line, line_ends, (raw.tell() - part.start) / size)
            first_line += line_ends


def _leave_cache(raw: BufferedReader, since: int) -> int:
    """Takes what has been read since a place out of the system's cache of files; returns where."""
    here = raw.tell()
    if hasattr(os, "posix_fadvise"):  # not on macOS
        os.posix_fadvise(raw.fileno(), since, here - since, os.POSIX_FADV_DONTNEED)
    return here


def is_gzipped(path: Path, name: str) -> bool:
    """Tells whether a file is gzipped, so ranges cannot be read alone; errors as `read_blocks`."""
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


def _chunks(file: BufferedIOBase, part: Part, block_bytes: int) -> Iterator[tuple[bytes, int]]:
    offset = part.start
    if offset:
        # From the byte before: a line that begins exactly at the start is in the part.
        file.seek(offset - 1)
        offset += len(_rest_of_line(file, part.name)) - 1
    while offset < part.end:
        # One byte less, so that the rest of the line never is a line that begins at the end.
        data = file.read(min(block_bytes, part.end - offset) - 1)
        data += _rest_of_line(file, part.name)
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
