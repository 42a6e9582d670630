"""Which source a setting names: the built-in sample, the hub, or a folder."""

from __future__ import annotations

from pathlib import Path

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.base import Source
from amazon_seg_assets.sources.folder import FolderSource


def open_source(name: str, sample_directory: Path, sample_reviews: int) -> Source:
    """The source that a setting names.

    Args:
        name: ``sample``, ``hub``, ``hub@<revision>``, or the path of a folder.
        sample_directory: where the sample's files are kept.
        sample_reviews: size of the sample.

    Raises:
        InputError: it names nothing that is there.
    """
    if name == "sample":
        from amazon_seg_assets.sample.source import SampleSource

        return SampleSource(sample_directory, reviews=sample_reviews)
    hub, _, revision = name.partition("@")
    if hub == "hub":
        # The hub's client takes seconds to import.
        from amazon_seg_assets.sources.hub import HubSource

        return HubSource(revision=revision or None)
    try:
        folder = Path(name).expanduser()
    except RuntimeError as error:  # there is no such user, or nothing tells who this one is
        raise InputError(
            f"The source {name} is in a home folder that cannot be found: give sample, hub, or "
            "the whole path of a folder in the hub's layout."
        ) from error
    return FolderSource(folder)
