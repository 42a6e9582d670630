"""The source that a setting names, opened."""

from pathlib import Path

from amazon_seg_assets.categories import require_category
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.settings import SAMPLE, Settings
from amazon_seg_assets.sources.base import Kind, Source
from amazon_seg_assets.sources.folder import FolderSource
from amazon_seg_assets.storage.locations import is_local


def open_source(name: str, samples: Path, reviews: int) -> Source:
    """The source of a name: ``sample``, ``hub``, ``hub@<revision>``, or a folder by its path.

    Args:
        name: of the source.
        samples: folder for the files of the built-in sample.
        reviews: of the built-in sample.

    Raises:
        InputError: there is no such source.
    """
    if name == SAMPLE:
        from amazon_seg_assets.sample.source import SampleSource

        return SampleSource(samples, reviews=reviews)
    if _is_hub(name):
        # The hub's client takes seconds to import.
        from amazon_seg_assets.sources.hub import HubSource

        return HubSource(revision=name.partition("@")[2] or None)
    try:
        folder = Path(name).expanduser()
    except RuntimeError as error:  # there is no such user, or nothing tells who this one is
        raise InputError(
            f"The source {name} is in a home folder that cannot be found: give sample, hub, or the "
            "whole path of a folder in the hub's layout."
        ) from error
    return FolderSource(folder)


def samples_folder(settings: Settings) -> Path:
    """The folder for samples: beside the data, or on this machine where that is elsewhere."""
    storage = settings.storage.absolute()
    return (storage / ".cache" if is_local(storage) else settings.cache.absolute()) / "sample"


def source_of(settings: Settings) -> Source:
    """The source of a deployment.

    Raises:
        InputError: there is no such source.
    """
    return open_source(settings.source, samples_folder(settings), settings.sample_reviews)


def require_files(settings: Settings) -> None:
    """Checks, without a network, that there can be files of the categories, or of one of several.

    Raises:
        InputError: there is no such source, or it has no files of any of the categories.
    """
    reasons = {category: _lack(settings, category) for category in settings.categories}
    if all(reasons.values()):
        several = len(reasons) > 1
        told = (f"{category}: {why}" if several else why for category, why in reasons.items())
        raise InputError("\n       ".join(told))


def _lack(settings: Settings, category: str) -> str:
    """The reason why a source cannot have files of a category; empty if it may have them."""
    try:
        if _is_hub(settings.source):
            require_category(category)
        else:
            for kind in Kind:
                source_of(settings).files(kind, category)
    except InputError as error:
        return str(error)
    return ""


def _is_hub(name: str) -> bool:
    return name.partition("@")[0] == "hub"
