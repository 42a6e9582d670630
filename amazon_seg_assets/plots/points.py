"""Values written beside the points of a line."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes


def label_points(
    axes: Axes,
    xs: Sequence[float],
    ys: Sequence[float],
    texts: Sequence[str],
    bold: Sequence[float] = (),
) -> None:
    """Writes each text on the side of its point that the line leaves free.

    Args:
        axes: the line is drawn on; ``xs`` ascend.
        xs: places of the points.
        ys: values of the points.
        texts: one for each point; a point without a text gets none.
        bold: those of ``xs`` whose points are marked by a ring, and whose texts are bold.
    """
    last = len(xs) - 1
    for place, (x, y, text) in enumerate(zip(xs, ys, texts, strict=True)):
        if not text:
            continue
        from_above = place > 0 and ys[place - 1] > y
        to_above = place < last and ys[place + 1] > y
        distance = 12 if x in bold else 8
        # In a valley, and at an end that the line leaves upwards, there is room below.
        below = (from_above or place == 0) and (to_above or place == last) and last > 0
        beside = from_above != to_above and 0 < place < last
        align = "center" if not beside else "left" if from_above else "right"
        aside = {"center": 0, "left": 4, "right": -4}[align]
        axes.annotate(
            text, (x, y), xytext=(aside, -distance if below else distance),
            textcoords="offset points", ha=align, va="top" if below else "bottom", fontsize=9,
            fontweight="bold" if x in bold else "normal", zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.8},
        )  # fmt: skip
