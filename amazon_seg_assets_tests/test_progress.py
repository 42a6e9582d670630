"""Watching a step: it measures, says how far Spark is, and never gets in the way."""

import errno
import os
import re
import time
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pyarrow as pa
import pytest
from dagster import (
    AssetCheckKey,
    AssetSelection,
    DagsterEventType,
    DagsterInstance,
    Definitions,
    define_asset_job,
    materialize,
)
from pyspark import SparkStageInfo
from pyspark.sql import SparkSession

from amazon_seg_assets.dag import checks, steps
from amazon_seg_assets.dag.declaration import months_asset, whole_asset
from amazon_seg_assets.dag.handles import Stored
from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.dag.resources import resources_for
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.formats import short
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.run.console import Progress
from amazon_seg_assets.schema import Artifact, Column, Table
from amazon_seg_assets.spark.progress import describe_stages, tree_memory_bytes, watching
from amazon_seg_assets_tests.graph import family_of

MIB = 1024**2
FAMILY = family_of()


@pytest.fixture(autouse=True)
def nothing_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies here store nothing beside which a note could lie."""
    monkeypatch.setattr(steps, "write_notes", Mock())


def sleep_in_tasks(spark: SparkSession) -> None:
    """Eight tasks of 0.35 s on two cores."""
    spark.sparkContext.parallelize(range(8), 8).foreach(lambda _: time.sleep(0.35))


def test_stages_are_said_in_words() -> None:
    at_work = [
        SparkStageInfo(7, 0, "save", 1_600, 2, 1_200, 0),
        SparkStageInfo(8, 0, "count", 1, 0, 0, 0),
    ]
    assert describe_stages(at_work, 12.3) == (
        "Spark after 12 s: stage 7: 1,200 of 1,600 tasks; stage 8: 0 of 1 tasks"
    )
    assert describe_stages([], 12.3) == ""


def test_memory_and_time_are_measured() -> None:
    before = tree_memory_bytes()
    with watching(pytest.fail, look_every=0.02, say_every=60) as cost:
        held = bytearray(b"x") * (200 * MIB)
        time.sleep(0.2)
        assert len(held) == 200 * MIB
    assert 0.2 <= cost.seconds < 5
    assert cost.peak_memory_bytes > before + 150 * MIB


def test_the_tasks_of_a_long_step_are_told_and_a_quick_one_is_silent(spark: SparkSession) -> None:
    of_quick: list[str] = []
    said: list[str] = []
    with (
        watching(of_quick.append, look_every=0.1, say_every=60),
        watching(said.append, look_every=0.1, say_every=0.3),
    ):
        sleep_in_tasks(spark)
    assert any(re.search("stage [0-9]+: [1-7] of 8 tasks", line) for line in said), said
    assert of_quick == []


def test_neither_a_failing_log_nor_a_failing_step_changes_the_other(spark: SparkSession) -> None:
    tried = []

    def closed(line: str) -> None:
        tried.append(line)
        raise ValueError("the log is closed")

    with watching(closed, look_every=0.1, say_every=0.2):
        sleep_in_tasks(spark)
    assert len(tried) > 1
    with pytest.raises(KeyError), watching(closed):
        raise KeyError


def run(function: Any, instance: DagsterInstance, months: tuple[str, ...] = ()) -> Any:
    """Runs the step of an asset that uses Spark; the function may give metadata."""
    thing = Artifact("thing", "A thing.")

    def body(handle: Any) -> list[Stored]:
        metadata = function() or {}
        return [Stored(thing, month, metadata) for month in getattr(handle, "months", [None])]

    declare = months_asset if months else whole_asset
    asset = steps.bind_asset(declare(thing, kinds={"pyspark"})(body), FAMILY)
    return materialize(
        [asset],
        instance=instance,
        resources=resources_for(FAMILY.settings),
        raise_on_error=False,
        tags=range_tags(months[0], months[-1]) if months else {},
    )


def check(function: Any, instance: DagsterInstance) -> Any:
    """Runs the step of a check of a table that Spark reads."""
    name = Column("name", pa.string(), "Name.")
    table = Table("thing", "Things.", (name,), key=("name",))

    @checks.check(table, blocking=False)
    def fine(_: Any) -> Verdict:
        """It is fine."""
        function()
        return Verdict(0, 0, "It is.")

    declared = whole_asset(table)(lambda: None)
    alone = AssetSelection.checks(AssetCheckKey(FAMILY.key("thing"), "fine"))
    definitions = Definitions(
        asset_checks=checks.bind_checks([declared], fine, FAMILY),
        jobs=[define_asset_job("check", alone)],
        resources=resources_for(FAMILY.settings),
    )
    job = definitions.resolve_job_def("check")
    return job.execute_in_process(instance=instance, raise_on_error=False)


def test_progress_and_cost_are_in_dagster_s_records(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = partial(watching, look_every=0.1, say_every=0.3)
    monkeypatch.setattr(steps, "watching", quick)
    with DagsterInstance.ephemeral() as instance:
        for step in (check, run):
            result = step(lambda: sleep_in_tasks(spark), instance)
            messages = [entry.user_message for entry in instance.all_logs(result.run_id)]
            assert any("of 8 tasks" in message for message in messages)
    metadata = result.asset_materializations_for_node("Toys__thing")[0].metadata
    assert metadata["seconds"].value == pytest.approx(1.4, abs=1.3)
    assert metadata["peak_memory_mb"].value > 100
    assert "rows_per_second" not in metadata


@pytest.mark.parametrize(
    ("months", "prefix"), [(("2023-01",), ""), (("2023-01", "2023-02", "2023-03"), "step_")]
)
def test_rows_a_second_are_of_all_months_of_a_run(months: tuple[str, ...], prefix: str) -> None:
    def stores_rows() -> dict[str, int]:
        time.sleep(0.1)
        return {"dagster/partition_row_count": 500}

    with DagsterInstance.ephemeral() as instance:
        made = run(stores_rows, instance, months).asset_materializations_for_node("Toys__thing")
    assert [each.partition for each in made] == [*months]
    for materialization in made:
        metadata = {name: each.value for name, each in materialization.metadata.items()}
        rate = metadata[f"{prefix}rows_per_second"]
        assert rate == pytest.approx(500 * len(made) / metadata[f"{prefix}seconds"], rel=0.01)


@pytest.mark.parametrize(
    ("stored", "rows"),
    [({}, 5000), ({"rows_read": 2000}, 2000), ({"rows_read": 0}, 0)],
)
def test_rows_a_second_are_of_what_is_read_else_of_what_is_stored(
    capsys: pytest.CaptureFixture[str], stored: dict[str, int], rows: int
) -> None:
    def stores_rows() -> dict[str, int]:
        time.sleep(0.1)
        return {"dagster/row_count": 5000, **stored}

    shown = Progress()
    with DagsterInstance.ephemeral() as instance:
        result = run(stores_rows, instance)
        for entry in instance.all_logs(result.run_id):
            shown.on_event(entry)
    [made] = result.asset_materializations_for_node("Toys__thing")
    metadata = {name: each.value for name, each in made.metadata.items()}
    # Dagster's own log goes there too.
    *_, heads, line = capsys.readouterr().err.splitlines()
    assert heads.split() == ["step", "asset", "rows,", "checks", "seconds", "rows/s", "GiB"]
    assert line.split()[:4] == ["✓", "1/0", "thing", "5,000"]
    if rows:
        rate = metadata["rows_per_second"]
        assert rate == pytest.approx(rows / metadata["seconds"], rel=0.01)
        assert line[: heads.index("rows/s") + len("rows/s")].endswith(f" {short(rate)}")
    else:
        assert "rows_per_second" not in metadata
        assert len(line.split()) == 6


def event(kind: DagsterEventType, step: str, data: Any = None) -> Any:
    """An entry of Dagster's log; of data only what is looked at."""
    of_event = Mock(event_type=kind, step_key=f"Toys__{step}")
    of_event.asset_check_evaluation_data = of_event.materialization = data
    return Mock(dagster_event=of_event)


