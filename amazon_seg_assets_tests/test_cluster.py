"""The whole graph on a real standalone cluster gives what it gives on one machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from amazon_seg_assets.cli import main
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.standalone_cluster import StandaloneCluster, standalone_cluster

pytestmark = pytest.mark.cluster

TABLES = {
    "clean_reviews": None,
    "clean_metadata": None,
    "joined_reviews": None,
    "rfm_features": "2023-09",
    "k_sweep": "2023-09",
    "cluster_centers": "2023-09",
    "customer_clusters": "2023-09",
    "rfm_segments": "2023-09",
    "segment_summary": "2023-09",
    "scheme_comparison": "2023-09",
}


def options(folder: Path) -> list[str]:
    storage = str(folder / "data")
    return ["run", "--reviews", "20000", "--skip-exploration", "--storage", storage]


def start_run(folder: Path, master: str) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "amazon_seg_assets", *options(folder), "--master", master,
    ]  # fmt: skip
    environment = os.environ | {
        "DAGSTER_HOME": str(folder / "home"),
        "AMAZON_SEG_SPARK_CONF": "spark.sql.shuffle.partitions=4 spark.executor.memory=1g",
    }
    return subprocess.Popen(command, env=environment, cwd=folder, stderr=subprocess.PIPE, text=True)


def finish(run: subprocess.Popen[str]) -> None:
    _, error = run.communicate(timeout=300)
    assert run.returncode == 0, error


def rows(folder: Path) -> dict[str, list[str]]:
    """Each table as sorted rows; how long a fit took is left out, as it differs."""
    store = Store(folder / "data", "Electronics")
    return {
        table: sorted(
            repr({key: value for key, value in row.items() if key != "seconds"})
            for row in pq.read_table(store.path(table, month), partitioning=None).to_pylist()
        )
        for table, month in TABLES.items()
    }


@pytest.fixture(scope="module")
def local(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[str]]]:
    """Results of ``local[2]``, in the session that is there already."""
    assert spark.sparkContext.master == "local[2]"
    folder = tmp_path_factory.mktemp("local")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder / "home"))
        main(options(folder))
        yield rows(folder)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with standalone_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def test_results_equal_those_of_one_machine(
    local: dict[str, list[str]], cluster: StandaloneCluster, tmp_path: Path
) -> None:
    finish(start_run(tmp_path, cluster.url))
    assert rows(tmp_path) == local
    assert len(local["rfm_segments"]) > 500


def test_a_worker_that_dies_changes_nothing(
    local: dict[str, list[str]], cluster: StandaloneCluster, tmp_path: Path
) -> None:
    run = start_run(tmp_path, cluster.url)
    assert run.stderr is not None
    for line in run.stderr:
        if "joined_reviews" in line:
            cluster.kill_a_worker()
            break
    else:
        pytest.fail("the run ended before a worker could be killed")
    finish(run)
    assert cluster.workers[0].poll() is not None
    assert rows(tmp_path) == local
