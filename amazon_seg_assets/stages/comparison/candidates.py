"""All ways to cluster, measured side by side, and one of them looked at closer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pyspark import cloudpickle
from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits

from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.rules.labels import LabelRules
from amazon_seg_assets.spark.side_by_side import side_by_side
from amazon_seg_assets.stages.clusters import algorithms
from amazon_seg_assets.stages.clusters import kmeans as lloyd
from amazon_seg_assets.stages.clusters.grid import cells
from amazon_seg_assets.stages.clusters.grouping import Grouping
from amazon_seg_assets.stages.clusters.labels import label_clusters
from amazon_seg_assets.stages.clusters.one_start import one_starts
from amazon_seg_assets.stages.clusters.plain_silhouette import plain_silhouettes
from amazon_seg_assets.stages.clusters.ways import ALGORITHMS, DENSITY, MIXTURE, ONE_START
from amazon_seg_assets.stages.comparison import figures, measuring
from amazon_seg_assets.stages.comparison.customers import Segmented
from amazon_seg_assets.stages.comparison.measuring import Material, Outcomes, fitted, measure
from amazon_seg_assets.stages.comparison.tables import (
    CLUSTERING_ALTERNATIVE,
    CLUSTERING_COMPARISON,
)
from amazon_seg_assets.stages.overview import agreement

MOST_CELLS = 3_000
"""Cells that resamples are drawn from and plain distances taken between."""
RESAMPLES = 3
"""Of each algorithm with each k: a few tell a grouping that holds from one that does not."""

# Workers get these functions by value: they need numpy, SciPy and scikit-learn, not this package.
for _module in (lloyd, agreement, algorithms, figures, measuring):
    cloudpickle.register_pickle_by_value(_module)


def material(
    spark: SparkSession,
    customers: Segmented,
    algorithm: str,
    clusters: Mapping[int, Grouping],
    outcomes: Outcomes | None,
    resamples: int = RESAMPLES,
    random_state: int = 42,
) -> Material:
    """All that candidates are fitted to and measured by.

    Args:
        spark: fits MLlib's K-Means.
        customers: of the snapshot.
        algorithm: of their clusters.
        clusters: of them, by k; one at least.
        outcomes: of an earlier snapshot; None where they are not known.
        resamples: of the customers, 1 or more.
        random_state: of all that is drawn.
    """
    scale = next(iter(clusters.values())).scale
    standardized, weights = scale.apply(customers.points), customers.points.customers
    ks = [] if algorithm == ONE_START else sorted(clusters, reverse=True)
    return Material(
        standardized,
        weights,
        *cells(standardized, weights, MOST_CELLS),
        customers.segments,
        algorithm,
        {k: found.centers for k, found in clusters.items()},
        {k: (*found.spreads,) for k, found in clusters.items() if found.spreads is not None},
        None if outcomes is None else tuple(outcomes),
        resamples,
        random_state,
        one_starts(spark, standardized, weights, ks, random_state),
    )


def compare(
    spark: SparkSession, all_of: Material, sweep: pd.DataFrame, customers: int
) -> pd.DataFrame:
    """Fits and measures every algorithm with every k that the sweep has.

    Args:
        spark: says where.
        all_of: customers, their clusters and outcomes.
        sweep: columns of ``k_sweep``.
        customers: of the snapshot, on whom its clusters were fitted.

    Returns:
        Columns of ``clustering_comparison``, in order of algorithms and k.
    """
    ks = sorted(all_of.centers, reverse=True)
    chosen = int(sweep.loc[sweep["chosen"], "k"].item())
    # HDBSCAN and mixtures take longest, so they go first.
    first = [(DENSITY, 0), *((MIXTURE, k) for k in ks)]
    others = [(name, k) for name in ALGORITHMS if name not in (DENSITY, MIXTURE) for k in ks]

    def measure_one(content: tuple[Any, ...], item: tuple[str, int]) -> dict[str, Any]:
        return measure(Material(*content), *item)

    found = side_by_side(spark, measure_one, tuple(all_of), [*first, *others])
    _add_silhouettes(found, all_of)
    table = pd.DataFrame(found).reindex(columns=CLUSTERING_COMPARISON.column_names)
    is_ours = table["algorithm"] == all_of.algorithm
    table["chosen"] = is_ours & (table["k"] == chosen)
    seconds = table["k"].map(sweep.set_index("k")["seconds"])
    table["seconds"] = table["seconds"].where(~is_ours, seconds)
    table["customers_used"] = table["customers_used"].astype("Int64")
    if all_of.algorithm != MIXTURE:
        table["customers_used"] = table["customers_used"].where(~is_ours, customers)
    order = table["algorithm"].map(ALGORITHMS.index)
    return table.assign(order=order).sort_values(["order", "k"], ignore_index=True)[
        CLUSTERING_COMPARISON.column_names
    ]


def _add_silhouettes(found: Sequence[dict[str, Any]], all_of: Material) -> None:
    """Adds silhouettes by plain distances, which are taken once for all groupings."""
    measured = [
        each for each in found if "cell_labels" in each and len(np.unique(each["cell_labels"])) > 1
    ]
    if not measured:
        return
    labels, ks = [each["cell_labels"] for each in measured], [each["k"] for each in measured]
    values = plain_silhouettes(all_of.cells, all_of.cell_weights, labels, ks)
    for each, value in zip(measured, values, strict=True):
        each["silhouette_plain"] = value


def regrouped(
    customers: Segmented,
    all_of: Material,
    ours: Grouping,
    other: tuple[str, int] | None,
    rules: LabelRules,
) -> pd.DataFrame:
    """Customers by cluster and group of another way, the groups labelled like clusters.

    Groups are numbered by their mean customers, as clusters are.

    Args:
        customers: of the snapshot.
        all_of: the same with the rest.
        ours: their clusters.
        other: algorithm and k of the other way; None where there is none.
        rules: of labels.

    Returns:
        Columns of ``clustering_alternative``; pairs without customers are left out.
    """
    if other is None:
        return pd.DataFrame(columns=CLUSTERING_ALTERNATIVE.column_names)
    algorithm, k = other
    with threadpool_limits(1):
        found = fitted(all_of, algorithm, k)
        groups = found.rule(all_of.points)
    theirs = _by_mean(all_of.points, all_of.weights, groups, found.groups)
    each = pd.DataFrame(customers.points.features, columns=list(FEATURES)).mul(
        all_of.weights, axis=0
    )
    numbers = ours.numbers(customers.points)
    each = each.assign(cluster=numbers, other_cluster=theirs, customers=all_of.weights)
    means = each.groupby("other_cluster")[[*FEATURES, "customers"]].sum()
    means[list(FEATURES)] = means[list(FEATURES)].div(means["customers"], axis=0)
    labels = label_clusters(means, rules)
    by_both = each.groupby(["cluster", "other_cluster"], as_index=False)
    pairs = by_both[["customers", "monetary"]].sum().rename(columns={"monetary": "total_monetary"})
    return pairs.assign(
        cluster_label=ours.clusters["cluster_label"].to_numpy()[pairs["cluster"]],
        other_algorithm=algorithm,
        other_label=np.array(labels, object)[pairs["other_cluster"]],
        customers=pairs["customers"].astype(int),
    )[CLUSTERING_ALTERNATIVE.column_names]


def _by_mean(points: np.ndarray, weights: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """The same groups, numbered by their means: the first feature, then the second, the third."""
    sizes = np.bincount(labels, weights, k)
    means = np.stack([np.bincount(labels, weights * column, k) / sizes for column in points.T], 1)
    place = np.empty(k, int)
    place[np.lexsort(means.T[::-1])] = np.arange(k)
    return place[labels]
