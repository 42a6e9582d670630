"""Shares of a whole, as a ring with a list that names even the smallest."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin

from amazon_seg_assets.formats import count, share, short
from amazon_seg_assets.plots.picture import Picture
from amazon_seg_assets.plots.style import house_style, new_figure, text_colour

_SMALLEST_INSIDE = 0.05
"""Shares below this are written in the list alone."""


@house_style()
def ring(
    title: str,
    caption: str,
    names: Sequence[str],
    customers: Sequence[int],
    colours: Sequence[str],
) -> Picture:
    """Draws parts clockwise from the top, in the order given.

    Args:
        title: of the picture.
        caption: below the title.
        names: of the parts.
        customers: of each part; at least one in all.
        colours: of each part.
    """
    total = sum(customers)
    figure = new_figure(title, caption, height=max(5.2, 1.6 + 0.3 * len(names)))
    axes = figure.subplots()
    wedges, *_ = axes.pie(
        customers,
        colors=colours,
        startangle=90,
        counterclock=False,
        radius=1,
        wedgeprops={
            "width": 0.42,
            "edgecolor": "white",
            # No seam in a part that is all of it.
            "linewidth": 1 if sum(number > 0 for number in customers) > 1 else 0,
        },
    )
    for wedge, number, colour in zip(wedges, customers, colours, strict=True):
        if number >= _SMALLEST_INSIDE * total:
            angle = radians((wedge.theta1 + wedge.theta2) / 2)
            axes.text(
                0.79 * cos(angle), 0.79 * sin(angle), share(number / total), ha="center",
                va="center", fontsize=9, color=text_colour(colour),
            )  # fmt: skip
    axes.set(xlim=(-1.02, 1.02), ylim=(-1.02, 1.02))
    axes.text(0, 0, f"{short(total)}\ncustomers", ha="center", va="center", fontsize=12)
    lines = [
        f"{name}: {share(number / total)} ({count(number)})"
        for name, number in zip(names, customers, strict=True)
    ]
    figure.legend(
        handles=list(wedges), labels=lines, loc="outside right center", fontsize=10,
        labelspacing=0.75, handlelength=1, handleheight=1,
    )  # fmt: skip
    return Picture(figure, f"{title}. {caption}. {'; '.join(lines)}.")
