"""The sweep of k, and the clusters: their profiles, and where their customers are."""

from collections.abc import Callable, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from amazon_seg_assets.features import CENTERS
from amazon_seg_assets.formats import MISSING, counted, cut_name, share, short
from amazon_seg_assets.plots import style
from amazon_seg_assets.plots.features import FEATURES, Feature
from amazon_seg_assets.plots.marks import label_points, name_rows
from amazon_seg_assets.plots.style import Picture, Scope, house_style
from amazon_seg_assets.stages.clusters.choice_of_k import best_silhouette

_LABEL_WIDTH, _HEADING_WIDTH = 42, 34
"""Characters of a cluster's label, and of a line of a panel's heading."""
_LEAST_WIDTH = 7.5
"""Inches that a caption needs."""
_FEWEST_BINS = 4
"""A linear or logarithmic axis spans at least so many bins, so that it has ticks."""
_MOST_NAMES = 12
"""Names of bins on an axis of bins; of long ones there are fewer where they stand side by side."""
_MOST_TICKS = 16
"""An axis of k has a tick for each k up to so many."""
_BAR, _BELOW = 0.46, 0.36
"""Height of the bar of a feature, and the place of other clusters below its middle, in rows."""
_DIRECTIONS = ["Recency\n← better", "Frequency\nbetter →", "Monetary\nbetter →"]
"""Features, with the side on which the better customers are."""
_CENTERS = dict(zip(FEATURES, CENTERS, strict=True))


@house_style()
def cluster_profile(clusters: pd.DataFrame, scope: Scope) -> Picture:
    """The standardized center of each cluster as bars, a panel per cluster, the others in grey.

    ``clusters`` has a row per cluster, with ``cluster``, ``cluster_label``, ``customers``; the
    means ``recency`` (days), ``frequency`` (reviews), ``monetary`` (USD), which are written; and
    ``recency_center``, ``frequency_log_center``, ``monetary_log_center``, standard deviations from
    the mean of all customers, which are drawn.
    """
    title = "Profiles of the clusters"
    total = clusters["customers"].sum()
    if total == 0:
        return style.empty_picture(title, scope.caption())
    ordered = clusters.sort_values("cluster")
    centers = ordered[list(_CENTERS.values())].to_numpy(dtype=float)
    written = [
        [FEATURES[feature].text(mean) for feature, mean in zip(_CENTERS, row, strict=True)]
        for row in ordered[list(_CENTERS)].to_numpy(dtype=float).tolist()
    ]
    headings = [
        f"{cut_name(label, _LABEL_WIDTH)} ({share(customers / total)})"
        for label, customers in zip(ordered["cluster_label"], ordered["customers"], strict=True)
    ]
    figure, all_axes = _panels(title, scope, len(ordered), height=2.7)
    reach = 1.15 * max(np.abs(centers).max(), 0.5)
    for place, axes in enumerate(all_axes):
        colour = style.cluster_colour(ordered["cluster"].iloc[place])
        _draw_center(axes, centers[place].tolist(), written[place], colour)
        others = np.delete(centers, place, axis=0)
        axes.plot(
            others.ravel(), np.tile(np.arange(3) + _BELOW, len(others)), color=style.MUTED,
            marker="|", markersize=6.5, linestyle="none", zorder=3,
        )  # fmt: skip
        _head(axes, headings[place], colour)
        axes.set_xlim(-reach, reach)
    _label_sides(figure, x="Standard deviations from the mean")
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


def _draw_center(axes: Axes, center: Sequence[float], means: Sequence[str], colour: str) -> None:
    """Draws a bar for each feature, and its mean on the side of zero that the bar leaves free."""
    axes.barh(range(3), center, height=_BAR, color=colour, edgecolor=style.edge(colour))
    axes.axvline(0, color=style.INK, linewidth=1)
    for row, (value, mean) in enumerate(zip(center, means, strict=True)):
        side = -1 if value > 0 else 1
        axes.annotate(
            mean, (0, row), xytext=(5 * side, 0), textcoords="offset points", fontsize=9,
            ha="left" if side > 0 else "right", va="center",
        )  # fmt: skip
    name_rows(axes, _DIRECTIONS)


