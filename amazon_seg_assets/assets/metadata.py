"""What an asset reports about what it stored, under Dagster's standard keys."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from dagster import MetadataValue
from upath import UPath

from amazon_seg_assets.assets.declaration import table_metadata
from amazon_seg_assets.locations import Location, url_of
from amazon_seg_assets.storage.footers import Stats, parquet_files
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.tables.model import Table

PREVIEW_ROWS = 10
_PREVIEW_WIDTH = 60


def report_table(
    store: Store, table: Table, stats: Stats, month: str | None = None, **figures: Any
) -> dict[str, Any]:
    """Standard metadata of a stored table, or of one month of it, and further figures."""
    folder = store.path(table.name, month)
    rows = "dagster/row_count" if month is None else "dagster/partition_row_count"
    return {
        **table_metadata(table),
        rows: stats.rows,
        "dagster/uri": MetadataValue.path(url_of(folder)),
        "dagster/table_name": f"{store.category}.{table.name}",
        "bytes": stats.bytes,
        "files": stats.files,
        "preview": MetadataValue.md(preview(folder)),
        **figures,
    }


def report_artifact(store: Store, name: str, month: str, **figures: Any) -> dict[str, Any]:
    """Standard metadata of one month of an asset that is no table, and further figures."""
    folder = UPath(store.path(name, month))
    return {
        "dagster/uri": MetadataValue.path(url_of(store.path(name, month))),
        "dagster/table_name": f"{store.category}.{name}",
        "bytes": folder.fs.du(folder.path),
        **figures,
    }


def preview(folder: Location, rows: int = PREVIEW_ROWS) -> str:
    """The first rows of a stored table as a Markdown table; long values are cut."""
    content: list[dict[str, Any]] = []
    for file in parquet_files(folder):
        with file.open("rb") as opened:
            batches = pq.ParquetFile(opened).iter_batches(batch_size=rows - len(content))
            content += next((batch.to_pylist() for batch in batches), [])
        if len(content) == rows:
            break
    if not content:
        return "No rows."
    return markdown_table(list(content[0]), [row.values() for row in content])


def markdown_table(
    header: Sequence[str], rows: Sequence[Sequence[Any] | Any], width: int = _PREVIEW_WIDTH
) -> str:
    """A Markdown table of plain values; those longer than ``width`` are cut."""
    lines = [header, ["---"] * len(header), *([_cell(v, width) for v in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def markdown_frame(frame: pd.DataFrame, width: int = _PREVIEW_WIDTH) -> str:
    """A small pandas frame as a Markdown table, numbers with thousands separators, nulls empty."""
    rows = [[_figure(value) for value in row] for row in frame.itertuples(index=False)]
    return markdown_table(list(frame.columns), rows, width)


def _figure(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return f"{value:,.4g}" if abs(float(value)) < 1 else f"{value:,.2f}"
    return str(value)


def _cell(value: Any, width: int) -> str:
    text = "" if value is None else " ".join(str(value).split())
    text = text if len(text) <= width else text[: width - 1] + "…"
    for special in ("\\", "|", "<", "`", "[", "*", "_"):
        text = text.replace(special, f"\\{special}" if special != "<" else "&lt;")
    return text


def dropped(reasons: Mapping[str, int]) -> dict[str, Any]:
    """Rows dropped by reason: one table to read, and one number each for the charts."""
    table = markdown_table(["reason", "rows"], [[k, f"{v:,}"] for k, v in reasons.items()])
    return {
        "rows_dropped": MetadataValue.md(table),
        **{f"dropped_{reason}": rows for reason, rows in reasons.items()},
    }
