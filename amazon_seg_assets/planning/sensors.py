"""Automation of one category: two sensors and a schedule, all off until somebody turns them on.

They form a chain. ``source_changed`` ingests a source that has changed; ``months_changed`` then
prepares the months that the ingestion changed and sums up their days, explores the raw data anew,
and redoes the snapshots that look at these months. ``last_complete_month`` adds the snapshot of
each month that has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    EventLogRecord,
    RunRequest,
    RunsFilter,
    ScheduleDefinition,
    SensorDefinition,
    SensorResult,
    SkipReason,
)
from pydantic import BaseModel

from amazon_seg_assets.dag.declaration import declared_in
from amazon_seg_assets.dag.family import MONTH_FORMAT, Family
from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.dag.records import materializations
from amazon_seg_assets.dag.resources import SourceResource
from amazon_seg_assets.dag.titles import title
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import contiguous, month_after
from amazon_seg_assets.planning.jobs import EXPLORE, HISTORY, INGEST, PREPARE, SEGMENT
from amazon_seg_assets.planning.snapshots import (
    dependent_snapshots,
    months_of_history,
    segmentable_months,
)
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.cleaning.tables import JOINED_REVIEWS
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.overview.tables import SEGMENT_SUMMARY
from amazon_seg_assets.stages.raw.ingest import RAW_TABLES, content_version
from amazon_seg_assets.stages.raw.manifest import Manifest, read_manifest, sound_manifest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.storage.damage import damage
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import url_of

REFRESH_TAG = "amazon_seg/refresh"
"""Runs that one ingestion led to share the value of this tag."""

# Looking at a source costs a few requests, and a source changes once in months.
_SOURCE_EVERY_SECONDS = 3600
# Looking at Dagster's own records costs next to nothing.
_RECORDS_EVERY_SECONDS = 60
# The day after a month has ended everywhere on earth.
_SECOND_OF_MONTH = "0 6 2 * *"


def sensors(family: Family, jobs: Mapping[str, Any]) -> list[SensorDefinition]:
    """The sensors of a category, whose jobs go by purpose."""

    def source_changed(context: Any) -> RunRequest | SkipReason:
        return _Watch.of(family, context).source(context.resources.source)

    def months_changed(context: Any) -> SensorResult:
        return _Watch.of(family, context).months(context.cursor)

    return [
        SensorDefinition(
            name=family.name("source_changed"),
            evaluation_fn=source_changed,
            job=jobs[INGEST],
            minimum_interval_seconds=_SOURCE_EVERY_SECONDS,
            default_status=DefaultSensorStatus.STOPPED,
            required_resource_keys={"source", "storage"},
            description=(
                "Ingests the source if its files are no longer those that the raw tables were made "
                "of, or if files of these are missing or cut. Only names, sizes and versions are "
                "looked at."
            ),
        ),
        SensorDefinition(
            name=family.name("months_changed"),
            evaluation_fn=months_changed,
            jobs=[jobs[name] for name in (PREPARE, HISTORY, EXPLORE, SEGMENT)],
            minimum_interval_seconds=_RECORDS_EVERY_SECONDS,
            default_status=DefaultSensorStatus.STOPPED,
            required_resource_keys={"storage"},
            description=(
                "After an ingestion, prepares the months that it changed, brings the history of "
                "all months up to date, and explores the raw data if that has been done before. "
                "Once these runs have succeeded, segments anew the snapshots that look at these "
                "months: those that there are, and the newest. Begins with the first ingestion "
                "after it is turned on. Changed products do not count, as they change all months "
                "at once."
            ),
        ),
    ]


def schedules(family: Family, jobs: Mapping[str, Any]) -> list[ScheduleDefinition]:
    """The schedule of a category, whose jobs go by purpose."""

    def last_complete_month(context: Any) -> RunRequest | SkipReason:
        month = month_after(context.scheduled_execution_time.strftime(MONTH_FORMAT), -1)
        return _Watch.of(family, context).month(month)

    return [
        ScheduleDefinition(
            name=family.name("last_complete_month"),
            job=jobs[SEGMENT],
            cron_schedule=_SECOND_OF_MONTH,
            execution_timezone="UTC",
            execution_fn=last_complete_month,
            default_status=DefaultScheduleStatus.STOPPED,
            required_resource_keys={"storage"},
            description=(
                "Segments the customers as of the end of the last complete month, if its reviews "
                "and those of the twelve months before have been prepared, and the history of all "
                "months up to it is there."
            ),
        )
    ]


class _Refresh(BaseModel):
    """The state of ``months_changed``, kept as its cursor.

    Attributes:
        seen: number of the last ingestion it has looked at.
        changed: months whose snapshots are still to be requested.
        ranges: months that it had prepared for them, as first and last of each run.
        histories: months of which it had the days summed up, likewise.
        explores: whether it had the raw data explored too.
    """

    seen: int
    changed: list[str] = []
    ranges: list[tuple[str, str]] = []
    histories: list[tuple[str, str]] = []
    explores: bool = False


def _wait(reason: str, state: _Refresh) -> SensorResult:
    return SensorResult(skip_reason=reason, cursor=state.model_dump_json())


@dataclass(frozen=True)
class _Watch:
    """A look at the storage and the records of a category."""

    family: Family
    store: Store
    instance: DagsterInstance

    @classmethod
    def of(cls, family: Family, context: Any) -> Self:
        return cls(family, context.resources.storage.of(family.category), context.instance)

    def source(self, source: SourceResource) -> RunRequest | SkipReason:
        """Compares the source's version with that of the raw tables.

        A version is asked for once after each ingestion of what it changes: where its run failed,
        a person has to look.
        """
        store = self.store
        try:
            opened = source.open()
            offered = {kind: content_version(opened, kind, store.category) for kind in RAW_TABLES}
        except InputError as error:
            return SkipReason(str(error))
        manifests = {kind: sound_manifest(store, table.name) for kind, table in RAW_TABLES.items()}
        changed = [
            table
            for kind, table in RAW_TABLES.items()
            if (manifest := manifests[kind]) is None
            or manifest.version != offered[kind]
            or damage(store, table.name)
        ]
        if not changed:
            return SkipReason(f"The source has not changed: {' '.join(offered.values())}.")
        # A source may come back to a former version, which must then be ingested again, and another
        # storage may take the place of this one. A table that is as offered does not count: each
        # run records it all the same.
        ingested = max(map(self._last_event, changed))
        versions = "-".join(offered.values())
        return RunRequest(run_key=f"{url_of(store.folder)}-{versions}-after-{ingested}")

    def months(self, cursor: str | None) -> SensorResult:
        """Requests months first, then snapshots, so that none is made from half of the change.

        The report of a snapshot shows the exploration only where it is of the raw tables as they
        now are. Where preparing or exploring fails, the snapshots wait until that run has been
        repeated with success, or the next ingestion asks for the same again.
        """
        if cursor is None:
            start = _Refresh(seen=self._last_event(RAW_REVIEWS))
            return _wait("Turned on; waits for the next ingestion.", start)
        state, key = _Refresh.model_validate_json(cursor), self.family.key(RAW_REVIEWS.name)
        events = list(materializations(self.instance, self.store, key, state.seen))
        if any(not self._is_finished(event.run_id) for event in events):
            return _wait("An ingestion is at work.", state)
        changed = {month for event in events for month in _months_changed(event)}
        inside = {month for month in changed if month in self.family.span}
        seen = max([state.seen, *(event.storage_id for event in events)])
        if not inside and not state.changed:
            return _wait("No month has changed.", _Refresh(seen=seen))
        manifest = read_manifest(self.store, RAW_REVIEWS.name)
        if manifest is None:
            missing = f"{RAW_REVIEWS.name} of {self.store.category} is not in"
            again = "waits until it has been ingested again."
            return _wait(f"{missing} {url_of(self.store.root)}: {again}", state)
        if inside:
            return self._request_months(manifest, seen, sorted(inside | set(state.changed)))
        for job, ranges in ((PREPARE, state.ranges), (HISTORY, state.histories)):
            requests = {months: self._request(job, state.seen, months) for months in ranges}
            waiting = [months for months, of in requests.items() if not self._has_succeeded(of)]
            if waiting:
                named = ", ".join(f"{first} … {last}" for first, last in waiting)
                return _wait(f"Snapshots wait until {job} has succeeded for {named}.", state)
        if state.explores and not self._has_succeeded(self._request(EXPLORE, state.seen)):
            return _wait("Snapshots wait until the job explore has succeeded.", state)
        return self._request_snapshots(manifest, seen, state.changed)

    def month(self, month: str) -> RunRequest | SkipReason:
        """Requests the snapshot of a month that has ended, unless it could only fail."""
        store, span = self.store, self.family.span
        if month not in span:
            return SkipReason(
                f"{month} is outside the span {span.first} … {span.last}: set "
                "AMAZON_SEG_LAST_MONTH."
            )
        manifest = read_manifest(store, RAW_REVIEWS.name)
        if manifest is None or month not in segmentable_months(manifest, span):
            return SkipReason(f"{store.category} has no reviews of verified purchases in {month}.")
        so_far = [each for each in months_of_history(store, span) if each <= month]
        for table, job, needed in (
            (JOINED_REVIEWS, PREPARE, span.look_back(month)),
            (CUSTOMER_DAYS, HISTORY, so_far),
        ):
            missing = sorted(set(needed) - set(store.months(table.name)))
            if missing:
                return SkipReason(
                    f"{table.name} of {store.category} lacks {missing[0]} … {missing[-1]} "
                    f"({len(missing)} months): run the job {job} for them first."
                )
        return RunRequest(run_key=month, partition_key=month)

    def _request_months(self, manifest: Manifest, seen: int, changed: list[str]) -> SensorResult:
        """Requests the changed months, and those that snapshots and history lack; explores anew."""
        snapshots = self._snapshots(manifest, changed)
        look_back = {month for end in snapshots for month in self.family.span.look_back(end)}
        there = set(self.store.months(JOINED_REVIEWS.name))
        ranges = contiguous({*changed, *(look_back - there)})
        known = {*months_of_history(self.store, self.family.span)}
        summed_up = set(self.store.months(CUSTOMER_DAYS.name))
        histories = contiguous({*changed, *(known - summed_up)})
        requests = [
            *(self._request(PREPARE, seen, months) for months in ranges),
            *(self._request(HISTORY, seen, months) for months in histories),
        ]
        # A deployment that leaves the exploration out goes on to do so.
        explored = (self.store.path(each.name) for each in declared_in("exploration"))
        explores = any(path.is_dir() for path in explored)
        if explores:
            requests.append(self._request(EXPLORE, seen))
        state = _Refresh(
            seen=seen, changed=changed, ranges=ranges, histories=histories, explores=explores
        )
        return SensorResult(run_requests=requests, cursor=state.model_dump_json())

    def _request_snapshots(self, manifest: Manifest, seen: int, changed: list[str]) -> SensorResult:
        ranges = contiguous(self._snapshots(manifest, changed))
        return SensorResult(
            run_requests=[self._request(SEGMENT, seen, months) for months in ranges],
            skip_reason=None if ranges else "No snapshot looks at the months that have changed.",
            cursor=_Refresh(seen=seen).model_dump_json(),
        )

    def _snapshots(self, manifest: Manifest, changed: list[str]) -> list[str]:
        there = self.store.months(SEGMENT_SUMMARY.name)
        return dependent_snapshots(changed, there, segmentable_months(manifest, self.family.span))

    def _request(self, job: str, seen: int, months: tuple[str, str] | None = None) -> RunRequest:
        """The run that an ingestion leads to: of a range of months, or of a job that has none."""
        first, tags = (f"-{months[0]}", range_tags(*months)) if months else ("", {})
        name = self.family.name(job)
        run_key = f"{seen}-{name}{first}"
        told = {**title(job, tags), REFRESH_TAG: str(seen)}
        return RunRequest(run_key=run_key, job_name=name, tags={**tags, **told})

    def _has_succeeded(self, request: RunRequest) -> bool:
        """True if a run that was requested, or a repetition of it, has succeeded."""
        asked = RunsFilter(
            tags=request.tags, statuses=[DagsterRunStatus.SUCCESS], job_name=request.job_name
        )
        return bool(self.instance.get_runs(asked, limit=1))

    def _last_event(self, table: Table) -> int:
        """Number of the last ingestion of a raw table; 0 if there was none."""
        key = self.family.key(table.name)
        last = next(materializations(self.instance, self.store, key), None)
        return last.storage_id if last else 0

    def _is_finished(self, run_id: str) -> bool:
        run = self.instance.get_run_by_id(run_id)
        return run is None or run.is_finished


def _months_changed(event: EventLogRecord) -> list[str]:
    materialization = event.asset_materialization
    months = materialization and materialization.metadata.get("months_changed")
    return cast("list[str]", months.value) if months else []
