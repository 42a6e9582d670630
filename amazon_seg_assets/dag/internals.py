"""Parts of Dagster that have no public way in, each with its reason; seen with Dagster 1.13.

Nothing else in this package imports from ``dagster._core`` or ``dagster_shared``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dagster import DagsterEventType
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)
from dagster._core.definitions.data_version import extract_data_version_from_entry
from dagster._core.definitions.repository_definition.valid_definitions import (
    SINGLETON_REPOSITORY_NAME,
)
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.execution.plan.objects import ErrorSource, StepFailureData
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
    REPOSITORY_LABEL_TAG,
)
from dagster_shared.check import CheckError

from amazon_seg_assets.months import month_range

INVALID_FILE = CheckError
"""Raised for a ``dagster.yaml`` whose values are of a wrong type."""

if TYPE_CHECKING:
    from dagster import AssetKey, DagsterInstance, DataVersion, EventLogRecord
    from dagster._core.remote_origin import RemoteRepositoryOrigin


def range_tags(first: str, last: str) -> dict[str, str]:
    """Tags that make one run out of a range of months, as a single-run backfill of the UI does.

    A `RunRequest` takes one partition key; no public call starts a run over a range.
    """
    if first == last:
        # Lists of runs show such a run with its month.
        return {PARTITION_NAME_TAG: first}
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def months_of_run(tags: Mapping[str, str]) -> list[str]:
    """The months that the tags of a run name, whether one or a range."""
    if one := tags.get(PARTITION_NAME_TAG):
        return [one]
    first, last = (
        tags.get(tag) for tag in (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)
    )
    return month_range(first, last) if first and last else []


def repository_of(workspace: Path) -> RemoteRepositoryOrigin:
    """The definitions of the only code location of a workspace, as the web server names them."""
    from dagster._core.remote_origin import RemoteRepositoryOrigin
    from dagster._core.workspace.load import location_origins_from_yaml_paths

    [location] = location_origins_from_yaml_paths([str(workspace)])
    return RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME)


def repository_tags(repository: RemoteRepositoryOrigin) -> dict[str, str]:
    """The tag by which the page of a job finds its runs; Dagster gives it to what it launches."""
    return {REPOSITORY_LABEL_TAG: repository.get_label()}


def record_repository(
    instance: DagsterInstance, run_id: str, repository: RemoteRepositoryOrigin
) -> None:
    """Records whose job a run is: the timeline shows only such runs.

    `execute_in_process` makes a run without.
    """
    if run := instance.get_run_by_id(run_id):
        origin = repository.get_job_origin(run.job_name)
        instance.run_storage.replace_job_origin(run, origin)


def data_version_of(record: EventLogRecord) -> DataVersion | None:
    """The data version that was recorded with a materialization."""
    return extract_data_version_from_entry(record.event_log_entry)


def target_of(record: EventLogRecord) -> Target:
    """A materialization, as the evaluation of a check tells which one it is of."""
    return Target(storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp)


def runs_in_use(instance: DagsterInstance, all_of: Collection[AssetKey]) -> set[str]:
    """The runs that made what is the latest of an asset, a partition, or a check.

    Public calls give whole events, with their pictures: of thousands, to know some hundred runs.

    Args:
        instance: whose records they are.
        all_of: assets of which earlier materializations count too.
    """
    from dagster._core.storage.event_log import SqlEventLogStorage
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks
    from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as Events
    from sqlalchemy import func, select

    storage, event, check = instance.event_log_storage, Events.c, Checks.c
    assert isinstance(storage, SqlEventLogStorage)  # all that Dagster comes with are
    is_made = event.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION.value
    made = select(func.max(event.id)).where(is_made).group_by(event.asset_key, event.partition)
    of_check = (check.asset_key, check.check_name, check.partition)
    checked = select(func.max(check.id)).group_by(*of_check)
    queries = (
        select(event.run_id).where(event.id.in_(made)),
        select(check.run_id).where(check.id.in_(checked)),
        select(event.run_id).where(
            is_made, event.asset_key.in_([key.to_string() for key in all_of])
        ),
    )
    with storage.index_connection() as connection:
        return {run for query in queries for run in connection.execute(query.distinct()).scalars()}


def delete_run(instance: DagsterInstance, run_id: str) -> None:
    """Deletes a run with its events, and the file that SQLite has for them.

    `DagsterInstance.delete_run` leaves that file, as large as it was.
    """
    from dagster._core.storage.event_log import SqliteEventLogStorage

    instance.delete_run(run_id)
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        for ending in ("", "-wal", "-shm"):
            Path(f"{storage.path_for_shard(run_id)}{ending}").unlink(missing_ok=True)


def was_interrupted(failure: StepFailureData) -> bool:
    """True if a step was ended from outside; the source of an error has no public name."""
    return failure.error_source is ErrorSource.INTERRUPT


def failed_check(failure: StepFailureData) -> bool:
    """True if a step failed because a blocking check did."""
    return (
        failure.error is not None
        and failure.error.cls_name == DagsterAssetCheckFailedError.__name__
    )


def is_temporary(instance: DagsterInstance) -> bool:
    """True for records that Dagster's commands make, and remove in the end, without a home."""
    from dagster._cli.utils import TMP_DAGSTER_HOME_PREFIX

    return not instance.is_ephemeral and TMP_DAGSTER_HOME_PREFIX in instance.root_directory
