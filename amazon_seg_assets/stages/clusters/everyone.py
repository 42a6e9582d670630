"""K-Means over all customers where these are too many to collect: sums on the executors.

Optima are sought among the cells of a grid that sums everyone up; a part of the customers may have
another best optimum than all have. From there Lloyd's iterations go on over everyone, for all k in
one pass over the stored columns each. MLlib's K-Means takes no initial model for weighted rows, and
its sums depend on how rows are spread. Here coordinates are whole multiples of 2**-24 of a standard
deviation, so that their sums are exact, and the same on any number of tasks. The driver gets the
cells, and one row per cluster.

Workers need NumPy and PyArrow, not this package.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark import cloudpickle
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.features import FEATURE_COLUMNS, FEATURES, TRANSFORMED_FEATURES
from amazon_seg_assets.stages.clusters import exact_sums
from amazon_seg_assets.stages.clusters.exact_sums import CENTS, UNIT, Totals, totals, worth
from amazon_seg_assets.stages.clusters.kmeans import in_order
from amazon_seg_assets.stages.clusters.points import Points, Standardization

MOST_CELLS = 1_000_000
"""Cells that everyone is summed up by, so that what the driver gets has a bound."""

_WIDTH = 1 / 16
"""Of the finest cells, in standard deviations."""

MAX_PASSES = 100
SMALL_SHIFT = 1e-4
"""Of a center between two passes, in standard deviations: less changes no figure that is told."""

Centers = Mapping[int, np.ndarray]
"""By k; each of shape (k, 3), standardized."""

cloudpickle.register_pickle_by_value(exact_sums)


def standardization_of(customers: DataFrame) -> Standardization:
    """Mean and sample standard deviation over all customers, the same in any order of the rows.

    Args:
        customers: columns of ``rfm_features``.
    """
    mean = _sums_of(customers, (0.0, 0.0, 0.0), 1) / customers.count()
    squares = _sums_of(customers, tuple(mean), 2)
    deviation = np.sqrt(squares / (customers.count() - 1))
    return Standardization(tuple(mean), tuple(np.where(deviation > 0, deviation, 1.0)))


def _sums_of(customers: DataFrame, mean: tuple[float, ...], power: int) -> np.ndarray:
    """Sums of powers of what differs from the mean; decimals of 2**-24, which are exact."""
    terms = (
        F.sum(F.rint((F.col(name) - middle) ** power * UNIT).cast("decimal(24,0)"))
        for name, middle in zip(TRANSFORMED_FEATURES, mean, strict=True)
    )
    return np.array([float(total) / UNIT for total in customers.agg(*terms).collect()[0]])


def cells_of_everyone(
    customers: DataFrame, scale: Standardization, most_cells: int = MOST_CELLS
) -> Points:
    """The weighted means of the cells of a cubic grid, which sum everyone up: exact sums.

    Args:
        customers: columns of ``rfm_features``.
        scale: that of all customers.
        most_cells: the grid is made coarser until no more are in use.
    """
    scaled = [
        (F.col(name) - mean) / sd
        for name, mean, sd in zip(TRANSFORMED_FEATURES, scale.mean, scale.sd, strict=True)
    ]
    whole = [value * UNIT for value in scaled] + [F.col(name) * CENTS for name in FEATURES]
    sums = [F.count(F.lit(1)), *(F.sum(F.rint(value).cast("bigint")) for value in whole)]
    width = _WIDTH
    while True:
        by_cell = customers.groupBy(*(F.floor(value / width) for value in scaled)).agg(*sums)
        found = pd.DataFrame(by_cell.limit(most_cells + 1).toPandas()).to_numpy(float)
        if len(found) <= most_cells:
            break
        width *= 2
    # In order of the cells, as that of the rows depends on how they are spread.
    rows = found[np.lexsort(found[:, :3].T), 3:]
    sizes, means = rows[:, 0], rows[:, 1:] / rows[:, :1]
    transformed = means[:, :3] / UNIT * scale.sd + scale.mean
    return Points(means[:, 3:] / CENTS, transformed, sizes)


def fit_everyone(
    customers: DataFrame, scale: Standardization, found: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Goes on from the clusters of cells until those of everyone stand still.

    Args:
        customers: columns of ``rfm_features``.
        scale: that of all customers.
        found: rows of `kmeans.fit`, of each k.

    Returns:
        The same rows, of all customers. A k of which a cluster loses all is left out.
    """
    begun = time.perf_counter()
    rows = {k: [row for row in found if row["k"] == k] for k in {row["k"] for row in found}}
    centers = {k: np.array([row["center"] for row in of_k]) for k, of_k in rows.items()}
    passes = dict.fromkeys(centers, 0)
    moving = dict(centers)
    while moving:
        sums = _totals(customers, scale, moving)
        for k, former in list(moving.items()):
            passes[k] += 1
            if not sums[k].sizes.all():
                del moving[k], centers[k]
                continue
            centers[k] = sums[k].means
            is_still = np.abs(centers[k] - former).max() < SMALL_SHIFT
            if is_still or passes[k] == MAX_PASSES:
                del moving[k]
            else:
                moving[k] = centers[k]
    ordered = {k: in_order(of_k) for k, of_k in centers.items()}
    last = _totals(customers, scale, ordered)
    silhouettes = _totals(customers, scale, ordered, last)
    seconds = (time.perf_counter() - begun) / max(len(rows), 1)
    return [
        rows[k][cluster]
        | {
            "wcss": last[k].wcss,
            "iterations": rows[k][cluster]["iterations"] + passes[k],
            "converged": passes[k] < MAX_PASSES,
            "seconds": rows[k][cluster]["seconds"] + seconds,
            "cluster": cluster,
            "customers": int(last[k].sizes[cluster]),
            "silhouette": float(silhouettes[k].worth[cluster] / last[k].sizes[cluster]),
            "means": last[k].features[cluster].tolist(),
            "center": ordered[k][cluster].tolist(),
        }
        for k in sorted(ordered)
        for cluster in range(k)
    ]


