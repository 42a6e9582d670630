"""One algorithm with one number of groups: fitted, and measured by every yardstick.

Runs inside Spark tasks, as ``algorithms`` does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from amazon_seg_assets.stages.clusters import algorithms
from amazon_seg_assets.stages.clusters.algorithms import (
    Fitted,
    NoGroupsError,
    Rule,
    Spreads,
    log_likelihoods_of,
    parameters_of,
    rule_of,
)
from amazon_seg_assets.stages.clusters.fits import MOST_SAMPLED
from amazon_seg_assets.stages.clusters.kmeans import Content, OneStart, SearchParams
from amazon_seg_assets.stages.clusters.ways import KMEANS
from amazon_seg_assets.stages.comparison.figures import (
    contingency,
    counts_by,
    eta_squared,
    separation,
)
from amazon_seg_assets.stages.overview.agreement import adjusted_rand, balance


class Outcomes(NamedTuple):
    """The behaviour of the customers of an earlier snapshot after it, by point.

    Attributes:
        points: standardized as those of the snapshot; shape (points, 3).
        customers: of each; shape (points,).
        returned: of them, how many came back; shape (points,).
        log_spend: sum of log(1 + spend afterwards) over them; shape (points,).
        squares: sum of the squares of that, over all customers.
    """

    points: np.ndarray
    customers: np.ndarray
    returned: np.ndarray
    log_spend: np.ndarray
    squares: float


class Material(NamedTuple):
    """All that candidates are fitted to and measured by, as plain arrays.

    Attributes:
        points: standardized features; shape (points, 3).
        weights: customers of each; shape (points,).
        cells: of a grid that sums the points up; shape (cells, 3).
        cell_weights: customers of each; shape (cells,).
        segments: customers of each point in each RFM segment; shape (points, segments).
        algorithm: of the snapshot's clusters.
        centers: of these, by k; each of shape (k, 3).
        spreads: fields of `Spreads` of these, by k, where they are those of a mixture.
        outcomes: fields of `Outcomes`; None where they are not known.
        resamples: of the customers, for stability.
        random_state: of all that is drawn.
        one_starts: of the customers, by k; none if the snapshot's clusters are of that kind.
    """

    points: np.ndarray
    weights: np.ndarray
    cells: np.ndarray
    cell_weights: np.ndarray
    segments: np.ndarray
    algorithm: str
    centers: dict[int, np.ndarray]
    spreads: dict[int, tuple[np.ndarray, np.ndarray]]
    outcomes: tuple[Any, ...] | None
    resamples: int
    random_state: int
    one_starts: Mapping[int, OneStart]

    @property
    def content(self) -> Content:
        """The customers, as algorithms take them."""
        return Content(self.points, self.weights, self.cells, self.cell_weights, self.one_starts)


def fitted(material: Material, algorithm: str, k: int) -> Fitted:
    """An algorithm fitted to the customers; the snapshot's is the one that its clusters are of.

    Raises:
        NoGroupsError: there are no such groups.
    """
    if algorithm == material.algorithm and k in material.centers:
        return _of_snapshot(material, k)
    return algorithms.fit(algorithm, k, material.content, _params(material.random_state))


def _params(seed: int) -> SearchParams:
    """Less effort than the sweep's, for each resample has all k.

    What it misses makes K-Means look less stable than it is, never more.
    """
    return SearchParams(n_init=6, refined=1, swaps=0, random_state=seed)


def _of_snapshot(material: Material, k: int) -> Fitted:
    centers, customers = material.centers[k], int(material.weights.sum())
    if k not in material.spreads:
        return Fitted(rule_of(centers), k, customers)
    spreads = Spreads(*material.spreads[k])
    return Fitted(
        rule_of(centers, spreads),
        k,
        min(customers, MOST_SAMPLED),
        log_likelihoods=log_likelihoods_of(centers, spreads),
        parameters=parameters_of(spreads),
    )


def measure(material: Material, algorithm: str, k: int) -> dict[str, Any]:
    """The figures of a candidate, and ``cell_labels``, the groups of the cells; or its failure."""
    begun = time.perf_counter()
    with threadpool_limits(1):
        try:
            found = fitted(material, algorithm, k)
            seconds = found.seconds + time.perf_counter() - begun
            labels = found.rule(material.points)
            _require_customers(labels, found.groups)
        except NoGroupsError as failed:
            seconds = time.perf_counter() - begun
            return {"algorithm": algorithm, "k": k, "seconds": seconds, "failure": str(failed)}
        cell_labels = found.rule(material.cells)
        return {
            "algorithm": algorithm,
            "k": found.groups,
            "customers_used": found.customers_used,
            "seconds": seconds,
            "failure": found.doubt or None,
            "noise_share": found.noise_share,
            "bic": _bic(found, material) if not found.doubt else None,
            "stability": _stability(material, algorithm, k, cell_labels),
            "balance": balance(np.bincount(labels, material.weights)),
            "smallest_share": float(
                np.bincount(labels, material.weights).min() / material.weights.sum()
            ),
            "segments_adjusted_rand": adjusted_rand(counts_by(labels, material.segments)),
            "kmeans_adjusted_rand": _agreement_with_kmeans(material, labels, found.groups),
            "cell_labels": cell_labels,
            **separation(material.points, material.weights, labels, found.groups),
            **_lifts(found.rule, material.outcomes),
        }


def _require_customers(labels: np.ndarray, groups: int) -> None:
    if (used := len(np.unique(labels))) < groups:
        raise NoGroupsError(f"only {used} of {groups} groups have customers")


def _bic(found: Fitted, material: Material) -> float | None:
    """The Bayesian information criterion over all customers; the less, the better.

    G. Schwarz, Estimating the dimension of a model, Annals of Statistics 6:461-464, 1978.
    """
    if found.log_likelihoods is None:
        return None
    likelihood = float(material.weights @ found.log_likelihoods(material.points))
    return found.parameters * float(np.log(material.weights.sum())) - 2 * likelihood


def _stability(material: Material, algorithm: str, k: int, labels: np.ndarray) -> float:
    """Mean adjusted Rand index of the groups against those of resamples, over the cells.

    A resample that has no such groups agrees in nothing.
    """
    agreements = []
    total = material.cell_weights.sum()
    for number in range(material.resamples):
        draw = np.random.default_rng([material.random_state, number])
        drawn = draw.multinomial(int(total), material.cell_weights / total).astype(float)
        cells, weights = material.cells[drawn > 0], drawn[drawn > 0]
        content, seed = Content(cells, weights, cells, weights), material.random_state + number + 1
        try:
            again = algorithms.fit(algorithm, k, content, _params(seed)).rule(material.cells)
        except NoGroupsError:
            agreements.append(0.0)
            continue
        agreements.append(adjusted_rand(contingency(labels, again, material.cell_weights)))
    return float(np.mean(agreements))


def _agreement_with_kmeans(material: Material, labels: np.ndarray, k: int) -> float | None:
    """The adjusted Rand index with K-Means of as many clusters; None if there is none."""
    if material.algorithm != KMEANS or k not in material.centers:
        return None
    others = rule_of(material.centers[k])(material.points)
    return adjusted_rand(contingency(labels, others, material.weights))


def _lifts(rule: Rule, known: tuple[Any, ...] | None) -> dict[str, float | None]:
    if known is None:
        return {"outcome_lift": None, "spend_lift": None}
    outcomes = Outcomes(*known)
    labels, customers = rule(outcomes.points), outcomes.customers
    returned = float(outcomes.returned.sum())
    return {
        "outcome_lift": eta_squared(outcomes.returned, customers, returned, labels),
        "spend_lift": eta_squared(outcomes.log_spend, customers, outcomes.squares, labels),
    }
