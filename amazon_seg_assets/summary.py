"""The table of segments that a headless run ends with."""

from rich.markup import escape
from rich.table import Table

from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.small_tables import read_small
from amazon_seg_assets.tables.customers import SEGMENT_SUMMARY
from amazon_seg_assets.transforms.summary import by_segment


def segment_table(store: Store, snapshot: str) -> Table:
    """Segments of a snapshot: customers, share, mean RFM."""
    segments = by_segment(read_small(store, SEGMENT_SUMMARY, snapshot))
    customers = int(segments["customers"].sum())
    table = Table(title=f"{store.category}, snapshot {snapshot}: {customers:,} customers")
    table.add_column("Segment")
    for heading in ("Customers", "Share", "Recency (days)", "Reviews", "Spend (USD)"):
        table.add_column(heading, justify="right")
    for row in segments.itertuples(index=False):
        table.add_row(
            escape(row.segment),
            f"{row.customers:,}",
            f"{row.share:.1%}",
            f"{row.recency:,.0f}",
            f"{row.frequency:,.2f}",
            f"{row.monetary:,.2f}",
        )
    return table
