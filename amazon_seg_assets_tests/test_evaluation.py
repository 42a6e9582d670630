"""Agreement, stability and ties, worked out by hand or by implementations that are not ours."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from dagster import Config, DagsterInstance, ExecuteInProcessResult, Failure
from pydantic import ValidationError
from pyspark import cloudpickle
from pyspark.sql import SparkSession
from pyspark.sql.functions import expr, upper
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from amazon_seg_assets.dag.versions import NOTE
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.features import CENTERS, FEATURES
from amazon_seg_assets.planning.jobs import SEGMENT
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.spark.sums import collapse
from amazon_seg_assets.stages.clusters.assets import SweepConfig
from amazon_seg_assets.stages.clusters.grouping import Grouping
from amazon_seg_assets.stages.clusters.kmeans import LARGEST_SEED, MOST_STARTS, SearchParams
from amazon_seg_assets.stages.clusters.points import Points, standardization
from amazon_seg_assets.stages.clusters.ways import KMEANS
from amazon_seg_assets.stages.overview import evaluation, summary
from amazon_seg_assets.stages.overview.agreement import (
    adjusted_rand,
    balance,
    matched,
    normalized_mutual_information,
)
from amazon_seg_assets.stages.overview.assets import EvaluationConfig
from amazon_seg_assets.stages.overview.other_k import other_k, regrouped, say_other_k
from amazon_seg_assets.stages.overview.resampling import Clustered, resampled_contingency
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments import ties
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.spark_tables import write_snapshot
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.graph import family_of, rfm_frame

STARTS = SearchParams(n_init=2, refined=1, swaps=2, max_iter=50)


def table(*rows: list[int]) -> np.ndarray:
    return np.array(rows)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # Pairs: 2 in cells, 6 in rows, 6 in columns, 15 in all: (2 - 36/15) / (6 - 36/15).
        (table([2, 1], [1, 2]), -1 / 9),
        (table([1, 1], [1, 1]), -1 / 2),
        (table([0, 7], [4, 0]), 1.0),
        (table([3, 4]), 0.0),
        (table([9]), 1.0),
        (table([1]), 1.0),
        (table([1, 0], [0, 1]), 1.0),
        # Squares of so many pairs exceed whole numbers of 64 bits.
        (table([4 * 10**9, 0], [0, 10**9]), 1.0),
    ],
)
def test_adjusted_rand_of_small_tables(counts: np.ndarray, expected: float) -> None:
    assert adjusted_rand(counts) == pytest.approx(expected, rel=1e-15)
    assert adjusted_rand(counts.T) == adjusted_rand(counts)


@pytest.mark.parametrize("shape", [(2, 2), (4, 11), (7, 3), (1, 5)])
def test_agreement_equals_scikit_learn_s_on_labels(shape: tuple[int, int]) -> None:
    counts = np.random.default_rng(sum(shape)).integers(0, 30, shape)
    counts[0, -1] = 0
    rows, columns = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(shape))
    assert adjusted_rand(counts) == pytest.approx(adjusted_rand_score(rows, columns), abs=1e-12)
    information = normalized_mutual_info_score(rows, columns)
    assert normalized_mutual_information(counts) == pytest.approx(information, abs=1e-12)


def test_mutual_information_at_its_ends() -> None:
    assert normalized_mutual_information(table([0, 7], [4, 0])) == pytest.approx(1)
    assert normalized_mutual_information(table([2, 6], [1, 3])) == pytest.approx(0, abs=1e-15)
    assert normalized_mutual_information(table([5])) == 1


def test_balance_of_sizes() -> None:
    assert balance(table([5, 5, 5])[0]) == pytest.approx(1)
    assert balance(table([3, 1])[0]) == pytest.approx(0.811278124459)  # bits of 3/4 and 1/4
    assert balance(table([8, 0])[0]) == 0
    assert balance(table([8])[0]) == 0


def test_clusters_are_matched_for_the_most_customers_together() -> None:
    assert matched(table([1, 5], [8, 2])).tolist() == [5, 8]
    # The largest cell first would leave the second cluster with 1.
    assert matched(table([10, 9], [9, 1])).tolist() == [9, 9]
    assert matched(table([4], [6])).tolist() == [0, 6]


def test_stability_sums_up_resamples() -> None:
    found = evaluation.stability([table([0, 3], [3, 0]), table([2, 1], [1, 2])])
    assert found.adjusted_rand.tolist() == pytest.approx([1, -1 / 9])
    assert found.spread == pytest.approx((10 / 9) / 2**0.5)
    assert found.stable.tolist() == pytest.approx([1, 2 / 3])
    assert found.stability.tolist() == pytest.approx([5 / 6, 5 / 6])
    said = evaluation.say_stability(found)
    assert "2 resamples 83.3 % of the customers" in said
    assert "66.7 % in the worst" in said
    assert "index 0.444 ± 0.786, at least -0.111: poor stability" in said


def test_one_resample_has_no_spread() -> None:
    # Pairs: 4 in cells, 6 in rows, 7 in columns, 15 in all: (4 - 42/15) / (13/2 - 42/15).
    found = evaluation.stability([table([2, 1], [0, 3])])
    assert found.spread == 0
    assert evaluation.say_stability(found).startswith(
        "In 1 resample 83.3 % of the customers keep their cluster; adjusted Rand index 0.324: poor"
    )


def points(features: list[tuple[float, float, float]], customers: list[int]) -> Points:
    values = np.array(features, float)
    logs = np.column_stack([values[:, 0], np.log1p(values[:, 1]), np.log1p(values[:, 2])])
    return Points(values, logs, np.array(customers, float))


def two_groups() -> Points:
    near = [(10.0 + i, 1.0, 10.0) for i in range(5)]
    far = [(300.0 + i, 5.0, 500.0) for i in range(5)]
    return points(near + far, [6, 7, 8, 9, 10] * 2)


def test_clusters_far_apart_are_stable_in_any_resample(spark: SparkSession) -> None:
    data = two_groups()
    scale = standardization(data)
    centers = pd.DataFrame(scale.apply(data)[[2, 7]], columns=CENTERS).assign(**scale.as_columns())
    tables = evaluation.bootstrap(spark, data, Grouping(centers), KMEANS, SearchParams(), 3)
    assert [counts.tolist() for counts in tables] == [[[40, 0], [0, 40]]] * 3


def test_a_resample_keeps_every_customer_and_follows_from_its_seed() -> None:
    draw = np.random.default_rng(3)
    values, customers = draw.normal(size=(60, 3)), draw.integers(1, 5, 60).astype(float)
    labels = draw.integers(0, 3, 60)

    original = Clustered(values, customers, labels, np.arange(60))

    def counts(resample: int, seed: int = 42) -> np.ndarray:
        return resampled_contingency(
            original, KMEANS, 3, resample, replace(STARTS, random_state=seed)
        )

    assert counts(0).sum(axis=1).tolist() == np.bincount(labels, customers).tolist()
    assert counts(0).tolist() == counts(0).tolist()
    assert counts(0).tolist() != counts(1).tolist()
    assert counts(0).tolist() != counts(0, seed=43).tolist()


@pytest.mark.parametrize(
    ("kind", "field", "most"),
    [
        (SweepConfig, "random_state", LARGEST_SEED),
        (SweepConfig, "n_init", MOST_STARTS),
        (EvaluationConfig, "random_state", LARGEST_SEED),
    ],
)
def test_seeds_are_none_that_scikit_learn_refuses(
    kind: type[Config], field: str, most: int
) -> None:
    kind(**{field: most})
    with pytest.raises(ValidationError, match=f"\n{field}\n"):
        kind(**{field: most + 1})
    # Of the last resample and the last start.
    KMeans(1, random_state=LARGEST_SEED + 1000 + 1000 * (MOST_STARTS - 1)).fit(np.eye(3))


@pytest.mark.parametrize("k", [1, 3])
def test_few_customers_can_be_resampled(k: int) -> None:
    """Three customers drawn with replacement are often fewer than three."""
    original = Clustered(np.eye(3)[:k], np.ones(k), np.arange(k), np.arange(k))
    for resample in range(8):
        found = resampled_contingency(original, KMEANS, k, resample, STARTS)
        assert found.shape == (k, k)
        assert found.sum(axis=1).tolist() == [1] * k


def test_workers_need_not_have_this_package() -> None:
    original = np.eye(3), np.full(3, 9.0), np.arange(3), np.arange(3)
    call = cloudpickle.dumps(
        lambda: resampled_contingency(Clustered(*original), KMEANS, 3, 0, STARTS)
    )
    script = (
        "import pickle, sys; sys.modules['amazon_seg_assets'] = None; "
        "print(pickle.load(sys.stdin.buffer)().sum())"
    )
    done = subprocess.run([sys.executable, "-c", script], input=call, capture_output=True)
    assert done.stdout.decode().strip() == "27", done.stderr.decode()


def test_what_runs_in_tasks_needs_no_spark() -> None:
    script = f"import sys; sys.modules['pyspark'] = None; import {resampled_contingency.__module__}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_a_cluster_that_swallows_all_is_said_to() -> None:
    centers = pd.DataFrame(
        {"cluster": [1, 0], "cluster_label": ["B", "A"], "silhouette": [0.0, 0.5]}
    )
    assigned = pd.DataFrame({"cluster": [0], "customers": [50]})
    found = evaluation.evaluate_clusters(centers, assigned, [1.0, 0.0])
    assert found["cluster_label"].tolist() == ["A", "B"]
    assert found["customers"].tolist() == [50, 0]
    assert found["share"].tolist() == [1.0, 0.0]
    said = evaluation.say_sizes(found["share"].tolist(), balance(found["customers"].to_numpy()))
    assert said.startswith("One cluster holds 100.0 % of the customers")
    assert "from 10.0 % to 89.9 %" in evaluation.say_sizes([0.1, 0.899], 0.5)


def test_the_chosen_clusters_are_evaluated_as_a_whole() -> None:
    sweep = pd.DataFrame(
        {
            "k": [2, 3],
            "wcss": [9.0, 5.0],
            "silhouette": [0.6, 0.9],
            "silhouette_plain": [0.4, 0.7],
            "iterations": [4, 9],
            "converged": [True, False],
            "chosen": [True, False],
        }
    )
    centers = pd.DataFrame(
        {"cluster": [0, 1], "cluster_label": ["A", "B"], "silhouette": [0.5, 0.7]}
    )
    totals = {f"total_{feature}": 1 for feature in FEATURES}
    of_customers = pd.DataFrame(
        {"cluster": [0, 1], "cluster_label": ["A", "B"], "segment": ["x", "y"], "customers": [3, 1]}
    ).assign(**totals)
    stability = evaluation.stability([table([3, 0], [0, 1]), table([2, 1], [0, 1])])
    by_3 = pd.DataFrame([[3, 0, 0], [0, 0, 1]], ["A", "B"], ["A", "C", "D"])
    found = evaluation.evaluate(sweep, centers, of_customers, stability, by_3)
    assert found.table["share"].tolist() == [0.75, 0.25]
    assert found.table["stability"].tolist() == pytest.approx([5 / 6, 1])
    assert found.contingency.to_numpy().tolist() == [[3, 0], [0, 1]]
    figures = found.figures
    assert (figures["silhouette"], figures["silhouette_plain"]) == (0.6, 0.4)
    assert (figures["converged"], figures["iterations"]) == (True, 4)
    assert (figures["smallest_share"], figures["largest_share"]) == (0.25, 0.75)
    assert figures["balance"] == pytest.approx(0.811278124459)
    assert figures["segments_adjusted_rand"] == 1
    assert figures["segments_mutual_information"] == pytest.approx(1)
    assert (figures["resamples"], figures["stable_share_min"]) == (2, 0.75)
    assert figures["stable_share_mean"] == 0.875
    assert found.words == {
        "silhouette_in_words": "weak structure that could be artificial",
        "agreement_in_words": "excellent",
    }
    assert len(found.sentences) == 6
    assert found.sentences[2].startswith("With k = 3, which has the best squared silhouette (0.900")


@pytest.mark.parametrize(
    ("silhouette", "words"),
    [
        (0.71, "strong"),
        (0.70, "reasonable"),
        (0.51, "reasonable"),
        (0.26, "weak"),
        (0.25, "no substantial"),
        (-0.2, "no substantial"),
    ],
)
def test_silhouettes_in_the_words_of_kaufman_and_rousseeuw(silhouette: float, words: str) -> None:
    said = evaluation.say_silhouette(silhouette, 1 - (1 - silhouette) ** 2)
    # Of clusters apart, so that squared distances give the squared ratio, both say the same.
    assert said.count(f": {words} structure") == 2


def test_words_of_silhouettes_go_by_the_figures_shown() -> None:
    assert "Silhouette 0.71 by plain distances: strong" in evaluation.say_silhouette(0.706, 0.9)


@pytest.mark.parametrize(
    ("squared", "words"), [(0.92, "strong"), (0.91, "reasonable"), (0.75, "weak"), (0.44, "no")]
)
def test_squared_silhouettes_have_a_scale_of_their_own(squared: float, words: str) -> None:
    assert f"it is {squared:.2f}: {words} " in evaluation.say_silhouette(0.6, squared)


def sweep_of(wcss: list[float], silhouette: list[float], chosen: int) -> pd.DataFrame:
    ks = list(range(2, 2 + len(wcss)))
    return pd.DataFrame(
        {"k": ks, "wcss": wcss, "silhouette": silhouette, "chosen": [k == chosen for k in ks]}
    )


KNEE_AT_3 = [90.0, 20.0, 18.0, 17.0]


@pytest.mark.parametrize(
    ("silhouette", "chosen", "other"),
    [
        ([0.7, 0.6, 0.5, 0.4], 3, 2),
        ([0.7, 0.6, 0.5, 0.4], 5, 2),
        ([0.7, 0.6, 0.5, 0.4], 2, 3),
        ([0.6, 0.7, 0.5, 0.4], 3, None),
    ],
)
def test_the_other_k_is_that_of_the_best_silhouette_or_the_knee(
    silhouette: list[float], chosen: int, other: int | None
) -> None:
    assert other_k(sweep_of(KNEE_AT_3, silhouette, chosen)) == other


def test_no_other_k_is_said() -> None:
    assert say_other_k(sweep_of(KNEE_AT_3, [0.6, 0.7, 0.5, 0.4], 3), None) == (
        "k = 3 has the best squared silhouette and is also the knee of WCSS: no other k suggests "
        "itself."
    )
    without = sweep_of([5.0, 5.0], [0.7, 0.6], 2)
    assert other_k(without) is None
    assert "k = 2 has the best squared silhouette and WCSS has no knee:" in say_other_k(
        without, None
    )


def test_what_another_k_groups_differently_is_counted() -> None:
    """The far group falls apart into those with 1 and those with 5 reviews."""
    near = [(10.0 + i, 1.0, 10.0) for i in range(3)]
    far = [(300.0 + i, frequency, 10.0) for frequency in (1.0, 5.0) for i in range(2)]
    data = points(near + far, [10, 10, 10, 6, 6, 4, 4])
    scale = standardization(data)
    place = scale.apply(data)

    def of_k(*members: slice) -> pd.DataFrame:
        centers = np.array([place[each].mean(axis=0) for each in members])
        labels = [f"{len(members)}{letter}" for letter in "ABC"[: len(members)]]
        table = pd.DataFrame(centers, columns=CENTERS).assign(**scale.as_columns())
        return table.assign(k=len(members), cluster_label=labels)

    two = Grouping(of_k(slice(3), slice(3, 7)))
    three = Grouping(of_k(slice(3), slice(3, 5), slice(5, 7)))
    sweep = sweep_of([90.0, 20.0], [0.6, 0.8], 2)
    counted = regrouped(two, three, data)
    assert counted.to_dict("index") == {
        "2A": {"3A": 30, "3B": 0, "3C": 0},
        "2B": {"3A": 0, "3B": 12, "3C": 8},
    }
    # Pairs: 529 in cells, 625 in rows, 529 in columns, 1225 in all.
    rand = (529 - 625 * 529 / 1225) / ((625 + 529) / 2 - 625 * 529 / 1225)
    assert say_other_k(sweep, counted) == (
        "With k = 3, which has the best squared silhouette (0.800 against 0.600): 2A stays much as "
        "it is; 2B is split into 60.0 % 3B and 40.0 % 3C. The adjusted Rand index of both "
        f"groupings is {rand:.2f}."
    )
    chosen_3 = sweep_of([90.0, 20.0], [0.8, 0.6], 3)
    assert ": 3A stays much as it is; 3B and 3C are merged into 2B. " in say_other_k(
        chosen_3, regrouped(three, two, data)
    )
    assert other_k(sweep_of([90.0, 20.0], [0.6, 0.8], 3)) is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        # A few on a border are no change, but a cluster of few is told.
        ([[92, 8, 0], [6, 94, 0], [0, 0, 50]], ": A, B and C stay much as they are. "),
        (
            [[97, 0, 3], [0, 50, 0]],
            ": B stays much as it is; A is split into 97.0 % X and 3.0 % Z. ",
        ),
        ([[40, 60], [0, 80]], ": B becomes part of Y; A is split into 60.0 % Y and 40.0 % X. "),
        (
            [[5, 5, 0, 0, 0, 0]] * 5,
            "; D is split into 50.0 % X and 50.0 % Y; 1 more change. ",
        ),
    ],
)
def test_changes_of_clusters_are_put_into_words(rows: list[list[int]], said: str) -> None:
    table = pd.DataFrame(rows, list("ABCDE"[: len(rows)]), list("XYZUVW"[: len(rows[0])]))
    ks = sweep_of([5.0] * 6, [0.5] * 5 + [0.4], 7)
    ks.loc[ks["k"] == table.shape[1], "silhouette"] = 0.9
    assert said in say_other_k(ks, table)


@pytest.mark.parametrize(
    ("rand", "word"),
    [
        (0.9, "excellent"),
        (0.89, "good"),
        (0.8, "good"),
        (0.79, "moderate"),
        (0.65, "moderate"),
        (0.64, "poor"),
        (-0.5, "poor"),
    ],
)
def test_agreement_in_the_words_of_steinley(rand: float, word: str) -> None:
    assert f" is {word} by the scale of Steinley" in evaluation.say_agreement(rand, 0.5)


def test_convergence_is_said() -> None:
    assert "converged after 7 iterations" in evaluation.say_convergence(KMEANS, 7)
    told = evaluation.say_convergence(KMEANS, 500, "not converged after 500 iterations")
    assert told.endswith("with care: of K-Means, not converged after 500 iterations.")
    told = evaluation.say_convergence("bisecting_kmeans", 3)
    assert told == "The clusters are those of bisecting K-Means, after 3 iterations."


TIED = "user string, recency int, frequency bigint, monetary double, segment string"


def test_ties_are_counted_by_customers(spark: SparkSession) -> None:
    rows = [
        ("a", 1, 1, 5.0, "x"),
        ("b", 1, 1, 5.0, "y"),
        ("c", 1, 1, 5.0, "x"),
        ("d", 2, 1, 5.0, "y"),  # equal to e, and treated so
        ("e", 2, 1, 5.0, "y"),
        ("f", 3, 1, 5.0, "z"),
    ]
    every = spark.createDataFrame(rows, TIED).withColumns(
        {"other": upper("segment"), "without": expr("nullif(segment, 'y')")}
    )
    data = collapse(every, ["user", *FEATURES, "segment", "other"]).cache()
    few, many = ["x", "y", "z"], ["X", "Y", "Z", *map(str, range(100))]
    found = ties.find_ties(data, FEATURES, {"segment": few, "other": many})
    assert found["segment"] == found["other"]
    assert found["segment"] == ties.Ties(customers=6, tied=5, split=3, outcomes=2)
    assert found["segment"].share == 0.5
    # All that is not listed is one outcome.
    by_frequency = ties.find_ties(data, ["frequency"], {"segment": few, "other": ["X"]})
    assert by_frequency == {"segment": ties.Ties(6, 6, 6, 3), "other": ties.Ties(6, 6, 6, 2)}
    nobody = ties.find_ties(data.where("user = 'nobody'"), ["recency"], {"segment": few})["segment"]
    assert nobody == ties.Ties(0, 0, 0, 0)
    assert nobody.share == 0
    assert ties.count_split(every, FEATURES, "segment") == 3
    assert ties.count_split(every, FEATURES, "without") == 3
    assert ties.count_split(every, ["frequency"], "segment") == 6
    assert ties.count_split(every.where("user = 'nobody'"), FEATURES, "segment") == 0
    assert ties.count_segments(data, ["segment", "other"]) == [
        {"x": 2, "y": 3, "z": 1},
        {"X": 2, "Y": 3, "Z": 1},
    ]
    data.unpersist()


def test_ties_of_cdnow_under_three_ways_to_score(spark: SparkSession) -> None:
    """51 % of CDNOW's customers bought on one day: 3, 1 and 1 scores for the same frequency."""
    days = [1] * 51 + list(range(2, 51))
    data = spark.createDataFrame(
        [(f"u{i:03d}", day) for i, day in enumerate(days)], "u string, d int"
    )
    scored = data.selectExpr(
        "d",
        "cast(ntile(5) OVER (ORDER BY d, u) AS int) AS tile",
        "cast(ceil(5 * cume_dist() OVER (ORDER BY d)) AS int) AS cumulative",
        "cast(1 + floor(5 * percent_rank() OVER (ORDER BY d)) AS int) AS ranked",
    ).cache()
    ways = ["tile", "cumulative", "ranked"]
    collapsed = collapse(scored, ["d", *ways])
    assert ties.find_ties(collapsed, ["d"], dict.fromkeys(ways, range(1, 7))) == {
        "tile": ties.Ties(100, 51, 51, 3),
        "cumulative": ties.Ties(100, 51, 0, 1),
        "ranked": ties.Ties(100, 51, 0, 1),
    }
    equal = scored.where("d = 1").distinct().orderBy("tile").collect()
    assert [tuple(row)[1:] for row in equal] == [(1, 3, 1), (2, 3, 1), (3, 3, 1)]
    scored.unpersist()


