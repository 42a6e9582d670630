"""K-Means on weighted points in one thread, and the figures of its clusters.

Runs inside Spark tasks, so only numpy and scikit-learn are imported here: workers of a cluster
need not have this package.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

_CHUNK = 100_000

Content = tuple[np.ndarray, np.ndarray, np.ndarray]


def fit(
    k: int,
    content: Content,
    starts: int,
    refined: int,
    sample: int,
    max_iterations: int,
    seed: int,
) -> list[dict[str, Any]]:
    """The best optimum found for ``k``, one row a cluster.

    Args:
        k: number of clusters.
        content: features in their own units, standardized features, weights; a row or entry a
            point.
        starts: seeded k-means++ starts, on a sample.
        refined: how many of the best are run to convergence on all points.
        sample: total weight of the sample.
        max_iterations: of each run.
        seed: of starts and sample.
    """
    begun = time.perf_counter()
    features, points, weights = content
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        candidates = _start(
            k, *_sample(points, weights, sample, seed), starts, max_iterations, seed
        )
        runs = [
            _lloyd(k, points, weights, centers, max_iterations) for centers in candidates[:refined]
        ]
    best = min(runs, key=lambda run: run.inertia_)
    centers = best.cluster_centers_[np.lexsort(best.cluster_centers_.T[::-1])]
    labels, wcss = assign(points, weights, centers)
    sizes = np.bincount(labels, weights, k)
    silhouettes = cluster_silhouettes(points, weights, labels, k)
    means = [np.bincount(labels, weights * column, k) / sizes for column in features.T]
    shared = {
        "k": k,
        "wcss": wcss,
        "iterations": int(best.n_iter_),
        "converged": bool(best.n_iter_ < max_iterations),
        "seconds": time.perf_counter() - begun,
    }
    return [
        shared
        | {
            "cluster": cluster,
            "customers": int(sizes[cluster]),
            "silhouette": float(silhouettes[cluster]),
            "means": [float(mean[cluster]) for mean in means],
            "center": centers[cluster].tolist(),
        }
        for cluster in range(k)
    ]


def _sample(
    points: np.ndarray, weights: np.ndarray, size: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """As many customers, drawn with replacement; all points if they are no more."""
    if len(points) <= size:
        return points, weights
    drawn = np.random.default_rng(seed).multinomial(size, weights / weights.sum())
    return points[drawn > 0], drawn[drawn > 0].astype(float)


def _start(
    k: int,
    points: np.ndarray,
    weights: np.ndarray,
    starts: int,
    max_iterations: int,
    seed: int,
) -> list[np.ndarray]:
    """Centers that seeded starts lead to, the best first, each optimum once."""
    runs = [
        _lloyd(k, points, weights, "k-means++", max_iterations, seed=seed + 1000 * start)
        for start in range(starts)
    ]
    distinct = {f"{run.inertia_:.6e}": run.cluster_centers_ for run in runs[::-1]}
    return [distinct[inertia] for inertia in sorted(distinct, key=float)]


def _lloyd(
    k: int,
    points: np.ndarray,
    weights: np.ndarray,
    init: str | np.ndarray,
    max_iterations: int,
    seed: int = 0,
) -> KMeans:
    model = KMeans(
        k, init=init, n_init=1, algorithm="lloyd", tol=0, max_iter=max_iterations, random_state=seed
    )
    return model.fit(points, sample_weight=weights)


def assign(
    points: np.ndarray, weights: np.ndarray, centers: np.ndarray
) -> tuple[np.ndarray, float]:
    """The nearest center of each point, and the weighted sum of squared distances to it."""
    labels = np.empty(len(points), int)
    wcss = 0.0
    for begin in range(0, len(points), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        distances = ((points[part, None, :] - centers) ** 2).sum(axis=2)
        labels[part] = distances.argmin(axis=1)
        wcss += float(weights[part] @ distances.min(axis=1))
    return labels, wcss


def cluster_silhouettes(
    points: np.ndarray, weights: np.ndarray, labels: np.ndarray, k: int
) -> np.ndarray:
    """Mean silhouette of each cluster's customers, by squared Euclidean distance.

    As if each customer were a row of its own: a point of weight w stands for w customers, at
    distance 0 from one another. Needs sums per cluster only, as the sum of squared distances from x
    to a cluster is W * |x|^2 - 2 x * S + Q, with W its customers, S the sum of their vectors and Q
    the sum of their squared norms (https://en.wikipedia.org/wiki/Silhouette_(clustering) for the
    definition; the expansion is that of Spark's ClusteringEvaluator). A customer alone in a
    cluster has 0.
    """
    if k == 1:
        return np.zeros(1)
    norms = (points**2).sum(axis=1)
    size = np.bincount(labels, weights, k)
    vector = np.stack([np.bincount(labels, weights * column, k) for column in points.T])
    square = np.bincount(labels, weights * norms, k)
    total = np.zeros(k)
    for begin in range(0, len(points), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        own = labels[part]
        rows = np.arange(len(own))
        distances = norms[part, None] * size - 2 * points[part] @ vector + square
        distances = np.maximum(distances, 0)
        within = distances[rows, own] / np.maximum(size[own] - 1, 1)
        means = distances / size
        means[rows, own] = np.inf
        nearest = means.min(axis=1)
        largest = np.maximum(within, nearest)
        value = np.divide(nearest - within, largest, np.zeros(len(own)), where=largest > 0)
        value[size[own] == 1] = 0.0
        total += np.bincount(own, weights[part] * value, k)
    return total / size
