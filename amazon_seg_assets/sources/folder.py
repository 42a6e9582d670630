"""A folder in the hub's layout, with JSON Lines, gzipped or not, or the hub's metadata Parquet."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xxhash import xxh3_64_hexdigest

from amazon_seg_assets.categories import CATEGORY_NAME, advise
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.base import FOLDERS, RAW, Kind, RawFile, Source, raw_name

_JSONL = re.compile(rf"(?P<category>{CATEGORY_NAME.pattern})(-.*)?\.jsonl(\.gz)?")
_PARQUET_FOLDER = "raw_meta_"
_PARQUET = "full-*.parquet"
_ENDS_BYTES = 1024**2


class FolderSource(Source):
    """Raw files in a folder of this machine.

    Reviews are ``raw/review_categories/<Category>.jsonl`` or ``<Category>-*.jsonl``, products
    ``raw/meta_categories/meta_<Category>.jsonl`` alike, or, where there are none of these,
    ``raw_meta_<Category>/full-*.parquet``. Each JSON Lines file may end in ``.gz``; where both
    forms are there, the plain one counts. Other files, such as unfinished downloads, do not.

    A file's fingerprint is its size, its time of change, and a hash of its first and last MiB. So
    a file that was copied or touched counts as changed; a change in the middle that keeps size and
    time is missed.

    Args:
        root: the folder that holds ``raw``, or that folder itself.

    Raises:
        InputError: there is no such folder.
    """

    def __init__(self, root: Path) -> None:
        root = root.absolute()
        with _readable(root):
            if not root.is_dir():
                what = "is a file, not a folder" if root.exists() else "does not exist"
                raise InputError(
                    f"The source {root} {what}: give sample, hub, or a folder in the hub's layout."
                )
            is_raw = not (root / RAW).is_dir() and any(
                (root / folder).is_dir() for folder, _ in FOLDERS.values()
            )
        self._name = root.name
        self._raw = root if is_raw else root / RAW
        self._parquet = root.parent if is_raw else root

    @property
    def description(self) -> str:
        """A person's name for this source."""
        return f"folder {self._name}"

    def files(self, kind: Kind, category: str) -> list[RawFile]:
        """The files of one kind, ordered by name.

        Raises:
            InputError: there are none; names near categories, or those that are there.
        """
        found = self._json_lines(kind)
        if kind is Kind.METADATA:
            found = self._parquet_shards() | found
        folder, _ = FOLDERS[kind]
        if not found:
            raise InputError(
                f"There are no {kind} in {self._raw / folder}: the hub's layout has those of "
                f"{category} in {raw_name(kind, category)}."
            )
        if category not in found:
            those = f"; the categories there are: {', '.join(sorted(found))}."
            raise InputError(
                f"There are no {kind} of {category} in {self._raw / folder}"
                f"{advise(category, sorted(found), those)}"
            )
        return [raw_file(name, path) for name, path in sorted(found[category].items())]

    def _json_lines(self, kind: Kind) -> dict[str, dict[str, Path]]:
        """Paths by name within the hub's layout, by category."""
        folder, prefix = FOLDERS[kind]
        paths = _list(self._raw / folder)
        plain = {path.name for path in paths}
        found: dict[str, dict[str, Path]] = {}
        for path in paths:
            match = _JSONL.fullmatch(path.name.removeprefix(prefix))
            is_copy = path.suffix == ".gz" and path.stem in plain
            if match and path.name.startswith(prefix) and path.is_file() and not is_copy:
                name = f"{RAW}/{folder}/{path.name}"
                found.setdefault(match["category"], {})[name] = path
        return found

    def _parquet_shards(self) -> dict[str, dict[str, Path]]:
        found: dict[str, dict[str, Path]] = {}
        for folder in _list(self._parquet):
            if folder.name.startswith(_PARQUET_FOLDER) and folder.is_dir():
                shards = [path for path in _list(folder) if path.match(_PARQUET)]
                if shards:
                    category = folder.name.removeprefix(_PARQUET_FOLDER)
                    found[category] = {f"{folder.name}/{path.name}": path for path in shards}
        return found


def _list(folder: Path) -> list[Path]:
    with _readable(folder):
        return list(folder.iterdir()) if folder.exists() else []


def raw_file(name: str, path: Path) -> RawFile:
    """A file of this machine as one of a source.

    Raises:
        InputError: it cannot be read.
    """
    with _readable(path), path.open("rb") as file:
        status = path.stat()
        head = file.read(_ENDS_BYTES)
        file.seek(max(0, status.st_size - _ENDS_BYTES))
        ends = xxh3_64_hexdigest(head + file.read(_ENDS_BYTES))
    fingerprint = f"{status.st_size}-{status.st_mtime_ns}-{ends}"
    return RawFile(name, fingerprint, status.st_size, lambda: path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): check the path and its permissions."
        ) from error
