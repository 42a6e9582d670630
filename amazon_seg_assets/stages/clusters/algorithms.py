"""Clustering algorithms on weighted points, each fitted in one thread to a rule that groups points.

Runs inside Spark tasks, so only numpy, scikit-learn and SciPy are imported here beside modules of
the same kind: workers of a cluster need not have this package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from amazon_seg_assets.stages.clusters.kmeans import (
    Content,
    SearchParams,
    assign,
    in_order,
    search,
)
from amazon_seg_assets.stages.clusters.ways import BISECTING, DENSITY, KMEANS, MIXTURE, ONE_START

SAMPLE = 3_000
"""Customers that a mixture and HDBSCAN are fitted on, as neither takes weights, where all ways are
tried; each takes one to three tenths of a second for them."""

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


class Spreads(NamedTuple):
    """Shares and shapes of the components of a mixture.

    Attributes:
        weights: share of the customers in each; shape (k,).
        covariances: of their standardized features; shape (k, 3, 3).
    """

    weights: np.ndarray
    covariances: np.ndarray


class Fitted(NamedTuple):
    """A rule that groups points, and how it came about.

    Attributes:
        rule: groups points.
        groups: number of groups that it has.
        customers_used: customers that it was fitted on.
        centers: of the groups, in the order of their numbers, shape (k, 3); None where the rule
            does not follow from centers.
        spreads: of a mixture, whose centers are the means of its components.
        iterations: of the fit; of a tree, halvings.
        seconds: that Spark's driver has spent on it before.
        doubt: reason why the groups are no good, though there are some; else empty.
        noise_share: share of them that belong to no group, and were given to the nearest.
        log_likelihoods: of points, where there is a likelihood.
        parameters: of the likelihood.
    """

    rule: Rule
    groups: int
    customers_used: int
    centers: np.ndarray | None = None
    spreads: Spreads | None = None
    iterations: int = 1
    seconds: float = 0.0
    doubt: str = ""
    noise_share: float | None = None
    log_likelihoods: Rule | None = None
    parameters: int = 0


def fit(
    algorithm: str, k: int, content: Content, params: SearchParams, most_sampled: int = SAMPLE
) -> Fitted:
    """Fits an algorithm to weighted points.

    Groups are numbered by their centers, where they have some, as those of K-Means are.

    Args:
        algorithm: one of `ways.ALGORITHMS`.
        k: number of groups; HDBSCAN finds its own.
        content: the customers.
        params: of the search of K-Means; of other ways the seed alone counts.
        most_sampled: customers that are drawn for a way that takes no weights.

    Raises:
        NoGroupsError: there are no such groups.
    """
    try:
        return _FITS[algorithm](k, content, params, most_sampled)
    except (ValueError, np.linalg.LinAlgError) as error:
        raise NoGroupsError(str(error).strip().partition("\n")[0]) from error


def rule_of(centers: np.ndarray, spreads: Spreads | None = None) -> Rule:
    """The rule that takes the nearest of some centers; of a mixture, the likeliest component.

    Args:
        centers: shape (k, 3).
        spreads: of a mixture with these means.
    """

    def nearest(points: np.ndarray) -> np.ndarray:
        return assign(points, np.ones(len(points)), centers)[0]

    def likeliest(points: np.ndarray) -> np.ndarray:
        return _log_shares(points, centers, *spreads).argmax(axis=1)  # type: ignore[misc]

    return nearest if spreads is None else likeliest


def log_likelihoods_of(means: np.ndarray, spreads: Spreads) -> Rule:
    """The logarithms of the density of a mixture at points."""

    def log_likelihoods(points: np.ndarray) -> np.ndarray:
        shares = _log_shares(points, means, *spreads)
        constant = points.shape[1] / 2 * np.log(2 * np.pi)
        found: np.ndarray = np.logaddexp.reduce(shares, axis=1) - constant
        return found

    return log_likelihoods


def parameters_of(spreads: Spreads) -> int:
    """The number of parameters of a mixture."""
    k, features, _ = spreads.covariances.shape
    return k * (features + features * (features + 1) // 2) + k - 1


def _log_shares(
    points: np.ndarray, means: np.ndarray, weights: np.ndarray, covariances: np.ndarray
) -> np.ndarray:
    """Logarithms of weighted normal densities, but for what all have; shape (points, k)."""
    found = np.empty((len(points), len(means)))
    for number, (mean, weight, covariance) in enumerate(
        zip(means, weights, covariances, strict=True)
    ):
        root = np.linalg.cholesky(covariance)
        apart = np.linalg.solve(root, (points - mean).T)
        found[:, number] = np.log(weight) - np.log(np.diag(root)).sum() - (apart**2).sum(axis=0) / 2
    return found


def sample(
    points: np.ndarray, weights: np.ndarray, random_state: int, most: int = SAMPLE
) -> np.ndarray:
    """So many customers, drawn with replacement, as rows; all of them if they are no more."""
    customers = weights
    if (total := weights.sum()) > most:
        draw = np.random.default_rng(random_state)
        customers = draw.multinomial(most, weights / total)
    return np.repeat(points, customers.astype(int), axis=0)


def _kmeans(k: int, content: Content, params: SearchParams, _: int) -> Fitted:
    best = search(k, content, params)
    converged = best.n_iter_ < best.max_iter
    return _by_centers(best.cluster_centers_, content, best.n_iter_, converged)


def _one_start(k: int, content: Content, params: SearchParams, _: int) -> Fitted:
    """Groups that MLlib has found; as much effort by scikit-learn where nobody asked MLlib.

    So it is for resamples: two seconds of Spark jobs for each fit would be minutes.
    """
    if k not in content.one_starts:
        from sklearn.cluster import KMeans

        model = KMeans(
            k, n_init=1, max_iter=_ITERATIONS_OF_ONE_START, random_state=params.random_state
        ).fit(content.points, sample_weight=content.weights)
        return _by_centers(model.cluster_centers_, content, model.n_iter_, True)
    centers, iterations, seconds = content.one_starts[k]
    if len(centers) < k:
        raise NoGroupsError(f"MLlib's K-Means found {len(centers)} clusters")
    return _by_centers(centers, content, iterations, True)._replace(seconds=seconds)


def _bisecting(k: int, content: Content, params: SearchParams, _: int) -> Fitted:
    from sklearn.cluster import BisectingKMeans

    model = BisectingKMeans(k, n_init=1, random_state=params.random_state)
    model.fit(content.points, sample_weight=content.weights)
    return _by_centers(model.cluster_centers_, content, k - 1, True)


def _by_centers(centers: np.ndarray, content: Content, iterations: int, converged: bool) -> Fitted:
    ordered, customers = in_order(centers), int(content.weights.sum())
    doubt = "" if converged else _not_converged(iterations)
    return Fitted(
        rule_of(ordered), len(ordered), customers, ordered, iterations=int(iterations), doubt=doubt
    )


def _not_converged(iterations: int) -> str:
    return f"not converged after {iterations} iterations"


def _mixture(k: int, content: Content, params: SearchParams, most_sampled: int) -> Fitted:
    from sklearn.mixture import GaussianMixture

    rows = sample(content.points, content.weights, params.random_state, most_sampled)
    model = GaussianMixture(k, max_iter=_MOST_ITERATIONS, random_state=params.random_state)
    model.fit(rows)
    narrowest = [np.linalg.eigvalsh(covariance).min() for covariance in model.covariances_]
    collapsed = sum(variance < COLLAPSED for variance in narrowest)
    doubt = ""
    if collapsed:
        doubt = (
            f"{collapsed} of {k} components collapsed onto tied values: the likelihood has no "
            "bound there, so nothing but the smallest variance allowed says where they end"
        )
    elif not model.converged_:
        doubt = _not_converged(_MOST_ITERATIONS)
    place = np.lexsort(model.means_.T[::-1])
    means, spreads = model.means_[place], Spreads(model.weights_[place], model.covariances_[place])
    return Fitted(
        rule_of(means, spreads),
        k,
        len(rows),
        means,
        spreads,
        int(model.n_iter_),
        doubt=doubt,
        log_likelihoods=log_likelihoods_of(means, spreads),
        parameters=parameters_of(spreads),
    )


def _density(_: int, content: Content, params: SearchParams, most_sampled: int) -> Fitted:
    from scipy.spatial import KDTree
    from sklearn.cluster import HDBSCAN

    rows = sample(content.points, content.weights, params.random_state, most_sampled)
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


_FITS: dict[str, Callable[[int, Content, SearchParams, int], Fitted]] = {
    KMEANS: _kmeans,
    ONE_START: _one_start,
    BISECTING: _bisecting,
    MIXTURE: _mixture,
    DENSITY: _density,
}
