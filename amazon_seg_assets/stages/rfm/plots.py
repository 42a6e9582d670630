"""Distributions of the features."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from amazon_seg_assets.formats import short
from amazon_seg_assets.plots import style
from amazon_seg_assets.plots.features import FEATURES, Feature
from amazon_seg_assets.plots.style import Picture, Scope, house_style

_MOST_TICKS = 12
"""An axis of counts has a tick for each count up to so many."""


@house_style()
def distributions(bins: pd.DataFrame, skewness: Mapping[str, float], scope: Scope) -> Picture:
    """Histograms of recency, frequency and monetary value, above as they are, below as log1p.

    ``bins`` has a row per bin, with ``feature`` (``recency``, ``frequency``, ``monetary``),
    ``transformed`` (bool), ``bin_left``, ``bin_right`` and ``customers``. A feature without
    transformed bins is clustered as it is. ``skewness`` goes by column of ``rfm_features``:
    ``recency``, ``frequency``, ``frequency_log``, …
    """
    title = "Distributions before and after the transformation"
    if bins["customers"].sum() == 0:
        return style.empty_picture(title, scope.caption())
    figure = style.new_figure(title, scope.caption(), width=12, height=6.8)
    grid = figure.add_gridspec(2, len(FEATURES))
    parts = []
    for column, feature in enumerate(FEATURES.values()):
        of_feature = bins[(bins["feature"] == feature.name) & (bins["customers"] > 0)]
        as_is, logs = (of_feature[of_feature["transformed"] == flag] for flag in (False, True))
        axes = figure.add_subplot(grid[:, column] if logs.empty else grid[0, column])
        skewed = _skewness(skewness.get(feature.name))
        _draw(axes, as_is, feature, style.ACCENT)
        axes.set(title=skewed, xlabel=feature.label)
        parts.append(f"{feature.label} {skewed}".strip())
        if not logs.empty:
            axes = figure.add_subplot(grid[1, column])
            name = f"log(1 + {feature.name} in {feature.unit})"
            skewed = _skewness(skewness.get(f"{feature.name}_log"))
            _draw(axes, logs, None, style.MUTED)
            axes.set(title=skewed, xlabel=name)
            parts.append(f"{name} {skewed}".strip())
    return Picture(figure, f"{title}. {scope.caption()}. {'; '.join(parts)}.")


def _skewness(value: float | None) -> str:
    return "" if value is None else f"skewness {value:,.2f}"


def _draw(axes: Axes, bins: pd.DataFrame, feature: Feature | None, colour: str) -> None:
    """Draws a histogram of a feature as it is; of a transformed one without ``feature``."""
    counts = feature is not None and feature.whole
    # A bin of counts is drawn around them: that of 1 from 0.5 to 1.5.
    lefts, rights = bins["bin_left"] - counts / 2, bins["bin_right"] - counts / 2
    axes.bar(
        lefts, bins["customers"], align="edge", width=rights - lefts, color=colour,
        edgecolor="white", linewidth=0.3,
    )  # fmt: skip
    if counts and rights.max() - lefts.min() <= _MOST_TICKS:
        axes.xaxis.set_major_locator(MultipleLocator(1))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=style.ROUND_STEPS, integer=counts))
    say = short if feature is None else feature.tick
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: say(value)))
    axes.grid(axis="x", visible=False)
    style.count_axis(axes.yaxis, "Customers")
