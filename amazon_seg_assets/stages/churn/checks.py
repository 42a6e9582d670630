"""Checks of churn that do not follow from its tables."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.months import month_after
from amazon_seg_assets.quality.verdict import Share, Verdict
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.churn.drift import (
    FEATURE_EDGES,
    SCORE_EDGES,
    is_told,
    stability_index,
)
from amazon_seg_assets.stages.churn.tables import (
    CHURN_CALIBRATION,
    CHURN_EVALUATION,
    CHURN_FEATURES,
    CHURN_SCORES,
)

LargestAuc = Annotated[Share, Field(description="Highest ROC AUC of a single feature.")]
LowestRate = Annotated[Share, Field(description="Lowest share of churned customers.")]
HighestRate = Annotated[Share, Field(description="Highest share of churned customers.")]
LargestError = Annotated[
    Share, Field(description="Largest mean distance of predicted and observed shares.")
]
LargestIndex = Annotated[
    float, Field(description="Largest population stability index, as of `drift`.", ge=0)
]

MONTHS_BACK = (1, 12)
"""The snapshots to compare with: the first of them that is stored."""


@check(CHURN_SCORES)
def probabilities_possible(snapshot: Snapshot) -> Verdict:
    """Probabilities are from 0 to 1, and no expected loss is negative."""
    stats, odd = snapshot.stats(CHURN_SCORES), 0
    for name, most in (("churn_probability", 1.0), ("expected_loss", None)):
        low, high = stats.minimum.get(name), stats.maximum.get(name)
        odd += int(low is not None and low < 0)
        odd += int(high is not None and most is not None and high > most)
    return Verdict(odd, 0, "Impossible values are there." if odd else "All are possible.")


@check(CHURN_EVALUATION)
def no_leak(snapshot: Snapshot, *, max_auc: LargestAuc = 0.98) -> Verdict:
    """No feature alone tells who churned nearly without fail, as one from the future would."""
    facts = snapshot.facts(CHURN_EVALUATION)
    if facts["reason"]:
        return Verdict(0, max_auc, facts["reason"])
    found, name = facts["strongest_feature_auc"], facts["strongest_feature"]
    return Verdict(found, max_auc, f"The strongest feature, {name}, has a ROC AUC of {found:.3f}.")


@check(CHURN_EVALUATION, blocking=False)
def base_rate_plausible(
    snapshot: Snapshot, *, min_rate: LowestRate = 0.02, max_rate: HighestRate = 0.98
) -> Verdict:
    """Some customers churn, and some do not."""
    facts = snapshot.facts(CHURN_EVALUATION)
    if facts["reason"]:
        return Verdict(0, max_rate, facts["reason"])
    rate = facts["base_rate"]
    told = f"{rate:.1%} of the customers judged churned."
    if rate < min_rate:
        return Verdict(rate, min_rate, told, at_least=True)
    return Verdict(rate, max_rate, told)


@check(CHURN_CALIBRATION, blocking=False)
def calibrated(snapshot: Snapshot, *, max_error: LargestError = 0.05) -> Verdict:
    """Predicted and observed shares of churn are close, tenth by tenth."""
    tenths = snapshot.small(CHURN_CALIBRATION)
    if tenths.empty:
        return Verdict(0, max_error, "There is no model.")
    off = (tenths["predicted"] - tenths["observed"]).abs() @ tenths["customers"]
    error = float(off / tenths["customers"].sum())
    return Verdict(error, max_error, f"They differ by {error:.3f} on average.")


@check(CHURN_EVALUATION, blocking=False)
def better_than_recency_alone(snapshot: Snapshot) -> Verdict:
    """The chosen model's ROC AUC is above that of recency alone, beyond its interval."""
    if reason := snapshot.facts(CHURN_EVALUATION, "reason")["reason"]:
        return Verdict(0, 0, reason, at_least=True)
    table = snapshot.small(CHURN_EVALUATION)
    of_all = table[table["population"] == "all"].set_index("model")
    chosen = float(of_all.at["chosen", "roc_auc_low"])
    alone = float(of_all.at["recency_alone", "roc_auc"])
    told = f"The lower end of the model's interval is {chosen:.3f}, recency alone has {alone:.3f}."
    return Verdict(chosen, alone, told, at_least=True)


@check(CHURN_FEATURES, blocking=False)
def features_steady(snapshot: Snapshot, *, max_index: LargestIndex = 0.25) -> Verdict:
    """Features are spread much as in an earlier snapshot, by the population stability index.

    Above 0.25 a change is usually called large.
    """
    return _steady(snapshot, CHURN_FEATURES, list(FEATURE_EDGES), max_index)


@check(CHURN_SCORES, blocking=False)
def scores_steady(snapshot: Snapshot, *, max_index: LargestIndex = 0.25) -> Verdict:
    """Scores are spread much as in an earlier snapshot, by the population stability index."""
    return _steady(snapshot, CHURN_SCORES, list(SCORE_EDGES), max_index)


def _steady(snapshot: Snapshot, table: Table, columns: Sequence[str], max_index: float) -> Verdict:
    earlier = next(
        (
            before
            for back in MONTHS_BACK
            if (before := replace(snapshot, month=month_after(snapshot.month, -back))).has(table)
        ),
        None,
    )
    if earlier is None:
        return Verdict(0, max_index, "No earlier snapshot is stored to compare with.")
    now, then = snapshot.facts(table), earlier.facts(table)
    index = {name: stability_index(name, now, then) for name in columns if is_told(name, now, then)}
    if not index:
        return Verdict(0, max_index, "There are no scores to compare.")
    most = max(index, key=lambda name: index[name])
    told = f"{most} has the largest index against {earlier.month}, {index[most]:.3f}."
    return Verdict(index[most], max_index, told)
