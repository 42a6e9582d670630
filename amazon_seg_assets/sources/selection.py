"""Which source a setting names: the built-in sample, the hub, or a folder."""

from __future__ import annotations

from pathlib import Path

from amazon_seg_assets.sources.base import Source
from amazon_seg_assets.sources.folder import FolderSource
from amazon_seg_assets.sources.hub import HubSource
from amazon_seg_assets.sources.sample import SampleSource


def open_source(name: str, sample_directory: Path, sample_reviews: int) -> Source:
    """The source that a setting names.

    Args:
        name: ``sample``, ``hub``, ``hub@<revision>``, or the path of a folder.
        sample_directory: where the sample's files are kept.
        sample_reviews: size of the sample.
    """
    if name == "sample":
        return SampleSource(sample_directory, reviews=sample_reviews)
    hub, _, revision = name.partition("@")
    if hub == "hub":
        return HubSource(revision=revision or None)
    return FolderSource(Path(name).expanduser())
