"""Figures of a grouping of weighted points: separation, and what it tells of something else.

All are those of the customers as rows of their own: a point of weight w is w customers. Runs inside
Spark tasks, as ``algorithms`` does.
"""

from __future__ import annotations

import numpy as np

from amazon_seg_assets.stages.clusters.kmeans import cluster_silhouettes


def separation(
    points: np.ndarray, weights: np.ndarray, labels: np.ndarray, k: int
) -> dict[str, float]:
    """Sum of squares within, silhouette by squared distance, Davies-Bouldin, Calinski-Harabasz.

    D. L. Davies and D. W. Bouldin, A cluster separation measure, IEEE Transactions on Pattern
    Analysis and Machine Intelligence 1:224-227, 1979; T. Caliński and J. Harabasz, A dendrite
    method for cluster analysis, Communications in Statistics 3:1-27, 1974.

    Args:
        points: shape (points, features).
        weights: customers of each; shape (points,).
        labels: groups of the points, 0 to k - 1, each of which has customers.
        k: number of groups, 2 or more.
    """
    sizes = np.bincount(labels, weights, k)
    sums = np.stack([np.bincount(labels, weights * column, k) for column in points.T], axis=1)
    centers, total = sums / sizes[:, None], sizes.sum()
    squares = ((points - centers[labels]) ** 2).sum(axis=1)
    within = float(weights @ squares)
    between = float(sizes @ ((centers - sums.sum(axis=0) / total) ** 2).sum(axis=1))
    spread = np.bincount(labels, weights * np.sqrt(squares), k) / sizes
    apart = np.sqrt(((centers[:, None] - centers) ** 2).sum(axis=2))
    # Groups at one place count as far apart, as scikit-learn has it.
    apart[apart == 0] = np.inf
    silhouettes = cluster_silhouettes(points, weights, labels, k)
    return {
        "wcss": within,
        "silhouette": float(silhouettes @ sizes / total),
        "davies_bouldin": float(((spread[:, None] + spread) / apart).max(axis=1).mean()),
        "calinski_harabasz": between * (total - k) / (within * (k - 1)) if within else 1.0,
    }


def eta_squared(
    sums: np.ndarray, customers: np.ndarray, squares: float, labels: np.ndarray
) -> float | None:
    """The share of a figure's variance that lies between groups: 0 (they tell nothing) to 1.

    R. A. Fisher's correlation ratio of an analysis of variance. None where all customers have the
    same figure, as there is no variance to share.

    Args:
        sums: of the figure, over the customers of each point; shape (points,).
        customers: of each point; shape (points,).
        squares: sum of the figure's squares, over all customers.
        labels: groups of the points.
    """
    sizes, of_group = np.bincount(labels, customers), np.bincount(labels, sums)
    used = sizes > 0
    mean_square = sums.sum() ** 2 / customers.sum()
    between = float((of_group[used] ** 2 / sizes[used]).sum() - mean_square)
    total = float(squares - mean_square)
    return min(max(between / total, 0.0), 1.0) if total > 1e-9 * squares else None


def counts_by(labels: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Customers by group (rows) and the groups of another partition (columns).

    Args:
        labels: groups of the points.
        columns: customers of each point in each group of the other; shape (points, groups).
    """
    table = [np.bincount(labels, column) for column in columns.T]
    return np.stack(table, axis=1).astype(np.int64)


def contingency(one: np.ndarray, other: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Customers by the groups of two partitions of the same points."""
    rows, columns = int(one.max()) + 1, int(other.max()) + 1
    counts = np.bincount(one * columns + other, weights, rows * columns)
    return counts.reshape(rows, columns).astype(np.int64)
