"""The benchmark's arithmetic, its verdict on results, and its watch over processes."""

import json
import os
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from sklearn.metrics import silhouette_score

from amazon_seg_assets.sample.writer import write_sample
from benchmarks.figures import ratio, slope, table_bytes
from benchmarks.plot import time_over_size
from benchmarks.report import comparison


def test_time_that_grows_with_the_size_has_slope_1_beyond_what_is_fixed() -> None:
    seconds = {1_000: 12.0, 10_000: 30.0, 100_000: 210.0}  # 10 + size / 500
    assert slope(seconds, fixed=10) == pytest.approx(1)
    assert slope({10: 1.0, 1_000: 100.0**2}) == pytest.approx(2)
    assert 0 < (slope(seconds) or 0) < 1


def test_a_slope_needs_two_sizes_that_take_longer_than_nothing() -> None:
    assert slope({1_000: 12.0}) is None
    assert slope({1_000: 10.0, 10_000: 30.0}, fixed=10) is None


def test_a_ratio_needs_something_to_compare_with() -> None:
    assert ratio(6, 4) == 1.5
    assert ratio(6, None) is None


def test_tables_are_measured_with_all_their_months(tmp_path: Path) -> None:
    for name, size in (("a/month=2023-01/x", 5), ("a/month=2023-02/x", 7), ("b/y", 1)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0" * size)
    (tmp_path / ".staging").mkdir()
    assert table_bytes(tmp_path) == {"a": 12, "b": 1}


def test_the_table_gives_times_as_multiples_of_what_they_are_compared_with() -> None:
    figures: dict[str, Any] = {
        "reviews": 1_200,
        "cpu_seconds": 9.0,
        "peak_bytes": 2_500_000_000,
        "stored_bytes": 1_000_000,
    }
    runs = {
        "ours": figures | {"seconds": 30.0, "compared_with": "peer"},
        "peer": figures | {"seconds": 20.0, "compared_with": "peer"},
        "alone": figures | {"seconds": 5.0},
    }
    console = Console(width=120, file=StringIO(), record=True)
    console.print(comparison(runs, 1_200))
    lines = {
        row[0]: row[1:]
        for line in console.export_text().splitlines()
        if (row := [cell.strip() for cell in line.strip("│┃").split("│")])[0] in runs
    }
    assert lines["ours"] == ["30.0", "40", "9.0", "2.50", "0.00", "1.50"]
    assert lines["peer"][-1] == "1.00"
    assert lines["alone"][-1] == ""


def test_the_memory_of_a_child_s_child_counts(tmp_path: Path) -> None:
    pytest.importorskip("psutil", reason="needs the extra bench")
    from benchmarks.measure import CommandError, measure

    hold = "import time; held = b'1' * (100 << 20); time.sleep(1)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}], check=True)"
    taken = measure([sys.executable, "-c", parent], tmp_path / "log")
    assert 100 * 2**20 < taken.peak_bytes < 200 * 2**20
    assert taken.seconds > 1 > taken.cpu_seconds
    with pytest.raises(CommandError, match="no such day"):
        measure([sys.executable, "-c", "raise SystemExit('no such day')"], tmp_path / "log")


def test_the_peer_s_silhouette_is_scikit_learn_s() -> None:
    pytest.importorskip("duckdb", reason="needs the extra bench")
    from benchmarks.peer import silhouette

    random = np.random.default_rng(3)
    points, weights = random.normal(size=(40, 3)), random.integers(1, 5, 40)
    labels = np.arange(40) % 3
    each = np.repeat(points, weights, axis=0), np.repeat(labels, weights)
    expected = silhouette_score(*each, metric="sqeuclidean")
    assert silhouette(points, weights.astype(float), labels, 3) == pytest.approx(expected, abs=1e-9)


def results(folder: Path, wcss: dict[int, float], segment: str = "Champions") -> Path:
    """A folder with the tables that are compared, of two customers."""
    tables: dict[str, dict[str, list[Any]]] = {
        "rfm_features": {"frequency": [1, 2], "monetary": [9.5, 20.0]},
        "rfm_segments": {"segment": [segment, "Lost"]},
        "k_sweep": {"k": list(wcss), "wcss": list(wcss.values())},
    }
    for name, columns in tables.items():
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.table(columns), folder / name / "0.parquet")
    return folder


