"""Marks with their values written beside them or inside: bars, cells, points of a line, rings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import Normalize, to_hex
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.formats import count, share, short
from amazon_seg_assets.plots.style import (
    CELLS,
    ROUND_STEPS,
    RULE,
    Picture,
    count_axis,
    edge,
    house_style,
    new_figure,
    text_colour,
)

NAME_WIDTH = 32
"""Characters of the name of a segment beside its bar or in the list of a ring."""

_PADDING = 4
"""Points between the end of a bar and its text."""
_SMALLEST_INSIDE = 0.05
"""Shares below this are written in the list of a ring alone."""


def bars_height(rows: int, each: float = 0.36) -> float:
    """Inches of a figure with so many horizontal bars."""
    return max(3.2, 1.7 + each * rows)


def labelled_bars(
    axes: Axes,
    names: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    colours: Sequence[str] | str,
) -> None:
    """Draws a bar a name, the first on top, and its text at the end of the bar."""
    fills = [colours] * len(names) if isinstance(colours, str) else colours
    bars = axes.barh(
        range(len(names)), values, color=fills, edgecolor=[edge(fill) for fill in fills],
        height=0.72,
    )  # fmt: skip
    axes.bar_label(bars, labels=list(texts), padding=_PADDING, fontsize=9)
    name_rows(axes, names)


def bars_in_rows(
    axes: Axes,
    rows: Sequence[float],
    values: Sequence[float],
    texts: Sequence[str],
    looks: Iterable[Mapping[str, Any]],
) -> None:
    """Draws one of two bars of each row, with its text at its end, as ``looks`` say."""
    bars = axes.barh(rows, values, height=0.36)
    for bar, look in zip(bars, looks, strict=True):
        bar.set(**look)
    axes.bar_label(bars, labels=list(texts), padding=_PADDING, fontsize=8.5)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Names the rows of horizontal bars, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def cells(
    axes: Axes,
    values: np.ndarray,
    texts: Sequence[Sequence[str]],
    norm: Normalize,
    first: tuple[float, float] = (0, 0),
    fontsize: float = 8.5,
) -> Collection:
    """Draws a cell for each value, with its text inside; where there is none, nothing.

    Args:
        axes: on which a cell is a unit wide and high.
        values: rows by y, columns by x; NaN where there is none.
        texts: as many.
        norm: of the values, to 0 and 1.
        first: x and y of the middle of the first cell.
        fontsize: of the texts, in points.
    """
    rows, columns = values.shape
    x, y = first
    mesh = axes.pcolor(
        np.arange(columns + 1) + x - 0.5, np.arange(rows + 1) + y - 0.5, values, cmap=CELLS,
        norm=norm, edgecolors=RULE, linewidth=0.6,
    )  # fmt: skip
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            axes.text(
                x + column, y + row, texts[row][column], ha="center", va="center",
                fontsize=fontsize, color=text_colour(to_hex(CELLS(norm(value)))),
            )  # fmt: skip
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return mesh


def colour_bar(axes: Axes, mesh: Collection, label: str) -> None:
    """Adds the bar that tells the colours of shares."""
    bar = axes.figure.colorbar(mesh, ax=axes, aspect=30, label=label)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=ROUND_STEPS))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: share(value)))


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


def label_points(
    axes: Axes,
    xs: Sequence[float],
    ys: Sequence[float],
    texts: Sequence[str],
    bold: Sequence[float] = (),
    is_lower: bool = False,
) -> None:
    """Writes each text that is not empty on the side of its point that the line leaves free.

    The ``xs`` ascend; points at those that are ``bold`` are marked by a ring, their texts are bold.
    Texts of a line that ``is_lower``, with another above it, are all below their points.
    """
    last = len(xs) - 1
    for place, (x, y, text) in enumerate(zip(xs, ys, texts, strict=True)):
        if not text:
            continue
        from_above = place > 0 and ys[place - 1] > y
        to_above = place < last and ys[place + 1] > y
        distance = 12 if x in bold else 8
        # In a valley, and at an end that the line leaves upwards, there is room below.
        in_valley = (from_above or place == 0) and (to_above or place == last) and last > 0
        below = is_lower or in_valley
        beside = from_above != to_above and 0 < place < last and not is_lower
        align, aside = ("center", 0) if not beside else ("left", 4) if from_above else ("right", -4)
        axes.annotate(
            text, (x, y), xytext=(aside, -distance if below else distance),
            textcoords="offset points", ha=align, va="top" if below else "bottom", fontsize=9,
            fontweight="bold" if x in bold else "normal", zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.8},
        )  # fmt: skip


@house_style()
def customer_bars(
    title: str,
    caption: str,
    names: Sequence[str],
    customers: Sequence[int],
    colours: Sequence[str],
) -> Picture:
    """Draws customers and their shares as horizontal bars, in the order given.

    A bar has a name, ``customers``, of whom there is at least one in all, and a colour.
    """
    total = sum(customers)
    texts = [f"{count(number)} ({share(number / total)})" for number in customers]
    figure = new_figure(title, caption, height=bars_height(len(names)))
    axes = figure.subplots()
    labelled_bars(axes, names, customers, texts, colours)
    count_axis(axes.xaxis, "Customers")
    make_room_for_labels(axes)
    parts = "; ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
    return Picture(figure, f"{title}. {caption}. {parts}.")


@house_style()
def ring(
    title: str,
    caption: str,
    names: Sequence[str],
    customers: Sequence[int],
    colours: Sequence[str],
) -> Picture:
    """Draws shares of a whole clockwise from the top, with a list that names even the smallest.

    A part has a name, ``customers``, of whom there is at least one in all, and a colour.
    """
    total = sum(customers)
    shares = [share(number / total) for number in customers]
    figure = new_figure(title, caption, height=max(5.2, 1.6 + 0.3 * len(names)))
    axes = figure.subplots()
    # No seam in a part that is all of it.
    seam = 1 if sum(number > 0 for number in customers) > 1 else 0
    wedges, texts, *_ = axes.pie(
        customers, colors=colours, startangle=90, counterclock=False, radius=1,
        wedgeprops={"width": 0.42, "edgecolor": "white", "linewidth": seam},
        labels=[
            text if number >= _SMALLEST_INSIDE * total else ""
            for number, text in zip(customers, shares, strict=True)
        ],
        labeldistance=0.79, textprops={"ha": "center", "va": "center", "fontsize": 9},
    )  # fmt: skip
    for text, colour in zip(texts, colours, strict=True):
        text.set_color(text_colour(colour))
    axes.set(xlim=(-1.02, 1.02), ylim=(-1.02, 1.02))
    axes.text(0, 0, f"{short(total)}\ncustomers", ha="center", va="center", fontsize=12)
    lines = [
        f"{name}: {text} ({count(number)})"
        for name, text, number in zip(names, shares, customers, strict=True)
    ]
    figure.legend(
        handles=list(wedges), labels=lines, loc="outside right center", fontsize=10,
        labelspacing=0.75, handlelength=1, handleheight=1,
    )  # fmt: skip
    return Picture(figure, f"{title}. {caption}. {'; '.join(lines)}.")
