"""The way to cluster that a stated rule recommends, and the best other one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from amazon_seg_assets.formats import counted, share
from amazon_seg_assets.stages.comparison.algorithms import (
    BISECTING,
    DENSITY,
    KMEANS,
    LEAST_GROUP,
    MIXTURE,
    ONE_START,
)

LEAST_GAIN = 0.02
"""Share of variance that another way must tell beyond K-Means: below two in a hundred nobody would
notice the difference, and of a few thousand customers it could be chance. This project's choice."""
LEAST_STABILITY = 0.8
"""Adjusted Rand index under resampling from which agreement is good by the scale of Steinley."""

NAMES = {
    KMEANS: "K-Means",
    ONE_START: "K-Means, one start",
    BISECTING: "bisecting K-Means",
    MIXTURE: "Gaussian mixture",
    DENSITY: "HDBSCAN",
}
"""Algorithms as people call them."""

_OTHERS = (BISECTING, MIXTURE, DENSITY)
"""Ways that group otherwise; K-Means with one start is the same way with less effort."""


@dataclass(frozen=True)
class Recommendation:
    """The way to cluster that the rule gives.

    Attributes:
        algorithm: recommended.
        k: its number of groups.
        sentence: the recommendation with its reason.
        shortfalls: what speaks against each other way, by its name.
        best_other: algorithm and k of the best way beside K-Means; None if each failed.
    """

    algorithm: str
    k: int
    sentence: str
    shortfalls: dict[str, str]
    best_other: tuple[str, int] | None


def recommend(table: pd.DataFrame, horizon: int | None) -> Recommendation:
    """Recommends K-Means of the chosen k, unless another way tells more of what customers did.

    The other must have as many groups (HDBSCAN those that it finds), must not have failed, must
    have no group below `LEAST_GROUP` and a stability of `LEAST_STABILITY`, and must tell
    `LEAST_GAIN` more of the variance of who came back. Where that is not known, K-Means stays: by
    sums of squares and silhouettes it wins by construction.

    Args:
        table: columns of ``clustering_comparison``.
        horizon: days within which customers came back; None where outcomes are not known.
    """
    [ours] = table[table["chosen"]].itertuples()
    k = int(ours.k)
    is_other = table["algorithm"].isin(_OTHERS)
    others = table[is_other & ((table["k"] == k) | (table["algorithm"] == DENSITY))]
    lift = float("nan") if pd.isna(ours.outcome_lift) else float(ours.outcome_lift)
    shortfalls = {NAMES[row.algorithm]: _shortfall(row, lift) for row in others.itertuples()}
    judge = "outcome_lift" if pd.notna(lift) else "silhouette_plain"
    usable = others[others["failure"].isna()].assign(
        is_sound=lambda rows: (
            (rows["smallest_share"] >= LEAST_GROUP) & (rows["stability"] >= LEAST_STABILITY)
        )
    )
    ranked = usable.sort_values(["is_sound", judge], ascending=False, kind="stable")
    if ranked.empty:
        sentence = f"Keep K-Means with k = {k}: every other way failed."
        return Recommendation(KMEANS, k, sentence, shortfalls, None)
    best = ranked.iloc[0]
    name, best_other = NAMES[best["algorithm"]], (str(best["algorithm"]), int(best["k"]))
    if horizon is None or pd.isna(lift):
        return Recommendation(
            KMEANS,
            k,
            f"Keep K-Means with k = {k}: what customers did afterwards is not known, and by "
            "distances alone K-Means wins by construction.",
            shortfalls,
            best_other,
        )
    tells = f"of the variance of who came back within {horizon} days"
    figures = f"{share(best['outcome_lift'])} {tells}, K-Means {share(lift)}"
    if not shortfalls[name]:
        return Recommendation(
            *best_other,
            f"Consider {name} with {counted(best_other[1], 'group')}: it tells {figures}; no group "
            f"is below {share(LEAST_GROUP)} of the customers, and its stability is "
            f"{best['stability']:.2f}.",
            shortfalls,
            best_other,
        )
    return Recommendation(
        KMEANS,
        k,
        f"Keep K-Means with k = {k}: the best other way, {name} with "
        f"{counted(best_other[1], 'group')}, tells {figures}; against it: {shortfalls[name]}.",
        shortfalls,
        best_other,
    )


def _shortfall(row: Any, lift: float) -> str:
    """The first requirement that another way does not meet; empty if it meets all."""
    if isinstance(row.failure, str):
        return row.failure
    if row.smallest_share < LEAST_GROUP:
        return f"its smallest group holds {share(row.smallest_share)} of the customers"
    if row.stability < LEAST_STABILITY:
        return f"its stability is {row.stability:.2f}, below {LEAST_STABILITY:g}"
    if pd.isna(lift) or pd.isna(row.outcome_lift):
        return "what customers did afterwards is not known"
    if row.outcome_lift - lift < LEAST_GAIN:
        return f"it gains less than {LEAST_GAIN:g} over K-Means"
    return ""
