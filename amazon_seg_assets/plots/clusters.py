"""The clusters of K-Means: shares, profiles, and where their customers are."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from amazon_seg_assets.formats import counted, cut_name, share, short
from amazon_seg_assets.plots.features import FEATURES, Feature
from amazon_seg_assets.plots.picture import Picture
from amazon_seg_assets.plots.points import label_points
from amazon_seg_assets.plots.ring import ring
from amazon_seg_assets.plots.style import (
    DENSITY,
    HEAD,
    MUTED,
    Scope,
    cluster_colour,
    empty_picture,
    house_style,
    new_figure,
    panels,
)
from amazon_seg_assets.tables.features import CENTERS

_LABEL_WIDTH, _HEADING_WIDTH = 42, 34
"""Characters of a cluster's label, and of a line of a panel's heading."""
_FEWEST_BINS = 12
"""An axis spans at least so many bins, so that it has ticks."""
_CENTERS = dict(zip(FEATURES, CENTERS, strict=True))


def cluster_shares(clusters: pd.DataFrame, scope: Scope) -> Picture:
    """Share of customers in each cluster, as a ring in the clusters' order.

    Args:
        clusters: one row per cluster, with ``cluster``, ``cluster_label`` and ``customers``.
        scope: for the caption.
    """
    title = "Share of customers by K-Means cluster"
    if clusters["customers"].sum() == 0:
        return empty_picture(title, scope.caption(), "no customers")
    ordered = clusters.sort_values("cluster")
    return ring(
        title,
        scope.caption(),
        [cut_name(label, _LABEL_WIDTH) for label in ordered["cluster_label"]],
        ordered["customers"].tolist(),
        [cluster_colour(cluster) for cluster in ordered["cluster"]],
    )


@house_style()
def cluster_profile(clusters: pd.DataFrame, scope: Scope) -> Picture:
    """The standardized center of each cluster, a panel per cluster, the others in grey behind it.

    Args:
        clusters: one row per cluster, with ``cluster``, ``cluster_label``, ``customers``; the means
            ``recency`` (days), ``frequency`` (reviews), ``monetary`` (USD), which are written; and
            ``recency_center``, ``frequency_log_center``, ``monetary_log_center``, standard
            deviations from the mean of all customers, which are drawn.
        scope: for the caption.
    """
    title = "Profiles of the K-Means clusters"
    total = clusters["customers"].sum()
    if total == 0:
        return empty_picture(title, scope.caption(), "no customers")
    ordered = clusters.sort_values("cluster")
    centers = ordered[list(_CENTERS.values())].to_numpy(dtype=float)
    written = [
        [FEATURES[feature].text(mean) for feature, mean in zip(_CENTERS, row, strict=True)]
        for row in ordered[list(_CENTERS)].to_numpy(dtype=float).tolist()
    ]
    headings = [
        _heading(label, customers / total)
        for label, customers in zip(ordered["cluster_label"], ordered["customers"], strict=True)
    ]
    columns = _columns(len(ordered))
    rows = -(-len(ordered) // columns)
    caption = scope.caption() + (" · grey: other clusters" if len(ordered) > 1 else "")
    figure = new_figure(title, caption, width=3.6 * columns + 1.4, height=2.7 * rows + 1.6)
    reach = max(np.abs(centers).max(), 0.5)
    for place, axes in enumerate(panels(figure, len(ordered), columns)):
        colour = cluster_colour(ordered["cluster"].iloc[place])
        axes.axhline(0, color="#999999", linewidth=1, zorder=1)
        axes.plot(range(3), np.delete(centers, place, axis=0).T, color=MUTED, linewidth=1, zorder=2)
        axes.plot(range(3), centers[place], color=colour, linewidth=2.6, marker="o", zorder=3)
        label_points(axes, range(3), centers[place].tolist(), written[place])
        _head(axes, headings[place], colour)
        axes.set_xticks(range(3), ["Recency", "Frequency", "Monetary"])
        axes.set_xlim(-0.45, 2.45)
        axes.set_ylim(-1.4 * reach, 1.4 * reach)
    _label_sides(figure, y="Standard deviations from the mean")
    parts = "; ".join(
        f"{heading} "
        + ", ".join(
            f"{feature} {text} ({center:+.2f} sd)"
            for feature, text, center in zip(_CENTERS, written[place], centers[place], strict=True)
        )
        for place, heading in enumerate(headings)
    )
    return Picture(
        figure,
        f"{title}: mean, and standard deviations from the mean customer (frequency and monetary "
        f"on a log scale). {scope.caption()}. {parts}.",
    )


@house_style()
def cluster_density(bins: pd.DataFrame, x: str, y: str, scope: Scope) -> Picture:
    """Where the customers of each cluster are: counts in bins, a panel per cluster, shared scales.

    Grey marks the bins that any cluster has customers in.

    Args:
        bins: one row for each bin that has customers and cluster, with ``cluster``,
            ``cluster_label``, ``x_bin`` and ``y_bin`` (left edges, of ``FEATURES[x].edges`` and
            ``FEATURES[y].edges``) and ``customers``.
        x: ``recency``, ``frequency`` or ``monetary``.
        y: another one of them.
        scope: for the caption.

    Raises:
        ValueError: a left edge is not one of the feature's.
    """
    title = f"{x.capitalize()} and {y} by K-Means cluster"
    bins = bins[bins["customers"] > 0]
    if bins.empty:
        return empty_picture(title, scope.caption(), "no customers")
    clusters = bins.groupby(["cluster", "cluster_label"])["customers"].sum().reset_index()
    total = clusters["customers"].sum()
    x_edges, y_edges = _edges(FEATURES[x], bins["x_bin"]), _edges(FEATURES[y], bins["y_bin"])
    norm = LogNorm(1, max(bins["customers"].max(), 10))
    everybody = np.isfinite(_grid(bins, x_edges, y_edges))
    columns = _columns(len(clusters))
    rows = -(-len(clusters) // columns)
    caption = scope.caption() + (" · grey: other clusters" if len(clusters) > 1 else "")
    figure = new_figure(title, caption, width=3.7 * columns + 1.6, height=3 * rows + 1.3)
    all_axes = panels(figure, len(clusters), columns)
    parts = []
    for axes, (_, (cluster, label, customers)) in zip(all_axes, clusters.iterrows(), strict=True):
        members = bins[bins["cluster"] == cluster]
        grid = _grid(members, x_edges, y_edges)
        axes.pcolormesh(
            x_edges, y_edges, np.where(everybody, 0.5, np.nan), cmap="Greys", vmin=0, vmax=4,
            rasterized=True,
        )  # fmt: skip
        mesh = axes.pcolormesh(x_edges, y_edges, grid, cmap=DENSITY, norm=norm, rasterized=True)
        _head(axes, _heading(label, customers / total), cluster_colour(cluster))
        _scale(axes, FEATURES[x], FEATURES[y])
        parts.append(
            f"{cut_name(label, _LABEL_WIDTH)} {counted(customers, 'customer')}, the median one at "
            f"{_median(members, 'x_bin', FEATURES[x])} and {_median(members, 'y_bin', FEATURES[y])}"
        )
    _label_sides(figure, FEATURES[x].label, FEATURES[y].label)
    bar = figure.colorbar(
        mesh, ax=all_axes, label="Customers per cell", format=FuncFormatter(lambda n, _: short(n))
    )
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    return Picture(figure, f"{title}, as densities. {scope.caption()}. {'; '.join(parts)}.")


def _columns(number: int) -> int:
    """Columns of so many panels: as near to a square as reads well."""
    return number if number <= 3 else 2 if number == 4 else 3 if number <= 9 else 4


def _heading(label: str, fraction: float) -> str:
    return f"{cut_name(label, _LABEL_WIDTH)} ({share(fraction)})"


def _head(axes: Axes, heading: str, colour: str) -> None:
    """Titles a panel, with the cluster's colour as a line below the title."""
    axes.set_title(fill(heading, _HEADING_WIDTH))
    axes.spines["top"].set(visible=True, color=colour, linewidth=3)


