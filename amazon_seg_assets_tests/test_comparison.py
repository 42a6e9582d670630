"""Other ways to cluster: their figures by scikit-learn or by hand, failures, and the choice."""

import subprocess
import sys
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from pyspark import cloudpickle
from pyspark.sql import SparkSession
from scipy.stats import chi2_contingency
from sklearn.cluster import HDBSCAN
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)
from sklearn.mixture import GaussianMixture

from amazon_seg_assets.features import CENTERS
from amazon_seg_assets.rules.labels import load_label_rules
from amazon_seg_assets.stages.clusters.algorithms import SAMPLE, sample
from amazon_seg_assets.stages.clusters.grouping import SPREADS, Grouping
from amazon_seg_assets.stages.clusters.kmeans import Content, SearchParams, in_order, search
from amazon_seg_assets.stages.clusters.points import Points, standardization
from amazon_seg_assets.stages.clusters.ways import ALGORITHMS
from amazon_seg_assets.stages.comparison.candidates import compare, material, regrouped
from amazon_seg_assets.stages.comparison.choice import recommend
from amazon_seg_assets.stages.comparison.customers import (
    Segmented,
    longest_horizon,
    outcomes,
    segmented_points,
)
from amazon_seg_assets.stages.comparison.figures import eta_squared, separation
from amazon_seg_assets.stages.comparison.measuring import Material, Outcomes, measure
from amazon_seg_assets.stages.movement.outcomes import HORIZONS

KS = (2, 3, 4)
CHOSEN = 3


def on(threads: int) -> SparkSession:
    """As much of a session of one machine as computations side by side look at."""
    context = SimpleNamespace(master="local", defaultParallelism=threads)
    return cast(SparkSession, SimpleNamespace(sparkContext=context))


def blobs() -> Points:
    """120 distinct customers in three groups that are apart, of one to three customers each."""
    draw = np.random.default_rng(5)
    middles = np.array([[30, 12, 900], [180, 60, 9_000], [330, 4, 40]])
    features = np.repeat(middles, 40, axis=0) * draw.normal(1, 0.08, (120, 3))
    transformed = np.column_stack([features[:, 0], np.log1p(features[:, 1:])])
    return Points(features, transformed, draw.integers(1, 4, 120).astype(float))


def tied() -> Points:
    """Customers of whom nearly all bought once, at one of two prices."""
    draw = np.random.default_rng(6)
    features = np.column_stack(
        [np.arange(1, 201), np.where(np.arange(200) < 190, 1, 2), draw.choice([5.0, 50.0], 200)]
    ).astype(float)
    transformed = np.column_stack([features[:, 0], np.log1p(features[:, 1:])])
    return Points(features, transformed, np.ones(200))


