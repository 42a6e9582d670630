"""Another number of clusters than the chosen one: what it would group differently."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from amazon_seg_assets.formats import counted, listed, share
from amazon_seg_assets.stages.clusters.choice_of_k import best_silhouette, find_knee
from amazon_seg_assets.stages.clusters.grouping import Grouping
from amazon_seg_assets.stages.clusters.points import Points
from amazon_seg_assets.stages.overview.agreement import adjusted_rand

LEAST_TOLD = 0.1
"""Parts of a cluster below this share are not told: a few customers on a border are no change. This
project's choice."""
_MOST_TOLD = 4
"""Changes that a reader takes in from one sentence."""


def other_k(sweep: pd.DataFrame) -> int | None:
    """The k that else suggests itself: the best silhouette's, or if that is chosen, the knee.

    None where they are one, or WCSS has no knee. ``sweep`` has columns of ``k_sweep``.
    """
    chosen, best = int(sweep.loc[sweep["chosen"], "k"].item()), best_silhouette(sweep)
    other = find_knee(sweep) if best == chosen else best
    return None if other == chosen else other


def regrouped(ours: Grouping, theirs: Grouping, points: Points) -> pd.DataFrame:
    """Customers by cluster of the chosen k (rows) and of another one (columns), named by labels.

    Args:
        ours: the clusters of the chosen k.
        theirs: those of the other.
        points: the customers that both were fitted on.

    Returns:
        Counts, shape (k, other k).
    """
    k, other = len(ours.clusters), len(theirs.clusters)
    pairs = ours.numbers(points) * other + theirs.numbers(points)
    counts = np.bincount(pairs, points.customers, k * other)
    return pd.DataFrame(
        counts.reshape(k, other).astype(np.int64),
        ours.clusters["cluster_label"].tolist(),
        theirs.clusters["cluster_label"].tolist(),
    )


def say_other_k(sweep: pd.DataFrame, table: pd.DataFrame | None) -> str:
    """Says what another k groups differently, or why none suggests itself.

    Args:
        sweep: columns of ``k_sweep``.
        table: as of `regrouped`, for the k that `other_k` gives; None where it gives none.
    """
    by_k = sweep.set_index("k")["silhouette"]
    k, best = int(sweep.loc[sweep["chosen"], "k"].item()), best_silhouette(sweep)
    if table is None:
        knee = "is also the knee of WCSS" if find_knee(sweep) else "WCSS has no knee"
        return f"k = {k} has the best squared silhouette and {knee}: no other k suggests itself."
    other = table.shape[1]
    reason = "has the best squared silhouette" if other == best else "is the knee of WCSS"
    return (
        f"With k = {other}, which {reason} ({by_k[other]:.3f} against {by_k[k]:.3f}): "
        f"{'; '.join(_changes(table))}. The adjusted Rand index of both groupings is "
        f"{adjusted_rand(table.to_numpy()):.2f}."
    )


def _changes(table: pd.DataFrame) -> Iterator[str]:
    """Tells which of the clusters in the rows stay, are merged, and are split."""
    counts, labels = table.to_numpy(), table.columns
    of_row = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    of_column = counts / np.maximum(counts.sum(axis=0), 1)
    # A small cluster of the other k is told of the one that most of it comes from.
    parts = (of_row >= LEAST_TOLD) | ((counts > 0) & (counts == counts.max(axis=0)))
    whole = parts.sum(axis=1) == 1
    kept, changes = [], []
    for column, label in enumerate(labels):
        rows = np.flatnonzero(whole & parts[:, column])
        names = table.index[rows].tolist()
        if len(rows) > 1:
            changes.append(f"{listed(names)} are merged into {label}")
        elif names and (of_column[:, column] >= LEAST_TOLD).sum() == 1:
            kept += names
        elif names:
            changes.append(f"{names[0]} becomes part of {label}")
    for row in np.flatnonzero(parts.sum(axis=1) > 1):
        largest_first = [at for at in np.argsort(-of_row[row], kind="stable") if parts[row, at]]
        pieces = [f"{share(of_row[row, at])} {labels[at]}" for at in largest_first]
        changes.append(f"{table.index[row]} is split into {listed(pieces)}")
    if kept:
        stay = "stays much as it is" if len(kept) == 1 else "stay much as they are"
        yield f"{listed(kept)} {stay}"
    yield from changes[:_MOST_TOLD]
    if len(changes) > _MOST_TOLD:
        yield counted(len(changes) - _MOST_TOLD, "more change")
