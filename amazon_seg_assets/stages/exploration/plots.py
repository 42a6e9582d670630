"""The raw data at a glance."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from amazon_seg_assets.formats import count, counted, cut_name, share, short
from amazon_seg_assets.plots import style
from amazon_seg_assets.plots.marks import labelled_bars, make_room_for_labels
from amazon_seg_assets.plots.style import Picture, RawScope, house_style

_NAME_WIDTH = 58
_MOST_PRODUCTS = 20
_MOST_BARS, _MOST_LABELLED_BARS = 36, 14
_VERIFIED = {True: ("verified", style.ACCENT), False: ("not verified", style.MUTED)}
_CUT_OFF = style.hatched(style.ACCENT)
"""The look of a month that the end of the data cuts off."""


@house_style()
def popular_products(products: pd.DataFrame, year: int, scope: RawScope) -> Picture:
    """The 20 products with most verified reviews of a year, the first on top.

    ``products`` has a row per product, with ``product_name`` (any text, or null) and ``reviews``,
    verified ones.
    """
    title = f"Most popular products of {_upto(year, scope)}"
    ordered = products.sort_values("reviews", ascending=False, kind="stable").head(_MOST_PRODUCTS)
    if ordered["reviews"].sum() == 0:
        return style.empty_picture(title, scope.caption(), f"no verified reviews in {year}")
    names = [cut_name(name, _NAME_WIDTH) for name in ordered["product_name"]]
    texts = [count(number) for number in ordered["reviews"]]
    note = f"By number of verified reviews; {counted(ordered['reviews'].sum(), 'review')} shown"
    height = 1.9 + 0.31 * len(names)
    figure = style.new_figure(title, scope.caption(), width=10.5, height=height, note=note)
    axes = figure.subplots()
    labelled_bars(axes, names, ordered["reviews"].tolist(), texts, style.ACCENT)
    axes.tick_params(axis="y", labelsize=9)
    style.count_axis(axes.xaxis, f"Verified reviews in {_upto(year, scope)}")
    make_room_for_labels(axes)
    parts = "; ".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True))
    return Picture(figure, f"{title}. {scope.caption()}. {note}. {parts}.")


def _upto(year: int, scope: RawScope) -> str:
    """A year, with the last day of the data if it cuts the year off."""
    last = scope.last_day
    is_cut_off = last is not None and last.year == year and last < date(year, 12, 31)
    return f"{year} (up to {last})" if is_cut_off else f"{year}"


@house_style()
def ratings_by_verified(ratings: pd.DataFrame, year: int | None, scope: RawScope) -> Picture:
    """Ratings of verified purchases and of others: reviews, and beside them shares of each kind.

    ``ratings`` has a row for each rating and kind: ``rating`` (stars, 0 to 5),
    ``verified_purchase`` (bool) and ``reviews``; ``year`` is None for all time.
    """
    period = "all time" if year is None else _upto(year, scope)
    title = f"Ratings by verified purchase, {period}"
    total = ratings["reviews"].sum()
    if total == 0:
        return style.empty_picture(title, scope.caption(), f"no reviews ({year or period})")
    counts = ratings.pivot_table(
        index="rating", columns="verified_purchase", values="reviews", aggfunc="sum"
    ).reindex(columns=list(_VERIFIED))
    counts = counts.fillna(0).sort_index()
    of_kind = counts.sum()
    shares = counts / of_kind.where(of_kind > 0)
    note = f"{counted(total, 'review')}, {share(of_kind[True] / total)} of them verified purchases"
    figure = style.new_figure(title, scope.caption(), width=14.5, height=5.4, note=note)
    left, right = figure.subplots(1, 2)
    _draw_kinds(left, counts, lambda n: short(n) if n >= 1e6 else count(n))
    left.set_title("Reviews")
    style.count_axis(left.yaxis, "Reviews")
    _draw_kinds(right, shares, share)
    right.set_title("Shares: verified and not verified are 100 % each")
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    right.set_ylabel("Share of the reviews of its kind")
    labels = [
        f"{name} ({share(of_kind[kind] / total)} of reviews)"
        for kind, (name, _) in _VERIFIED.items()
    ]
    figure.legend(handles=left.containers, labels=labels, loc="outside lower center", ncols=2)
    parts = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{_stars(rating)} {count(counts.loc[rating, kind])} ({share(part)})"
            for rating, part in shares[kind].items()
        )
        for kind, (name, _) in _VERIFIED.items()
    )
    return Picture(figure, f"{title}. {scope.caption()}. {note}. {parts}.")


def _draw_kinds(axes: Axes, values: pd.DataFrame, text: Callable[[float], str]) -> None:
    """Draws two bars a rating, verified on the left, with their values."""
    for (kind, (_, colour)), offset in zip(_VERIFIED.items(), (-0.2, 0.2), strict=True):
        places = np.arange(len(values)) + offset
        bars = axes.bar(places, values[kind].fillna(0), width=0.38, color=colour)
        axes.bar_label(bars, labels=[text(each) for each in values[kind]], padding=3, fontsize=8)
    axes.set_xticks(range(len(values)), [_stars(rating) for rating in values.index])
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.12)


def _stars(rating: float) -> str:
    return f"{rating:g} {'star' if rating == 1 else 'stars'}"


@house_style()
def reviews_over_time(reviews: pd.DataFrame, scope: RawScope) -> Picture:
    """Reviews in each month; months without any count zero, one that is cut off is marked.

    ``reviews`` has a row per month, with ``month`` (``YYYY-MM``) and ``reviews``.
    """
    title = "Reviews per month"
    reviews = reviews[reviews["reviews"] > 0]
    if reviews.empty:
        return style.empty_picture(title, scope.caption(), "no reviews")
    months = pd.PeriodIndex(reviews["month"], freq="M")
    series = reviews.set_index(months)["reviews"].groupby(level=0).sum()
    every = pd.period_range(series.index.min(), series.index.max())
    series = series.reindex(every, fill_value=0)
    span = f"{every[0]} to {every[-1]}" if len(every) > 1 else f"{every[0]}"
    note = f"{counted(series.sum(), 'review')}, {span}"
    figure = style.new_figure(title, scope.caption(), width=10.5, height=5.2, note=note)
    axes = figure.subplots()
    is_cut_off = scope.last_day is not None and scope.last_day < every[-1].end_time.date()
    draw = _draw_bars if len(series) <= _MOST_BARS else _draw_steps
    draw(axes, series, is_cut_off)
    told = f"{every[-1]} is cut off: its last review is of {scope.last_day}"
    if is_cut_off:
        figure.legend(
            handles=[Patch(**_CUT_OFF)], labels=[told], loc="outside lower center"
        )  # fmt: skip
    axes.set_xlabel("Month (UTC)")
    axes.set_ylim(bottom=0)
    style.count_axis(axes.yaxis, "Reviews")
    peak = f"{count(series.max())} in {series.idxmax()}"
    last = f"{count(series.iloc[-1])} in {every[-1]}"
    return Picture(
        figure,
        f"{title}. {scope.caption()}. {note}. Most: {peak}. Last: {last}."
        + (f" {told}." if is_cut_off else ""),
    )


def _draw_bars(axes: Axes, series: pd.Series, is_cut_off: bool) -> None:
    """A bar a month, with its value; only with the peak's where there are many."""
    many = len(series) > _MOST_LABELLED_BARS
    bars = axes.bar(range(len(series)), series, color=style.ACCENT, width=0.8)
    if is_cut_off:
        bars[-1].set(**_CUT_OFF)
    texts = [
        "" if many and n < series.max() else short(n) if n >= 1e4 else count(n) for n in series
    ]
    axes.bar_label(bars, labels=texts, padding=3, fontsize=9)
    axes.set_xticks(range(len(series)), series.index.astype(str), rotation=90 if many else 0)
    axes.set_xlim(-0.6, len(series) - 0.4)
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.12)


def _draw_steps(axes: Axes, series: pd.Series, is_cut_off: bool) -> None:
    """An area with a step a month; an arrow leads to a last one that is cut off, as it is thin."""
    months = pd.PeriodIndex(series.index)
    edges = date2num([*months.start_time, (months[-1] + 1).start_time])
    whole = len(series) - is_cut_off
    axes.stairs(series[:whole], edges[: whole + 1], fill=True, color=style.ACCENT)
    if is_cut_off:
        axes.stairs(series[whole:], edges[whole:], fill=True, **_CUT_OFF)
        axes.annotate(
            f"{months[-1]}, cut off", (edges[-2:].mean(), series.iloc[-1]), xytext=(-24, 16),
            textcoords="offset points", ha="right", fontsize=9,
            arrowprops={
                "arrowstyle": "->", "color": style.INK,
                "path_effects": [withStroke(linewidth=3.5, foreground="white")],
            },
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    locator = AutoDateLocator(minticks=3)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlim(edges[0], edges[-1])
    axes.margins(y=0.16)
