"""K-Means: the sweep of k, the model, and the cluster of each customer."""

from dataclasses import asdict

import pandas as pd
from dagster import AssetExecutionContext, Config, MaterializeResult, MetadataValue
from pydantic import Field
from pyspark.ml import PipelineModel
from pyspark.sql import functions as F

from amazon_seg_assets.assets.declaration import artifact_spec, seg_asset, table_spec
from amazon_seg_assets.assets.metadata import markdown_frame, report_table
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.locations import spark_path, url_of
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.rules.labels import load_label_rules
from amazon_seg_assets.storage.footers import read_stats
from amazon_seg_assets.storage.layout import month_folder
from amazon_seg_assets.storage.small_tables import read_small, write_small
from amazon_seg_assets.storage.spark_tables import read_table, write_snapshot
from amazon_seg_assets.tables.customers import (
    CLUSTER_CENTERS,
    CUSTOMER_CLUSTERS,
    K_SWEEP,
    RFM_FEATURES,
)
from amazon_seg_assets.transforms.choice_of_k import SILHOUETTE_TOLERANCE, choose_k
from amazon_seg_assets.transforms.cluster_model import assign_clusters, build_model
from amazon_seg_assets.transforms.labels import label_clusters
from amazon_seg_assets.transforms.points import (
    MAX_POINTS,
    Standardization,
    collect_points,
    standardization,
)
from amazon_seg_assets.transforms.rfm import FEATURES, TRANSFORMED_FEATURES
from amazon_seg_assets.transforms.summary import clusters_of_chosen_k
from amazon_seg_assets.transforms.sweep import DEFAULT_KS, Starts, sweep, usable_ks

CLUSTER_MODEL = "cluster_model"
CODE_VERSION = "4"
_MEANS = [f"{feature}_mean" for feature in TRANSFORMED_FEATURES]
_DEVIATIONS = [f"{feature}_sd" for feature in TRANSFORMED_FEATURES]
_CENTERS = [f"{feature}_center" for feature in TRANSFORMED_FEATURES]


class SweepConfig(Config):
    """Which numbers of clusters to try, and which to choose."""

    k_min: int = Field(DEFAULT_KS[0], description="Smallest k tried.", ge=2)
    k_max: int = Field(DEFAULT_KS[-1], description="Largest k tried.", ge=2, le=50)
    k: int | None = Field(None, description="The k to choose; by default the rule chooses.", ge=2)
    silhouette_tolerance: float = Field(
        SILHOUETTE_TOLERANCE,
        description="How far below the best silhouette that of the knee may be.",
        ge=0,
    )
    starts: int = Field(Starts.starts, description="Seeded starts for each k.", ge=1)
    seed: int = Field(Starts.seed, description="Seed of the starts.", ge=0)
    max_points: int = Field(
        MAX_POINTS,
        description="Most distinct customers that K-Means is fitted on; of more a part is taken.",
        ge=100,
    )

    def ks(self) -> list[int]:
        """All k to try."""
        if self.k_min > self.k_max:
            raise InputError(f"k_min = {self.k_min} is above k_max = {self.k_max}: swap them.")
        return sorted({*range(self.k_min, self.k_max + 1), *([self.k] if self.k else [])})


@seg_asset(
    table_spec(
        K_SWEEP,
        group="clustering",
        kinds={"pyspark", "scikitlearn"},
        deps=[RFM_FEATURES.name],
        code_version=CODE_VERSION,
    ),
    table_spec(
        CLUSTER_CENTERS,
        group="clustering",
        kinds={"pyspark", "scikitlearn"},
        deps=[RFM_FEATURES.name],
        # It holds the labels: changed rules make it out of date.
        code_version=f"{CODE_VERSION}-{load_label_rules().fingerprint}",
    ),
)
def k_sweep(
    context: AssetExecutionContext,
    config: SweepConfig,
    spark: SparkResource,
    storage: StoreResource,
) -> tuple[MaterializeResult, MaterializeResult]:
    """Fits K-Means for each k, chooses one by rule, and labels the clusters of each."""
    store, session = storage.store, spark.spark_session
    for snapshot in context.partition_keys:
        store.require(RFM_FEATURES.name, [snapshot])
        count = read_stats(store.path(RFM_FEATURES.name, snapshot)).rows
        customers = read_table(session, store, RFM_FEATURES, [snapshot])
        points = collect_points(customers, count, config.max_points)
        scale = standardization(points)
        ks = usable_ks(config.ks(), points, config.k)
        starts = Starts(
            starts=config.starts, refined=min(Starts.refined, config.starts), seed=config.seed
        )
        found = sweep(session, points, scale, ks, starts)
        choice = choose_k(found.table, config.silhouette_tolerance, config.k)
        table = found.table.assign(chosen=found.table["k"] == choice.k)
        centers = _labelled(found.clusters, scale)
        chosen = table[table["chosen"]].iloc[0]
        fitted = int(points.customers.sum())
        # How it was done, for who does it again with resamples.
        how = {"starts": asdict(starts), "max_points": config.max_points}
        context.add_asset_metadata(
            report_table(
                store,
                K_SWEEP,
                write_small(table, store, K_SWEEP, snapshot, {"why": choice.reason, **how}),
                snapshot,
                chosen_k=choice.k,
                why=choice.reason,
                wcss=float(chosen["wcss"]),
                silhouette=float(chosen["silhouette"]),
                distinct_customers=len(points),
                customers_fitted=fitted,
                parts_of_customers=points.parts,
                skipped_ks=[k for k in config.ks() if k not in ks],
                sweep=MetadataValue.md(markdown_frame(table)),
            ),
            asset_key=K_SWEEP.name,
            partition_key=snapshot,
        )
        of_choice = centers[centers["k"] == choice.k]
        context.add_asset_metadata(
            report_table(
                store,
                CLUSTER_CENTERS,
                write_small(
                    centers,
                    store,
                    CLUSTER_CENTERS,
                    snapshot,
                    {"customers_of_part": fitted if points.parts > 1 else None},
                ),
                snapshot,
                clusters_of_chosen_k=MetadataValue.md(
                    markdown_frame(of_choice[["cluster", "cluster_label", "customers", *FEATURES]])
                ),
                smallest_share=float(of_choice["customers"].min() / of_choice["customers"].sum()),
            ),
            asset_key=CLUSTER_CENTERS.name,
            partition_key=snapshot,
        )
    return MaterializeResult(K_SWEEP.name), MaterializeResult(CLUSTER_CENTERS.name)


