"""The sweep of k: WCSS and silhouette, with the chosen k marked."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.formats import MISSING, short
from amazon_seg_assets.plots.picture import Picture
from amazon_seg_assets.plots.points import label_points
from amazon_seg_assets.plots.style import (
    ACCENT,
    INK,
    MUTED,
    Scope,
    empty_picture,
    house_style,
    new_figure,
)

_MOST_TICKS = 16


def elbow(sweep: pd.DataFrame, scope: Scope) -> Picture:
    """WCSS by k.

    Args:
        sweep: one row per k, with ``k``, ``wcss`` (on standardized features) and ``chosen``.
        scope: for the caption.
    """
    title = "Elbow: within-cluster sum of squares (WCSS) by k"
    return _curve(sweep, scope, "wcss", title, "WCSS", short)


def silhouette(sweep: pd.DataFrame, scope: Scope) -> Picture:
    """Mean silhouette by k, by squared Euclidean distance.

    Args:
        sweep: one row per k, with ``k``, ``silhouette`` (-1 to 1, null where it is not defined) and
            ``chosen``.
        scope: for the caption.
    """
    title = "Mean silhouette by k (squared Euclidean distance)"
    return _curve(sweep, scope, "silhouette", title, "Mean silhouette", _three_digits)


def _three_digits(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:.3f}"


@house_style()
def _curve(
    sweep: pd.DataFrame,
    scope: Scope,
    column: str,
    title: str,
    label: str,
    text: Callable[[float], str],
) -> Picture:
    sweep = sweep.sort_values("k")
    curve = sweep[["k", column, "chosen"]].dropna()
    if curve.empty:
        what = f"{label} is not defined for any k" if len(sweep) else "no k was tried"
        return empty_picture(title, scope.caption(), what)
    figure = new_figure(title, scope.caption())
    axes = figure.subplots()
    ks, values = curve["k"].tolist(), curve[column].astype(float).tolist()
    chosen = sweep.loc[sweep["chosen"].astype(bool), "k"].tolist()
    for k in chosen:
        axes.axvline(k, color=MUTED, linestyle="--", linewidth=1.2, zorder=1)
    axes.plot(ks, values, color=ACCENT, marker="o", linewidth=2)
    marked = [(k, value) for k, value in zip(ks, values, strict=True) if k in chosen]
    for k, value in marked:
        axes.plot(
            [k], [value], marker="o", markersize=13, markerfacecolor="none", markeredgecolor=INK,
            markeredgewidth=1.6, linestyle="none", label=f"chosen: k = {k}",
        )  # fmt: skip
    # Labels of more points would cover each other.
    told = ks if len(ks) <= _MOST_TICKS else [ks[0], *chosen, ks[-1]]
    label_points(
        axes, ks, values, [text(y) if k in told else "" for k, y in zip(ks, values, strict=True)],
        bold=chosen,
    )  # fmt: skip
    if marked:
        figure.legend(loc="outside lower center")
    axes.set_xlabel("k (number of clusters)")
    axes.set_ylabel(label)
    tried = sweep["k"].tolist()
    if len(tried) <= _MOST_TICKS:
        axes.set_xticks(tried)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=_MOST_TICKS, integer=True))
    room = 0.07 * (tried[-1] - tried[0]) or 0.5
    axes.set_xlim(tried[0] - room, tried[-1] + room)
    low, high = min(0.0, *values), max(0.0, *values)
    reach = high - low if high - low > 1e-6 else 1.0
    axes.set_ylim(low - (0.12 * reach if low < 0 else 0), high + 0.16 * reach)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    figures = ", ".join(
        f"k = {k}: {text(value)}" for k, value in zip(sweep["k"], sweep[column], strict=True)
    )
    choice = ", ".join(f"k = {k}" for k in chosen) or "none"
    return Picture(figure, f"{title}. {scope.caption()}. {figures}. Chosen: {choice}.")
