"""Pictures of the model of churn: calibration, rules beside it, curves, what it leans on."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from amazon_seg_assets.formats import counted, share
from amazon_seg_assets.plots import marks, style
from amazon_seg_assets.plots.style import Picture, Scope, house_style
from amazon_seg_assets.stages.churn.tables import MODELS

_NAMES = {
    "base_rate": "base rate", "recency_alone": "recency alone", "rfm_score": "RFM score",
    "bg_nbd": "BG/NBD", "logistic": "logistic", "chosen": "the model",
}  # fmt: skip
_POPULATIONS = {"all": "All customers", "repeat": "Customers who came again"}
_MOST_FEATURES = 15
_NOTHING = "the data carries no model"


@house_style()
def calibration(tenths: pd.DataFrame, scope: Scope) -> Picture:
    """Predicted and observed shares, with the line on which they are equal.

    ``tenths`` has the columns of ``churn_calibration``.
    """
    title = "Churn as predicted, and as it came"
    if tenths.empty:
        return style.empty_picture(title, scope.caption(), _NOTHING)
    figure = style.new_figure(title, scope.caption(), width=9, height=5.2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1.2, linestyle="--", label="equal")
    axes.plot(
        tenths["predicted"], tenths["observed"], color=style.ACCENT, marker="o", linewidth=1.6,
        label="a tenth of the customers",
    )  # fmt: skip
    axes.set(xlabel="Mean probability predicted", ylabel="Share that churned")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    _percents(axes)
    figure.legend(loc="outside lower center", ncols=2)
    parts = "; ".join(
        f"tenth {row.tenth} predicted {share(row.predicted)}, observed {share(row.observed)}"
        for row in tenths.itertuples()
    )
    return Picture(figure, f"{title}, by tenths of the scores. {scope.caption()}. {parts}.")


@house_style()
def models(evaluation: pd.DataFrame, scope: Scope) -> Picture:
    """ROC AUC with intervals, a row a model, a panel for all customers and for repeat ones.

    ``evaluation`` has the columns of ``churn_evaluation``.
    """
    title = "How well churn is told: ROC AUC"
    if evaluation.empty:
        return style.empty_picture(title, scope.caption(), _NOTHING)
    figure = style.new_figure(title, scope.caption(), width=9.5, height=3.9)
    all_axes = figure.subplots(1, len(_POPULATIONS), sharey=True)
    parts = []
    for axes, (population, label) in zip(all_axes, _POPULATIONS.items(), strict=True):
        of = evaluation[evaluation["population"] == population].set_index("model")
        rows = of.reindex([name for name in MODELS if name in of.index])
        places = range(len(rows))
        colours = [style.ACCENT if name == "chosen" else style.INK for name in rows.index]
        axes.hlines(places, rows["roc_auc_low"], rows["roc_auc_high"], color=colours, linewidth=2)
        axes.scatter(rows["roc_auc"], places, color=colours, s=42, zorder=3)
        axes.axvline(0.5, color=style.MUTED, linewidth=1, linestyle="--")
        marks.name_rows(axes, [_NAMES[name] for name in rows.index])
        axes.set_title(label)
        axes.set_xlabel("ROC AUC (0.5: chance)")
        told = ", ".join(
            f"{_NAMES[name]} {row.roc_auc:.3f} ({row.roc_auc_low:.3f} to {row.roc_auc_high:.3f})"
            for name, row in rows.iterrows()
        )
        size = counted(int(rows["customers"].max()), "customer") if len(rows) else "nobody"
        parts.append(f"{label}, {size}: {told}")
    return Picture(
        figure, f"{title}, with intervals of 95 %. {scope.caption()}. {'; '.join(parts)}."
    )


@house_style()
def curves(table: pd.DataFrame, scope: Scope) -> Picture:
    """ROC and lift curves, a line a model. ``table`` has the columns of ``churn_curves``."""
    title = "Churners found, and the lift of addressing the likeliest first"
    if table.empty:
        return style.empty_picture(title, scope.caption(), _NOTHING)
    figure = style.new_figure(title, scope.caption(), width=10.5, height=4.8)
    roc, lift = figure.subplots(1, 2)
    for place, model in enumerate(name for name in MODELS if name in set(table["model"])):
        is_chosen = model == "chosen"
        colour = style.ACCENT if is_chosen else style.cluster_colour(place)
        for axes, curve in ((roc, "roc"), (lift, "lift")):
            of = table[(table["model"] == model) & (table["curve"] == curve)].sort_values("point")
            axes.plot(
                of["across"], of["up"], color=colour, linewidth=2.6 if is_chosen else 1.4,
                label=_NAMES[model],
            )  # fmt: skip
    roc.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle="--")
    roc.set(xlabel="False alarms", ylabel="Churners found", xlim=(0, 1), ylim=(0, 1))
    lift.axhline(1, color=style.MUTED, linewidth=1, linestyle="--")
    lift.set(xlabel="Customers addressed, the likeliest first", ylabel="Lift", xlim=(0, 1))
    _percents(roc)
    lift.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:.0%}".replace("%", " %"))
    )
    handles, names = roc.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    first = table[(table["curve"] == "lift")].sort_values("point").groupby("model").nth(4)
    parts = ", ".join(f"{_NAMES[row.model]} {row.up:.2f}" for row in first.itertuples())
    return Picture(figure, f"{title}. {scope.caption()}. Lift of the first tenth: {parts}.")


@house_style()
def importance(table: pd.DataFrame, scope: Scope) -> Picture:
    """Loss of ROC AUC by feature. ``table`` has the columns of ``churn_importance``."""
    title = "What the model of churn leans on"
    if table.empty:
        return style.empty_picture(title, scope.caption(), _NOTHING)
    rows = table.sort_values("loss_of_auc", ascending=False)[:_MOST_FEATURES]
    figure = style.new_figure(title, scope.caption(), height=marks.bars_height(len(rows)))
    axes = figure.subplots()
    losses = rows["loss_of_auc"].clip(lower=0).tolist()
    texts = [f"{loss:.4f}" for loss in rows["loss_of_auc"]]
    names = [name.replace("_", " ") for name in rows["feature"]]
    marks.labelled_bars(axes, names, losses, texts, style.ACCENT)
    axes.set_xlabel("Loss of ROC AUC if the feature is shuffled")
    marks.make_room_for_labels(axes)
    parts = ", ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
    return Picture(figure, f"{title}: loss of ROC AUC. {scope.caption()}. {parts}.")


def _percents(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.0f} %"))
