"""The customers of each segment, as files for a campaign tool."""

from typing import Any

from dagster import AssetExecutionContext, Config, MetadataValue
from pydantic import Field
from pyspark.sql import Observation

from amazon_seg_assets.assets.declaration import artifact_spec, seg_asset
from amazon_seg_assets.assets.metadata import markdown_table, report_artifact
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.storage.exports import Form, write_one_file_each
from amazon_seg_assets.storage.figures import require_figures
from amazon_seg_assets.storage.footers import read_stats
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.spark_tables import read_table
from amazon_seg_assets.tables.customers import RFM_SEGMENTS
from amazon_seg_assets.transforms import export

SEGMENT_EXPORT = "segment_export"


class ExportConfig(Config):
    """What the files are."""

    form: Form = Field("csv", description="Form of the files: `csv` or `parquet`.")


@seg_asset(
    artifact_spec(
        SEGMENT_EXPORT,
        description=(
            "One file per segment, such as `champions.csv`, for a campaign tool: user, segment, "
            "scores, recency (days), frequency (reviews) and monetary value (USD), the highest "
            "monetary value first. CSV is UTF-8 after RFC 4180, with a header; a text that would "
            "open a formula in a spreadsheet (`=`, `+`, `-`, `@`, tab or line end in front) gets "
            "an apostrophe in front. A segment without customers has no file."
        ),
        group="report",
        kinds={"pyspark", "csv"},
        deps=[RFM_SEGMENTS.name],
    )
)
def segment_export(
    context: AssetExecutionContext,
    config: ExportConfig,
    spark: SparkResource,
    storage: StoreResource,
) -> None:
    """Writes the customers of each segment to a file of its own."""
    for snapshot in context.partition_keys:
        context.add_asset_metadata(
            _export(spark, storage.store, snapshot, config.form), partition_key=snapshot
        )


def _export(spark: SparkResource, store: Store, snapshot: str, form: Form) -> dict[str, Any]:
    """Writes the files of a snapshot; returns metadata."""
    customers = read_table(spark.spark_session, store, RFM_SEGMENTS, [snapshot], export.COLUMNS)
    expected = read_stats(store.path(RFM_SEGMENTS.name, snapshot)).rows
    segments = list(require_figures(store, RFM_SEGMENTS.name, snapshot)["scheme"]["segments"])
    files = export.file_names(segments)
    counts = Observation()

    def check() -> None:
        written = sum(counts.get.values()) - counts.get[export.ESCAPED]
        if written != expected:
            raise ValueError(f"{written} rows were exported of {expected} customers")

    arranged = export.for_campaigns(customers, files, counts, as_text=form == "csv")
    write_one_file_each(arranged, store, SEGMENT_EXPORT, snapshot, export.FILE, form, check)
    rows = {segment: counts.get[name] for segment, name in files.items()}
    written = [[f"{files[name]}.{form}", name, f"{n:,}"] for name, n in rows.items() if n]
    return report_artifact(
        store,
        SEGMENT_EXPORT,
        snapshot,
        **{"dagster/partition_row_count": sum(rows.values())},
        files=MetadataValue.md(markdown_table(["file", "segment", "rows"], written)),
        rows_by_segment=MetadataValue.json(rows),
        segments_without_customers=[name for name, n in rows.items() if not n],
        ids_that_would_open_a_formula=counts.get[export.ESCAPED],
    )
