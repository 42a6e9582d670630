"""The pictures of a report: which ones, where, and what is written below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from amazon_seg_assets.report.document import Illustration
from amazon_seg_assets.report.findings import Findings

SEGMENT_PICTURES = (
    "segment_counts_plot",
    "segment_money_plot",
    "rfm_heatmap_plot",
)
CLUSTER_PICTURES = (
    "cluster_shares_plot",
    "cluster_profile_plot",
    "segment_treemap_plot",
    "recency_frequency_plot",
    "recency_monetary_plot",
    "frequency_monetary_plot",
)
CHOICE_PICTURES = ("elbow_plot", "silhouette_plot", "rfm_distributions_plot")
SCHEME_PICTURES = ("scheme_comparison_plot",)
PICTURES = (*SEGMENT_PICTURES, *CLUSTER_PICTURES, *CHOICE_PICTURES, *SCHEME_PICTURES)
"""Pictures of every report, by asset."""

EXPLORATION_PICTURES = (
    "popular_products_plot",
    "yearly_ratings_by_verified_plot",
    "ratings_by_verified_plot",
    "reviews_over_time_plot",
)
"""Pictures of the raw data, by asset: shown where they are."""

CAPTIONS: Mapping[str, str] = {
    "segment_counts_plot": "Customers of each segment, the largest first.",
    "segment_money_plot": "Average and total spend per segment.",
    "rfm_heatmap_plot": (
        "Each square is a combination of scores: recency upwards, frequency and spend together to "
        "the right. The darker, the more customers."
    ),
    "cluster_shares_plot": "Share of the customers in each cluster.",
    "cluster_profile_plot": (
        "What is typical of each cluster, in standard deviations from the average customer."
    ),
    "segment_treemap_plot": "Segments within clusters; each area is proportional to its customers.",
    "recency_frequency_plot": "Where the customers of each cluster lie by recency and frequency.",
    "recency_monetary_plot": "The same by recency and spend.",
    "frequency_monetary_plot": "The same by frequency and spend.",
    "elbow_plot": "The sum of squares within clusters, for each number of clusters tried.",
    "silhouette_plot": "The mean silhouette, for each number of clusters tried.",
    "rfm_distributions_plot": (
        "How recency, frequency and spend are distributed, before and after the logarithm."
    ),
    "scheme_comparison_plot": (
        "The same customers under the standard scheme and under the one of the original analysis."
    ),
    "popular_products_plot": "The most reviewed products of the year.",
    "yearly_ratings_by_verified_plot": "Ratings of the year, with and without a verified purchase.",
    "ratings_by_verified_plot": "Ratings of all time, with and without a verified purchase.",
    "reviews_over_time_plot": "Reviews of each month.",
}
"""What each picture shows, by asset."""


def illustrated(findings: Findings, names: Iterable[str]) -> list[Illustration]:
    """Those of these pictures that there are, in this order."""
    found = findings.illustrations
    return [found[name] for name in names if name in found]