def evaluation(name: str, passed: bool, blocking: bool = False) -> Any:
    key = AssetCheckKey(FAMILY.key("rfm_segments"), name)
    told = {"check_name": name, "description": f"{name} [is] so.", "asset_check_key": key}
    return Mock(passed=passed, blocking=blocking, **told)


LONG = "yearly_ratings_by_verified_plot"


def test_a_check_that_warns_is_told_where_it_does_and_names_are_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = Progress()
    shown.expect(3)
    checked = "rfm_segments_checks"
    for kind, step, data in (
        (DagsterEventType.STEP_START, LONG, None),
        (DagsterEventType.STEP_SUCCESS, LONG, None),
        (DagsterEventType.STEP_START, checked, None),
        # Of two months; the first holds.
        (DagsterEventType.ASSET_CHECK_EVALUATION, checked, evaluation("few", True)),
        (DagsterEventType.ASSET_CHECK_EVALUATION, checked, evaluation("few", False)),
        (DagsterEventType.ASSET_CHECK_EVALUATION, checked, evaluation("whole", True, True)),
        (DagsterEventType.STEP_SUCCESS, checked, None),
        (DagsterEventType.STEP_START, "elbow_plot", None),
        (DagsterEventType.STEP_FAILURE, "elbow_plot", None),
    ):
        shown.on_event(event(kind, step, data))
    heads, *lines = capsys.readouterr().err.splitlines()
    assert [line[:41].split() for line in lines] == [
        ["✓", "1/3", LONG],
        ["!", "2/3", checked],
        ["!", "few:", "few", "[is]", "so."],
        ["✗", "3/3", "elbow_plot"],
    ]
    assert "1 of 2 hold" in lines[1]
    assert "failed" in lines[3]
    column = heads.index("seconds") + len("seconds")
    assert all(re.search(r" \d\.\d$", lines[number][:column]) for number in (0, 1, 3))
    assert max(map(len, [heads, *lines])) <= 80


