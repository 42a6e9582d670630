"""What every source offers: the raw files of a category, and a version of their content."""

from __future__ import annotations

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


@dataclass(frozen=True)
class RawFile:
    """One raw file, not necessarily on this machine yet.

    Attributes:
        name: path within the hub's layout, e.g. ``raw/review_categories/Electronics.jsonl``;
            used in messages and as the file's identity.
        fingerprint: changes whenever the content changes; cheap to obtain (nothing is read whole).
        size: bytes.
        fetch: makes the file available locally (downloads it where needed) and returns its path.
    """

    name: str
    fingerprint: str
    size: int
    fetch: Callable[[], Path]


class Source(ABC):
    """Finds the raw files of a category."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What a person would call this source, e.g. ``hub McAuley-Lab/Amazon-Reviews-2023``."""

    @abstractmethod
    def files(self, kind: Kind, category: str) -> list[RawFile]:
        """The files of one kind, ordered by name, at least one.

        Raises:
            InputError: the category or its files do not exist; names those that do.
        """

    def version(self, kind: Kind, category: str) -> str:
        """A version that is equal exactly when the files' content is."""
        return self.version_of(self.files(kind, category))

    def version_of(self, files: Iterable[RawFile]) -> str:
        """The `version` of the content that files had when they were listed by `files`."""
        digest = hashlib.sha256()
        for file in files:
            digest.update(f"{file.name}\0{file.fingerprint}\n".encode())
        return digest.hexdigest()[:16]
