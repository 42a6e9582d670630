"""The one style of all pictures: colours, fonts, titles and captions.

How numbers and names are written is in ``amazon_seg_assets.formats``.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.formats import counted, cut_name, short

# As many as there may be clusters. A search found the first twelve as far apart as may be, by the
# distance in CIELAB and for colour-blind eyes too, among colours that stand out from white; and
# each further one as the colour most unlike those before it and those of segments.
CLUSTER_COLOURS = (
    "#5A87FF", "#C3873C", "#780000", "#00693C", "#690FC3", "#FF3C78", "#3C004B", "#A587C3",
    "#0000FF", "#4B001E", "#873CA5", "#0F0078",
    "#000000", "#4B5AFF", "#00001E", "#78F0FF", "#C3F000", "#1E0000", "#3C2D4B", "#E10FD2",
    "#B4002D", "#F0C369", "#5A0F0F", "#B40000", "#0000D2", "#691EA5", "#965AA5", "#4BFF87",
    "#96874B", "#96B496", "#4B3CFF", "#E1781E", "#3C002D", "#0F000F", "#87F0E1", "#0F005A",
    "#5A695A", "#5A2D2D", "#009696", "#000096", "#B45A2D", "#E1E1C3", "#780069", "#693C1E",
    "#783CD2", "#C34BF0", "#96C34B", "#FF96F0", "#962D69", "#D22D87",
)  # fmt: skip

ACCENT, MUTED = "#4E5C76", "#9B9187"
"""Colours of no segment and no cluster, or of all: slate, and stone beside it."""

INK, FAINT, RULE = "#333333", "#666666", "#8C8C8C"
"""Colours of texts, of lesser ones, and of lines around what is drawn."""

LEAST_CONTRAST = 3.0
"""Between what is drawn and white paper (https://www.w3.org/TR/WCAG22/#non-text-contrast)."""

BAND = "#DCE3EF"
"""Behind lines, for what lies within limits."""

DENSITY = LinearSegmentedColormap.from_list("density", ["#5697C4", "#00528A", "#00233D"])
"""From few to many: one hue, ever darker, so that it survives grey printing too."""

CELLS = LinearSegmentedColormap.from_list(
    "cells", ["#D6EAF5", "#8CC8EB", "#2E8BC0", "#00528A", "#00233D"]
)
"""The same from a lighter tone on, for cells that have a rule around them and a text inside."""

ROUND_STEPS = [1, 2, 5, 10]
"""Ticks are at multiples of these times a power of ten."""

HEAD, NOTE = 0.86, 0.2
"""Inches above the axes that title and caption take, and those of a note below them."""

_CATEGORY_WIDTH = 32
"""Characters of the name of a category in a caption."""

_STYLE: dict[Any, Any] = {
    # The font that Matplotlib carries; readers of an SVG who lack it get another without serifs.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "axes.axisbelow": True,
    "text.color": INK,
    # A dollar sign is a dollar sign.
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "amazon_seg_assets",
    "svg.fonttype": "none",
    "figure.facecolor": "white",
}


@dataclass(frozen=True)
class Picture:
    """A figure, and the text that stands for it where it cannot be seen.

    Attributes:
        figure: ready to be rendered by ``render``.
        alt: the figure's content, with its numbers, in plain sentences.
    """

    figure: Figure
    alt: str


@dataclass(frozen=True)
class Scope:
    """The subject of a picture of a snapshot.

    Attributes:
        category: of the data set.
        snapshot: month as ``YYYY-MM``.
        customers: customers in the snapshot.
        is_invented: whether they are the built-in sample's.
    """

    category: str
    snapshot: str
    customers: int
    is_invented: bool

    def caption(self) -> str:
        """One line for below the title, also in the alternative text."""
        customers = counted(self.customers, "customer")
        return _caption(self.category, f"snapshot {self.snapshot} · {customers}", self.is_invented)


@dataclass(frozen=True)
class RawScope:
    """The subject of a picture of raw reviews, which has no snapshot.

    Attributes:
        category: of the data set.
        last_day: of the latest review, UTC; None where there is no review.
        is_invented: whether the reviews are the built-in sample's.
    """

    category: str
    last_day: date | None
    is_invented: bool

    def caption(self) -> str:
        """One line for below the title, also in the alternative text."""
        upto = f"reviews up to {self.last_day}" if self.last_day else "no reviews"
        return _caption(self.category, upto, self.is_invented)


def _caption(category: str, what: str, is_invented: bool) -> str:
    invented = ", invented (built-in sample)" if is_invented else ""
    return f"{cut_name(category, _CATEGORY_WIDTH)} · {what}{invented}"


@contextmanager
def house_style() -> Iterator[None]:
    """Within it, Matplotlib draws in the style of the house; also a decorator."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # Names of products hold characters that no font has; a box stands for them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def new_figure(
    title: str, caption: str, width: float = 9, height: float = 5.4, note: str = ""
) -> Figure:
    """An empty figure that leaves room for its title, its caption and a note; sizes in inches.

    The caption is that of the scope, and the note tells how to read the picture.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    head = HEAD + (NOTE if note else 0)
    figure.get_layout_engine().set(rect=(0.01, 0.01, 0.98, 1 - head / height))  # type: ignore[union-attr, call-arg]
    left = 0.15 / width
    figure.text(left, 1 - 0.16 / height, title, fontsize=14, fontweight="bold", va="top")
    for text, below in ((caption, 0.48), (note, 0.48 + NOTE)):
        if text:
            figure.text(left, 1 - below / height, text, fontsize=9.5, color=FAINT, va="top")
    return figure


@house_style()
def empty_picture(title: str, caption: str, what: str = "no customers") -> Picture:
    """An honest empty chart; ``what`` says what there is none of."""
    figure = new_figure(title, caption, height=3)
    write_instead(figure.subplots(), f"No data: {what}", fontsize=12)
    return Picture(figure, f"{title}. {caption}. No data: {what}.")


def write_instead(axes: Axes, text: str, fontsize: float = 10) -> None:
    """Writes a text where a chart would be."""
    axes.set_axis_off()
    axes.text(
        0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT,
        fontsize=fontsize,
    )  # fmt: skip


def cluster_colour(cluster: int) -> str:
    """The colour of a cluster, the same in all pictures, and of no other cluster."""
    return CLUSTER_COLOURS[cluster]


def text_colour(background: str) -> str:
    """Dark or white, whichever reads better on a colour."""
    dark = "#1A1A1A"
    return dark if contrast(dark, background) >= contrast("white", background) else "white"


def edge(colour: str) -> str:
    """An edge that stands out from white: the colour, or where it is too light a darker tone."""
    red, green, blue = to_rgb(colour)
    depth, tone = 1.0, to_hex(colour)
    while contrast(tone, "white") < LEAST_CONTRAST:
        depth *= 0.97
        tone = to_hex((red * depth, green * depth, blue * depth))
    return tone


def filled(colour: str) -> dict[str, Any]:
    """The look of a bar or swatch in a colour."""
    return {"facecolor": colour, "edgecolor": edge(colour)}


def hatched(colour: str) -> dict[str, Any]:
    """The look of a bar or swatch that stands beside a filled one of the same colour."""
    return {"facecolor": "white", "edgecolor": edge(colour), "hatch": "////"}


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def count_axis(axis: Axis, label: str) -> None:
    """Makes an axis one of counts: whole numbers, abbreviated, from zero."""
    axis.set_major_locator(MaxNLocator(nbins=6, steps=ROUND_STEPS, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axis.set_label_text(label)
