"""Measures what sentiment adds to the model of churn, on the later cut-off and held-out customers.

Run as ``python -m benchmarks.churn_sentiment <storage>/<category> --snapshot YYYY-MM``, after
``amazon-seg run --all-months``, which tells the texts of all months.
"""

import argparse
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from amazon_seg_assets.spark.session import start_session
from amazon_seg_assets.stages.churn import logistic, samples
from amazon_seg_assets.stages.churn.cutoffs import cutoffs
from amazon_seg_assets.stages.sentiment.tables import NEGATIVE
from amazon_seg_assets.storage.facts import read_facts
from amazon_seg_assets.storage.layout import Store

FEATURES = ["texts", "mean_sentiment", "negative_share", "last_sentiment", "worse_than_before"]
_RESAMPLES = 1_000


def main() -> None:
    """Fits with and without, and prints the difference with its interval as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--snapshot", required=True)
    given = parser.parse_args()
    store = Store(given.folder.absolute().parent, given.folder.name)
    window_end = read_facts(store, "rfm_features", given.snapshot)["window_end"]
    when = cutoffs(date.fromisoformat(window_end))
    spark = start_session("local[*]", {}, given.folder.parent / "engine")
    days, said = (
        spark.read.parquet(str(given.folder / name))
        for name in ("customer_days", "review_sentiment")
    )
    found = samples.sample(days, when, customers=100_000)
    train = found.train.merge(_features(said, when.train), "left", "user_id")
    later = found.later.merge(_features(said, when.evaluate), "left", "user_id")
    spark.stop()
    fitted_on, held_out = train[~train["held_out"]], later[later["held_out"]]
    terms = logistic.bent_terms(fitted_on)
    truth = held_out["churned"].to_numpy(float)
    guesses = {}
    for name, extra in (("without", []), ("with", FEATURES)):
        designs = [
            np.hstack([logistic.values(terms, part), _filled(part)[extra].to_numpy(float)])
            for part in (fitted_on, held_out)
        ]
        model = make_pipeline(
            StandardScaler(),
            LogisticRegressionCV(Cs=np.logspace(-4, 0, 5), scoring="neg_log_loss", max_iter=2_000),
        ).fit(designs[0], fitted_on["churned"])
        guesses[name] = model.predict_proba(designs[1])[:, 1]
    figures: dict[str, Any] = {name: _measures(truth, guess) for name, guess in guesses.items()}
    figures |= {"customers_fitted": len(fitted_on), "customers_judged": len(held_out)}
    figures["share_with_a_text"] = round(float(held_out["texts"].notna().mean()), 3)
    print(json.dumps(figures | {"with_less_without": _gain(truth, guesses)}, indent=1))


def _gain(truth: np.ndarray, guesses: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    """Each measure with sentiment less that without, and its interval, by a paired bootstrap."""
    draw = np.random.default_rng(42)
    everybody = np.arange(len(truth))
    chosen = [everybody, *(draw.integers(0, len(truth), len(truth)) for _ in range(_RESAMPLES))]
    gains = []
    for of in chosen:
        with_, without = (_measures(truth[of], guesses[name][of]) for name in ("with", "without"))
        gains.append({measure: with_[measure] - without[measure] for measure in with_})
    whole, resampled = gains[0], pd.DataFrame(gains[1:])
    ends = resampled.quantile([0.025, 0.975])
    return {name: [round(x, 5) for x in (gain, *ends[name])] for name, gain in whole.items()}


def _features(said: DataFrame, cutoff: date) -> pd.DataFrame:
    """Sums of what the texts of each customer said in the year up to a day."""
    day = F.to_date("timestamp")
    known = said.where("sentiment IS NOT NULL").where(day <= F.lit(cutoff))
    recent = day > F.add_months(F.lit(cutoff), -12)
    found = known.groupBy("user_id").agg(
        F.count_if(recent).alias("texts"),
        F.avg(F.when(recent, F.col("sentiment"))).alias("mean_sentiment"),
        F.avg(F.when(recent, (F.col("sentiment") < NEGATIVE).cast("int"))).alias("negative_share"),
        F.max_by("sentiment", "timestamp").alias("last_sentiment"),
        F.avg("sentiment").alias("mean_ever"),
    )
    table = pd.DataFrame(found.toPandas())
    return table.assign(worse_than_before=table["mean_ever"] - table["last_sentiment"])


def _filled(part: pd.DataFrame) -> pd.DataFrame:
    """Features of customers, with those of an average customer where there is no text."""
    numbers = part[FEATURES].astype(float)
    return numbers.fillna({"texts": 0.0}).fillna(numbers.mean()).fillna(0.0)


def _measures(truth: np.ndarray, guess: np.ndarray) -> dict[str, float]:
    return {
        "roc_auc": round(float(roc_auc_score(truth, guess)), 5),
        "log_loss": round(float(log_loss(truth, guess)), 5),
    }


if __name__ == "__main__":
    main()
