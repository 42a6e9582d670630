"""Judgement of the model of sentiment on texts that it has not seen, beside a lexicon."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pyspark.ml.classification import LogisticRegressionModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.stages.sentiment.intervals import Share, z_of
from amazon_seg_assets.stages.sentiment.learning import HELD_OUT, LABEL
from amazon_seg_assets.stages.sentiment.scoring import with_sentiment
from amazon_seg_assets.stages.sentiment.tables import NEGATIVE, SENTIMENT_EVALUATION

MOST_JUDGED = 4_000
"""Texts that are judged, about: the intervals of shares are then within 1.5 points, and VADER reads
some 3,500 a second."""

ENOUGH_ROWS = 400_000
"""Raw reviews, of the first months after those learnt from, among which texts to judge are."""

FEWEST_JUDGED = 20
"""Texts of either kind without which nothing can be judged."""

LONGEST = 2_000
"""Characters of a text that VADER reads: it is slow on long runs of emoji."""

_TENTHS = 10
_LEAST = 1e-6


def share_of(rows: int) -> float:
    """The share of held-out reviews to judge, where so many raw ones are looked at."""
    return min(1.0, MOST_JUDGED / max(HELD_OUT * rows, 1))


def collect(reviews: DataFrame, model: LogisticRegressionModel) -> pd.DataFrame:
    """Texts to judge, each once: ``positive`` (bool), ``text``, cut, and the model's ``sentiment``.

    Args:
        reviews: labelled.
        model: as `learning.fit` gives it.
    """
    told = with_sentiment(reviews, model).where("language_ok")
    found = told.select(
        "review_id",
        (F.col(LABEL) == 1).alias("positive"),
        F.substring("text", 1, LONGEST).alias("text"),
        "sentiment",
    ).toPandas()
    return pd.DataFrame(found).drop_duplicates("review_id").sort_values("review_id")


def vader(texts: Sequence[str]) -> np.ndarray:
    """The compound scores of VADER, from -1 to 1, carried over to 0 to 1; shape (texts,).

    C. J. Hutto and E. Gilbert, 2014.
    """
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    return np.array([(analyzer.polarity_scores(text)["compound"] + 1) / 2 for text in texts])


def evaluate(positive: np.ndarray, scores: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Measures each way of telling texts.

    Args:
        positive: of each review, whether it has 4 or 5 stars, 0 or 1; shape (reviews,).
        scores: probabilities of that, by way, as `MODELS` names them; a text is called negative
            below `NEGATIVE`.

    Returns:
        Columns of ``sentiment_evaluation``.
    """
    rows = [
        {
            "model": name,
            "reviews": len(positive),
            "negative_share": float(1 - positive.mean()),
            **_shares_told_right(positive, score >= NEGATIVE),
            **_roc_auc(positive, score),
            **_probabilities(positive, score),
        }
        for name, score in scores.items()
    ]
    return pd.DataFrame(rows, columns=SENTIMENT_EVALUATION.column_names)


def _shares_told_right(positive: np.ndarray, told: np.ndarray) -> dict[str, float]:
    right = told == positive
    of_all, of_good, of_bad = (
        Share(float(right[of].mean()), float(of.sum()))
        for of in (np.ones(len(positive), dtype=bool), positive == 1, positive == 0)
    )
    z = z_of()
    (good_low, good_high), (bad_low, bad_high) = of_good.interval(z), of_bad.interval(z)
    balanced = (of_good.value + of_bad.value) / 2
    # As the interval of a difference, by the ends of both.
    low = np.hypot(of_good.value - good_low, of_bad.value - bad_low) / 2
    high = np.hypot(good_high - of_good.value, bad_high - of_bad.value) / 2
    return {
        **_named("accuracy", of_all.value, *of_all.interval(z)),
        **_named("balanced_accuracy", balanced, balanced - low, balanced + high),
        **_named("recall_of_negatives", of_bad.value, bad_low, bad_high),
    }


def _named(measure: str, value: float, low: float, high: float) -> dict[str, float]:
    return {measure: value, f"{measure}_low": low, f"{measure}_high": high}


def _roc_auc(positive: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """The area with its interval, by the formula of J. A. Hanley and B. J. McNeil, 1982."""
    from sklearn.metrics import roc_auc_score

    area, good = float(roc_auc_score(positive, score)), positive.sum()
    bad = len(positive) - good
    once, twice = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (
        area * (1 - area) + (good - 1) * (once - area**2) + (bad - 1) * (twice - area**2)
    ) / (good * bad)
    half = z_of() * np.sqrt(max(variance, 0.0))
    return _named("roc_auc", area, max(area - half, 0.0), min(area + half, 1.0))


def _probabilities(positive: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """Log loss and calibration, where positive and negative texts weigh as much in all."""
    weights = np.where(positive == 1, 1 / positive.sum(), 1 / (1 - positive).sum()) / 2
    sure = np.clip(score, _LEAST, 1 - _LEAST)
    loss = -weights @ (positive * np.log(sure) + (1 - positive) * np.log1p(-sure))
    order = np.argsort(score, kind="stable")
    cumulated = weights[order].cumsum() - weights[order] / 2
    tenth = np.minimum((cumulated * _TENTHS).astype(int), _TENTHS - 1)
    predicted, observed = (
        np.bincount(tenth, weights[order] * each[order], _TENTHS) for each in (score, positive)
    )
    return {
        "log_loss": float(loss),
        "calibration_error": float(np.abs(predicted - observed).sum()),
    }


def too_few(positive: pd.Series) -> str | None:
    """Says why nothing can be judged; None if it can."""
    good = int(positive.sum())
    bad = len(positive) - good
    if min(good, bad) >= FEWEST_JUDGED:
        return None
    return (
        f"There are {bad:,} negative and {good:,} positive texts of later months and other users: "
        f"a judgement needs {FEWEST_JUDGED} of either kind."
    )
