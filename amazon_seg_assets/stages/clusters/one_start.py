"""K-Means by MLlib as the original analysis ran it, with its defaults: one start, 20 iterations.

All points lie in one partition: sums over several depend on how rows are spread, and so would the
centers. Fits of several k run side by side, in threads of the driver.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import SparkSession

from amazon_seg_assets.features import TRANSFORMED_FEATURES
from amazon_seg_assets.stages.clusters.kmeans import OneStart

_WEIGHT = "weight"
_VECTOR = "features"


def one_starts(
    spark: SparkSession, points: np.ndarray, weights: np.ndarray, ks: Sequence[int], seed: int
) -> Mapping[int, OneStart]:
    """Fits MLlib's K-Means with one start of k-means|| to weighted points, for each k.

    Args:
        spark: where.
        points: standardized features; shape (points, 3).
        weights: customers of each point; shape (points,).
        ks: numbers of clusters; the largest take longest, so they had better be first.
        seed: of the starts.

    Returns:
        Centers by k, which are fewer than k where points are few or hardly differ.
    """
    table = pd.DataFrame(points, columns=list(TRANSFORMED_FEATURES)).assign(**{_WEIGHT: weights})
    assembled = VectorAssembler(inputCols=list(TRANSFORMED_FEATURES), outputCol=_VECTOR)
    rows = assembled.transform(spark.createDataFrame(table).coalesce(1)).select(_VECTOR, _WEIGHT)
    rows.persist()

    def fit(k: int) -> OneStart:
        begun = time.perf_counter()
        model = KMeans(featuresCol=_VECTOR, weightCol=_WEIGHT, k=k, seed=seed).fit(rows)
        centers = np.array(model.clusterCenters())
        return centers, model.summary.numIter, time.perf_counter() - begun

    try:
        with ThreadPoolExecutor(spark.sparkContext.defaultParallelism) as pool:
            return dict(zip(ks, pool.map(fit, ks), strict=True))
    finally:
        rows.unpersist()
