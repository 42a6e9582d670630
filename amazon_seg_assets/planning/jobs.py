"""Jobs by purpose, of one category; a headless run does all but ``full`` in turn."""

from collections.abc import Sequence
from typing import Any

from dagster import AssetSelection, define_asset_job

from amazon_seg_assets.dag.declaration import AssetDeclaration
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.handles import MonthRange, Snapshot

INGEST, EXPLORE, HISTORY = "ingest", "explore", "history"
PREPARE, SEGMENT, FULL = "prepare_months", "segment_snapshot", "full"

DESCRIPTIONS = {
    INGEST: "Reads the source, if it has changed, and cleans the products.",
    PREPARE: "Cleans and joins the reviews of a range of months in one run.",
    SEGMENT: "Segments the customers as of the end of a month, or of each of a range.",
    HISTORY: "Sums up the days of all customers, of a range of months in one run.",
    EXPLORE: "Shows what the raw tables hold, whatever the snapshot; the products must be clean.",
    FULL: (
        "Everything in one run: ingests, explores, prepares the months of a range and segments "
        "the snapshots of the same range. The twelve months before the range must have been "
        "prepared, and the history of all months before it, unless they are before the span."
    ),
}


def job_of(declaration: AssetDeclaration) -> str:
    """The job that makes an asset, beside ``full``."""
    if declaration.stage == "exploration":
        return EXPLORE
    if declaration.stage == "history" and declaration.handle is MonthRange:
        return HISTORY
    return {Snapshot: SEGMENT, MonthRange: PREPARE}.get(declaration.handle, INGEST)


def jobs(family: Family, declarations: Sequence[AssetDeclaration]) -> list[Any]:
    """The jobs of a category."""
    return [
        define_asset_job(
            family.name(name),
            selection=AssetSelection.assets(
                *(
                    family.key(output.name)
                    for each in declarations
                    if name in (FULL, job_of(each))
                    for output in each.stores
                )
            ),
            tags=run_tags(family),
            description=description,
        )
        for name, description in DESCRIPTIONS.items()
    ]


def run_tags(family: Family) -> dict[str, str]:
    """Tags by which runs of several categories, sources or clusters can be told apart."""
    return {
        "amazon_seg/category": family.category,
        "amazon_seg/source": family.settings.source,
        "amazon_seg/spark_master": family.settings.spark_master,
    }
