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
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.formats import counted, cut_name, short

# As many as there may be clusters. A search found each as the colour most unlike those before it
# and those of segments, by the distance in CIELAB, for colour-blind eyes too.
CLUSTER_COLOURS = (
    "#625AFF", "#A59644", "#3C522D", "#F04B69", "#700000", "#340896", "#C3CA62", "#78DAE8",
    "#AC5A34", "#B416A5", "#4B44C3", "#873C00", "#0000FF", "#3C0F3C", "#0000C3", "#4B000F",
    "#E1E100", "#4B78F0", "#4B3C5A", "#9687C3", "#4B3CFF", "#4B1E2D", "#A5002D", "#5A005A",
    "#E1780F", "#96F087", "#C33C87", "#E11EA5", "#FF5A3C", "#5A2DD2", "#B44B4B", "#78F0E1",
    "#D2B496", "#691E96", "#D2E1C3", "#000F78", "#003C00", "#A54BC3", "#C3A5B4", "#A52D5A",
    "#D22DE1", "#871E87", "#B47887", "#69A5E1", "#5A00E1", "#9669A5", "#B44B1E", "#F0A54B",
    "#0000A5", "#9687FF",
)  # fmt: skip

ACCENT, MUTED = "#4E5C76", "#A39E8C"
"""Colours of no segment and no cluster, or of all: slate, and stone beside it."""

INK, FAINT = "#333333", "#666666"

BAND = "#DCE3EF"
"""Behind lines, for what lies within limits."""

DENSITY = LinearSegmentedColormap.from_list(
    "density", ["#D6EAF5", "#8CC8EB", "#2E8BC0", "#00528A", "#00233D"]
)
"""From few to many: one hue, ever darker, so that it survives grey printing too."""

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
    "axes.edgecolor": "#AAAAAA",
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
    here = _luminance(background) + 0.05
    return dark if here / (_luminance(dark) + 0.05) >= 1.05 / here else "white"


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