def _labelled(clusters: pd.DataFrame, scale: Standardization) -> pd.DataFrame:
    rules = load_label_rules()
    labels = {k: label_clusters(of_k, rules) for k, of_k in clusters.groupby("k")}
    return clusters.assign(
        cluster_label=[label for k in sorted(labels) for label in labels[k]],
        **dict(zip(_MEANS, scale.mean, strict=True)),
        **dict(zip(_DEVIATIONS, scale.sd, strict=True)),
    )


@seg_asset(
    artifact_spec(
        CLUSTER_MODEL,
        description=(
            "The fitted Spark ML pipeline: log, assembler, scaler, K-Means. It takes `recency`, "
            "`frequency` and `monetary`, and adds `cluster`. Load it with "
            "`pyspark.ml.PipelineModel.load` to score new customers."
        ),
        group="clustering",
        kinds={"pyspark", "sparkmllib"},
        deps=[K_SWEEP.name, CLUSTER_CENTERS.name],
        code_version=CODE_VERSION,
    )
)
def cluster_model(
    context: AssetExecutionContext, spark: SparkResource, storage: StoreResource
) -> None:
    """Builds the pipeline of the chosen k from its centers."""
    store = storage.store
    for snapshot in context.partition_keys:
        centers = clusters_of_chosen_k(
            read_small(store, K_SWEEP, snapshot), read_small(store, CLUSTER_CENTERS, snapshot)
        )
        first = centers.iloc[0]
        scale = Standardization(tuple(first[_MEANS]), tuple(first[_DEVIATIONS]))
        model = build_model(spark.spark_session, scale, centers[_CENTERS].to_numpy().tolist())
        with store.replacing_in_place(CLUSTER_MODEL, [snapshot]) as folder:
            model.save(spark_path(folder / month_folder(snapshot)))
        context.add_asset_metadata(
            {
                "dagster/uri": MetadataValue.path(url_of(store.path(CLUSTER_MODEL, snapshot))),
                "k": len(centers),
                "centers": MetadataValue.md(markdown_frame(centers[["cluster", *_CENTERS]])),
            },
            partition_key=snapshot,
        )


@seg_asset(
    table_spec(
        CUSTOMER_CLUSTERS,
        group="clustering",
        kinds={"pyspark", "sparkmllib"},
        deps=[CLUSTER_MODEL, K_SWEEP.name, CLUSTER_CENTERS.name, RFM_FEATURES.name],
    )
)
def customer_clusters(
    context: AssetExecutionContext, spark: SparkResource, storage: StoreResource
) -> None:
    """Assigns each customer to the cluster of the nearest center."""
    store = storage.store
    for snapshot in context.partition_keys:
        store.require(CLUSTER_MODEL, [snapshot])
        model = PipelineModel.load(spark_path(store.path(CLUSTER_MODEL, snapshot)))
        centers = clusters_of_chosen_k(
            read_small(store, K_SWEEP, snapshot), read_small(store, CLUSTER_CENTERS, snapshot)
        )
        labels = F.array(*(F.lit(label) for label in centers["cluster_label"]))
        customers = read_table(
            spark.spark_session, store, RFM_FEATURES, [snapshot], ["user_id", *FEATURES]
        )
        clustered = assign_clusters(model, customers).withColumn(
            "cluster_label", F.element_at(labels, F.col("cluster") + 1)
        )
        stats = write_snapshot(clustered, store, CUSTOMER_CLUSTERS, snapshot)
        shares = centers["customers"] / centers["customers"].sum()
        context.add_asset_metadata(
            report_table(
                store,
                CUSTOMER_CLUSTERS,
                stats,
                snapshot,
                customers=stats.rows,
                **{
                    f"share_cluster_{cluster}": float(share)
                    for cluster, share in zip(centers["cluster"], shares, strict=True)
                },
            ),
            partition_key=snapshot,
        )
