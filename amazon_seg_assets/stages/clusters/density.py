"""Customers of each cluster, counted in bins."""

from collections.abc import Mapping, Sequence

from pyspark.ml.feature import Bucketizer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def cluster_density(clustered: DataFrame, edges: Mapping[str, Sequence[float]]) -> DataFrame:
    """Counts the customers of each cluster in bins of all features together.

    Args:
        clustered: columns of ``customer_clusters``.
        edges: of the bins of each feature, ascending; a bin holds its left edge, and the outermost
            bins hold what lies beyond them.

    Returns:
        Columns of ``cluster_density``: as many rows as there are bins with customers.
    """
    bins = [f"{feature}_bin" for feature in edges]
    splits = [[-float("inf"), *inner[1:-1], float("inf")] for inner in edges.values()]
    bucketizer = Bucketizer(splitsArray=splits, inputCols=list(edges), outputCols=bins)
    binned = bucketizer.transform(clustered).withColumns(
        {
            f"{feature}_bin": F.element_at(
                F.lit([float(edge) for edge in inner]), F.col(f"{feature}_bin").cast("int") + 1
            )
            for feature, inner in edges.items()
        }
    )
    keys = ["cluster", "cluster_label", *bins]
    counted = binned.groupBy(*keys).agg(F.count(F.lit(1)).alias("customers"))
    return counted.coalesce(1).sortWithinPartitions(*keys)
