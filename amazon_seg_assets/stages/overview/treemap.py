"""RFM segments inside clusters, as areas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import pandas as pd
import squarify
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch, Rectangle

from amazon_seg_assets.formats import count, cut_name, share
from amazon_seg_assets.plots import style
from amazon_seg_assets.plots.style import HEAD, NOTE, Picture, Scope, house_style

_WIDTH, _HEIGHT = 11.0, 6.0
"""Inches of the whole map."""
_BAND = 0.3
"""Inches of the height of the band that names a cluster."""
_MARGIN, _LEGEND_ROW = 0.15, 0.25
"""Inches around the map, and of a row of the legend."""
_LEGEND_COLUMNS = 4
_NAME_WIDTH = 24
BAND_COLOUR = "#E9ECEF"
"""No colour of a cluster, as the cells below have those of segments."""
_FONT_SIZES = (10.5, 9.5, 8.5, 7.5)


@dataclass(frozen=True)
class _Area:
    """A rectangle, in inches from the upper left corner of the map."""

    x: float
    y: float
    width: float
    height: float

    def divided(self, sizes: list[int]) -> list[_Area]:
        """One part a size; ``sizes`` descend and are positive."""
        normed = squarify.normalize_sizes(sizes, self.width, self.height)
        parts = squarify.squarify(normed, self.x, self.y, self.width, self.height)
        return [_Area(part["x"], part["y"], part["dx"], part["dy"]) for part in parts]

    def split(self, height: float) -> tuple[_Area, _Area]:
        """The uppermost part of that height, and the rest."""
        rest = replace(self, y=self.y + height, height=self.height - height)
        return replace(self, height=height), rest

    def holds(self, text: str, size: float, bold: bool) -> bool:
        """True where a text in this size of font, in points, has room in it."""
        lines = text.split("\n")
        width = max(_inches(line, bold) for line in lines) * size
        height = 1.3 * len(lines) * size / 72
        return width + 0.14 <= self.width and height + 0.04 <= self.height

    def draw(self, axes: Axes, colour: str, *texts: str, bold: bool = False) -> bool:
        """Fills it and writes the first text that fits; returns whether one did."""
        axes.add_patch(
            Rectangle(
                (self.x, self.y), self.width, self.height, facecolor=colour, edgecolor="white",
                linewidth=min(1.0, 10 * self.width, 10 * self.height),
            )
        )  # fmt: skip
        if (edge := style.edge(colour)) != to_hex(colour):
            self._draw_inside(axes, edge)
        for text, size in product(texts, _FONT_SIZES):
            if self.holds(text, size, bold):
                axes.text(
                    self.x + self.width / 2, self.y + self.height / 2, text, ha="center",
                    va="center", fontsize=size, fontweight="bold" if bold else "normal",
                    color=style.text_colour(colour),
                )  # fmt: skip
                return True
        return False

    def _draw_inside(self, axes: Axes, colour: str) -> None:
        """Draws an edge within the white one, where there is room."""
        seam = min(0.02, self.width / 4, self.height / 4)
        axes.add_patch(
            Rectangle(
                (self.x + seam, self.y + seam), self.width - 2 * seam, self.height - 2 * seam,
                facecolor="none", edgecolor=colour, linewidth=min(0.8, 10 * seam),
            )
        )  # fmt: skip


@lru_cache(maxsize=4096)
def _inches(line: str, bold: bool) -> float:
    """Width of a line of text, for each point of font size."""
    font = FontProperties(size=100, weight="bold" if bold else "normal")
    width, _, _ = RendererAgg(1, 1, 72).get_text_width_height_descent(line, font, ismath=False)
    return width / 72 / 100


@house_style()
def segment_treemap(segments: pd.DataFrame, colours: Mapping[str, str], scope: Scope) -> Picture:
    """Customers of each RFM segment inside each cluster, as areas.

    A band names a cluster. The legend tells the segments, and the clusters too small for a band,
    which have a frame in their colour instead.

    ``segments`` has a row for each cluster and segment with customers: ``cluster``,
    ``cluster_label``, ``segment`` and ``customers``. The legend has the order of ``colours``.
    """
    title = "RFM segments inside the clusters"
    segments = segments[segments["customers"] > 0].sort_values(
        ["customers", "cluster", "segment"], ascending=[False, True, True]
    )
    if segments.empty:
        return style.empty_picture(title, scope.caption())
    total = segments["customers"].sum()
    clusters = segments.groupby(["cluster", "cluster_label"])["customers"].sum().reset_index()
    clusters = clusters.sort_values("customers", ascending=False, kind="stable")
    present = set(segments["segment"])
    handles = [
        Patch(label=cut_name(name, _NAME_WIDTH), **style.filled(colour))
        for name, colour in colours.items()
        if name in present
    ]
    legend = _LEGEND_ROW * -(-(len(handles) + len(clusters)) // _LEGEND_COLUMNS) + _MARGIN
    figure = style.new_figure(
        title, scope.caption(), _WIDTH + 2 * _MARGIN, HEAD + NOTE + _HEIGHT + legend,
        note="In the cells: share of the cluster",
    )  # fmt: skip
    axes = _map_axes(figure)
    parts = []
    areas = _Area(0, 0, _WIDTH, _HEIGHT).divided(clusters["customers"].tolist())
    for (_, (cluster, label, customers)), area in zip(clusters.iterrows(), areas, strict=True):
        name, brief = cut_name(label, 40), _brief(label)
        of_all = share(customers / total)
        band, rest = area.split(_BAND)
        banded = area.height > 2 * _BAND and band.draw(
            axes, BAND_COLOUR, f"{name} · {of_all}", f"{brief} · {of_all}", brief, bold=True
        )
        inside = segments[segments["cluster"] == cluster]
        inner = _draw_segments(axes, rest if banded else area, inside, colours)
        if not banded:
            handles.append(
                _frame(axes, area, style.edge(style.cluster_colour(cluster)), f"{brief} · {of_all}")
            )
        parts.append(f"{name} ({of_all} of all): {inner}")
    figure.legend(
        handles=handles, loc="lower center", ncols=_LEGEND_COLUMNS, fontsize=9, handlelength=1,
        handleheight=1,
    )  # fmt: skip
    return Picture(figure, f"{title}. {scope.caption()}. {'; '.join(parts)}.")


def _draw_segments(
    axes: Axes, area: _Area, segments: pd.DataFrame, colours: Mapping[str, str]
) -> str:
    """Draws a cell for each segment of a cluster, the largest first; returns their shares."""
    total, parts = segments["customers"].sum(), []
    cells = area.divided(segments["customers"].tolist())
    for row, cell in zip(segments.itertuples(), cells, strict=True):
        name, part = cut_name(row.segment, _NAME_WIDTH), share(row.customers / total)
        wrapped = name.replace(" ", "\n")
        told = f"{name}\n{count(row.customers)} ({part})"
        briefer = (f"{name}\n{part}", f"{wrapped}\n{part}", wrapped, part)
        cell.draw(axes, colours[row.segment], told, *briefer)
        parts.append(f"{name} {part}")
    return ", ".join(parts)


def _brief(label: str) -> str:
    """A short name, with what tells clusters of one label apart: ``Loyal… (recency 1 of 3)``."""
    base, bracket, qualifier = label.partition(" (")
    return cut_name(f"{cut_name(base, 8)}{bracket}{qualifier}" if bracket else base, 28)


def _map_axes(figure: Figure) -> Axes:
    """Axes in which a unit is an inch, below the title."""
    figure.set_layout_engine(None)
    width, height = figure.get_size_inches()
    bottom = height - HEAD - NOTE - _HEIGHT
    place = (_MARGIN / width, bottom / height, _WIDTH / width, _HEIGHT / height)
    axes = figure.add_axes(place, xlim=(0, _WIDTH), ylim=(_HEIGHT, 0))
    axes.set_axis_off()
    return axes


def _frame(axes: Axes, area: _Area, colour: str, label: str) -> Patch:
    """Frames a cluster that has no room for its name; returns what the legend shows of it."""
    style: dict[str, Any] = {"facecolor": "none", "edgecolor": colour, "linewidth": 2.5}
    axes.add_patch(Rectangle((area.x, area.y), area.width, area.height, **style))
    return Patch(label=label, **style)
