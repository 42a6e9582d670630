"""Automation of one category: two sensors and a schedule, all off until somebody turns them on.

They form a chain. ``source_changed`` ingests a source that has changed; ``months_changed`` then
prepares the months that the ingestion changed and sums up their days, explores the raw data anew,
and redoes the snapshots that look at these months. ``last_complete_month`` adds the snapshot of
each month that has ended.

Partitions are those of the process that Dagster has loaded. A month that has come in since is made
by the job ``main``, whose process has it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

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
from amazon_seg_assets.months import Span, contiguous, month_after, month_range
from amazon_seg_assets.planning.jobs import EXPLORE, HISTORY, INGEST, MAIN, PREPARE, SEGMENT
from amazon_seg_assets.planning.snapshots import (
    dependent_snapshots,
    months_of_history,
    segmentable_months,
)
from amazon_seg_assets.planning.staleness import Look
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.cleaning.assets import clean_metadata
from amazon_seg_assets.stages.cleaning.tables import JOINED_REVIEWS
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.overview.tables import SEGMENT_SUMMARY
from amazon_seg_assets.stages.raw.ingest import RAW_TABLES, content_version
from amazon_seg_assets.stages.raw.manifest import Manifest, read_manifest, sound_manifest
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.storage.damage import damage
from amazon_seg_assets.storage.facts import fault
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
            jobs=[jobs[name] for name in (PREPARE, HISTORY, EXPLORE, SEGMENT, MAIN)],
            minimum_interval_seconds=_RECORDS_EVERY_SECONDS,
            default_status=DefaultSensorStatus.STOPPED,
            required_resource_keys={"storage"},
            description=(
                "After an ingestion, prepares the months that it changed, brings the history of "
                "all months up to date, and explores the raw data if that has been done before. "
                "Once these runs have succeeded, segments anew the snapshots that look at these "
                "months: those that there are, and the newest. Changed products change all months "
                "that are stored; months that a setting has added count as changed. Begins with "
                "the first ingestion after it is turned on."
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
                "months up to it is there, and no check that blocks has failed or is missing."
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
        has_new_months: whether it had ``main`` make months that are no partitions here.
        span: first and last month that there were; of an earlier version, the same as now.
    """

    seen: int
    span: tuple[str, str] | None = None
    changed: list[str] = []
    ranges: list[tuple[str, str]] = []
    histories: list[tuple[str, str]] = []
    explores: bool = False
    has_new_months: bool = False


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
        span = (self.family.span.first, self.family.span.last)
        if cursor is None:
            start = _Refresh(seen=max(map(self._last_event, RAW_TABLES.values())), span=span)
            return _wait("Turned on; waits for the next ingestion.", start)
        state = _Refresh.model_validate_json(cursor)
        reviews, products = (
            list(materializations(self.instance, self.store, self.family.key(name), state.seen))
            for name in (RAW_REVIEWS.name, RAW_METADATA.name)
        )
        events = [*reviews, *products]
        if any(not self._is_finished(event.run_id) for event in events):
            return _wait("An ingestion is at work.", state)
        seen = max([state.seen, *(event.storage_id for event in events)])
        changed = {month for event in reviews for month in _figure(event, "months_changed", [])}
        if any(_figure(event, "source_changed", False) for event in products):
            if Look(self.family, store=self.store).due([clean_metadata]):
                return _wait("Waits until the job ingest has cleaned the changed products.", state)
            changed |= {*self.store.months(JOINED_REVIEWS.name)}
        manifest = read_manifest(self.store, RAW_REVIEWS.name)
        changed |= self._months_added(manifest, state.span or span)
        inside = {month for month in changed if month in self.family.span}
        beyond = {month for month in changed - inside if month in self.family.settings.span}
        if not inside and not beyond and not state.changed:
            return _wait("No month has changed.", _Refresh(seen=seen, span=span))
        if manifest is None:
            missing = f"{RAW_REVIEWS.name} of {self.store.category} is not in"
            again = "waits until it has been ingested again."
            return _wait(f"{missing} {url_of(self.store.root)}: {again}", state)
        if inside or beyond:
            months = sorted(inside | set(state.changed))
            return self._request_months(manifest, seen, months, bool(beyond))
        if reason := self._awaited(state):
            return _wait(reason, state)
        return self._request_snapshots(manifest, state)

    def _awaited(self, state: _Refresh) -> str:
        """The runs that snapshots wait for; empty if all have succeeded."""
        for job, ranges in ((PREPARE, state.ranges), (HISTORY, state.histories)):
            requests = {months: self._request(job, state.seen, months) for months in ranges}
            waiting = [months for months, of in requests.items() if not self._has_succeeded(of)]
            if waiting:
                named = ", ".join(f"{first} … {last}" for first, last in waiting)
                return f"Snapshots wait until {job} has succeeded for {named}."
        for job, is_awaited in ((EXPLORE, state.explores), (MAIN, state.has_new_months)):
            if is_awaited and not self._has_succeeded(self._request(job, state.seen)):
                return f"Snapshots wait until the job {job} has succeeded."
        return ""

    def month(self, month: str) -> RunRequest | SkipReason:
        """Requests the snapshot of a month that has ended, unless it could only fail."""
        store, span, possible = self.store, self.family.span, self.family.settings.span
        if month not in possible:
            return SkipReason(
                f"{month} is outside the span {possible.first} … {possible.last}: set "
                "AMAZON_SEG_LAST_MONTH."
            )
        manifest = read_manifest(store, RAW_REVIEWS.name)
        if manifest is None or month not in segmentable_months(manifest, possible):
            return SkipReason(f"{store.category} has no reviews of verified purchases in {month}.")
        if month not in self.family.spans.snapshots:
            return SkipReason(f"{month} has come in since the start: reload the definitions.")
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
            for each in needed:
                if why := fault(store, table.name, each):
                    return SkipReason(
                        f"{table.name} of {store.category} is not to be used in {each}, as {why}: "
                        f"run the job {job} for it first."
                    )
        return RunRequest(run_key=month, partition_key=month)

    def _request_months(
        self, manifest: Manifest, seen: int, changed: list[str], has_new_months: bool
    ) -> SensorResult:
        """Requests what has changed of what is stored, and what the newest snapshot lacks.

        Explores anew. Months that are no partitions here, ``main`` makes, and the history with
        them.
        """
        snapshots = self._snapshots(manifest, changed)
        look_back = {month for end in snapshots for month in self.family.span.look_back(end)}
        there = {*self.store.months(JOINED_REVIEWS.name)}
        prepared = self.family.spans.prepared
        stale = {month for month in there.intersection(changed) if month in prepared}
        ranges = _ranges(stale | (look_back - there), manifest)
        known = {*months_of_history(self.store, self.family.span)}
        summed_up = {*self.store.months(CUSTOMER_DAYS.name)}
        days = set() if has_new_months else {*changed, *(known - summed_up)}
        histories = _ranges(days, manifest)
        # A deployment that leaves the exploration out goes on to do so.
        explored = (self.store.path(each.name) for each in declared_in("exploration"))
        explores = not has_new_months and any(path.is_dir() for path in explored)
        state = _Refresh(
            seen=seen,
            span=(self.family.span.first, self.family.span.last),
            changed=changed,
            ranges=ranges,
            histories=histories,
            explores=explores,
            has_new_months=has_new_months,
        )
        requests = [
            *([self._request(MAIN, seen)] if has_new_months else []),
            *(self._request(PREPARE, seen, months) for months in ranges),
            *(self._request(HISTORY, seen, months) for months in histories),
            *([self._request(EXPLORE, seen)] if explores else []),
        ]
        return SensorResult(run_requests=requests, cursor=state.model_dump_json())

    def _request_snapshots(self, manifest: Manifest, state: _Refresh) -> SensorResult:
        ranges = [*reversed(contiguous(self._snapshots(manifest, state.changed)))]
        return SensorResult(
            run_requests=[self._request(SEGMENT, state.seen, months) for months in ranges],
            skip_reason=None if ranges else "No snapshot looks at the months that have changed.",
            cursor=_Refresh(seen=state.seen, span=state.span).model_dump_json(),
        )

    def _snapshots(self, manifest: Manifest, changed: list[str]) -> list[str]:
        """The snapshots to redo that are partitions here."""
        there = self.store.months(SEGMENT_SUMMARY.name)
        possible = segmentable_months(manifest, self.family.settings.span)
        wanted = dependent_snapshots(changed, there, possible)
        return [month for month in wanted if month in self.family.spans.snapshots]

    def _months_added(self, manifest: Manifest | None, former: tuple[str, str]) -> set[str]:
        """Months with reviews that are partitions now and were none, and are not made yet."""
        there = {*self.store.months(JOINED_REVIEWS.name)}
        known = {*manifest.months} if manifest else set()
        return {
            month
            for month in known - there
            if month in self.family.span and month not in Span(*former)
        }

    def _request(self, job: str, seen: int, months: tuple[str, str] | None = None) -> RunRequest:
        """The run that an ingestion leads to: of a range of months, or of a job that has none."""
        ends, tags = ("-".join(["", *months]), range_tags(*months)) if months else ("", {})
        name = self.family.name(job)
        run_key = f"{seen}-{name}{ends}"
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


def _figure(event: EventLogRecord, name: str, default: Any) -> Any:
    """A figure of a materialization."""
    materialization = event.asset_materialization
    figure = materialization and materialization.metadata.get(name)
    return figure.value if figure else default


def _ranges(months: Iterable[str], manifest: Manifest) -> list[tuple[str, str]]:
    """First and last month of each run, the newest first.

    A run goes on over months without reviews, which cost nothing.
    """
    ranges: list[tuple[str, str]] = []
    for first, last in contiguous(months):
        gap = month_range(ranges[-1][1], first)[1:-1] if ranges else []
        if gap and not any(month in manifest.months for month in gap):
            ranges[-1] = ranges[-1][0], last
        else:
            ranges.append((first, last))
    return ranges[::-1]
