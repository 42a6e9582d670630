"""Clusters: the sweep of k, the model, the cluster of each customer, and their pictures."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from dagster import Config
from pydantic import Field
from pyspark.ml import PipelineModel
from pyspark.sql import Observation

from amazon_seg_assets.dag.declaration import plot, snapshot_asset
from amazon_seg_assets.dag.handles import Snapshot, Stored
from amazon_seg_assets.dag.metadata import shown, sizes
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.features import CENTERS, FEATURES
from amazon_seg_assets.plots.features import FEATURES as FEATURE_AXES
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.rules.labels import load_label_rules
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.clusters import plots
from amazon_seg_assets.stages.clusters.choice_of_k import (
    SILHOUETTE_TOLERANCE,
    choose_k,
    clusters_of_chosen_k,
)
from amazon_seg_assets.stages.clusters.density import cluster_density as density
from amazon_seg_assets.stages.clusters.everyone import cells_of_everyone, standardization_of
from amazon_seg_assets.stages.clusters.grouping import (
    ALGORITHM,
    DOUBTS,
    SPREADS,
    Grouping,
    spreads_as_facts,
)
from amazon_seg_assets.stages.clusters.kmeans import LARGEST_SEED, MOST_STARTS, SearchParams
from amazon_seg_assets.stages.clusters.ks import DEFAULT_KS, POSSIBLE_KS
from amazon_seg_assets.stages.clusters.labels import label_each_k
from amazon_seg_assets.stages.clusters.model import assign_clusters, build_model
from amazon_seg_assets.stages.clusters.points import (
    MAX_POINTS,
    collect_points,
    part_of,
    standardization,
)
from amazon_seg_assets.stages.clusters.sweep import sweep, usable_ks
from amazon_seg_assets.stages.clusters.tables import (
    CLUSTER_CENTERS,
    CLUSTER_DENSITY,
    CLUSTER_MODEL,
    CUSTOMER_CLUSTERS,
    K_SWEEP,
)
from amazon_seg_assets.stages.clusters.ways import KMEANS, SELECTABLE
from amazon_seg_assets.stages.rfm.assets import scope
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.storage.locations import spark_path

CODE_VERSION = "7"

_Algorithm: Any = Literal[SELECTABLE]
PossibleK = Annotated[int, Field(ge=POSSIBLE_KS[0], le=POSSIBLE_KS[-1])]


class SweepConfig(Config):
    """The numbers of clusters to try, and the choice among them."""

    algorithm: _Algorithm = Field(KMEANS, description="Way to find clusters.")
    k_min: PossibleK = Field(DEFAULT_KS[0], description="Smallest k tried.")
    k_max: PossibleK = Field(DEFAULT_KS[-1], description="Largest k tried.")
    k: int = Field(0, description="The k to choose; 0: the rule chooses.", ge=0, le=POSSIBLE_KS[-1])
    silhouette_tolerance: float = Field(
        SILHOUETTE_TOLERANCE,
        description="How far below the best silhouette that of the knee may be, by squared "
        "distance.",
        ge=0,
    )
    n_init: int = Field(
        SearchParams.n_init, description="Seeded starts for each k.", ge=1, le=MOST_STARTS
    )
    random_state: int = Field(
        SearchParams.random_state, description="Seed of the starts.", ge=0, le=LARGEST_SEED
    )
    max_points: int = Field(
        MAX_POINTS,
        description="Most distinct customers that the search for optima takes into memory; more "
        "are summed up by cells, from whose optima the fit goes on over all of them.",
        ge=100,
    )

    def ks(self) -> list[int]:
        """All k to try."""
        if self.k_min > self.k_max:
            raise InputError(f"k_min = {self.k_min} is above k_max = {self.k_max}: swap them.")
        if self.k and self.k < POSSIBLE_KS[0]:
            raise InputError(
                f"k = {self.k} makes no clusters: choose {POSSIBLE_KS[0]} to {POSSIBLE_KS[-1]}, or "
                "0 for what the rule chooses."
            )
        return sorted({*range(self.k_min, self.k_max + 1), *([self.k] if self.k else [])})

    def search(self) -> SearchParams:
        """The parameters of the search."""
        refined = min(SearchParams.refined, self.n_init)
        return SearchParams(self.n_init, refined, random_state=self.random_state)


def _with_label_rules(settings: Settings) -> str:
    """Clusters hold their labels: changed rules make them out of date."""
    return f"{CODE_VERSION}-{load_label_rules(settings.rules).fingerprint}"


@snapshot_asset(
    K_SWEEP,
    CLUSTER_CENTERS,
    reads=[RFM_FEATURES],
    kinds={"pyspark", "scikitlearn"},
    code_version=_with_label_rules,
)
def k_sweep(snapshot: Snapshot, config: SweepConfig) -> list[Stored]:
    """Finds clusters for each k, chooses one by rule, and labels the clusters of each."""
    # First, as it may be wrong, and to collect customers takes long.
    ks, asked = config.ks(), config.k or None
    customers = snapshot.read(RFM_FEATURES)
    _, parts = part_of(customers, snapshot.rows(RFM_FEATURES), config.max_points)
    if parts == 1:
        everyone, points = None, collect_points(customers)
        scale = standardization(points)
    else:
        everyone, scale = customers, standardization_of(customers)
        points = cells_of_everyone(customers, scale)
    params = config.search()
    usable = usable_ks(ks, points, asked)
    found = sweep(snapshot.spark, points, scale, usable, params, everyone, config.algorithm)
    choice = choose_k(found.table, config.silhouette_tolerance, asked)
    table = found.table.assign(chosen=found.table["k"] == choice.k)
    rules = load_label_rules(snapshot.family.settings.rules)
    centers = label_each_k(found.clusters, rules).assign(**scale.as_columns())
    chosen, of_choice = table[table["chosen"]].iloc[0], clusters_of_chosen_k(table, centers)
    # How it was done, for whoever does it again with resamples.
    how = {
        ALGORITHM: config.algorithm,
        DOUBTS: found.doubts,
        "search": asdict(params),
        "max_points": config.max_points,
        "silhouette_tolerance": config.silhouette_tolerance,
        **spreads_as_facts(found.spreads),
    }
    return [
        snapshot.store(table, K_SWEEP, {"why": choice.reason, **how}).telling(
            algorithm=config.algorithm,
            chosen_k=choice.k,
            why=choice.reason,
            wcss=float(chosen["wcss"]),
            silhouette=float(chosen["silhouette"]),
            silhouette_plain=float(chosen["silhouette_plain"]),
            points_searched=len(points),
            points_are="distinct customers" if everyone is None else "cells of a grid",
            skipped_ks=sorted({*ks} - {*found.table["k"]}),
            doubts=[f"k = {k}: {doubt}" for k, doubt in found.doubts.items()],
            sweep=shown(table),
        ),
        snapshot.store(centers, CLUSTER_CENTERS).telling(
            clusters_of_chosen_k=shown(
                of_choice[["cluster", "cluster_label", "customers", *FEATURES]]
            ),
            smallest_share=float(of_choice["customers"].min() / of_choice["customers"].sum()),
        ),
    ]


@snapshot_asset(
    CLUSTER_MODEL,
    reads=[K_SWEEP, CLUSTER_CENTERS],
    kinds={"pyspark", "sparkmllib"},
    code_version=CODE_VERSION,
)
def cluster_model(snapshot: Snapshot) -> Stored:
    """Builds the pipeline of the chosen k from its centers."""
    facts = snapshot.facts(K_SWEEP, SPREADS)
    chosen = Grouping.chosen(snapshot.small(K_SWEEP), snapshot.small(CLUSTER_CENTERS), facts)
    centers = chosen.centers.tolist()
    model = build_model(snapshot.spark, chosen.scale, centers, chosen.spreads)
    with snapshot.replacing_in_place() as folder:
        model.save(spark_path(folder))
    return snapshot.stored(k=len(centers), centers=shown(chosen.clusters[["cluster", *CENTERS]]))


@snapshot_asset(
    CUSTOMER_CLUSTERS,
    reads=[CLUSTER_MODEL, K_SWEEP, CLUSTER_CENTERS, RFM_FEATURES],
    kinds={"pyspark", "sparkmllib"},
)
def customer_clusters(snapshot: Snapshot) -> Stored:
    """Assigns each customer to a cluster by the model."""
    model = PipelineModel.load(spark_path(snapshot.folder(CLUSTER_MODEL)))
    centers = clusters_of_chosen_k(snapshot.small(K_SWEEP), snapshot.small(CLUSTER_CENTERS))
    customers = snapshot.read(RFM_FEATURES, ["user_id", *FEATURES])
    counts = Observation()
    stored = snapshot.store(assign_clusters(model, customers, centers["cluster_label"], counts))
    of_clusters = {f"cluster_{number}": n for number, n in counts.get.items()}
    return stored.telling(customers=stored.rows, **sizes("cluster", of_clusters))


@snapshot_asset(
    CLUSTER_DENSITY,
    reads=[CUSTOMER_CLUSTERS],
    kinds={"pyspark"},
    comes_last=True,
    check_step="customer_counts_checks",
)
def cluster_density(snapshot: Snapshot) -> Stored:
    """Counts the customers of each cluster in bins."""
    edges = {name: feature.edges for name, feature in FEATURE_AXES.items()}
    clustered = snapshot.read(CUSTOMER_CLUSTERS, ["cluster", "cluster_label", *edges])
    return snapshot.store(density(clustered, edges))


@plot(
    reads=[K_SWEEP, RFM_FEATURES],
    section="choice",
    caption="The sum of squares within clusters, for each number of clusters tried.",
)
def elbow_plot(snapshot: Snapshot) -> Picture:
    """Within-cluster sum of squares (WCSS) by k, the chosen k marked.

    Its knee is found by Kneedle (Satopää et al., 2011).
    """
    return plots.elbow(snapshot.small(K_SWEEP), scope(snapshot))


@plot(
    reads=[K_SWEEP, RFM_FEATURES],
    section="choice",
    caption="The mean silhouette, for each number of clusters tried; a knee in the band is taken.",
)
def silhouette_plot(snapshot: Snapshot) -> Picture:
    """Mean silhouette (Rousseeuw, 1987) by k, by squared and by plain Euclidean distance."""
    tolerance = snapshot.facts(K_SWEEP, "silhouette_tolerance")["silhouette_tolerance"]
    return plots.silhouette(snapshot.small(K_SWEEP), tolerance, scope(snapshot))


@plot(
    reads=[K_SWEEP, CLUSTER_CENTERS, RFM_FEATURES],
    section="clusters",
    caption="What is typical of each cluster, in standard deviations from the average customer.",
)
def cluster_profile_plot(snapshot: Snapshot) -> Picture:
    """The standardized center of each cluster, with its means."""
    table = clusters_of_chosen_k(snapshot.small(K_SWEEP), snapshot.small(CLUSTER_CENTERS))
    return plots.cluster_profile(table, scope(snapshot))


def _density(snapshot: Snapshot, x: str, y: str) -> Picture:
    keys = {f"{x}_bin": "x_bin", f"{y}_bin": "y_bin"}
    table = snapshot.small(CLUSTER_DENSITY)
    counted = table.groupby(["cluster", "cluster_label", *keys], as_index=False)["customers"].sum()
    return plots.cluster_density(counted.rename(columns=keys), x, y, scope(snapshot))


@plot(
    reads=[CLUSTER_DENSITY, RFM_FEATURES],
    section="clusters",
    caption="Where the customers of each cluster lie by recency and frequency.",
)
def recency_frequency_plot(snapshot: Snapshot) -> Picture:
    """Density of customers over recency and frequency, a panel per cluster."""
    return _density(snapshot, "recency", "frequency")


@plot(
    reads=[CLUSTER_DENSITY, RFM_FEATURES],
    section="clusters",
    caption="The same by recency and spend.",
)
def recency_monetary_plot(snapshot: Snapshot) -> Picture:
    """Density of customers over recency and monetary value, a panel per cluster."""
    return _density(snapshot, "recency", "monetary")


@plot(
    reads=[CLUSTER_DENSITY, RFM_FEATURES],
    section="clusters",
    caption="The same by frequency and spend.",
)
def frequency_monetary_plot(snapshot: Snapshot) -> Picture:
    """Density of customers over frequency and monetary value, a panel per cluster."""
    return _density(snapshot, "frequency", "monetary")
