"""The main job without the UI: Dagster runs in turn in one process, with one Spark session."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from amazon_seg_assets.months import LOOK_BACK_MONTHS, month_after
from amazon_seg_assets.origin import source_of
from amazon_seg_assets.planning.jobs import INGEST, run_tags
from amazon_seg_assets.planning.planner import MainJob, Planned, Planner
from amazon_seg_assets.run.instance import WORKSPACE, process_tag
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.spark.failures import cause_in_one_line
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
        tags: of each run, beside those of its job and process.
        expect: is told how many steps are to come.
        build: makes the definitions anew where the data, or the snapshot, has further months.
    """

    definitions: Definitions
    family: Family
    instance: DagsterInstance
    listener: Listener
    ops: Mapping[str, Any] = field(default_factory=dict)
    log_level: str = "CRITICAL"
    warnings: list[str] = field(default_factory=list)
    tags: Mapping[str, str] = field(default_factory=dict)
    expect: Callable[[int], None] = lambda _: None
    build: Callable[[Settings], Definitions] | None = None

    @property
    def store(self) -> Store:
        """The storage of the category."""
        return self.family.store

    def main_job(self, asked: MainJob) -> Sequence[str]:
        """Runs from raw reviews to the report, without what is up to date; returns the snapshots.

        Raises:
            InputError: the input or a blocking check is why it failed.
            RunError: something else is.
        """
        planner = Planner(self.family, asked, self.ops)
        ingestion = Planned(INGEST, declared_in("raw"))
        if planner.must_ingest(source_of(self.family.settings)):
            self._expect([ingestion, *planner.likely_runs()])
            self.execute(ingestion.job, assets=ingestion.assets)
        return self._with_months_for(asked)._derive(asked)

    def _with_months_for(self, asked: MainJob) -> HeadlessRun:
        """The same run with the months as partitions that were ingested or are asked for."""
        family = self.family.renewed()
        span = family.span
        for snapshot in asked.snapshots:
            span.require(snapshot)
        before = month_after(min(asked.snapshots, default=span.last), -LOOK_BACK_MONTHS)
        first = span.first if asked.all_months else max(span.first, before)
        if first < family.spans.snapshots.first:
            family = family.renewed(first_snapshot=first)
        if self.build is None or family.spans == self.family.spans:
            return self
        return replace(self, family=family, definitions=self.build(family.settings))

    def _derive(self, asked: MainJob) -> Sequence[str]:
        """Runs all that follows the ingestion; returns the snapshots."""
        planner = Planner(self.family, asked, self.ops)
        plan = planner.runs()
        self._expect(plan)
        for each in plan:
            tags = range_tags(each.first, each.last) if each.first else {}
            try:
                self.execute(each.job, tags, each.assets)
            except InputError as error:
                if not each.is_optional:
                    raise
                # The rest works without it, and says what it lacks.
                self.warnings.append(f"The snapshot {each.first} was left out. {error}")
        return planner.snapshots()

    def _expect(self, runs: Sequence[Planned]) -> None:
        parts = (
            self._job(run.job).get_subset(asset_selection={*self._selection(run.assets)})
            for run in runs
        )
        self.expect(sum(len(part.graph.node_dict) for part in parts))

    def _selection(self, assets: Sequence[AssetDeclaration]) -> list[AssetKey]:
        """The keys of what is to be materialized."""
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
            asset_selection=None if assets is None else self._selection(assets),
            instance=self.instance,
            tags={
                **run_tags(family),
                **process_tag(run_id),
                **repository_tags(repository),
                **title(name, tags or {}),
                **self.tags,
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
