"""The sweep of k: WCSS and silhouette, with the chosen k marked."""

from __future__ import annotations

import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.plots.style import (
    ACCENT,
    INK,
    Picture,
    Scope,
    house_style,
    new_figure,
    no_data,
    short,
)


def elbow(sweep: pd.DataFrame, scope: Scope) -> Picture:
    """WCSS by k; ``sweep`` has ``k``, ``wcss``, ``chosen``."""
    return _curve(
        sweep, scope, "wcss", "Elbow: within-cluster sum of squares (WCSS) by k", "WCSS", short
    )


def silhouette(sweep: pd.DataFrame, scope: Scope) -> Picture:
    """Silhouette by k; ``sweep`` has ``k``, ``silhouette``, ``chosen``."""
    return _curve(
        sweep,
        scope,
        "silhouette",
        "Mean silhouette by k (squared Euclidean distance)",
        "Silhouette",
        "{:.3f}".format,
    )


def _curve(sweep: pd.DataFrame, scope: Scope, column: str, title: str, label: str, text) -> Picture:
    sweep = sweep.sort_values("k")
    with house_style():
        figure = new_figure(title, scope.caption())
        axes = figure.subplots()
        if sweep.empty:
            no_data(axes, "no k was tried")
            return Picture(figure, f"{title}: no k was tried.")
        axes.plot(sweep["k"], sweep[column], color=ACCENT, marker="o", linewidth=2)
        for k, value in zip(sweep["k"], sweep[column], strict=True):
            axes.annotate(
                text(value), (k, value), xytext=(0, 9), textcoords="offset points",
                ha="center", fontsize=8.5,
            )  # fmt: skip
        chosen = sweep[sweep["chosen"]]
        for k, value in zip(chosen["k"], chosen[column], strict=True):
            axes.axvline(k, color=INK, linestyle="--", linewidth=1)
            axes.plot(
                [k], [value], marker="o", markersize=13, markerfacecolor="none",
                markeredgecolor=INK, markeredgewidth=1.5, linestyle="none",
                label=f"chosen: k = {k}",
            )  # fmt: skip
        if not chosen.empty:
            axes.legend(frameon=False, loc="upper right")
        axes.set_xlabel("k (clusters)")
        axes.set_ylabel(label)
        axes.margins(x=0.06, y=0.15)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    figures = ", ".join(
        f"k = {k}: {text(value)}" for k, value in zip(sweep["k"], sweep[column], strict=True)
    )
    marked = ", ".join(f"k = {k}" for k in chosen["k"]) or "none"
    return Picture(figure, f"{label} by number of clusters: {figures}. Chosen: {marked}.")
