"""Jobs by purpose, of one category; the main job does all of them in turn."""

from collections.abc import Sequence
from typing import Any

from dagster import AssetSelection, define_asset_job

from amazon_seg_assets.dag.declaration import AssetDeclaration
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.handles import MonthRange, Snapshot

INGEST, EXPLORE, HISTORY = "ingest", "explore", "history"
PREPARE, SEGMENT = "prepare_months", "segment_snapshot"
MAIN = "main"
"""The job that does the others in turn, as far as there is something to do."""

DESCRIPTIONS = {
    INGEST: "Reads the source, if it has changed, and cleans the products.",
    PREPARE: "Cleans and joins the reviews of a range of months in one run.",
    SEGMENT: "Segments the customers as of the end of a month, or of each of a range.",
    HISTORY: "Sums up the days of all customers, of a range of months in one run.",
    EXPLORE: "Shows what the raw tables hold, whatever the snapshot; the products must be clean.",
}


MAIN_RUN_TAG = "amazon_seg/main_run"
"""Has, in each run that the main job starts, the id of the main job's own run."""

MAIN_DESCRIPTION = (
    "Does what `amazon-seg run` does: ingests, explores, brings the history up to date, prepares "
    "the months that the snapshot lacks, and segments it. Each part is a run of its own, below "
    "the tag `amazon_seg/main_run`. Without run configuration the snapshot is the newest."
)


def job_of(declaration: AssetDeclaration) -> str:
    """The job that makes an asset."""
    if declaration.stage == "exploration":
        return EXPLORE
    if declaration.from_begin:
        return HISTORY
    return {Snapshot: SEGMENT, MonthRange: PREPARE}.get(declaration.handle, INGEST)


def jobs(family: Family, declarations: Sequence[AssetDeclaration]) -> dict[str, Any]:
    """The jobs of a category that materialize assets, by purpose."""
    return {
        name: define_asset_job(
            family.name(name),
            selection=AssetSelection.assets(
                *(
                    family.key(output.name)
                    for each in declarations
                    if name == job_of(each)
                    for output in each.stores
                )
            ),
            tags=run_tags(family),
            description=description,
        )
        for name, description in DESCRIPTIONS.items()
    }


def run_tags(family: Family) -> dict[str, str]:
    """Tags by which runs of several categories, sources or clusters can be told apart."""
    return {
        "amazon_seg/category": family.category,
        "amazon_seg/source": family.settings.source,
        "amazon_seg/spark_master": family.settings.spark_master,
    }
