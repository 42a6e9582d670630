"""One algorithm with one number of groups: fitted, and measured by every yardstick.

Runs inside Spark tasks, as ``algorithms`` does.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from amazon_seg_assets.stages.clusters.kmeans import Content
from amazon_seg_assets.stages.comparison import algorithms
from amazon_seg_assets.stages.comparison.algorithms import KMEANS, Fitted, NoGroupsError, Rule
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
        centers: of the snapshot's K-Means, by k; each of shape (k, 3).
        outcomes: fields of `Outcomes`; None where they are not known.
        resamples: of the customers, for stability.
        random_state: of all that is drawn.
    """

    points: np.ndarray
    weights: np.ndarray
    cells: np.ndarray
    cell_weights: np.ndarray
    segments: np.ndarray
    centers: dict[int, np.ndarray]
    outcomes: tuple[Any, ...] | None
    resamples: int
    random_state: int

    @property
    def content(self) -> Content:
        """The customers, as algorithms take them."""
        return Content(self.points, self.weights, self.cells, self.cell_weights)


def fitted(material: Material, algorithm: str, k: int) -> Fitted:
    """An algorithm fitted to the customers; K-Means is the snapshot's own.

    Raises:
        NoGroupsError: there are no such groups.
    """
    if algorithm == KMEANS:
        rule = algorithms.nearest(material.centers[k])
        return Fitted(rule, k, int(material.weights.sum()))
    return algorithms.fit(algorithm, k, material.content, material.random_state)


def measure(material: Material, algorithm: str, k: int) -> dict[str, Any]:
    """The figures of a candidate, and ``cell_labels``, the groups of the cells; or its failure."""
    begun = time.perf_counter()
    with threadpool_limits(1):
        try:
            found = fitted(material, algorithm, k)
            seconds = time.perf_counter() - begun
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
            again = algorithms.fit(algorithm, k, content, seed).rule(material.cells)
        except NoGroupsError:
            agreements.append(0.0)
            continue
        agreements.append(adjusted_rand(contingency(labels, again, material.cell_weights)))
    return float(np.mean(agreements))


def _agreement_with_kmeans(material: Material, labels: np.ndarray, k: int) -> float | None:
    """The adjusted Rand index with K-Means of as many clusters; None if that was not tried."""
    if k not in material.centers:
        return None
    others = algorithms.nearest(material.centers[k])(material.points)
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
