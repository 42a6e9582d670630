"""The table of segments that a headless run ends with."""

from rich.markup import escape
from rich.table import Table

from amazon_seg_assets.ingestion.manifest import require_manifest
from amazon_seg_assets.sources.sample import describes_sample
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.small_tables import read_small
from amazon_seg_assets.tables.customers import SEGMENT_SUMMARY
from amazon_seg_assets.tables.raw import RAW_REVIEWS
from amazon_seg_assets.transforms.summary import by_segment


def segment_table(store: Store, snapshot: str) -> Table:
    """Segments of a snapshot: customers, share, mean RFM; says so if the customers are invented.

    Raises:
        InputError: the raw reviews have not been materialized.
    """
    segments = by_segment(read_small(store, SEGMENT_SUMMARY, snapshot))
    customers = int(segments["customers"].sum())
    is_sample = describes_sample(require_manifest(store, RAW_REVIEWS.name).source)
    invented = ", invented (built-in sample)" if is_sample else ""
    table = Table(title=f"{store.category}, snapshot {snapshot}: {customers:,} customers{invented}")
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
