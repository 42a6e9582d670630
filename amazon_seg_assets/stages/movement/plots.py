"""Moves between segments, return rates, and what segments buy, as pictures."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.formats import count, counted, cut_name, share, short
from amazon_seg_assets.plots import marks, style
from amazon_seg_assets.plots.style import Picture, Scope, house_style

GONE, NOT_BEFORE = "Gone", "Not a customer before"

_NAME_WIDTH = 24
"""Characters of a segment's name beside the matrix."""
_CELL_WIDTH, _CELL_HEIGHT = 0.66, 0.4
"""Inches, so that a share has room."""
_SWATCH = 0.16
"""Width of the strip in a segment's colour, in cells."""
_TITLE_WIDTH = 20
"""The same above its small chart."""
_EACH = 5
"""Categories drawn of each segment, of the ten that are stored."""


@house_style()
def segment_transitions(
    moves: pd.DataFrame, earlier: str, colours: Mapping[str, str], scope: Scope
) -> Picture:
    """Shares of each earlier segment (rows) that are in each segment now (columns).

    ``moves`` has rows of ``segment_transitions`` for one earlier snapshot and yardstick;
    ``earlier`` is its month. Segments have the order of ``colours``.
    """
    title = "Customers of a year ago, and where they are now"
    note = f"Against {earlier} by its rules; shares of a row"
    if moves.empty:
        nothing = f"the snapshot {earlier} cannot be compared"
        return style.empty_picture(title, scope.caption(), nothing)
    named = moves.assign(
        before=moves["from_segment"].fillna(NOT_BEFORE), now=moves["to_segment"].fillna(GONE)
    )
    rows = [*_in_order(moves["from_segment"], colours), NOT_BEFORE]
    columns = [*_in_order(moves["to_segment"], colours), GONE]
    grid = named.pivot(index="before", columns="now", values="customers")
    numbers = grid.reindex(index=rows, columns=columns).fillna(0)
    sizes = numbers.sum(axis=1)
    shares = numbers.div(sizes.where(sizes > 0), axis=0).fillna(0.0)
    figure = style.new_figure(
        title, scope.caption(), 5.6 + _CELL_WIDTH * len(columns), 3.6 + _CELL_HEIGHT * len(rows),
        note=note,
    )  # fmt: skip
    axes = figure.subplots()
    texts = [[share(part) for part in row] for row in shares.to_numpy()]
    marks.cells(axes, shares.where(shares > 0).to_numpy(), texts, Normalize(0, 1))
    axes.set_facecolor("#F5F5F5")
    names = [f"{cut_name(row, _NAME_WIDTH)} ({count(sizes[row])})" for row in rows]
    _name_both_ways(axes, names, [cut_name(column, _NAME_WIDTH) for column in columns])
    shades = [colours.get(name, style.MUTED) for name in (*rows, *columns)]
    _draw_swatches(axes, shades[: len(rows)], shades[len(rows) :])
    return Picture(figure, f"{title}. {scope.caption()}. {note}. {_say_rows(shares, sizes)}.")


def _in_order(segments: pd.Series, colours: Mapping[str, str]) -> list[str]:
    """The segments that there are: those of the present scheme first, in its order."""
    there = set(segments.dropna())
    return [*(name for name in colours if name in there), *sorted(there - set(colours))]


