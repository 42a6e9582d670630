"""One resample of the customers: drawn, clustered anew, and compared with the original clusters.

Runs inside Spark tasks, as ``lloyd`` does: workers of a cluster need not have this package.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from amazon_seg_assets.stages.clusters.algorithms import NoGroupsError, fit
from amazon_seg_assets.stages.clusters.grid import sum_up
from amazon_seg_assets.stages.clusters.kmeans import Content, SearchParams


class Clustered(NamedTuple):
    """Customers as points, and their clusters.

    Attributes:
        points: standardized features; shape (points, 3).
        customers: customers of each; shape (points,).
        labels: their clusters, 0 to k - 1; shape (points,).
        cell: which cell of a grid each point is in, to sum up what is drawn; shape (points,).
    """

    points: np.ndarray
    customers: np.ndarray
    labels: np.ndarray
    cell: np.ndarray


def resampled_contingency(
    original: Clustered, algorithm: str, k: int, resample: int, params: SearchParams
) -> np.ndarray:
    """The clusters of all customers if the algorithm had seen a resample of them.

    As many customers as there are get drawn with replacement (the bootstrap of B. Efron, Annals of
    Statistics 7:1-26, 1979), and are clustered from fresh starts. Then all original customers are
    put into the new clusters.

    Args:
        original: the customers.
        algorithm: of the clusters.
        k: number of clusters; a resample with fewer distinct points has one for each.
        resample: its number.
        params: its random_state is that of all resamples.

    Returns:
        Counts of original customers; original clusters by new ones, shape (k, k). All are in the
        first where the resample has no groups.
    """
    points, customers, labels, cell = original
    draw = np.random.default_rng([params.random_state, resample])
    total = customers.sum()
    drawn = draw.multinomial(int(total), customers / total).astype(float)
    sample, weights = points[drawn > 0], drawn[drawn > 0]
    content = Content(sample, weights, *sum_up(points, drawn, cell))
    fresh = replace(params, random_state=params.random_state + resample)
    try:
        found = fit(algorithm, min(k, len(sample)), content, fresh).rule(points)
    except NoGroupsError:
        found = np.zeros(len(points), int)
    counts = np.bincount(labels * k + found, customers, k * k)
    return counts.reshape(k, k).astype(np.int64)
