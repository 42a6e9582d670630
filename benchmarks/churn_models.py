"""``python -m benchmarks.churn_models``: kinds of models of churn side by side, on stored days.

Prints the table of docs/churn-and-value.md for a storage that a run has left. All models are fitted
on the same customers as of one cut-off, and judged on others as of a later one, as by the pipeline;
with ``--steps`` on as many cut-offs together, a horizon apart, which few customers need.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pandas as pd
from pyspark.ml.classification import GBTClassifier
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits

from amazon_seg_assets.api import load_table
from amazon_seg_assets.stages.churn import evaluation, features, logistic, samples, training
from amazon_seg_assets.stages.churn.cutoffs import cutoffs
from amazon_seg_assets.stages.churn.tables import FEATURES
from amazon_seg_assets.stages.value.tables import HORIZON_DAYS

_FOLDS = 4
_SEED = 42
_BY_PURCHASES = "bg_nbd"
"""Column of customers: what BG/NBD, fitted as of the cut-off, says of them."""

Guess = Callable[[pd.DataFrame], np.ndarray]
Fit = Callable[[pd.DataFrame], Guess]


def _truth(customers: pd.DataFrame) -> np.ndarray:
    return customers["churned"].to_numpy(float)


def _log_odds(customers: pd.DataFrame) -> np.ndarray:
    sure = customers[_BY_PURCHASES].to_numpy(float).clip(1e-6, 1 - 1e-6)
    return np.log(sure / (1 - sure))


def _recency_alone(known: pd.DataFrame) -> Guess:
    target = _truth(known)
    return lambda of: training.by_rank(known["recency_days"], target, of["recency_days"])


def _purchases_alone(_: pd.DataFrame) -> Guess:
    return lambda customers: customers[_BY_PURCHASES].to_numpy(float)


def _logistic(kind: str) -> Fit:
    def fit(known: pd.DataFrame) -> Guess:
        terms = training.kinds(known)[kind]
        return logistic.fit(terms, known, _truth(known)).probabilities

    return fit


def _logistic_with_purchases(kind: str) -> Fit:
    """The same with the log odds of BG/NBD as a further term."""

    def fit(known: pd.DataFrame) -> Guess:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        terms, scaler = training.kinds(known)[kind], StandardScaler()

        def columns(customers: pd.DataFrame) -> np.ndarray:
            return np.column_stack([logistic.values(terms, customers), _log_odds(customers)])

        standardized = scaler.fit_transform(columns(known))
        variance = logistic.best_variance(standardized, _truth(known))
        model = LogisticRegression(C=variance, solver=logistic.SOLVER, tol=1e-6)
        whole = make_pipeline(scaler, model.fit(standardized, _truth(known)))
        return lambda customers: np.asarray(whole.predict_proba(columns(customers))[:, 1])

    return fit


def _histogram_trees(known: pd.DataFrame) -> Guess:
    """scikit-learn's trees: left-out customers end their growth, and set the scale."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import HistGradientBoostingClassifier

    least = min(200, max(20, len(known) // 100))
    trees = HistGradientBoostingClassifier(
        learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=least,
        max_iter=300, early_stopping=True, random_state=_SEED,
    )  # fmt: skip
    model = CalibratedClassifierCV(trees, method="sigmoid", cv=_FOLDS)
    model.fit(known[[*FEATURES]].to_numpy(float), _truth(known))
    return lambda of: np.asarray(model.predict_proba(of[[*FEATURES]].to_numpy(float))[:, 1])


def _spark_trees(known: pd.DataFrame) -> Guess:
    """MLlib's trees; customers left out of their fit set the scale."""
    from sklearn.linear_model import LogisticRegression

    left_out = np.arange(len(known)) % _FOLDS == 0
    trees = GBTClassifier(
        labelCol="label", maxIter=50, maxDepth=4, stepSize=0.1, subsamplingRate=0.8, seed=_SEED
    ).fit(_vectors(known[~left_out]))

    def scores(customers: pd.DataFrame) -> np.ndarray:
        scored = trees.transform(_vectors(customers)).orderBy("place")
        raw = scored.select(vector_to_array(F.col("rawPrediction"))[1].alias("raw"))
        return pd.DataFrame(raw.toPandas()).to_numpy(float)

    scale = LogisticRegression(C=np.inf).fit(scores(known[left_out]), _truth(known[left_out]))
    return lambda customers: np.asarray(scale.predict_proba(scores(customers))[:, 1])


def _vectors(customers: pd.DataFrame) -> DataFrame:
    from pyspark.sql import SparkSession

    columns = customers[[*FEATURES]].astype(float).assign(label=_truth(customers))
    frame = SparkSession.active().createDataFrame(columns.assign(place=range(len(columns))))
    return VectorAssembler(inputCols=[*FEATURES], outputCol="features").transform(frame)


MODELS: Mapping[str, Fit] = {
    "recency alone": _recency_alone,
    "BG/NBD": _purchases_alone,
    "logistic, straight": _logistic("linear"),
    "logistic, bent": _logistic("bent"),
    "logistic, straight, with BG/NBD": _logistic_with_purchases("linear"),
    "logistic, bent, with BG/NBD": _logistic_with_purchases("bent"),
    "trees of scikit-learn": _histogram_trees,
    "trees of MLlib": _spark_trees,
}
REFERENCE = "logistic, bent"
"""The model that others are compared with."""


def compare(known: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """Fits each model on some customers, and measures it on others.

    Returns:
        A row a model: ROC AUC, log loss, the difference of this from that of `REFERENCE`, half the
        width of its interval of 95 % (of paired differences), calibration error, and seconds.
    """
    truth, guesses, seconds = _truth(asked), {}, {}
    for name, fit in MODELS.items():
        begun = time.perf_counter()
        with threadpool_limits(1):
            guesses[name] = fit(known)(asked)
        seconds[name] = time.perf_counter() - begun
        print(f"{name}: {seconds[name]:.1f} s", file=sys.stderr)
    losses = {name: _losses(truth, guess) for name, guess in guesses.items()}
    rows = []
    for name, guess in guesses.items():
        tenths = evaluation.calibration(truth, guess)
        off = (tenths["predicted"] - tenths["observed"]).abs() @ tenths["customers"] / len(truth)
        more = losses[name] - losses[REFERENCE]
        rows.append(
            {
                "model": name,
                "ROC AUC": evaluation.auc(truth, guess),
                "log loss": losses[name].mean(),
                "difference": more.mean(),
                "±": 1.96 * more.std() / np.sqrt(len(more)),
                "calibration error": off,
                "seconds": seconds[name],
            }
        )
    return pd.DataFrame(rows)


def _losses(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    sure = np.clip(guess, 1e-6, 1 - 1e-6)
    return -(truth * np.log(sure) + (1 - truth) * np.log1p(-sure))


def labelled(
    days: DataFrame, last_day: date, horizon_days: int, steps: int, customers: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers to fit on, and others, as of later cut-offs, to judge by.

    Args:
        days: ``features.DAY_COLUMNS``.
        last_day: of the data that counts.
        horizon_days: of churn, and between cut-offs.
        steps: cut-offs for each of both.
        customers: of one cut-off, about; of many a part is taken.
    """
    part = samples.part_of(customers)
    drawn = days.where((samples.bucket() < 2 * part) & (F.col("day") <= F.lit(last_day))).persist()
    found, day = [], last_day
    for _ in range(2 * steps):
        day = cutoffs(day, horizon_days).evaluate
        of_day = samples.collected(drawn, day, horizon_days, part)
        params = samples.purchases(drawn, day)
        told = np.nan if params is None else training.no_purchase(params, of_day, horizon_days)
        found.append(of_day.assign(**{_BY_PURCHASES: told}))
        print(f"{day}: {len(of_day):,} customers", file=sys.stderr)
    asked, known = (pd.concat(each, ignore_index=True) for each in (found[:steps], found[steps:]))
    return known[~known["held_out"]], asked[asked["held_out"]]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.churn_models", description=__doc__)
    parser.add_argument("--storage", help="in place of the setting")
    parser.add_argument("--category", help="in place of the setting")
    parser.add_argument("--last-day", type=date.fromisoformat, metavar="YYYY-MM-DD")
    parser.add_argument("--horizon-days", type=int, default=HORIZON_DAYS)
    parser.add_argument("--steps", type=int, default=1, help="cut-offs to fit on, and to judge by")
    parser.add_argument(
        "--any-review", action="store_true", help="count customers without a priced review too"
    )
    return parser.parse_args()


def main() -> None:
    """Prints the table as Markdown."""
    options = _options()
    where = {"storage": options.storage, "category": options.category}
    days = load_table("customer_days", form="spark", columns=features.DAY_COLUMNS, **where)
    if options.any_review:
        days = days.withColumn("priced_reviews", F.col("reviews"))
    last_day = options.last_day or days.agg(F.max("day")).collect()[0][0]
    year = days.where(F.col("day") > F.add_months(F.lit(last_day), -12))
    customers = year.where("priced_reviews > 0").select("user_id").distinct().count()
    begun = time.perf_counter()
    known, asked = labelled(days, last_day, options.horizon_days, options.steps, customers)
    seconds = time.perf_counter() - begun
    rates = f"{known['churned'].mean():.1%} and {asked['churned'].mean():.1%} churned"
    print(
        f"Fitted on {len(known):,}, judged on {len(asked):,} customers; {rates}; {seconds:.0f} s."
    )
    table = compare(known, asked)
    print(
        "|".join(["", *table.columns, ""]),
        "|".join(["", *["---"] * len(table.columns), ""]),
        sep="\n",
    )
    for row in table.itertuples(index=False):
        name, *figures, took = row
        print("|".join(["", name, *(f"{each:.4f}" for each in figures), f"{took:.1f}", ""]))


if __name__ == "__main__":
    main()
