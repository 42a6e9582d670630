"""The main job without the UI: Dagster runs in turn in one process, with one Spark session."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    Definitions,
    EventLogEntry,
    JobDefinition,
)
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.execution.plan.objects import ErrorSource
from dagster._core.utils import make_new_run_id

from amazon_seg_assets.engine.failures import cause_in_one_line
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.jobs import range_tags
from amazon_seg_assets.staleness import are_products_stale, is_up_to_date
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.tables.clean import CLEAN_METADATA
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS

_RAW = [AssetKey(table.name) for table in (RAW_REVIEWS, RAW_METADATA)]
_PRODUCTS = [AssetKey(CLEAN_METADATA.name)]


class RunError(Exception):
    """A Dagster run failed for a reason that is not the user's.

    Args:
        step: what failed.
        cause: in one line.
        stack: the stack trace, kept as an attribute.
    """

    def __init__(self, step: str, cause: str, stack: str) -> None:
        super().__init__(f"{step} failed: {cause}")
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
        tags: of each run.
    """

    definitions: Definitions
    instance: DagsterInstance
    listener: Listener
    ops: Mapping[str, Any] = field(default_factory=dict)
    log_level: str = "CRITICAL"
    warnings: list[str] = field(default_factory=list)
    tags: Mapping[str, str] = field(default_factory=dict)

    def steps(self, job: str) -> int:
        """How many steps a job has."""
        return len(self._job(job).graph.node_dict)

    def ingest_raw(self) -> None:
        """Ingests the source, if it has changed."""
        self.execute("ingest", assets=_RAW)

    def clean_products(self) -> None:
        """Cleans the products."""
        self.execute("ingest", assets=_PRODUCTS)

    def are_products_clean(self, store: Store) -> bool:
        """Whether the clean products are of the raw table as it now is."""
        return not are_products_stale(store) and self._are_up_to_date(store, "ingest", _PRODUCTS)

    def is_explored(self, store: Store) -> bool:
        """Whether the exploration's results are of the raw tables as they now are."""
        explored = self._job("explore").asset_layer.selected_asset_keys
        return self._are_up_to_date(store, "explore", explored)

    def _are_up_to_date(self, store: Store, job: str, assets: Iterable[AssetKey]) -> bool:
        layer = self._job(job).asset_layer
        return all(
            is_up_to_date(self.instance, store, key, layer.get(key).code_version) for key in assets
        )

    def explore(self) -> None:
        """Shows what the raw tables hold."""
        self.execute("explore")

    def prepare(self, months: list[str]) -> None:
        """Cleans and joins a range of months."""
        self.execute("prepare_months", range_tags(months[0], months[-1]))

    def segment(self, snapshot: str) -> None:
        """Segments the customers as of a month."""
        self.execute("segment_snapshot", range_tags(snapshot, snapshot))

    def _job(self, name: str) -> JobDefinition:
        return self.definitions.resolve_job_def(name)

    def execute(
        self,
        name: str,
        tags: Mapping[str, str] | None = None,
        assets: Sequence[AssetKey] | None = None,
    ) -> None:
        """Executes a job.

        Args:
            name: of the job.
            tags: of the run, beside those of all; they name its partitions.
            assets: of the job, to materialize only these.

        Raises:
            InputError: the input or a blocking check is why it failed.
            RunError: something else is.
        """
        job = self._job(name)
        ops = {asset: {"config": given} for asset, given in self.ops.items()}
        run_config: dict[str, Any] = {
            "ops": {
                asset: given
                for asset, given in ops.items()
                if asset in job.graph.node_dict and (assets is None or AssetKey(asset) in assets)
            },
            "loggers": {"console": {"config": {"log_level": self.log_level}}},
        }
        run_id = make_new_run_id()
        self.instance.add_event_listener(run_id, self.listener)
        result = job.execute_in_process(
            run_config=run_config,
            asset_selection=assets,
            instance=self.instance,
            tags={**self.tags, **(tags or {})},
            run_id=run_id,
            raise_on_error=False,
        )
        failed = [each for each in result.get_asset_check_evaluations() if not each.passed]
        self.warnings.extend(_sentence(each) for each in failed if not each.blocking)
        if not result.success:
            raise _failure(result.all_events, [each for each in failed if each.blocking])


def _sentence(failed: AssetCheckEvaluation) -> str:
    return f"{failed.asset_key.to_user_string()}, {failed.check_name}: {failed.description}"


def _failure(
    events: Sequence[DagsterEvent], failed: Sequence[AssetCheckEvaluation]
) -> BaseException:
    for event in events:
        if event.event_type is DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data
            if data.error_source is ErrorSource.INTERRUPT:
                return KeyboardInterrupt()
            if data.user_failure_data is not None:
                return InputError(data.user_failure_data.description)
            error: Any = data.error
            if failed and error.cls_name == DagsterAssetCheckFailedError.__name__:
                return InputError(f"A check failed, so the run stopped. {_sentence(failed[0])}")
            stack = error.to_string()
            while error.cause is not None:
                error = error.cause
            return RunError(event.step_key or "the run", cause_in_one_line(error.message), stack)
    return RunError("the run", "no reason was recorded", "")
