"""Segments and clusters at a glance: customers, money, and how the scores cut them."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.colors import Normalize, to_hex
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.features import SCORES
from amazon_seg_assets.formats import count, cut_name, money, share, short
from amazon_seg_assets.plots import marks, style
from amazon_seg_assets.plots.style import Picture, Scope, house_style

_LABEL_WIDTH = 42
"""Characters of a cluster's label."""


def cluster_shares(clusters: pd.DataFrame, scope: Scope) -> Picture:
    """Share of customers in each cluster, as a ring in the clusters' order.

    ``clusters`` has a row per cluster, with ``cluster``, ``cluster_label`` and ``customers``.
    """
    title = "Share of customers by K-Means cluster"
    if clusters["customers"].sum() == 0:
        return style.empty_picture(title, scope.caption())
    ordered = clusters.sort_values("cluster")
    return marks.ring(
        title,
        scope.caption(),
        [cut_name(label, _LABEL_WIDTH) for label in ordered["cluster_label"]],
        ordered["customers"].tolist(),
        [style.cluster_colour(cluster) for cluster in ordered["cluster"]],
    )


@house_style()
def segment_counts(segments: pd.DataFrame, colours: Mapping[str, str], scope: Scope) -> Picture:
    """Customers of each segment, the largest first.

    ``segments`` has a row per segment, with ``segment`` and ``customers``.
    """
    title = "Customers by RFM segment"
    total = segments["customers"].sum()
    if total == 0:
        return style.empty_picture(title, scope.caption())
    ordered, names, shades = _descending(segments, "customers", colours)
    texts = [f"{count(number)} ({share(number / total)})" for number in ordered["customers"]]
    figure = style.new_figure(title, scope.caption(), height=marks.bars_height(len(names)))
    axes = figure.subplots()
    marks.labelled_bars(axes, names, ordered["customers"].tolist(), texts, shades)
    style.count_axis(axes.xaxis, "Customers")
    marks.make_room_for_labels(axes)
    parts = "; ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
    return Picture(figure, f"{title}, the largest first. {scope.caption()}. {parts}.")


def segment_shares(segments: pd.DataFrame, colours: Mapping[str, str], scope: Scope) -> Picture:
    """Share of customers in each segment, as a ring.

    ``segments`` has a row per segment, with ``segment`` and ``customers``.
    """
    title = "Share of customers by RFM segment"
    if segments["customers"].sum() == 0:
        return style.empty_picture(title, scope.caption())
    ordered, names, shades = _descending(segments, "customers", colours)
    return marks.ring(title, scope.caption(), names, ordered["customers"].tolist(), shades)


@house_style()
def segment_money(segments: pd.DataFrame, colours: Mapping[str, str], scope: Scope) -> Picture:
    """Mean and total monetary value by segment, side by side, the highest mean first.

    ``segments`` has a row per segment, with ``segment``, ``customers``, ``mean_monetary`` (USD a
    customer; null where there are none) and ``total_monetary`` (USD).
    """
    title = "Monetary value by RFM segment"
    if segments["customers"].sum() == 0:
        return style.empty_picture(title, scope.caption())
    ordered, names, shades = _descending(segments, "mean_monetary", colours)
    total = ordered["total_monetary"].sum() or float("nan")
    means = [money(mean) for mean in ordered["mean_monetary"]]
    sums = [f"{money(amount)} ({share(amount / total)})" for amount in ordered["total_monetary"]]
    height = marks.bars_height(len(names)) + 0.2
    figure = style.new_figure(title, scope.caption(), width=11, height=height)
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, column, texts, heading in (
        (left, "mean_monetary", means, "Mean per customer"),
        (right, "total_monetary", sums, "Total (share of all)"),
    ):
        marks.labelled_bars(axes, names, ordered[column].fillna(0).tolist(), texts, shades)
        axes.set_title(heading)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=style.ROUND_STEPS))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${short(value)}"))
        axes.set_xlabel("USD")
    right.tick_params(labelleft=False)
    for axes in (left, right):
        marks.make_room_for_labels(axes)
    parts = "; ".join(
        f"{name} mean {mean}, total {amount}"
        for name, mean, amount in zip(names, means, sums, strict=True)
    )
    return Picture(figure, f"{title}, the highest mean first. {scope.caption()}. {parts}.")


def _descending(
    segments: pd.DataFrame, column: str, colours: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The segments with the largest of a column first; their names, cut, and their colours."""
    ordered = segments.sort_values([column, "segment"], ascending=[False, True])
    names = [cut_name(name, marks.NAME_WIDTH) for name in ordered["segment"]]
    return ordered, names, [colours[name] for name in ordered["segment"]]


@house_style()
def rfm_heatmap(cells: pd.DataFrame, scope: Scope) -> Picture:
    """Customers by recency score and by frequency and monetary score together.

    Colour and first line of a cell: share of customers; second line: mean monetary value. ``cells``
    has a row per cell with customers: ``r_score`` and ``fm_score`` (1 to 5), ``customers`` and
    ``mean_monetary`` (USD).
    """
    title = "Customers by recency (R) and frequency-monetary (FM) score"
    total = cells["customers"].sum()
    if total == 0:
        return style.empty_picture(title, scope.caption())
    shares = cells.pivot(index="r_score", columns="fm_score", values="customers") / total
    grid = shares.reindex(index=SCORES, columns=SCORES)
    norm = Normalize(0, grid.max().max())
    note = "In the cells: share of customers, and their mean monetary value"
    figure = style.new_figure(title, scope.caption(), width=8, height=6.6, note=note)
    axes = figure.subplots()
    edges = [score - 0.5 for score in (*SCORES, SCORES[-1] + 1)]
    mesh = axes.pcolormesh(
        edges, edges, grid.where(grid > 0).to_numpy(), cmap=style.DENSITY, norm=norm,
        edgecolors="white", linewidth=2,
    )  # fmt: skip
    texts = {(r, fm): ("none", style.FAINT) for r in SCORES for fm in SCORES}
    parts = []
    ordered = cells[cells["customers"] > 0].sort_values("customers", ascending=False, kind="stable")
    for cell in ordered.itertuples():
        of_all, mean = cell.customers / total, money(cell.mean_monetary)
        shade = style.text_colour(to_hex(style.DENSITY(norm(of_all))))
        texts[cell.r_score, cell.fm_score] = (f"{share(of_all)}\n{mean}", shade)
        parts.append(f"R {cell.r_score} and FM {cell.fm_score} {share(of_all)}, mean {mean}")
    for (r_score, fm_score), (text, shade) in texts.items():
        axes.text(fm_score, r_score, text, ha="center", va="center", color=shade)
    axes.set_facecolor("#F5F5F5")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set(xticks=SCORES, yticks=SCORES)
    axes.set_xlabel("FM score (5: most often and for most)")
    axes.set_ylabel("R score (5: most recent)")
    bar = figure.colorbar(mesh, ax=axes, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: share(value)))
    told = "; ".join(parts)
    return Picture(figure, f"{title}, the fullest cells first. {scope.caption()}. {told}.")
