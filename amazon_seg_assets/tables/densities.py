"""Counts of customers in bins, from which the pictures of all customers are drawn."""

from __future__ import annotations

import pyarrow as pa

from amazon_seg_assets.tables.customers import CUSTOMER_CLUSTERS, RFM_FEATURES
from amazon_seg_assets.tables.features import FEATURE_UNITS
from amazon_seg_assets.tables.model import Column, Table

CLUSTER_DENSITY = Table(
    name="cluster_density",
    description=(
        "Customers of each cluster in bins of recency, frequency and monetary value: what the "
        "pictures of clusters are drawn from, however many customers there are."
    ),
    by_month=True,
    columns=(
        CUSTOMER_CLUSTERS.carried("cluster"),
        CUSTOMER_CLUSTERS.carried("cluster_label"),
        *(
            Column(
                f"{feature}_bin",
                pa.float64(),
                f"Left edge of the bin of {feature}.",
                unit,
                nullable=False,
                sources=CUSTOMER_CLUSTERS.sources(feature),
            )
            for feature, unit in FEATURE_UNITS.items()
        ),
        Column(
            "customers",
            pa.int64(),
            "Customers.",
            "customers",
            nullable=False,
            sources=CUSTOMER_CLUSTERS.sources("user_id"),
        ),
    ),
)

RFM_HISTOGRAMS = Table(
    name="rfm_histograms",
    description="Histograms of the features before and after the transformation.",
    by_month=True,
    columns=(
        Column("feature", pa.string(), "Recency, frequency or monetary.", nullable=False),
        Column("transformed", pa.bool_(), "Whether log(1 + feature) is meant.", nullable=False),
        Column("bin_left", pa.float64(), "Left edge, in the bin.", nullable=False),
        Column(
            "bin_right",
            pa.float64(),
            "Right edge, not in the bin unless it is the last.",
            nullable=False,
        ),
        Column(
            "customers",
            pa.int64(),
            "Customers.",
            "customers",
            nullable=False,
            sources=RFM_FEATURES.sources("user_id"),
        ),
    ),
)
