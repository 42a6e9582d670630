"""The one style of all pictures: colours, fonts, titles and captions.

How numbers and names are written is in ``amazon_seg_assets.formats``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from amazon_seg_assets.formats import counted, short
from amazon_seg_assets.plots.picture import Picture

# Okabe and Ito's palette, which colour-blind people can tell apart
# (https://jfly.uni-koeln.de/color/), then darker tones of it.
CLUSTER_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999",
    "#004D7A", "#9C6B00", "#00664B", "#8A4A6E",
)  # fmt: skip

# Blue and green for customers who come, yellow to red for those who drift away, pink for the lost
# treasure, grey for those who are gone; tuned so that each pair also differs for colour-blind eyes.
SEGMENT_COLOURS = {
    "Champions": "#00467A",
    "Loyal Customers": "#2277C9",
    "Potential Loyalists": "#6CC0F0",
    "New Customers": "#1B8A5A",
    "Promising": "#B7E4A0",
    "Needs Attention": "#F5E663",
    "About to Sleep": "#EE9A00",
    "At Risk": "#C44E00",
    "Can't Lose Them": "#CC79A7",
    "Hibernating": "#CFC7C0",
    "Lost": "#4A4A4A",
}
FURTHER_SEGMENT_COLOURS = (
    "#4B3B8F", "#7A5C00", "#00664B", "#E8A8CB", "#5C1A1B", "#B5A6E0",
)  # fmt: skip

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_TO_CONES = np.array(
    [
        [0.4122214708, 0.2119034982, 0.0883024619],
        [0.5363325363, 0.6806995451, 0.2817188376],
        [0.0514459929, 0.1073969566, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 1.9779984951, 0.0259040371],
        [0.7936177850, -2.4285922050, 0.7827717662],
        [-0.0040720468, 0.4505937099, -0.8086757660],
    ]
)
"""Matrices that rows of linear red, green and blue are multiplied by."""

ROUND_STEPS = [1, 2, 5, 10]
"""Ticks are at multiples of these times a power of ten."""

HEAD = 0.86
"""Inches above the axes that title and caption take."""

ACCENT, MUTED, INK, FAINT = "#0072B2", "#B8C4CC", "#333333", "#666666"

DENSITY = LinearSegmentedColormap.from_list(
    "density", ["#D6EAF5", "#8CC8EB", "#2E8BC0", "#00528A", "#00233D"]
)
"""From few to many: one hue, ever darker, so that it survives grey printing too."""

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
class Scope:
    """What a picture of a snapshot is about.

    Attributes:
        snapshot: month as ``YYYY-MM``.
        customers: customers in the snapshot.
    """

    snapshot: str
    customers: int

    def caption(self) -> str:
        """One line for below the title."""
        return f"Snapshot {self.snapshot} · {counted(self.customers, 'customer')}"


@contextmanager
def house_style() -> Iterator[None]:
    """Within it, Matplotlib draws in the style of the house; also a decorator."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # Names of products hold characters that no font has; a box stands for them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def new_figure(title: str, caption: str, width: float = 9, height: float = 5.4) -> Figure:
    """An empty figure with a title and a caption, which leaves room for both; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(rect=(0.01, 0.01, 0.98, 1 - HEAD / height))  # type: ignore[union-attr, call-arg]
    left = 0.15 / width
    figure.text(left, 1 - 0.16 / height, title, fontsize=14, fontweight="bold", va="top")
    figure.text(left, 1 - 0.48 / height, caption, fontsize=9.5, color=FAINT, va="top")
    return figure


def empty_picture(title: str, caption: str, what: str) -> Picture:
    """An honest empty chart; ``what`` says what there is none of."""
    with house_style():
        figure = new_figure(title, caption, height=3)
        axes = figure.subplots()
        axes.set_axis_off()
        axes.text(
            0.5, 0.5, f"No data: {what}", transform=axes.transAxes, ha="center", va="center",
            color=FAINT, fontsize=12,
        )  # fmt: skip
    return Picture(figure, f"{title}. No data: {what}.")


def segment_colours(segments: Iterable[str]) -> dict[str, str]:
    """A colour for each segment, no two the same, and the same in all pictures of these segments.

    Built-in segments always have theirs; a user's own get further ones in the order of their names.
    """
    own = sorted(set(segments) - SEGMENT_COLOURS.keys())
    first = (*SEGMENT_COLOURS.values(), *FURTHER_SEGMENT_COLOURS)
    further = _palette(first, len(SEGMENT_COLOURS) + len(own))[len(SEGMENT_COLOURS) :]
    return SEGMENT_COLOURS | dict(zip(own, further, strict=True))


def cluster_colour(cluster: int) -> str:
    """The colour of a cluster, the same in all pictures, and of no other cluster."""
    return _palette(CLUSTER_COLOURS, cluster + 1)[cluster]


@cache
def _palette(first: tuple[str, ...], number: int) -> tuple[str, ...]:
    """So many colours: the first ones, then each as unlike all those before it as can be.

    Unlike by the Euclidean distance in Oklab (https://bottosson.github.io/posts/oklab/).
    """
    colours = list(first[:number])
    if number > len(first):
        grid = np.array(list(product(np.linspace(0.2, 0.8, 9), repeat=3)))
        # The lightest are lost on white paper, and the darkest all look black.
        light = _linear(grid) @ _LUMINANCE
        grid = grid[(light > 0.03) & (light < 0.6)]
        places = _oklab(grid)
        distances = np.min([_distances(places, _oklab(to_rgb(colour))) for colour in first], axis=0)
        while len(colours) < number:
            # Rounded, as the last bits vary between machines.
            best = int(distances.round(6).argmax())
            colours.append(to_hex(grid[best]))
            distances = np.minimum(distances, _distances(places, places[best]))
    return tuple(colours)


def _oklab(rgb: ArrayLike) -> np.ndarray:
    """Lightness, green to red and blue to yellow, in which equal steps look equal."""
    return np.asarray(np.cbrt(_linear(rgb) @ _TO_CONES) @ _TO_OKLAB)


def _distances(places: np.ndarray, place: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(places - place, axis=-1))


def text_colour(background: str) -> str:
    """Dark or white, whichever reads better on a colour."""
    dark = "#1A1A1A"
    here = _luminance(background)
    contrasts = {
        dark: (here + 0.05) / (_luminance(dark) + 0.05),
        "white": 1.05 / (here + 0.05),
    }
    return max(contrasts, key=contrasts.__getitem__)


def _luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    return float(_linear(to_rgb(colour)) @ _LUMINANCE)


def _linear(rgb: ArrayLike) -> np.ndarray:
    """Red, green and blue in proportion to their light, 0 to 1."""
    parts = np.asarray(rgb)
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def count_axis(axis: Axis, label: str) -> None:
    """Makes an axis one of counts: whole numbers, abbreviated, from zero."""
    axis.set_major_locator(MaxNLocator(nbins=6, steps=ROUND_STEPS, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axis.set_label_text(label)


def panels(figure: Figure, number: int, columns: int) -> list[Axes]:
    """Small multiples with shared axes, in rows; places left over stay blank."""
    rows = -(-number // columns)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for spare in grid.flat[number:]:
        spare.set_axis_off()
    for above in grid.flat[max(0, number - columns) : number]:
        above.tick_params(labelbottom=True)
    return list(grid.flat[:number])