def test_schemes_are_compared_segment_by_segment() -> None:
    found = ties.compare_segments(
        [{"New": 40, "Best": 10}, {"Best": 45, "Lost": 5}, {"New": 30, "Best": 20}],
        ["New", "Best", "Lost"],
    )
    assert found.set_index("segment").T.to_dict("list") == {
        "New": [40, 0, 30, -40, -30],
        "Best": [10, 45, 20, 35, 25],
        "Lost": [0, 5, 0, 5, 5],
    }
    assert found["difference"].sum() == 0
    assert ties.starved(found, "standard_customers") == ["New"]
    assert ties.swollen(found, "standard_customers") == ["Best", "Lost"]
    half_and_double = found.assign(notebook_customers=[20, 20, 0])
    assert ties.starved(half_and_double, "standard_customers") == []
    assert ties.swollen(half_and_double, "standard_customers") == []


CLUSTERED, EQUAL, NEAR, NOBODY = "2023-02", "2023-03", "2023-04", "2023-05"


@pytest.fixture(scope="module")
def storage(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshots of two groups far apart, of ten equal customers, and of some nearly equal ones."""
    folder = tmp_path_factory.mktemp("evaluation")
    store = Store(folder, "Toys")
    groups = two_groups()
    apart = [
        (f"u{point}-{number}", int(recency), int(frequency), float(monetary))
        for point, (recency, frequency, monetary) in enumerate(groups.features)
        for number in range(int(groups.customers[point]))
    ]
    equal = [(f"u{number}", 10, 1, 5.0) for number in range(10)]
    spends = [5.0, 80.0, *(20 + step * np.spacing(20.0) for step in range(5))]
    near = [(f"u{number}", 30, 1, float(spend)) for number, spend in enumerate(spends)]
    for month, rows in ((CLUSTERED, apart), (EQUAL, equal), (NEAR, near)):
        write_snapshot(rfm_frame(spark, rows), store, RFM_FEATURES, month)
    return folder


def materialize(
    storage: Path, instance: DagsterInstance, month: str, assets: list[str], **configured: Any
) -> ExecuteInProcessResult:
    family = family_of("Toys", storage=storage)
    definitions = build_definitions(family.settings)
    ops = {family.name(name): {"config": config} for name, config in configured.items()}
    return definitions.resolve_job_def(family.name(SEGMENT)).execute_in_process(
        instance=instance,
        partition_key=month,
        asset_selection=[family.key(name) for name in assets],
        run_config={"ops": ops},
    )


def metadata(result: ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    of_step = result.asset_materializations_for_node(f"Toys__{asset}")
    [materialization] = (each for each in of_step if each.asset_key.path == ["Toys", asset])
    return {key: value.value for key, value in materialization.metadata.items()}


def stored(storage: Path, asset: str, month: str) -> pd.DataFrame:
    return pq.read_table(Store(storage, "Toys").path(asset, month), partitioning=None).to_pandas()


@pytest.fixture(scope="module")
def evaluated(storage: Path, instance: DagsterInstance) -> ExecuteInProcessResult:
    return materialize(
        storage,
        instance,
        CLUSTERED,
        [
            "k_sweep",
            "cluster_centers",
            "cluster_model",
            "customer_clusters",
            "rfm_segments",
            "segment_summary",
            "cluster_validation",
        ],
        k_sweep={"k_max": 3, "k": 2},
        cluster_validation={"resamples": 3},
    )


def test_the_sweep_tells_the_k_that_it_skipped(storage: Path, instance: DagsterInstance) -> None:
    # Of the 7 customers some have the same logarithms, which leaves fewer than 7 points apart.
    config = {"k_min": 7, "k_max": 8, "k": 2, "random_state": LARGEST_SEED}
    result = materialize(storage, instance, NEAR, ["k_sweep", "cluster_centers"], k_sweep=config)
    assert stored(storage, "k_sweep", NEAR)["k"].tolist() == [2]
    assert metadata(result, "k_sweep")["skipped_ks"] == [7, 8]


def test_limits_of_k_are_compared_before_customers_are_read(
    storage: Path, instance: DagsterInstance
) -> None:
    config, of_sweep = {"k_min": 4, "k_max": 3}, ["k_sweep", "cluster_centers"]
    with pytest.raises(Failure, match="k_min = 4 is above k_max = 3"):
        materialize(storage, instance, NOBODY, of_sweep, k_sweep=config)


def test_clusters_are_evaluated(storage: Path, evaluated: ExecuteInProcessResult) -> None:
    table = stored(storage, "cluster_validation", CLUSTERED)
    assert table["customers"].tolist() == [40, 40]
    assert table["stability"].tolist() == [1.0, 1.0]
    found = metadata(evaluated, "cluster_validation")
    assert (found["smallest_share"], found["largest_share"]) == (0.5, 0.5)
    assert found["balance"] == pytest.approx(1)
    assert found["converged"]
    assert found["silhouette"] == pytest.approx(table["silhouette"].mean(), abs=1e-4)
    assert found["stability_adjusted_rand_mean"] == found["stable_share_min"] == 1.0
    assert found["stability_adjusted_rand_sd"] == 0.0
    assert 0.7 < found["silhouette_plain"] < found["silhouette"]
    assert found["clusters_by_other_k"] == "No other k suggests itself."
    for sentence in ("balance of 1.00", "strong structure", "In 3 resamples 100.0 %", "converged"):
        assert sentence in found["what_it_means"]


def test_assets_tell_shares_sizes_and_names(
    storage: Path, evaluated: ExecuteInProcessResult
) -> None:
    clustered = metadata(evaluated, "customer_clusters")
    assert (clustered["share_cluster_0"], clustered["share_cluster_1"]) == (0.5, 0.5)
    of_segments = metadata(evaluated, "segment_summary")
    segments = stored(storage, "rfm_segments", CLUSTERED)["segment"]
    shares = {name: of_segments[f"share_{name}"] for name in load_scheme("standard").segments}
    found = segments.value_counts(normalize=True).to_dict()
    assert {name: share for name, share in shares.items() if share} == found
    assert 0 in shares.values()
    # The same is known when they are assigned.
    assigned = metadata(evaluated, "rfm_segments")
    assert {name: assigned[f"share_{name}"] for name in shares} == shares
    assert [*load_scheme("standard").segments] == [
        row.split(" | ")[0].removeprefix("| ") for row in assigned["segments"].splitlines()[2:]
    ]
    model = metadata(evaluated, "cluster_model")
    assert model["dagster/table_name"] == "Toys.cluster_model"
    files = on_disk(Store(storage, "Toys").path("cluster_model", CLUSTERED)).rglob("*")
    sizes = [file.stat().st_size for file in files if file.is_file() and file.name != NOTE]
    assert model["bytes"] == sum(sizes)


@pytest.mark.usefixtures("evaluated")
def test_the_summary_equals_what_pandas_makes_of_the_customers(storage: Path) -> None:
    scores, cluster = ["r_score", "f_score", "m_score"], ["cluster", "cluster_label"]
    segments = stored(storage, "rfm_segments", CLUSTERED)[["user_id", "segment", *scores]]
    clusters = stored(storage, "customer_clusters", CLUSTERED)[["user_id", *cluster]]
    customers = stored(storage, "rfm_features", CLUSTERED).merge(segments).merge(clusters)
    assert len(customers) == 80
    found = stored(storage, "segment_summary", CLUSTERED)
    groups = customers.groupby([*cluster, "segment", *scores])
    expected = groups[list(FEATURES)].sum().add_prefix("total_")
    expected.insert(0, "customers", groups.size())
    pd.testing.assert_frame_equal(found, expected.reset_index(), check_dtype=False)

    customers["fm_score"] = ((customers["f_score"] + customers["m_score"]) / 2 + 0.5).astype(int)
    for sum_up, keys in (
        (summary.by_cluster, cluster),
        (summary.by_segment, ["segment"]),
        (summary.by_cell, ["r_score", "fm_score"]),
        (summary.by_cluster_and_segment, [*cluster, "segment"]),
    ):
        groups = customers.groupby(keys)
        means = groups[list(FEATURES)].mean()
        means.insert(0, "share", groups.size() / 80)
        table = sum_up(found).set_index(keys)[means.columns].sort_index()
        pd.testing.assert_frame_equal(table, means, check_dtype=False, check_index_type=False)


def test_schemes_differ_in_what_they_do_to_equal_customers(
    storage: Path, instance: DagsterInstance
) -> None:
    result = materialize(storage, instance, EQUAL, ["scheme_comparison"])
    found = metadata(result, "scheme_comparison")
    # Scores 111 for all; in tiles, 111, 222, 333, 444 and 555 for two each.
    assert found["standard_equals_in_other_segments"] == 0
    assert found["standard_equal_frequency_most_scores"] == 1
    assert found["notebook_equals_in_other_segments"] == 10
    assert found["notebook_equals_in_other_segments_share"] == 1.0
    assert found["notebook_equal_frequency_other_score"] == 10
    assert found["notebook_equal_frequency_most_scores"] == 5
    table = stored(storage, "scheme_comparison", EQUAL)
    counts = table.set_index("segment")[["standard_customers", "notebook_customers"]]
    assert counts[counts.any(axis=1)].T.to_dict("list") == {
        "Champions": [0, 4],
        "Needs Attention": [0, 2],
        "Hibernating": [0, 4],
        "Lost": [10, 0],
    }
    assert found["starved_against_standard"] == ["Lost"]
    assert found["swollen_by_scores"] == ["Champions", "Needs Attention"]
