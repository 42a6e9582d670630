"""The one style of all pictures: colours, fonts, formats, captions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind people can tell apart
# (https://jfly.uni-koeln.de/color/), then darker and lighter tones of it.
CLUSTER_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999",
    "#004D7A", "#9C6B00", "#00664B", "#8A4A6E",
)  # fmt: skip

# From dark blue for the best customers to grey for those who are gone.
SEGMENT_COLOURS = {
    "Champions": "#00467A",
    "Loyal Customers": "#0072B2",
    "Potential Loyalists": "#56B4E9",
    "New Customers": "#009E73",
    "Promising": "#8FD3BE",
    "Needs Attention": "#F0E442",
    "About to Sleep": "#E69F00",
    "At Risk": "#D55E00",
    "Can't Lose Them": "#A63A79",
    "Hibernating": "#BBBBBB",
    "Lost": "#777777",
}
ACCENT, MUTED, INK = "#0072B2", "#B8C4CC", "#333333"

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 14,
    "axes.edgecolor": "#AAAAAA",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "axes.axisbelow": True,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "amazon_seg_assets",
    "svg.fonttype": "none",
    "figure.facecolor": "white",
}


@dataclass(frozen=True)
class Picture:
    """A figure, and the text that stands for it where it cannot be seen."""

    figure: Figure
    alt: str


@dataclass(frozen=True)
class Scope:
    """What a picture is about: which customers, as of when."""

    snapshot: str
    customers: int

    def caption(self) -> str:
        """One line for below the title."""
        return f"Snapshot {self.snapshot} · {count(self.customers)} customers"


@contextmanager
def house_style() -> Iterator[None]:
    """Within it, Matplotlib draws in the style of the house."""
    with mpl.rc_context(_STYLE):
        yield


def new_figure(title: str, caption: str, width: float = 9, height: float = 5.4) -> Figure:
    """An empty figure with a title and a caption, which leaves room for both."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(rect=(0.01, 0.01, 0.98, 1 - 0.82 / height))  # type: ignore[union-attr, call-arg]
    figure.text(0.02, 1 - 0.18 / height, title, fontsize=14, fontweight="bold", va="top")
    figure.text(0.02, 1 - 0.50 / height, caption, fontsize=9.5, color="#666666", va="top")
    return figure


def no_data(axes: Axes, what: str) -> None:
    """An honest empty chart."""
    axes.set_axis_off()
    axes.text(
        0.5, 0.5, f"No data: {what}", transform=axes.transAxes, ha="center", va="center",
        color="#666666", fontsize=12,
    )  # fmt: skip


def segment_colour(segment: str) -> str:
    """The colour of a segment, the same in all pictures; of a user's own segment by its name."""
    if segment in SEGMENT_COLOURS:
        return SEGMENT_COLOURS[segment]
    return CLUSTER_COLOURS[sum(segment.encode()) % len(CLUSTER_COLOURS)]


def cluster_colour(cluster: int) -> str:
    """The colour of a cluster, the same in all pictures."""
    return CLUSTER_COLOURS[cluster % len(CLUSTER_COLOURS)]


def text_colour(background: str) -> str:
    """Black or white, whichever reads better on a colour."""
    red, green, blue = mpl.colors.to_rgb(background)
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"


def count(number: float) -> str:
    """A count: ``1,234``."""
    return f"{number:,.0f}"


def short(number: float) -> str:
    """A number for an axis: ``950``, ``1.5 K``, ``2 M``."""
    for size, suffix in ((1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " K")):
        if abs(number) >= size:
            return f"{number / size:.3g}{suffix}"
    return f"{number:.3g}"


def money(dollars: float) -> str:
    """An amount: ``$12.35``, ``$1,234``, ``$2.5 M``."""
    if abs(dollars) >= 1e6:
        return f"${short(dollars)}"
    return f"${dollars:,.0f}" if abs(dollars) >= 1000 else f"${dollars:,.2f}"


def share(fraction: float) -> str:
    """A share: ``12.3 %``."""
    return f"{fraction:.1%}".replace("%", " %")


def cut_name(name: str, width: int = 60) -> str:
    """A name in one line of at most ``width`` characters, cut between words."""
    line = "".join(
        character if character.isprintable() else " " for character in name[: 20 * width]
    )
    short_name = textwrap.shorten(line, width, placeholder="…")
    return (
        short_name
        if len(short_name) > width // 2 or len(line) <= width
        else f"{line[: width - 1]}…"
    )
