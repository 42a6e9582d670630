"""Small aggregates of all customers, from which plots, figures and the report come."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.tables.customers import SEGMENT_SUMMARY
from amazon_seg_assets.transforms.rfm import EXACT_USD


def segment_summary(segments: DataFrame, clusters: DataFrame) -> DataFrame:
    """Counts customers and adds up their RFM by cluster, segment and scores.

    Args:
        segments: columns of ``rfm_segments``.
        clusters: ``user_id``, ``cluster`` and ``cluster_label`` of the same customers.

    Returns:
        Columns of ``segment_summary``: 125 rows a cluster at most, in order.
    """
    keys = ["cluster", "cluster_label", "segment", "r_score", "f_score", "m_score"]
    both = segments.join(clusters, on="user_id", how="inner")
    summed = both.groupBy(*keys).agg(
        F.count(F.lit(1)).alias("customers"),
        F.sum("recency").alias("total_recency"),
        F.sum("frequency").alias("total_frequency"),
        F.sum(F.col("monetary").cast(EXACT_USD)).cast("double").alias("total_monetary"),
    )
    return summed.select(*SEGMENT_SUMMARY.column_names).coalesce(1).sortWithinPartitions(*keys)
