"""Inputs that a run lacks are told before Spark starts, with the jobs to run; the job for all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from dagster import DagsterEventType, DagsterInstance, Definitions, JobDefinition

from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.dag.resources import SparkResource
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import month_range
from amazon_seg_assets.planning.jobs import HISTORY, MAIN, PREPARE, SEGMENT
from amazon_seg_assets.planning.planner import MainJob
from amazon_seg_assets.run.headless import HeadlessRun, RunError
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.raw.manifest import FileRecord, Manifest, MonthCounts
from amazon_seg_assets.storage.layout import Store

LAST = "2023-09"
REVIEWED = month_range("2021-05", LAST)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A category that is ingested and cleaned; Spark must not be started for it."""
    monkeypatch.setattr(SparkResource, "_init_session", lambda _: pytest.fail("Spark was started"))
    store = Store(tmp_path, "Toys")
    months = {month: MonthCounts(rows=1, verified=1) for month in REVIEWED}
    with store.replacing("raw_reviews") as folder:
        Manifest("1", "a folder", {"file": FileRecord("1", 1, 0, [], months)}).write(folder)
    for table in ("raw_metadata", "clean_metadata", "sentiment_model", "sentiment_evaluation"):
        store.path(table).mkdir(parents=True)
    return store


def stored(store: Store, table: str, first: str, last: str) -> None:
    for month in month_range(first, last):
        store.path(table, month).mkdir(parents=True)


def definitions(store: Store) -> Definitions:
    return build_definitions(Settings(category="Toys", storage=store.root))


def failure(store: Store, job: str, first: str, last: str) -> Any:
    """The only failure of a run, as Dagster keeps it."""
    with DagsterInstance.ephemeral() as instance:
        result = (
            definitions(store)
            .resolve_job_def(f"Toys__{job}")
            .execute_in_process(
                instance=instance, tags=range_tags(first, last), raise_on_error=False
            )
        )
    failed = [e for e in result.all_events if e.event_type is DagsterEventType.STEP_FAILURE]
    assert len(failed) == 1
    return failed[0].step_failure_data


def test_a_month_that_the_data_does_not_have_is_told_with_the_remedy(store: Store) -> None:
    """A UI that was loaded before the ingestion still offers it."""
    data = failure(store, SEGMENT, LAST, "2023-11")
    assert data.user_failure_data.description == (
        "rfm_features of Toys has no 2023-10 to 2023-11: the data has given it the months 2020-10 "
        "… 2023-09 since this page was loaded; reload the definitions (Deployment, Code locations, "
        "Reload) and choose among these."
    )


@pytest.mark.parametrize(
    ("job", "snapshot", "lacks"),
    [
        (
            SEGMENT,
            "2023-08",
            "clean_reviews, joined_reviews and review_sentiment of 2022-08 to 2022-10: run "
            "prepare_months for 2022-08 to 2022-10",
        ),
        (
            SEGMENT,
            "2023-09",
            "clean_reviews, joined_reviews and review_sentiment of 2022-09 to 2022-10 and 2023-09, "
            "customer_days of 2023-09: run prepare_months for 2022-09 to 2022-10 and 2023-09 and "
            "history for 2023-09",
        ),
    ],
)
def test_missing_months_are_told_with_the_jobs_that_make_them(
    store: Store, job: str, snapshot: str, lacks: str
) -> None:
    for table in ("clean_reviews", "joined_reviews", "review_sentiment"):
        stored(store, table, "2022-11", "2023-08")
    stored(store, "customer_days", "2021-05", "2023-08")
    failed = failure(store, job, snapshot, snapshot)
    assert failed.user_failure_data.description == (
        f"Toys in {store.root} lacks {lacks}, or the job main, which makes all that is missing."
    )
    # Nothing stands around the sentence.
    assert (failed.error.cause, failed.error.context) == (None, None)


def test_of_the_history_all_months_are_named_since_each_tells_who_is_new(store: Store) -> None:
    for table in ("clean_reviews", "joined_reviews", "review_sentiment"):
        stored(store, table, "2022-08", "2023-08")
    failed = failure(store, SEGMENT, "2023-08", "2023-08")
    assert "customer_days of 2021-05 to 2023-08: run history for 2021-05 to 2023-08, or" in (
        failed.user_failure_data.description
    )


@pytest.mark.parametrize("job", [PREPARE, HISTORY])
def test_tables_without_months_are_told_too(store: Store, job: str) -> None:
    store.path("clean_metadata").rmdir()
    failed = failure(store, job, "2023-08", LAST)
    assert f"lacks clean_metadata: run ingest, or the job {MAIN}" in (
        failed.user_failure_data.description
    )


@pytest.fixture
def main(store: Store) -> JobDefinition:
    return definitions(store).resolve_job_def(f"Toys__{MAIN}")


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def test_the_main_job_is_the_run_of_the_command(
    main: JobDefinition, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = Mock(return_value="2023-08")
    monkeypatch.setattr(HeadlessRun, "main_job", lambda *given: ran(*given))
    config = {
        "snapshot": "2023-08",
        "exploration": False,
        "ops": {"k_sweep": {"k": 3}},
    }
    for given in ({}, config):
        result = main.execute_in_process(
            run_config={"ops": {"Toys__run_all": {"config": given}}}, instance=instance
        )
        assert result.success
    (_, newest), (run, chosen) = (call.args for call in ran.call_args_list)
    assert newest == MainJob()
    assert chosen == MainJob(("2023-08",), skip=frozenset({"exploration"}))
    assert run.ops == {"k_sweep": {"k": 3}}
    assert run.tags["amazon_seg/main_run"] == result.run_id
    assert run.instance is instance


@pytest.mark.parametrize(
    "error", [InputError("There are no reviews."), RunError("k_sweep", "it broke", "a stack")]
)
def test_the_main_job_fails_with_the_sentence_of_what_failed(
    main: JobDefinition,
    instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    monkeypatch.setattr(HeadlessRun, "main_job", Mock(side_effect=error))
    result = main.execute_in_process(instance=instance, raise_on_error=False)
    [failed] = [e for e in result.all_events if e.event_type is DagsterEventType.STEP_FAILURE]
    data = failed.step_failure_data
    assert data.user_failure_data is not None
    assert data.user_failure_data.description == str(error)


def test_a_month_that_does_not_exist_is_told(main: JobDefinition) -> None:
    config = {"ops": {"Toys__run_all": {"config": {"snapshot": "2023-9"}}}}
    result = main.execute_in_process(run_config=config, raise_on_error=False)
    [failed] = [e for e in result.all_events if e.event_type is DagsterEventType.STEP_FAILURE]
    assert "'2023-9' is not a month" in str(failed.step_failure_data.user_failure_data)
