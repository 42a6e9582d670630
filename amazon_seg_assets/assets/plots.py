"""The plots of a snapshot: PNG and SVG files, shown in the UI."""

import base64
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dagster import AssetExecutionContext, AssetsDefinition, MetadataValue

from amazon_seg_assets.assets.declaration import artifact_spec, seg_asset
from amazon_seg_assets.locations import url_of
from amazon_seg_assets.plots import clusters, exploration, segments, sweep, treemap
from amazon_seg_assets.plots.picture import Picture
from amazon_seg_assets.plots.render import to_png, to_svg
from amazon_seg_assets.plots.style import Scope
from amazon_seg_assets.resources import StoreResource
from amazon_seg_assets.storage.figures import read_figures
from amazon_seg_assets.storage.footers import read_stats
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.small_tables import read_small
from amazon_seg_assets.tables.customers import (
    CLUSTER_CENTERS,
    K_SWEEP,
    RFM_FEATURES,
    SEGMENT_SUMMARY,
)
from amazon_seg_assets.tables.densities import CLUSTER_DENSITY, RFM_HISTOGRAMS
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.transforms import summary

Draw = Callable[[Store, str, Scope], Picture]


def plot_asset(
    name: str, description: str, tables: Sequence[Table], draw: Draw
) -> AssetsDefinition:
    """An asset that draws one picture from small tables."""
    deps = dict.fromkeys([*(table.name for table in tables), RFM_FEATURES.name])
    spec = artifact_spec(
        name, description=description, group="plots", kinds={"matplotlib"}, deps=list(deps)
    )

    def plot(context: AssetExecutionContext, storage: StoreResource) -> None:
        store = storage.store
        for snapshot in context.partition_keys:
            picture = draw(store, snapshot, scope_of(store, snapshot))
            metadata = store_picture(store, name, snapshot, picture)
            context.add_asset_metadata(metadata, partition_key=snapshot)

    asset: AssetsDefinition = seg_asset(spec, source=draw)(plot)
    return asset


def store_picture(
    store: Store, name: str, snapshot: str | None, picture: Picture
) -> dict[str, Any]:
    """Writes a picture, of a snapshot or at all, as PNG and SVG; returns metadata that shows it."""
    png = to_png(picture.figure)
    with store.replacing(name, None if snapshot is None else [snapshot]) as folder:
        target = folder if snapshot is None else folder / month_folder(snapshot)
        target.mkdir(exist_ok=True)
        (target / f"{name}.png").write_bytes(png)
        (target / f"{name}.svg").write_bytes(to_svg(picture.figure))
        (target / f"{name}.txt").write_text(picture.alt + "\n", encoding="utf-8")
    data = base64.b64encode(png).decode()
    return {
        "plot": MetadataValue.md(f"![{_plain(picture.alt)}](data:image/png;base64,{data})"),
        "alternative_text": picture.alt,
        "dagster/uri": MetadataValue.path(url_of(store.path(name, snapshot) / f"{name}.png")),
        "bytes": len(png),
    }


def _plain(text: str) -> str:
    """Text that Markdown takes as it is, also with names of products in it."""
    return re.sub(r"([\\\[\]`<&])", r"\\\1", " ".join(text.split()))


def scope_of(store: Store, snapshot: str) -> Scope:
    """The customers of a snapshot, for captions."""
    store.require(RFM_FEATURES.name, [snapshot])
    return Scope(snapshot, read_stats(store.path(RFM_FEATURES.name, snapshot)).rows)


def _elbow(store: Store, snapshot: str, scope: Scope) -> Picture:
    return sweep.elbow(read_small(store, K_SWEEP, snapshot), scope)


def _silhouette(store: Store, snapshot: str, scope: Scope) -> Picture:
    return sweep.silhouette(read_small(store, K_SWEEP, snapshot), scope)


def _distributions(store: Store, snapshot: str, scope: Scope) -> Picture:
    skewness = {
        name.removeprefix("skewness_"): figure
        for name, figure in read_figures(store, RFM_FEATURES.name, snapshot).items()
        if name.startswith("skewness_")
    }
    return exploration.distributions(read_small(store, RFM_HISTOGRAMS, snapshot), skewness, scope)


def _cluster_shares(store: Store, snapshot: str, scope: Scope) -> Picture:
    table = summary.by_cluster(read_small(store, SEGMENT_SUMMARY, snapshot))
    return clusters.cluster_shares(table, scope)


def _cluster_profile(store: Store, snapshot: str, scope: Scope) -> Picture:
    table = summary.clusters_of_chosen_k(
        read_small(store, K_SWEEP, snapshot), read_small(store, CLUSTER_CENTERS, snapshot)
    )
    return clusters.cluster_profile(table, scope)


