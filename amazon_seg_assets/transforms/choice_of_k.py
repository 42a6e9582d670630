"""The number of clusters, chosen by rule from a sweep."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import pandas as pd
from kneed import KneeLocator

from amazon_seg_assets.errors import InputError

SILHOUETTE_TOLERANCE = 0.05
_FEWEST_FOR_A_KNEE = 3


@dataclass(frozen=True)
class ChoiceOfK:
    """The k chosen, and why.

    Attributes:
        k: number of clusters.
        reason: a sentence with the figures.
        knee: the knee of WCSS, None if there is none.
    """

    k: int
    reason: str
    knee: int | None


def choose_k(
    sweep: pd.DataFrame, tolerance: float = SILHOUETTE_TOLERANCE, override: int | None = None
) -> ChoiceOfK:
    """Chooses the knee of WCSS if its silhouette is close to the best, else the best silhouette.

    Args:
        sweep: ``k``, ``wcss`` and ``silhouette``, one row a k.
        tolerance: how far below the best a silhouette is close to it.
        override: the k to choose, whatever the figures.

    Raises:
        InputError: the override is not in the sweep.
    """
    sweep = sweep.sort_values("k")
    silhouette = dict(zip(sweep["k"], sweep["silhouette"], strict=True))
    knee = find_knee(sweep)
    if override is not None:
        if override not in silhouette:
            tried = ", ".join(str(k) for k in silhouette)
            raise InputError(f"k = {override} was not tried: choose one of {tried}.")
        return ChoiceOfK(override, f"k = {override} was set by hand.", knee)
    best = max(silhouette, key=lambda k: (silhouette[k], -k))
    if knee is None:
        reason = f"WCSS has no knee, so k = {best} with the best silhouette, {silhouette[best]:.3f}"
        return ChoiceOfK(int(best), f"{reason}, was chosen.", None)
    figures = (
        f"its silhouette of {silhouette[knee]:.3f} is %s of the best, {silhouette[best]:.3f} at "
        f"k = {best}"
    )
    if silhouette[knee] >= silhouette[best] - tolerance:
        within = figures % f"within {tolerance:g}"
        return ChoiceOfK(knee, f"k = {knee} is the knee of WCSS, and {within}.", knee)
    beyond = figures % f"not within {tolerance:g}"
    reason = f"k = {knee} is the knee of WCSS, but {beyond}, which was chosen instead."
    return ChoiceOfK(int(best), reason, knee)


def find_knee(sweep: pd.DataFrame) -> int | None:
    """The k at the knee of WCSS, None where the curve has none.

    An error that rises with k, which a poor optimum brings about, counts as no gain.
    """
    sweep = sweep.sort_values("k")
    wcss = sweep["wcss"].cummin()
    if len(sweep) < _FEWEST_FOR_A_KNEE or wcss.iloc[0] == wcss.iloc[-1]:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        located = KneeLocator(
            sweep["k"].tolist(), wcss.tolist(), curve="convex", direction="decreasing"
        )
    return None if located.knee is None else int(located.knee)
