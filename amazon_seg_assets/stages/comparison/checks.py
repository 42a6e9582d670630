"""Checks of the ways to cluster that do not follow from their tables."""

from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.stages.clusters.tables import K_SWEEP
from amazon_seg_assets.stages.comparison.choice import LEAST_GAIN
from amazon_seg_assets.stages.comparison.tables import (
    CLUSTERING_COMPARISON,
    PARTS,
    RECOMMENDATION,
)

SAME_SUM = 1e-6
"""Relative: logarithms and sums are taken in another order, and nothing else may differ."""

_FROM_MINUS_ONE = ("silhouette", "silhouette_plain", "stability")
_FROM_ZERO = ("balance", "smallest_share", "noise_share", "outcome_lift", "spend_lift")
_ROUNDING = 1e-9


@check(CLUSTERING_COMPARISON)
def comparison_figures_possible(snapshot: Snapshot) -> Verdict:
    """Figures lie within their bounds, and each row has figures or says why it has none."""
    table = snapshot.small(CLUSTERING_COMPARISON)
    odd = table["wcss"].isna() & table["failure"].isna()
    for names, least in ((_FROM_MINUS_ONE, -1), (_FROM_ZERO, 0)):
        values = table[list(names)]
        # A null is neither.
        odd |= ((values < least - _ROUNDING) | (values > 1 + _ROUNDING)).any(axis=1)
    return Verdict(
        int(odd.sum()), 0, f"{odd.sum():,} of {len(table):,} rows lack figures or have odd ones."
    )


@check(CLUSTERING_COMPARISON)
def measured_as_in_the_sweep(snapshot: Snapshot) -> Verdict:
    """Clusters have the sum of squares here that `k_sweep` says: both see the same customers."""
    table = snapshot.small(CLUSTERING_COMPARISON)
    algorithm = table.loc[table["chosen"], "algorithm"].item()
    ours = table[table["algorithm"] == algorithm].set_index("k")
    sweep = snapshot.small(K_SWEEP).set_index("k")["wcss"]
    if snapshot.facts(CLUSTERING_COMPARISON, PARTS)[PARTS] > 1:
        return Verdict(0, 0, "The figures here are those of a part of the customers.")
    same = np.isclose(ours["wcss"].reindex(sweep.index), sweep, rtol=SAME_SUM)
    odd = int((~same).sum())
    return Verdict(odd, 0, f"{odd} of {len(sweep)} sums of squares are missing or differ.")


@check(CLUSTERING_COMPARISON, blocking=False)
def clusters_hold_up(
    snapshot: Snapshot,
    *,
    least_gain: Annotated[
        float, Field(description="Outcome lift beyond the clusters' that is worth a change.", ge=0)
    ] = LEAST_GAIN,
) -> Verdict:
    """No other way that is sound tells more of what customers did than the clusters do."""
    facts = snapshot.facts(CLUSTERING_COMPARISON, RECOMMENDATION, "recommended")
    table = snapshot.small(CLUSTERING_COMPARISON)
    algorithm, k = facts["recommended"]
    lifts = table.set_index(["algorithm", "k"])["outcome_lift"]
    gain = float(lifts[algorithm, k] - table.loc[table["chosen"], "outcome_lift"].item())
    return Verdict(0.0 if pd.isna(gain) else gain, least_gain, facts[RECOMMENDATION])
