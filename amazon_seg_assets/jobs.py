"""Jobs by purpose; a headless run does all but ``full`` in turn."""

from dagster import AssetSelection, define_asset_job
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from amazon_seg_assets.settings import Settings, load_settings


def run_tags(settings: Settings) -> dict[str, str]:
    """Tags by which runs of several categories, sources or clusters can be told apart."""
    return {
        "amazon_seg/category": settings.category,
        "amazon_seg/source": settings.source,
        "amazon_seg/spark_master": settings.spark_master,
    }


TAGS = run_tags(load_settings())

INGESTED = AssetSelection.assets("raw_reviews", "raw_metadata", "clean_metadata")
MONTHLY = AssetSelection.assets("clean_reviews", "joined_reviews")
EXPLORED = AssetSelection.groups("exploration")

ingest = define_asset_job(
    "ingest",
    selection=INGESTED,
    tags=TAGS,
    description="Reads the source, if it has changed, and cleans the products.",
)
prepare_months = define_asset_job(
    "prepare_months",
    selection=MONTHLY,
    tags=TAGS,
    description="Cleans and joins the reviews of a range of months in one run.",
)
segment_snapshot = define_asset_job(
    "segment_snapshot",
    selection=AssetSelection.all() - INGESTED - MONTHLY - EXPLORED,
    tags=TAGS,
    description="Segments the customers as of the end of a month, or of each of a range.",
)

explore = define_asset_job(
    "explore",
    selection=EXPLORED,
    tags=TAGS,
    description="Shows what the raw tables hold, whatever the snapshot.",
)

full = define_asset_job(
    "full",
    selection=AssetSelection.all(),
    tags=TAGS,
    description=(
        "Everything in one run: ingests, explores, prepares the months of a range and segments "
        "the snapshots of the same range. The twelve months before the range must have been "
        "prepared, unless they are before the span."
    ),
)

JOBS = [ingest, prepare_months, segment_snapshot, explore, full]


def range_tags(first: str, last: str) -> dict[str, str]:
    """Tags that make one run out of a range of months, as the UI's single-run backfill does."""
    if first == last:
        # Dagster records of which month a check is only where a run is of one.
        return {PARTITION_NAME_TAG: first}
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}
