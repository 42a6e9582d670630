"""The main job by its command: on one machine, and the same on a real standalone cluster.

The notebooks run on what it has stored.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
import pyarrow.parquet as pq
import pytest
from nbclient import NotebookClient

from amazon_seg_assets.definitions import defs
from amazon_seg_assets.planning.planner import PARTS
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.spark_conf import (
    EXECUTOR_CONF,
    FAST_COMPILER,
    SPARK_CONF,
    in_environment,
)
from amazon_seg_assets_tests.standalone_cluster import StandaloneCluster, standalone_cluster

pytestmark = pytest.mark.cluster

SNAPSHOT = "2023-09"
TABLES = {
    "clean_reviews": None,
    "clean_metadata": None,
    "review_sentiment": None,
    "joined_reviews": None,
    "rfm_features": SNAPSHOT,
    "k_sweep": SNAPSHOT,
    "cluster_centers": SNAPSHOT,
    "customer_clusters": SNAPSHOT,
    "rfm_segments": SNAPSHOT,
    "segment_summary": SNAPSHOT,
    "scheme_comparison": SNAPSHOT,
    "cluster_validation": SNAPSHOT,
    "cluster_density": SNAPSHOT,
    "rfm_histograms": SNAPSHOT,
}
NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def start_run(
    folder: Path, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    program = str(Path(sys.executable).with_name("amazon-seg"))
    sample = ("--source", "sample", "--reviews", "20000", "--storage", str(folder / "data"))
    command = [program, "run", *sample, *options]
    variables = os.environ | {"DAGSTER_HOME": str(folder / "home")} | dict(environment or {})
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=variables, cwd=folder, stdout=pipe, stderr=pipe, text=True)


def start_on(cluster: StandaloneCluster, folder: Path) -> subprocess.Popen[str]:
    # What the driver does alone, and what only counts, would take as long again.
    options = ("--master", cluster.url, "--skip", "exploration,history,comparison")
    return start_run(folder, *options, environment=in_environment(SPARK_CONF, EXECUTOR_CONF))


def finish(run: subprocess.Popen[str]) -> str:
    """The output of a run, once it has ended well."""
    printed, error = run.communicate(timeout=300)
    assert run.returncode == 0, error
    return printed


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
def main_job(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the main job has run, and what it has printed.

    With its own settings, but for Java's slow compiler, and without history, which takes long.
    """
    folder = tmp_path_factory.mktemp("local")
    fast = in_environment({"spark.driver.extraJavaOptions": FAST_COMPILER})
    return folder, finish(start_run(folder, "--skip", "history", environment=fast))


@pytest.fixture(scope="module")
def local(main_job: tuple[Path, str]) -> dict[str, list[str]]:
    """Results of one machine."""
    return rows(main_job[0])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneCluster]:
    with standalone_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def test_the_main_job_ends_with_segments_pictures_and_a_report(main_job: tuple[Path, str]) -> None:
    folder, printed = main_job
    assert f"Electronics, snapshot {SNAPSHOT}: " in printed
    assert "Champions" in printed
    assert "Warning" not in printed
    assert "executive_report.html" in printed
    stored = folder / "data/Electronics"
    assert (stored / f"executive_report/month={SNAPSHOT}/executive_report.html").is_file()
    graph = defs.resolve_asset_graph()
    names = {
        key.path[-1]
        for key in graph.get_all_asset_keys()
        if graph.get(key).group_name not in PARTS["history"]
    }
    drawn = {picture.stem for picture in stored.rglob("*_plot.png")}
    assert drawn == {name for name in names if name.endswith("_plot")}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_in_full_and_is_kept_without_output(
    main_job: tuple[Path, str], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = main_job
    monkeypatch.setenv("AMAZON_SEG_STORAGE", str(folder / "data"))
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in cells] == [[] for _ in cells]
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    told = [output for cell in cells for output in cell.outputs]
    assert [output["text"] for output in told if output.get("name") == "stderr"] == []
    pictures = [output for output in told if "image/png" in output.get("data", {})]
    assert len(pictures) == sum(
        "plt.subplots" in cell.source or ".plot(" in cell.source for cell in cells
    )


def test_a_cluster_gives_the_same_and_a_worker_that_dies_changes_nothing(
    local: dict[str, list[str]], cluster: StandaloneCluster, tmp_path: Path
) -> None:
    run = start_on(cluster, tmp_path)
    assert run.stderr is not None
    for line in run.stderr:
        if "clean_reviews_checks" in line:  # which are over, so the join begins
            cluster.kill_a_worker()
            break
    else:
        pytest.fail("the run ended before a worker could be killed")
    finish(run)
    assert cluster.workers[0].poll() is not None
    assert rows(tmp_path) == local
    assert len(local["rfm_segments"]) > 500
