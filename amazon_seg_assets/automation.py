"""What may start runs by itself: two sensors and a schedule, all off until somebody turns them on.

They form a chain. ``source_changed`` ingests a source that has changed; ``months_changed`` then
prepares the months that the ingestion changed, explores the raw data anew, and redoes the snapshots
that look at these months. ``last_complete_month`` adds the snapshot of each month that has ended.
"""

from __future__ import annotations

from typing import cast

from dagster import (
    AssetKey,
    DagsterInstance,
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    EventLogRecord,
    RunRequest,
    RunsFilter,
    ScheduleEvaluationContext,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    schedule,
    sensor,
)
from pydantic import BaseModel

from amazon_seg_assets.assets.report import EXPLORED
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.ingestion.ingest import RAW_TABLES, content_version
from amazon_seg_assets.ingestion.manifest import Manifest, read_manifest
from amazon_seg_assets.jobs import (
    explore,
    ingest,
    prepare_months,
    range_tags,
    segment_snapshot,
)
from amazon_seg_assets.locations import url_of
from amazon_seg_assets.months import contiguous, month_after
from amazon_seg_assets.partitions import (
    FIRST_MONTH,
    LAST_MONTH,
    MONTH_FORMAT,
    in_span,
    snapshot_months,
)
from amazon_seg_assets.resources import SourceResource, StoreResource
from amazon_seg_assets.snapshots import dependent_snapshots, segmentable_months
from amazon_seg_assets.staleness import materializations
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.tables.clean import JOINED_REVIEWS
from amazon_seg_assets.tables.customers import SEGMENT_SUMMARY
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.tables.raw import RAW_REVIEWS

REFRESH_TAG = "amazon_seg/refresh"
"""Runs that one ingestion led to share the value of this tag."""

# Looking at a source costs a few requests, and a source changes once in months.
_SOURCE_EVERY_SECONDS = 3600
# Looking at Dagster's own records costs next to nothing.
_RECORDS_EVERY_SECONDS = 60
# The day after a month has ended everywhere on earth.
_SECOND_OF_MONTH = "0 6 2 * *"


@sensor(
    job=ingest,
    minimum_interval_seconds=_SOURCE_EVERY_SECONDS,
    default_status=DefaultSensorStatus.STOPPED,
    description=(
        "Ingests the source if its files are no longer those that the raw tables were made of. "
        "Only their names, sizes and versions are looked at."
    ),
)
def source_changed(
    context: SensorEvaluationContext, source: SourceResource, storage: StoreResource
) -> RunRequest | SkipReason:
    """Compares the source's version with that of the raw tables.

    A version is asked for once after each ingestion of what it changes: where its run failed, a
    person has to look.
    """
    store = storage.store
    try:
        opened = source.open()
        offered = {kind: content_version(opened, kind, store.category) for kind in RAW_TABLES}
    except InputError as error:
        return SkipReason(str(error))
    manifests = {kind: read_manifest(store, table.name) for kind, table in RAW_TABLES.items()}
    changed = [
        RAW_TABLES[kind]
        for kind, manifest in manifests.items()
        if manifest is None or manifest.version != offered[kind]
    ]
    if not changed:
        return SkipReason(f"The source has not changed: {' '.join(offered.values())}.")
    # A source may come back to a former version, which must then be ingested again, and another
    # storage may take the place of this one. A table that is as offered does not count: each run
    # records it all the same.
    ingested = max(_last_event(context.instance, store, table) for table in changed)
    versions = "-".join(offered.values())
    return RunRequest(run_key=f"{url_of(store.folder)}-{versions}-after-{ingested}")


class _Refresh(BaseModel):
    """Where ``months_changed`` is, kept as its cursor.

    Attributes:
        seen: number of the last ingestion it has looked at.
        changed: months whose snapshots are still to be requested.
        ranges: months that it had prepared for them, as first and last of each run.
        explores: whether it had the raw data explored too.
    """

    seen: int
    changed: list[str] = []
    ranges: list[tuple[str, str]] = []
    explores: bool = False


@sensor(
    jobs=[prepare_months, explore, segment_snapshot],
    minimum_interval_seconds=_RECORDS_EVERY_SECONDS,
    default_status=DefaultSensorStatus.STOPPED,
    description=(
        "After an ingestion, prepares the months that it changed, and explores the raw data if "
        "that has been done before. Once these runs have succeeded, segments anew the snapshots "
        "that look at these months: those that there are, and the newest. Begins with the first "
        "ingestion after it is turned on. Changed products do not count, as they change all "
        "months at once."
    ),
)
def months_changed(context: SensorEvaluationContext, storage: StoreResource) -> SensorResult:
    """Requests months first, then snapshots, so that no snapshot is made from half of the change.

    The report of a snapshot shows the exploration only where it is of the raw tables as they now
    are. Where preparing or exploring fails, the snapshots wait until that run has been repeated
    with success, or the next ingestion asks for the same again.
    """
    store, instance = storage.store, context.instance
    if context.cursor is None:
        start = _Refresh(seen=_last_event(instance, store, RAW_REVIEWS))
        return _wait("Turned on; waits for the next ingestion.", start)
    state = _Refresh.model_validate_json(context.cursor)
    events = list(materializations(instance, store, AssetKey(RAW_REVIEWS.name), state.seen))
    if any(not _is_finished(instance, event.run_id) for event in events):
        return _wait("An ingestion is at work.", state)
    changed = {month for event in events for month in _months_changed(event)}
    inside = {*filter(in_span, changed)}
    seen = max([state.seen, *(event.storage_id for event in events)])
    if not inside and not state.changed:
        return _wait("No month has changed.", _Refresh(seen=seen))
    manifest = read_manifest(store, RAW_REVIEWS.name)
    if manifest is None:
        missing = f"{RAW_REVIEWS.name} of {store.category} is not in {url_of(store.root)}"
        return _wait(f"{missing}: waits until it has been ingested again.", state)
    if inside:
        return _request_months(store, manifest, seen, sorted(inside | set(state.changed)))
    waiting = [
        months
        for months in state.ranges
        if not _has_succeeded(instance, _request(prepare_months.name, state.seen, months))
    ]
    if waiting:
        named = ", ".join(f"{first} … {last}" for first, last in waiting)
        return _wait(f"Snapshots wait until these months have been prepared: {named}.", state)
    if state.explores and not _has_succeeded(instance, _request(explore.name, state.seen)):
        return _wait("Snapshots wait until the job explore has succeeded.", state)
    return _request_snapshots(store, manifest, seen, state.changed)


