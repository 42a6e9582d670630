"""Clustering algorithms on weighted points, each fitted in one thread to a rule that groups points.

Runs inside Spark tasks, so only numpy, scikit-learn and SciPy are imported here beside modules of
the same kind: workers of a cluster need not have this package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from amazon_seg_assets.stages.clusters.kmeans import Content, SearchParams, assign, search

KMEANS = "kmeans"
ONE_START = "kmeans_one_start"
BISECTING = "bisecting_kmeans"
MIXTURE = "gaussian_mixture"
DENSITY = "hdbscan"

ALGORITHMS = (KMEANS, ONE_START, BISECTING, MIXTURE, DENSITY)

SAMPLE = 3_000
"""Customers that a mixture and HDBSCAN are fitted on, as neither takes weights; each takes one to
three tenths of a second for them."""

_REFIT = SearchParams(n_init=6, refined=1, swaps=0)
"""Less effort than the sweep's, for each resample has all k: what it misses makes K-Means look less
stable than it is, never more."""
_ITERATIONS_OF_ONE_START = 20
_MOST_ITERATIONS = 200

COLLAPSED = 1e-4
"""Smallest variance of a component that has not collapsed, in units of the customers' variance: a
standard deviation of a hundredth. scikit-learn adds a hundredth of it to keep covariances regular.
"""
LEAST_GROUP = 0.02
"""Smallest share of the customers that HDBSCAN takes for a group, and that a group must hold to be
worth addressing: that of the check of the clusters of K-Means."""
_FEWEST = 30
"""Customers of such a group: of fewer, the repeated customers of a resample would look dense."""

Rule = Callable[[np.ndarray], np.ndarray]
"""Gives points, standardized, shape (points, 3), the numbers of their groups, shape (points,)."""


class NoGroupsError(Exception):
    """Customers cannot be grouped so; its text says why."""


class Fitted(NamedTuple):
    """A rule that groups points, and how it came about.

    Attributes:
        rule: groups points.
        groups: number of groups that it has.
        customers_used: customers that it was fitted on.
        doubt: reason why the groups are no good, though there are some; else empty.
        noise_share: share of them that belong to no group, and were given to the nearest.
        log_likelihoods: of points, where there is a likelihood.
        parameters: of the likelihood.
    """

    rule: Rule
    groups: int
    customers_used: int
    doubt: str = ""
    noise_share: float | None = None
    log_likelihoods: Rule | None = None
    parameters: int = 0


def fit(algorithm: str, k: int, content: Content, random_state: int) -> Fitted:
    """Fits an algorithm to weighted points.

    Args:
        algorithm: one of `ALGORITHMS`.
        k: number of groups; HDBSCAN finds its own.
        content: the customers.
        random_state: of starts and of the sample, where one is drawn.

    Raises:
        NoGroupsError: there are no such groups.
    """
    try:
        return _FITS[algorithm](k, content, random_state)
    except (ValueError, np.linalg.LinAlgError) as error:
        raise NoGroupsError(str(error).strip().partition("\n")[0]) from error


def nearest(centers: np.ndarray) -> Rule:
    """The rule that takes the nearest of some centers; shape (k, 3)."""

    def rule(points: np.ndarray) -> np.ndarray:
        return assign(points, np.ones(len(points)), centers)[0]

    return rule


def sample(points: np.ndarray, weights: np.ndarray, random_state: int) -> np.ndarray:
    """`SAMPLE` customers, drawn with replacement, as rows; all of them if they are no more."""
    customers = weights
    if (total := weights.sum()) > SAMPLE:
        draw = np.random.default_rng(random_state)
        customers = draw.multinomial(SAMPLE, weights / total)
    return np.repeat(points, customers.astype(int), axis=0)


def _kmeans(k: int, content: Content, random_state: int) -> Fitted:
    best = search(k, content, replace(_REFIT, random_state=random_state))
    return _weighted(nearest(best.cluster_centers_), k, content)


def _one_start(k: int, content: Content, random_state: int) -> Fitted:
    from sklearn.cluster import KMeans

    model = KMeans(k, n_init=1, max_iter=_ITERATIONS_OF_ONE_START, random_state=random_state)
    model.fit(content.points, sample_weight=content.weights)
    return _weighted(nearest(model.cluster_centers_), k, content)


def _bisecting(k: int, content: Content, random_state: int) -> Fitted:
    from sklearn.cluster import BisectingKMeans

    model = BisectingKMeans(k, n_init=1, random_state=random_state)
    model.fit(content.points, sample_weight=content.weights)
    return _weighted(model.predict, k, content)


def _weighted(rule: Rule, k: int, content: Content) -> Fitted:
    return Fitted(rule, k, int(content.weights.sum()))


def _mixture(k: int, content: Content, random_state: int) -> Fitted:
    from sklearn.mixture import GaussianMixture

    rows = sample(content.points, content.weights, random_state)
    model = GaussianMixture(k, max_iter=_MOST_ITERATIONS, random_state=random_state).fit(rows)
    narrowest = [np.linalg.eigvalsh(covariance).min() for covariance in model.covariances_]
    collapsed = sum(variance < COLLAPSED for variance in narrowest)
    doubt = ""
    if collapsed:
        doubt = (
            f"{collapsed} of {k} components collapsed onto tied values: the likelihood has no "
            "bound there, so nothing but the smallest variance allowed says where they end"
        )
    elif not model.converged_:
        doubt = f"not converged after {_MOST_ITERATIONS} iterations"
    features = rows.shape[1]
    parameters = k * (features + features * (features + 1) // 2) + k - 1
    return Fitted(
        model.predict, k, len(rows), doubt, None, model.score_samples, parameters
    )  # fmt: skip


def _density(_: int, content: Content, random_state: int) -> Fitted:
    from scipy.spatial import KDTree
    from sklearn.cluster import HDBSCAN

    rows = sample(content.points, content.weights, random_state)
    least = max(_FEWEST, round(LEAST_GROUP * len(rows)))
    labels = HDBSCAN(min_cluster_size=least, copy=True).fit(rows).labels_
    is_in, groups = labels >= 0, int(labels.max()) + 1
    if groups < 2:
        raise NoGroupsError("no two dense groups are apart")
    near, of_near = KDTree(rows[is_in]), labels[is_in]

    def rule(points: np.ndarray) -> np.ndarray:
        found: np.ndarray = of_near[near.query(points)[1]]
        return found

    return Fitted(rule, groups, len(rows), noise_share=float(1 - is_in.mean()))


_FITS: dict[str, Callable[[int, Content, int], Fitted]] = {
    KMEANS: _kmeans,
    ONE_START: _one_start,
    BISECTING: _bisecting,
    MIXTURE: _mixture,
    DENSITY: _density,
}
