"""Sums over the customers of each cluster, as whole numbers, which are the same in any order.

Runs inside Spark tasks, so only NumPy and what else is pickled by value is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amazon_seg_assets.stages.clusters.kmeans import silhouettes

UNIT = 2**24
"""Parts of a standard deviation that are told apart; sums of a billion customers have room."""

CENTS = 100
WIDTH = 9
"""Sums of a cluster: customers, three coordinates, squared norm, squared distance, three means."""


@dataclass(frozen=True)
class Totals:
    """The sums of each cluster; ``sums`` is of shape (k, WIDTH)."""

    sums: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Customers; shape (k,)."""
        return self.sums[:, 0]

    @property
    def worth(self) -> np.ndarray:
        """Sums of silhouettes, where these were asked for; shape (k,)."""
        return self.sums[:, 0] / UNIT

    @property
    def means(self) -> np.ndarray:
        """The centers of their customers, standardized; shape (k, 3)."""
        return self.sums[:, 1:4] / UNIT / self.sizes[:, None]

    @property
    def wcss(self) -> float:
        """The sum of squared distances to the centers."""
        return sum(self.sums[:, 5].tolist()) / UNIT

    @property
    def features(self) -> np.ndarray:
        """Mean features in their own units; shape (k, 3)."""
        return self.sums[:, 6:] / CENTS / self.sizes[:, None]

    def for_silhouettes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Customers, sums of coordinates and of squared norms of each cluster."""
        return self.sizes, self.sums[:, 1:4] / UNIT, self.sums[:, 4] / UNIT


def nearest(points: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest center of each point, and the squared distance to it."""
    distances = ((points[:, None, :] - centers) ** 2).sum(axis=2)
    own = distances.argmin(axis=1)
    return own, distances[np.arange(len(own)), own]


def totals(points: np.ndarray, features: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """The sums of some customers, by nearest center.

    Args:
        points: standardized; shape (customers, 3).
        features: in their own units; shape (customers, 3).
        centers: standardized; shape (k, 3).

    Returns:
        Whole numbers, shape (k, WIDTH).
    """
    own, distance = nearest(points, centers)
    real = np.column_stack([np.ones(len(points)), points, (points**2).sum(axis=1), distance])
    whole = np.rint(real * [1, *[UNIT] * 5]).astype(np.int64)
    each = np.column_stack([whole, np.rint(features * CENTS).astype(np.int64)])
    return np.stack([each[own == cluster].sum(axis=0) for cluster in range(len(centers))])


def worth(
    points: np.ndarray,
    centers: np.ndarray,
    sizes: np.ndarray,
    vectors: np.ndarray,
    squares: np.ndarray,
) -> np.ndarray:
    """The sum of silhouettes of some customers, by nearest center, in parts of `UNIT`; shape (k,).

    The formula is that of `kmeans.cluster_silhouettes`.
    """
    own, _ = nearest(points, centers)
    norms = (points**2).sum(axis=1)
    distances = norms[:, None] * sizes - 2 * points @ vectors.T + squares
    value = silhouettes(np.maximum(distances, 0), own, sizes)
    whole = np.rint(value * UNIT).astype(np.int64)
    return np.array([whole[own == cluster].sum() for cluster in range(len(centers))])
