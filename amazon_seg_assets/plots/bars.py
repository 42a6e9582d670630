"""Horizontal bars with their values, which most pictures of counts and sums are."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes


def labelled_bars(
    axes: Axes,
    names: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    colours: Sequence[str] | str,
) -> None:
    """Draws a bar a name, the first on top, and its text at the end of the bar."""
    places = range(len(names))
    bars = axes.barh(places, values, color=colours, height=0.72)
    axes.bar_label(bars, labels=list(texts), padding=4, fontsize=9)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    # The texts stay inside the frame, however long: they take up to a quarter of its width.
    longest = max((len(text) for text in texts), default=0)
    axes.margins(x=0.05 + 0.013 * longest)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
