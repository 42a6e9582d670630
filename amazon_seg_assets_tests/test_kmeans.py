"""K-Means: its optima, its figures, and the model, against implementations that are not ours."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pyspark import cloudpickle
from pyspark.ml import PipelineModel
from pyspark.ml.clustering import GaussianMixtureModel, KMeansModel
from pyspark.ml.clustering import KMeans as SparkKMeans
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, Observation, SparkSession
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_samples, silhouette_score
from sklearn.mixture import GaussianMixture

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.features import CENTERS
from amazon_seg_assets.stages.clusters.algorithms import rule_of
from amazon_seg_assets.stages.clusters.checks import silhouette_high_enough
from amazon_seg_assets.stages.clusters.everyone import cells_of_everyone, standardization_of
from amazon_seg_assets.stages.clusters.fits import fit
from amazon_seg_assets.stages.clusters.grid import cells
from amazon_seg_assets.stages.clusters.grouping import Grouping, spreads_as_facts
from amazon_seg_assets.stages.clusters.kmeans import (
    Content,
    SearchParams,
    assign,
    cluster_silhouettes,
    in_order,
    silhouettes,
)
from amazon_seg_assets.stages.clusters.model import assign_clusters, build_model
from amazon_seg_assets.stages.clusters.plain_silhouette import plain_silhouettes
from amazon_seg_assets.stages.clusters.points import (
    Points,
    Standardization,
    collect_points,
    part_of,
    standardization,
)
from amazon_seg_assets.stages.clusters.sweep import Sweep, sweep, usable_ks
from amazon_seg_assets.stages.clusters.ways import MIXTURE, ONE_START, SELECTABLE


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
    return collect_points(on_spark(spark, frame))


@pytest.fixture(scope="module")
def result(spark: SparkSession, points: Points) -> Sweep:
    return sweep(spark, points, standardization(points), range(2, 7))


def test_identical_customers_collapse(points: Points, frame: pd.DataFrame) -> None:
    assert len(points) == len(frame.drop_duplicates(["recency", "frequency", "monetary"]))
    assert len(points) < len(frame)
    assert points.customers.sum() == len(frame)


def test_a_bound_on_points_takes_a_part_of_them(spark: SparkSession, frame: pd.DataFrame) -> None:
    data = on_spark(spark, frame)
    taken = [collect_points(*part_of(data, len(frame), max_points=1000)) for _ in range(2)]
    assert 600 < len(taken[0]) < 1200
    assert np.array_equal(taken[0].features, taken[1].features)
    assert taken[0].parts > 1


def test_a_fit_of_everyone_from_the_optima_of_cells_is_that_of_all_points(
    spark: SparkSession, frame: pd.DataFrame, points: Points
) -> None:
    """Nor does it depend on how customers are spread over tasks."""
    ks, params = [2, 5, 8], SearchParams(n_init=4)
    data = on_spark(spark, frame)
    scale = standardization_of(data)
    summed_up = cells_of_everyone(data, scale, most_cells=2_000)
    assert 500 < len(summed_up) <= 2_000
    assert summed_up.customers.sum() == len(frame)
    of_each = [summed_up.customers @ each / len(frame) for each in summed_up.features.T]
    assert of_each == pytest.approx(frame[["recency", "frequency", "monetary"]].mean().tolist())
    expected = standardization(points)
    assert scale.mean == pytest.approx(expected.mean, rel=1e-7)
    assert scale.sd == pytest.approx(expected.sd, rel=1e-7)
    of_all = sweep(spark, points, scale, ks, params)
    spread = [data.repartition(tasks, "user_id") for tasks in (1, 3)]
    found = [
        sweep(spark, cells_of_everyone(each, scale, most_cells=2_000), scale, ks, params, each)
        for each in spread
    ]
    assert found[0].clusters.equals(found[1].clusters)
    once, again = (each.table.drop(columns="seconds") for each in found)
    assert once.equals(again)
    assert once["wcss"].to_numpy() == pytest.approx(of_all.table["wcss"].to_numpy(), rel=1e-3)
    assert once["silhouette"].to_numpy() == pytest.approx(
        of_all.table["silhouette"].to_numpy(), abs=2e-3
    )
    assert once["converged"].all()
    sizes = found[0].clusters.groupby("k")["customers"].sum()
    assert sizes.tolist() == [len(frame)] * len(ks)
    means = found[0].clusters.set_index("k").loc[5]
    mean = (means["monetary"] * means["customers"]).sum() / len(frame)
    assert mean == pytest.approx(frame["monetary"].mean())


def test_the_bound_is_on_distinct_customers(spark: SparkSession) -> None:
    equal = spark.createDataFrame(customers(1)).crossJoin(spark.range(50)).drop("id")
    assert collect_points(*part_of(equal, 50, max_points=5)).customers.tolist() == [50]


@pytest.mark.parametrize("k", [2, 4, 8])
def test_a_cloud_without_clusters_does_not_pass_for_some(k: int) -> None:
    cloud = np.random.default_rng(5).uniform(size=(3000, 3))
    standard = (cloud - cloud.mean(axis=0)) / cloud.std(axis=0)
    labels = KMeans(k, n_init=3, random_state=1).fit(standard).labels_
    silhouettes = cluster_silhouettes(standard, np.ones(3000), labels, k)
    found = np.average(silhouettes, weights=np.bincount(labels))
    table = pd.DataFrame({"silhouette": [found], "chosen": [True]})
    [check] = silhouette_high_enough
    assert not check.judge(SimpleNamespace(small=lambda _: table)).passed


def test_standardization_is_over_customers(points: Points, frame: pd.DataFrame) -> None:
    scale = standardization(points)
    values = frame[["recency", "frequency_log", "monetary_log"]]
    assert scale.mean == pytest.approx(values.mean().to_numpy(), rel=1e-12)
    assert scale.sd == pytest.approx(values.std(ddof=1).to_numpy(), rel=1e-12)


def test_a_row_of_centers_tells_their_standardization() -> None:
    scale = Standardization((200.5, 0.7, 3.25), (90.0, 0.5, 1.0))
    row = pd.Series({"cluster": 1, "recency_center": -1.0, **scale.as_columns()})
    assert row[["frequency_log_mean", "monetary_log_sd"]].tolist() == [0.7, 1.0]
    assert Standardization.from_row(row) == scale


def test_a_feature_without_variance_becomes_zero() -> None:
    same = Points(np.ones((2, 3)), np.array([[1.0, 1, 1], [3, 1, 1]]), np.array([1.0, 3.0]))
    scale = standardization(same)
    assert scale.mean == (2.5, 1, 1)
    assert scale.sd == (1.0, 1.0, 1.0)  # squares: 1 * 1.5^2 + 3 * 0.5^2 = 3, over 4 - 1
    assert scale.apply(same)[:, 1].tolist() == [0, 0]


@pytest.mark.parametrize("count", range(2, 60))
def test_rounding_leaves_no_variance(count: int) -> None:
    logs = np.log1p(np.ones(3))
    once = Points(
        np.ones((3, 3)), np.stack([np.arange(3.0), logs, logs], 1), np.array([count, 2 * count, 1])
    )
    scale = standardization(once)
    assert (scale.mean[1], scale.sd[1]) == (logs[0], 1.0)


def test_cells_by_hand() -> None:
    # The finest grid of the ladder that 0.1 and 0.2 share has a width of 1/4.
    values = np.array([[0.1, 0, 0], [0.2, 0, 0], [5.0, 0, 0]])
    means, weights = cells(values, np.array([1.0, 3, 2]), max_cells=2)
    assert means == pytest.approx(np.array([[0.175, 0, 0], [5, 0, 0]]))
    assert weights.tolist() == [4, 2]


def test_cells_keep_weights_means_and_outliers() -> None:
    draw = np.random.default_rng(3)
    values = np.vstack([draw.normal(size=(5000, 3)), [[50.0, -50, 50]]])
    weights = draw.integers(1, 9, len(values)).astype(float)
    means, sums = cells(values, weights, max_cells=400)
    assert 100 < len(means) <= 400
    assert sums.sum() == weights.sum()
    assert sums @ means == pytest.approx(weights @ values, rel=1e-9)
    assert [50, -50, 50] in means.tolist()


def assert_as_good_as_ten_starts_of_scikit_learn(found: Sweep, values: np.ndarray) -> None:
    assert found.table["converged"].all()
    for k, wcss in zip(found.table["k"], found.table["wcss"], strict=True):
        best = KMeans(k, n_init=10, tol=0, max_iter=1000, random_state=7).fit(values).inertia_
        assert wcss <= best * 1.001


def test_each_optimum_is_as_good_as_ten_starts(result: Sweep, frame: pd.DataFrame) -> None:
    assert_as_good_as_ten_starts_of_scikit_learn(result, standardized(frame))


def with_outliers(frame: pd.DataFrame) -> pd.DataFrame:
    """A few traders, who buy hundreds of times or for a fortune."""
    changed = frame.copy()
    changed.loc[:9, "frequency"] = range(300, 1300, 100)
    changed.loc[5:14, "monetary"] = np.geomspace(1e5, 1e7, 10).round()
    return changed


def with_ties(frame: pd.DataFrame) -> pd.DataFrame:
    """85 % bought once, most of them at one of few prices."""
    draw = np.random.default_rng(9)
    once = draw.random(len(frame)) < 0.85
    often = 2 + draw.geometric(0.6, len(frame))
    prices = draw.choice([9.99, 9.99, 19.99, 49.99, 249.0], len(frame))
    return frame.assign(
        frequency=np.where(once, 1, often),
        monetary=np.where(once, prices, frame["monetary"]),
    )


@pytest.mark.parametrize("shape", [with_outliers, with_ties])
def test_outliers_and_ties_do_not_mislead_the_starts(
    spark: SparkSession, frame: pd.DataFrame, shape: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    hard = shape(frame)
    hard["frequency_log"] = np.log1p(hard["frequency"])
    hard["monetary_log"] = np.log1p(hard["monetary"])
    points = collect_points(on_spark(spark, hard))
    # Fewer cells than points, as with millions of customers: they must not lose the outliers.
    found = sweep(spark, points, standardization(points), params=SearchParams(max_cells=1000))
    assert found.table["k"].tolist() == list(range(2, 13))
    assert len(points) > 1000
    assert_as_good_as_ten_starts_of_scikit_learn(found, standardized(hard))


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
        assert row["silhouette_plain"] == pytest.approx(silhouette_score(values, labels), rel=1e-9)
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


def test_partitions_and_order_change_no_bit(
    spark: SparkSession, frame: pd.DataFrame, points: Points, result: Sweep
) -> None:
    shuffled = on_spark(spark, frame.sample(frac=1, random_state=5), partitions=1)
    again = collect_points(shuffled)
    assert standardization(again) == standardization(points)
    repeated = sweep(spark, again, standardization(again), [5, 3])
    for ours, theirs in ((repeated.clusters, result.clusters), (repeated.table, result.table)):
        expected = theirs[theirs["k"].isin([3, 5])].reset_index(drop=True)
        pd.testing.assert_frame_equal(
            ours.drop(columns="seconds", errors="ignore"),
            expected.drop(columns="seconds", errors="ignore"),
            check_exact=True,
        )


def test_starts_on_cells_lead_to_optima_of_all_points(spark: SparkSession) -> None:
    # Many more points than cells, most of them alike in one feature, and a few far out.
    draw = np.random.default_rng(11)
    count = 10_000
    frequency = np.where(draw.random(count) < 0.85, 1, 1 + draw.geometric(0.4, count))
    monetary = draw.normal(3.5, 1.2, count)
    monetary[:20] += 12
    logs = np.stack([draw.integers(1, 367, count), np.log1p(frequency), monetary], 1)
    points = Points(np.expm1(logs / 100), logs, np.ones(count))
    scale = standardization(points)
    found = sweep(spark, points, scale, [2, 4, 7], SearchParams(max_cells=1000))
    assert found.table["converged"].all()
    for k, wcss in zip(found.table["k"], found.table["wcss"], strict=True):
        best = KMeans(k, n_init=10, tol=0, max_iter=1000, random_state=7)
        assert wcss <= best.fit(scale.apply(points)).inertia_ * 1.001


def test_workers_need_not_have_this_package() -> None:
    content = Content(np.eye(3), np.ones(3), np.eye(3), np.ones(3))
    params = SearchParams(n_init=2, refined=1, swaps=1, max_iter=10)
    call = cloudpickle.dumps(lambda: fit("kmeans", 2, np.eye(3), content, params))
    script = (
        "import pickle, sys; sys.modules['amazon_seg_assets'] = None; "
        "print(len(pickle.load(sys.stdin.buffer)()))"
    )
    done = subprocess.run([sys.executable, "-c", script], input=call, capture_output=True)
    assert done.stdout.decode().strip() == "2", done.stderr.decode()


def test_k_is_limited_by_distinct_customers() -> None:
    three = Points(np.eye(3), np.eye(3), np.ones(3))
    assert usable_ks(range(2, 13), three) == [2, 3]
    with pytest.raises(InputError, match="only 3 distinct customers, fewer than 4 clusters"):
        usable_ks([4, 5], three)
    assert usable_ks(range(2, 13), three, 3) == [2, 3]
    with pytest.raises(InputError, match=r"only 3 distinct customers, fewer than 9 clusters need"):
        usable_ks(range(2, 13), three, 9)


def test_a_k_that_leaves_a_cluster_without_customers_is_skipped(spark: SparkSession) -> None:
    spends = np.array([5.0, 80.0, *(20 + step * np.spacing(20.0) for step in range(5))])
    values = np.column_stack([np.full(7, 30.0), np.ones(7), spends])
    near = Points(values, np.log1p(values), np.ones(7))
    scale = standardization(near)
    found = sweep(spark, near, scale, [2, 3, 7])
    assert found.table["k"].tolist() == [2, 3]
    assert found.clusters["k"].tolist() == [2] * 2 + [3] * 3
    with pytest.raises(InputError, match=r"7 clusters leave one without customers.* 7 distinct"):
        sweep(spark, near, scale, [7])


def test_silhouette_by_hand() -> None:
    # Customers at 0 (twice), 1 and 5 (alone in its cluster). From 0: a = (0 + 1) / 2, b = 25.
    # From 1: a = (1 + 1) / 2, b = 16.
    values = np.array([[0.0, 0, 0], [1.0, 0, 0], [5.0, 0, 0]])
    silhouettes = cluster_silhouettes(values, np.array([2.0, 1, 1]), np.array([0, 0, 1]), 2)
    assert silhouettes == pytest.approx([(2 * (25 - 0.5) / 25 + (16 - 1) / 16) / 3, 0.0])


def test_silhouette_of_weights_is_that_of_repeated_rows() -> None:
    draw = np.random.default_rng(8)
    values = draw.normal(size=(40, 3))
    weights = draw.integers(1, 6, 40)
    labels = np.r_[np.repeat([0, 1, 2], 13), 3]  # the last is alone, unless it is repeated
    weights[-1] = 1
    ours = cluster_silhouettes(values, weights.astype(float), labels, 4)
    rows, of = np.repeat(values, weights, axis=0), np.repeat(labels, weights)
    each = []
    for row, cluster in zip(rows, of, strict=True):
        square = ((rows - row) ** 2).sum(axis=1)
        a = square[of == cluster].sum() / max((of == cluster).sum() - 1, 1)
        b = min(square[of == other].mean() for other in range(4) if other != cluster)
        each.append((b - a) / max(a, b) if (of == cluster).sum() > 1 else 0.0)
    assert ours == pytest.approx([np.mean(np.array(each)[of == c]) for c in range(4)], rel=1e-9)
    overall = silhouette_score(rows, of, metric="sqeuclidean")
    assert ours @ np.bincount(labels, weights) / weights.sum() == pytest.approx(overall, rel=1e-9)


def test_plain_silhouettes_of_few_points_are_those_of_repeated_rows() -> None:
    draw = np.random.default_rng(8)
    values, weights = draw.normal(size=(700, 3)), draw.integers(1, 6, 700)
    values[-1], weights[-1] = 90, 1  # alone in its cluster
    centers = [values[draw.choice(699, k - 1, replace=False)] for k in (2, 5, 9)]
    centers = [np.vstack([of_k, values[-1]]) for of_k in centers]
    rows = np.repeat(values, weights, axis=0)

    def groups(points: np.ndarray) -> list[np.ndarray]:
        return [rule_of(of_k)(points) for of_k in centers]

    expected = [silhouette_score(rows, of) for of in groups(rows)]
    found = plain_silhouettes(values, weights.astype(float), groups(values), [2, 5, 9])
    assert found == pytest.approx(expected, rel=1e-9)
    # Of half as many cells, which may hold customers of two clusters.
    few, of_few = cells(values, weights.astype(float), 350)
    near = plain_silhouettes(few, of_few, groups(few), [2, 5, 9])
    assert near == pytest.approx(expected, rel=0, abs=0.02)


def test_a_cluster_without_a_cell_is_nobody_s_nearest() -> None:
    distances = np.array([[2.0, 9.0, 0.0], [6.0, 1.0, 0.0]])
    found = silhouettes(distances, np.array([0, 1]), np.array([3.0, 3.0, 0.0]))
    assert found == pytest.approx([(3 - 1) / 3, (2 - 0.5) / 2])


def test_silhouette_of_spark_s_documentation() -> None:
    # The example of pyspark.ml.evaluation.ClusteringEvaluator, three points in each cluster.
    values = np.array([[0, 0.5], [0.5, 0], [10, 11], [10.5, 11.5], [1, 1], [8, 6]])
    silhouettes = cluster_silhouettes(values, np.ones(6), np.array([0, 0, 1, 1, 0, 1]), 2)
    assert silhouettes.mean() == pytest.approx(0.90796, abs=5e-6)


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
    centers = result.clusters.loc[result.clusters["k"] == 4, CENTERS].to_numpy()
    model = build_model(spark, standardization(points), centers.tolist())
    model.save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    data = on_spark(spark, frame)
    labels, counts = ["A", "B", "C", "D"], Observation()
    first, again = (
        pd.DataFrame(assign_clusters(each, data, labels, counted).toPandas()).sort_values(
            "user_id", ignore_index=True
        )
        for each, counted in ((model, counts), (loaded, Observation()))
    )
    theirs = KMeans(4, init=centers, n_init=1, max_iter=1).fit(standardized(frame)).labels_
    assert first["cluster"].tolist() == theirs.tolist()
    assert first["cluster_label"].tolist() == [labels[cluster] for cluster in theirs]
    assert list(counts.get.items()) == list(zip("0123", np.bincount(theirs), strict=True))
    assert first.columns.tolist() == [*frame.columns, "cluster", "cluster_label"]
    pd.testing.assert_frame_equal(again, first)
    assert isinstance(loaded.stages[-1], KMeansModel)
    assert np.array_equal(loaded.stages[-1].clusterCenters(), centers)


def test_another_algorithm_can_find_the_clusters(
    spark: SparkSession, frame: pd.DataFrame, points: Points, result: Sweep, tmp_path: Path
) -> None:
    scale, ours = standardization(points), result.table.set_index("k")["wcss"]
    standard = scale.apply(points)
    rows = np.repeat(standard, points.customers.astype(int), axis=0)
    for algorithm in SELECTABLE[1:]:
        found = sweep(spark, points, scale, [2, 4], algorithm=algorithm)
        assert found.table["k"].tolist() == [2, 4]
        # The same customers, none of them better grouped by distance than by K-Means.
        assert found.clusters.groupby("k")["customers"].sum().tolist() == [len(frame)] * 2
        assert (found.table.set_index("k")["wcss"] >= ours[[2, 4]] * (1 - 1e-9)).all()
        assert bool(found.spreads) == (algorithm == MIXTURE)
        clusters = found.clusters.assign(cluster_label="x", **scale.as_columns())
        chosen = Grouping.of_k(4, clusters, spreads_as_facts(found.spreads))
        groups = chosen.numbers(points)
        assert (
            np.bincount(groups, points.customers).tolist() == chosen.clusters["customers"].tolist()
        )
        every = np.repeat(groups, points.customers.astype(int))
        plain = found.table.loc[found.table["k"] == 4, "silhouette_plain"].item()
        assert plain == pytest.approx(silhouette_score(rows, every), abs=0.005)
        model = build_model(spark, scale, chosen.centers.tolist(), chosen.spreads)
        model.save(str(tmp_path / algorithm))
        loaded = PipelineModel.load(str(tmp_path / algorithm))
        by_spark = pd.DataFrame(loaded.transform(on_spark(spark, frame)).toPandas())
        in_memory = chosen.apply(by_spark)["cluster"].tolist()
        assert by_spark["cluster"].tolist() == in_memory
    # The last is the mixture, whose components are those of scikit-learn where all are drawn.
    assert isinstance(loaded.stages[-1], GaussianMixtureModel)
    theirs = GaussianMixture(4, max_iter=200, random_state=42).fit(rows)
    assert sorted(loaded.stages[-1].weights) == pytest.approx(sorted(theirs.weights_))
    assert adjusted_rand_score(theirs.predict(rows), every) == 1
    with pytest.raises(InputError, match="raise max_points, or choose kmeans"):
        sweep(spark, points, scale, [2], everyone=on_spark(spark, frame), algorithm=MIXTURE)


def test_spark_s_own_k_means_is_no_better(
    spark: SparkSession, points: Points, result: Sweep
) -> None:
    scale, ours = standardization(points), result.table.set_index("k")["wcss"]
    weighted = zip(scale.apply(points), points.customers.tolist(), strict=True)
    rows = [(Vectors.dense(point), customers) for point, customers in weighted]
    in_one = spark.createDataFrame(rows, ["features", "weight"]).coalesce(1)
    theirs = SparkKMeans(k=4, seed=42, weightCol="weight").fit(in_one)
    found = sweep(spark, points, scale, [4], algorithm=ONE_START)
    assert found.clusters[CENTERS].to_numpy() == pytest.approx(
        in_order(np.array(theirs.clusterCenters()))
    )
    assert found.table["iterations"].item() == theirs.summary.numIter <= 20
    assert ours[4] <= found.table["wcss"].item() * (1 + 1e-9)
