"""A folder in the hub's layout, with JSON Lines, gzipped or not, or the hub's metadata Parquet."""

from __future__ import annotations

import re
from pathlib import Path

from xxhash import xxh3_64_hexdigest

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.base import Kind, RawFile, Source

_ENDS_BYTES = 1024**2
_JSONL = re.compile(r"(?P<category>[A-Za-z0-9_]+)(-.*)?\.jsonl(\.gz)?")
_PARQUET_FOLDER = "raw_meta_"
_FOLDERS = {Kind.REVIEWS: ("review_categories", ""), Kind.METADATA: ("meta_categories", "meta_")}


class FolderSource(Source):
    """Raw files in a folder of this machine.

    Reviews are ``raw/review_categories/<Category>.jsonl`` or ``<Category>-*.jsonl``, products
    ``raw/meta_categories/meta_<Category>.jsonl`` alike, or ``raw_meta_<Category>/*.parquet``.
    Each JSON Lines file may end in ``.gz``.

    A file's fingerprint is its size, its time of change, and a hash of its first and last MiB.

    Args:
        root: the folder that holds ``raw``.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            what = "is a file, not a folder" if root.exists() else "does not exist"
            raise InputError(
                f"The source {root} {what}: give sample, hub, or a folder in the hub's layout."
            )
        self._root = root

    @property
    def description(self) -> str:
        """What a person would call this source."""
        return f"folder {self._root.name}"

    def files(self, kind: Kind, category: str) -> list[RawFile]:
        """The files of one kind; JSON Lines go before Parquet.

        Raises:
            InputError: there are none; names the categories that are there.
        """
        found = self._by_category(kind)
        if category not in found:
            known = ", ".join(sorted(found)) or "none"
            folder = self._root / "raw" / _FOLDERS[kind][0]
            raise InputError(
                f"There are no {kind} of {category} in {folder}; the categories there are: {known}."
            )
        return [self._raw_file(path) for path in sorted(found[category])]

    def _by_category(self, kind: Kind) -> dict[str, list[Path]]:
        folder, prefix = _FOLDERS[kind]
        found: dict[str, list[Path]] = {}
        if kind is Kind.METADATA:
            for path in self._root.glob(f"{_PARQUET_FOLDER}*/*.parquet"):
                found.setdefault(path.parent.name.removeprefix(_PARQUET_FOLDER), []).append(path)
        lines: dict[str, list[Path]] = {}
        for path in (self._root / "raw" / folder).glob(f"{prefix}*"):
            match = _JSONL.fullmatch(path.name.removeprefix(prefix))
            if match and path.is_file():
                lines.setdefault(match["category"], []).append(path)
        return found | lines

    def _raw_file(self, path: Path) -> RawFile:
        status = path.stat()
        fingerprint = f"{status.st_size}-{status.st_mtime_ns}-{_hash_of_ends(path)}"
        name = path.relative_to(self._root).as_posix()
        return RawFile(name, fingerprint, status.st_size, lambda: path)


def _hash_of_ends(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(_ENDS_BYTES)
            file.seek(max(0, path.stat().st_size - _ENDS_BYTES))
            return xxh3_64_hexdigest(head + file.read(_ENDS_BYTES))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
