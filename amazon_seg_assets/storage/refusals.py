"""Refusals: what the data did not suffice for, noted so that it is not tried again in vain.

They lie in a folder of their own, as what could not be made has none.
"""

from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location, is_local, read_texts

_FOLDER = ".refused"


def note_refusal(store: Store, asset: str, month: str, version: str) -> None:
    """Notes of which version of its inputs a month of an asset could not be made."""
    place = _place(store, asset, month)
    if is_local(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(version)


def refused_version(store: Store, asset: str, month: str) -> str | None:
    """The version last noted; None if there is none."""
    [version] = read_texts([_place(store, asset, month)])
    return version


def _place(store: Store, asset: str, month: str) -> Location:
    return store.folder / _FOLDER / f"{asset}-{month}"
