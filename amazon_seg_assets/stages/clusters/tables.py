"""The clusters: what was tried, what was found, and whose cluster is which."""

import pyarrow as pa

from amazon_seg_assets.features import FEATURE_UNITS, TRANSFORMED_FEATURES
from amazon_seg_assets.schema import Artifact, Column, Table, Total
from amazon_seg_assets.stages.rfm.tables import CLUSTERED_ON, CUSTOMER, RFM_FEATURES, features_kept

K_SWEEP = Table(
    name="k_sweep",
    description=(
        "One row per number of clusters tried. The k chosen is the knee of WCSS if its squared "
        "silhouette is close to the best, else the k with the best one. Fitted on all customers; "
        "more than `max_points` distinct ones are summed up by cells of a grid, from whose optima "
        "the fit goes on over all of them."
    ),
    by_month=True,
    is_small=True,
    key=("k",),
    columns=(
        Column("k", pa.int32(), "Number of clusters."),
        Column(
            "wcss",
            pa.float64(),
            "Within-cluster sum of squares over the customers fitted, on standardized features.",
            sources=CLUSTERED_ON,
        ),
        Column(
            "silhouette",
            pa.float64(),
            "Mean silhouette over the customers fitted, by squared Euclidean distance.",
            sources=CLUSTERED_ON,
        ),
        Column(
            "silhouette_plain",
            pa.float64(),
            "Mean silhouette by plain Euclidean distance; of more than 10,000 distinct customers "
            "between the cells of a grid, to within 0.005.",
            sources=CLUSTERED_ON,
        ),
        Column(
            "iterations",
            pa.int32(),
            "Iterations of the best start; of bisecting K-Means, halvings.",
        ),
        Column(
            "converged", pa.bool_(), "Whether the best start converged, to groups that are sound."
        ),
        Column("seconds", pa.float64(), "Time of all starts together.", "seconds"),
        Column("chosen", pa.bool_(), "Whether this k was chosen."),
    ),
)


CLUSTER_CENTERS = Table(
    name="cluster_centers",
    description=(
        "The clusters of each k tried, chosen or not: size, mean RFM, label and center. The "
        "center is in standardized units: (feature - mean) / standard deviation."
    ),
    by_month=True,
    is_small=True,
    key=("k", "cluster"),
    totals=(
        Total(
            "customers_kept",
            "customers",
            ("customers",),
            of=RFM_FEATURES,
            by=("k",),
        ),
    ),
    columns=(
        Column("k", pa.int32(), "Number of clusters."),
        Column("cluster", pa.int32(), "Cluster, numbered by its center."),
        Column("cluster_label", pa.string(), "Label by rule from the means."),
        Column("customers", pa.int64(), "Customers fitted in it.", "customers"),
        *(
            Column(
                feature,
                pa.float64(),
                f"Mean of `{feature}`.",
                unit,
                sources=RFM_FEATURES.sources(feature),
            )
            for feature, unit in FEATURE_UNITS.items()
        ),
        Column(
            "silhouette",
            pa.float64(),
            "Mean silhouette of the cluster's customers, by squared Euclidean distance.",
            sources=CLUSTERED_ON,
        ),
        *(
            Column(
                f"{feature}_{figure}",
                pa.float64(),
                f"{meaning} of `{feature}`.",
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


CLUSTER_MODEL = Artifact(
    "cluster_model",
    "The fitted Spark ML pipeline: log, assembler, scaler, clusters. It takes `recency`, "
    "`frequency` and `monetary`, and adds `cluster`. Load it with "
    "`amazon_seg_assets.api.load_model` to score new customers.",
)

CUSTOMER_CLUSTERS = Table(
    name="customer_clusters",
    description=(
        "The cluster of each customer: that of the nearest center, by Euclidean distance on "
        "standardized recency, log(1 + frequency) and log(1 + monetary); of a Gaussian mixture, "
        "the likeliest. Assigned by `cluster_model`."
    ),
    by_month=True,
    key=("user_id",),
    one_each=("cluster", RFM_FEATURES),
    totals=features_kept(RFM_FEATURES),
    columns=(
        *CUSTOMER,
        Column("cluster", pa.int32(), "Cluster number.", sources=CLUSTERED_ON),
        Column(
            "cluster_label",
            pa.string(),
            "Label of the cluster, by rule from its mean RFM.",
            sources=CLUSTERED_ON,
        ),
    ),
)


CLUSTER_DENSITY = Table(
    name="cluster_density",
    description=(
        "Customers of each cluster in bins of recency, frequency and monetary value: what the "
        "pictures of clusters are drawn from, however many customers there are."
    ),
    by_month=True,
    is_small=True,
    key=("cluster", *(f"{feature}_bin" for feature in FEATURE_UNITS)),
    totals=(Total("customers_kept", "customers", ("customers",), of=RFM_FEATURES),),
    columns=(
        CUSTOMER_CLUSTERS.carried("cluster"),
        CUSTOMER_CLUSTERS.carried("cluster_label"),
        *(
            Column(
                f"{feature}_bin",
                pa.float64(),
                f"Left edge of the bin of {feature}.",
                unit,
                sources=CUSTOMER_CLUSTERS.sources(feature),
            )
            for feature, unit in FEATURE_UNITS.items()
        ),
        Column(
            "customers",
            pa.int64(),
            "Customers.",
            "customers",
            sources=CUSTOMER_CLUSTERS.sources("user_id"),
        ),
    ),
)
