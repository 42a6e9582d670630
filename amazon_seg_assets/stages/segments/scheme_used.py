"""The scheme by which a snapshot was segmented, as it was kept with the segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.rules.scheme import Scheme
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.storage.facts import require_facts

if TYPE_CHECKING:
    from amazon_seg_assets.dag.handles import Snapshot
    from amazon_seg_assets.storage.layout import Store


def scheme_of(snapshot: Snapshot) -> Scheme:
    """The scheme of a snapshot, as `stored_scheme`."""
    return stored_scheme(snapshot.storage, snapshot.month)


def stored_scheme(store: Store, month: str) -> Scheme:
    """The scheme of a stored month; the user's file of it may have changed since.

    Raises:
        InputError: the segments are not stored, or by a version that kept other facts.
    """
    used = require_facts(store, RFM_SEGMENTS.name, month, "scheme", "thresholds")["scheme"]
    try:
        return Scheme.model_validate(used)
    except ValueError as error:
        raise InputError(
            f"{RFM_SEGMENTS.name} of {store.category} was stored for {month} by an "
            "earlier version, whose segments had no roles: materialize it again."
        ) from error