def _name_both_ways(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(range(len(columns)), columns, rotation=90)


def _draw_swatches(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Strips in the segments' colours, on the left of the rows and below the columns."""
    bottom = len(rows) - 0.5
    axes.barh(
        range(len(rows)), -_SWATCH, left=-0.5, color=rows, height=0.9,
        edgecolor=[style.edge(colour) for colour in rows],
    )  # fmt: skip
    axes.bar(
        range(len(columns)), 2 * _SWATCH, bottom=bottom, color=columns, width=0.9,
        edgecolor=[style.edge(colour) for colour in columns],
    )  # fmt: skip
    axes.set_xlim(-0.5 - _SWATCH, len(columns) - 0.5)
    axes.set_ylim(bottom + 2 * _SWATCH, -0.5)


def _say_rows(shares: pd.DataFrame, sizes: pd.Series) -> str:
    return "; ".join(
        f"{cut_name(row, _NAME_WIDTH)} ({counted(int(sizes[row]), 'customer')}): "
        + ", ".join(
            f"{cut_name(column, _NAME_WIDTH)} {share(part)}"
            for column, part in parts.sort_values(ascending=False, kind="stable").items()
            if part > 0
        )
        for row, parts in shares.iterrows()
        if sizes[row]
    )


@house_style()
def return_rates(outcomes: pd.DataFrame, colours: Mapping[str, str], scope: Scope) -> Picture:
    """Return rates of segments, the highest first, and that of all customers as a line.

    ``outcomes`` has the rows of ``segment_outcomes`` for the segments and one known horizon.
    """
    title = "Customers who came back after the snapshot"
    if outcomes.empty:
        nothing = "the data ends too soon after the snapshot"
        return style.empty_picture(title, scope.caption(), nothing)
    note = f"Within {outcomes['horizon_days'].iloc[0]} days"
    ordered = outcomes.sort_values(["return_rate", "name"], ascending=[False, True])
    names = [cut_name(name, marks.NAME_WIDTH) for name in ordered["name"]]
    texts = [
        f"{share(rate)} ({count(returned)})"
        for rate, returned in zip(ordered["return_rate"], ordered["returned"], strict=True)
    ]
    overall = float(outcomes["returned"].sum() / outcomes["customers"].sum())
    height = marks.bars_height(len(names)) + style.NOTE
    figure = style.new_figure(title, scope.caption(), height=height, note=note)
    axes = figure.subplots()
    shades = [colours.get(name, style.MUTED) for name in ordered["name"]]
    marks.labelled_bars(axes, names, ordered["return_rate"].tolist(), texts, shades)
    for text in axes.texts:  # the line would cross them
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8})
    line = axes.axvline(overall, color=style.INK, linewidth=1.2, linestyle="--", zorder=0.9)
    figure.legend(
        handles=[line], labels=[f"All customers: {share(overall)}"], loc="outside lower center"
    )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=style.ROUND_STEPS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.set_xlabel("Share of the segment's customers")
    marks.make_room_for_labels(axes)
    parts = "; ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
    return Picture(
        figure,
        f"{title}, the highest rate first. {scope.caption()}. {note}: all {share(overall)}; "
        f"{parts}.",
    )


@house_style()
def telling_categories(products: pd.DataFrame, colours: Mapping[str, str], scope: Scope) -> Picture:
    """The categories with the highest lift in each segment, in small charts side by side.

    ``products`` has rows of ``segment_products`` of one level, the most telling first.
    """
    title = "The categories that tell segments apart"
    if products.empty:
        nothing = "no category has enough customers of a segment"
        return style.empty_picture(title, scope.caption(), nothing)
    segments = _in_order(products["segment"], colours)
    note = "How many times as often as all customers (share of the segment)"
    grid_rows = -(-len(segments) // 2)
    figure = style.new_figure(title, scope.caption(), 14, 1.6 + 1.75 * grid_rows, note)
    grid = figure.subplots(grid_rows, 2, squeeze=False)
    most, parts = float(products["lift"].max()), []
    for axes, segment in zip(grid.flat, segments, strict=False):
        first = products[products["segment"] == segment][:_EACH]
        names = [cut_name(name, _NAME_WIDTH) for name in first["name"]]
        texts = [
            f"×{short(round(lift, 2))} ({share(part)})"
            for lift, part in zip(first["lift"], first["share"], strict=True)
        ]
        shade = colours.get(segment, style.MUTED)
        marks.labelled_bars(axes, names, first["lift"].tolist(), texts, shade)
        axes.set_title(cut_name(segment, _TITLE_WIDTH))
        axes.set_ylim(_EACH - 0.4, -0.6)
        axes.set_xlim(0, 2.1 * most)
        axes.tick_params(labelbottom=False, length=0)
        axes.grid(visible=False)
        told = ", ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
        parts.append(f"{cut_name(segment, marks.NAME_WIDTH)}: {told}")
    for axes in grid.flat[len(segments) :]:
        axes.set_visible(False)
    return Picture(figure, f"{title}. {scope.caption()}. {note}. {'; '.join(parts)}.")