def _label_sides(figure: Figure, x: str = "", y: str = "") -> None:
    """Labels the shared axes once, in the middle of all panels."""
    middle = (1 - HEAD / figure.get_figheight()) / 2
    figure.supxlabel(x, fontsize=10)
    figure.supylabel(y, y=middle, fontsize=10)


def _edges(feature: Feature, lefts: pd.Series) -> np.ndarray:
    """The feature's edges, from the first bin with customers to the last."""
    places = [feature.place(left) for left in lefts.unique()]
    start, stop = min(places), max(places) + 2
    while stop - start <= _FEWEST_BINS:
        start, stop = max(start - 1, 0), min(stop + 1, len(feature.edges))
    return np.array(feature.edges[start:stop], dtype=float)


def _grid(bins: pd.DataFrame, x_edges: np.ndarray, y_edges: np.ndarray) -> np.ndarray:
    """Customers in each bin, rows by y and columns by x; NaN where there are none."""
    return (
        bins.pivot_table(index="y_bin", columns="x_bin", values="customers", aggfunc="sum")
        .reindex(index=y_edges[:-1], columns=x_edges[:-1])
        .to_numpy(dtype=float)
    )


def _scale(axes: Axes, x: Feature, y: Feature) -> None:
    """Gives both axes the scale of their feature, with plain numbers on them."""
    for axis, feature, set_scale in (
        (axes.xaxis, x, axes.set_xscale),
        (axes.yaxis, y, axes.set_yscale),
    ):
        if feature.logarithmic:
            set_scale("log")
            axis.set_major_locator(LogLocator(numticks=6))
            axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(FuncFormatter(lambda value, _, tick=feature.tick: tick(value)))


def _median(bins: pd.DataFrame, column: str, feature: Feature) -> str:
    """The bin that holds the median customer, in words."""
    counts = bins.groupby(column)["customers"].sum().sort_index().cumsum()
    left = counts.index[int((counts >= counts.iloc[-1] / 2).to_numpy().argmax())]
    right = feature.edges[feature.place(left) + 1] - feature.whole
    upto = f" to {feature.tick(right)}" if right > left else ""
    return f"{feature.name} {feature.tick(left)}{upto}"
