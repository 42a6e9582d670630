"""The RFM segments: how many customers, how much money, and how the scheme cuts them."""

from __future__ import annotations

import pandas as pd
from matplotlib.colors import Normalize, to_hex
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.formats import count, cut_name, money, share, short
from amazon_seg_assets.plots.bars import labelled_bars, make_room_for_labels, name_rows
from amazon_seg_assets.plots.picture import Picture
from amazon_seg_assets.plots.ring import ring
from amazon_seg_assets.plots.style import (
    DENSITY,
    FAINT,
    ROUND_STEPS,
    Scope,
    count_axis,
    empty_picture,
    house_style,
    new_figure,
    segment_colours,
    text_colour,
)
from amazon_seg_assets.tables.features import SCORES

_NAME_WIDTH = 32


def _height(rows: int, each: float = 0.36) -> float:
    """Inches of a figure with so many horizontal bars."""
    return max(3.2, 1.7 + each * rows)


def _colours(segments: pd.DataFrame) -> list[str]:
    """The colour of each row's segment."""
    return [*map(segment_colours(segments["segment"]).__getitem__, segments["segment"])]


@house_style()
def segment_counts(segments: pd.DataFrame, scope: Scope) -> Picture:
    """Customers of each segment, the largest first.

    Args:
        segments: one row per segment, with ``segment`` and ``customers``.
        scope: for the caption.
    """
    title = "Customers by RFM segment"
    total = segments["customers"].sum()
    if total == 0:
        return empty_picture(title, scope.caption(), "no customers")
    ordered = segments.sort_values(["customers", "segment"], ascending=[False, True])
    names = [cut_name(name, _NAME_WIDTH) for name in ordered["segment"]]
    texts = [f"{count(number)} ({share(number / total)})" for number in ordered["customers"]]
    figure = new_figure(title, scope.caption(), height=_height(len(names)))
    axes = figure.subplots()
    colours = _colours(ordered)
    labelled_bars(axes, names, ordered["customers"].tolist(), texts, colours)
    count_axis(axes.xaxis, "Customers")
    make_room_for_labels(axes)
    parts = "; ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
    return Picture(figure, f"{title}, the largest first. {scope.caption()}. {parts}.")


@house_style()
def segment_shares(segments: pd.DataFrame, scope: Scope) -> Picture:
    """Share of customers in each segment, as a ring.

    Args:
        segments: one row per segment, with ``segment`` and ``customers``.
        scope: for the caption.
    """
    title = "Share of customers by RFM segment"
    if segments["customers"].sum() == 0:
        return empty_picture(title, scope.caption(), "no customers")
    ordered = segments.sort_values(["customers", "segment"], ascending=[False, True])
    return ring(
        title,
        scope.caption(),
        [cut_name(name, _NAME_WIDTH) for name in ordered["segment"]],
        ordered["customers"].tolist(),
        _colours(ordered),
    )


@house_style()
def segment_money(segments: pd.DataFrame, scope: Scope) -> Picture:
    """Mean and total monetary value by segment, side by side, the highest mean first.

    Args:
        segments: one row per segment, with ``segment``, ``customers``, ``mean_monetary`` (USD a
            customer; null where there are none) and ``total_monetary`` (USD).
        scope: for the caption.
    """
    title = "Monetary value by RFM segment"
    if segments["customers"].sum() == 0:
        return empty_picture(title, scope.caption(), "no customers")
    ordered = segments.sort_values(
        ["mean_monetary", "segment"], ascending=[False, True], na_position="last"
    )
    names = [cut_name(name, _NAME_WIDTH) for name in ordered["segment"]]
    colours = _colours(ordered)
    total = ordered["total_monetary"].sum()
    means = [money(mean) for mean in ordered["mean_monetary"]]
    sums = [
        f"{money(amount)} ({share(amount / total if total else float('nan'))})"
        for amount in ordered["total_monetary"]
    ]
    figure = new_figure(title, scope.caption(), width=11, height=_height(len(names)) + 0.2)
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, column, texts, heading in (
        (left, "mean_monetary", means, "Mean per customer"),
        (right, "total_monetary", sums, "Total (share of all)"),
    ):
        labelled_bars(axes, names, ordered[column].fillna(0).tolist(), texts, colours)
        axes.set_title(heading)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=ROUND_STEPS))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${short(value)}"))
        axes.set_xlabel("USD")
    right.tick_params(labelleft=False)
    for axes in (left, right):
        make_room_for_labels(axes)
    parts = "; ".join(
        f"{name} mean {mean}, total {amount}"
        for name, mean, amount in zip(names, means, sums, strict=True)
    )
    return Picture(figure, f"{title}, the highest mean first. {scope.caption()}. {parts}.")


