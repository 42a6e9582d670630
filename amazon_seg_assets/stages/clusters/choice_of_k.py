"""The number of clusters, chosen by rule from a sweep."""

import warnings
from dataclasses import dataclass

import pandas as pd

from amazon_seg_assets.errors import InputError

SILHOUETTE_TOLERANCE = 0.05
_FEWEST_FOR_A_KNEE = 3
_ROUNDING = 1e-9


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

    Silhouettes are those by squared distance.

    Args:
        sweep: ``k``, ``wcss`` and ``silhouette``, one row per k, at least one row.
        tolerance: how far below the best a silhouette is close to it.
        override: the k to choose, whatever the figures.

    Raises:
        InputError: the override is not in the sweep.
    """
    sweep = sweep.sort_values("k")
    silhouette = {
        int(k): float(value)
        for k, value in zip(sweep["k"], sweep["silhouette"].fillna(float("-inf")), strict=True)
    }
    knee, best = find_knee(sweep), best_silhouette(sweep)
    best_figure = f"the best ({_figure(silhouette[best])} at k = {best})"
    if override is not None:
        if override not in silhouette:
            tried = ", ".join(str(k) for k in silhouette)
            raise InputError(
                f"k = {override} was not tried, or leaves a cluster without customers: choose one "
                f"of {tried}."
            )
        reason = (
            f"k = {override} was set by hand: its squared silhouette is "
            f"{_figure(silhouette[override])}, next to {best_figure}, and "
            + (f"the knee of WCSS is at k = {knee}." if knee else "WCSS has no knee.")
        )
        return ChoiceOfK(override, reason, knee)
    if knee is None:
        reason = (
            f"WCSS has no knee, so the squared silhouette decides, and {best_figure} was chosen."
        )
        return ChoiceOfK(best, reason, None)
    figures = f"its squared silhouette ({_figure(silhouette[knee])}) is"
    if knee == best:
        return ChoiceOfK(knee, f"k = {knee} is the knee of WCSS, and {figures} the best.", knee)
    within = f"within {tolerance:g} of {best_figure}"
    if silhouette[knee] >= silhouette[best] - tolerance - _ROUNDING:
        return ChoiceOfK(knee, f"k = {knee} is the knee of WCSS, and {figures} {within}.", knee)
    reason = f"k = {knee} is the knee of WCSS, but {figures} not {within}, which was chosen."
    return ChoiceOfK(best, reason, knee)


def best_silhouette(sweep: pd.DataFrame) -> int:
    """The k with the best silhouette by squared distance.

    Of equal ones it is the smaller k; a silhouette that is not a number counts as the worst.
    """
    by_k = sweep.sort_values("k").set_index("k")["silhouette"]
    return int(by_k.fillna(float("-inf")).idxmax())


def _figure(silhouette: float) -> str:
    return "unknown" if silhouette == float("-inf") else f"{silhouette:.3f}"


def find_knee(sweep: pd.DataFrame) -> int | None:
    """The k at the knee of WCSS, None where the curve has none (kneed, https://kneed.readthedocs.io).

    An error that rises with k, which a poor optimum brings about, counts as no gain. The first and
    the last k cannot be the knee, as nothing is known beyond them.
    """
    sweep = sweep.sort_values("k")
    ks, wcss = sweep["k"].tolist(), sweep["wcss"].cummin()
    if len(ks) < _FEWEST_FOR_A_KNEE or wcss.iloc[0] == wcss.iloc[-1]:
        return None
    from kneed import KneeLocator  # a second, as it comes with all of SciPy's signal processing

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        located = KneeLocator(ks, wcss.tolist(), curve="convex", direction="decreasing")
    return int(located.knee) if located.knee in ks[1:-1] else None


def clusters_of_chosen_k(sweep: pd.DataFrame, centers: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``cluster_centers`` that belong to the chosen k of ``k_sweep``."""
    k = sweep.loc[sweep["chosen"], "k"].item()
    return centers[centers["k"] == k].reset_index(drop=True)
