"""The main job without the UI: Dagster runs in turn in one process, with one Spark session."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetKey,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    Definitions,
    EventLogEntry,
    JobDefinition,
)

from amazon_seg_assets.dag.declaration import AssetDeclaration, declared_in
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.internals import (
    failed_check,
    range_tags,
    record_repository,
    repository_of,
    repository_tags,
    was_interrupted,
)
from amazon_seg_assets.dag.titles import title
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import contiguous
from amazon_seg_assets.planning.jobs import (
    EXPLORE,
    HISTORY,
    INGEST,
    PREPARE,
    SEGMENT,
    job_of,
    run_tags,
)
from amazon_seg_assets.planning.snapshots import (
    default_snapshot,
    months_of_history,
    months_to_prepare,
    year_before,
)
from amazon_seg_assets.planning.staleness import (
    are_products_stale,
    are_up_to_date,
    has_outcomes,
    stale_history,
    stale_months,
)
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.run.instance import WORKSPACE, process_tag
from amazon_seg_assets.spark.failures import cause_in_one_line
from amazon_seg_assets.stages import STAGES
from amazon_seg_assets.stages.cleaning.assets import clean_metadata
from amazon_seg_assets.stages.clusters.assets import cluster_model, customer_clusters, k_sweep
from amazon_seg_assets.stages.history.assets import customer_lifecycle
from amazon_seg_assets.stages.movement.assets import segment_export, segment_outcomes
from amazon_seg_assets.stages.rfm.assets import rfm_features
from amazon_seg_assets.stages.segments.assets import rfm_segments
from amazon_seg_assets.storage.layout import Store


class RunError(Exception):
    """A failed Dagster run whose reason is not the user's.

    Args:
        step: that failed.
        cause: in one line.
        stack: the stack trace, kept as an attribute.
    """

    def __init__(self, step: str, cause: str, stack: str) -> None:
        super().__init__(f"{step} failed: {cause}")
        self.stack = stack


Listener = Callable[[EventLogEntry], None]


WITHOUT_HISTORY = [
    declared
    for stage in STAGES
    for declared in declared_in(stage)
    if job_of(declared) == SEGMENT
    and (stage not in ("history", "movement") or declared is segment_export)
]
"""The assets of a snapshot that need the months of its window alone."""

A_YEAR_BEFORE = [
    rfm_features,
    k_sweep,
    cluster_model,
    customer_clusters,
    rfm_segments,
    customer_lifecycle,
    segment_outcomes,
]
"""The assets of the snapshot a year before that movement and outcomes need."""


@dataclass(frozen=True)
class Planned:
    """A run: a job, the months from first to last, and the assets if not all of the job."""

    job: str
    first: str = ""
    last: str = ""
    assets: Sequence[AssetDeclaration] | None = None


@dataclass(frozen=True)
class MainJob:
    """The scope of the main job.

    Attributes:
        snapshot: to segment; None for the last month with reviews.
        all_months: cleans and joins all months, not only those that the snapshot needs.
        skip: parts to leave out: ``exploration``, ``history``.
        force: does anew what is up to date.
    """

    snapshot: str | None = None
    all_months: bool = False
    skip: frozenset[str] = frozenset()
    force: bool = False


@dataclass(frozen=True)
class HeadlessRun:
    """Runs the jobs of a category in this process, recorded in ``instance``.

    Attributes:
        definitions: to run.
        family: of the category.
        instance: where to record it.
        listener: is told of each event.
        ops: run configuration, by asset.
        log_level: of what is printed.
        warnings: sentences of checks that block nothing, as far as the jobs have run.
        expect: is told how many steps are to come.
    """

    definitions: Definitions
    family: Family
    instance: DagsterInstance
    listener: Listener
    ops: Mapping[str, Any] = field(default_factory=dict)
    log_level: str = "CRITICAL"
    warnings: list[str] = field(default_factory=list)
    expect: Callable[[int], None] = lambda _: None

    @property
    def store(self) -> Store:
        """The storage of the category."""
        return Store(self.family.settings.storage.absolute(), self.family.category)

    def main_job(self, asked: MainJob) -> str:
        """Runs from raw reviews to the report, without what is up to date; returns the snapshot.

        Raises:
            InputError: the input or a blocking check is why it failed.
            RunError: something else is.
        """
        self._expect(*map(Planned, (INGEST, PREPARE, SEGMENT)))
        self.execute(INGEST, assets=declared_in("raw"))
        if asked.force or not self.are_products_clean():
            self.execute(INGEST, assets=[clean_metadata])
        plan = self._plan(asked)
        self._expect(*plan)
        for each in plan:
            tags = range_tags(each.first, each.last) if each.first else {}
            try:
                self.execute(each.job, tags, each.assets)
            except InputError as error:
                if each.assets is not A_YEAR_BEFORE:
                    raise
                # The rest works without it, and says what it lacks.
                self.warnings.append(f"The snapshot {each.first} was left out. {error}")
        return plan[-1].last

    def _plan(self, asked: MainJob) -> list[Planned]:
        """The runs that follow the products, in order; the last one segments the snapshot."""
        store, span = self.store, self.family.span
        snapshot = asked.snapshot or default_snapshot(store, span)
        with_history = "history" not in asked.skip
        before = year_before(store, span, snapshot) if with_history else None
        months = months_to_prepare(store, span, snapshot, asked.all_months)
        months = sorted({*months, *(span.look_back(before) if before else ())})
        days = months_of_history(store, span) if with_history else []
        plan: list[Planned] = []
        if "exploration" not in asked.skip and (asked.force or not self.is_explored()):
            plan.append(Planned(EXPLORE))
        stale = days if asked.force else stale_history(store, days)
        plan += [Planned(HISTORY, *ends) for ends in contiguous(stale)]
        stale = months if asked.force else stale_months(store, months)
        plan += [Planned(PREPARE, *ends) for ends in contiguous(stale)]
        is_changed = any(each.job != EXPLORE for each in plan)
        if before and (asked.force or is_changed or not self._has_outcomes(before)):
            plan.append(Planned(SEGMENT, before, before, A_YEAR_BEFORE))
        chosen = None if with_history else WITHOUT_HISTORY
        return [*plan, Planned(SEGMENT, snapshot, snapshot, chosen)]

    def _has_outcomes(self, month: str) -> bool:
        """True if a snapshot and its outcomes are stored, by the scheme of this run."""
        given = self.ops.get(rfm_segments.name, {})
        asked = given.get("scheme_file") or given.get("scheme") or self.family.settings.scheme
        return has_outcomes(self.store, month, load_scheme(asked))

    def are_products_clean(self) -> bool:
        """True if the clean products are of the raw table as it now is."""
        return not are_products_stale(self.family, self.store) and self._are_up_to_date(
            [clean_metadata]
        )

    def is_explored(self) -> bool:
        """True if the exploration's results are of the raw tables as they now are."""
        return self._are_up_to_date(declared_in("exploration"))

    def _are_up_to_date(self, declarations: Iterable[AssetDeclaration]) -> bool:
        return are_up_to_date(self.instance, self.family, self.store, declarations)

    def _expect(self, *runs: Planned) -> None:
        jobs = ((self._job(run.job), self._selection(run.assets)) for run in runs)
        parts = (job.get_subset(asset_selection=None if of is None else {*of}) for job, of in jobs)
        self.expect(sum(len(part.graph.node_dict) for part in parts))

    def _selection(self, assets: Sequence[AssetDeclaration] | None) -> list[AssetKey] | None:
        """The keys of what is to be materialized; None for all of a job."""
        if assets is None:
            return None
        return [self.family.key(output.name) for each in assets for output in each.stores]

    def _job(self, name: str) -> JobDefinition:
        return self.definitions.resolve_job_def(self.family.name(name))

    def execute(
        self,
        name: str,
        tags: Mapping[str, str] | None = None,
        assets: Sequence[AssetDeclaration] | None = None,
    ) -> None:
        """Executes a job of the category.

        Args:
            name: within the category.
            tags: of the run, beside those of all; they name its partitions.
            assets: of the job, to materialize only these.

        Raises:
            InputError: the input or a blocking check is why it failed.
            RunError: something else is.
        """
        job, family = self._job(name), self.family
        chosen = None if assets is None else {each.name for each in assets}
        run_config: dict[str, Any] = {
            "ops": {
                family.name(asset): {"config": given}
                for asset, given in self.ops.items()
                if family.name(asset) in job.graph.node_dict and (chosen is None or asset in chosen)
            },
            "loggers": {"console": {"config": {"log_level": self.log_level}}},
        }
        run_id, repository = str(uuid.uuid4()), repository_of(WORKSPACE)

        def listen(entry: EventLogEntry) -> None:
            if entry.dagster_event_type is DagsterEventType.RUN_START:
                record_repository(self.instance, run_id, repository)
            self.listener(entry)

        self.instance.add_event_listener(run_id, listen)
        result = job.execute_in_process(
            run_config=run_config,
            asset_selection=self._selection(assets),
            instance=self.instance,
            tags={
                **run_tags(family),
                **process_tag(run_id),
                **repository_tags(repository),
                **title(name, tags or {}),
                **(tags or {}),
            },
            run_id=run_id,
            raise_on_error=False,
        )
        failed = [each for each in result.get_asset_check_evaluations() if not each.passed]
        self.warnings.extend(_sentences([each for each in failed if not each.blocking]))
        if not result.success:
            raise _failure(
                result.all_events, _sentences([each for each in failed if each.blocking])
            )


def _sentences(failed: Sequence[AssetCheckEvaluation]) -> list[str]:
    """One sentence for each check, of the first month in which it failed."""
    of_checks: dict[AssetCheckKey, list[AssetCheckEvaluation]] = {}
    for each in failed:
        of_checks.setdefault(each.asset_check_key, []).append(each)
    return [
        f"{key.asset_key.path[-1]}, {key.name}: {months[0].description}"
        + (f" It failed for {len(months) - 1} later months too." if months[1:] else "")
        for key, months in of_checks.items()
    ]


def _failure(events: Sequence[DagsterEvent], failed_checks: Sequence[str]) -> BaseException:
    for event in events:
        if event.event_type is DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data
            if was_interrupted(data):
                return KeyboardInterrupt()
            if data.user_failure_data is not None:
                return InputError(data.user_failure_data.description)
            if failed_checks and failed_check(data):
                return InputError(f"A check failed, so the run stopped. {failed_checks[0]}")
            error: Any = data.error
            stack = error.to_string()
            while error.cause is not None:
                error = error.cause
            step = (event.step_key or "the run").rpartition("__")[2]
            return RunError(step, cause_in_one_line(error.message), stack)
    return RunError("the run", "no reason was recorded", "")
