"""Models of churn fitted on one cut-off, judged on a later one, and fitted again on that."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from amazon_seg_assets.stages.churn import evaluation, logistic
from amazon_seg_assets.stages.churn.logistic import Logistic, Term
from amazon_seg_assets.stages.churn.samples import Sample
from amazon_seg_assets.stages.churn.tables import FEATURES
from amazon_seg_assets.stages.value import bg_nbd
from amazon_seg_assets.stages.value.bg_nbd import Params

FEWEST_OF_EACH = 50
"""Customers who churned, and who did not, below which nothing can be learnt."""

_WEEK = 7


@dataclass(frozen=True)
class Judged:
    """A model of churn, and how well it and simple rules did on a later snapshot.

    Attributes:
        kind: of the model that was chosen: ``linear`` or ``bent``.
        table: columns of ``churn_evaluation``.
        calibration: columns of ``churn_calibration``.
        curves: columns of ``churn_curves``.
        importance: columns of ``churn_importance``.
        auc_of_all: ROC AUC of the chosen model on all customers judged, those that it was fitted
            on included.
        base_rate: share of the customers judged that churned.
        strongest: the highest ROC AUC of any single feature, and the feature's name.
        model: fitted again as of the later cut-off, to be applied to the snapshot.
    """

    kind: str
    table: pd.DataFrame
    calibration: pd.DataFrame
    curves: pd.DataFrame
    importance: pd.DataFrame
    auc_of_all: float
    base_rate: float
    strongest: tuple[float, str]
    model: Logistic


def too_little(train: pd.DataFrame, later: pd.DataFrame) -> str | None:
    """Says why nothing can be learnt from labelled customers; None if it can."""
    for part in (train[~train["held_out"]], later[later["held_out"]]):
        churned = int(part["churned"].sum())
        if min(churned, len(part) - churned) < FEWEST_OF_EACH:
            return (
                f"Of {len(part):,} customers of an earlier cut-off, {churned:,} churned: a model "
                f"needs {FEWEST_OF_EACH} who did and {FEWEST_OF_EACH} who did not."
            )
    return None


@threadpool_limits.wrap(limits=1)
def judge(sample: Sample, horizon_days: int) -> Judged:
    """Fits models, judges them, and chooses the one with the lowest log loss.

    In one thread: BLAS takes longer to divide so little among several than to do it, and the order
    in which it adds up would depend on how many there are.

    Args:
        sample: labelled customers, of whom there must be enough.
        horizon_days: of churn.
    """
    train, later, params = sample.train, sample.later, sample.of_histories
    fitted_on, held_out = train[~train["held_out"]], later[later["held_out"]]
    target, truth = _churned(fitted_on), _churned(held_out)
    candidates = {
        kind: logistic.fit(terms, fitted_on, target) for kind, terms in kinds(fitted_on).items()
    }
    guesses = {kind: model.probabilities(held_out) for kind, model in candidates.items()}
    kind = min(guesses, key=lambda each: _log_loss(truth, guesses[each]))
    scores = {
        "base_rate": np.full(len(held_out), target.mean()),
        "recency_alone": by_rank(fitted_on["recency_days"], target, held_out["recency_days"]),
        "rfm_score": by_rank(-_rfm(fitted_on), target, -_rfm(held_out)),
        **({} if params is None else {"bg_nbd": no_purchase(params, held_out, horizon_days)}),
        "logistic": guesses["linear"],
        "chosen": guesses[kind],
    }
    chosen = candidates[kind]
    return Judged(
        kind,
        evaluation.evaluate(truth, scores, (held_out["days_ever"] > 1).to_numpy()),
        evaluation.calibration(truth, scores["chosen"]),
        evaluation.curves(truth, {k: v for k, v in scores.items() if k != "base_rate"}),
        evaluation.importance(chosen.probabilities, held_out, truth, FEATURES),
        evaluation.auc(_churned(later), chosen.probabilities(later)),
        float(truth.mean()),
        _strongest(held_out, truth),
        logistic.fit(kinds(later)[kind], later, _churned(later)),
    )


def kinds(features: pd.DataFrame) -> dict[str, list[Term]]:
    """The terms of each kind of logistic model."""
    return {"linear": logistic.linear_terms(), "bent": logistic.bent_terms(features)}


def _churned(sample: pd.DataFrame) -> np.ndarray:
    return sample["churned"].to_numpy(float)


def _log_loss(truth: np.ndarray, guess: np.ndarray) -> float:
    sure = np.clip(guess, 1e-6, 1 - 1e-6)
    return -float(np.mean(truth * np.log(sure) + (1 - truth) * np.log1p(-sure)))


def by_rank(known: pd.Series, target: np.ndarray, asked: pd.Series) -> np.ndarray:
    """Probabilities by one figure alone: the share that churned, made to rise with the figure."""
    from sklearn.isotonic import IsotonicRegression

    curve = IsotonicRegression(y_min=1e-4, y_max=1 - 1e-4, out_of_bounds="clip")
    curve.fit(known.to_numpy(float), target)
    return np.asarray(curve.predict(asked.to_numpy(float)), dtype=float)


def _rfm(sample: pd.DataFrame) -> pd.Series:
    """The sum of the scores of recency, frequency and spend, fifths from 1 to 5."""
    better = (-sample["recency_days"], sample["days_12m"], sample["spend_12m"])
    fifths = [np.minimum(each.rank(pct=True, method="min") * 5 // 1 + 1, 5) for each in better]
    return fifths[0] + fifths[1] + fifths[2]


def no_purchase(params: Params, customers: pd.DataFrame, horizon_days: int) -> np.ndarray:
    """Probabilities by BG/NBD that customers with these features buy nothing in the horizon."""
    tenure, recency, days = (
        customers[name].to_numpy(float) for name in ("tenure_days", "recency_days", "days_ever")
    )
    known = days - 1, (tenure - recency) / _WEEK, tenure / _WEEK
    return bg_nbd.p_no_purchase(params, *known, horizon_days / _WEEK)


def _strongest(sample: pd.DataFrame, truth: np.ndarray) -> tuple[float, str]:
    found = []
    for name in FEATURES:
        area = evaluation.auc(truth, sample[name].to_numpy(float))
        found.append((max(area, 1 - area), name))
    return max(found)
