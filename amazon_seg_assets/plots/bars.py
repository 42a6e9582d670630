"""Horizontal bars with their values, which most pictures of counts and sums are."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.text import Annotation

_PADDING = 4
"""Points between the end of a bar and its text."""


def labelled_bars(
    axes: Axes,
    names: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    colours: Sequence[str] | str,
) -> BarContainer:
    """Draws a bar a name, the first on top, and its text at the end of the bar."""
    bars = axes.barh(range(len(names)), values, color=colours, height=0.72)
    axes.bar_label(bars, labels=list(texts), padding=_PADDING, fontsize=9)
    name_rows(axes, names)
    return bars


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Names the rows of horizontal bars, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def make_room_for_labels(axes: Axes) -> None:
    """Lengthens the x axis until every text at the end of a bar ends inside the frame.

    Call it when all else is drawn: the room depends on the width that is left to the axes.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    width = axes.bbox.width
    padding = 2 * _PADDING * figure.dpi / 72
    longest = 0.0
    for text in axes.texts:
        if isinstance(text, Annotation):
            left = max(width - text.get_window_extent().width - padding, 0.2 * width)
            longest = max(longest, text.xy[0] * width / left)
    # Four digits, as the last bits of a layout vary.
    axes.set_xlim(0, float(f"{longest:.4g}") or 1)
