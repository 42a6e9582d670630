"""Old runs are removed from Dagster's records; what the UI shows of assets and checks stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    DagsterInstance,
    DagsterRunStatus,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    build_sensor_context,
    materialize,
)
from dagster._core.test_utils import create_run_for_test

from amazon_seg_assets.planning.retention import remove_old_runs, retention
from amazon_seg_assets.settings import Settings

OURS = {"amazon_seg/category": "Toys"}
DAYS = 90


@asset(key=["Toys", "raw_reviews"])
def raw_reviews() -> None:
    print("Read.")


@asset(key=["Toys", "joined_reviews"], partitions_def=StaticPartitionsDefinition(["1", "2"]))
def joined_reviews() -> None:
    print("Joined.")


@asset(key=["Toys", "report"])
def report() -> None:
    raise ValueError


@asset_check(asset=joined_reviews)
def keys_unique() -> AssetCheckResult:
    return AssetCheckResult(passed=True)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    with DagsterInstance.local_temp(str(tmp_path)) as persistent:
        yield persistent


def run(instance: DagsterInstance, *made: Any, tags: dict[str, str] = OURS, **options: Any) -> str:
    ended = materialize([*made], instance=instance, tags=tags, raise_on_error=False, **options)
    return str(ended.run_id)


def removed(instance: DagsterInstance, days: int) -> set[str]:
    """The runs that are gone once they have been looked at so many days later."""
    before = {each.run_id for each in instance.get_runs()}
    told = remove_old_runs(instance, DAYS, datetime.now(UTC) + timedelta(days=days))
    gone = before - {each.run_id for each in instance.get_runs()}
    assert len(gone) == told
    return gone


def on_disk(instance: DagsterInstance, run_id: str) -> set[str]:
    """The kinds of files and folders that lie on the disk of a run."""
    return {path.suffix for path in Path(instance.root_directory).rglob(f"*{run_id}*")}


EVENTS, OUTPUT = {".db"}, {""}


def told(instance: DagsterInstance) -> dict[Any, str]:
    """The runs that the UI tells as those of the latest materializations and of the check."""
    joined, raw = joined_reviews.key, raw_reviews.key
    check = AssetCheckKey(joined, "keys_unique")
    latest = {
        (key, event.partition_key): event.run_id
        for key in (raw, joined)
        for event in instance.fetch_materializations(key, 100, ascending=True).records
    }
    [checked] = instance.event_log_storage.get_latest_asset_check_execution_by_key([check]).values()
    return {**latest, check: checked.run_id}


def test_runs_stay_that_made_the_latest_of_an_asset_a_month_or_a_check(
    instance: DagsterInstance,
) -> None:
    superseded = run(instance, joined_reviews, keys_unique, partition_key="1")
    of_month = [run(instance, joined_reviews, partition_key=month) for month in "12"]
    checked = run(instance, joined_reviews, keys_unique, partition_key="1")
    last = run(instance, joined_reviews, partition_key="1")
    ingested = [run(instance, raw_reviews) for _ in range(2)]
    before = told(instance)
    assert {*before.values()} == {of_month[1], checked, last, ingested[1]}
    assert on_disk(instance, superseded) >= EVENTS | OUTPUT
    assert removed(instance, DAYS + 1) == {superseded, of_month[0]}
    assert told(instance) == before
    assert on_disk(instance, superseded) == set()
    for each in (*before.values(), *ingested):
        assert on_disk(instance, each) == EVENTS, "the output of steps is only worth a while"


def test_runs_that_are_young_at_work_or_of_others_stay(instance: DagsterInstance) -> None:
    ended = run(instance, report)
    others = run(instance, report, tags={"team": "another"})
    create_run_for_test(instance, "main", status=DagsterRunStatus.STARTED, tags=OURS)
    assert removed(instance, DAYS - 1) == set()
    assert remove_old_runs(instance, 0, datetime.now(UTC) + timedelta(days=999)) == 0
    assert removed(instance, DAYS + 1) == {ended}
    assert on_disk(instance, others) >= EVENTS | OUTPUT


def test_the_sensor_tells_what_it_has_removed() -> None:
    sensor = retention(Settings(keep_runs_days=30))
    with DagsterInstance.ephemeral() as instance, build_sensor_context(instance) as context:
        skipped = sensor.evaluate_tick(context).skip_message
    assert skipped == "0 runs older than 30 days are removed."
