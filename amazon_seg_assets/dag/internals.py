"""Parts of Dagster that have no public way in, each with its reason; seen with Dagster 1.13.

Nothing else in this package imports from ``dagster._core`` or ``dagster_shared``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    extract_data_version_from_entry,
    get_input_data_version_tag,
)
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.execution.plan.objects import ErrorSource, StepFailureData
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from dagster_shared.check import CheckError

from amazon_seg_assets.months import month_range

INVALID_FILE = CheckError
"""Raised for a ``dagster.yaml`` whose values are of a wrong type."""

if TYPE_CHECKING:
    from dagster import AssetKey, DataVersion, EventLogRecord


def range_tags(first: str, last: str) -> dict[str, str]:
    """Tags that make one run out of a range of months, as a single-run backfill of the UI does.

    A `RunRequest` takes one partition key; no public call starts a run over a range.
    """
    if first == last:
        # Dagster records of which month a check is only where a run is of one.
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


def code_version_of(record: EventLogRecord) -> str | None:
    """The code version of a materialization, recorded as a tag without a public name."""
    return _tags(record).get(CODE_VERSION_TAG)


def data_version_of(record: EventLogRecord) -> DataVersion | None:
    """The data version that was recorded with a materialization."""
    return extract_data_version_from_entry(record.event_log_entry)


def input_version(record: EventLogRecord, asset: AssetKey) -> str | None:
    """The data version of an input that a materialization has read."""
    return _tags(record).get(get_input_data_version_tag(asset))


def _tags(record: EventLogRecord) -> dict[str, str]:
    materialization = record.asset_materialization
    return dict(materialization.tags or {}) if materialization else {}


def was_interrupted(failure: StepFailureData) -> bool:
    """True if a step was ended from outside; the source of an error has no public name."""
    return failure.error_source is ErrorSource.INTERRUPT


def failed_check(failure: StepFailureData) -> bool:
    """True if a step failed because a blocking check did."""
    return (
        failure.error is not None
        and failure.error.cls_name == DagsterAssetCheckFailedError.__name__
    )
