"""Which checks a stored table or partition has failed, noted beside it.

With what is replaced the notes go, too: until then, what is wrong stays known, whoever looks.
"""

from __future__ import annotations

from collections.abc import Mapping

from amazon_seg_assets.locations import children
from amazon_seg_assets.storage.layout import Store

_PREFIX = "_failed-"  # readers of Parquet folders skip names that begin with an underscore


def failed_checks(store: Store, asset: str, month: str | None = None) -> set[str]:
    """Names of the checks that a partition, or an artifact that has none, has failed."""
    names = children(store.path(asset, month))
    return {name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)}


def note_checks(store: Store, asset: str, month: str | None, passed: Mapping[str, bool]) -> None:
    """Notes which checks a partition has failed, and takes back the notes on those it has passed.

    Args:
        store: the storage of the category.
        asset: the artifact.
        month: the partition; None for an artifact that has none.
        passed: by the name of the check, whether it has passed.
    """
    folder, noted = store.path(asset, month), failed_checks(store, asset, month)
    for check, has_passed in passed.items():
        note = folder / f"{_PREFIX}{check}"
        if has_passed and check in noted:
            note.unlink()
        elif not has_passed:
            note.touch()
