"""Storage on a disk, for tests that look at or spoil its files."""

from pathlib import Path

from amazon_seg_assets.storage.locations import Location, is_local


def on_disk(place: Location) -> Path:
    """A place that is known to be on this machine."""
    assert is_local(place)
    return place
