"""Metadata under Dagster's standard keys: schema, lineage, rows, place, cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from dagster import (
    JsonMetadataValue,
    MetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableSchema,
)
from upath import UPath

from amazon_seg_assets.formats import share
from amazon_seg_assets.schema import Column, Table, type_name
from amazon_seg_assets.spark.progress import Cost
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location, url_of
from amazon_seg_assets.storage.parquet import Stats, parquet_files
from amazon_seg_assets.texts import as_cell

if TYPE_CHECKING:
    from amazon_seg_assets.dag.family import Family

PREVIEW_ROWS = 10
ROWS = ("dagster/row_count", "dagster/partition_row_count")
ROWS_READ = "rows_read"
_LAST = (
    *("preview", "files", "bytes", "dagster/uri", "dagster/table_name"),
    *("dagster/column_schema", "dagster/column_lineage", "dagster/storage_kind"),
)
_PREVIEW_WIDTH = 60
_MIB = 1024**2


def declared_metadata(family: Family, table: Table) -> dict[str, Any]:
    """Column schema and lineage of a table, as it is declared."""
    lineage = {
        column.name: [_column_dep(family, source) for source in column.sources]
        for column in table.columns
        if column.sources
    }
    return {
        "dagster/column_schema": TableSchema([_column(column) for column in table.columns]),
        "dagster/column_lineage": MetadataValue.column_lineage(TableColumnLineage(lineage)),
        "dagster/storage_kind": "parquet",
    }


def _column(column: Column) -> TableColumn:
    unit = f" Unit: {column.unit}." if column.unit else ""
    # The UI draws no lineage of columns, so it is said, too.
    lineage = f" From {', '.join(column.sources)}." if column.sources else ""
    return TableColumn(
        column.name,
        type=type_name(column.type),
        description=plain(column.description + unit + lineage),
        constraints=TableColumnConstraints(nullable=column.nullable),
    )


def plain(text: str) -> str:
    """A description without the marks of Markdown, which lists and tables of the UI show raw."""
    return text.replace("`", "")


def _column_dep(family: Family, source: str) -> TableColumnDep:
    table, column = source.split(".")
    return TableColumnDep(asset_key=family.key(table), column_name=column)


def table_metadata(
    family: Family, store: Store, table: Table, stats: Stats, month: str | None
) -> dict[str, Any]:
    """Standard metadata of a stored table, or of one month of it."""
    folder = store.path(table.name, month)
    return {
        **declared_metadata(family, table),
        ROWS[month is not None]: stats.rows,
        **_place(family, folder, table.name),
        "bytes": stats.bytes,
        "files": stats.files,
        "preview": MetadataValue.md(preview(folder)),
    }


def artifact_metadata(family: Family, store: Store, name: str, month: str | None) -> dict[str, Any]:
    """Standard metadata of an artifact that is no table, or of one month of it."""
    folder = UPath(store.path(name, month))
    place = _place(family, store.path(name, month), name)
    return {**place, "bytes": folder.fs.du(folder.path)}


def _place(family: Family, folder: Location, name: str) -> dict[str, Any]:
    return {
        "dagster/uri": MetadataValue.path(url_of(folder)),
        "dagster/table_name": f"{family.category}.{name}",
    }


def cost_metadata(stored: Sequence[Mapping[str, Any]], cost: Cost) -> dict[str, Any]:
    """Run time and peak memory of a step, and rows a second where it has any.

    Where a step stored several partitions or assets, the figures are of all together, and their
    names begin with ``step_``.

    Args:
        stored: metadata of each partition and asset stored.
        cost: of the step.
    """
    rows = sum(_rows(stored))
    figures: dict[str, Any] = {
        "seconds": cost.seconds,
        "peak_memory_mb": round(cost.peak_memory_bytes / _MIB),
    }
    if rows:
        figures["rows_per_second"] = round(rows / max(cost.seconds, 0.001))
    prefix = "step_" if len(stored) > 1 else ""
    return {f"{prefix}{name}": rounded(figure) for name, figure in figures.items()}


def arranged(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata in the order and in the digits in which people read it.

    First the rows, then what the body tells, a preview, the size and the place. The UI keeps the
    order.
    """
    first = [name for name in ROWS if name in metadata]
    last = [name for name in _LAST if name in metadata]
    told = [name for name in metadata if name not in {*first, *last}]
    return {name: rounded(metadata[name]) for name in (*first, *told, *last)}


def in_units(figures: Mapping[str, Any], **units: Collection[str]) -> dict[str, Any]:
    """Figures whose names tell their units: ``usd=["min_price"]`` gives ``min_price_usd``."""
    unit_of = {name: unit for unit, names in units.items() for name in names}
    return {
        f"{name}_{unit_of[name]}" if name in unit_of else name: figure
        for name, figure in figures.items()
    }


def rounded(value: Any) -> Any:
    """A figure in as many digits as people read, and so all figures of a list or of JSON."""
    match value:
        case JsonMetadataValue():
            return MetadataValue.json(rounded(value.data))
        case dict():
            return {name: rounded(each) for name, each in value.items()}
        case list():
            return [rounded(each) for each in value]
        case float():
            return float(_digits(value).replace(",", ""))
    return value


def _digits(value: float) -> str:
    """Two decimals, as of cents; of what is below one, such as a share, four digits."""
    return f"{value:.4g}" if abs(value) < 1 else f"{value:,.2f}"


def _rows(stored: Iterable[Mapping[str, Any]]) -> Iterable[int]:
    for each in stored:
        # What is kept of a former run is stored too, but took no time.
        counted = (ROWS_READ,) if ROWS_READ in each else ROWS
        yield from (int(each[name]) for name in counted if name in each)


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


def shown(
    frame: pd.DataFrame, empty: str = "No rows.", width: int = _PREVIEW_WIDTH
) -> MetadataValue:
    """A small pandas frame as a table of the UI: thousands separators, nulls empty; else words."""
    if frame.empty:
        return MetadataValue.md(empty)
    rows = [[_figure(value) for value in row] for row in frame.itertuples(index=False)]
    return MetadataValue.md(markdown_table(list(frame.columns), rows, width))


def _figure(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else ""
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return _digits(float(value))
    return str(value)


def _cell(value: Any, width: int) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return as_cell(text if len(text) <= width else text[: width - 1] + "…")


def sizes(of: str, customers: Mapping[str, int]) -> dict[str, Any]:
    """Customers of each group: one table to read, and one share each for the charts.

    Args:
        of: a group, such as ``segment``.
        customers: by name of the group, in the order in which people read them.
    """
    total = max(sum(customers.values()), 1)
    shares = {name: n / total for name, n in customers.items()}
    rows = [[name, f"{n:,}", share(shares[name])] for name, n in customers.items()]
    return {
        f"{of}s": MetadataValue.md(markdown_table([of, "customers", "share"], rows)),
        **{f"share_{name}": each for name, each in shares.items()},
    }


def dropped(reasons: Mapping[str, int]) -> dict[str, Any]:
    """Rows dropped by reason: one table to read, and one number each for the charts."""
    table = markdown_table(["reason", "rows"], [[k, f"{v:,}"] for k, v in reasons.items()])
    return {
        "rows_dropped": MetadataValue.md(table),
        **{f"dropped_{reason}": rows for reason, rows in reasons.items()},
    }
