"""Which months a snapshot of a category needs, and which snapshots depend on a month."""

from __future__ import annotations

from collections.abc import Iterable

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.ingestion.manifest import Manifest, require_manifest
from amazon_seg_assets.partitions import (
    FIRST_MONTH,
    LAST_MONTH,
    LOOK_BACK_MONTHS,
    month_after,
    month_range,
    snapshot_months,
)
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.tables.raw import RAW_REVIEWS


def segmentable_months(manifest: Manifest) -> list[str]:
    """The months of the span that have a verified review, in order."""
    return [
        month
        for month, counts in manifest.months.items()
        if counts.verified and FIRST_MONTH <= month <= LAST_MONTH
    ]


def default_snapshot(store: Store) -> str:
    """The last month of the span that has a verified review."""
    months = segmentable_months(require_manifest(store, RAW_REVIEWS.name))
    if not months:
        raise InputError(f"{store.category} has no reviews of verified purchases to segment.")
    return months[-1]


def months_to_prepare(store: Store, snapshot: str, all_months: bool) -> list[str]:
    """The months that a snapshot needs, or all that have reviews up to it and after."""
    if not all_months:
        return snapshot_months(snapshot)
    months = require_manifest(store, RAW_REVIEWS.name).months
    inside = [month for month in months if FIRST_MONTH <= month <= LAST_MONTH]
    needed = [*inside, *snapshot_months(snapshot)]
    return month_range(min(needed), max(needed))


def dependent_snapshots(
    changed: Iterable[str], stored: Iterable[str], segmentable: Iterable[str]
) -> list[str]:
    """The snapshots to redo because months have changed, in order.

    A month counts in its own snapshot and in those of the twelve months after. Of these, the ones
    that are stored are redone, and the newest is made if it is not there yet. A snapshot whose own
    month has lost all its reviews cannot be redone.

    Args:
        changed: months whose reviews have changed.
        stored: snapshots that there are.
        segmentable: months with reviews of verified purchases.
    """
    possible = set(segmentable)
    wanted = possible & {*stored, *([max(possible)] if possible else [])}
    touched = {
        snapshot
        for month in changed
        for snapshot in month_range(month, month_after(month, LOOK_BACK_MONTHS))
    }
    return sorted(wanted & touched)


def contiguous(months: Iterable[str]) -> list[tuple[str, str]]:
    """First and last month of each run of months without a gap."""
    ranges: list[tuple[str, str]] = []
    for month in sorted(set(months)):
        if ranges and month_after(ranges[-1][1]) == month:
            ranges[-1] = ranges[-1][0], month
        else:
            ranges.append((month, month))
    return ranges
