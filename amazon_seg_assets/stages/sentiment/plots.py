"""Pictures of sentiment: by segment over snapshots, beside the stars, and in words."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.ticker import FuncFormatter

from amazon_seg_assets.formats import count, counted, cut_name, share, short
from amazon_seg_assets.plots import marks, style
from amazon_seg_assets.plots.style import Picture, Scope, house_style
from amazon_seg_assets.stages.sentiment.words import diverse

MOST_SNAPSHOTS = 12
"""Snapshots beside each other; more would run together."""

_EACH = 5
"""Words drawn of each segment, of the fifteen that are stored."""
_NAME_WIDTH = 26
_NOTHING = "no text of these customers can be told"
_COLUMNS = 3


@house_style()
def negative_shares(
    series: Mapping[str, pd.DataFrame], colours: Mapping[str, str], scope: Scope
) -> Picture:
    """Shares of negative texts with intervals, a small chart a segment, over the snapshots.

    ``series`` has columns of ``segment_sentiment`` by the month of the snapshot, in order.
    """
    title = "How negative texts are, by segment"
    known = {month: _of_segments(table) for month, table in series.items()}
    now = known.get(scope.snapshot)
    if now is None or now.empty:
        return style.empty_picture(title, scope.caption(), _NOTHING)
    overall = float(now["negative_share"] @ now["reviews"] / now["reviews"].sum())
    note = f"Share of texts that are negative; dashed, that of all customers now: {share(overall)}"
    names = [name for name in colours if name in now.index]
    rows = -(-len(names) // _COLUMNS)
    figure = style.new_figure(title, scope.caption(), 11, 1.7 + 1.75 * rows, note)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False, sharey=True, sharex=True)
    highest = max(float(table["negative_share_high"].max()) for table in known.values())
    parts = []
    for axes, name in zip(grid.flat, names, strict=False):
        of_name = {month: table.loc[name] for month, table in known.items() if name in table.index}
        _draw_series(axes, of_name, list(known), colours[name])
        axes.axhline(overall, color=style.MUTED, linewidth=1, linestyle="--", zorder=0.9)
        axes.set_title(cut_name(name, _NAME_WIDTH))
        axes.set_ylim(0, min(1.0, 1.08 * highest))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.0f} %"))
        told = ", ".join(
            f"{month} {share(row.negative_share)} "
            f"({share(row.negative_share_low)} to {share(row.negative_share_high)})"
            for month, row in of_name.items()
        )
        parts.append(f"{cut_name(name, marks.NAME_WIDTH)}: {told}")
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    return Picture(figure, f"{title}. {scope.caption()}. {note}. {'; '.join(parts)}.")


def _of_segments(table: pd.DataFrame) -> pd.DataFrame:
    chosen = table[(table["grouping"] == "segment") & (table["reviews"] > 0)]
    return chosen.set_index("name")


def _draw_series(
    axes: Axes, rows: Mapping[str, pd.Series], months: Sequence[str], colour: str
) -> None:
    places = [months.index(month) for month in rows]
    values = [float(row.negative_share) for row in rows.values()]
    ends = np.array([[row.negative_share_low, row.negative_share_high] for row in rows.values()])
    axes.errorbar(
        places, values, yerr=np.abs(ends.T - np.array(values)), color=style.INK, linewidth=1,
        marker="o", markersize=6, markerfacecolor=colour, markeredgecolor=style.edge(colour),
        capsize=3,
    )  # fmt: skip
    axes.set_xlim(-0.5, len(months) - 0.5)
    axes.set_xticks(range(len(months)), months, rotation=0 if len(months) < 4 else 90)
    axes.tick_params(labelbottom=True)
    axes.grid(axis="x", visible=False)


@house_style()
def by_stars(table: pd.DataFrame, scope: Scope) -> Picture:
    """Shares of the reviews with so many stars in each tenth of sentiment, as cells.

    ``table`` has the columns of ``sentiment_by_stars``.
    """
    title = "What texts say, by their stars"
    if not table["reviews"].sum():
        return style.empty_picture(title, scope.caption(), _NOTHING)
    numbers = table.pivot(index="stars", columns="tenth", values="reviews").sort_index()
    sizes = numbers.sum(axis=1)
    shares = numbers.div(sizes.where(sizes > 0), axis=0)
    note = "Shares of the reviews with so many stars"
    figure = style.new_figure(title, scope.caption(), 10.5, 4.4, note)
    axes = figure.subplots()
    drawn = shares.to_numpy()[::-1]
    texts = [[share(part) if part > 0 else "" for part in row] for row in drawn]
    marks.cells(axes, np.where(drawn > 0, drawn, np.nan), texts, Normalize(0, 1))
    axes.set_facecolor("#F5F5F5")
    names = [f"{_stars(stars)} ({count(sizes[stars])})" for stars in numbers.index[::-1]]
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(np.arange(len(numbers.columns) + 1) - 0.5, [f"{n / 10:g}" for n in range(11)])
    axes.set_xlabel("Sentiment of the text: 0 is negative, 1 is positive")
    parts = "; ".join(
        f"{_stars(stars)} ({counted(int(sizes[stars]), 'review')}): "
        f"{share(float(row[:5].sum()))} negative, {share(float(row[5:].sum()))} positive"
        for stars, row in zip(shares.index, shares.to_numpy(), strict=True)
        if sizes[stars]
    )
    return Picture(figure, f"{title}. {scope.caption()}. {note}: {parts}.")


def _stars(number: int) -> str:
    return f"{number} {'star' if number == 1 else 'stars'}"


@house_style()
def telling_words(words: pd.DataFrame, colours: Mapping[str, str], scope: Scope) -> Picture:
    """The words that most tell a segment's negative texts, in small charts side by side.

    ``words`` has rows of ``segment_words`` of one comparison, the most telling first.
    """
    title = "What the negative texts of each segment are about"
    if words.empty:
        nothing = "no word is in enough negative texts of a segment"
        return style.empty_picture(title, scope.caption(), nothing)
    there = set(words["segment"])
    segments = [name for name in colours if name in there]
    note = "Log odds against positive texts of the same segment (customers with the word)"
    rows = -(-len(segments) // 2)
    figure = style.new_figure(title, scope.caption(), 12, 1.6 + 1.75 * rows, note)
    grid = figure.subplots(rows, 2, squeeze=False)
    most, parts = float(words["log_odds"].max()), []
    for axes, segment in zip(grid.flat, segments, strict=False):
        first = diverse(words[words["segment"] == segment], _EACH)
        names = [cut_name(term, _NAME_WIDTH) for term in first["term"]]
        texts = [
            f"{short(round(odds, 2))} ({count(customers)})"
            for odds, customers in zip(first["log_odds"], first["customers"], strict=True)
        ]
        shade = colours[segment]
        marks.labelled_bars(axes, names, first["log_odds"].tolist(), texts, shade)
        axes.set_title(cut_name(segment, _NAME_WIDTH))
        axes.set_ylim(_EACH - 0.4, -0.6)
        axes.set_xlim(0, 1.6 * most)
        axes.tick_params(labelbottom=False, length=0)
        axes.grid(visible=False)
        told = ", ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
        parts.append(f"{cut_name(segment, marks.NAME_WIDTH)}: {told}")
    for axes in grid.flat[len(segments) :]:
        axes.set_visible(False)
    return Picture(figure, f"{title}. {scope.caption()}. {note}. {'; '.join(parts)}.")
