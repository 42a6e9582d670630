"""Distributions of the features."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.formats import short
from amazon_seg_assets.plots import style
from amazon_seg_assets.plots.features import FEATURES
from amazon_seg_assets.plots.style import Picture, Scope, house_style


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
    grid = figure.subplots(2, len(FEATURES))
    parts = []
    for column, feature in enumerate(FEATURES.values()):
        for row, transformed in enumerate((False, True)):
            axes = grid[row, column]
            name = f"log(1 + {feature.name})" if transformed else feature.label
            skew = skewness.get(f"{feature.name}_log" if transformed else feature.name)
            chosen = bins[(bins["feature"] == feature.name) & (bins["transformed"] == transformed)]
            if chosen.empty:
                what = f"{feature.name.capitalize()} is\nnot transformed"
                style.write_instead(axes, what if transformed else f"No data: {feature.name}")
                continue
            axes.bar(
                chosen["bin_left"], chosen["customers"], align="edge",
                width=chosen["bin_right"] - chosen["bin_left"],
                color=style.MUTED if transformed else style.ACCENT, edgecolor="white",
                linewidth=0.3,
            )  # fmt: skip
            skewed = "" if skew is None else f"skewness {skew:,.2f}"
            axes.set_title(skewed)
            axes.set_xlabel(name)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=style.ROUND_STEPS))
            text = short if transformed else feature.tick
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _, text=text: text(value)))
            axes.grid(axis="x", visible=False)
            style.count_axis(axes.yaxis, "Customers" if column == 0 else "")
            parts.append(f"{name} {skewed}".strip())
    return Picture(figure, f"{title}. {scope.caption()}. {'; '.join(parts)}.")
