"""Thresholds through the graph: those that a run reports, and those that a user sets by hand."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterInstance
from pyspark.sql import SparkSession

from amazon_seg_assets.rules.files import built_in
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.storage.spark_tables import write_snapshot
from amazon_seg_assets_tests.graph import Graph, rfm_frame

PUBLISHED, COUNTED, TIED = "2023-02", "2023-03", "2023-04"
# The table in the README of the R package rfm, and its thresholds.
OF_R_RFM = {
    (205, 6, 472.0): ("343", "Loyal Customers"),  # fm = 3.5, rounded up to 4
    (140, 3, 340.0): ("412", "Potential Loyalists"),
    (194, 4, 405.0): ("323", "Needs Attention"),
    (98, 7, 596.0): ("544", "Champions"),
    (132, 5, 448.0): ("433", "Potential Loyalists"),
}
THRESHOLDS_OF_R_RFM = {
    "recency": [115, 181, 297, 482],
    "frequency": [4, 5, 6, 8],
    "monetary": [256, 382, 506, 666],
}


@pytest.fixture(scope="module")
def graph(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """Customers of R rfm's table; eleven with 1 to 11 of everything; 80 of whom most are alike."""
    counted = [(f"u{i:02}", i, i, float(i)) for i in range(1, 12)]
    published = [(f"u{i:02}", *customer) for i, customer in enumerate(OF_R_RFM)]
    # 64 with one review and four sums among them, 12 with two reviews, 4 with three.
    tied = [
        (f"u{i:02}", 7 * (i % 6 + 1), 1 + (i >= 64) + (i >= 76), (9.99, 25.98, 25.98, 70.1)[i % 4])
        for i in range(80)
    ]
    with DagsterInstance.ephemeral() as instance:
        graph = Graph(tmp_path_factory.mktemp("thresholds"), "Toys", instance)
        for month, rows in ((PUBLISHED, published), (COUNTED, counted), (TIED, tied)):
            write_snapshot(rfm_frame(spark, rows), graph.store, RFM_FEATURES, month)
        yield graph


def by_hand(folder: Path, thresholds: dict[str, list[int]]) -> str:
    """The standard scheme's grid, with cut points set by hand."""
    scheme = yaml.safe_load(built_in("schemes/standard.yaml").read_text())
    path = folder / "mine.yaml"
    path.write_text(
        yaml.safe_dump(scheme | {"name": "mine", "scoring": "thresholds", "thresholds": thresholds})
    )
    return str(path)


def frozen(folder: Path, metadata: str) -> str:
    """The standard scheme, with its line ``scoring:`` replaced by what the metadata offers."""
    [entries] = re.findall(r"```yaml\n(.*)```", metadata, re.DOTALL)
    text = built_in("schemes/standard.yaml").read_text()
    path = folder / "frozen.yaml"
    path.write_text(text.replace("scoring: percent_rank\n", entries))
    return str(path)


def segments(graph: Graph, snapshot: str, scheme: str) -> list[dict[str, Any]]:
    graph.materialize(snapshot, ["rfm_segments"], rfm_segments={"scheme_file": scheme})
    return sorted(graph.rows("rfm_segments", snapshot), key=lambda row: row["user_id"])


def test_thresholds_set_by_hand_give_the_table_of_the_r_package_rfm(
    graph: Graph, tmp_path: Path
) -> None:
    found = segments(graph, PUBLISHED, by_hand(tmp_path, THRESHOLDS_OF_R_RFM))
    assert {
        (row["recency"], row["frequency"], row["monetary"]): (row["rfm_score"], row["segment"])
        for row in found
    } == OF_R_RFM
    told = graph.metadata("rfm_segments", PUBLISHED)
    assert told["scheme"] == "mine"
    assert told["thresholds_recency"] == [482, 297, 181, 115]
    assert told["thresholds_frequency"] == [4, 5, 6, 8]
    assert told["thresholds_monetary"] == [256, 382, 506, 666]
    assert told["thresholds_recency_mean"].endswith("that the value is below.")
    assert told["thresholds_monetary_mean"].endswith("that the value reaches.")


def test_thresholds_in_use_are_told_and_can_be_set_by_hand(graph: Graph, tmp_path: Path) -> None:
    found = segments(graph, COUNTED, "standard")
    told = graph.metadata("rfm_segments", COUNTED)
    # Above the thresholds must be 2, 4, 6 and 8 of the 10 others; of 10 repeat customers, more than
    # one review, 9/4, 18/4 and 27/4 of the 9 others, rounded up.
    assert told["thresholds_recency"] == [10, 8, 6, 4]
    assert told["thresholds_frequency"] == [1, 4, 6, 8]
    assert told["thresholds_monetary"] == [2, 4, 6, 8]
    assert told["thresholds_recency_mean"].endswith("that the value is below.")
    assert told["thresholds_monetary_mean"].endswith("that the value is above.")
    for row in found:
        assert row["r_score"] == 1 + sum(row["recency"] < t for t in told["thresholds_recency"])
        assert row["f_score"] == 1 + sum(row["frequency"] > t for t in told["thresholds_frequency"])
        assert row["m_score"] == 1 + sum(row["monetary"] > t for t in told["thresholds_monetary"])
    # By hand a value on a threshold is in the interval above; recency is the same either way.
    mine = {"recency": [4, 6, 8, 10], "frequency": [2, 5, 7, 9], "monetary": [3, 5, 7, 9]}
    assert segments(graph, COUNTED, by_hand(tmp_path, mine)) == found


def test_a_scheme_with_frozen_thresholds_gives_the_same_scores(
    graph: Graph, tmp_path: Path
) -> None:
    found = segments(graph, TIED, "standard")
    told = graph.metadata("rfm_segments", TIED)
    assert told["thresholds_frequency"] == [1, 2, 2, 2]
    assert told["thresholds_monetary"] == [9.99, 25.98, 25.98, 70.1]
    scheme = frozen(tmp_path, told["thresholds_frozen"])
    assert segments(graph, TIED, scheme) == found
    assert graph.metadata("rfm_segments", TIED)["thresholds_frequency"] == [2, 3, 3, 3]


def test_tiles_tell_what_divides_customers_on_a_threshold(graph: Graph) -> None:
    segments(graph, COUNTED, "notebook")
    told = graph.metadata("rfm_segments", COUNTED)
    assert told["thresholds_recency"] == [9, 7, 5, 3]  # tiles of 3, 2, 2, 2 and 2
    assert told["thresholds_monetary"] == [3, 5, 7, 9]
    assert told["thresholds_monetary_mean"].endswith("by frequency, -recency, user_id.")
    assert "thresholds_frozen" not in told
