"""The web UI and its daemon, operated over GraphQL: what a person clicks, without a browser."""

import base64
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from dagster import DagsterInstance
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    BACKFILL_ID_TAG,
)

from amazon_seg_assets.cli import main
from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.months import said
from amazon_seg_assets.planning.jobs import HISTORY, INGEST, PREPARE, SEGMENT
from amazon_seg_assets.stages import STAGES
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.web_ui import (
    CATEGORY,
    WebUI,
    interrupt,
    named,
    ui_over_a_sample,
    wait_for,
)

REVIEWS = 5_000
FIRST, BEFORE, LAST = "2022-08", "2023-08", "2023-09"


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebUI]:
    with ui_over_a_sample(tmp_path_factory.mktemp("web"), (FIRST, LAST), REVIEWS) as running:
        yield running


@pytest.fixture(scope="module")
def segmented(ui: WebUI) -> str:
    """The run of a job on one snapshot, of few of its assets to save time."""
    ops = {"k_sweep": {"k_min": 2, "k_max": 3, "k": 2, "n_init": 2}}
    assets = ["rfm_features", "k_sweep", "cluster_centers", "elbow_plot"]
    return ui.launch(SEGMENT, range_tags(LAST, LAST), ops, assets)


@pytest.fixture(scope="module")
def backfilled(ui: WebUI, segmented: str) -> dict[str, Any]:
    """A backfill of two assets for two snapshots, asked for while the job still runs."""
    asked = ui.backfill(["rfm_features", "rfm_segments"], [BEFORE, LAST])
    assert ui.wait_for_run(segmented)["status"] == "SUCCESS"
    return ui.wait_for_backfill(asked)


def rows(ui: WebUI, asset: str, snapshot: str) -> int:
    folder = Store(ui.storage, CATEGORY).path(asset, snapshot)
    return int(pq.read_table(folder, partitioning=None).num_rows)


def test_the_graph_is_there(ui: WebUI) -> None:
    assets = ui.assets()
    assert {asset["groupName"] for asset in assets.values()} == set(STAGES)
    assert {name: assets[name]["isPartitioned"] for name in ("raw_reviews", "rfm_segments")} == {
        "raw_reviews": False,
        "rfm_segments": True,
    }
    assert ui.metadata("raw_reviews")["dagster/row_count"] == REVIEWS


def test_the_ui_opens_at_the_graph(ui: WebUI) -> None:
    assert (
        f"{ui.url.replace('127.0.0.1', 'localhost')}/asset-groups"
        in (ui.home / "ui.log").read_text()
    )
    assert ui.query("{ shouldShowNux }") == {"shouldShowNux": False}


def test_a_wrong_field_is_named(ui: WebUI) -> None:
    with pytest.raises(RuntimeError, match="k_maxx"):
        ui.launch(SEGMENT, range_tags(LAST, LAST), {"k_sweep": {"k_maxx": 3}})


def test_a_backfill_is_one_run_and_waits_for_its_turn(
    ui: WebUI, segmented: str, backfilled: dict[str, Any]
) -> None:
    assert (backfilled["status"], backfilled["error"]) == ("COMPLETED_SUCCESS", None)
    (run_id,) = (run["id"] for run in backfilled["runs"])
    run, former = ui.run(run_id), ui.run(segmented)
    assert run["tags"][ASSET_PARTITION_RANGE_START_TAG] == BEFORE
    assert run["tags"][ASSET_PARTITION_RANGE_END_TAG] == LAST
    title = f"rfm_features, rfm_segments {said([BEFORE, LAST])}"
    assert run["tags"]["amazon_seg/run"] == title
    assert BACKFILL_ID_TAG in run["tags"]
    assert former["jobName"] == named(SEGMENT)
    assert run["startTime"] >= former["endTime"]


def test_only_what_was_asked_for_is_backfilled(
    ui: WebUI, segmented: str, backfilled: dict[str, Any]
) -> None:
    (run_id,) = (run["id"] for run in backfilled["runs"])
    made_by = {
        (asset, snapshot): ui.metadata(asset, snapshot).get("run")
        for asset in ("rfm_features", "rfm_segments", "k_sweep", "elbow_plot")
        for snapshot in (BEFORE, LAST)
    }
    assert made_by == {
        ("rfm_features", BEFORE): run_id,
        ("rfm_features", LAST): run_id,
        ("rfm_segments", BEFORE): run_id,
        ("rfm_segments", LAST): run_id,
        ("k_sweep", BEFORE): None,
        ("k_sweep", LAST): segmented,
        ("elbow_plot", BEFORE): None,
        ("elbow_plot", LAST): segmented,
    }


