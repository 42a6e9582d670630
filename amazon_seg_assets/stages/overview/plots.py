"""Segments and clusters at a glance: customers, money, and how the scores cut them."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.features import SCORES
from amazon_seg_assets.formats import cut_name, money, share, short
from amazon_seg_assets.plots import marks, style
from amazon_seg_assets.plots.style import Picture, Scope, house_style

_LABEL_WIDTH = 42
"""Characters of a cluster's label."""
_MOST_SLICES = 6
"""Slices of a ring; of more, bars tell more."""
_CELL_NAME, _CELL_WIDTH = 22, 13
"""Characters of a segment's name in a cell, and of a line of it."""


def cluster_shares(clusters: pd.DataFrame, scope: Scope) -> Picture:
    """Share of customers in each cluster, as a ring; of many clusters as bars.

    ``clusters`` has a row per cluster, with ``cluster``, ``cluster_label`` and ``customers``.
    """
    title = "Share of customers by cluster"
    if clusters["customers"].sum() == 0:
        return style.empty_picture(title, scope.caption())
    ordered = clusters.sort_values("cluster")
    draw = marks.ring if len(ordered) <= _MOST_SLICES else marks.customer_bars
    return draw(
        title,
        scope.caption(),
        [cut_name(label, _LABEL_WIDTH) for label in ordered["cluster_label"]],
        ordered["customers"].tolist(),
        [style.cluster_colour(cluster) for cluster in ordered["cluster"]],
    )


def segment_counts(segments: pd.DataFrame, colours: Mapping[str, str], scope: Scope) -> Picture:
    """Customers of each segment, the largest first.

    ``segments`` has a row per segment, with ``segment`` and ``customers``.
    """
    title = "Customers by RFM segment"
    if segments["customers"].sum() == 0:
        return style.empty_picture(title, scope.caption())
    ordered, names, shades = _descending(segments, "customers", colours)
    numbers = ordered["customers"].tolist()
    return marks.customer_bars(title, scope.caption(), names, numbers, shades)


@house_style()
def segment_shares(segments: pd.DataFrame, colours: Mapping[str, str], scope: Scope) -> Picture:
    """Share of customers in each segment, and of all that was spent, the largest segment first.

    ``segments`` has a row per segment, with ``segment``, ``customers`` and ``total_monetary``
    (USD).
    """
    title = "Share of customers and of spend by RFM segment"
    if segments["customers"].sum() == 0:
        return style.empty_picture(title, scope.caption())
    ordered, names, shades = _descending(segments, "customers", colours)
    totals = ordered[["customers", "total_monetary"]].sum()
    shares = ordered[[*totals.index]] / totals.where(totals > 0)
    looks = {"customers": style.filled, "total_monetary": style.hatched}
    texts = {column: [share(part) for part in shares[column]] for column in looks}
    figure = style.new_figure(
        title, scope.caption(), height=marks.bars_height(len(names), each=0.5)
    )
    axes = figure.subplots()
    for offset, (column, look) in zip((-0.2, 0.2), looks.items(), strict=True):
        rows = [row + offset for row in range(len(names))]
        marks.bars_in_rows(axes, rows, shares[column].fillna(0), texts[column], map(look, shades))
    marks.name_rows(axes, names)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.set_xlabel("Share of all")
    figure.legend(
        handles=[Patch(**look(style.ACCENT)) for look in looks.values()],
        labels=["customers", "spend (monetary value)"], loc="outside lower center", ncols=2,
    )  # fmt: skip
    marks.make_room_for_labels(axes)
    parts = "; ".join(
        f"{name} {customers} of customers, {spend} of spend"
        for name, customers, spend in zip(names, *texts.values(), strict=True)
    )
    return Picture(figure, f"{title}, the largest segment first. {scope.caption()}. {parts}.")


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

    A cell tells its segment, its share of customers, which is its colour too, and their mean
    monetary value. ``cells`` has a row per cell with customers: ``r_score`` and ``fm_score`` (1 to
    5), ``customers``, ``mean_monetary`` (USD) and ``segments``, names with the largest first.
    """
    title = "Customers by recency (R) and frequency-monetary (FM) score"
    cells = cells[cells["customers"] > 0]
    if cells.empty:
        return style.empty_picture(title, scope.caption())
    told = cells.assign(
        share=cells["customers"] / cells["customers"].sum(),
        mean=cells["mean_monetary"].map(money),
        name=cells["segments"].map(_most_of),
    )
    told["text"] = [
        f"{fill(name, _CELL_WIDTH)}\n{share(part)}\n{mean}"
        for name, part, mean in zip(told["name"], told["share"], told["mean"], strict=True)
    ]
    grid = told.pivot(index="r_score", columns="fm_score", values=["share", "text"])
    shares, texts = (grid[of].reindex(index=SCORES, columns=SCORES) for of in ("share", "text"))
    note = "In the cells: segment, share of customers, and their mean monetary value"
    figure = style.new_figure(title, scope.caption(), width=9.4, height=7.6, note=note)
    axes = figure.subplots()
    mesh = marks.cells(
        axes, shares.to_numpy(float), texts.to_numpy(), Normalize(0, told["share"].max()), (1, 1)
    )
    for row, column in np.argwhere(shares.isna()):
        axes.text(SCORES[column], SCORES[row], "none", ha="center", va="center", color=style.FAINT)
    axes.set_facecolor("#F5F5F5")
    axes.set(xticks=SCORES, yticks=SCORES, xlim=(0.5, 5.5), ylim=(0.5, 5.5))
    axes.set_xlabel("FM score (5: most often and for most)")
    axes.set_ylabel("R score (5: most recent)")
    marks.colour_bar(axes, mesh, "Share of customers")
    parts = "; ".join(
        f"R {cell.r_score} and FM {cell.fm_score} {cell.name} {share(cell.share)}, mean {cell.mean}"
        for cell in told.sort_values("customers", ascending=False, kind="stable").itertuples()
    )
    return Picture(figure, f"{title}, the fullest cells first. {scope.caption()}. {parts}.")


def _most_of(segments: Sequence[str]) -> str:
    """The segment of most customers of a cell, and of how many more there are some."""
    more = f" +{len(segments) - 1}" if len(segments) > 1 else ""
    return cut_name(segments[0], _CELL_NAME) + more
