"""Small aggregates of all customers, from which plots, figures and the report come."""

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.features import FEATURES, SCORE_COLUMNS
from amazon_seg_assets.rules.scheme import fm_score
from amazon_seg_assets.spark.sums import CUSTOMERS, collapse, total_usd
from amazon_seg_assets.stages.overview.tables import SEGMENT_SUMMARY

_CLUSTER = ("cluster", "cluster_label")
_SCORED = ("segment", *SCORE_COLUMNS.values())


def segment_summary(segments: DataFrame, clusters: DataFrame) -> DataFrame:
    """Counts customers and adds up their RFM by cluster, segment and scores.

    Args:
        segments: columns of ``rfm_segments``.
        clusters: columns of ``customer_clusters`` of the same customers.

    Returns:
        Columns of ``segment_summary``: 125 rows a cluster at most, in order.
    """
    # Equal customers are in one cluster, so their features tell it: fewer rows meet than by user.
    scored = collapse(segments, [*FEATURES, *_SCORED])
    cluster_of = clusters.select(*FEATURES, *_CLUSTER).distinct()
    both = scored.join(cluster_of, on=list(FEATURES), how="inner")
    keys, customers = [*_CLUSTER, *_SCORED], F.col(CUSTOMERS)
    summed = both.groupBy(*keys).agg(
        F.sum(customers).alias(CUSTOMERS),
        F.sum(F.col("recency") * customers).alias("total_recency"),
        F.sum(F.col("frequency") * customers).alias("total_frequency"),
        total_usd(F.col("monetary"), customers).alias("total_monetary"),
    )
    return summed.select(*SEGMENT_SUMMARY.column_names).coalesce(1).sortWithinPartitions(*keys)


def by_segment(summary: pd.DataFrame) -> pd.DataFrame:
    """The segments of a ``segment_summary``, the largest first.

    Returns:
        ``segment``, ``customers``, ``share``, mean ``recency`` (days), ``frequency`` (reviews) and
        ``monetary`` (USD), and ``total_monetary`` (USD).
    """
    table = _group(summary, ["segment"])
    ordered = table.sort_values(["customers", "segment"], ascending=[False, True])
    return ordered.reset_index(drop=True)


def by_cluster(summary: pd.DataFrame) -> pd.DataFrame:
    """The clusters in order of their numbers; ``cluster``, ``cluster_label``, then as segments."""
    return _group(summary, ["cluster", "cluster_label"])


def by_cell(summary: pd.DataFrame) -> pd.DataFrame:
    """The cells of the RFM map: ``r_score``, ``fm_score``, then as segments, then ``segments``.

    These are the names of the segments that customers of the cell are in, the largest first.
    """
    keys = ["r_score", "fm_score"]
    scored = summary.assign(fm_score=fm_score(summary["f_score"], summary["m_score"]))
    inside = _group(scored, [*keys, "segment"]).sort_values("customers", ascending=False)
    names = inside.groupby(keys, as_index=False)["segment"].agg(list)
    return _group(scored, keys).merge(names.rename(columns={"segment": "segments"}), on=keys)


def by_cluster_and_segment(summary: pd.DataFrame) -> pd.DataFrame:
    """The segments inside the clusters: ``cluster``, ``cluster_label``, then as segments."""
    return _group(summary, ["cluster", "cluster_label", "segment"])


def _group(summary: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    totals = ["customers", "total_recency", "total_frequency", "total_monetary"]
    table = summary.groupby(keys, as_index=False)[totals].sum()
    table["share"] = table["customers"] / table["customers"].sum()
    for feature in FEATURES:
        table[feature] = table[f"total_{feature}"] / table["customers"]
    return table[[*keys, "customers", "share", *FEATURES, "total_monetary"]]
