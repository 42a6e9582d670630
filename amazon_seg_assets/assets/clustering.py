"""K-Means: the sweep of k, the model, and the cluster of each customer."""

from dataclasses import asdict
from typing import Annotated, Any

from dagster import AssetExecutionContext, Config, MaterializeResult, MetadataValue
from pydantic import Field
from pyspark.ml import PipelineModel
from pyspark.sql import Observation

from amazon_seg_assets.assets.declaration import artifact_spec, seg_asset, table_spec
from amazon_seg_assets.assets.metadata import markdown_frame, report_artifact, report_table
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.locations import spark_path
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.rules.labels import load_label_rules
from amazon_seg_assets.storage.footers import read_stats
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.small_tables import read_small, write_small
from amazon_seg_assets.storage.spark_tables import read_table, write_snapshot
from amazon_seg_assets.tables.customers import (
    CLUSTER_CENTERS,
    CUSTOMER_CLUSTERS,
    K_SWEEP,
    RFM_FEATURES,
)
from amazon_seg_assets.tables.features import CENTERS, FEATURES
from amazon_seg_assets.transforms.choice_of_k import SILHOUETTE_TOLERANCE, choose_k
from amazon_seg_assets.transforms.cluster_model import assign_clusters, build_model
from amazon_seg_assets.transforms.labels import label_each_k
from amazon_seg_assets.transforms.lloyd import LARGEST_SEED, MOST_STARTS, Starts
from amazon_seg_assets.transforms.points import (
    MAX_POINTS,
    Standardization,
    collect_points,
    standardization,
)
from amazon_seg_assets.transforms.summary import clusters_of_chosen_k
from amazon_seg_assets.transforms.sweep import DEFAULT_KS, POSSIBLE_KS, sweep, usable_ks

CLUSTER_MODEL = "cluster_model"
CODE_VERSION = "4"

PossibleK = Annotated[int, Field(ge=POSSIBLE_KS[0], le=POSSIBLE_KS[-1])]


class SweepConfig(Config):
    """Which numbers of clusters to try, and which to choose."""

    k_min: PossibleK = Field(DEFAULT_KS[0], description="Smallest k tried.")
    k_max: PossibleK = Field(DEFAULT_KS[-1], description="Largest k tried.")
    k: PossibleK | None = Field(None, description="The k to choose; by default the rule chooses.")
    silhouette_tolerance: float = Field(
        SILHOUETTE_TOLERANCE,
        description="How far below the best silhouette that of the knee may be.",
        ge=0,
    )
    starts: int = Field(
        Starts.starts, description="Seeded starts for each k.", ge=1, le=MOST_STARTS
    )
    seed: int = Field(Starts.seed, description="Seed of the starts.", ge=0, le=LARGEST_SEED)
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

    def searched(self) -> Starts:
        """How optima are sought."""
        refined = min(Starts.refined, self.starts)
        return Starts(starts=self.starts, refined=refined, seed=self.seed)


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
    for snapshot in context.partition_keys:
        for asset, metadata in _sweep(spark, storage.store, snapshot, config).items():
            context.add_asset_metadata(metadata, asset_key=asset, partition_key=snapshot)
    return MaterializeResult(K_SWEEP.name), MaterializeResult(CLUSTER_CENTERS.name)


def _sweep(
    spark: SparkResource, store: Store, snapshot: str, config: SweepConfig
) -> dict[str, dict[str, Any]]:
    """Stores the sweep and the clusters of a snapshot; returns metadata of both."""
    # First, as it may be wrong, and to collect customers takes long.
    ks = config.ks()
    customers = read_table(spark.spark_session, store, RFM_FEATURES, [snapshot])
    count = read_stats(store.path(RFM_FEATURES.name, snapshot)).rows
    points = collect_points(customers, count, config.max_points)
    scale, starts = standardization(points), config.searched()
    usable = usable_ks(ks, points, config.k)
    found = sweep(spark.spark_session, points, scale, usable, starts)
    choice = choose_k(found.table, config.silhouette_tolerance, config.k)
    table = found.table.assign(chosen=found.table["k"] == choice.k)
    centers = label_each_k(found.clusters, load_label_rules()).assign(**scale.as_columns())
    chosen, of_choice = table[table["chosen"]].iloc[0], clusters_of_chosen_k(table, centers)
    fitted = int(points.customers.sum())
    # How it was done, for whoever does it again with resamples.
    how = {"starts": asdict(starts), "max_points": config.max_points}
    part = {"customers_of_part": fitted if points.parts > 1 else None}
    return {
        K_SWEEP.name: report_table(
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
            skipped_ks=sorted({*ks} - {*found.table["k"]}),
            sweep=MetadataValue.md(markdown_frame(table)),
        ),
        CLUSTER_CENTERS.name: report_table(
            store,
            CLUSTER_CENTERS,
            write_small(centers, store, CLUSTER_CENTERS, snapshot, part),
            snapshot,
            clusters_of_chosen_k=MetadataValue.md(
                markdown_frame(of_choice[["cluster", "cluster_label", "customers", *FEATURES]])
            ),
            smallest_share=float(of_choice["customers"].min() / of_choice["customers"].sum()),
        ),
    }


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
        scale = Standardization.from_row(centers.iloc[0])
        model = build_model(spark.spark_session, scale, centers[CENTERS].to_numpy().tolist())
        with store.replacing_in_place(CLUSTER_MODEL, [snapshot]) as folder:
            model.save(spark_path(folder / month_folder(snapshot)))
        context.add_asset_metadata(
            report_artifact(
                store,
                CLUSTER_MODEL,
                snapshot,
                k=len(centers),
                centers=MetadataValue.md(markdown_frame(centers[["cluster", *CENTERS]])),
            ),
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
        customers = read_table(
            spark.spark_session, store, RFM_FEATURES, [snapshot], ["user_id", *FEATURES]
        )
        counts = Observation()
        clustered = assign_clusters(model, customers, centers["cluster_label"], counts)
        stats = write_snapshot(clustered, store, CUSTOMER_CLUSTERS, snapshot)
        context.add_asset_metadata(
            report_table(
                store,
                CUSTOMER_CLUSTERS,
                stats,
                snapshot,
                customers=stats.rows,
                **{
                    f"share_cluster_{cluster}": assigned / stats.rows
                    for cluster, assigned in counts.get.items()
                },
            ),
            partition_key=snapshot,
        )
