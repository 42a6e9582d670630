"""Reasons for a score, in words: the features that raise it most above the average customer's."""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

REASONS = 3
LEAST = 0.05
"""Log odds that a feature must add to be worth a word."""

# By feature: when it can be said, and how.
_WORDS: Mapping[str, tuple[str, str]] = {
    "recency_days": ("recency_days > 30", "concat('last seen ', recency_days, ' days ago')"),
    "recency_over_gap": (
        "active_month_share < 1 AND recency_over_gap > 1 AND days_ever > 1",
        "concat('silent for ', round(recency_over_gap, 1), ' times the usual gap')",
    ),
    "days_ever": ("days_ever < 3", "if(days_ever = 1, 'came once only', 'came twice only')"),
    "days_12m": (
        "days_12m < days_ever",
        "concat('came on ', days_12m, if(days_12m = 1, ' day', ' days'), ' within a year')",
    ),
    "days_6m": ("days_6m = 0", "'did not come for half a year'"),
    "gap_mean_months": (
        "days_ever > 1 AND gap_mean_months > 1",
        "concat('comes only every ', round(gap_mean_months, 1), ' months')",
    ),
    "tenure_days": (
        "tenure_days < 366",
        "concat('known for only ', tenure_days, ' days')",
    ),
    "spend_trend": ("spend_trend < 0", "'spent less in the last half-year than in the one before'"),
    "low_rating_share": (
        "low_rating_share > 0",
        "concat('gives 1 or 2 stars in ', round(100 * low_rating_share), ' % of reviews')",
    ),
    "mean_rating": (
        "mean_rating < 4",
        "concat('gives ', round(mean_rating, 1), ' stars on average')",
    ),
    "active_month_share": (
        "days_ever > 1 AND active_month_share < 0.5",
        "concat('was active in ', round(100 * active_month_share), ' % of the months')",
    ),
}


def reasons(contributions: Mapping[str, str]) -> list[Column]:
    """Columns ``reason_1`` to ``reason_3``: null where there are fewer.

    Args:
        contributions: what each feature adds to the log odds of churn, in SQL.
    """
    told = [
        F.expr(
            f"if({can_be} AND ({contributions[feature]}) > {LEAST}D, "
            f"named_struct('weight', -round({contributions[feature]}, 6), 'text', {text}), null)"
        )
        for feature, (can_be, text) in _WORDS.items()
        if feature in contributions
    ]
    ordered = F.array_sort(F.array_compact(F.array(*told)))
    return [F.get(ordered, n).getField("text").alias(f"reason_{n + 1}") for n in range(REASONS)]
