"""Cohorts over time, and customers by what they did before."""

import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.ticker import FuncFormatter, MaxNLocator

from amazon_seg_assets.formats import count, counted, money, share, short
from amazon_seg_assets.plots import marks, style
from amazon_seg_assets.plots.style import Picture, Scope, house_style
from amazon_seg_assets.stages.history.tables import LAPSED, LIFECYCLES, STATUSES

_MOST_COHORTS = 20
"""The last five years; more rows are not read."""

_TOLD_QUARTERS = (1, 4, 8, 12, 16)
"""Quarters since the first that the alternative text tells of: the next, and anniversaries."""


@house_style()
def cohort_retention(cohorts: pd.DataFrame, scope: Scope) -> Picture:
    """Share of each cohort that is active, by quarters since its first; the last 20 cohorts.

    ``cohorts`` has the columns of ``cohort_retention``. The first quarter, in which all are active,
    is not drawn.
    """
    title = "Customers who come back, by the quarter they came"
    later = cohorts[cohorts["quarters_since"] > 0]
    since = later[later["cohort"].isin(sorted(later["cohort"].unique())[-_MOST_COHORTS:])]
    if since.empty:
        return style.empty_picture(title, scope.caption(), "no quarter after the first")
    shares = since.assign(share=since["active_customers"] / since["cohort_customers"]).pivot(
        index="cohort", columns="quarters_since", values="share"
    )
    sizes = since.groupby("cohort")["cohort_customers"].first()[shares.index]
    norm = Normalize(0, shares.max().max() or 1.0)
    rows, columns = shares.shape
    figure = style.new_figure(
        title, scope.caption(), max(7.5, 3 + 0.46 * columns), max(3.6, 2.1 + 0.29 * rows),
        note="In the cells: % of the cohort with a review in the quarter",
    )  # fmt: skip
    axes = figure.subplots()
    texts = [[_percent(part) for part in row] for row in shares.to_numpy()]
    mesh = marks.cells(axes, shares.to_numpy(), texts, norm, first=(1, 0), fontsize=8)
    names = [f"{cohort}  ({short(size)})" for cohort, size in sizes.items()]
    axes.set_yticks(range(rows), names)
    axes.set_xticks(shares.columns)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlabel("Quarters since the first review")
    axes.set_ylabel("Cohort (customers)")
    marks.colour_bar(axes, mesh, "Share of the cohort")
    parts = "; ".join(
        f"{cohort}, {counted(sizes[cohort], 'customer')}: {_told(of_cohort.dropna())}"
        for cohort, of_cohort in shares.iterrows()
    )
    return Picture(
        figure,
        f"{title}: share of each cohort with a review so many quarters after its first. "
        f"{scope.caption()}. {parts}.",
    )


def _percent(fraction: float) -> str:
    """A share in a cell: ``12`` or ``9.5``, in percent."""
    percent = fraction * 100
    return f"{percent:.1f}" if 0 < percent < 9.95 else f"{percent:.0f}"


def _told(of_cohort: pd.Series) -> str:
    """Shares of a cohort in the next quarter and on its anniversaries."""
    told = [quarter for quarter in _TOLD_QUARTERS if quarter in of_cohort.index]
    return ", ".join(f"{share(of_cohort[quarter])} after {quarter}" for quarter in told)


@house_style()
def lifecycle(summary: pd.DataFrame, scope: Scope) -> Picture:
    """Customers and spend by status, side by side; those who lapsed apart.

    ``summary`` has the columns of ``lifecycle_summary``. Spend is that of the window, of lapsed
    customers that of the year before it.
    """
    title = "New, returning, won back and lapsed customers"
    by_status = summary.set_index("status")
    customers = by_status["customers"].reindex(STATUSES, fill_value=0)
    if customers.sum() == 0:
        return style.empty_picture(title, scope.caption())
    spend = by_status["spend"].reindex(STATUSES, fill_value=0.0)
    spend[LAPSED] = by_status["spend_before"].get(LAPSED, 0.0)
    # An empty row parts those who are no customers of the snapshot.
    rows = [*LIFECYCLES, "", LAPSED]
    names = [row.replace("_", " ").capitalize() for row in rows]
    colours = [style.MUTED if row == LAPSED else style.ACCENT for row in rows]
    figure = style.new_figure(
        title, scope.caption(), width=11, height=marks.bars_height(len(rows)) + 0.6,
        note="Spend of lapsed customers: in the year before the window",
    )  # fmt: skip
    left, right = figure.subplots(1, 2, sharey=True)
    told: dict[str, list[str]] = {row: [] for row in STATUSES}
    for axes, values, text_of, heading in (
        (left, customers, count, "Customers (share of the snapshot's)"),
        (right, spend, money, "Spend (share of the snapshot's)"),
    ):
        total = values[[*LIFECYCLES]].sum() or float("nan")
        texts = {
            row: text_of(values[row])
            + ("" if row == LAPSED else f" ({share(values[row] / total)})")
            for row in STATUSES
        }
        lengths = [float(values.get(row, 0)) for row in rows]
        marks.labelled_bars(axes, names, lengths, [texts.get(row, "") for row in rows], colours)
        axes.set_title(heading)
        for row in STATUSES:
            told[row].append(texts[row])
    style.count_axis(left.xaxis, "Customers")
    right.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=style.ROUND_STEPS))
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"${short(value)}"))
    right.set_xlabel("USD")
    right.tick_params(labelleft=False)
    for axes in (left, right):
        marks.make_room_for_labels(axes)
    parts = "; ".join(
        f"{name} {told[row][0]}, {'spent before' if row == LAPSED else 'spend'} {told[row][1]}"
        for row, name in zip(rows, names, strict=True)
        if row
    )
    return Picture(figure, f"{title}. {scope.caption()}. {parts}.")
