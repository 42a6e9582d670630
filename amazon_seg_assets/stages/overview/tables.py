"""The small table that sums up clusters and segments, and the evaluation of the clusters."""

import pyarrow as pa

from amazon_seg_assets.features import FEATURE_UNITS, SCORE_COLUMNS
from amazon_seg_assets.schema import Column, Table, Total
from amazon_seg_assets.stages.clusters.tables import CLUSTER_CENTERS, CUSTOMER_CLUSTERS
from amazon_seg_assets.stages.rfm.tables import CLUSTERED_ON, RFM_FEATURES, features_kept
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS

SEGMENT_SUMMARY = Table(
    name="segment_summary",
    description=(
        "Customers and their totals by cluster, segment and scores: the small table from which "
        "the plots and figures about segments and clusters come."
    ),
    by_month=True,
    is_small=True,
    key=("cluster", "segment", *SCORE_COLUMNS.values()),
    totals=features_kept(RFM_SEGMENTS, "total_"),
    columns=(
        CUSTOMER_CLUSTERS.carried("cluster"),
        CUSTOMER_CLUSTERS.carried("cluster_label"),
        *(RFM_SEGMENTS.carried(name) for name in ("segment", *SCORE_COLUMNS.values())),
        Column(
            "customers",
            pa.int64(),
            "Customers.",
            "customers",
            sources=RFM_SEGMENTS.sources("user_id"),
        ),
        *(
            Column(
                f"total_{feature}",
                type_,
                f"Sum of `{feature}`.",
                FEATURE_UNITS[feature],
                sources=RFM_SEGMENTS.sources(feature),
            )
            for feature, type_ in (
                ("recency", pa.int64()),
                ("frequency", pa.int64()),
                ("monetary", pa.float64()),
            )
        ),
    ),
)

CLUSTER_VALIDATION = Table(
    name="cluster_validation",
    description=(
        "Size, separation and stability of each cluster. What the figures mean is said in the "
        "metadata, with the agreement of clusters and RFM segments."
    ),
    by_month=True,
    is_small=True,
    key=("cluster",),
    totals=(Total("customers_kept", "customers", ("customers",), of=RFM_FEATURES),),
    columns=(
        *(CLUSTER_CENTERS.carried(name) for name in ("cluster", "cluster_label")),
        Column(
            "customers",
            pa.int64(),
            "Customers assigned to the cluster.",
            "customers",
            sources=SEGMENT_SUMMARY.sources("customers"),
        ),
        Column(
            "share",
            pa.float64(),
            "Their share of all customers, 0 to 1.",
            sources=SEGMENT_SUMMARY.sources("customers"),
        ),
        CLUSTER_CENTERS.carried("silhouette"),
        Column(
            "stability",
            pa.float64(),
            "Share of the cluster's customers who stay together if the algorithm sees a resample "
            "of all customers, 0 to 1; mean over resamples.",
            sources=CLUSTERED_ON,
        ),
    ),
)
