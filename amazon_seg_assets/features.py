"""The features by which customers are segmented: what they and what is made of them are called."""

FEATURE_UNITS = {"recency": "days", "frequency": "reviews", "monetary": "USD"}

FEATURES = tuple(FEATURE_UNITS)

TRANSFORMED_FEATURES = ("recency", "frequency_log", "monetary_log")
"""The features that K-Means sees, before standardization."""

FEATURE_COLUMNS = tuple(dict.fromkeys((*FEATURES, *TRANSFORMED_FEATURES)))
"""Both: the columns of ``rfm_features`` but for the customer."""

CENTERS, MEANS, DEVIATIONS = (
    [f"{feature}_{figure}" for feature in TRANSFORMED_FEATURES]
    for figure in ("center", "mean", "sd")
)
"""Columns of ``cluster_centers``: the standardized center, and by what it was standardized."""

SCORE_COLUMNS = {"recency": "r_score", "frequency": "f_score", "monetary": "m_score"}

SCORES = (1, 2, 3, 4, 5)
"""From the worst to the best."""