def test_each_snapshot_has_its_own_figures(ui: WebUI, backfilled: dict[str, Any]) -> None:
    assert backfilled
    customers = {
        snapshot: ui.metadata("rfm_segments", snapshot)["dagster/partition_row_count"]
        for snapshot in (BEFORE, LAST)
    }
    assert customers == {month: rows(ui, "rfm_segments", month) for month in (BEFORE, LAST)}
    assert customers[BEFORE] != customers[LAST]
    assert min(customers.values()) > 100


def test_what_was_configured_is_reported(ui: WebUI, backfilled: dict[str, Any]) -> None:
    assert backfilled
    sweep = ui.metadata("k_sweep", LAST)
    assert sweep["chosen_k"] == 2
    assert sweep["dagster/partition_row_count"] == 2  # k = 2 and 3
    assert rows(ui, "cluster_centers", LAST) == 2 + 3


def test_a_plot_comes_with_its_metadata(ui: WebUI, backfilled: dict[str, Any]) -> None:
    assert backfilled
    metadata = ui.metadata("elbow_plot", LAST)
    shown = re.fullmatch(r"!\[.+\]\(data:image/png;base64,(.+)\)", metadata["plot"])
    assert shown is not None
    png = Path(metadata["dagster/uri"]).read_bytes()
    assert base64.b64decode(shown.group(1)) == png
    assert png.startswith(b"\x89PNG")


def statuses(check: dict[str, Any]) -> dict[tuple[str, str], str]:
    """By first and last month."""
    ranges = check["partitionStatuses"]["ranges"]
    return {(each["startKey"], each["endKey"]): each["status"] for each in ranges}


def test_checks_of_a_range_have_passed_in_each_of_its_months(
    ui: WebUI, backfilled: dict[str, Any]
) -> None:
    [run_id] = [run["id"] for run in backfilled["runs"]]
    [prepared] = ui.job_runs(PREPARE)
    for asset, made_by, months in (
        ("rfm_segments", run_id, (BEFORE, LAST)),
        ("joined_reviews", prepared, (FIRST, LAST)),
    ):
        checks = ui.checks(asset)
        assert len(checks) > 1
        for name, check in checks.items():
            latest = check["executionForLatestMaterialization"]
            assert latest["status"] == "SUCCEEDED", name
            assert latest["runId"] == made_by, name
            assert latest["evaluation"]["targetMaterialization"]["runId"] == made_by, name
            labels = {entry["label"] for entry in latest["evaluation"]["metadataEntries"]}
            assert labels == {"value", "threshold"}, name
            assert statuses(check) == {months: "SUCCEEDED"}, name
    # Of the whole history there is one evaluation.
    for name, check in ui.checks("customer_days").items():
        latest = check["executionForLatestMaterialization"]
        assert (latest["status"], [latest["runId"]]) == ("SUCCEEDED", [*ui.job_runs(HISTORY)]), name


def test_all_checks_can_be_executed_alone(ui: WebUI, backfilled: dict[str, Any]) -> None:
    assert backfilled
    run_id = ui.execute_checks("joined_reviews")
    assert ui.wait_for_run(run_id)["status"] == "SUCCESS"
    for name, check in ui.checks("joined_reviews").items():
        latest = check["executionForLatestMaterialization"]
        assert (latest["status"], latest["runId"]) == ("SUCCEEDED", run_id), name
        assert statuses(check) == {(FIRST, LAST): "SUCCEEDED"}, name


def test_runs_of_the_command_are_beside_those_of_the_ui(
    ui: WebUI, segmented: str, backfilled: dict[str, Any]
) -> None:
    assert backfilled
    [of_ui] = {ui.job_runs(SEGMENT)[segmented]}
    assert of_ui is not None
    for job in (INGEST, PREPARE, HISTORY):
        # Checks that were executed alone are runs of a job, too.
        assert {*ui.job_runs(job).values()} == {of_ui}, job


def test_ctrl_c_ends_everything(ui: WebUI, backfilled: dict[str, Any]) -> None:
    """The last of the module: a run in the middle ends too, and is not left as running."""
    assert backfilled
    run_id = ui.launch(SEGMENT, range_tags(LAST, LAST))
    wait_for(
        lambda: ui.metadata("rfm_features", LAST)["run"] == run_id, "the run to be at work", 60
    )
    assert ui.run(run_id)["status"] == "STARTED"
    assert interrupt(ui.process)
    with DagsterInstance.from_config(str(ui.home)) as instance:
        run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.is_finished


def test_a_port_in_use_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("the UI was started"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for wrong in (port, 70_000):
            with pytest.raises(SystemExit, match="1"):
                main(["ui", "--port", str(wrong)])
            assert f"cannot use port {wrong}" in capsys.readouterr().err


def test_the_ui_and_plain_dagster_commands_load_the_same_workspace() -> None:
    project = Path(__file__).parents[1]
    shipped = project / "amazon_seg_assets" / "workspace.yaml"
    assert shipped.read_text() == (project / "workspace.yaml").read_text()
