"""The content of a stored partition, kept beside it, so that a reader can tell what is damaged.

A listing tells whether files are missing, cut, or not of the table; no data is read for it. Notes
beside a table come and go: files whose names begin with an underscore or a dot do not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from amazon_seg_assets.storage.locations import Location, sizes_below

CONTENTS = "_contents.json"


@dataclass(frozen=True)
class Contents:
    """The files of a partition, or of an artifact without partitions.

    Attributes:
        files: bytes, by path below its folder.
        rows: of a table; None of any other artifact.
    """

    files: Mapping[str, int]
    rows: int | None = None

    def fault(self, found: Mapping[str, int]) -> str:
        """The first file that is not as it was written, and how; empty if all are.

        ``found`` has the bytes of the files that there are.
        """
        for name, size in self.files.items():
            if name not in found:
                return f"{name} is missing"
            if found[name] != size:
                return f"{name} has {found[name]:,} bytes instead of {size:,}"
        strange = sorted(name for name in found.keys() - self.files if name.endswith(".parquet"))
        return f"{strange[0]} was not written with it" if strange else ""

    def within(self, starts: tuple[str, ...]) -> Contents:
        """The files alone whose paths have one of some beginnings."""
        return Contents(
            {name: size for name, size in self.files.items() if name.startswith(starts)}
        )


def data_files(sizes: Mapping[str, int]) -> dict[str, int]:
    """Of files below a folder those that hold data, in order of their names."""
    return {
        name: size
        for name, size in sorted(sizes.items())
        if not any(part.startswith((".", "_")) for part in name.split("/"))
    }


def keep_contents(folder: Location, rows: int | None = None) -> None:
    """Keeps what a folder holds beside it."""
    _keep(folder, Contents(data_files(sizes_below(folder)), rows))


def keep_all_contents(folder: Location, names: Iterable[str]) -> None:
    """The same of the folders ``names`` in another, where it has not been done; "" is itself."""
    sizes = sizes_below(folder)
    for name in names:
        start = f"{name}/" if name else ""
        found = {path.removeprefix(start): sizes[path] for path in sizes if path.startswith(start)}
        if found and CONTENTS not in found:
            _keep(folder / name if name else folder, Contents(data_files(found)))


def _keep(folder: Location, contents: Contents) -> None:
    (folder / CONTENTS).write_text(json.dumps(asdict(contents), indent=1))


def parse_contents(text: str) -> Contents:
    """The contents that `keep_contents` has kept.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        return Contents(**json.loads(text))
    except TypeError as error:
        raise ValueError(f"not of {CONTENTS}") from error