@house_style()
def rfm_heatmap(cells: pd.DataFrame, scope: Scope) -> Picture:
    """Customers by recency score and by frequency and monetary score together.

    Colour and first line of a cell: share of customers; second line: mean monetary value.

    Args:
        cells: one row per cell that has customers, with ``r_score`` and ``fm_score`` (1 to 5),
            ``customers`` and ``mean_monetary`` (USD).
        scope: for the caption.
    """
    title = "Customers by recency (R) and frequency-monetary (FM) score"
    total = cells["customers"].sum()
    if total == 0:
        return empty_picture(title, scope.caption(), "no customers")
    table = cells.pivot(index="r_score", columns="fm_score").reindex(index=SCORES)
    grid = table["customers"].reindex(columns=SCORES).fillna(0) / total
    means = table["mean_monetary"]
    norm = Normalize(0, grid.to_numpy().max())
    caption = f"{scope.caption()} · share of customers, and their mean monetary value"
    figure = new_figure(title, caption, width=8, height=6.4)
    axes = figure.subplots()
    mesh = axes.pcolormesh(
        [score - 0.5 for score in range(1, 7)], [score - 0.5 for score in range(1, 7)],
        grid.where(grid > 0).to_numpy(), cmap=DENSITY, norm=norm, edgecolors="white", linewidth=2,
    )  # fmt: skip
    for r_score in SCORES:
        for fm_score in SCORES:
            fraction = float(grid.loc[r_score, fm_score])
            if fraction == 0:
                text, colour = "none", FAINT
            else:
                text = f"{share(fraction)}\n{money(means.loc[r_score, fm_score])}"
                colour = text_colour(to_hex(DENSITY(norm(fraction))))
            axes.text(fm_score, r_score, text, ha="center", va="center", color=colour)
    axes.set_facecolor("#F5F5F5")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks(SCORES)
    axes.set_yticks(SCORES)
    axes.set_xlabel("FM score (5: most often and for most)")
    axes.set_ylabel("R score (5: most recent)")
    bar = figure.colorbar(mesh, ax=axes, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: share(value)))
    ordered = cells.sort_values("customers", ascending=False, kind="stable")
    parts = "; ".join(
        f"R {r_score} and FM {fm_score} {share(customers / total)}, mean {money(mean)}"
        for r_score, fm_score, customers, mean in zip(
            *(ordered[name] for name in ("r_score", "fm_score", "customers", "mean_monetary")),
            strict=True,
        )
        if customers
    )
    return Picture(figure, f"{title}, the fullest cells first. {scope.caption()}. {parts}.")


@house_style()
def scheme_comparison(segments: pd.DataFrame, scope: Scope) -> Picture:
    """Customers of each segment under the two schemes, and by how much the notebook's differs.

    Args:
        segments: one row per segment, with ``segment`` and the customers that it has under
            ``standard`` and under ``notebook``.
        scope: for the caption.
    """
    title = "Segments under the standard and the notebook scheme"
    if segments[["standard", "notebook"]].sum().sum() == 0:
        return empty_picture(title, scope.caption(), "no customers")
    ordered = segments.sort_values(["standard", "segment"], ascending=[False, True])
    names = [cut_name(name, _NAME_WIDTH) for name in ordered["segment"]]
    standard, notebook = ordered["standard"].tolist(), ordered["notebook"].tolist()
    changes = [_change(before, after) for before, after in zip(standard, notebook, strict=True)]
    colours = _colours(ordered)
    figure = new_figure(title, scope.caption(), height=_height(len(names), each=0.5))
    axes = figure.subplots()
    for scheme, offset, texts in (
        ("standard", -0.2, [count(number) for number in standard]),
        (
            "notebook",
            0.2,
            [f"{count(n)} ({change})" for n, change in zip(notebook, changes, strict=True)],
        ),
    ):
        bars = axes.barh(
            [row + offset for row in range(len(names))], ordered[scheme], height=0.36,
            color=colours, alpha=1 if scheme == "standard" else 0.45,
            hatch=None if scheme == "standard" else "////", edgecolor="white", linewidth=0,
        )  # fmt: skip
        axes.bar_label(bars, labels=texts, padding=4, fontsize=8.5)
    name_rows(axes, names)
    count_axis(axes.xaxis, "Customers")
    figure.legend(
        handles=[
            Patch(facecolor=FAINT, label="standard: equal customers, equal scores"),
            Patch(
                facecolor=FAINT, alpha=0.45, hatch="////", edgecolor="white",
                label="notebook: equal customers may part (change against standard)",
            ),
        ],
        loc="outside lower center",
    )  # fmt: skip
    make_room_for_labels(axes)
    parts = "; ".join(
        f"{name} {count(before)} against {count(after)} ({change})"
        for name, before, after, change in zip(names, standard, notebook, changes, strict=True)
    )
    return Picture(figure, f"{title}. {scope.caption()}. {parts}.")


def _change(before: float, after: float) -> str:
    """From the standard scheme to the notebook's, as a signed percentage."""
    if before == after:
        return "same"
    if before == 0:
        return "none under standard"
    return f"{(after - before) / before * 100:+,.0f} %"
