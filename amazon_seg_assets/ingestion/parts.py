"""Parts of raw files: what one process reads at a time, and the names of what becomes of it.

How a file is divided depends on its size alone, so it gives the same Parquet files whatever the
machine; and their names tell which raw file they came from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xxhash import xxh3_64_hexdigest

from amazon_seg_assets.locations import Location, copy_files, name_below
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.sources.blocks import is_gzipped
from amazon_seg_assets.storage.footers import parquet_files

# Of equal size, and powers of two as processors are. More parts could keep more processes busy, but
# each becomes a file in each month.
_COUNTS = (1, 2, 4, 8)
_LEAST_BYTES = 128 * 1024**2


@dataclass(frozen=True)
class Part:
    """A raw file, or a range of its bytes.

    Attributes:
        kind: what is in it.
        path: of the file on this machine.
        name: of the file within the hub's layout.
        number: of the part within the file, from 0.
        start: first byte.
        end: byte after the last one.
    """

    kind: Kind
    path: Path
    name: str
    number: int = 0
    start: int = 0
    end: int = sys.maxsize

    @property
    def parquet_name(self) -> str:
        """Name of the Parquet files that become of it, one in each month folder."""
        return f"{_file_id(self.name)}-{self.number}.zstd.parquet"


def divide(kind: Kind, path: Path, name: str) -> list[Part]:
    """Divides a file into parts of equal size, in order; a compressed one is one part.

    Raises:
        InputError: the file cannot be read.
    """
    if path.suffix == ".parquet" or is_gzipped(path, name):
        return [Part(kind, path, name)]
    size = path.stat().st_size
    count = max((each for each in _COUNTS if size >= each * _LEAST_BYTES), default=1)
    starts = [size * number // count for number in range(count)]
    ends = [*starts[1:], sys.maxsize]
    return [Part(kind, path, name, *each) for each in zip(range(count), starts, ends, strict=True)]


def link_parts(former: Location, folder: Location, names: Iterable[str]) -> None:
    """Gives a new folder of a table the Parquet files of some raw files from its former folder."""
    wanted = set(map(_file_id, names))
    if not wanted:
        return
    kept = [path for path in parquet_files(former) if path.name.partition("-")[0] in wanted]
    copy_files(kept, [folder / name_below(path, former) for path in kept])


def _file_id(name: str) -> str:
    return xxh3_64_hexdigest(name.encode())