@pytest.mark.parametrize(
    ("ours", "agrees"),
    [
        ({"wcss": {2: 10.0, 3: 4.0}}, True),
        ({"wcss": {2: 9.0, 3: 4.003}}, True),
        ({"wcss": {2: 10.0, 3: 4.005}}, False),
        ({"wcss": {2: 10.0}}, False),
        ({"wcss": {2: 10.0, 3: 4.0}, "segment": "At Risk"}, False),
    ],
)
def test_results_agree_if_all_are_equal_and_no_optimum_is_worse(
    tmp_path: Path, ours: dict[str, Any], agrees: bool
) -> None:
    pytest.importorskip("duckdb", reason="needs the extra bench")
    from benchmarks.agreement import compare

    peers = results(tmp_path / "peer", {2: 10.0, 3: 4.0})
    assert compare(results(tmp_path / "ours", **ours), peers)["agrees"] is agrees


def test_the_peer_keeps_of_equal_products_the_dearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    duckdb = pytest.importorskip("duckdb", reason="needs the extra bench")
    from benchmarks.peer import Peer

    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    review = {"parent_asin": "A", "timestamp": 1_690_000_000_000, "verified_purchase": True}
    prices = ["9.99", "10.99", "\u2014"]
    products = [{"parent_asin": "A", "rating_number": 5, "price": price} for price in prices]
    for name, records in (
        ("review_categories/Toys", [review]),
        ("meta_categories/meta_Toys", products),
    ):
        path = tmp_path / f"raw/{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    (tmp_path / "results").mkdir()
    peer = Peer(tmp_path, tmp_path / "results", "Toys")
    peer.ingest()
    peer.clean()
    stored = tmp_path / "results/clean_metadata/0.parquet"
    assert duckdb.sql(f"SELECT price FROM '{stored}'").fetchall() == [(10.99,)]


def test_time_over_size_shows_both_and_their_ratio() -> None:
    figure = time_over_size({20_000: 40.0, 2_000_000: 90.0}, {20_000: 4.0, 2_000_000: 60.0}, "here")
    [axes] = figure.axes
    assert [line.get_label() for line in axes.lines] == ["ours", "by hand"]
    assert [text.get_text() for text in axes.texts] == ["10.0×", "1.5×"]


def test_the_peer_explores_as_we_do(tmp_path: Path) -> None:
    """Its counts and lists, on a small sample, equal what plain Python finds."""
    duckdb = pytest.importorskip("duckdb", reason="needs the extra bench")
    from benchmarks.peer import Peer

    write_sample(tmp_path, "Toys", 3_000)
    lines = (tmp_path / "raw/review_categories/Toys.jsonl").read_text().splitlines()
    reviews = [json.loads(line) for line in lines]
    results = tmp_path / "results"
    results.mkdir()
    peer = Peer(tmp_path, results, "Toys")
    for step in (peer.ingest, peer.clean, peer.explore):
        step()
    profile = duckdb.sql(f"FROM '{results}/review_profile/0.parquet'").df().iloc[0]
    assert profile["rows"] == profile["rating_count"] == len(reviews)
    assert profile["rating_avg"] == pytest.approx(np.mean([each["rating"] for each in reviews]))
    distinct = len({each["user_id"] for each in reviews})
    assert profile["user_id_distinct"] == pytest.approx(distinct, rel=0.1)
    helpful = duckdb.sql(f"FROM '{results}/helpful_reviews/0.parquet'").df()
    votes = sorted(each["helpful_vote"] for each in reviews if each["verified_purchase"])[-15:]
    assert sorted(helpful[helpful["is_verified"]]["helpful_vote"]) == votes
    ratings = duckdb.sql(f"FROM '{results}/rating_counts/0.parquet'").df()
    assert ratings["reviews"].sum() == len(reviews)
    lists = duckdb.sql(f"FROM '{results}/top_products/0.parquet'").df()
    assert lists["list"].nunique() == 7
