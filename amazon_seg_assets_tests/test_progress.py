"""Watching a step: it measures, says how far Spark is, and never gets in the way."""

import errno
import re
import time
from functools import partial
from typing import Any

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
    told = capsys.readouterr().err
    assert "5,000 rows" in told
    if rows:
        rate = metadata["rows_per_second"]
        assert rate == pytest.approx(rows / metadata["seconds"], rel=0.01)
        assert f" {short(rate)}/s" in told
    else:
        assert "rows_per_second" not in metadata
        assert "/s" not in told


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
