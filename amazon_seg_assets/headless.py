"""The main job without the UI: three Dagster runs in one process, with one Spark session."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    Definitions,
    EventLogEntry,
    JobDefinition,
)
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.ingestion.manifest import require_manifest
from amazon_seg_assets.partitions import FIRST_MONTH, LAST_MONTH, snapshot_months
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.tables.raw import RAW_REVIEWS


class RunError(Exception):
    """A Dagster run failed for a reason that is not the user's.

    Attributes:
        step: the asset that failed.
        stack: the stack trace.
    """

    def __init__(self, step: str, cause: str, stack: str) -> None:
        super().__init__(f"{step} failed: {cause}")
        self.step = step
        self.stack = stack


Listener = Callable[[EventLogEntry], None]


@dataclass(frozen=True)
class HeadlessRun:
    """Runs jobs of ``definitions`` in this process, recorded in ``instance``.

    Attributes:
        definitions: what to run.
        instance: where to record it.
        listener: is told of each event.
        ops: run configuration, by asset.
        log_level: of what is printed.
        warnings: what checks that block nothing had to say, as far as the jobs have run.
    """

    definitions: Definitions
    instance: DagsterInstance
    listener: Listener
    ops: Mapping[str, Any] = field(default_factory=dict)
    log_level: str = "CRITICAL"
    warnings: list[str] = field(default_factory=list)

    def steps(self, job: str) -> int:
        """How many steps a job has."""
        return len(self._job(job).graph.node_dict)

    def ingest(self) -> None:
        """Ingests the source, if it has changed."""
        self._execute("ingest", {})

    def prepare(self, months: list[str]) -> None:
        """Cleans and joins a range of months."""
        self._execute("prepare_months", _partition_tags(months[0], months[-1]))

    def segment(self, snapshot: str) -> None:
        """Segments the customers as of a month."""
        self._execute("segment_snapshot", _partition_tags(snapshot, snapshot))

    def _job(self, name: str) -> JobDefinition:
        return self.definitions.resolve_job_def(name)

    def _execute(self, name: str, tags: dict[str, str]) -> None:
        job = self._job(name)
        ops = {asset: {"config": given} for asset, given in self.ops.items()}
        run_config: dict[str, Any] = {
            "ops": {asset: given for asset, given in ops.items() if asset in job.graph.node_dict},
            "loggers": {"console": {"config": {"log_level": self.log_level}}},
        }
        run_id = _new_run_id()
        self.instance.add_event_listener(run_id, self.listener)
        result = job.execute_in_process(
            run_config=run_config,
            instance=self.instance,
            tags=tags,
            run_id=run_id,
            raise_on_error=False,
        )
        failed = [each for each in result.get_asset_check_evaluations() if not each.passed]
        self.warnings.extend(_sentence(each) for each in failed if not each.blocking)
        if not result.success:
            raise _failure(result.all_events, [each for each in failed if each.blocking])


def default_snapshot(store: Store) -> str:
    """The last month of the span that has a verified review."""
    months = require_manifest(store, RAW_REVIEWS.name).months
    with_reviews = [
        month
        for month, counts in months.items()
        if counts.verified and FIRST_MONTH <= month <= LAST_MONTH
    ]
    if not with_reviews:
        raise InputError(f"{store.category} has no reviews of verified purchases to segment.")
    return max(with_reviews)


def months_to_prepare(store: Store, snapshot: str, all_months: bool) -> list[str]:
    """The months that a snapshot needs, or all that have reviews up to it and after."""
    if not all_months:
        return snapshot_months(snapshot)
    months = require_manifest(store, RAW_REVIEWS.name).months
    inside = sorted(month for month in months if FIRST_MONTH <= month <= LAST_MONTH)
    return [min([*inside, *snapshot_months(snapshot)]), max([*inside, snapshot])]


def _partition_tags(first: str, last: str) -> dict[str, str]:
    if first == last:
        # Dagster records of which month a check is only where a run is of one.
        return {PARTITION_NAME_TAG: first}
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def _new_run_id() -> str:
    from dagster._core.utils import make_new_run_id

    return make_new_run_id()


def _sentence(failed: AssetCheckEvaluation) -> str:
    return f"{failed.asset_key.to_user_string()}, {failed.check_name}: {failed.description}"


def _failure(events: Sequence[DagsterEvent], failed: Sequence[AssetCheckEvaluation]) -> Exception:
    for event in events:
        if event.event_type is DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data
            if data.user_failure_data is not None:
                return InputError(data.user_failure_data.description)
            error: Any = data.error
            if failed and error.cls_name == DagsterAssetCheckFailedError.__name__:
                return InputError(f"A check failed, so the run stopped. {_sentence(failed[0])}")
            stack = error.to_string()
            while error.cause is not None:
                error = error.cause
            cause = error.message.strip().splitlines()[0]
            return RunError(event.step_key or "the run", cause, stack)
    return RunError("the run", "it ended without a reason", "")
