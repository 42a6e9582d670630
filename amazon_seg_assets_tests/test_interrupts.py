"""A run that somebody ends has ended: it does not go on, and nothing waits for it."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from dagster import (
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    define_asset_job,
)
from dagster._core.code_pointer import CodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.test_utils import create_run_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from amazon_seg_assets.dag.declaration import whole_asset
from amazon_seg_assets.dag.resources import resources_for
from amazon_seg_assets.dag.steps import bind_asset
from amazon_seg_assets.planning.jobs import INGEST
from amazon_seg_assets.run.headless import HeadlessRun
from amazon_seg_assets.run.instance import end_dead_runs, process_tag
from amazon_seg_assets.schema import Artifact
from amazon_seg_assets_tests.graph import family_of

FAMILY = family_of()
JOB = FAMILY.name(INGEST)
MODULE = "amazon_seg_assets.definitions"
LOCATION = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name=MODULE))
OF_DAGSTER = {
    "remote_job_origin": RemoteJobOrigin(RemoteRepositoryOrigin(LOCATION, "defs"), JOB),
    "job_code_origin": JobPythonOrigin(
        JOB,
        RepositoryPythonOrigin(
            sys.executable, CodePointer.from_module(MODULE, "defs", None), None, None, None
        ),
    ),
}
"""What tells of a run that Dagster has started."""


def headless(function: Callable[[Any], Any], instance: DagsterInstance, told: list[Any]) -> None:
    """Runs one asset that uses Spark, by its kind, as the command does."""
    thing = whole_asset(Artifact("thing", "A thing."), kinds={"pyspark"})(function)
    asset = bind_asset(thing, FAMILY)
    definitions = Definitions(
        assets=[asset],
        jobs=[define_asset_job(JOB, [asset])],
        resources=resources_for(FAMILY.settings),
    )
    HeadlessRun(definitions, FAMILY, instance, told.append).execute(INGEST)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_step_is_not_begun_again(number: signal.Signals) -> None:
    begun, told = [], list[Any]()

    def interrupted(_: object) -> None:
        begun.append(1)
        os.kill(os.getpid(), number)
        time.sleep(5)

    with DagsterInstance.ephemeral() as instance:
        with pytest.raises(KeyboardInterrupt):
            headless(interrupted, instance, told)
        [run] = instance.get_runs()
    assert len(begun) == 1
    assert run.is_failure
    kinds = {entry.dagster_event_type for entry in told}
    assert DagsterEventType.STEP_UP_FOR_RETRY not in kinds
    assert DagsterEventType.STEP_FAILURE in kinds


def test_a_run_of_a_dead_process_is_recorded_as_failed() -> None:
    of_dead, of_this, of_dagster, again = (str(uuid.uuid4()) for _ in range(4))
    script = (
        "from amazon_seg_assets.run.instance import process_tag;"
        f" print(*process_tag({of_dead!r}).values())"
    )
    [name] = process_tag(of_dead)
    dead = subprocess.check_output([sys.executable, "-c", script], text=True).strip()
    # Dagster starts one again that has failed with the tags of that.
    tags = {of_dead: {name: dead}, again: {name: dead}, of_this: process_tag(of_this)}
    with DagsterInstance.ephemeral() as instance:
        for run_id in (*tags, of_dagster):
            create_run_for_test(
                instance,
                run_id=run_id,
                tags=tags.get(run_id, {}),
                status=DagsterRunStatus.STARTED,
                **OF_DAGSTER,  # type: ignore[arg-type]
            )
        end_dead_runs(instance)
        failed = {run.run_id for run in instance.get_runs() if run.is_failure}
    assert failed == {of_dead}
