"""Jobs by purpose; a headless run is the first three of them in turn."""

from dagster import AssetSelection, define_asset_job

INGESTED = AssetSelection.assets("raw_reviews", "raw_metadata", "clean_metadata")
MONTHLY = AssetSelection.assets("clean_reviews", "joined_reviews")
EXPLORED = AssetSelection.groups("exploration")

ingest = define_asset_job(
    "ingest",
    selection=INGESTED,
    description="Reads the source, if it has changed, and cleans the products.",
)
prepare_months = define_asset_job(
    "prepare_months",
    selection=MONTHLY,
    description="Cleans and joins the reviews of a range of months in one run.",
)
segment_snapshot = define_asset_job(
    "segment_snapshot",
    selection=AssetSelection.all() - INGESTED - MONTHLY - EXPLORED,
    description="Segments the customers as of the end of a month, or of each of a range.",
)

explore = define_asset_job(
    "explore",
    selection=EXPLORED,
    description="Shows what the raw tables hold, whatever the snapshot.",
)

JOBS = [ingest, prepare_months, segment_snapshot, explore]
