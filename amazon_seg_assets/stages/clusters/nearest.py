"""The clusters of customers in memory, without Spark."""

from typing import Any

import numpy as np
import pandas as pd

from amazon_seg_assets.features import CENTERS, FEATURES
from amazon_seg_assets.stages.clusters.kmeans import assign
from amazon_seg_assets.stages.clusters.points import Points, Standardization


def clusters_of(customers: pd.DataFrame, centers: pd.DataFrame) -> dict[str, Any]:
    """The columns that the pipeline's `assign_clusters` adds: of the nearest center.

    Args:
        customers: the features as numbers, none of which is missing.
        centers: rows of ``cluster_centers`` of one k, in the order of cluster numbers.
    """
    features = customers[[*FEATURES]].to_numpy(float)
    everybody = np.ones(len(features))
    transformed = np.column_stack([features[:, 0], np.log1p(features[:, 1:])])
    points = Standardization.from_row(centers.iloc[0]).apply(
        Points(features, transformed, everybody)
    )
    clusters, _ = assign(points, everybody, centers[CENTERS].to_numpy())
    labels = centers["cluster_label"].to_numpy()
    return {"cluster": clusters.astype(np.int32), "cluster_label": labels[clusters].tolist()}
