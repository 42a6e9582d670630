"""The sample as a source: generated on first use, kept afterwards."""

from __future__ import annotations

from pathlib import Path

from amazon_seg_assets.sample.writer import require_possible, write_sample
from amazon_seg_assets.sources.base import Kind, RawFile, Source, raw_name

GENERATOR_VERSION = "4"
"""Raise it when the same parameters would give other bytes."""


class SampleSource(Source):
    """Invented raw files of any category.

    Args:
        directory: where the files are kept.
        reviews: how many reviews.
        seed: of the random numbers.

    Raises:
        InputError: there cannot be such a sample.
    """

    def __init__(self, directory: Path, reviews: int = 200_000, seed: int = 42) -> None:
        require_possible(reviews, seed)
        self._reviews = reviews
        self._seed = seed
        self._directory = directory / f"v{GENERATOR_VERSION}-{reviews}-{seed}"

    @property
    def description(self) -> str:
        """A person's name for this source."""
        return f"sample of {self._reviews:,} invented reviews (seed {self._seed})"

    @property
    def is_sample(self) -> bool:
        """True of invented data."""
        return True

    def files(self, kind: Kind, category: str) -> list[RawFile]:
        """The one file of a kind; generated when it is fetched."""
        name = raw_name(kind, category)
        path = self._directory / name

        def fetch() -> Path:
            if not path.exists():
                write_sample(self._directory, category, self._reviews, self._seed)
            return path

        fingerprint = f"v{GENERATOR_VERSION}-{self._reviews}-{self._seed}"
        return [RawFile(name, fingerprint, path.stat().st_size if path.exists() else 0, fetch)]
