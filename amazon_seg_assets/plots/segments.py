"""The RFM segments."""

from __future__ import annotations

import pandas as pd
from matplotlib.ticker import FuncFormatter

from amazon_seg_assets.plots.bars import labelled_bars
from amazon_seg_assets.plots.style import (
    Picture,
    Scope,
    count,
    house_style,
    new_figure,
    no_data,
    segment_colour,
    share,
    short,
)


def segment_counts(segments: pd.DataFrame, scope: Scope) -> Picture:
    """Customers of each segment, the largest first; ``segments`` has ``segment``, ``customers``."""
    title = "Customers by RFM segment"
    ordered = segments.sort_values(["customers", "segment"], ascending=[False, True])
    with house_style():
        figure = new_figure(title, scope.caption())
        axes = figure.subplots()
        total = ordered["customers"].sum()
        if total == 0:
            no_data(axes, "no customers")
            return Picture(figure, f"{title}: no customers.")
        texts = [f"{count(number)} ({share(number / total)})" for number in ordered["customers"]]
        labelled_bars(
            axes,
            ordered["segment"].tolist(),
            ordered["customers"].tolist(),
            texts,
            [segment_colour(segment) for segment in ordered["segment"]],
        )
        axes.set_xlabel("Customers")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    parts = "; ".join(
        f"{name} {text}" for name, text in zip(ordered["segment"], texts, strict=True)
    )
    return Picture(figure, f"{title}, the largest first: {parts}.")
