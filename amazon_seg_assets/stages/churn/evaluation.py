"""Judgement of models of churn on a later snapshot, beside simple rules."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

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

    def row(model: str, population: str) -> dict[str, Any]:
        of = members[population]
        return {
            "model": model,
            "population": population,
            "customers": int(of.sum()),
            "base_rate": float(churned[of].mean()),
            **_with_intervals(churned[of], scores[model][of], seed),
        }

    # In threads, as NumPy lets others run; each row has random numbers of its own.
    judged = [(model, name) for model in scores for name, of in members.items() if of.any()]
    with ThreadPoolExecutor() as pool:
        return pd.DataFrame(pool.map(row, *zip(*judged, strict=True)))


class _Ranked(NamedTuple):
    """Customers in the order of their scores, and what all resamples of them share.

    Attributes:
        churned: 0 or 1; shape (customers,), as all.
        score: probability of churn.
        loss: of each, as log loss has it.
        square: of each, as Brier's score has it.
        ends: places of the last of each distinct score; shape (distinct scores,).
    """

    churned: np.ndarray
    score: np.ndarray
    loss: np.ndarray
    square: np.ndarray
    ends: np.ndarray


def _ranked(churned: np.ndarray, score: np.ndarray) -> _Ranked:
    order = np.argsort(score, kind="stable")
    churned, score = churned[order].astype(float), score[order]
    sure = np.clip(score, _LEAST, 1 - _LEAST)
    return _Ranked(
        churned,
        score,
        -(churned * np.log(sure) + (1 - churned) * np.log1p(-sure)),
        (score - churned) ** 2,
        np.append(np.flatnonzero(np.diff(score)), len(score) - 1),
    )


def _with_intervals(churned: np.ndarray, score: np.ndarray, seed: int) -> dict[str, float]:
    """Metrics, and the ends of their intervals: rows are sorted once, resamples are weights."""
    ranked, draw = _ranked(churned, score), np.random.default_rng(seed)
    # A resample with replacement is, all but exactly, a Poisson weight of 1 for each customer.
    found = np.array([_metrics(ranked, draw.poisson(1.0, len(score))) for _ in range(RESAMPLES)])
    low, high = np.quantile(found, (0.025, 0.975), axis=0)
    at = _metrics(ranked, np.ones(len(score)))
    return {
        f"{metric}{end}": float(figure)
        for metric, *figures in zip(METRICS, at, low, high, strict=True)
        for end, figure in zip(("", "_low", "_high"), figures, strict=True)
    }


def _metrics(of: _Ranked, weights: np.ndarray) -> list[float]:
    """The metrics in the order of `METRICS`, of weighted customers."""
    weighted = weights * of.churned
    reached = weights.cumsum()
    total, positive = reached[-1], weighted.sum()
    if positive <= 0 or positive >= total:
        return [np.nan] * len(METRICS)
    so_far, all_so_far = weighted.cumsum()[of.ends], reached[of.ends]
    churners = np.diff(so_far, prepend=0.0)
    others_so_far = all_so_far - so_far
    below = others_so_far - np.diff(others_so_far, prepend=0.0) / 2
    roc = float(churners @ below / positive / (total - positive))
    caught = churners[::-1].cumsum()
    called = np.diff(all_so_far, prepend=0.0)[::-1].cumsum()
    with np.errstate(invalid="ignore"):
        precision = np.where(called > 0, caught / np.maximum(called, _LEAST), 0.0)
    pr = float(precision @ churners[::-1] / positive)
    tenth = np.minimum((reached / total * TENTHS).astype(int), TENTHS - 1)
    sums = [np.bincount(tenth, each, TENTHS) for each in (weights * of.score, weighted)]
    calibration = np.abs(sums[0] - sums[1]).sum() / total
    loss, brier = (float(weights @ each / total) for each in (of.loss, of.square))
    return [roc, pr, loss, brier, float(calibration), _lift(called, caught, positive)]


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
    return _metrics(_ranked(churned, score), np.ones(len(score)))[0]
