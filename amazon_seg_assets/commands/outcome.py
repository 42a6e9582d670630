"""The end of a run: its segments and the places of what is stored, for people or for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amazon_seg_assets.commands.ui import address
from amazon_seg_assets.storage.locations import is_local, url_of

if TYPE_CHECKING:
    from amazon_seg_assets.storage.layout import Store


@dataclass(frozen=True)
class Done:
    """A category that is segmented.

    Attributes:
        store: of the category.
        snapshots: segmented.
        cautions: of its checks.
        is_new: something of it was made; else all was up to date.
    """

    store: Store
    snapshots: Sequence[str]
    cautions: Sequence[str] = ()
    is_new: bool = True


def summarize(done: Done, home: Path) -> None:
    """Prints the segments of each snapshot, warnings, and the places of the last one."""
    from rich.console import Console

    from amazon_seg_assets.run.console import segment_table

    console, store, snapshot = Console(), done.store, done.snapshots[-1]
    if _is_invented(store):
        console.rule("INVENTED DATA: nobody of these customers exists", style="bold yellow")
    for each in done.snapshots:
        console.print(segment_table(store, each))
    for caution in done.cautions:
        console.print(f"Warning: {caution}", soft_wrap=True, highlight=False, markup=False)
    report, export = _places(store, snapshot)
    places = {
        "Report": report,
        "Customers by segment": export,
        "Tables and plots": url_of(store.folder),
        "Dagster's records": home,
    }
    if is_local(store.folder):
        places["Plots as PNG"] = f"{store.path('*_plot', snapshot)}/"
    places["Web UI"] = f"`make ui` or `amazon-seg ui`, then {address()}"
    width = max(map(len, places))
    for name, place in places.items():
        console.print(f"  {name:<{width}}  {place}", soft_wrap=True, highlight=False, markup=False)


def as_json(done: Sequence[Done], failures: Sequence[str], seconds: float) -> str:
    """The same for programs."""
    categories = [
        {
            "category": each.store.category,
            "is_new": each.is_new,
            "is_invented": _is_invented(each.store),
            "snapshots": [_snapshot(each.store, month) for month in each.snapshots],
            "tables": url_of(each.store.folder),
            "warnings": [*each.cautions],
        }
        for each in done
    ]
    told = {"categories": categories, "failures": [*failures], "seconds": round(seconds, 1)}
    return json.dumps(told, indent=1, ensure_ascii=False)


def _snapshot(store: Store, month: str) -> dict[str, Any]:
    from amazon_seg_assets.stages.overview.summary import by_segment
    from amazon_seg_assets.stages.overview.tables import SEGMENT_SUMMARY
    from amazon_seg_assets.storage.parquet import read_small

    segments = by_segment(read_small(store, SEGMENT_SUMMARY, month))
    report, export = _places(store, month)
    return {
        "snapshot": month,
        "customers": int(segments["customers"].sum()),
        "segments": json.loads(segments.to_json(orient="records")),
        "report": report,
        "export": export,
    }


def _places(store: Store, snapshot: str) -> tuple[str, str]:
    """The places of the report and of the files of customers."""
    from amazon_seg_assets.stages.movement.assets import SEGMENT_EXPORT
    from amazon_seg_assets.stages.report.assets import EXECUTIVE_REPORT

    name = EXECUTIVE_REPORT.name
    report = store.path(name, snapshot) / f"{name}.html"
    return url_of(report), url_of(store.path(SEGMENT_EXPORT.name, snapshot))


def _is_invented(store: Store) -> bool:
    from amazon_seg_assets.stages.raw.manifest import require_manifest
    from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS

    return require_manifest(store, RAW_REVIEWS.name).is_sample
