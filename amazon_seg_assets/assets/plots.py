"""The plots of a snapshot: PNG and SVG files, shown in the UI."""

import base64
from collections.abc import Callable
from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition, MetadataValue

from amazon_seg_assets.assets.declaration import artifact_spec, seg_asset
from amazon_seg_assets.plots import clusters, segments, sweep
from amazon_seg_assets.plots.render import to_png, to_svg
from amazon_seg_assets.plots.style import Picture, Scope
from amazon_seg_assets.resources import StoreResource
from amazon_seg_assets.storage.footers import read_stats
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.small_tables import read_small
from amazon_seg_assets.tables.customers import K_SWEEP, RFM_FEATURES, SEGMENT_SUMMARY
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.transforms.summary import by_cluster, by_segment

Draw = Callable[[Store, str], Picture]


def plot_asset(name: str, description: str, table: Table, draw: Draw) -> AssetsDefinition:
    """An asset that draws one picture from one small table."""
    spec = artifact_spec(
        name,
        description=description,
        group="plots",
        kinds={"matplotlib"},
        deps=[table.name, RFM_FEATURES.name],
    )

    def plot(context: AssetExecutionContext, storage: StoreResource) -> None:
        for snapshot in context.partition_keys:
            picture = draw(storage.store, snapshot)
            metadata = store_picture(storage.store, name, snapshot, picture)
            context.add_asset_metadata(metadata, partition_key=snapshot)

    asset: AssetsDefinition = seg_asset(spec)(plot)
    return asset


def store_picture(store: Store, name: str, snapshot: str, picture: Picture) -> dict[str, Any]:
    """Writes a picture as PNG and SVG; returns metadata that shows it in the UI."""
    png = to_png(picture.figure)
    with store.replacing(name, [snapshot]) as folder:
        target = folder / month_folder(snapshot)
        target.mkdir()
        (target / f"{name}.png").write_bytes(png)
        (target / f"{name}.svg").write_bytes(to_svg(picture.figure))
        (target / f"{name}.txt").write_text(picture.alt + "\n")
    data = base64.b64encode(png).decode()
    return {
        "plot": MetadataValue.md(f"![{picture.alt}](data:image/png;base64,{data})"),
        "alternative_text": picture.alt,
        "dagster/uri": MetadataValue.path(str(store.path(name, snapshot) / f"{name}.png")),
        "bytes": len(png),
    }


def scope_of(store: Store, snapshot: str) -> Scope:
    """The customers of a snapshot, for captions."""
    return Scope(snapshot, read_stats(store.path(RFM_FEATURES.name, snapshot)).rows)


def _elbow(store: Store, snapshot: str) -> Picture:
    return sweep.elbow(read_small(store, K_SWEEP, snapshot), scope_of(store, snapshot))


def _silhouette(store: Store, snapshot: str) -> Picture:
    return sweep.silhouette(read_small(store, K_SWEEP, snapshot), scope_of(store, snapshot))


def _cluster_shares(store: Store, snapshot: str) -> Picture:
    table = read_small(store, SEGMENT_SUMMARY, snapshot)
    return clusters.cluster_shares(by_cluster(table), scope_of(store, snapshot))


def _segment_counts(store: Store, snapshot: str) -> Picture:
    table = by_segment(read_small(store, SEGMENT_SUMMARY, snapshot))
    return segments.segment_counts(table, scope_of(store, snapshot))


elbow_plot = plot_asset("elbow_plot", "WCSS by k, the chosen k marked.", K_SWEEP, _elbow)
silhouette_plot = plot_asset(
    "silhouette_plot", "Mean silhouette by k, the chosen k marked.", K_SWEEP, _silhouette
)
cluster_shares_plot = plot_asset(
    "cluster_shares_plot",
    "Share of customers in each K-Means cluster.",
    SEGMENT_SUMMARY,
    _cluster_shares,
)
segment_counts_plot = plot_asset(
    "segment_counts_plot", "Customers of each RFM segment.", SEGMENT_SUMMARY, _segment_counts
)