def _wait(reason: str, state: _Refresh) -> SensorResult:
    return SensorResult(skip_reason=reason, cursor=state.model_dump_json())


def _request_months(
    store: Store, manifest: Manifest, seen: int, changed: list[str]
) -> SensorResult:
    """Has the changed months prepared, and those that their snapshots lack; explores anew."""
    snapshots = _snapshots(store, manifest, changed)
    look_back = {month for end in snapshots for month in snapshot_months(end)}
    ranges = contiguous({*changed, *(look_back - set(store.months(JOINED_REVIEWS.name)))})
    requests = [_request(prepare_months.name, seen, months) for months in ranges]
    # A deployment that leaves the exploration out goes on to do so.
    explores = any(store.path(name).is_dir() for name in EXPLORED)
    if explores:
        requests.append(_request(explore.name, seen))
    state = _Refresh(seen=seen, changed=changed, ranges=ranges, explores=explores)
    return SensorResult(run_requests=requests, cursor=state.model_dump_json())


def _request_snapshots(
    store: Store, manifest: Manifest, seen: int, changed: list[str]
) -> SensorResult:
    ranges = contiguous(_snapshots(store, manifest, changed))
    return SensorResult(
        run_requests=[_request(segment_snapshot.name, seen, months) for months in ranges],
        skip_reason=None if ranges else "No snapshot looks at the months that have changed.",
        cursor=_Refresh(seen=seen).model_dump_json(),
    )


def _snapshots(store: Store, manifest: Manifest, changed: list[str]) -> list[str]:
    there = store.months(SEGMENT_SUMMARY.name)
    return dependent_snapshots(changed, there, segmentable_months(manifest))


def _request(job: str, seen: int, months: tuple[str, str] | None = None) -> RunRequest:
    """The run that an ingestion leads to: of a range of months, or of a job that has none."""
    first, tags = (f"-{months[0]}", range_tags(*months)) if months else ("", {})
    return RunRequest(
        run_key=f"{seen}-{job}{first}", job_name=job, tags={**tags, REFRESH_TAG: str(seen)}
    )


def _has_succeeded(instance: DagsterInstance, request: RunRequest) -> bool:
    """Whether a run that was requested, or a repetition of it, has succeeded."""
    asked = RunsFilter(
        tags=request.tags, statuses=[DagsterRunStatus.SUCCESS], job_name=request.job_name
    )
    return bool(instance.get_runs(asked, limit=1))


def _last_event(instance: DagsterInstance, store: Store, table: Table) -> int:
    """Number of the last ingestion of a raw table; 0 if there was none."""
    last = next(materializations(instance, store, AssetKey(table.name)), None)
    return last.storage_id if last else 0


def _is_finished(instance: DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def _months_changed(event: EventLogRecord) -> list[str]:
    materialization = event.asset_materialization
    months = materialization and materialization.metadata.get("months_changed")
    return cast("list[str]", months.value) if months else []


@schedule(
    job=segment_snapshot,
    cron_schedule=_SECOND_OF_MONTH,
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.STOPPED,
    description=(
        "Segments the customers as of the end of the last complete month, if its reviews and "
        "those of the twelve months before have been prepared."
    ),
)
def last_complete_month(
    context: ScheduleEvaluationContext, storage: StoreResource
) -> RunRequest | SkipReason:
    """Requests the snapshot of the month before the tick, unless it could only fail."""
    month = month_after(context.scheduled_execution_time.strftime(MONTH_FORMAT), -1)
    store = storage.store
    if not in_span(month):
        return SkipReason(
            f"{month} is outside the span {FIRST_MONTH} … {LAST_MONTH}: set AMAZON_SEG_LAST_MONTH."
        )
    manifest = read_manifest(store, RAW_REVIEWS.name)
    if manifest is None or month not in segmentable_months(manifest):
        return SkipReason(f"{store.category} has no reviews of verified purchases in {month}.")
    missing = sorted(set(snapshot_months(month)) - set(store.months(JOINED_REVIEWS.name)))
    if missing:
        return SkipReason(
            f"{JOINED_REVIEWS.name} of {store.category} lacks {missing[0]} … {missing[-1]} "
            f"({len(missing)} months): prepare them first."
        )
    return RunRequest(run_key=month, partition_key=month)


SCHEDULES = [last_complete_month]
SENSORS = [source_changed, months_changed]