def test_a_step_is_named_while_spark_works_and_the_total_does_not_jump() -> None:
    with Progress(is_quiet=True) as shown:
        [task] = shown._bar.tasks
        shown.expect(2)
        shown.on_event(event(DagsterEventType.STEP_START, "rfm_features"))
        words = "Spark after 5 s: stage 7: 1 of [2] tasks"
        shown.on_event(Mock(dagster_event=None, user_message=words))
        said = f"1/2 rfm_features: {words}"
        assert (task.description, task.completed, task.total) == (said, 0, 2)
        shown.on_event(event(DagsterEventType.STEP_SUCCESS, "rfm_features"))
        # As planned, once the source is ingested.
        shown.expect(1)
        assert (task.completed, task.total) == (1, 2)


def test_progress_goes_to_the_terminal_though_standard_error_is_captured(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As Dagster captures it while a step runs."""
    kept = os.dup(2)
    with Progress() as shown, (tmp_path / "captured").open("w") as captured:
        os.dup2(captured.fileno(), 2)
        try:
            shown.on_event(event(DagsterEventType.STEP_START, "rfm_features"))
            shown.on_event(event(DagsterEventType.STEP_SUCCESS, "rfm_features"))
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    assert (tmp_path / "captured").read_text() == ""
    assert "rfm_features" in capfd.readouterr().err


NO_ROOM = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("run", [run, check])
@pytest.mark.parametrize(
    ("error", "tries"), [(ConnectionError("away"), 2), (InputError("no"), 1), (NO_ROOM, 1)]
)
def test_only_what_may_pass_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, run: Any, error: Exception, tries: int
) -> None:
    monkeypatch.setattr(steps, "RETRY_AFTER_SECONDS", 0)
    calls = []

    def fails_once() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise error

    with DagsterInstance.ephemeral() as instance:
        result = run(fails_once, instance)
    assert len(calls) == tries
    assert result.success == (tries == 2)
    retried = [e for e in result.all_events if e.event_type is DagsterEventType.STEP_UP_FOR_RETRY]
    assert len(retried) == tries - 1
