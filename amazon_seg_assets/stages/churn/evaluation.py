"""Judgement of models of churn on a later snapshot, beside simple rules."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from amazon_seg_assets.stages.churn.tables import METRICS, POPULATIONS

RESAMPLES = 100
"""Of the bootstrap; its interval is from the third lowest to the third highest."""

TENTHS = 10
CURVE_POINTS = 50
_LEAST = 1e-6


def evaluate(
    churned: np.ndarray, scores: Mapping[str, np.ndarray], is_repeat: np.ndarray, seed: int = 42
) -> pd.DataFrame:
    """Measures each model on each population, with intervals.

    Args:
        churned: of the customers judged, 0 or 1; shape (customers,).
        scores: probabilities of churn, by model.
        is_repeat: customers with two purchases and more; shape (customers,).
        seed: of the bootstrap, whose resamples are the same for all models.

    Returns:
        Columns of ``churn_evaluation``; a metric that needs both cases is NaN where one is all.
    """
    everybody = np.ones(len(churned), dtype=bool)
    members = dict(zip(POPULATIONS, (everybody, is_repeat, ~is_repeat), strict=True))
    rows = [
        {
            "model": model,
            "population": population,
            "customers": int(of.sum()),
            "base_rate": float(churned[of].mean()),
            **_with_intervals(churned[of], score[of], seed),
        }
        for model, score in scores.items()
        for population, of in members.items()
        if of.any()
    ]
    return pd.DataFrame(rows)


def _with_intervals(churned: np.ndarray, score: np.ndarray, seed: int) -> dict[str, float]:
    """Metrics, and the ends of their intervals: rows are sorted once, resamples are weights."""
    order = np.argsort(score, kind="stable")
    churned, score = churned[order].astype(float), score[order]
    draw = np.random.default_rng(seed)
    # A resample with replacement is, all but exactly, a Poisson weight of 1 for each customer.
    found = np.array(
        [_metrics(churned, score, draw.poisson(1.0, len(score))) for _ in range(RESAMPLES)]
    )
    low, high = np.quantile(found, (0.025, 0.975), axis=0)
    at = _metrics(churned, score, np.ones(len(score)))
    return {
        f"{metric}{end}": float(figure)
        for metric, *figures in zip(METRICS, at, low, high, strict=True)
        for end, figure in zip(("", "_low", "_high"), figures, strict=True)
    }


def _metrics(churned: np.ndarray, score: np.ndarray, weights: np.ndarray) -> list[float]:
    """The metrics in the order of `METRICS`; customers are in the order of their scores."""
    total, positive = weights.sum(), weights @ churned
    if positive <= 0 or positive >= total:
        return [np.nan] * len(METRICS)
    ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    churners = np.diff((weights * churned).cumsum()[ends], prepend=0.0)
    others = np.diff((weights * (1 - churned)).cumsum()[ends], prepend=0.0)
    below = others.cumsum() - others / 2
    roc = float(churners @ below / positive / (total - positive))
    caught, called = churners[::-1].cumsum(), (churners + others)[::-1].cumsum()
    with np.errstate(invalid="ignore"):
        precision = np.where(called > 0, caught / np.maximum(called, _LEAST), 0.0)
    pr = float(precision @ churners[::-1] / positive)
    sure = np.clip(score, _LEAST, 1 - _LEAST)
    loss = -(weights @ (churned * np.log(sure) + (1 - churned) * np.log1p(-sure))) / total
    brier = weights @ (score - churned) ** 2 / total
    tenth = np.minimum((weights.cumsum() / total * TENTHS).astype(int), TENTHS - 1)
    sums = [np.bincount(tenth, weights * each, TENTHS) for each in (score, churned)]
    calibration = np.abs(sums[0] - sums[1]).sum() / total
    return [roc, pr, float(loss), float(brier), float(calibration), _lift(called, caught, positive)]


def _lift(called: np.ndarray, caught: np.ndarray, positive: float) -> float:
    """Churned share of the tenth with the highest scores, over the base rate; ties in part."""
    wanted = called[-1] / TENTHS
    return float(np.interp(wanted, np.append(0, called), np.append(0, caught)) / positive * TENTHS)


def calibration(churned: np.ndarray, score: np.ndarray) -> pd.DataFrame:
    """Predicted and observed shares by tenths of scores: columns of ``churn_calibration``."""
    order = np.argsort(score, kind="stable")
    tenth = np.arange(len(score)) * TENTHS // len(score) + 1
    frame = pd.DataFrame({"tenth": tenth, "predicted": score[order], "observed": churned[order]})
    grouped = frame.groupby("tenth", as_index=False)
    return grouped.agg(
        customers=("observed", "size"),
        predicted=("predicted", "mean"),
        observed=("observed", "mean"),
    )


def curves(churned: np.ndarray, scores: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """ROC and lift curves: columns of ``churn_curves``, some fifty points each."""
    rows: list[tuple[str, str, int, float, float]] = []
    for model, score in scores.items():
        order = np.argsort(-score, kind="stable")
        hits, value = churned[order].astype(float), score[order]
        ends = np.append(np.flatnonzero(np.diff(value)), len(value) - 1)
        caught, called = np.append(0, hits.cumsum()[ends]), np.append(0, ends + 1)
        missed = called - caught
        shares = np.linspace(0, 1, CURVE_POINTS + 1)
        at = np.interp(shares * len(value), called, caught)
        roc = np.interp(shares * missed[-1], missed, caught) / max(caught[-1], 1)
        rows += [(model, "roc", n, x, y) for n, (x, y) in enumerate(zip(shares, roc, strict=True))]
        lift = at[1:] / np.maximum(shares[1:] * caught[-1], _LEAST)
        rows += [
            (model, "lift", n, x, y) for n, (x, y) in enumerate(zip(shares[1:], lift, strict=True))
        ]
    return pd.DataFrame(rows, columns=["model", "curve", "point", "across", "up"])


def importance(
    score_of: Callable[[pd.DataFrame], np.ndarray],
    features: pd.DataFrame,
    churned: np.ndarray,
    names: Sequence[str],
    shuffles: int = 3,
    seed: int = 42,
) -> pd.DataFrame:
    """Permutation importance (Breiman, 2001): what of the ROC AUC a shuffled feature costs.

    Returns:
        Columns of ``churn_importance``, the most important first.
    """
    draw = np.random.default_rng(seed)
    whole = auc(churned, score_of(features))
    rows = []
    for name in names:
        lost = [
            whole
            - auc(
                churned,
                score_of(features.assign(**{name: draw.permutation(features[name].to_numpy())})),
            )
            for _ in range(shuffles)
        ]
        rows.append((name, float(np.mean(lost)), float(np.std(lost))))
    table = pd.DataFrame(rows, columns=["feature", "loss_of_auc", "spread"])
    return table.sort_values(["loss_of_auc", "feature"], ascending=[False, True], ignore_index=True)


def auc(churned: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve; NaN where all or none churned."""
    order = np.argsort(score, kind="stable")
    return _metrics(churned[order].astype(float), score[order], np.ones(len(score)))[0]
