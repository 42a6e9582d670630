"""Expected purchases beside actual ones."""

import pandas as pd
from matplotlib.axes import Axes

from amazon_seg_assets.formats import counted, short
from amazon_seg_assets.plots import style
from amazon_seg_assets.plots.style import Picture, Scope, house_style

_SERIES = {
    "actual": ("actual", style.INK, "o"),
    "expected": ("expected by BG/NBD", style.ACCENT, "D"),
    "as_last_year": ("as in the year before", style.MUTED, "s"),
}
_PANELS = {
    "repeats": "Purchases after the first, until a year ago",
    "cohort": "Year of the first purchase",
}
_MOST_COHORTS = 12


@house_style()
def backtest(groups: pd.DataFrame, scope: Scope) -> Picture:
    """Expected and actual purchases of the last year, a customer, by repeats and by cohort.

    ``groups`` has the columns of ``value_backtest``; of cohorts the last twelve are drawn.
    """
    title = "What the model of purchases expected a year ago, and what came"
    if groups.empty:
        return style.empty_picture(title, scope.caption(), "the history is too short")
    figure = style.new_figure(title, scope.caption(), width=11, height=4.6)
    all_axes = figure.subplots(1, len(_PANELS))
    parts = []
    for axes, (grouping, label) in zip(all_axes, _PANELS.items(), strict=True):
        rows = groups[groups["grouping"] == grouping].sort_values("name")[-_MOST_COHORTS:]
        _draw(axes, rows)
        axes.set_xlabel(label)
        axes.set_ylim(bottom=0)
        parts.append(f"{label}: {'; '.join(_told(row) for row in rows.to_dict('records'))}")
    all_axes[0].set_ylabel("Purchases a customer")
    handles, names = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    return Picture(figure, f"{title}. {scope.caption()}. {'. '.join(parts)}.")


def _draw(axes: Axes, rows: pd.DataFrame) -> None:
    for column, (name, colour, marker) in _SERIES.items():
        each = (rows[column] / rows["customers"]).tolist()
        axes.plot(range(len(rows)), each, color=colour, marker=marker, linewidth=1.6, label=name)
    axes.set_xticks(range(len(rows)), rows["name"].tolist())
    axes.tick_params(axis="x", labelrotation=0 if len(rows) <= 8 else 45)


def _told(row: dict[str, float]) -> str:
    means = ", ".join(
        f"{name} {short(row[column] / row['customers'])}" for column, (name, *_) in _SERIES.items()
    )
    return f"{row['name']} ({counted(int(row['customers']), 'customer')}) {means}"
