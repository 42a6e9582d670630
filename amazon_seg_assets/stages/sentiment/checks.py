"""Checks of sentiment that do not follow from its tables."""

from typing import Annotated

import pandas as pd
from pydantic import Field

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Snapshot, Whole
from amazon_seg_assets.quality.verdict import Share, Verdict
from amazon_seg_assets.stages.sentiment.tables import (
    REVIEW_SENTIMENT,
    SEGMENT_SENTIMENT,
    SEGMENT_WORDS,
    SENTIMENT_EVALUATION,
)
from amazon_seg_assets.stages.sentiment.words import LEAST_CUSTOMERS

LeastAccuracy = Annotated[
    Share, Field(description="Lowest balanced accuracy, as the lower end of its interval.")
]
LargestError = Annotated[
    Share, Field(description="Largest mean distance of predicted and observed shares.")
]
LargestShare = Annotated[
    Share, Field(description="Largest share of reviews whose text is empty or not English.")
]


@check(SENTIMENT_EVALUATION, blocking=False)
def better_than_always_positive(
    judged: Whole, *, min_balanced_accuracy: LeastAccuracy = 0.65
) -> Verdict:
    """The model tells far more than calling each text positive, whose balanced accuracy is 0.5."""
    table = _by_model(judged)
    if "model" not in table.index:
        return Verdict(1, min_balanced_accuracy, "There is no model.", at_least=True)
    low = float(table.at["model", "balanced_accuracy_low"])
    told = f"The lower end of the interval of the balanced accuracy is {low:.3f}."
    return Verdict(low, min_balanced_accuracy, told, at_least=True)


@check(SENTIMENT_EVALUATION, blocking=False)
def as_good_as_a_lexicon(judged: Whole) -> Verdict:
    """The model is no worse than VADER, beyond chance: it has learnt how these customers write."""
    table = _by_model(judged)
    if "model" not in table.index:
        return Verdict(1, 0, "There is no model.", at_least=True)
    high, other = (
        float(table.at[model, name])
        for model, name in (("model", "roc_auc_high"), ("vader", "roc_auc"))
    )
    told = f"The upper end of the model's ROC AUC is {high:.3f}, VADER has {other:.3f}."
    return Verdict(high, other, told, at_least=True)


@check(SENTIMENT_EVALUATION, blocking=False)
def sentiment_calibrated(judged: Whole, *, max_error: LargestError = 0.1) -> Verdict:
    """Predicted and observed shares of positive texts are close, where both kinds are as many."""
    table = _by_model(judged)
    if "model" not in table.index:
        return Verdict(0, max_error, "There is no model.")
    error = float(table.at["model", "calibration_error"])
    return Verdict(error, max_error, f"They differ by {error:.3f} on average.")


def _by_model(judged: Whole) -> pd.DataFrame:
    return judged.small(SENTIMENT_EVALUATION).set_index("model")


@check(REVIEW_SENTIMENT)
def sentiment_possible(snapshot: Snapshot) -> Verdict:
    """Sentiment is from 0 to 1, and the gap to the stars from -1 to 1."""
    stats, odd = snapshot.stats(REVIEW_SENTIMENT), 0
    for name, least in (("sentiment", 0.0), ("star_gap", -1.0)):
        low, high = stats.minimum.get(name), stats.maximum.get(name)
        odd += int(low is not None and low < least) + int(high is not None and high > 1)
    return Verdict(odd, 0, "Impossible values are there." if odd else "All are possible.")


@check(REVIEW_SENTIMENT, blocking=False)
def mostly_english(snapshot: Snapshot, *, max_other_share: LargestShare = 0.5) -> Verdict:
    """Most reviews have a text that can be English, so that what is told is of most of them."""
    stats = snapshot.stats(REVIEW_SENTIMENT)
    without = stats.nulls.get("sentiment") or 0
    share = without / stats.rows if stats.rows else 0.0
    told = f"{share:.1%} of {stats.rows:,} reviews have no English text."
    return Verdict(share, max_other_share, told)


@check(SEGMENT_SENTIMENT)
def intervals_possible(snapshot: Snapshot) -> Verdict:
    """Shares and means are from 0 to 1, and within their intervals."""
    table, odd = snapshot.small(SEGMENT_SENTIMENT), 0
    for name in ("mean_sentiment", "negative_share", "contradicting_share"):
        value, low, high = (table[f"{name}{end}"] for end in ("", "_low", "_high"))
        # A null is neither.
        odd += int(((value < 0) | (value > 1) | (value < low - 1e-9) | (value > high + 1e-9)).sum())
    return Verdict(odd, 0, f"{odd:,} figures of {len(table):,} groups are impossible.")


@check(SEGMENT_WORDS)
def words_of_many(snapshot: Snapshot) -> Verdict:
    """Each word is of enough customers to be nobody's own, and none is longer than a pair."""
    table = snapshot.small(SEGMENT_WORDS)
    few = (table["customers"] < LEAST_CUSTOMERS) | (table["term"].str.count(" ") > 1)
    told = (
        f"{int(few.sum()):,} of {len(table):,} words are of fewer than {LEAST_CUSTOMERS} customers."
    )
    return Verdict(int(few.sum()), 0, told)