@house_style()
def cluster_density(bins: pd.DataFrame, x: str, y: str, scope: Scope) -> Picture:
    """Density of each cluster's customers: counts in bins, a panel per cluster, shared scales.

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
    title = f"{x.capitalize()} and {y} by cluster"
    bins = bins[bins["customers"] > 0]
    if bins.empty:
        return style.empty_picture(title, scope.caption())
    clusters = bins.groupby(["cluster", "cluster_label"])["customers"].sum().reset_index()
    total = clusters["customers"].sum()
    x_edges, y_edges = _edges(FEATURES[x], bins["x_bin"]), _edges(FEATURES[y], bins["y_bin"])
    x_places, y_places = _places(FEATURES[x], x_edges), _places(FEATURES[y], y_edges)
    norm = LogNorm(1, max(bins["customers"].max(), 10))
    everybody = np.isfinite(_grid(bins, x_edges, y_edges))
    figure, all_axes = _panels(title, scope, len(clusters), height=3)
    parts = []
    for axes, (_, (cluster, label, customers)) in zip(all_axes, clusters.iterrows(), strict=True):
        members = bins[bins["cluster"] == cluster]
        grid = _grid(members, x_edges, y_edges)
        axes.pcolormesh(
            x_places, y_places, np.where(everybody, 0.5, np.nan), cmap="Greys", vmin=0, vmax=4,
            rasterized=True,
        )  # fmt: skip
        mesh = axes.pcolormesh(
            x_places, y_places, grid, cmap=style.DENSITY, norm=norm, rasterized=True
        )
        name = cut_name(label, _LABEL_WIDTH)
        _head(axes, f"{name} ({share(customers / total)})", style.cluster_colour(cluster))
        _scale(axes, axes.xaxis, FEATURES[x], x_edges)
        _scale(axes, axes.yaxis, FEATURES[y], y_edges)
        parts.append(
            f"{name} {counted(customers, 'customer')}, the median one at "
            f"{_median(members, 'x_bin', FEATURES[x])} and {_median(members, 'y_bin', FEATURES[y])}"
        )
    _label_sides(figure, FEATURES[x].label, FEATURES[y].label)
    bar = figure.colorbar(
        mesh, ax=all_axes, label="Customers per cell", format=FuncFormatter(lambda n, _: short(n))
    )
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    return Picture(figure, f"{title}, as densities. {scope.caption()}. {'; '.join(parts)}.")


def _panels(title: str, scope: Scope, number: int, height: float) -> tuple[Figure, list[Axes]]:
    """Small multiples with shared axes, one a cluster, as near to a square as reads well."""
    columns = number if number <= 3 else 2 if number == 4 else 3 if number <= 9 else 4
    rows = -(-number // columns)
    figure = style.new_figure(
        title, scope.caption(), max(3.7 * columns + 1.5, _LEAST_WIDTH), height * rows + 1.7,
        note="Grey: other clusters" if number > 1 else "The only cluster",
    )  # fmt: skip
    figure.get_layout_engine().set(h_pad=0.08)  # type: ignore[union-attr, call-arg]
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for spare in grid.flat[number:]:
        spare.set_axis_off()
    for above in grid.flat[max(0, number - columns) : number]:
        above.tick_params(labelbottom=True)
    return figure, list(grid.flat[:number])


def _head(axes: Axes, heading: str, colour: str) -> None:
    """Titles a panel, with the cluster's colour as a line below the title."""
    axes.set_title(fill(heading, _HEADING_WIDTH))
    axes.spines["top"].set(visible=True, color=style.edge(colour), linewidth=3)


def _label_sides(figure: Figure, x: str = "", y: str = "") -> None:
    """Labels the shared axes once, in the middle of all panels."""
    middle = (1 - (style.HEAD + style.NOTE) / figure.get_figheight()) / 2
    figure.supxlabel(x, fontsize=10)
    figure.supylabel(y, y=middle, fontsize=10)


def _edges(feature: Feature, lefts: pd.Series) -> np.ndarray:
    """The feature's edges, from the first bin with customers to the last."""
    places = [feature.place(left) for left in lefts.unique()]
    start, stop = min(places), max(places) + 2
    while feature.scale != "bins" and stop - start <= _FEWEST_BINS:
        start, stop = max(start - 1, 0), min(stop + 1, len(feature.edges))
    return np.array(feature.edges[start:stop], dtype=float)


