"""What is known of how good clusters and segments are."""

from __future__ import annotations

import pyarrow as pa

from amazon_seg_assets.tables.customers import (
    CLUSTER_CENTERS,
    CLUSTERED_ON,
    SCORED_ON,
    SEGMENT_SUMMARY,
)
from amazon_seg_assets.tables.model import Column, Table

CLUSTER_VALIDATION = Table(
    name="cluster_validation",
    description=(
        "Size, separation and stability of each cluster. What the figures mean is said in the "
        "metadata, with the agreement of clusters and RFM segments."
    ),
    by_month=True,
    columns=(
        *(CLUSTER_CENTERS.carried(name) for name in ("cluster", "cluster_label")),
        Column(
            "customers",
            pa.int64(),
            "Customers assigned to the cluster.",
            "customers",
            nullable=False,
            sources=SEGMENT_SUMMARY.sources("customers"),
        ),
        Column(
            "share",
            pa.float64(),
            "Their share of all customers, 0 to 1.",
            nullable=False,
            sources=SEGMENT_SUMMARY.sources("customers"),
        ),
        CLUSTER_CENTERS.carried("silhouette"),
        Column(
            "survival",
            pa.float64(),
            "Share of the cluster's customers who stay together if K-Means sees a resample of all "
            "customers, 0 to 1; mean over resamples.",
            nullable=False,
            sources=CLUSTERED_ON,
        ),
    ),
)

SCHEME_COMPARISON = Table(
    name="scheme_comparison",
    description=(
        "Customers of each segment under the schemes `standard` and `notebook`. The latter cuts "
        "customers into tiles of equal size, and so gives equal customers different scores; how "
        "many is in the metadata. A third count takes the notebook's rules with the standard "
        "scheme's scores, which shows what is due to the scores alone."
    ),
    by_month=True,
    columns=(
        Column("segment", pa.string(), "Segment of either scheme.", nullable=False),
        *(
            Column(name, pa.int64(), description, "customers", nullable=False, sources=SCORED_ON)
            for name, description in (
                ("standard_customers", "Customers under the scheme `standard`."),
                ("notebook_customers", "Customers under the scheme `notebook`."),
                (
                    "notebook_rules_customers",
                    "Customers by the rules of `notebook` with the scores of `standard`.",
                ),
                ("difference", "`notebook_customers` minus `standard_customers`."),
                (
                    "difference_by_scores",
                    "`notebook_customers` minus `notebook_rules_customers`.",
                ),
            )
        ),
    ),
)
