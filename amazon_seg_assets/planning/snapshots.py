"""Months that a snapshot of a category needs, and snapshots that depend on a month."""

from collections.abc import Iterable

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import LOOK_BACK_MONTHS, Span, month_after, month_range
from amazon_seg_assets.stages.raw.manifest import Manifest, require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.storage.layout import Store


def segmentable_months(manifest: Manifest, span: Span) -> list[str]:
    """The months of the span that have a verified review, in order."""
    return [month for month, of in manifest.months.items() if of.verified and month in span]


def default_snapshot(store: Store, span: Span) -> str:
    """The last month of the span that has a verified review."""
    months = segmentable_months(require_manifest(store, RAW_REVIEWS.name), span)
    if not months:
        raise InputError(f"{store.category} has no reviews of verified purchases to segment.")
    return months[-1]


def months_to_prepare(store: Store, span: Span, snapshot: str, all_months: bool) -> list[str]:
    """The months that a snapshot needs, or all that have reviews up to it and after."""
    needed = span.look_back(snapshot)
    if not all_months:
        return needed
    inside = [m for m in require_manifest(store, RAW_REVIEWS.name).months if m in span]
    return month_range(min([*inside, *needed]), max([*inside, *needed]))


def months_of_history(store: Store, span: Span) -> list[str]:
    """All months of the span from the first with reviews to the last."""
    inside = [m for m in require_manifest(store, RAW_REVIEWS.name).months if m in span]
    return month_range(inside[0], inside[-1]) if inside else []


def year_before(store: Store, span: Span, snapshot: str) -> str | None:
    """The snapshot twelve months before; None if there can be none."""
    month = month_after(snapshot, -LOOK_BACK_MONTHS)
    possible = segmentable_months(require_manifest(store, RAW_REVIEWS.name), span)
    return month if month in possible else None


def dependent_snapshots(
    changed: Iterable[str], stored: Iterable[str], segmentable: Iterable[str]
) -> list[str]:
    """The snapshots to redo because months have changed, in order.

    A month counts in its own snapshot and in those of the twelve months after. Of these, the ones
    that are stored are redone, and the newest is made if it is not there yet. A snapshot whose own
    month has no more reviews of verified purchases is not ``segmentable``, and cannot be redone.
    """
    possible = set(segmentable)
    wanted = possible & {*stored, *([max(possible)] if possible else [])}
    touched = {
        snapshot
        for month in changed
        for snapshot in month_range(month, month_after(month, LOOK_BACK_MONTHS))
    }
    return sorted(wanted & touched)
