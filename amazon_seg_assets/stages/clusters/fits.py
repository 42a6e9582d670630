"""The clusters of one algorithm with one k, as rows with their figures.

Runs inside Spark tasks, as ``algorithms`` does.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from amazon_seg_assets.stages.clusters.algorithms import NoGroupsError
from amazon_seg_assets.stages.clusters.algorithms import fit as fit_algorithm
from amazon_seg_assets.stages.clusters.kmeans import (
    Content,
    SearchParams,
    cluster_silhouettes,
    one_thread,
)

MOST_SAMPLED = 20_000
"""Customers that a mixture is fitted on, where its groups are to be the snapshot's."""


def fit(
    algorithm: str, k: int, features: np.ndarray, content: Content, params: SearchParams
) -> list[dict[str, Any]]:
    """The best clusters found, one row each; none if there are no ``k`` that all have customers.

    Args:
        algorithm: one of `ways.SELECTABLE`.
        k: number of clusters.
        features: of the points in their own units; shape (points, 3).
        content: the points.
        params: of the search.
    """
    begun = time.perf_counter()
    points, weights = content.points, content.weights
    with one_thread():
        try:
            found = fit_algorithm(algorithm, k, content, params, MOST_SAMPLED)
        except NoGroupsError:
            return []
        labels = found.rule(points)
        sizes = np.bincount(labels, weights, k)
        if not sizes.all():
            # Some customers differ by less than sums can hold: fewer than k can be told apart.
            return []
        silhouettes = cluster_silhouettes(points, weights, labels, k)
    means, middles = (
        np.stack([np.bincount(labels, weights * column, k) / sizes for column in values.T], 1)
        for values in (features, points)
    )
    assert found.centers is not None  # all but HDBSCAN have some
    shared = {
        "k": k,
        "wcss": float(weights @ ((points - middles[labels]) ** 2).sum(axis=1)),
        "iterations": found.iterations,
        "converged": not found.doubt,
        "doubt": found.doubt,
        "seconds": found.seconds + time.perf_counter() - begun,
    }
    shapes = [None] * k if found.spreads is None else [*zip(*found.spreads, strict=True)]
    return [
        shared
        | {
            "cluster": cluster,
            "customers": int(sizes[cluster]),
            "silhouette": float(silhouettes[cluster]),
            "means": means[cluster].tolist(),
            "center": found.centers[cluster].tolist(),
            "shape": shapes[cluster],
        }
        for cluster in range(k)
    ]
