"""Whether the disk has room for a raw table: estimated before, and told clearly when it is full."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.locations import is_local
from amazon_seg_assets.sources.base import RawFile
from amazon_seg_assets.storage.layout import Store

_SHARE_OF_JSON = 0.35
"""Of real reviews in zstd-compressed Parquet, at most; ids and text compress worst."""

_SHARE_OF_COMPRESSED = 1.25
"""Of what is compressed already; zstd at its fastest level does a little worse than gzip."""

_FULL = {errno.ENOSPC, errno.EDQUOT}


def require_space(files: Iterable[RawFile], asset: str, store: Store) -> None:
    """Checks that the raw files fit as Parquet into what is free beside the stored tables.

    Storage that is reached by URL has no size.

    Raises:
        InputError: they are unlikely to fit.
    """
    if not is_local(store.folder):
        return
    needed = sum(map(_parquet_bytes, files))
    free = shutil.disk_usage(store.folder).free
    if needed > free:
        raise InputError(
            f"{asset} of {store.category} needs about {_gib(needed)} in {store.root}, where "
            f"{_gib(free)} are free: make room, or choose another folder with --storage or "
            "AMAZON_SEG_STORAGE."
        )


@contextmanager
def explaining_full_disk(asset: str, store: Store) -> Iterator[None]:
    """Tells in words when the disk, or what the user may use of it, is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        where, setting = (
            (store.root, "--storage or AMAZON_SEG_STORAGE")
            if is_local(store.root)
            else (tempfile.gettempdir(), "TMPDIR")
        )
        raise InputError(
            f"There is no room left in {where} for {asset} of {store.category}: make room, or "
            f"choose another folder with {setting}, and run it again; what was stored before is "
            "as it was."
        ) from error


def _parquet_bytes(file: RawFile) -> int:
    share = _SHARE_OF_JSON if file.name.endswith(".jsonl") else _SHARE_OF_COMPRESSED
    return round(share * file.size)


def _gib(size: int) -> str:
    return f"{size / 1024**3:,.1f} GiB"
