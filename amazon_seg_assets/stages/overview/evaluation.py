"""Evaluation of clusters: sizes, separation, stability, and the meaning of the figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyspark import cloudpickle
from pyspark.sql import SparkSession

from amazon_seg_assets.formats import counted, share
from amazon_seg_assets.spark.side_by_side import side_by_side
from amazon_seg_assets.stages.clusters import algorithms, grid
from amazon_seg_assets.stages.clusters import kmeans as lloyd
from amazon_seg_assets.stages.clusters.grouping import Grouping
from amazon_seg_assets.stages.clusters.kmeans import SearchParams
from amazon_seg_assets.stages.clusters.points import Points
from amazon_seg_assets.stages.clusters.ways import KMEANS, NAMES
from amazon_seg_assets.stages.overview import resampling
from amazon_seg_assets.stages.overview.agreement import (
    adjusted_rand,
    balance,
    matched,
    normalized_mutual_information,
)
from amazon_seg_assets.stages.overview.other_k import say_other_k
from amazon_seg_assets.stages.overview.resampling import Clustered, resampled_contingency
from amazon_seg_assets.stages.overview.summary import by_cluster

DEFAULT_RESAMPLES = 20
DOMINANT_SHARE = 0.9
"""From this share on one cluster counts as swallowing all; this project's choice."""

Words = Sequence[tuple[float, str]]
"""Meanings of a figure by its lower bound, the highest first."""

SILHOUETTE_WORDS: Words = (
    (0.71, "strong structure"),
    (0.51, "reasonable structure"),
    (0.26, "weak structure that could be artificial"),
    (-1.0, "no substantial structure"),
)
"""L. Kaufman and P. J. Rousseeuw, Finding Groups in Data, Wiley 1990, chapter 2, table 4; of plain
distances."""

SQUARED_SILHOUETTE_WORDS: Words = tuple(
    (round(1 - (1 - bound) ** 2, 2), text) for bound, text in SILHOUETTE_WORDS
)
"""The same scale carried over to squared distances, which read higher. Of clusters that are apart
the silhouette is 1 - a/b, with a the mean distance to one's own cluster and b that to the nearest
other; by squared distances it is about 1 - a²/b², so a bound s becomes 1 - (1 - s)²."""

RAND_WORDS: Words = (
    (0.9, "excellent"),
    (0.8, "good"),
    (0.65, "moderate"),
    (-1.0, "poor"),
)
"""D. Steinley, Properties of the Hubert-Arabie adjusted Rand index, Psychological Methods
9:386-396, 2004."""

