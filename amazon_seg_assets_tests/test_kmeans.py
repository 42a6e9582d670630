"""K-Means: its optima, its figures, and the model, against implementations that are not ours."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.clustering import KMeans as SparkKMeans
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, SparkSession
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_samples, silhouette_score

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.transforms.cluster_model import assign_clusters, build_model
from amazon_seg_assets.transforms.lloyd import assign, cluster_silhouettes
from amazon_seg_assets.transforms.points import (
    Points,
    collect_points,
    standardization,
)
from amazon_seg_assets.transforms.sweep import Starts, Sweep, sweep, usable_ks

CENTERS = ["recency_center", "frequency_log_center", "monetary_log_center"]


def customers(count: int, seed: int = 1) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "user_id": [f"u{i:06d}" for i in range(count)],
            "recency": draw.choice([30, 250], count) + draw.integers(0, 110, count),
            "frequency": 1 + draw.poisson(draw.choice([0.02, 2.0], count, p=[0.8, 0.2])),
            "monetary": np.exp(draw.choice([3.0, 5.3], count) + draw.normal(0, 0.7, count)).round(),
        }
    )
    frame["monetary"] += 1.0
    return frame.assign(
        frequency_log=np.log1p(frame["frequency"]), monetary_log=np.log1p(frame["monetary"])
    )


def on_spark(spark: SparkSession, frame: pd.DataFrame, partitions: int = 3) -> DataFrame:
    return spark.createDataFrame(frame).repartition(partitions)


def standardized(frame: pd.DataFrame) -> np.ndarray:
    values = frame[["recency", "frequency_log", "monetary_log"]].to_numpy(float)
    result: np.ndarray = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    return result


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return customers(6000)


@pytest.fixture(scope="module")
def points(spark: SparkSession, frame: pd.DataFrame) -> Points:
    return collect_points(on_spark(spark, frame), len(frame))


@pytest.fixture(scope="module")
def result(spark: SparkSession, points: Points) -> Sweep:
    return sweep(spark, points, standardization(points), range(2, 9))


def test_identical_customers_collapse(points: Points, frame: pd.DataFrame) -> None:
    assert len(points) == len(frame.drop_duplicates(["recency", "frequency", "monetary"]))
    assert len(points) < len(frame)
    assert points.customers.sum() == len(frame)


def test_a_bound_on_points_takes_a_part_of_them(spark: SparkSession, frame: pd.DataFrame) -> None:
    data = on_spark(spark, frame)
    part = collect_points(data, len(frame), max_points=1000)
    assert 600 < part.customers.sum() < 1500
    assert np.array_equal(part.features, collect_points(data, len(frame), 1000).features)


def test_standardization_is_over_customers(points: Points, frame: pd.DataFrame) -> None:
    scale = standardization(points)
    values = frame[["recency", "frequency_log", "monetary_log"]]
    assert scale.mean == pytest.approx(values.mean().to_numpy(), rel=1e-12)
    assert scale.sd == pytest.approx(values.std(ddof=1).to_numpy(), rel=1e-12)


def test_a_feature_without_variance_becomes_zero() -> None:
    same = Points(np.ones((2, 3)), np.array([[1.0, 1, 1], [3, 1, 1]]), np.array([1.0, 3.0]))
    scale = standardization(same)
    assert scale.mean == (2.5, 1, 1)
    assert scale.sd == (1.0, 1.0, 1.0)  # squares: 1 * 1.5^2 + 3 * 0.5^2 = 3, over 4 - 1
    assert scale.apply(same)[:, 1].tolist() == [0, 0]


def test_each_optimum_is_as_good_as_ten_starts_of_scikit_learn(
    result: Sweep, frame: pd.DataFrame
) -> None:
    values = standardized(frame)
    assert result.table["converged"].all()
    for k, wcss in zip(result.table["k"], result.table["wcss"], strict=True):
        best = KMeans(k, n_init=10, tol=0, max_iter=1000, random_state=7).fit(values).inertia_
        assert wcss <= best * 1.001


def test_figures_equal_scikit_learn_on_the_same_centers(result: Sweep, frame: pd.DataFrame) -> None:
    values = standardized(frame)
    for k in (2, 5):
        clusters = result.clusters[result.clusters["k"] == k]
        model = KMeans(k, init=clusters[CENTERS].to_numpy(), n_init=1, max_iter=1).fit(values)
        labels = model.labels_
        row = result.table.set_index("k").loc[k]
        assert row["wcss"] == pytest.approx(model.inertia_, rel=1e-9)
        assert clusters["customers"].tolist() == np.bincount(labels).tolist()
        overall = silhouette_score(values, labels, metric="sqeuclidean")
        assert row["silhouette"] == pytest.approx(overall, rel=1e-9)
        each = silhouette_samples(values, labels, metric="sqeuclidean")
        by_cluster = [each[labels == cluster].mean() for cluster in range(k)]
        assert clusters["silhouette"].to_numpy() == pytest.approx(by_cluster, rel=1e-9)
        means = frame.groupby(labels)[["recency", "frequency", "monetary"]].mean()
        assert clusters[means.columns].to_numpy() == pytest.approx(means.to_numpy(), rel=1e-9)


def test_clusters_are_numbered_by_their_centers(result: Sweep) -> None:
    for _, clusters in result.clusters.groupby("k"):
        centers = [tuple(center) for center in clusters[CENTERS].to_numpy()]
        assert centers == sorted(centers)
        assert clusters["cluster"].tolist() == list(range(len(clusters)))


def test_partitions_and_order_change_nothing(
    spark: SparkSession, frame: pd.DataFrame, points: Points, result: Sweep
) -> None:
    shuffled = on_spark(spark, frame.sample(frac=1, random_state=5), partitions=1)
    again = collect_points(shuffled, len(frame))
    assert standardization(again) == standardization(points)
    repeated = sweep(spark, again, standardization(again), [3])
    pd.testing.assert_frame_equal(
        repeated.clusters, result.clusters[result.clusters["k"] == 3].reset_index(drop=True)
    )


def test_a_sample_of_starts_is_refined_on_all_points(spark: SparkSession, points: Points) -> None:
    scale = standardization(points)
    few = sweep(spark, points, scale, [4], Starts(sample=500))
    values = scale.apply(points)
    best = KMeans(4, n_init=10, tol=0, max_iter=1000, random_state=7)
    best.fit(values, sample_weight=points.customers)
    assert few.table["wcss"].item() <= best.inertia_ * 1.001


def test_k_is_limited_by_distinct_customers() -> None:
    three = Points(np.eye(3), np.eye(3), np.ones(3))
    assert usable_ks(range(2, 13), three) == [2, 3]
    with pytest.raises(InputError, match="only 3 distinct customers, fewer than 4 clusters"):
        usable_ks([4, 5], three)


def test_silhouette_by_hand() -> None:
    # Customers at 0 (twice), 1 and 5 (alone in its cluster). From 0: a = (0 + 1) / 2, b = 25.
    # From 1: a = (1 + 1) / 2, b = 16.
    values = np.array([[0.0, 0, 0], [1.0, 0, 0], [5.0, 0, 0]])
    silhouettes = cluster_silhouettes(values, np.array([2.0, 1, 1]), np.array([0, 0, 1]), 2)
    assert silhouettes == pytest.approx([(2 * (25 - 0.5) / 25 + (16 - 1) / 16) / 3, 0.0])


def test_silhouette_equals_spark_s_evaluator(spark: SparkSession, frame: pd.DataFrame) -> None:
    values = standardized(frame)[:500]
    centers = values[[1, 20, 300]]
    labels, _ = assign(values, np.ones(500), centers)
    ours = cluster_silhouettes(values, np.ones(500), labels, 3) @ np.bincount(labels) / 500
    data = spark.createDataFrame(
        [(Vectors.dense(value), float(label)) for value, label in zip(values, labels, strict=True)],
        ["features", "prediction"],
    )
    assert ours == pytest.approx(ClusteringEvaluator().evaluate(data), rel=1e-9)


def test_the_model_assigns_saves_and_loads(
    spark: SparkSession, frame: pd.DataFrame, points: Points, result: Sweep, tmp_path: Path
) -> None:
    clusters = result.clusters[result.clusters["k"] == 4]
    model = build_model(spark, standardization(points), clusters[CENTERS].to_numpy().tolist())
    data = on_spark(spark, frame)
    sizes = assign_clusters(model, data).groupBy("cluster").count().orderBy("cluster").collect()
    assert [row["count"] for row in sizes] == clusters["customers"].tolist()
    model.save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    new = spark.createDataFrame([(5, 3, 99.0)], "recency int, frequency bigint, monetary double")
    assert (
        loaded.transform(new).select("cluster").collect()
        == model.transform(new).select("cluster").collect()
    )
    assert isinstance(loaded.stages[-1], type(model.stages[-1]))
    assert loaded.stages[-1].clusterCenters()[0] == pytest.approx(
        clusters[CENTERS].to_numpy()[0], rel=1e-12
    )


def test_spark_s_own_k_means_is_no_better(
    spark: SparkSession, frame: pd.DataFrame, result: Sweep
) -> None:
    data = spark.createDataFrame([(Vectors.dense(v),) for v in standardized(frame)], ["features"])
    theirs = SparkKMeans(k=4, seed=42).fit(data).summary.trainingCost
    ours = result.table.set_index("k").loc[4, "wcss"]
    assert ours <= theirs * (1 + 1e-9)
