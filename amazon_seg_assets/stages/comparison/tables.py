"""Ways to cluster the customers, compared, and the best other way beside K-Means."""

import pyarrow as pa

from amazon_seg_assets.schema import Column, Table, Total
from amazon_seg_assets.stages.clusters.tables import CLUSTER_CENTERS, K_SWEEP
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.rfm.tables import CLUSTERED_ON, RFM_FEATURES
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS

RECOMMENDATION = "recommendation"
"""The fact that holds the recommended way to cluster, as a sentence."""

PARTS = "parts_of_customers"
"""The fact that says of how many parts of the customers the figures are one."""

_AFTER = (*CLUSTERED_ON, *CUSTOMER_DAYS.sources("user_id", "day"))


def _figure(name: str, description: str, sources: tuple[str, ...] = CLUSTERED_ON) -> Column:
    return Column(name, pa.float64(), description, nullable=True, sources=sources)


CLUSTERING_COMPARISON = Table(
    name="clustering_comparison",
    description=(
        "Ways to cluster the customers, one row per algorithm and number of groups, on the same "
        "standardized and weighted points as K-Means. The algorithm of "
        "`k_sweep` has the clusters found there; "
        "`kmeans_one_start` is MLlib's K-Means with one start and 20 iterations, its defaults; "
        "`bisecting_kmeans` takes weights too. `gaussian_mixture` and `hdbscan` do not: they are "
        "fitted on 3,000 customers, drawn by a seed with replacement (on all, if they are no "
        "more), and then group everybody; HDBSCAN's own number of groups is its k, 0 if it finds "
        "none, and customers in none are given to the group of the nearest drawn customer. Figures "
        "are those of all customers, or, of more than 200,000 distinct ones, of a part by hash. A "
        "way that fails is a row that says why. Outcomes are those of the customers of the "
        "snapshot a year before, put into these groups: null where that is not stored, or the data "
        "ends too soon after it."
    ),
    by_month=True,
    is_small=True,
    key=("algorithm", "k"),
    columns=(
        Column(
            "algorithm",
            pa.string(),
            "`kmeans`, `kmeans_one_start`, `bisecting_kmeans`, `gaussian_mixture` or `hdbscan`.",
        ),
        Column("k", pa.int32(), "Number of groups."),
        Column(
            "chosen", pa.bool_(), "Whether these are the clusters of the snapshot.",
            sources=K_SWEEP.sources("chosen"),
        ),
        Column(
            "customers_used",
            pa.int64(),
            "Customers that the algorithm was fitted on.",
            "customers",
            nullable=True,
            sources=CLUSTERED_ON,
        ),
        _figure("wcss", "Sum of squared distances to the mean of the group."),
        _figure("silhouette", "Mean silhouette, by squared Euclidean distance."),
        _figure(
            "silhouette_plain",
            "Mean silhouette, by plain Euclidean distance; of more than 3,000 distinct customers "
            "between the cells of a grid.",
        ),
        _figure("davies_bouldin", "Davies-Bouldin index: the less, the further apart."),
        _figure("calinski_harabasz", "Calinski-Harabasz index: the more, the further apart."),
        _figure("bic", "Bayesian information criterion, of mixtures that have not collapsed."),
        _figure(
            "stability",
            "Mean adjusted Rand index with the groups of resamples of the customers; refitted and "
            "compared on 3,000 cells at most, K-Means with fewer starts than that of `k_sweep`.",
        ),
        _figure("balance", "Evenness of the sizes: 1 all equal, 0 one has all."),
        _figure("smallest_share", "Share of the customers in the smallest group, 0 to 1."),
        _figure(
            "noise_share", "Share of HDBSCAN's sample that is in no dense group, 0 to 1."
        ),
        _figure(
            "segments_adjusted_rand",
            "Adjusted Rand index with the RFM segments.",
            (*CLUSTERED_ON, *RFM_SEGMENTS.sources("segment")),
        ),
        _figure(
            "kmeans_adjusted_rand",
            "Adjusted Rand index with K-Means of the same k; null where `k_sweep` has none.",
        ),
        _figure(
            "outcome_lift",
            "Share of the variance of coming back that lies between the groups (eta squared), 0 to "
            "1: how far they differ in who came back.",
            _AFTER,
        ),
        _figure(
            "spend_lift",
            "The same of log(1 + spend afterwards).",
            (*_AFTER, *CUSTOMER_DAYS.sources("spend")),
        ),
        _figure("seconds", "Time of the fit."),
        Column(
            "failure",
            pa.string(),
            "Reason why there are no such groups, or they are no good; else null.",
            nullable=True,
        ),
    ),
)  # fmt: skip

CLUSTERING_ALTERNATIVE = Table(
    name="clustering_alternative",
    description=(
        "Customers by cluster and group of the best other way to cluster, with their "
        "spend: who would move, and what the groups mean, labelled by the same rules. Of more than "
        "200,000 distinct customers those of a part, by hash. Empty if every other way failed."
    ),
    by_month=True,
    is_small=True,
    key=("cluster", "other_cluster"),
    totals=(
        Total("customers_kept", "customers", ("customers",), fact="customers"),
    ),
    columns=(
        CLUSTER_CENTERS.carried("cluster"),
        CLUSTER_CENTERS.carried("cluster_label"),
        Column("other_algorithm", pa.string(), "Algorithm of the other way."),
        Column(
            "other_cluster", pa.int32(), "Its group, numbered by its mean.", sources=CLUSTERED_ON
        ),
        Column(
            "other_label",
            pa.string(),
            "Label of the group, by rule from its mean RFM.",
            sources=CLUSTERED_ON,
        ),
        Column(
            "customers", pa.int64(), "Customers.", "customers",
            sources=RFM_FEATURES.sources("user_id"),
        ),
        Column(
            "total_monetary", pa.float64(), "Sum of `monetary`.", "USD",
            sources=RFM_FEATURES.sources("monetary"),
        ),
    ),
)  # fmt: skip