def _places(feature: Feature, edges: np.ndarray) -> np.ndarray:
    """Places of the edges on the feature's axis; one of bins has these at 0, 1 and so on."""
    return np.arange(len(edges)) - 0.5 if feature.scale == "bins" else edges


def _grid(bins: pd.DataFrame, x_edges: np.ndarray, y_edges: np.ndarray) -> np.ndarray:
    """Customers in each bin, rows by y and columns by x; NaN where there are none."""
    return (
        bins.pivot_table(index="y_bin", columns="x_bin", values="customers", aggfunc="sum")
        .reindex(index=y_edges[:-1], columns=x_edges[:-1])
        .to_numpy(dtype=float)
    )


def _scale(axes: Axes, axis: XAxis | YAxis, feature: Feature, edges: np.ndarray) -> None:
    """Gives an axis the scale of its feature, with plain numbers on it."""
    if feature.scale == "bins":
        _name_bins(axes, axis, [feature.bin_text(left, "–") for left in edges[:-1]])
        return
    if feature.scale == "log":
        axes.set(**{f"{axis.axis_name}scale": "log"})
        is_short = edges[-1] < 100 * edges[0]
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if is_short else (1,), numticks=6))
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda value, _: feature.tick(value)))


def _name_bins(axes: Axes, axis: XAxis | YAxis, names: Sequence[str]) -> None:
    """Gives each bin a tick in its middle, and as many of them a name as there is room for."""
    room = _MOST_NAMES if axis is axes.yaxis else _MOST_NAMES * 3 // max(map(len, names[-2:]))
    step = -(-len(names) // min(room, _MOST_NAMES))
    axis.set_ticks(range(0, len(names), step), names[::step], fontsize=9)
    axis.set_ticks(range(len(names)), minor=True)
    axis.grid(visible=False)


def _median(bins: pd.DataFrame, column: str, feature: Feature) -> str:
    """The bin that holds the median customer, in words."""
    counts = bins.groupby(column)["customers"].sum().sort_index().cumsum()
    left = counts.index[int((counts >= counts.iloc[-1] / 2).to_numpy().argmax())]
    return f"{feature.name} {feature.bin_text(left)}"


@house_style()
def elbow(sweep: pd.DataFrame, scope: Scope) -> Picture:
    """WCSS by k.

    ``sweep`` has a row per k, with ``k``, ``wcss`` (on standardized features) and ``chosen``.
    """
    title = "Elbow: within-cluster sum of squares (WCSS) by k"
    sweep = sweep.sort_values("k")
    if sweep.empty:
        return style.empty_picture(title, scope.caption(), "no k was tried")
    figure = style.new_figure(title, scope.caption())
    axes = figure.subplots()
    chosen = _mark_chosen(axes, sweep, "wcss")
    _curve(axes, sweep, "wcss", _told(sweep, chosen), chosen, short)
    if chosen:
        figure.legend(loc="outside lower center")
    _frame(axes, sweep["k"].tolist(), sweep["wcss"].tolist(), "WCSS")
    figures = _figures(sweep, "wcss", short)
    return Picture(figure, f"{title}. {scope.caption()}. {figures}. {_choice(chosen)}.")


@house_style()
def silhouette(sweep: pd.DataFrame, tolerance: float, scope: Scope) -> Picture:
    """Mean silhouette by k, by squared and by plain Euclidean distance.

    The choice of k goes by the squared one: its best is marked, and the band below it in which the
    knee of WCSS is taken.

    Args:
        sweep: a row per k, with ``k``, ``silhouette`` (by squared distance) and
            ``silhouette_plain`` (-1 to 1, null where they are not defined), and ``chosen``.
        tolerance: how far below the best the knee may be.
        scope: for the caption.
    """
    title = "Mean silhouette by k"
    sweep = sweep.sort_values("k")
    if sweep["silhouette"].isna().all():
        what = "the silhouette is not defined for any k" if len(sweep) else "no k was tried"
        return style.empty_picture(title, scope.caption(), what)
    figure = style.new_figure(title, scope.caption(), height=5.8)
    axes = figure.subplots()
    best, highest = best_silhouette(sweep), float(sweep["silhouette"].max())
    axes.axhspan(
        highest - tolerance, highest, facecolor=style.BAND, edgecolor=style.RULE, zorder=0.5,
        label=f"up to {tolerance:g} below the best: the knee of WCSS is taken",
    )  # fmt: skip
    chosen = _mark_chosen(axes, sweep, "silhouette")
    axes.plot(
        [best], [highest], marker="D", markersize=9, color=style.ACCENT, linestyle="none",
        zorder=3, label=f"best by squared distance: k = {best}",
    )  # fmt: skip
    marked = sorted({*chosen, best})
    told = _told(sweep, marked)
    _curve(axes, sweep, "silhouette", told, chosen, _decimals, label="by squared distance")
    _curve(
        axes, sweep, "silhouette_plain", marked, chosen, _decimals, label="by plain distance",
        is_lower=True,
    )  # fmt: skip
    figure.legend(loc="outside lower center", ncols=2)
    values = sweep[["silhouette", "silhouette_plain"]].to_numpy(float).ravel()
    _frame(axes, sweep["k"].tolist(), [highest - tolerance, *values], "Mean silhouette")
    squared = _figures(sweep, "silhouette", _decimals)
    plain = _figures(sweep, "silhouette_plain", _decimals)
    return Picture(
        figure,
        f"{title}. {scope.caption()}. By squared distance: {squared}. By plain distance: {plain}. "
        f"Best by squared distance: k = {best}; the knee of WCSS is taken from "
        f"{_decimals(highest - tolerance)} up, which is {tolerance:g} below. {_choice(chosen)}.",
    )


def _mark_chosen(axes: Axes, sweep: pd.DataFrame, column: str) -> list[int]:
    """Marks the chosen k by a line, and by a ring where ``column`` has a value; tells it."""
    rows = sweep[sweep["chosen"].astype(bool)]
    for k, value in zip(rows["k"], rows[column], strict=True):
        axes.axvline(k, color=style.MUTED, linestyle="--", linewidth=1.2, zorder=1)
        axes.plot(
            [k], [value], marker="o", markersize=15, markerfacecolor="none",
            markeredgecolor=style.INK, markeredgewidth=1.6, linestyle="none", zorder=3,
            label=f"chosen: k = {k}",
        )  # fmt: skip
    return rows["k"].tolist()


def _told(sweep: pd.DataFrame, marked: Sequence[int]) -> Sequence[int]:
    """The k whose values are written: labels of many points would cover each other."""
    ks = sweep["k"].tolist()
    return ks if len(ks) <= _MOST_TICKS else [ks[0], *marked, ks[-1]]


def _curve(
    axes: Axes,
    sweep: pd.DataFrame,
    column: str,
    told: Sequence[int],
    chosen: Sequence[int],
    text: Callable[[float], str],
    label: str = "",
    is_lower: bool = False,
) -> None:
    """Draws a column by k, without what is not defined, and writes the values of some k."""
    color = style.MUTED if is_lower else style.ACCENT
    curve = sweep.dropna(subset=column)
    ks, values = curve["k"].tolist(), curve[column].astype(float).tolist()
    axes.plot(ks, values, color=color, marker="o", linewidth=2, label=label)
    texts = [text(value) if k in told else "" for k, value in zip(ks, values, strict=True)]
    label_points(axes, ks, values, texts, chosen, is_lower)


def _frame(axes: Axes, ks: Sequence[int], values: Sequence[float], label: str) -> None:
    """Labels the axes, and gives all points and their texts room."""
    axes.set(xlabel="k (number of clusters)", ylabel=label)
    if len(ks) <= _MOST_TICKS:
        axes.set_xticks(ks)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=_MOST_TICKS, integer=True))
    room = 0.07 * (ks[-1] - ks[0]) or 0.5
    axes.set_xlim(ks[0] - room, ks[-1] + room)
    low, high = np.nanmin([0.0, *values]), np.nanmax([0.0, *values])
    reach = high - low if high - low > 1e-6 else 1.0
    axes.set_ylim(low - (0.12 * reach if low < 0 else 0), high + 0.16 * reach)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def _figures(sweep: pd.DataFrame, column: str, text: Callable[[float], str]) -> str:
    """The values of a column by k, as a text."""
    return ", ".join(
        f"k = {k}: {MISSING if pd.isna(value) else text(value)}"
        for k, value in zip(sweep["k"], sweep[column], strict=True)
    )


def _choice(chosen: Sequence[int]) -> str:
    return f"Chosen: {', '.join(f'k = {k}' for k in chosen) or 'none'}"


def _decimals(value: float) -> str:
    return f"{value:.3f}"
