"""What is known of each customer as of a snapshot month: RFM, cluster and segment."""

from __future__ import annotations

import pyarrow as pa

from amazon_seg_assets.tables.clean import JOINED_REVIEWS
from amazon_seg_assets.tables.features import (
    FEATURE_UNITS,
    FEATURES,
    SCORE_COLUMNS,
    TRANSFORMED_FEATURES,
)
from amazon_seg_assets.tables.model import Column, Table

RFM_FEATURES = Table(
    name="rfm_features",
    description=(
        "Recency, frequency and monetary value of each customer as of the end of the snapshot "
        "month. Let L be the date of the month's latest review: reviews from L minus one calendar "
        "year to L count, both whole days included, if their product has a price above the "
        "smallest one that counts. Reviews stand in for purchases, which the data does not hold."
    ),
    by_month=True,
    columns=(
        Column(
            "user_id",
            pa.string(),
            "Customer.",
            nullable=False,
            sources=JOINED_REVIEWS.sources("user_id"),
        ),
        Column(
            "recency",
            pa.int32(),
            "From the last review in the window to the day after L.",
            "days",
            nullable=False,
            sources=JOINED_REVIEWS.sources("timestamp"),
        ),
        Column(
            "frequency",
            pa.int64(),
            "Reviews of priced products in the window.",
            "reviews",
            nullable=False,
            sources=JOINED_REVIEWS.sources("review_id"),
        ),
        Column(
            "monetary",
            pa.float64(),
            "Sum of the prices of the products reviewed in the window.",
            "USD",
            nullable=False,
            sources=JOINED_REVIEWS.sources("price"),
        ),
        Column(
            "frequency_log",
            pa.float64(),
            "log(1 + frequency)",
            nullable=False,
            sources=JOINED_REVIEWS.sources("review_id"),
        ),
        Column(
            "monetary_log",
            pa.float64(),
            "log(1 + monetary)",
            nullable=False,
            sources=JOINED_REVIEWS.sources("price"),
        ),
    ),
)

_CUSTOMER = tuple(RFM_FEATURES.carried(name) for name in ("user_id", *FEATURES))

CLUSTERED_ON = RFM_FEATURES.sources(*TRANSFORMED_FEATURES)
SCORED_ON = RFM_FEATURES.sources(*FEATURES)

K_SWEEP = Table(
    name="k_sweep",
    description=(
        "One row per number of clusters tried. The k chosen is the knee of WCSS if its silhouette "
        "is close to the best, else the k with the best silhouette. Fitted on all customers, or, "
        "if they are more than `max_points` distinct ones, on a part of these, by hash."
    ),
    by_month=True,
    columns=(
        Column("k", pa.int32(), "Number of clusters.", nullable=False),
        Column(
            "wcss",
            pa.float64(),
            "Within-cluster sum of squares over the customers fitted, on standardized features.",
            nullable=False,
            sources=CLUSTERED_ON,
        ),
        Column(
            "silhouette",
            pa.float64(),
            "Mean silhouette over the customers fitted, by squared Euclidean distance.",
            nullable=False,
            sources=CLUSTERED_ON,
        ),
        Column("iterations", pa.int32(), "Iterations of the best start.", nullable=False),
        Column("converged", pa.bool_(), "Whether the best start converged.", nullable=False),
        Column("seconds", pa.float64(), "Time of all starts together.", "seconds", nullable=False),
        Column("chosen", pa.bool_(), "Whether this k was chosen.", nullable=False),
    ),
)

CLUSTER_CENTERS = Table(
    name="cluster_centers",
    description=(
        "The clusters of each k tried, chosen or not: size, mean RFM, label and center. The "
        "center is in standardized units: (feature - mean) / standard deviation."
    ),
    by_month=True,
    columns=(
        Column("k", pa.int32(), "Number of clusters.", nullable=False),
        Column("cluster", pa.int32(), "Cluster, numbered by its center.", nullable=False),
        Column("cluster_label", pa.string(), "Label by rule from the means.", nullable=False),
        Column("customers", pa.int64(), "Customers fitted in it.", "customers", nullable=False),
        *(
            Column(
                feature,
                pa.float64(),
                f"Mean of `{feature}`.",
                unit,
                nullable=False,
                sources=RFM_FEATURES.sources(feature),
            )
            for feature, unit in FEATURE_UNITS.items()
        ),
        Column(
            "silhouette",
            pa.float64(),
            "Mean silhouette of the cluster's customers.",
            nullable=False,
            sources=CLUSTERED_ON,
        ),
        *(
            Column(
                f"{feature}_{figure}",
                pa.float64(),
                f"{meaning} of `{feature}`.",
                nullable=False,
                sources=RFM_FEATURES.sources(feature),
            )
            for figure, meaning in (
                ("center", "Standardized center"),
                ("mean", "Mean over the customers fitted"),
                ("sd", "Sample standard deviation over the customers fitted"),
            )
            for feature in TRANSFORMED_FEATURES
        ),
    ),
)

CUSTOMER_CLUSTERS = Table(
    name="customer_clusters",
    description=(
        "The K-Means cluster of each customer: that of the nearest center, by Euclidean distance "
        "on standardized recency, log(1 + frequency) and log(1 + monetary). Assigned by "
        "`cluster_model`."
    ),
    by_month=True,
    columns=(
        *_CUSTOMER,
        Column(
            "cluster",
            pa.int32(),
            "Cluster number.",
            nullable=False,
            sources=CLUSTERED_ON,
        ),
        Column(
            "cluster_label",
            pa.string(),
            "Label of the cluster, by rule from its mean RFM.",
            nullable=False,
            sources=CLUSTERED_ON,
        ),
    ),
)

RFM_SEGMENTS = Table(
    name="rfm_segments",
    description=(
        "The RFM scores and the segment of each customer, by the rules of a scheme: each feature "
        "becomes a score of 1 to 5, where 5 is most recent, most frequent or most spent, and the "
        "three scores together lead to one segment. The schemes are in `rules/schemes`."
    ),
    by_month=True,
    columns=(
        *_CUSTOMER,
        *(
            Column(
                score,
                pa.int32(),
                f"Score of {feature}, 1 (worst) to 5 (best).",
                nullable=False,
                sources=RFM_FEATURES.sources(feature),
            )
            for feature, score in SCORE_COLUMNS.items()
        ),
        Column(
            "rfm_score",
            pa.string(),
            "The three scores as digits, such as `543`.",
            nullable=False,
            sources=SCORED_ON,
        ),
        Column(
            "segment",
            pa.string(),
            "Segment of the scheme.",
            nullable=False,
            sources=SCORED_ON,
        ),
    ),
)

SEGMENT_SUMMARY = Table(
    name="segment_summary",
    description=(
        "Customers and their totals by cluster, segment and scores: the small table from which "
        "the plots and figures about segments and clusters come."
    ),
    by_month=True,
    columns=(
        CUSTOMER_CLUSTERS.carried("cluster"),
        CUSTOMER_CLUSTERS.carried("cluster_label"),
        *(RFM_SEGMENTS.carried(name) for name in ("segment", *SCORE_COLUMNS.values())),
        Column(
            "customers",
            pa.int64(),
            "Customers.",
            "customers",
            nullable=False,
            sources=RFM_SEGMENTS.sources("user_id"),
        ),
        *(
            Column(
                f"total_{feature}",
                type_,
                f"Sum of `{feature}`.",
                FEATURE_UNITS[feature],
                nullable=False,
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
