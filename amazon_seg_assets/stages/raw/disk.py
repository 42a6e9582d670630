"""Room on the disk for a raw table: estimated before, and told clearly when it is full."""

import errno
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.base import RawFile
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import is_local

_SHARE_OF_JSON = 0.35
"""Of real reviews in zstd-compressed Parquet, at most; ids and text compress worst."""

_SHARE_OF_COMPRESSED = 1.25
"""Of what is compressed already; zstd at its fastest level does a little worse than gzip."""

_WITH_MONTHS = 1.2
"""Clean and joined months of a snapshot, which are made next, take a fifth of the raw table."""

_FULL = {errno.ENOSPC, errno.EDQUOT}


def require_space(files: Iterable[RawFile], asset: str, store: Store) -> None:
    """Checks that raw files fit as Parquet into what is free beside the stored tables.

    So must the tables that follow, and what is still to be downloaded to the same disk. Storage
    that is reached by URL has no size.

    Raises:
        InputError: they are unlikely to fit.
    """
    if not is_local(store.folder):
        return
    needed, downloaded = 0.0, 0
    for file in files:
        share = _SHARE_OF_JSON if file.name.endswith(".jsonl") else _SHARE_OF_COMPRESSED
        needed += _WITH_MONTHS * share * file.size
        if file.download and _device(file.download.folder) == _device(store.folder):
            downloaded += file.download.size
    free = shutil.disk_usage(store.folder).free
    if needed + downloaded > free:
        download = f" and {_gib(downloaded)} for its download" if downloaded else ""
        raise InputError(
            f"{asset} of {store.category} needs about {_gib(needed)} in {store.root}{download}, "
            f"where {_gib(free)} are free: make room, or choose another folder with --storage or "
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
        where, setting = str(store.root), "--storage or AMAZON_SEG_STORAGE"
        if not is_local(store.root):
            where, setting = tempfile.gettempdir(), "TMPDIR"
        raise InputError(
            f"There is no room left in {where} for {asset} of {store.category}: make room, or "
            f"choose another folder with {setting}, and run it again; what was stored before is "
            "as it was."
        ) from error


def _device(folder: Path) -> int:
    """The device of a folder that need not be there yet."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return there.stat().st_dev


def _gib(size: float) -> str:
    return f"{size / 1024**3:,.1f} GiB"
