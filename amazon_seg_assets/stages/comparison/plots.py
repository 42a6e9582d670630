"""Ways to cluster side by side, as a picture."""

from textwrap import shorten
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from amazon_seg_assets.formats import MISSING
from amazon_seg_assets.plots import style
from amazon_seg_assets.plots.style import Picture, Scope, house_style
from amazon_seg_assets.stages.clusters.ways import ALGORITHMS, NAMES

_PANELS = {
    "outcome_lift": "Tells who came back",
    "stability": "Holds under resampling",
    "silhouette_plain": "Groups are apart",
}
_AXES = {
    "outcome_lift": "Share of variance (eta squared)",
    "stability": "Adjusted Rand index",
    "silhouette_plain": "Silhouette, plain distances",
}
_MARKERS = dict(zip(ALGORITHMS, "osD^*", strict=True))
_NOTE = "Dotted: the chosen k. Crossed out: failed"


@house_style()
def comparison(table: pd.DataFrame, recommendation: str, scope: Scope) -> Picture:
    """Outcome lift, stability and silhouette by number of groups, a line an algorithm.

    Args:
        table: columns of ``clustering_comparison``.
        recommendation: a sentence for the alternative text.
        scope: for the caption.
    """
    title = "Ways to cluster"
    if table["wcss"].isna().all():
        return style.empty_picture(title, scope.caption())
    figure = style.new_figure(title, scope.caption(), width=13, height=5, note=_NOTE)
    k = int(table.loc[table["chosen"], "k"].iloc[0])
    for axes, (column, heading) in zip(figure.subplots(1, 3), _PANELS.items(), strict=True):
        axes.set_title(heading)
        if table[column].isna().all():
            style.write_instead(axes, "Not known")
            continue
        _draw(axes, table, column)
        axes.axvline(k, color=style.INK, linewidth=1.2, linestyle=":", zorder=0.9)
        axes.set(xlabel="Number of groups", ylabel=_AXES[column])
    handles, names = figure.axes[1].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    parts = "; ".join(
        _say(row) for row in table.itertuples() if row.k == k or row.algorithm == ALGORITHMS[-1]
    )
    return Picture(
        figure,
        f"{title}: share of the variance of who came back, stability and silhouette, by number of "
        f"groups. {scope.caption()}. {parts}. {recommendation}",
    )


def _draw(axes: Axes, table: pd.DataFrame, column: str) -> None:
    chosen = table.loc[table["chosen"], "algorithm"].item()
    for place, algorithm in enumerate(ALGORITHMS):
        rows = table[(table["algorithm"] == algorithm) & table[column].notna()]
        if rows.empty:
            continue
        is_ours = algorithm == chosen
        colour = style.ACCENT if is_ours else style.edge(style.cluster_colour(place))
        axes.plot(
            rows["k"], rows[column], color=colour, marker=_MARKERS[algorithm], markersize=6,
            linewidth=2.6 if is_ours else 1.3, label=NAMES[algorithm], zorder=3 if is_ours else 2,
        )  # fmt: skip
        failed = rows[rows["failure"].notna()]
        axes.plot(
            failed["k"], failed[column], color=style.INK, marker="x", markersize=8,
            linestyle="none", zorder=4,
        )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _say(row: Any) -> str:
    name, groups = NAMES[row.algorithm], row.k
    figures = ", ".join(
        f"{words} {_decimals(getattr(row, column))}"
        for column, words in (
            ("outcome_lift", "outcomes"),
            ("stability", "stability"),
            ("silhouette_plain", "silhouette"),
        )
    )
    failure = row.failure
    failed = f", failed: {shorten(failure, 120)}" if isinstance(failure, str) else ""
    return f"{name} ({groups}) {figures}{failed}"


def _decimals(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:.3f}"
