"""The cells of a cubic grid, which sum points up.

Runs inside Spark tasks, as ``lloyd`` does: workers of a cluster need not have this package.
"""

from bisect import bisect_left

import numpy as np
import pandas as pd

_CELL_WIDTHS = 2.0 ** np.arange(-12, 12, 0.5)


def cells(points: np.ndarray, weights: np.ndarray, max_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums up points by the cells of a cubic grid: weighted mean and weight of each cell.

    Unlike a random sample it keeps the outliers, which rule the optima of few clusters, and what is
    lost, the spread within cells, is nearly the same for all centers.

    Args:
        points: standardized features; shape (points, 3).
        weights: customers of each; shape (points,).
        max_cells: as of `cell_numbers`; so few points are returned as they are.
    """
    if len(points) <= max_cells:
        return points, weights
    return sum_up(points, weights, cell_numbers(points, max_cells))


def cell_numbers(points: np.ndarray, max_cells: int) -> np.ndarray:
    """The cell of a cubic grid that each point is in, as a number from 0; shape (points,).

    Args:
        points: standardized features; shape (points, 3).
        max_cells: the grid is the finest of a ladder of widths with no more cells in use; each of
            so few points is a cell of its own.
    """
    if len(points) <= max_cells:
        return np.arange(len(points))

    def places(width: float) -> pd.DataFrame:
        return pd.DataFrame(np.floor(points / width))

    finest = bisect_left(
        _CELL_WIDTHS, True, key=lambda width: len(places(width).drop_duplicates()) <= max_cells
    )
    width = _CELL_WIDTHS[min(finest, len(_CELL_WIDTHS) - 1)]
    return places(width).groupby([0, 1, 2]).ngroup().to_numpy()


def sum_up(
    points: np.ndarray, weights: np.ndarray, cell: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and weight of each cell that has any weight.

    Args:
        points: shape (points, 3).
        weights: of the points, 0 or more; shape (points,).
        cell: of each point, as `cell_numbers` gives it.
    """
    weight = np.bincount(cell, weights)
    used = weight > 0
    sums = np.stack([np.bincount(cell, weights * column) for column in points.T], axis=1)
    return sums[used] / weight[used, None], weight[used]
