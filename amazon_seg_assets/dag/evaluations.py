"""Evaluations: how the verdicts of checks reach Dagster, one for each check and month.

An `AssetCheckResult` has no month where its run has several, and would leave the checks of each of
them as skipped.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetRecordsFilter,
    DagsterInstance,
    Output,
)

from amazon_seg_assets.dag.internals import Target, target_of
from amazon_seg_assets.quality.verdict import Verdict, worst

Event = AssetCheckResult | AssetCheckEvaluation | Output[None]


def names_months(context: AssetCheckExecutionContext) -> bool:
    """False for a run without partitions, as the UI's "Execute all" starts it."""
    return context.has_partition_key or context.has_partition_key_range


def of_whole(spec: AssetCheckSpec, verdict: Verdict) -> AssetCheckResult:
    """The result of a check without months."""
    return AssetCheckResult(**_told(spec, verdict, verdict.sentence))


def of_months(
    context: AssetCheckExecutionContext, spec: AssetCheckSpec, verdicts: Mapping[str, Verdict]
) -> Iterator[Event]:
    """The evaluations of a check by month, and one of all for a run that names none."""
    yield Output(None, spec.get_python_identifier())
    for month, verdict in verdicts.items():
        yield AssetCheckEvaluation(
            **_told(spec, verdict, f"{month}: {verdict.sentence}"),
            blocking=spec.blocking,
            partition=month,
            target_materialization_data=_target(context.instance, spec, month),
        )
    if verdicts and not names_months(context):
        yield _of_all(spec, verdicts)


def _of_all(spec: AssetCheckSpec, verdicts: Mapping[str, Verdict]) -> AssetCheckEvaluation:
    """The worst of the verdicts, with the months that have been checked."""
    month, verdict = worst(verdicts)
    sentence = f"{len(verdicts)} stored months checked; the worst is {month}: {verdict.sentence}"
    of_months = {
        "worst_month": month,
        "months_checked": [*verdicts],
        "months_failed": [m for m, each in verdicts.items() if not each.passed],
    }
    return AssetCheckEvaluation(
        **_told(spec, verdict, sentence, **of_months), blocking=spec.blocking
    )


def _told(spec: AssetCheckSpec, verdict: Verdict, sentence: str, **metadata: Any) -> dict[str, Any]:
    return {
        "asset_key": spec.asset_key,
        "check_name": spec.name,
        "passed": verdict.passed,
        "severity": AssetCheckSeverity.ERROR if spec.blocking else AssetCheckSeverity.WARN,
        "description": sentence,
        "metadata": {"value": verdict.value, "threshold": verdict.threshold, **metadata},
    }


def _target(instance: DagsterInstance, spec: AssetCheckSpec, month: str) -> Target | None:
    """The materialization that a check of a month is of; None if there is no record of it."""
    asked = AssetRecordsFilter(spec.asset_key, asset_partitions=[month])
    records = instance.fetch_materializations(asked, limit=1).records
    return target_of(records[0]) if records else None