def _totals(
    customers: DataFrame,
    scale: Standardization,
    centers: Centers,
    known: Mapping[int, Totals] | None = None,
) -> dict[int, Totals]:
    """Sums of each cluster of each k; with ``known`` sums, those of silhouettes instead."""
    mean, sd = scale.mean, scale.sd
    names = [*TRANSFORMED_FEATURES, *FEATURES]
    by_k = {k: known[k].for_silhouettes() for k in centers} if known else None

    def of_task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        sums = {k: np.zeros((k, exact_sums.WIDTH), np.int64) for k in centers}
        for batch in batches:
            columns = [batch[name].to_numpy(zero_copy_only=False) for name in names]
            values = np.column_stack(columns).astype(float)
            points = (values[:, :3] - mean) / sd
            for k, of_k in centers.items():
                if by_k is None:
                    sums[k] += totals(points, values[:, 3:], of_k)
                else:
                    sums[k][:, 0] += worth(points, of_k, *by_k[k])
        for k, of_k in sums.items():
            keys = [np.full(k, k), np.arange(k)]
            arrays = [pa.array(each) for each in (*keys, *of_k.T)]
            yield pa.RecordBatch.from_arrays(arrays, names=["k", "cluster", *sum_names])

    sum_names = [f"sum_{number}" for number in range(exact_sums.WIDTH)]
    schema = ", ".join(f"{name} bigint" for name in ("k", "cluster", *sum_names))
    lean = customers.select(*FEATURE_COLUMNS).mapInArrow(of_task, schema)
    summed = lean.groupBy("k", "cluster").agg(*(F.sum(name) for name in sum_names)).collect()
    found = {k: np.zeros((k, exact_sums.WIDTH), np.int64) for k in centers}
    for k, cluster, *sums in summed:
        found[k][cluster] = sums
    return {k: Totals(of_k) for k, of_k in found.items()}
