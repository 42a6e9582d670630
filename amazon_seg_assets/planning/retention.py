"""Retention of Dagster's records: old runs are removed, but for those that are still needed."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
)

from amazon_seg_assets.dag.internals import delete_run, runs_in_use
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.raw.ingest import RAW_TABLES

NAME = "old_runs_removed"

_EVERY_SECONDS = 24 * 3600
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
_OWN_TAGS = "amazon_seg/"
"""Begins the names of tags that runs of no other code location have."""


def retention(settings: Settings) -> SensorDefinition:
    """The sensor that removes old runs of the deployment once a day, whoever has started them."""

    def old_runs_removed(context: SensorEvaluationContext) -> SkipReason:
        removed = remove_old_runs(context.instance, settings.keep_runs_days)
        return SkipReason(f"{removed} runs older than {settings.keep_runs_days} days are removed.")

    return SensorDefinition(
        name=NAME,
        evaluation_fn=old_runs_removed,
        minimum_interval_seconds=_EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description=(
            "Removes runs that are older than AMAZON_SEG_KEEP_RUNS_DAYS, and the output of their "
            "steps. Runs that made what is the latest of an asset, a month or a check stay, as do "
            "ingestions."
        ),
    )


def remove_old_runs(instance: DagsterInstance, days: int, now: datetime | None = None) -> int:
    """Removes runs of this package that began longer ago; returns how many.

    What Dagster tells of an asset lies with the run that made it. So runs stay whose
    materialization of an asset or a month, or whose evaluation of a check, is the latest. So do
    those that have read the source: from them the sensor of changed months knows what has changed.
    The output of steps goes with all old runs.

    Args:
        instance: whose records they are.
        days: that runs are kept; 0 keeps all.
        now: from when they are counted back, if not from the present.
    """
    if not days:
        return 0
    old = _own_runs(instance, (now or datetime.now(UTC)) - timedelta(days=days))
    for run in old:
        with suppress(FileNotFoundError):  # another process removes it too
            instance.compute_log_manager.delete_logs(prefix=[run])
    raw = {table.name for table in RAW_TABLES.values()}
    ingested = [key for key in instance.get_asset_keys() if key.path[-1] in raw]
    removed = old - runs_in_use(instance, all_of=ingested) if old else old
    for run in removed:
        delete_run(instance, run)
    return len(removed)


def _own_runs(instance: DagsterInstance, before: datetime) -> set[str]:
    """Runs of this package that were asked for before a time, and have ended."""
    asked = RunsFilter(statuses=_ENDED, created_before=before)
    return {
        run.run_id
        for run in instance.get_runs(asked)
        if any(tag.startswith(_OWN_TAGS) for tag in run.tags)
    }
