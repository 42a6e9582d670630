"""Tables small enough for pandas: written as one file, of a snapshot or at all, and read back."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from amazon_seg_assets.storage.figures import Figures, write_figures
from amazon_seg_assets.storage.footers import Stats, read_stats
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.tables.model import Table


def write_small(
    frame: pd.DataFrame,
    store: Store,
    table: Table,
    month: str | None = None,
    figures: Figures | None = None,
) -> Stats:
    """Replaces a table, or one month of it; raises if the frame does not hold what is declared.

    Args:
        frame: the columns of the table.
        store: where to write.
        table: what to write.
        month: the month to replace; None replaces the whole table.
        figures: facts to keep beside it.
    """
    content = pa.Table.from_pandas(
        frame[table.column_names], table.arrow_schema, preserve_index=False
    )
    with store.replacing(table.name, None if month is None else [month]) as folder:
        target = folder if month is None else folder / month_folder(month)
        target.mkdir(exist_ok=True)
        pq.write_table(content, target / "part-0.zstd.parquet", compression="zstd")
        write_figures(target, figures or {})
        return read_stats(target)


def read_small(store: Store, table: Table, month: str | None = None) -> pd.DataFrame:
    """A small table, or one month of it.

    Raises:
        InputError: it has not been materialized.
    """
    store.require(table.name, None if month is None else [month])
    folder = UPath(store.path(table.name, month))
    return pq.read_table(folder.path, filesystem=folder.fs, partitioning=None).to_pandas()
