"""The way to cluster that a stated rule recommends, and the best other one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from amazon_seg_assets.formats import counted, share
from amazon_seg_assets.stages.clusters.algorithms import LEAST_GROUP
from amazon_seg_assets.stages.clusters.ways import (
    BISECTING,
    DENSITY,
    KMEANS,
    MIXTURE,
    NAMES,
)

LEAST_GAIN = 0.02
"""Share of variance that another way must tell beyond the clusters: below two in a hundred nobody
would notice the difference, and of a few thousand customers it could be chance. This project's
choice."""
LEAST_STABILITY = 0.8
"""Adjusted Rand index under resampling from which agreement is good by the scale of Steinley."""

_WAYS = (KMEANS, BISECTING, MIXTURE, DENSITY)
"""Ways that group otherwise; K-Means with one start is the same way with less effort."""


@dataclass(frozen=True)
class Recommendation:
    """The way to cluster that the rule gives.

    Attributes:
        algorithm: recommended.
        k: its number of groups.
        sentence: the recommendation with its reason.
        shortfalls: what speaks against each other way, by its name.
        best_other: algorithm and k of the best other way; None if each failed.
    """

    algorithm: str
    k: int
    sentence: str
    shortfalls: dict[str, str]
    best_other: tuple[str, int] | None


def recommend(table: pd.DataFrame, horizon: int | None) -> Recommendation:
    """Recommends the clusters as they are, unless another way tells more of what customers did.

    The other must have as many groups (HDBSCAN those that it finds), must not have failed, must
    have no group below `LEAST_GROUP` and a stability of `LEAST_STABILITY`, and must tell
    `LEAST_GAIN` more of the variance of who came back. Where that is not known, the clusters stay:
    by sums of squares and silhouettes K-Means wins by construction.

    Args:
        table: columns of ``clustering_comparison``.
        horizon: days within which customers came back; None where outcomes are not known.
    """
    [ours] = table[table["chosen"]].itertuples()
    k, keep = int(ours.k), f"Keep {NAMES[ours.algorithm]} with k = {ours.k}"
    is_other = table["algorithm"].isin({*_WAYS} - {ours.algorithm})
    others = table[is_other & ((table["k"] == k) | (table["algorithm"] == DENSITY))]
    lift = float("nan") if pd.isna(ours.outcome_lift) else float(ours.outcome_lift)
    shortfalls = {
        NAMES[row.algorithm]: _shortfall(row, lift, NAMES[ours.algorithm])
        for row in others.itertuples()
    }
    judge = "outcome_lift" if pd.notna(lift) else "silhouette_plain"
    usable = others[others["failure"].isna()].assign(
        is_sound=lambda rows: (
            (rows["smallest_share"] >= LEAST_GROUP) & (rows["stability"] >= LEAST_STABILITY)
        )
    )
    ranked = usable.sort_values(["is_sound", judge], ascending=False, kind="stable")
    if ranked.empty:
        sentence = f"{keep}: every other way failed."
        return Recommendation(ours.algorithm, k, sentence, shortfalls, None)
    best = ranked.iloc[0]
    name, best_other = NAMES[best["algorithm"]], (str(best["algorithm"]), int(best["k"]))
    if horizon is None or pd.isna(lift):
        return Recommendation(
            ours.algorithm,
            k,
            f"{keep}: what customers did afterwards is not known, and by "
            "distances alone K-Means wins by construction.",
            shortfalls,
            best_other,
        )
    tells = f"of the variance of who came back within {horizon} days"
    figures = f"{share(best['outcome_lift'])} {tells}, {NAMES[ours.algorithm]} {share(lift)}"
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
        ours.algorithm,
        k,
        f"{keep}: the best other way, {name} with "
        f"{counted(best_other[1], 'group')}, tells {figures}; against it: {shortfalls[name]}.",
        shortfalls,
        best_other,
    )


def _shortfall(row: Any, lift: float, ours: str) -> str:
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
        return f"it gains less than {LEAST_GAIN:g} over {ours}"
    return ""
