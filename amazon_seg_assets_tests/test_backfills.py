"""Jobs and selective backfills as real runs: each changes what was asked for, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetKey,
    AssetSelection,
    DagsterEventType,
    DagsterInstance,
    ExecuteInProcessResult,
)
from pyspark.sql import SparkSession

from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.planning.jobs import range_tags
from amazon_seg_assets.settings import Settings
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.graph import Graph
from amazon_seg_assets_tests.raw_files import product, review, write_raw

MONTHS = ["2023-01", "2023-02", "2023-03"]
PRODUCTS = [product(f"p{number}", 10.0 * 4**number) for number in range(3)]
# One customer more each month: 4 in January, 5 in February, 6 in March.
REVIEWS = [
    review(f"user-{user}", f"p{user % 3}", f"{month}-{10 + user}T12:00:00")
    for number, month in enumerate(MONTHS)
    for user in range(4 + number)
]
OPS = {"k_sweep": {"k_max": 2}, "cluster_validation": {"resamples": 1}}


def launch(graph: Graph, selection: AssetSelection, first: str, last: str) -> set[tuple[str, str]]:
    """Materializes a range in one run, as the UI does; returns the partitions it recorded."""
    settings = Settings(
        source=str(graph.folder), category=graph.category, storage=graph.folder / "data"
    )
    definitions = build_definitions(settings)
    keys = selection.resolve(definitions.resolve_asset_graph())
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        run_config={
            "ops": {name: {"config": OPS[name]} for name in OPS if AssetKey(name) in keys},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        instance=graph.instance,
        asset_selection=list(keys),
        tags=range_tags(first, last),
    )
    return recorded(result)


def recorded(result: ExecuteInProcessResult) -> set[tuple[str, str]]:
    assert result.success
    return {
        (event.asset_key.path[-1], event.partition or "")
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def contents(graph: Graph) -> dict[str, tuple[int, bytes]]:
    """Time of change and bytes of every file of the category."""
    return {
        str(path.relative_to(on_disk(graph.store.folder))): (
            path.stat().st_mtime_ns,
            path.read_bytes(),
        )
        for path in sorted(on_disk(graph.store.folder).rglob("*"))
        if path.is_file()
    }


def touched(before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str]]:
    """Asset and month of each file that is not, byte for byte and in its time, what it was."""
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    parts = [Path(name).parts for name in names]
    return {(asset, rest[0].removeprefix("month=")) for asset, *rest in parts}


@pytest.fixture(scope="module")
def graph(
    spark: SparkSession, instance: DagsterInstance, tmp_path_factory: pytest.TempPathFactory
) -> Graph:
    """A category of which two snapshots were made by the job ``full``, in one run.

    Of the snapshot before there are customers and segments alone.
    """
    assert spark is not None
    folder = write_raw(tmp_path_factory.mktemp("backfills"), "Games", REVIEWS, PRODUCTS)
    graph = Graph(folder, "Games", instance, OPS)
    run = graph.run()
    run.execute("ingest")
    run.prepare(["2022-01", MONTHS[0]])
    launch(graph, AssetSelection.assets("rfm_features", "rfm_segments"), MONTHS[0], MONTHS[0])
    run.execute("full", range_tags(*MONTHS[1:]))
    return graph


def test_the_full_job_is_one_run_over_a_range(graph: Graph) -> None:
    runs = [run for run in graph.instance.get_runs() if run.job_name == "full"]
    assert len(runs) == 1
    made = {
        (
            entry.asset_materialization.asset_key.path[-1],
            entry.asset_materialization.partition or "",
        )
        for entry in graph.instance.all_logs(runs[0].run_id, DagsterEventType.ASSET_MATERIALIZATION)
        if entry.asset_materialization is not None
    }
    assets = {key.path[-1] for key in build_definitions(Settings()).resolve_all_asset_keys()}
    assert {asset for asset, _ in made} == assets
    assert {snapshot for _, snapshot in made} == {"", *MONTHS[1:]}
    assert {("rfm_segments", snapshot) for snapshot in MONTHS[1:]} < made
    for snapshot, customers in zip(MONTHS, (4, 5, 6), strict=True):
        assert graph.metadata("rfm_segments", snapshot)["customers"] == customers
    assert ("raw_reviews", "") in made


def test_the_last_snapshots_are_one_run(graph: Graph) -> None:
    before = contents(graph)
    asked = AssetSelection.assets("rfm_features", "rfm_segments")
    made = launch(graph, asked, "2023-02", "2023-03")
    expected = {
        (asset, month)
        for asset in ("rfm_features", "rfm_segments")
        for month in ("2023-02", "2023-03")
    }
    assert made == expected
    assert touched(before, contents(graph)) == expected
    for month, customers in (("2023-02", 5), ("2023-03", 6)):
        metadata = graph.metadata("rfm_features", month)
        assert metadata["dagster/partition_row_count"] == metadata["customers"] == customers
        assert metadata["window_end"] == f"{month}-{9 + customers}"
        # What the step took is of both months together.
        assert metadata["step_seconds"] > 0
        assert metadata["step_rows_per_second"] == round(11 / metadata["step_seconds"])
        assert "seconds" not in metadata


def test_a_range_of_months_is_one_run(graph: Graph) -> None:
    before = contents(graph)
    made = launch(graph, AssetSelection.assets("joined_reviews"), "2022-12", "2023-01")
    assert made == {("joined_reviews", "2022-12"), ("joined_reviews", "2023-01")}
    assert touched(before, contents(graph)) == made
    rows = [
        graph.metadata("joined_reviews", month)["dagster/partition_row_count"]
        for month in ("2022-12", "2023-01", "2023-02")
    ]
    assert rows == [0, 4, 5]


def test_only_the_plots_of_one_snapshot_are_drawn_again(graph: Graph) -> None:
    before = contents(graph)
    made = launch(graph, AssetSelection.groups("plots"), "2023-02", "2023-02")
    after = contents(graph)
    assert {month for _, month in made} == {"2023-02"}
    assert len(made) > 10
    assert touched(before, after) == made
    pictures = [name for name in before if name.startswith("elbow_plot/") and "2023-02" in name]
    # Drawn anew, and the same to the byte.
    assert [before[name][1] for name in pictures] == [after[name][1] for name in pictures]
    metadata = graph.metadata("elbow_plot", "2023-02")
    assert "2023-02" in metadata["dagster/uri"]
    assert metadata["seconds"] > 0
    assert metadata["peak_memory_mb"] > 100


def test_what_has_been_explored_is_known(graph: Graph) -> None:
    assert graph.run().is_explored(graph.store)
    late = review("late", "p0", "2023-03-30T00:00:00")
    write_raw(graph.folder, "Games", [*REVIEWS, late], PRODUCTS)
    graph.run().execute("ingest")
    assert not graph.run().is_explored(graph.store)
