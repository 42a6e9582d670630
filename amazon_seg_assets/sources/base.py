"""The offer of every source: the raw files of a category, and a version of their content."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """The two kinds of raw files that a category has."""

    REVIEWS = "reviews"
    METADATA = "metadata"


RAW = "raw"
FOLDERS = {Kind.REVIEWS: ("review_categories", ""), Kind.METADATA: ("meta_categories", "meta_")}
"""In the hub's layout: the folder of a kind below `RAW`, and how the names of its files begin."""


def raw_name(kind: Kind, category: str) -> str:
    """Path of a category's JSON Lines in the hub's layout."""
    folder, prefix = FOLDERS[kind]
    return f"{RAW}/{folder}/{prefix}{category}.jsonl"


@dataclass(frozen=True)
class Download:
    """The bytes that fetching a file brings onto this machine.

    Attributes:
        folder: where it goes; it need not be there yet.
        size: bytes that are still missing.
    """

    folder: Path
    size: int


@dataclass(frozen=True)
class RawFile:
    """One raw file, not necessarily on this machine yet.

    Attributes:
        name: path within the hub's layout, e.g. ``raw/review_categories/Electronics.jsonl``;
            used in messages and as the file's identity.
        fingerprint: changes whenever the content changes; cheap to obtain (nothing is read whole).
        size: bytes.
        fetch: makes the file available locally (downloads it where needed) and returns its path.
        download: what fetching it brings here; None if nothing.
    """

    name: str
    fingerprint: str
    size: int
    fetch: Callable[[], Path]
    download: Download | None = None


class Source(ABC):
    """Finds the raw files of a category."""

    @property
    @abstractmethod
    def description(self) -> str:
        """A person's name for this source, e.g. ``hub McAuley-Lab/Amazon-Reviews-2023``."""

    @property
    def is_sample(self) -> bool:
        """True of invented data."""
        return False

    @abstractmethod
    def files(self, kind: Kind, category: str) -> list[RawFile]:
        """The files of one kind, ordered by name, at least one.

        Raises:
            InputError: the category or its files do not exist; names near ones, or those that do.
        """

    def version(self, kind: Kind, category: str) -> str:
        """A version that is equal only if the files' content is."""
        return self.version_of(self.files(kind, category))

    def version_of(self, files: Iterable[RawFile], /) -> str:
        """The `version` of the content that files had when they were listed by `files`."""
        digest = hashlib.sha256()
        for file in files:
            digest.update(f"{file.name}\0{file.fingerprint}\n".encode())
        return digest.hexdigest()[:16]
