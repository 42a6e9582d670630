"""Ticks of the sensors and of the schedule; none of them runs anything."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    MetadataValue,
    RepositoryDefinition,
    RunRequest,
    build_schedule_context,
    build_sensor_context,
)
from dagster._core.events import StepMaterializationData
from dagster._core.test_utils import create_run_for_test

from amazon_seg_assets.dag.family import families
from amazon_seg_assets.dag.handles import Whole
from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.dag.resources import SourceResource, StoreResource
from amazon_seg_assets.dag.versions import NOTE, WHOLE
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.months import month_range
from amazon_seg_assets.planning.sensors import REFRESH_TAG
from amazon_seg_assets.planning.snapshots import dependent_snapshots
from amazon_seg_assets.planning.staleness import Look
from amazon_seg_assets.schema import Table
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.stages.cleaning.assets import clean_metadata
from amazon_seg_assets.stages.cleaning.versions import made_from_products
from amazon_seg_assets.stages.raw.checks import rows_in_span
from amazon_seg_assets.stages.raw.ingest import ingest
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.storage.contents import keep_contents
from amazon_seg_assets.storage.facts import note_checks, write_facts
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import url_of
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.raw_files import product, review, write_raw

CATEGORY, OTHER = "Toys", "Gift_Cards"
MONTHS = [f"2022-{month:02d}" for month in range(1, 13)] + ["2023-01", "2023-02", "2023-03"]
REVIEWS = [review("somebody", "thing", f"{month}-15T12:00:00") for month in MONTHS]


class Place:
    """A source and a storage, what Dagster has recorded about them, and what watches them."""

    def __init__(
        self, folder: Path, instance: DagsterInstance, repository: RepositoryDefinition
    ) -> None:
        self.folder, self.instance, self.repository = folder, instance, repository
        self.source = SourceResource(
            name=str(folder), sample_directory="", sample_reviews=0, max_malformed_share=0
        )
        self.storage = StoreResource(root=str(folder / "data"))
        self.cursor: str | None = None
        self.publish(REVIEWS)

    @property
    def store(self) -> Store:
        return self.storage.of(CATEGORY)

    def publish(self, reviews: list[dict[str, Any]]) -> None:
        write_raw(self.folder, CATEGORY, reviews, [product("thing", 10.0)])

    def ingest(
        self,
        months: list[str] | None = None,
        is_finished: bool = True,
        has_other_products: bool = False,
    ) -> None:
        """Ingests, and records it as the assets would, with these months as changed."""
        source = self.source.open()
        manifest, _ = ingest(Kind.REVIEWS, source, self.store, 0, False, lambda _: None, 1)
        ingest(Kind.METADATA, source, self.store, 0, False, lambda _: None, 1)
        changed = manifest.months_changed if months is None else months
        status = DagsterRunStatus.SUCCESS if is_finished else DagsterRunStatus.STARTED
        self.record(RAW_REVIEWS, self.store, changed, status)
        self.record(RAW_METADATA, self.store, [], status, has_other_products)

    def record(
        self,
        table: Table,
        store: Store,
        changed: list[str],
        status: DagsterRunStatus,
        is_other: bool = False,
    ) -> None:
        """Records that a run has ingested a table."""
        job = f"{store.category}__ingest"
        run = create_run_for_test(self.instance, job, status=status)
        uri = MetadataValue.path(url_of(store.path(table.name)))
        event = AssetMaterialization(
            AssetKey([store.category, table.name]),
            metadata={"months_changed": changed, "source_changed": is_other, "dagster/uri": uri},
        )
        self.instance.report_dagster_event(
            DagsterEvent(
                DagsterEventType.ASSET_MATERIALIZATION.value,
                job,
                event_specific_data=StepMaterializationData(event),
            ),
            run_id=run.run_id,
        )

    def stored(self, asset: str, months: list[str]) -> None:
        for month in months:
            self.store.path(asset, month).mkdir(parents=True)
            note_checks(self.store, asset, month, {})

    def cleans_products(self) -> None:
        """Stores clean products, made from those that are ingested."""
        manifest = require_manifest(self.store, RAW_METADATA.name)
        folder = self.store.path("clean_metadata")
        folder.mkdir(parents=True)
        write_facts(folder, made_from_products(manifest, []))
        family, _ = families(Settings(category=f"{CATEGORY},{OTHER}"))
        look = Look(family, store=self.store)
        made = look._versions.now(clean_metadata, WHOLE, look._config(clean_metadata))
        (folder / NOTE).write_text(json.dumps(asdict(made)))
        keep_contents(folder)
        note_checks(self.store, "clean_metadata", None, {})

    def has_months(self) -> None:
        """Stores what snapshots look back at."""
        for table in ("joined_reviews", "customer_days"):
            self.stored(table, MONTHS)

    def run(self, request: RunRequest, status: DagsterRunStatus) -> None:
        """Records a requested run as ended."""
        create_run_for_test(self.instance, str(request.job_name), status=status, tags=request.tags)

    def looks_at_source(self) -> RunRequest | str:
        """The run requested, or why there is none."""
        outcome = self._tick("source_changed", source=self.source)
        if outcome.skip_message:
            return str(outcome.skip_message)
        [request] = outcome.run_requests
        assert isinstance(request, RunRequest)
        return request

    def source_request(self) -> RunRequest:
        """The run requested; there is one."""
        outcome = self.looks_at_source()
        assert not isinstance(outcome, str), outcome
        return outcome

    def looks_at_months(self) -> Sequence[RunRequest] | str:
        """Runs requested, or why there are none."""
        outcome = self._tick("months_changed", cursor=self.cursor)
        self.cursor = outcome.cursor
        return outcome.skip_message or outcome.run_requests or []

    def _tick(self, sensor: str, cursor: str | None = None, **resources: Any) -> Any:
        with build_sensor_context(
            self.instance,
            cursor=cursor,
            repository_def=self.repository,
            resources={"storage": self.storage, **resources},
        ) as context:
            return self.repository.get_sensor_def(f"{CATEGORY}__{sensor}").evaluate_tick(context)

    def requests(self) -> Sequence[RunRequest]:
        """Runs requested; there are some."""
        outcome = self.looks_at_months()
        assert not isinstance(outcome, str), outcome
        return outcome


def asked(
    requests: Sequence[RunRequest] | str,
) -> list[tuple[str, str | None, str | None]]:
    """Job of each run, within the category, and its first and last month if it is of months."""
    assert not isinstance(requests, str), requests
    assert all(str(each.job_name).startswith(f"{CATEGORY}__") for each in requests)
    one, (first, last) = *range_tags("", ""), range_tags("first", "last")
    return [
        (
            str(each.job_name).removeprefix(f"{CATEGORY}__"),
            each.tags.get(one) or each.tags.get(first),
            each.tags.get(one) or each.tags.get(last),
        )
        for each in requests
    ]


@pytest.fixture(scope="module")
def repository() -> RepositoryDefinition:
    return build_definitions(Settings(category=f"{CATEGORY},{OTHER}")).get_repository_def()


@pytest.fixture
def place(tmp_path: Path, repository: RepositoryDefinition) -> Iterator[Place]:
    with DagsterInstance.ephemeral() as instance:
        yield Place(tmp_path, instance, repository)


@pytest.fixture(scope="module")
def persistent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterInstance]:
    """Of another kind a schedule sees nothing."""
    with DagsterInstance.local_temp(str(tmp_path_factory.mktemp("home"))) as instance:
        yield instance


def test_a_snapshot_depends_on_its_month_and_the_twelve_before() -> None:
    every = [*MONTHS, "2023-04", "2023-05"]
    # January 2022 counts up to January 2023.
    assert dependent_snapshots(["2022-01"], every, every) == MONTHS[:13]
    # Of those, what there is.
    assert dependent_snapshots(["2022-01"], ["2021-12", "2022-06", "2023-02"], every) == ["2022-06"]
    # The newest is new; it looks back to May 2022.
    assert dependent_snapshots(["2022-05"], [], every) == ["2023-05"]
    assert dependent_snapshots(["2022-04"], [], every) == []
    # A month that has lost its reviews has no snapshot of its own any more.
    assert dependent_snapshots(["2023-05"], ["2023-05"], every[:-1]) == []
    assert dependent_snapshots(["2023-04"], ["2023-05"], []) == []


def test_a_changed_source_is_ingested_once(place: Place) -> None:
    first, again = place.source_request(), place.source_request()
    assert again.run_key == first.run_key  # Dagster starts one run for each key
    place.ingest()
    assert "has not changed" in str(place.looks_at_source())
    # The same version once more, as its table is gone: an ingestion was between.
    shutil.rmtree(on_disk(place.store.path(RAW_REVIEWS.name)))
    assert place.source_request().run_key != first.run_key
    place.publish(REVIEWS[1:])
    assert place.source_request().run_key != first.run_key


@pytest.mark.parametrize("harmed", ["*.parquet", "_manifest.json"])
def test_a_raw_table_that_is_damaged_is_ingested_once(place: Place, harmed: str) -> None:
    place.ingest()
    [file, *_] = on_disk(place.store.path(RAW_METADATA.name)).rglob(harmed)
    os.truncate(file, 10)
    request = place.source_request()
    assert place.source_request().run_key == request.run_key
    place.ingest()
    assert "The source has not changed" in place.looks_at_source()


def test_where_one_table_fails_the_source_is_asked_for_once(place: Place) -> None:
    ingest(Kind.REVIEWS, place.source.open(), place.store, 0, False, lambda _: None, 1)
    elsewhere = place.storage.of(OTHER)
    keys = []
    for _ in range(3):
        # Each run records the reviews, though they are as they were.
        place.record(RAW_REVIEWS, place.store, [], DagsterRunStatus.FAILURE)
        place.record(RAW_METADATA, elsewhere, [], DagsterRunStatus.SUCCESS)
        keys.append(place.source_request().run_key)
    assert len(set(keys)) == 1


def test_another_storage_is_asked_for_anew(place: Place) -> None:
    first = place.source_request()
    place.storage = StoreResource(root=str(place.folder / "other"))
    assert place.source_request().run_key != first.run_key


def test_a_source_that_cannot_be_read_is_told(place: Place) -> None:
    (place.folder / f"raw/review_categories/{CATEGORY}.jsonl").unlink()
    assert "There are no reviews" in str(place.looks_at_source())


def test_changed_months_are_prepared_and_then_their_snapshots_made(place: Place) -> None:
    place.ingest()
    assert place.looks_at_months() == "Turned on; waits for the next ingestion."
    assert place.looks_at_months() == "No month has changed."
    for table in ("joined_reviews", "customer_days"):
        place.stored(table, month_range("2021-01", "2023-03"))
    place.stored("segment_summary", ["2022-01", "2022-02", "2022-12", "2023-01"])

    place.ingest(["1990-01", "2022-02", "2022-03", "2022-06"])
    months = place.looks_at_months()
    assert asked(months) == [
        ("prepare_months", "2022-06", "2022-06"),
        ("prepare_months", "2022-02", "2022-03"),
        ("history", "2022-06", "2022-06"),
        ("history", "2022-02", "2022-03"),
    ]
    assert not isinstance(months, str)
    assert "prepare_months has succeeded for 2022-06 … 2022-06, 2022-02 … 2022-03." in (
        place.looks_at_months()
    )
    place.run(months[0], DagsterRunStatus.SUCCESS)
    place.run(months[1], DagsterRunStatus.FAILURE)
    assert "prepare_months has succeeded for 2022-02 … 2022-03." in place.looks_at_months()
    place.run(months[1], DagsterRunStatus.SUCCESS)  # repeated from where it failed
    place.run(months[2], DagsterRunStatus.SUCCESS)
    assert "history has succeeded for 2022-02 … 2022-03." in place.looks_at_months()
    place.run(months[3], DagsterRunStatus.SUCCESS)
    # 2022-01 is before the change; 2022-02, 2022-12 and 2023-01 are stored; 2023-03 is the newest.
    snapshots = place.looks_at_months()
    assert asked(snapshots) == [
        ("segment_snapshot", "2023-03", "2023-03"),
        ("segment_snapshot", "2022-12", "2023-01"),
        ("segment_snapshot", "2022-02", "2022-02"),
    ]
    assert not isinstance(snapshots, str)
    tags = {each.tags[REFRESH_TAG] for each in (*months, *snapshots)}
    assert len(tags) == 1
    assert place.looks_at_months() == "No month has changed."


def test_what_a_new_snapshot_looks_back_at_is_made_with_it(place: Place) -> None:
    place.looks_at_months()
    place.ingest(["2023-03"])
    assert asked(place.looks_at_months()) == [
        ("prepare_months", "2022-03", "2023-03"),
        ("history", "2022-01", "2023-03"),
    ]


def test_an_empty_storage_takes_one_run_of_each_job(place: Place) -> None:
    place.publish([review("somebody", "thing", "1997-02-03T00:00:00"), *REVIEWS[4:9], REVIEWS[-1]])
    place.looks_at_months()
    place.ingest()
    assert asked(place.looks_at_months()) == [
        ("prepare_months", "2022-03", "2023-03"),
        ("history", "1997-02", "2023-03"),
    ]


def test_changed_products_change_all_that_is_stored(place: Place) -> None:
    place.ingest()
    place.looks_at_months()
    place.has_months()
    place.stored("segment_summary", ["2023-01"])
    place.ingest([], has_other_products=True)
    for _ in range(2):
        assert place.looks_at_months() == (
            "Waits until the job ingest has cleaned the changed products."
        )
    place.cleans_products()
    months = place.requests()
    assert asked(months) == [
        ("prepare_months", "2022-01", "2023-03"),
        ("history", "2022-01", "2023-03"),
    ]
    for request in months:
        place.run(request, DagsterRunStatus.SUCCESS)
    assert asked(place.looks_at_months()) == [
        ("segment_snapshot", "2023-03", "2023-03"),
        ("segment_snapshot", "2023-01", "2023-01"),
    ]
    place.ingest([])
    assert place.looks_at_months() == "No month has changed."


APRIL = review("somebody", "thing", "2023-04-15T12:00:00")


def deployed(**settings: Any) -> RepositoryDefinition:
    """The definitions as a process that starts now loads them."""
    return build_definitions(Settings(category=CATEGORY, **settings)).get_repository_def()


@pytest.mark.parametrize("value", ["2023-04", None])
def test_the_advice_on_months_outside_the_span_works(place: Place, value: str | None) -> None:
    storage: dict[str, Any] = {"storage": place.folder / "data"}
    place.repository = deployed(last_month="2023-03", **storage)
    place.ingest()
    place.looks_at_months()
    place.has_months()
    place.publish([*REVIEWS, APRIL])
    place.ingest(["2023-04"])
    assert place.looks_at_months() == "No month has changed."
    [check] = rows_in_span
    [family] = families(Settings(category=CATEGORY, last_month="2023-03", **storage))
    advice = check.judge(Whole(family, place.store), max_rows_outside=0).sentence
    assert "to count those up to 2023-04, set AMAZON_SEG_LAST_MONTH to it, or to nothing" in advice

    place.repository = deployed(last_month=value, **storage)
    months = place.requests()
    assert asked(months) == [
        ("prepare_months", "2023-04", "2023-04"),
        ("history", "2023-04", "2023-04"),
    ]
    for request in months:
        place.run(request, DagsterRunStatus.SUCCESS)
    assert asked(place.looks_at_months()) == [("segment_snapshot", "2023-04", "2023-04")]
    assert place.looks_at_months() == "No month has changed."


def test_a_month_that_comes_in_is_made_by_the_main_job(
    place: Place, persistent: DagsterInstance
) -> None:
    """Partitions are those of the process, which was started before the month came."""
    storage = {"storage": place.folder / "data"}
    place.ingest()
    place.repository = deployed(**storage)
    place.looks_at_months()
    place.has_months()
    place.stored("segment_summary", ["2023-03"])
    place.publish([*REVIEWS, APRIL, review("somebody", "thing", "2023-03-16T12:00:00")])
    place.ingest(["2023-03", "2023-04"])
    requests = place.requests()
    assert asked(requests) == [("main", None, None), ("prepare_months", "2023-03", "2023-03")]
    assert scheduled(place, persistent, datetime(2023, 5, 2, 6, tzinfo=UTC)) == (
        "2023-04 has come in since the start: reload the definitions."
    )
    place.run(requests[1], DagsterRunStatus.SUCCESS)
    assert place.looks_at_months() == "Snapshots wait until the job main has succeeded."
    place.run(requests[0], DagsterRunStatus.SUCCESS)
    assert asked(place.looks_at_months()) == [("segment_snapshot", "2023-03", "2023-03")]

    for table in ("joined_reviews", "customer_days", "segment_summary"):
        place.stored(table, ["2023-04"])
    place.repository = deployed(**storage)
    assert place.looks_at_months() == "No month has changed."
    assert scheduled(place, persistent, datetime(2023, 5, 2, 6, tzinfo=UTC)) == "2023-04"


def test_what_has_been_explored_before_is_explored_anew_with_the_months(place: Place) -> None:
    place.looks_at_months()
    place.has_months()
    place.store.path("rating_counts").mkdir()
    place.ingest(["2023-02"])
    months, history, exploration = place.requests()
    assert asked([months, history, exploration]) == [
        ("prepare_months", "2023-02", "2023-02"),
        ("history", "2023-02", "2023-02"),
        ("explore", None, None),
    ]
    for request in (months, history):
        place.run(request, DagsterRunStatus.SUCCESS)
    place.run(exploration, DagsterRunStatus.FAILURE)
    for _ in range(2):
        assert place.looks_at_months() == "Snapshots wait until the job explore has succeeded."

    # The next ingestion asks for both again.
    place.ingest(["2023-03"])
    months, history, again = place.requests()
    assert asked([months, history, again]) == [
        ("prepare_months", "2023-02", "2023-03"),
        ("history", "2023-02", "2023-03"),
        ("explore", None, None),
    ]
    assert again.run_key != exploration.run_key
    place.run(again, DagsterRunStatus.SUCCESS)
    assert "prepare_months has succeeded for 2023-02 … 2023-03." in place.looks_at_months()
    for request in (months, history):
        place.run(request, DagsterRunStatus.SUCCESS)
    assert asked(place.looks_at_months()) == [("segment_snapshot", "2023-03", "2023-03")]
    assert place.looks_at_months() == "No month has changed."


def test_a_cursor_that_knows_neither_exploration_nor_history_is_read(place: Place) -> None:
    place.ingest()
    place.looks_at_months()
    seen = json.loads(place.cursor or "")["seen"]
    place.cursor = json.dumps({"seen": seen, "changed": ["2023-03"], "ranges": []})
    assert asked(place.looks_at_months()) == [("segment_snapshot", "2023-03", "2023-03")]


def test_an_ingestion_at_work_is_waited_for(place: Place) -> None:
    place.looks_at_months()
    place.ingest(["2023-03"], is_finished=False)
    assert place.looks_at_months() == "An ingestion is at work."


def test_a_second_ingestion_meanwhile_adds_its_months(place: Place) -> None:
    place.looks_at_months()
    place.has_months()
    place.ingest(["2022-05"])
    assert asked(place.looks_at_months()) == [
        ("prepare_months", "2022-05", "2022-05"),
        ("history", "2022-05", "2022-05"),
    ]
    place.ingest(["2022-07"])
    assert asked(place.looks_at_months()) == [
        ("prepare_months", "2022-07", "2022-07"),
        ("prepare_months", "2022-05", "2022-05"),
        ("history", "2022-07", "2022-07"),
        ("history", "2022-05", "2022-05"),
    ]


@pytest.mark.parametrize("category", [CATEGORY, OTHER])
def test_ingestions_elsewhere_change_no_month_here(place: Place, category: str) -> None:
    place.looks_at_months()
    place.ingest(["2023-03"])
    elsewhere = place.store.root if category != CATEGORY else place.folder / "try"
    other = Store(elsewhere, category)
    for status in (DagsterRunStatus.SUCCESS, DagsterRunStatus.STARTED):
        place.record(RAW_REVIEWS, other, ["2022-05"], status)
    place.has_months()
    assert asked(place.looks_at_months()) == [
        ("prepare_months", "2023-03", "2023-03"),
        ("history", "2023-03", "2023-03"),
    ]


def test_months_of_reviews_that_are_gone_wait_for_them(place: Place) -> None:
    place.looks_at_months()
    place.has_months()
    place.record(RAW_REVIEWS, place.store, ["2022-05"], DagsterRunStatus.SUCCESS)
    for _ in range(2):
        assert "waits until it has been ingested again" in str(place.looks_at_months())
    place.ingest(["2022-07"])
    assert asked(place.looks_at_months()) == [
        ("prepare_months", "2022-07", "2022-07"),
        ("prepare_months", "2022-05", "2022-05"),
        ("history", "2022-07", "2022-07"),
        ("history", "2022-05", "2022-05"),
    ]


@pytest.mark.parametrize(
    ("tick", "outcome"),
    [
        (datetime(2023, 4, 2, 6, tzinfo=UTC), "2023-03"),
        (datetime(2023, 5, 2, 6, tzinfo=UTC), "no reviews of verified purchases in 2023-04"),
        (datetime(1995, 11, 2, 6, tzinfo=UTC), "1995-10 is outside the span"),
        (datetime(2023, 1, 2, 6, tzinfo=UTC), "lacks 2021-12 … 2021-12 (1 months)"),
    ],
)
def test_the_last_complete_month_is_segmented(
    place: Place, persistent: DagsterInstance, tick: datetime, outcome: str
) -> None:
    place.ingest()
    place.has_months()
    assert outcome in scheduled(place, persistent, tick)


@pytest.mark.parametrize(
    ("passed", "why"), [(None, "not checked yet"), (False, "the check keys_unique has failed")]
)
@pytest.mark.parametrize(
    ("table", "month", "job"),
    [("joined_reviews", "2022-06", "prepare_months"), ("customer_days", "2022-01", "history")],
)
def test_a_month_that_no_check_stands_for_is_not_looked_back_at(
    place: Place,
    persistent: DagsterInstance,
    table: str,
    month: str,
    job: str,
    passed: bool | None,
    why: str,
) -> None:
    place.ingest()
    place.has_months()
    folder = on_disk(place.store.path(table, month))
    for note in folder.iterdir():
        note.unlink()
    if passed is not None:
        note_checks(place.store, table, month, {"keys_unique": passed})
    assert scheduled(place, persistent, datetime(2023, 4, 2, 6, tzinfo=UTC)) == (
        f"{table} of {CATEGORY} is not to be used in {month}, as {why}: run the job {job} for it "
        "first."
    )


def scheduled(place: Place, instance: DagsterInstance, tick: datetime) -> str:
    """The snapshot that the schedule requests, or why there is none."""
    schedule = place.repository.get_schedule_def(f"{CATEGORY}__last_complete_month")
    with build_schedule_context(
        instance,
        scheduled_execution_time=tick,
        resources={"storage": place.storage},
        repository_def=place.repository,
    ) as context:
        decided = schedule.evaluate_tick(context)
    if decided.skip_message:
        return decided.skip_message
    [request] = decided.run_requests or []
    return request.tags["dagster/partition"]


def test_nothing_starts_by_itself_but_what_tidies_up(repository: RepositoryDefinition) -> None:
    automation: list[Any] = [*repository.sensor_defs, *repository.schedule_defs]
    assert len(automation) == 8
    running = [each.name for each in automation if each.default_status.value != "STOPPED"]
    assert running == ["old_runs_removed"]
