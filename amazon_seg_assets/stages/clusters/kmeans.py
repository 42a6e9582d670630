"""K-Means on weighted points in one thread, and the figures of its clusters.

Runs inside Spark tasks, so only numpy, scikit-learn and threadpoolctl are imported here: workers of
a cluster need not have this package. scikit-learn is imported where it is used, as it takes a
second that the driver need not spend.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

MOST_STARTS = 1_000
LARGEST_SEED = 2**31
"""Starts and resamples add to it, and scikit-learn takes no seed of 2**32 or above."""

_CHUNK = 100_000

_TRIAL_ITERATIONS = 8
_SAME_OPTIMUM = 1e-5  # relative difference of errors; a hundredth of what is asked of optima


@dataclass(frozen=True)
class SearchParams:
    """Parameters of the search for optima.

    Attributes:
        n_init: seeded k-means++ starts for each k, on the cells.
        refined: how many of the best are improved on the cells and then run to convergence on all
            points.
        swaps: tries to improve each of them, for each cluster.
        max_cells: most cells in use of the grid; as many points are taken as they are.
        max_iter: of each run.
        random_state: of starts and swaps.
    """

    n_init: int = 12
    refined: int = 2
    swaps: int = 8
    max_cells: int = 10_000
    max_iter: int = 500
    random_state: int = 42


OneStart = tuple[np.ndarray, int, float]
"""Findings of MLlib's K-Means with one start: centers, shape (clusters, features), and the
iterations and seconds that it took. A plain tuple, as workers may have to read it."""


class Content(NamedTuple):
    """The weighted points in which clusters are sought.

    Attributes:
        points: standardized features; shape (points, features).
        weights: customers of each point; shape (points,).
        cells: standardized features of the cells that sum the points up; shape (cells, features).
        cell_weights: customers of each cell; shape (cells,).
        one_starts: of the points, by k, as far as MLlib was asked; Spark's driver alone can.
    """

    points: np.ndarray
    weights: np.ndarray
    cells: np.ndarray
    cell_weights: np.ndarray
    one_starts: Mapping[int, OneStart] = {}


def search(k: int, content: Content, params: SearchParams) -> KMeans:
    """The best of several runs to convergence on all points.

    The more clusters there are, the more of them can be in a wrong place: so each has its swaps.
    """
    points, weights, cells, cell_weights, _ = content
    if len(cells) < k:
        cells, cell_weights = points, weights
    iterations, swaps, seed = params.max_iter, params.swaps * k, params.random_state
    with one_thread():
        started = [
            _lloyd(k, cells, cell_weights, "k-means++", iterations, seed + 1000 * start)
            for start in range(params.n_init)
        ]
        improved = [
            _swap(k, cells, cell_weights, run, swaps, np.random.default_rng([seed, rank]))
            for rank, run in enumerate(sorted(started, key=_error)[: params.refined])
        ]
        runs = [
            _lloyd(k, points, weights, run.cluster_centers_, iterations) for run in _apart(improved)
        ]
        return min(runs, key=_error)


def _error(run: KMeans) -> float:
    error: float = run.inertia_
    return error


def _apart(runs: list[KMeans]) -> list[KMeans]:
    """The best of those that found the same optimum, which would only be found again."""
    apart: list[KMeans] = []
    for run in sorted(runs, key=_error):
        if not apart or _error(run) > (1 + _SAME_OPTIMUM) * _error(apart[-1]):
            apart.append(run)
    return apart


def in_order(centers: np.ndarray) -> np.ndarray:
    """Centers in the order of their numbers: by the first feature, then the second, the third."""
    return centers[np.lexsort(centers.T[::-1])]


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread throughout: the order in which BLAS adds up depends on how many there are.

    Nor does scikit-learn look, in each of many short runs, whether values are finite and options
    allowed.
    """
    from sklearn import config_context
    from sklearn.exceptions import ConvergenceWarning

    unchecked = config_context(assume_finite=True, skip_parameter_validation=True)
    with threadpool_limits(1), unchecked, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _swap(
    k: int,
    points: np.ndarray,
    weights: np.ndarray,
    run: KMeans,
    swaps: int,
    random: np.random.Generator,
) -> KMeans:
    """Leaves poor optima, in which Lloyd's iterations get stuck, by moving one center at a time.

    A center, drawn evenly, goes to a point, and a few iterations show whether that was a gain: the
    random swap of P. Fränti, Efficiency of random swap clustering, Journal of Big Data 5:13, 2018,
    https://doi.org/10.1186/s40537-018-0122-y, but with the point drawn by its part of the error,
    as k-means++ does.
    """
    for _ in range(swaps):
        centers = run.cluster_centers_.copy()
        error = weights * ((points - centers[run.labels_]) ** 2).sum(axis=1)
        if not error.any():
            return run
        drawn = random.choice(len(points), p=error / error.sum())
        centers[random.integers(k)] = points[drawn]
        trial = _lloyd(k, points, weights, centers, _TRIAL_ITERATIONS)
        run = min(run, trial, key=_error)
    return run


def _lloyd(
    k: int,
    points: np.ndarray,
    weights: np.ndarray,
    init: str | np.ndarray,
    max_iter: int,
    random_state: int = 0,
) -> KMeans:
    from sklearn.cluster import KMeans

    model = KMeans(
        k,
        init=init,
        n_init=1,
        algorithm="lloyd",
        tol=0,
        max_iter=max_iter,
        random_state=random_state,
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
        distances = norms[part, None] * size - 2 * points[part] @ vector + square
        value = silhouettes(np.maximum(distances, 0), own, size)
        total += np.bincount(own, weights[part] * value, k)
    return total / size


def silhouettes(distances: np.ndarray, own: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The silhouette of a customer at each point: (b - a) / max(a, b), 0 if alone in a cluster.

    Here a is the mean distance to the others of the own cluster, and b that to the customers of the
    nearest other cluster.

    Args:
        distances: sums of distances to the customers of each cluster; shape (points, k).
        own: cluster of each point; shape (points,).
        size: customers of each cluster, of which at least two have any; shape (k,).
    """
    rows = np.arange(len(own))
    within = distances[rows, own] / np.maximum(size[own] - 1, 1)
    means = np.divide(distances, size, np.full(distances.shape, np.inf), where=size > 0)
    means[rows, own] = np.inf
    nearest = means.min(axis=1)
    largest = np.maximum(within, nearest)
    value = np.divide(nearest - within, largest, np.zeros(len(own)), where=largest > 0)
    value[size[own] == 1] = 0.0
    return value
