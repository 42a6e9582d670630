"""What an ingestion found, kept beside the table: which files, which months, what is in them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.storage.layout import Store

MANIFEST = "_manifest.json"
"""Readers of Parquet folders skip names that begin with an underscore."""


@dataclass
class MonthCounts:
    """Rows of one month of raw reviews, all and of some kinds."""

    rows: int = 0
    verified: int = 0
    zero_rating: int = 0
    negative_vote: int = 0


@dataclass
class Manifest:
    """What one ingestion found.

    Attributes:
        version: of the source's content and of the reader; equal means nothing to do.
        source: what a person would call the source.
        files: fingerprint of each raw file, by name.
        rows: rows written.
        malformed: lines that were no valid record, and so not written.
        malformed_examples: the first of them, as file, line and reason.
        months: counts of each month; empty for products.
    """

    version: str
    source: str
    files: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    malformed: int = 0
    malformed_examples: list[str] = field(default_factory=list)
    months: dict[str, MonthCounts] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Writes the manifest into the folder of its table."""
        (folder / MANIFEST).write_text(json.dumps(asdict(self), indent=1))


def read_manifest(store: Store, asset: str) -> Manifest | None:
    """The manifest of a raw table; None if there is no such table."""
    path = store.path(asset) / MANIFEST
    if not path.is_file():
        return None
    content = json.loads(path.read_text())
    months = {month: MonthCounts(**counts) for month, counts in content.pop("months").items()}
    return Manifest(**content, months=months)


def require_manifest(store: Store, asset: str) -> Manifest:
    """The manifest of a raw table.

    Raises:
        InputError: the table has not been materialized.
    """
    manifest = read_manifest(store, asset)
    if manifest is None:
        raise InputError(
            f"{asset} of {store.category} is not in {store.root}: materialize it first."
        )
    return manifest