# Workers get these functions by value: they need numpy and scikit-learn, not this package.
for _module in (lloyd, algorithms, grid, resampling):
    cloudpickle.register_pickle_by_value(_module)


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of the clusters of a snapshot.

    Attributes:
        table: columns of ``cluster_validation``.
        contingency: customers by cluster (rows) and segment (columns).
        figures: of all clusters together, by name.
        sentences: what the figures mean.
        words: the same in a word or two, of silhouette and agreement.
    """

    table: pd.DataFrame
    contingency: pd.DataFrame
    figures: dict[str, float]
    sentences: tuple[str, ...]
    words: dict[str, str]


@dataclass(frozen=True)
class Stability:
    """Effects of resampling the customers on their clusters.

    Attributes:
        adjusted_rand: of each resample against the original clusters; shape (resamples,).
        stability: share of each original cluster's customers who stay together, a mean over
            resamples; shape (clusters,).
        stable: share of all customers who do, for each resample; shape (resamples,).
    """

    adjusted_rand: np.ndarray
    stability: np.ndarray
    stable: np.ndarray

    @property
    def spread(self) -> float:
        """Sample standard deviation of the adjusted Rand index; 0 for one resample."""
        return float(self.adjusted_rand.std(ddof=1)) if len(self.adjusted_rand) > 1 else 0.0


def bootstrap(
    spark: SparkSession,
    customers: Points,
    clusters: Grouping,
    algorithm: str,
    params: SearchParams,
    resamples: int = DEFAULT_RESAMPLES,
) -> list[np.ndarray]:
    """Clusters resamples of the customers, side by side.

    The standardization stays that of the original customers.

    Args:
        spark: says where.
        customers: distinct ones.
        clusters: of them.
        algorithm: that found the clusters.
        params: as those of the original, so that a difference is not one of effort. Its
            random_state is of all resamples together; each derives its own.
        resamples: how many.

    Returns:
        A contingency table each: original clusters by new ones, counts of customers; shape (k, k).
    """
    standardized, k = clusters.scale.apply(customers), len(clusters.clusters)
    labels = clusters.numbers(customers)
    cell = grid.cell_numbers(standardized, params.max_cells)
    # Plain arrays, as what workers get is not pickled by value.
    content = (standardized, customers.customers, labels, cell)

    def resample(content: tuple[Any, ...], number: int) -> np.ndarray:
        return resampled_contingency(Clustered(*content), algorithm, k, number, params)

    return side_by_side(spark, resample, content, range(resamples))


def stability(tables: Sequence[np.ndarray]) -> Stability:
    """Sums up the contingency tables of ``bootstrap``; there must be one at least."""
    agreeing = np.array([matched(table) for table in tables])
    sizes = tables[0].sum(axis=1)
    return Stability(
        np.array([adjusted_rand(table) for table in tables]),
        agreeing.mean(axis=0) / np.maximum(sizes, 1),
        agreeing.sum(axis=1) / max(sizes.sum(), 1),
    )


def evaluate(
    sweep: pd.DataFrame,
    centers: pd.DataFrame,
    summary: pd.DataFrame,
    found: Stability,
    by_other_k: pd.DataFrame | None = None,
    algorithm: str = KMEANS,
    doubt: str = "",
) -> Evaluation:
    """Sizes, separation, agreement with segments, and stability of the clusters of the chosen k.

    Args:
        sweep: columns of ``k_sweep``.
        centers: rows of ``cluster_centers`` of the chosen k.
        summary: columns of ``segment_summary``.
        found: what resamples did to the clusters.
        by_other_k: customers by cluster and cluster of another k, as of `other_k.regrouped`.
        algorithm: that found the clusters.
        doubt: reason why they are no good; else empty.
    """
    table = evaluate_clusters(centers, by_cluster(summary), found.stability)
    counts = contingency(summary)
    rand = adjusted_rand(counts.to_numpy())
    information = normalized_mutual_information(counts.to_numpy())
    shares, evenness = table["share"].tolist(), balance(table["customers"].to_numpy())
    chosen = sweep[sweep["chosen"]].iloc[0]
    silhouette, plain = float(chosen["silhouette"]), float(chosen["silhouette_plain"])
    converged, iterations = bool(chosen["converged"]), int(chosen["iterations"])
    return Evaluation(
        table,
        counts,
        {
            "silhouette": silhouette,
            "silhouette_plain": plain,
            "smallest_share": min(shares),
            "largest_share": max(shares),
            "balance": evenness,
            "converged": converged,
            "iterations": iterations,
            "segments_adjusted_rand": rand,
            "segments_mutual_information": information,
            "resamples": len(found.adjusted_rand),
            "stability_adjusted_rand_mean": float(found.adjusted_rand.mean()),
            "stability_adjusted_rand_sd": found.spread,
            "stability_adjusted_rand_min": float(found.adjusted_rand.min()),
            "stable_share_mean": float(found.stable.mean()),
            "stable_share_min": float(found.stable.min()),
        },
        (
            say_sizes(shares, evenness),
            say_silhouette(plain, silhouette),
            say_other_k(sweep, by_other_k),
            say_stability(found),
            say_convergence(algorithm, iterations, doubt),
            say_agreement(rand, information),
        ),
        {
            "silhouette_in_words": in_words(round(plain, 2), SILHOUETTE_WORDS),
            "agreement_in_words": in_words(rand, RAND_WORDS),
        },
    )


def contingency(summary: pd.DataFrame) -> pd.DataFrame:
    """Customers by cluster (rows) and segment (columns), from ``segment_summary``."""
    return summary.pivot_table("customers", "cluster", "segment", aggfunc="sum", fill_value=0)


def evaluate_clusters(
    centers: pd.DataFrame, assigned: pd.DataFrame, stability: Sequence[float] | np.ndarray
) -> pd.DataFrame:
    """Size, separation and stability of each cluster.

    Args:
        centers: rows of ``cluster_centers`` of the chosen k.
        assigned: ``cluster`` and ``customers`` of those who were assigned.
        stability: share of each cluster's customers that stay together, in the order of clusters.

    Returns:
        Columns of ``cluster_validation``; a cluster that nobody was assigned to has 0 customers.
    """
    table = centers[["cluster", "cluster_label", "silhouette"]].sort_values("cluster")
    counts = assigned.set_index("cluster")["customers"]
    table["customers"] = counts.reindex(table["cluster"], fill_value=0).to_numpy()
    table["share"] = table["customers"] / max(table["customers"].sum(), 1)
    return table.assign(stability=stability).reset_index(drop=True)


def in_words(figure: float, words: Words) -> str:
    """The meaning of a figure: the words of the highest lower bound that it reaches."""
    return next((text for bound, text in words if figure >= bound), words[-1][1])


def say_sizes(shares: Sequence[float], balance: float) -> str:
    """Says what the shares of the clusters mean."""
    if max(shares) >= DOMINANT_SHARE:
        return (
            f"One cluster holds {share(max(shares))} of the customers, nearly all: "
            "the clusters hardly divide them."
        )
    return (
        f"Clusters hold from {share(min(shares))} to {share(max(shares))} of the customers, with a "
        f"balance of {balance:.2f} (1: all equal in size; 0: one holds all)."
    )


def say_silhouette(plain: float, squared: float) -> str:
    """Says what the mean silhouette means, by plain and by squared distances."""
    # By the figures as they are shown, which have the decimals of the scale.
    plain, squared = round(plain, 2), round(squared, 2)
    return (
        f"Silhouette {plain:.2f} by plain distances: {in_words(plain, SILHOUETTE_WORDS)} by the "
        "scale of Kaufman and Rousseeuw. By squared distances, as for the choice of k, it is "
        f"{squared:.2f}: {in_words(squared, SQUARED_SILHOUETTE_WORDS)} by that scale carried over "
        "to squares."
    )


def say_agreement(rand: float, information: float) -> str:
    """Says what the agreement of clusters and segments means."""
    return (
        f"Adjusted Rand index {rand:.2f} and normalized mutual information {information:.2f} (0: "
        "independent; 1: the same groups): agreement of clusters and segments is "
        f"{in_words(rand, RAND_WORDS)} by the scale of Steinley; they are two views of the "
        "customers, and neither validates the other."
    )


def say_convergence(algorithm: str, iterations: int, doubt: str = "") -> str:
    """Says how the clusters came about.

    Args:
        algorithm: that found them.
        iterations: until it ended; of bisecting K-Means, halvings.
        doubt: reason why they are no good; else empty.
    """
    name, after = NAMES[algorithm], counted(iterations, "iteration")
    if doubt:
        return f"Take all figures of the clusters with care: of {name}, {doubt}."
    if algorithm == KMEANS:
        return f"K-Means converged after {after}: no customer would change cluster."
    return f"The clusters are those of {name}, after {after}."


def say_stability(found: Stability) -> str:
    """Says what the resamples tell about the clusters."""
    resamples, rand = len(found.adjusted_rand), float(found.adjusted_rand.mean())
    kept = f"{share(found.stable.mean())} of the customers keep their cluster"
    index = f"{rand:.3f}"
    # One has no spread, and is the worst itself.
    if resamples > 1:
        kept += f" on average, {share(found.stable.min())} in the worst"
        index += f" ± {found.spread:.3f}, at least {found.adjusted_rand.min():.3f}"
    return (
        f"In {counted(resamples, 'resample')} {kept}; adjusted Rand index {index}: "
        f"{in_words(rand, RAND_WORDS)} stability by the scale of Steinley."
    )
