"""A logistic model of churn, in terms that SQL can say: so Spark stores it, and reasons follow.

It is fitted by scikit-learn on a part of the customers that has a bound, and applied by Spark to
all. A term is a feature on a scale on which it acts evenly, or the part of one beyond a knot, by
which the effect of a feature may bend (a linear spline).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.ml.feature import SQLTransformer

from amazon_seg_assets.spark.internals import named
from amazon_seg_assets.stages.churn.tables import FEATURES

SCORE = "churn_probability"

_PLAIN = {
    "gap_spread_months", "spend_trend", "mean_rating", "low_rating_share", "active_month_share",
    "season_sine", "season_cosine",
}  # fmt: skip
"""Features that act evenly as they are; of others the logarithm does."""

BENT = ("recency_days", "days_12m", "days_ever", "tenure_days", "recency_over_gap", "price_level")
"""Features whose effect bends at knots: those that other models lean on most."""

KNOTS = (0.2, 0.4, 0.6, 0.8, 0.95)
"""Places of the knots, as shares of the customers below them."""

VARIANCES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Variances of the prior of a standardized weight (the L2 penalty) that are tried."""
_FOLDS = 4
SOLVER = "newton-cholesky"
"""Goes by whole Hessians: with tens of terms it takes a few steps, where others take hundreds."""
_MOST_TUNED = 30_000
"""Customers on whom the variance is chosen: of more, the prior matters less."""


@dataclass(frozen=True)
class Term:
    """A column of the model: a feature on its scale, bent at a knot, or times another.

    Attributes:
        feature: that it is of.
        knot: what is below it counts as nothing; None for the whole feature.
        times: another feature; empty for none.
    """

    feature: str
    knot: float | None = None
    times: str = ""

    @property
    def sql(self) -> str:
        """Its value."""
        value = _scaled_sql(self.feature)
        if self.knot is not None:
            value = f"greatest({value} - {self.knot!r}D, 0D)"
        return f"{value} * {_scaled_sql(self.times)}" if self.times else value

    def of(self, scaled: Mapping[str, np.ndarray]) -> np.ndarray:
        """Its value for customers with these features, on their scales; shape (customers,)."""
        value = scaled[self.feature]
        if self.knot is not None:
            value = np.maximum(value - self.knot, 0.0)
        return value * scaled[self.times] if self.times else value


def _scaled_sql(feature: str) -> str:
    return f"cast({feature} AS double)" if feature in _PLAIN else f"log1p({feature})"


def _on_scales(features: pd.DataFrame) -> dict[str, np.ndarray]:
    numbers = {name: features[name].to_numpy(float) for name in FEATURES}
    return {name: each if name in _PLAIN else np.log1p(each) for name, each in numbers.items()}


@dataclass(frozen=True)
class Logistic:
    """A fitted model: the log odds of churn are a weighted sum of terms.

    Attributes:
        terms: of the sum.
        weights: of the terms, shape (terms,), on their own scales.
        intercept: of the sum.
        means: of the terms over the customers that it was fitted on; shape (terms,).
    """

    terms: Sequence[Term]
    weights: np.ndarray
    intercept: float
    means: np.ndarray

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """The model that `to_facts` has told."""
        terms = [Term(**term) for term in facts["terms"]]
        return cls(terms, np.array(facts["weights"]), facts["intercept"], np.array(facts["means"]))

    def to_facts(self) -> dict[str, Any]:
        """The same for JSON, every digit."""
        return {
            "terms": [asdict(term) for term in self.terms],
            "weights": self.weights.tolist(),
            "intercept": self.intercept,
            "means": self.means.tolist(),
        }

    def probabilities(self, features: pd.DataFrame) -> np.ndarray:
        """Probabilities of churn of customers with these features; shape (customers,)."""
        odds = self.intercept + values(self.terms, features) @ self.weights
        return 1 / (1 + np.exp(-odds))

    @property
    def sql(self) -> str:
        """The probability of churn as an SQL expression of the features."""
        pairs = zip(self.weights.tolist(), self.terms, strict=True)
        odds = " + ".join(f"{weight!r}D * {term.sql}" for weight, term in pairs if weight)
        return f"1 / (1 + exp(-({self.intercept!r}D + {odds or '0D'})))"

    def contributions(self) -> dict[str, str]:
        """SQL of the log odds that each feature adds, beyond what it adds on average."""
        found: dict[str, list[str]] = {}
        rows = zip(self.terms, self.weights.tolist(), self.means.tolist(), strict=True)
        for term, weight, mean in rows:
            found.setdefault(term.feature, []).append(f"{weight!r}D * ({term.sql} - {mean!r}D)")
        return {feature: " + ".join(parts) for feature, parts in found.items()}


def linear_terms() -> list[Term]:
    """One term a feature."""
    return [Term(feature) for feature in FEATURES]


def bent_terms(features: pd.DataFrame) -> list[Term]:
    """The same, and those by which effects bend at knots of these customers."""
    scaled = _on_scales(features)
    bends = [
        Term(feature, knot)
        for feature in BENT
        for knot in np.unique(np.quantile(scaled[feature], KNOTS).round(6)).tolist()
    ]
    return [*linear_terms(), *bends, Term("recency_days", times="days_ever")]


def fit(terms: Sequence[Term], features: pd.DataFrame, churned: np.ndarray) -> Logistic:
    """Fits the weights of terms by maximum likelihood with an L2 penalty, chosen by log loss.

    Args:
        terms: of the model.
        features: columns of ``churn_features``.
        churned: of the same customers; both cases must be there.
    """
    from sklearn.linear_model import LogisticRegression

    columns = values(terms, features)
    means, spreads = columns.mean(axis=0), columns.std(axis=0)
    varies = spreads > 1e-9
    spreads = np.where(varies, spreads, 1.0)
    standardized = (columns - means) / spreads
    model = LogisticRegression(C=best_variance(standardized, churned), solver=SOLVER, tol=1e-6)
    model.fit(standardized, churned)
    weights = np.where(varies, model.coef_[0] / spreads, 0.0)
    # What is equal up to the last digits, on any processor, is stored as equal.
    weights = np.array([float(f"{weight:.9g}") for weight in weights])
    intercept = float(f"{model.intercept_[0] - weights @ means:.9g}")
    return Logistic(terms, weights, intercept, means)


def best_variance(standardized: np.ndarray, churned: np.ndarray) -> float:
    """The variance with the lowest log loss of customers left out, fold by fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    columns, truth = standardized[:_MOST_TUNED], churned[:_MOST_TUNED]
    folds = StratifiedKFold(_FOLDS)

    def loss(variance: float) -> float:
        model = LogisticRegression(C=variance, solver=SOLVER)
        found = cross_val_score(model, columns, truth, cv=folds, scoring="neg_log_loss")
        return -float(found.mean())

    return min(VARIANCES, key=loss)


def pipeline(model: Logistic) -> PipelineModel:
    """The model as a Spark ML pipeline that adds `SCORE` to columns of ``churn_features``.

    A Spark session must be there.
    """
    statement = f"SELECT *, {model.sql} AS {SCORE} FROM __THIS__"
    return named(PipelineModel([SQLTransformer(statement=statement)]), "amazon_seg_churn_model")


def values(terms: Sequence[Term], features: pd.DataFrame) -> np.ndarray:
    """The terms of customers; shape (customers, terms)."""
    scaled = _on_scales(features)
    return np.stack([term.of(scaled) for term in terms], axis=1)
