"""Watching a step: it measures, says how far Spark is, and never gets in the way."""

import errno
import time
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from dagster import (
    AssetCheckExecutionContext,
    AssetExecutionContext,
    AssetSelection,
    DagsterEventType,
    DagsterInstance,
    Definitions,
    MaterializeResult,
    define_asset_job,
    materialize,
)
from pyspark.sql import SparkSession

from amazon_seg_assets.dag import checks as of_checks
from amazon_seg_assets.dag import declaration
from amazon_seg_assets.dag.checks import WHOLE, Check, Verdicts, seg_checks
from amazon_seg_assets.dag.resources import SparkResource, StoreResource
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.formats import short
from amazon_seg_assets.planning.jobs import range_tags
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.run.console import Progress
from amazon_seg_assets.spark.progress import describe_stages, tree_memory_bytes, watching

MIB = 1024**2


def stage(number: int, done: int, tasks: int, **rows: int) -> Any:
    figures = {"inputRecords": 0, "shuffleReadRecords": 0, "outputRecords": 0} | rows
    figures |= {"stageId": number, "numCompleteTasks": done, "numTasks": tasks}
    figures.setdefault("shuffleWriteRecords", 0)
    return SimpleNamespace(**{name: partial(int, figure) for name, figure in figures.items()})


def sleep_in_tasks(spark: SparkSession) -> None:
    """Four tasks of 0.7 s on two cores."""
    spark.sparkContext.parallelize(range(4), 4).foreach(lambda _: time.sleep(0.7))


def test_stages_are_said_in_words() -> None:
    at_work = [stage(7, 3, 16, inputRecords=1_200_000, shuffleWriteRecords=900), stage(8, 0, 1)]
    assert describe_stages(at_work, 12.3) == (
        "Spark after 12 s: stage 7: 3 of 16 tasks, 1,200,000 rows read, 900 written; "
        "stage 8: 0 of 1 tasks, 0 rows read, 0 written"
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


def test_a_quick_step_is_silent(spark: SparkSession) -> None:
    said: list[str] = []
    with watching(said.append, look_every=0.1, say_every=60):
        sleep_in_tasks(spark)
    assert said == []


def test_the_tasks_of_a_long_step_are_told(spark: SparkSession) -> None:
    said: list[str] = []
    with watching(said.append, look_every=0.1, say_every=0.3):
        sleep_in_tasks(spark)
    assert any("2 of 4 tasks" in line for line in said), said


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


def run(function: Any, instance: DagsterInstance, months: tuple[str, str] | None = None) -> Any:
    spec = declaration.artifact_spec(
        "thing",
        description="A thing.",
        group="rfm",
        kinds={"pyspark"},
        deps=[],
        partitioned=months is not None,
    )
    asset = declaration.seg_asset(spec)(function)
    tags = range_tags(*months) if months else {}
    return materialize([asset], instance=instance, raise_on_error=False, tags=tags)


def test_progress_and_cost_are_in_dagster_s_records(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = partial(watching, look_every=0.1, say_every=0.3)
    monkeypatch.setattr(declaration, "watching", quick)
    monkeypatch.setattr(of_checks, "watching", quick)
    with DagsterInstance.ephemeral() as instance:
        for step in (check, run):
            result = step(lambda: sleep_in_tasks(spark), instance)
            messages = [entry.user_message for entry in instance.all_logs(result.run_id)]
            assert any("of 4 tasks" in message for message in messages)
    metadata = result.asset_materializations_for_node("thing")[0].metadata
    assert metadata["seconds"].value == pytest.approx(1.4, abs=1.3)
    assert metadata["peak_memory_mb"].value > 100
    assert "rows_per_second" not in metadata


@pytest.mark.parametrize(
    ("months", "prefix"), [(("2023-01", "2023-01"), ""), (("2023-01", "2023-03"), "step_")]
)
def test_rows_a_second_are_of_all_months_of_a_run(months: tuple[str, str], prefix: str) -> None:
    def stores_rows(context: AssetExecutionContext) -> None:
        time.sleep(0.1)
        for month in context.partition_keys:
            context.add_asset_metadata({"dagster/partition_row_count": 500}, partition_key=month)

    with DagsterInstance.ephemeral() as instance:
        made = run(stores_rows, instance, months).asset_materializations_for_node("thing")
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
    def stores_rows() -> MaterializeResult:
        time.sleep(0.1)
        return MaterializeResult(metadata={"dagster/row_count": 5000, **stored})

    shown = Progress()
    with DagsterInstance.ephemeral() as instance:
        result = run(stores_rows, instance)
        for entry in instance.all_logs(result.run_id):
            shown.on_event(entry)
    [made] = result.asset_materializations_for_node("thing")
    metadata = {name: each.value for name, each in made.metadata.items()}
    told = capsys.readouterr().err
    assert "5,000 rows" in told
    if rows:
        rate = metadata["rows_per_second"]
        assert rate == pytest.approx(rows / metadata["seconds"], rel=0.01)
        assert f" {short(rate)}/s" in told
    else:
        assert "rows_per_second" not in metadata
        assert "/s" not in told


def check(function: Any, instance: DagsterInstance) -> Any:
    """Runs a check step that uses Spark, by the resource it asks for."""

    def judge(
        _context: AssetCheckExecutionContext, spark: SparkResource, storage: StoreResource
    ) -> dict[str, Verdicts]:
        assert spark is not storage
        function()
        return {WHOLE: {fine: Verdict(0, 0, "It is.")}}

    fine = Check("thing", "fine", "It is fine.", blocking=False)
    resources = {
        "spark": SparkResource(spark_config={}, master="local", cache_directory="/cache"),
        "storage": StoreResource(root="/data", category="Toys"),
    }
    definitions = Definitions(
        asset_checks=[seg_checks("thing_checks", [fine], partitioned=False)(judge)],
        jobs=[define_asset_job("check", AssetSelection.all_asset_checks())],
        resources=resources,
    )
    job = definitions.resolve_job_def("check")
    return job.execute_in_process(instance=instance, raise_on_error=False)


NO_ROOM = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("run", [run, check])
@pytest.mark.parametrize(
    ("error", "tries"), [(ConnectionError("away"), 2), (InputError("no"), 1), (NO_ROOM, 1)]
)
def test_only_what_may_pass_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, run: Any, error: Exception, tries: int
) -> None:
    monkeypatch.setattr(declaration, "RETRY_AFTER_SECONDS", 0)
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