def sweep_of(points: Points) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Columns of ``k_sweep`` and of ``cluster_centers`` that are needed here."""
    scale = standardization(points)
    standardized = scale.apply(points)
    content = Content(standardized, points.customers, standardized, points.customers)
    runs = {k: search(k, content, SearchParams(n_init=3, refined=1, swaps=1)) for k in KS}
    rows = [
        {
            "k": k,
            "cluster": number,
            "cluster_label": f"Cluster {number}",
            **dict(zip(CENTERS, center, strict=True)),
        }
        for k, run in runs.items()
        for number, center in enumerate(in_order(run.cluster_centers_))
    ]
    table = [(k, run.inertia_, 9.0, k == CHOSEN) for k, run in runs.items()]
    sweep = pd.DataFrame(table, columns=["k", "wcss", "seconds", "chosen"])
    return sweep, pd.DataFrame(rows).assign(**scale.as_columns())


def material_of(
    spark: SparkSession, points: Points
) -> tuple[Material, Segmented, pd.DataFrame, pd.DataFrame]:
    sweep, centers = sweep_of(points)
    scale = standardization(points)
    is_late = points.features[:, 0] > 100
    segments = np.stack([points.customers * is_late, points.customers * ~is_late], axis=1)
    customers = Segmented(points, segments)
    # Who is not late comes back, and spends e - 1.
    returned = segments[:, 1]
    known = Outcomes(
        scale.apply(points), points.customers, returned, returned, float(returned.sum())
    )
    by_k = {k: Grouping.of_k(k, centers, {SPREADS: {}}) for k in KS}
    found = material(spark, customers, "kmeans", by_k, known, resamples=2)
    return found, customers, sweep, centers


@pytest.fixture(scope="module")
def compared(
    spark: SparkSession,
) -> tuple[pd.DataFrame, Material, Segmented, pd.DataFrame, pd.DataFrame]:
    of, customers, sweep, centers = material_of(spark, blobs())
    return compare(on(2), of, sweep, int(of.weights.sum())), of, customers, sweep, centers


def test_figures_are_scikit_learn_s_of_repeated_rows() -> None:
    draw = np.random.default_rng(1)
    points, weights = draw.normal(size=(60, 3)), draw.integers(1, 5, 60)
    labels = np.r_[0, 1, 2, 3, draw.integers(0, 4, 56)]
    rows, groups = np.repeat(points, weights, axis=0), np.repeat(labels, weights)
    found = separation(points, weights.astype(float), labels, 4)
    means = np.stack([rows[groups == group].mean(axis=0) for group in range(4)])
    assert found == {
        "wcss": pytest.approx(((rows - means[groups]) ** 2).sum()),
        "silhouette": pytest.approx(silhouette_score(rows, groups, metric="sqeuclidean")),
        "davies_bouldin": pytest.approx(davies_bouldin_score(rows, groups)),
        "calinski_harabasz": pytest.approx(calinski_harabasz_score(rows, groups)),
    }


def test_share_of_variance_between_groups_is_chi_squared_by_customers() -> None:
    customers, returned = np.array([10.0, 20, 30, 40]), np.array([5.0, 4, 3, 30])
    labels = np.array([0, 0, 1, 2])
    table = [[9, 3, 30], [21, 27, 10]]
    expected = chi2_contingency(table, correction=False).statistic / 100
    assert eta_squared(returned, customers, 42.0, labels) == pytest.approx(expected)
    assert eta_squared(customers, customers, 100.0, labels) is None  # all came back
    assert eta_squared(0 * customers, customers, 0.0, labels) is None
    # By hand: 1, 1, 3 and 3 spent; groups of 1 with 1 and of 3 with 3 tell all of it.
    spent = eta_squared(np.array([2.0, 6]), np.array([2.0, 2]), 20.0, np.array([1, 0]))
    assert spent == pytest.approx(1)


def test_every_way_finds_groups_that_are_apart(
    compared: tuple[pd.DataFrame, Material, Segmented, pd.DataFrame, pd.DataFrame],
) -> None:
    table, of, customers, sweep, _ = compared
    names = [name for name in ALGORITHMS[:4] for _ in KS]
    assert table["algorithm"].tolist() == [*names, "hdbscan"]
    assert table["k"].tolist() == [*KS * 4, 3]
    three = table[table["k"] == CHOSEN].set_index("algorithm")
    assert three["failure"].isna().all()
    assert three["kmeans_adjusted_rand"].tolist() == pytest.approx([1] * 5)
    assert three["stability"].tolist() == pytest.approx([1] * 5)
    # The first of the three groups comes back, and no other: it tells all there is.
    assert three["outcome_lift"].tolist() == pytest.approx([1] * 5)
    assert three["spend_lift"].tolist() == pytest.approx([1] * 5)
    rows = np.repeat(of.points, of.weights.astype(int), axis=0)
    groups = np.repeat(np.repeat(range(3), 40), of.weights.astype(int))
    assert three["silhouette_plain"].tolist() == pytest.approx([silhouette_score(rows, groups)] * 5)
    segments = np.repeat(customers.segments.argmax(axis=1), of.weights.astype(int))
    expected = adjusted_rand_score(segments, groups)
    assert three["segments_adjusted_rand"].tolist() == pytest.approx([expected] * 5)
    assert table["customers_used"].tolist() == [len(rows)] * len(table)
    ours = table[table["algorithm"] == "kmeans"]
    assert ours["wcss"].tolist() == pytest.approx(sweep["wcss"].tolist())
    assert ours["seconds"].tolist() == [9.0] * 3
    assert ours["chosen"].tolist() == [False, True, False]
    oracle = GaussianMixture(3, random_state=42, max_iter=200).fit(rows)
    assert three.loc["gaussian_mixture", "bic"] == pytest.approx(oracle.bic(rows), rel=1e-9)
    is_mixture = table["algorithm"] == "gaussian_mixture"
    assert (table["bic"].notna() == (is_mixture & table["failure"].isna())).all()
    noise = HDBSCAN(min_cluster_size=30, copy=True).fit(rows).labels_ < 0
    assert three.loc["hdbscan", "noise_share"] == pytest.approx(noise.mean())


def test_threads_do_not_matter(
    compared: tuple[pd.DataFrame, Material, Segmented, pd.DataFrame, pd.DataFrame],
) -> None:
    table, of, _, sweep, _ = compared
    again = compare(on(1), of, sweep, int(of.weights.sum()))
    pd.testing.assert_frame_equal(
        again.drop(columns="seconds"), table.drop(columns="seconds"), check_exact=True
    )


def test_failures_are_rows(spark: SparkSession) -> None:
    of, _, sweep, _ = material_of(spark, tied())
    table = compare(on(2), of, sweep, 200).set_index(["algorithm", "k"])
    failure = table.loc[("gaussian_mixture", 2), "failure"]
    assert failure.startswith("2 of 2 components collapsed onto tied values")
    assert table.loc["gaussian_mixture", "bic"].isna().all()
    assert table.loc["gaussian_mixture", "wcss"].notna().all()
    assert table.loc["kmeans", "failure"].isna().all()
    # Two customers are fewer than HDBSCAN, and any mixture of three, can be made of.
    few = of._replace(points=of.points[:2], weights=of.weights[:2], segments=of.segments[:2])
    for algorithm, k in (("hdbscan", 0), ("gaussian_mixture", 3), ("bisecting_kmeans", 3)):
        found = measure(few, algorithm, k)
        assert found["failure"]
        assert "wcss" not in found
    cloud = np.random.default_rng(3).normal(size=(400, 3))
    one = of._replace(points=cloud, weights=np.ones(400), segments=np.ones((400, 1)))
    assert measure(one, "hdbscan", 0)["failure"] == "no two dense groups are apart"


def test_samples_are_all_customers_or_as_many_as_stated() -> None:
    points = np.arange(6.0).reshape(2, 3)
    assert sample(points, np.array([1.0, 2.0]), 7)[:, 0].tolist() == [0, 3, 3]
    drawn = sample(points, np.array([30_000.0, 10_000.0]), 7)
    assert len(drawn) == SAMPLE
    assert (drawn[:, 0] == 0).mean() == pytest.approx(0.75, abs=0.03)


def ways(**of_bisecting: Any) -> pd.DataFrame:
    """K-Means of 4 clusters, and a bisecting way that is as ``of_bisecting`` says."""
    sound = {"failure": None, "smallest_share": 0.1, "stability": 0.9, "silhouette_plain": 0.3}
    return pd.DataFrame(
        [
            {"algorithm": "kmeans", "k": 4, "chosen": True, "outcome_lift": 0.1} | sound,
            {"algorithm": "kmeans_one_start", "k": 4, "chosen": False, "outcome_lift": 0.9} | sound,
            {"algorithm": "bisecting_kmeans", "k": 4, "chosen": False, "outcome_lift": 0.13}
            | sound
            | of_bisecting,
            {"algorithm": "bisecting_kmeans", "k": 5, "chosen": False, "outcome_lift": 0.9} | sound,
            {"algorithm": "hdbscan", "k": 0, "chosen": False, "failure": "none found"},
        ]
    )


@pytest.mark.parametrize(
    ("of_bisecting", "algorithm", "told"),
    [
        ({}, "bisecting_kmeans", "it tells 13.0 % of the variance of who came back within 365 "),
        ({"outcome_lift": 0.119}, "kmeans", "against it: it gains less than 0.02 over K-Means"),
        ({"stability": 0.79}, "kmeans", "against it: its stability is 0.79, below 0.8"),
        ({"smallest_share": 0.019}, "kmeans", "its smallest group holds 1.9 % of the customers"),
        ({"failure": "collapsed"}, "kmeans", "every other way failed"),
    ],
)
def test_another_way_is_recommended_for_what_it_tells_alone(
    of_bisecting: dict[str, Any], algorithm: str, told: str
) -> None:
    found = recommend(ways(**of_bisecting), 365)
    assert (found.algorithm, found.k) == (algorithm, 4)
    assert told in found.sentence
    failed = "failure" in of_bisecting
    assert found.best_other == (None if failed else ("bisecting_kmeans", 4))
    assert found.shortfalls["HDBSCAN"] == "none found"
    assert bool(found.shortfalls["bisecting K-Means"]) == (algorithm == "kmeans")


def test_without_outcomes_kmeans_stays_and_says_why() -> None:
    found = recommend(ways().assign(outcome_lift=np.nan), None)
    assert found.algorithm == "kmeans"
    assert "what customers did afterwards is not known" in found.sentence
    assert found.best_other == ("bisecting_kmeans", 4)


def test_customers_are_counted_by_cluster_and_group_of_the_other_way(
    compared: tuple[pd.DataFrame, Material, Segmented, pd.DataFrame, pd.DataFrame],
) -> None:
    _, of, customers, _, centers = compared
    clusters = Grouping.of_k(CHOSEN, centers, {SPREADS: {}})
    table = regrouped(customers, of, clusters, ("bisecting_kmeans", 3), load_label_rules())
    assert table["cluster"].tolist() == table["other_cluster"].tolist() == [0, 1, 2]
    sizes = of.weights.reshape(3, 40).sum(axis=1)
    assert table["customers"].tolist() == sizes.tolist()
    spent = (customers.points.features[:, 2] * of.weights).reshape(3, 40).sum(axis=1)
    assert table["total_monetary"].tolist() == pytest.approx(spent.tolist())
    assert table["other_label"].is_unique
    assert regrouped(customers, of, clusters, None, load_label_rules()).empty


def test_horizons_end_with_the_data() -> None:
    assert longest_horizon(date(2022, 9, 30), date(2023, 9, 30), HORIZONS) == 365
    assert longest_horizon(date(2022, 9, 30), date(2023, 9, 29), HORIZONS) == 180
    assert longest_horizon(date(2022, 9, 30), date(2022, 10, 1), HORIZONS) is None


def test_workers_need_not_have_this_package(spark: SparkSession) -> None:
    of, *_ = material_of(spark, blobs())
    content: Any = tuple(of)
    call = cloudpickle.dumps(lambda: measure(Material(*content), "gaussian_mixture", 3)["k"])
    script = (
        "import pickle, sys; sys.modules['amazon_seg_assets'] = None; "
        "print(pickle.load(sys.stdin.buffer)())"
    )
    done = subprocess.run([sys.executable, "-c", script], input=call, capture_output=True)
    assert done.stdout.decode().strip() == "3", done.stderr.decode()


def test_customers_come_with_segments_and_with_what_they_did(spark: SparkSession) -> None:
    schema = "user_id string, recency int, frequency bigint, monetary double, segment string"
    rows = [
        ("a", 5, 1, 2.5, "New"),
        ("b", 5, 1, 2.5, "New"),
        ("c", 5, 1, 2.5, "Lost"),
        ("d", 1, 3, 9.0, "New"),
    ]
    customers = spark.createDataFrame(rows, schema)
    found = segmented_points(customers, 4)
    assert found.points.features.tolist() == [[1, 3, 9.0], [5, 1, 2.5]]
    assert found.points.customers.tolist() == [1, 3]
    assert found.segments.tolist() == [[0, 1], [1, 2]]  # Lost, New
    days = spark.createDataFrame(
        [
            ("a", date(2022, 9, 30), 7.0),  # the last day itself is before
            ("a", date(2022, 10, 1), 1.0),
            ("a", date(2022, 12, 29), 2.0),
            ("b", date(2022, 12, 30), 5.0),  # a day too late
            ("d", date(2022, 11, 1), 0.0),  # came back without a price that counts
            ("e", date(2022, 11, 1), 3.0),
        ],
        "user_id string, day date, spend double",
    )
    scale = standardization(found.points)
    after = outcomes(customers, days, date(2022, 9, 30), 90, scale, 4)
    assert after.points == pytest.approx(scale.apply(found.points))
    assert after.customers.tolist() == [1, 3]
    assert after.returned.tolist() == [1, 1]
    assert after.log_spend == pytest.approx([0, np.log(4)], abs=1e-6)
    assert after.squares == pytest.approx(np.log(4) ** 2, abs=1e-6)
