"""The raw data at a glance."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

from amazon_seg_assets.formats import count, counted, cut_name, share, short
from amazon_seg_assets.plots import style
from amazon_seg_assets.plots.marks import labelled_bars, make_room_for_labels
from amazon_seg_assets.plots.style import Picture, house_style

_NAME_WIDTH = 58
_MOST_PRODUCTS = 20
_MOST_BARS, _MOST_LABELLED_BARS = 36, 14
_VERIFIED = {True: ("verified", style.ACCENT), False: ("not verified", style.MUTED)}


@house_style()
def popular_products(products: pd.DataFrame, year: int) -> Picture:
    """The 20 most reviewed products of a year, the first on top.

    ``products`` has a row per product, with ``product_name`` (any text, or null) and ``reviews``.
    """
    title = f"Most popular products of {year}"
    ordered = products.sort_values("reviews", ascending=False, kind="stable").head(_MOST_PRODUCTS)
    if ordered["reviews"].sum() == 0:
        return style.empty_picture(title, "By number of reviews", f"no reviews in {year}")
    names = [cut_name(name, _NAME_WIDTH) for name in ordered["product_name"]]
    texts = [count(number) for number in ordered["reviews"]]
    caption = f"By number of reviews; {counted(ordered['reviews'].sum(), 'review')} shown"
    figure = style.new_figure(title, caption, width=10.5, height=1.7 + 0.31 * len(names))
    axes = figure.subplots()
    labelled_bars(axes, names, ordered["reviews"].tolist(), texts, style.ACCENT)
    axes.tick_params(axis="y", labelsize=9)
    style.count_axis(axes.xaxis, "Reviews")
    make_room_for_labels(axes)
    parts = "; ".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True))
    return Picture(figure, f"{title}, by number of reviews. {parts}.")


@house_style()
def ratings_by_verified(ratings: pd.DataFrame, period: str) -> Picture:
    """Reviews by rating, verified and not verified purchases side by side.

    ``ratings`` has a row for each rating and kind: ``rating`` (stars, 0 to 5),
    ``verified_purchase`` (bool) and ``reviews``; ``period`` is such as ``all time`` or ``2023``.
    """
    title = f"Ratings by verified purchase, {period}"
    total = ratings["reviews"].sum()
    if total == 0:
        return style.empty_picture(title, "By number of reviews", f"no reviews ({period})")
    table = ratings.pivot_table(
        index="rating", columns="verified_purchase", values="reviews", aggfunc="sum"
    ).reindex(columns=list(_VERIFIED))
    table = table.fillna(0).sort_index()
    of_all = {kind: table[kind].sum() / total for kind in _VERIFIED}
    caption = f"{counted(total, 'review')}, {share(of_all[True])} of them verified purchases"
    figure = style.new_figure(title, caption, width=9.5)
    axes = figure.subplots()
    for kind, offset in ((True, -0.2), (False, 0.2)):
        name, colour = _VERIFIED[kind]
        bars = axes.bar(
            np.arange(len(table)) + offset, table[kind], width=0.38, color=colour,
            label=f"{name} ({share(of_all[kind])})",
        )  # fmt: skip
        texts = [short(n) if n >= 1e6 else count(n) for n in table[kind]]
        axes.bar_label(bars, labels=texts, padding=3, fontsize=9)
    stars = [f"{rating:g} {'star' if rating == 1 else 'stars'}" for rating in table.index]
    axes.set_xticks(range(len(table)), stars)
    axes.set_xlim(-0.6, len(table) - 0.4)
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.12)
    style.count_axis(axes.yaxis, "Reviews")
    figure.legend(loc="outside lower center", ncols=2)
    parts = "; ".join(
        f"{name}: "
        + ", ".join(f"{text} {count(n)}" for text, n in zip(stars, table[kind], strict=True))
        for kind, (name, _) in _VERIFIED.items()
    )
    return Picture(figure, f"{title}. {caption}. {parts}.")


@house_style()
def reviews_over_time(reviews: pd.DataFrame, last_day: str) -> Picture:
    """Reviews in each month; months without any count zero.

    ``reviews`` has a row per month, with ``month`` (``YYYY-MM``) and ``reviews``; ``last_day`` of
    the data (``YYYY-MM-DD``) tells that the last month may be cut short.
    """
    title = "Reviews per month"
    reviews = reviews[reviews["reviews"] > 0]
    if reviews.empty:
        return style.empty_picture(title, "All reviews of the source", "no reviews")
    months = pd.PeriodIndex(reviews["month"], freq="M")
    series = reviews.set_index(months)["reviews"].groupby(level=0).sum()
    every = pd.period_range(series.index.min(), series.index.max())
    series = series.reindex(every, fill_value=0)
    span = f"{every[0]} to {every[-1]}" if len(every) > 1 else f"{every[0]}"
    caption = f"{counted(series.sum(), 'review')}, {span}; the data end on {last_day}"
    figure = style.new_figure(title, caption, width=10.5, height=4.8)
    axes = figure.subplots()
    (_draw_bars if len(series) <= _MOST_BARS else _draw_steps)(axes, series)
    axes.set_xlabel("Month (UTC)")
    axes.set_ylim(bottom=0)
    style.count_axis(axes.yaxis, "Reviews")
    peak = f"{count(series.max())} in {series.idxmax()}"
    last = f"{count(series.iloc[-1])} in {every[-1]}"
    return Picture(figure, f"{title}. {caption}. Most: {peak}. Last: {last}.")


def _draw_bars(axes: Axes, series: pd.Series) -> None:
    """A bar a month, with its value; only with the peak's where there are many."""
    many = len(series) > _MOST_LABELLED_BARS
    bars = axes.bar(range(len(series)), series, color=style.ACCENT, width=0.8)
    texts = [
        "" if many and n < series.max() else short(n) if n >= 1e4 else count(n) for n in series
    ]
    axes.bar_label(bars, labels=texts, padding=3, fontsize=9)
    axes.set_xticks(range(len(series)), series.index.astype(str), rotation=90 if many else 0)
    axes.set_xlim(-0.6, len(series) - 0.4)
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.12)


def _draw_steps(axes: Axes, series: pd.Series) -> None:
    """An area with a step a month."""
    months = pd.PeriodIndex(series.index)
    edges = date2num([*months.start_time, (months[-1] + 1).start_time])
    axes.stairs(series, edges, fill=True, color=style.ACCENT)
    locator = AutoDateLocator(minticks=3)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlim(edges[0], edges[-1])
    axes.margins(y=0.08)
