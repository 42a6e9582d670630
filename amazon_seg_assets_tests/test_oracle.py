"""The pipeline's stored tables against other implementations, on raw files full of quirks.

Features, scores and segments are compared exactly with a naive oracle, and scores once more with
SQLite's window functions; the figures of the clusters with scikit-learn and MLlib.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dagster import AssetCheckEvaluation, DagsterInstance
from pyspark.ml import PipelineModel
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.sql import SparkSession
from sklearn.metrics import pairwise_distances_argmin, silhouette_samples, silhouette_score
from sklearn.preprocessing import StandardScaler

from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.dag.metadata import rounded
from amazon_seg_assets.months import month_range
from amazon_seg_assets.planning.jobs import INGEST, PREPARE
from amazon_seg_assets_tests import oracle
from amazon_seg_assets_tests.graph import Graph
from amazon_seg_assets_tests.oracle import Customer, Record, Scored
from amazon_seg_assets_tests.quirks import (
    AFTER_LEAP_DAY,
    LEAP_DAY,
    quirky_products,
    quirky_reviews,
)
from amazon_seg_assets_tests.raw_files import write_raw

MONTHS = month_range("2019-02", AFTER_LEAP_DAY)
SNAPSHOTS = (LEAP_DAY, AFTER_LEAP_DAY)
SCHEMES = {"standard": oracle.standard_segments, "notebook": oracle.notebook_segments}
TRANSFORMED = ["recency", "frequency_log", "monetary_log"]
CLUSTERING = ["k_sweep", "cluster_centers", "cluster_model", "customer_clusters"]


@dataclass
class Proven:
    """Tables of the graph and of the oracle, made of the same raw files.

    Attributes:
        graph: with all its tables stored; clusters and the comparison of one snapshot alone.
        raw: reviews.
        segments: rows of ``rfm_segments`` by scheme and snapshot.
        checks: of equal customers, by scheme and snapshot.
        joined: the oracle's reviews, of all months.
        customers: the oracle's, by snapshot.
    """

    graph: Graph
    raw: list[Record]
    segments: dict[tuple[str, str], list[Record]]
    checks: dict[tuple[str, str], AssetCheckEvaluation]
    joined: list[Record]
    customers: dict[str, list[Customer]]


@pytest.fixture(scope="module")
def proven(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proven]:
    assert spark is not None
    reviews, products = quirky_reviews(), quirky_products()
    folder = write_raw(tmp_path_factory.mktemp("oracle"), "Electronics", reviews, products)
    with DagsterInstance.ephemeral() as instance:
        graph = Graph(folder, "Electronics", instance)
        run = graph.run()
        run.execute(INGEST)
        run.execute(PREPARE, range_tags(MONTHS[0], MONTHS[-1]))
        segments, checks = {}, {}
        for snapshot in SNAPSHOTS:
            for scheme in SCHEMES:
                features = ["rfm_features"] if scheme == "standard" else []
                result = graph.materialize(
                    snapshot, [*features, "rfm_segments"], rfm_segments={"scheme": scheme}
                )
                segments[scheme, snapshot] = graph.rows("rfm_segments", snapshot)
                [checks[scheme, snapshot]] = [
                    evaluation
                    for evaluation in result.get_asset_check_evaluations()
                    if evaluation.check_name == "equal_customers_get_equal_segments"
                ]
        graph.materialize(LEAP_DAY, [*CLUSTERING, "scheme_comparison"], k_sweep={"k_max": 5})
        joined = oracle.joined_reviews(
            oracle.clean_reviews(reviews),
            oracle.clean_products(products, oracle.EXCLUDED_OF_ELECTRONICS),
        )
        customers = {snapshot: oracle.customers_as_of(joined, snapshot) for snapshot in SNAPSHOTS}
        yield Proven(graph, reviews, segments, checks, joined, customers)


def bag(rows: Iterable[Record], columns: Iterable[str]) -> Counter[tuple[Any, ...]]:
    """Rows as they are, whatever their order, each as often as it is there."""
    names = list(columns)
    return Counter(
        tuple(tuple(v) if isinstance(v := row[name], list) else v for name in names) for row in rows
    )


def of_month(rows: Iterable[Record], month: str) -> list[Record]:
    return [row for row in rows if f"{row['timestamp']:%Y-%m}" == month]


def scored(rows: Iterable[Record]) -> Scored:
    scores = ("r_score", "f_score", "m_score", "segment")
    return {row["user_id"]: tuple(row[name] for name in scores) for row in rows}


def test_the_raw_files_hold_what_they_are_for(proven: Proven) -> None:
    assert len(proven.joined) < sum(
        r["verified_purchase"] is True for r in proven.raw
    )  # duplicates
    for snapshot in SNAPSHOTS:
        customers = proven.customers[snapshot]
        assert len(customers) > 400
        assert 0.8 < sum(c.frequency == 1 for c in customers) / len(customers) < 0.9
        assert {1, 367} <= {c.recency for c in customers} <= set(range(1, 368))
        # Were texts ordered by UTF-16, as in Java, other customers would be in other tiles.
        renamed = [
            Customer(c.user_id.encode("utf-16-be").hex(), c.recency, c.frequency, c.monetary)
            for c in customers
        ]
        back = {c.user_id.encode("utf-16-be").hex(): c.user_id for c in customers}
        by_utf_16 = oracle.notebook_segments(renamed)
        assert {back[user]: found for user, found in by_utf_16.items()} != oracle.notebook_segments(
            customers
        )
    # A cut falls among customers of equal monetary value and unequal frequency.
    customers = proven.customers[LEAP_DAY]
    assert oracle.tiles(
        customers, lambda c: (c.monetary, c.frequency, -c.recency, c.user_id)
    ) != oracle.tiles(customers, lambda c: (c.monetary, -c.recency, c.user_id))


@pytest.mark.parametrize("table", ["clean_reviews", "joined_reviews"])
def test_rows_of_each_month_equal_the_oracle_s(proven: Proven, table: str) -> None:
    columns = [*oracle.REVIEW_FIELDS]
    if table == "joined_reviews":
        columns.remove("text")
        columns += ["main_category", "product_name", "price", "avg_product_rating", "categories"]
    ids = set()
    for month in MONTHS:
        stored = proven.graph.rows(table, month)
        assert set(columns) <= set(stored[0])
        assert bag(stored, columns) == bag(of_month(proven.joined, month), columns)
        ids |= {row["review_id"] for row in stored}
    assert len(ids) == sum(len(of_month(proven.joined, month)) for month in MONTHS)


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_features_equal_the_oracle_s(proven: Proven, snapshot: str) -> None:
    stored = sorted(proven.graph.rows("rfm_features", snapshot), key=lambda row: row["user_id"])
    customers = proven.customers[snapshot]
    assert [
        Customer(row["user_id"], row["recency"], row["frequency"], row["monetary"])
        for row in stored
    ] == customers
    for row, customer in zip(stored, customers, strict=True):
        assert (row["frequency_log"], row["monetary_log"]) == pytest.approx(
            customer.logs, rel=1e-15, abs=0
        )


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_and_segments_equal_the_oracle_s(proven: Proven, scheme: str, snapshot: str) -> None:
    stored = proven.segments[scheme, snapshot]
    assert scored(stored) == SCHEMES[scheme](proven.customers[snapshot])
    assert len(stored) == len(proven.customers[snapshot])
    for row in stored:
        assert row["rfm_score"] == f"{row['r_score']}{row['f_score']}{row['m_score']}"


SQL = {
    "notebook": """
        SELECT user_id,
            ntile(5) OVER (ORDER BY recency DESC, user_id),
            ntile(5) OVER (ORDER BY frequency_log, recency DESC, user_id),
            ntile(5) OVER (ORDER BY monetary_log, frequency, recency DESC, user_id)
        FROM features""",
    "standard": """
        SELECT user_id,
            min(5, 1 + floor(5 * percent_rank() OVER (ORDER BY recency DESC))),
            CASE WHEN frequency = 1 THEN 1 ELSE min(5, 2 + floor(
                4 * percent_rank() OVER (PARTITION BY frequency > 1 ORDER BY frequency)
            )) END,
            min(5, 1 + floor(5 * percent_rank() OVER (ORDER BY monetary)))
        FROM features""",
}


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
@pytest.mark.parametrize("scheme", SQL)
def test_scores_equal_those_of_sql_s_window_functions(
    proven: Proven, scheme: str, snapshot: str
) -> None:
    database = sqlite3.connect(":memory:")
    database.create_function("floor", 1, np.floor)
    features = pd.DataFrame(proven.graph.rows("rfm_features", snapshot))
    features.to_sql("features", database, index=False)
    by_sql = {user: tuple(map(int, scores)) for user, *scores in database.execute(SQL[scheme])}
    stored = scored(proven.segments[scheme, snapshot])
    assert {user: scores for user, (*scores, _) in stored.items()} == {
        user: list(scores) for user, scores in by_sql.items()
    }
    database.close()


def test_the_notebook_scheme_leaves_no_newcomers(proven: Proven) -> None:
    """As published: none, as tiles give the recent ones of equal customers the higher f scores."""
    customers = proven.customers[LEAP_DAY]
    of = {name: segment_of(customers) for name, segment_of in SCHEMES.items()}
    notebook = Counter(segment for *_, segment in of["notebook"].values())
    standard = Counter(segment for *_, segment in of["standard"].values())
    assert notebook["New Customers"] == notebook["Promising"] == 0
    assert standard["New Customers"] > 20
    assert standard["Promising"] > 20
    by_rules = Counter(oracle.by_ordered_rules(r, f, m) for r, f, m, _ in of["standard"].values())
    stored = proven.graph.rows("scheme_comparison", LEAP_DAY)
    for counts, column in (
        (standard, "standard_customers"),
        (notebook, "notebook_customers"),
        (by_rules, "notebook_rules_customers"),
    ):
        assert {row["segment"]: row[column] for row in stored if row[column]} == counts
    said = proven.graph.metadata("scheme_comparison", LEAP_DAY)
    assert {"New Customers", "Promising"} <= set(said["starved_against_standard"])
    assert {"New Customers", "Promising"} <= set(said["starved_by_scores"])
    for scheme, segments in of.items():
        share = separated_from_equals(customers, segments) / len(customers)
        assert said[f"{scheme}_equals_in_other_segments_share"] == rounded(share)
        check = proven.checks[scheme, LEAP_DAY]
        assert check.metadata["value"].value == rounded(share)
        assert (share == 0) == (scheme == "standard")
        # The notebook's scheme separates them by its own rules: there the check informs.
        assert (check.passed, check.metadata["threshold"].value) == (True, float(share > 0))
        assert check.severity.value == "WARN"


def separated_from_equals(customers: list[Customer], segments: Scored) -> int:
    """Customers who have an equal in another segment, by looking at each pair."""
    found = 0
    for one in customers:
        equals = [
            other
            for other in customers
            if (other.recency, other.frequency, other.monetary)
            == (one.recency, one.frequency, one.monetary)
        ]
        found += len({segments[other.user_id][3] for other in equals}) > 1
    return found


def test_clusters_equal_scikit_learn_s_and_mllib_s_figures(
    spark: SparkSession, proven: Proven
) -> None:
    features = pd.DataFrame(proven.graph.rows("rfm_features", LEAP_DAY))
    values = features[TRANSFORMED].to_numpy(float)
    scaler = StandardScaler().fit(values)
    n = len(values)
    sd = scaler.scale_ * (n / (n - 1)) ** 0.5  # of the sample, as Spark's scaler has it
    standardized = (values - scaler.mean_) / sd
    sweep = pd.DataFrame(proven.graph.rows("k_sweep", LEAP_DAY)).set_index("k")
    assert sweep.index.tolist() == [2, 3, 4, 5]
    centers = pd.DataFrame(proven.graph.rows("cluster_centers", LEAP_DAY))
    for k, of_k in centers.groupby("k"):
        assert of_k[[f"{name}_mean" for name in TRANSFORMED]].to_numpy() == pytest.approx(
            np.tile(scaler.mean_, (k, 1)), rel=1e-12
        )
        assert of_k[[f"{name}_sd" for name in TRANSFORMED]].to_numpy() == pytest.approx(
            np.tile(sd, (k, 1)), rel=1e-12
        )
        middle = of_k[[f"{name}_center" for name in TRANSFORMED]].to_numpy()
        labels = pairwise_distances_argmin(standardized, middle)
        wcss = ((standardized - middle[labels]) ** 2).sum()
        assert sweep.loc[k, "wcss"] == pytest.approx(wcss, rel=1e-9, abs=0)
        assert of_k["customers"].tolist() == np.bincount(labels).tolist()
        each = silhouette_samples(standardized, labels, metric="sqeuclidean")
        assert sweep.loc[k, "silhouette"] == pytest.approx(each.mean(), rel=1e-9, abs=0)
        plain = silhouette_score(standardized, labels)
        assert sweep.loc[k, "silhouette_plain"] == pytest.approx(plain, rel=1e-9, abs=0)
        by_cluster = [each[labels == cluster].mean() for cluster in range(k)]
        assert of_k["silhouette"].to_numpy() == pytest.approx(by_cluster, rel=1e-9, abs=0)
        if sweep.loc[k, "chosen"]:
            clusters = dict(zip(features["user_id"], labels.tolist(), strict=True))
    stored = proven.graph.rows("customer_clusters", LEAP_DAY)
    assert {row["user_id"]: row["cluster"] for row in stored} == clusters

    store = proven.graph.store
    model = PipelineModel.load(str(store.path("cluster_model", LEAP_DAY)))
    customers = spark.read.parquet(str(store.path("rfm_features", LEAP_DAY)))
    again = model.transform(customers.select("user_id", "recency", "frequency", "monetary"))
    assert {row["user_id"]: row["cluster"] for row in again.collect()} == clusters
    kmeans: Any = model.stages[-1]
    evaluator = ClusteringEvaluator(
        featuresCol=kmeans.getFeaturesCol(), predictionCol="cluster", metricName="silhouette"
    )
    assert evaluator.getDistanceMeasure() == "squaredEuclidean"
    silhouette = sweep.loc[sweep["chosen"], "silhouette"].item()
    assert evaluator.evaluate(again) == pytest.approx(silhouette, rel=1e-9, abs=0)


def test_more_customers_than_memory_takes_are_all_fitted(proven: Proven) -> None:
    graph, customers = proven.graph, len(proven.customers[AFTER_LEAP_DAY])
    # The checks of the clusters stop the run if customers are missing.
    graph.materialize(AFTER_LEAP_DAY, CLUSTERING, k_sweep={"k_max": 3, "max_points": 100})
    assert graph.metadata("k_sweep", AFTER_LEAP_DAY)["points_are"] == "cells of a grid"
    sizes = graph.read("cluster_centers", AFTER_LEAP_DAY).groupby("k")["customers"].sum()
    assert sizes.tolist() == [customers] * 2
    assert len(graph.rows("customer_clusters", AFTER_LEAP_DAY)) == customers