def _cluster_density(store: Store, snapshot: str, scope: Scope, x: str, y: str) -> Picture:
    keys = {f"{x}_bin": "x_bin", f"{y}_bin": "y_bin"}
    table = read_small(store, CLUSTER_DENSITY, snapshot)
    counted = table.groupby(["cluster", "cluster_label", *keys], as_index=False)["customers"].sum()
    return clusters.cluster_density(counted.rename(columns=keys), x, y, scope)


def _segment_counts(store: Store, snapshot: str, scope: Scope) -> Picture:
    table = summary.by_segment(read_small(store, SEGMENT_SUMMARY, snapshot))
    return segments.segment_counts(table, scope)


def _segment_shares(store: Store, snapshot: str, scope: Scope) -> Picture:
    table = summary.by_segment(read_small(store, SEGMENT_SUMMARY, snapshot))
    return segments.segment_shares(table, scope)


def _segment_money(store: Store, snapshot: str, scope: Scope) -> Picture:
    table = summary.by_segment(read_small(store, SEGMENT_SUMMARY, snapshot))
    return segments.segment_money(table.rename(columns={"monetary": "mean_monetary"}), scope)


def _segment_treemap(store: Store, snapshot: str, scope: Scope) -> Picture:
    table = summary.by_cluster_and_segment(read_small(store, SEGMENT_SUMMARY, snapshot))
    return treemap.segment_treemap(table, scope)


def _rfm_heatmap(store: Store, snapshot: str, scope: Scope) -> Picture:
    table = summary.by_cell(read_small(store, SEGMENT_SUMMARY, snapshot))
    return segments.rfm_heatmap(table.rename(columns={"monetary": "mean_monetary"}), scope)


elbow_plot = plot_asset(
    "elbow_plot",
    "Within-cluster sum of squares (WCSS) by k, the chosen k marked. Its knee is found by Kneedle "
    "(Satopää et al., 2011).",
    [K_SWEEP],
    _elbow,
)
silhouette_plot = plot_asset(
    "silhouette_plot",
    "Mean silhouette (Rousseeuw, 1987) by k, by squared Euclidean distance, the chosen k marked.",
    [K_SWEEP],
    _silhouette,
)
rfm_distributions_plot = plot_asset(
    "rfm_distributions_plot",
    "Histograms of recency, frequency and monetary value before and after the transformation.",
    [RFM_HISTOGRAMS],
    _distributions,
)
cluster_shares_plot = plot_asset(
    "cluster_shares_plot",
    "Share of customers in each K-Means cluster.",
    [SEGMENT_SUMMARY],
    _cluster_shares,
)
cluster_profile_plot = plot_asset(
    "cluster_profile_plot",
    "The standardized center of each cluster, with its means.",
    [K_SWEEP, CLUSTER_CENTERS],
    _cluster_profile,
)
recency_frequency_plot = plot_asset(
    "recency_frequency_plot",
    "Density of customers over recency and frequency, a panel per cluster.",
    [CLUSTER_DENSITY],
    partial(_cluster_density, x="recency", y="frequency"),
)
recency_monetary_plot = plot_asset(
    "recency_monetary_plot",
    "Density of customers over recency and monetary value, a panel per cluster.",
    [CLUSTER_DENSITY],
    partial(_cluster_density, x="recency", y="monetary"),
)
frequency_monetary_plot = plot_asset(
    "frequency_monetary_plot",
    "Density of customers over frequency and monetary value, a panel per cluster.",
    [CLUSTER_DENSITY],
    partial(_cluster_density, x="frequency", y="monetary"),
)
segment_counts_plot = plot_asset(
    "segment_counts_plot", "Customers of each RFM segment.", [SEGMENT_SUMMARY], _segment_counts
)
segment_shares_plot = plot_asset(
    "segment_shares_plot",
    "Share of customers in each RFM segment.",
    [SEGMENT_SUMMARY],
    _segment_shares,
)
segment_money_plot = plot_asset(
    "segment_money_plot",
    "Mean and total monetary value of each RFM segment.",
    [SEGMENT_SUMMARY],
    _segment_money,
)
segment_treemap_plot = plot_asset(
    "segment_treemap_plot",
    "RFM segments inside the K-Means clusters, as areas.",
    [SEGMENT_SUMMARY],
    _segment_treemap,
)
rfm_heatmap_plot = plot_asset(
    "rfm_heatmap_plot",
    "Share of customers and mean monetary value by recency score and by frequency and monetary "
    "score together.",
    [SEGMENT_SUMMARY],
    _rfm_heatmap,
)
