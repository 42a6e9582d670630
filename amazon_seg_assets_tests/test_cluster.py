"""The whole graph on a real standalone cluster gives what it gives on one machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.spark_conf import EXECUTOR_CONF, SPARK_CONF, in_environment
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


def start_run(folder: Path, master: str) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "amazon_seg_assets", "run", "--master", master,
        "--storage", str(folder / "data"), "--reviews", "20000", "--skip-exploration",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(folder / "home"),
        **in_environment(SPARK_CONF, EXECUTOR_CONF),
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
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Results of ``local[2]``."""
    folder = tmp_path_factory.mktemp("local")
    finish(start_run(folder, "local[2]"))
    return rows(folder)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneCluster]:
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
