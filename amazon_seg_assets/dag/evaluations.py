"""Evaluations: how the verdicts of checks reach Dagster, one for each check and month.

An `AssetCheckResult` has no month where its run has several, and would leave the checks of each of
them as skipped.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    Output,
)

from amazon_seg_assets.dag.internals import Target, months_of_run, target_of
from amazon_seg_assets.dag.metadata import rounded
from amazon_seg_assets.quality.verdict import Verdict, worst

Event = AssetCheckResult | AssetCheckEvaluation | Output[None]


def of_whole(spec: AssetCheckSpec, verdict: Verdict) -> AssetCheckResult:
    """The result of a check without months."""
    return AssetCheckResult(**_told(spec, verdict, verdict.sentence))


def of_months(
    context: AssetCheckExecutionContext, spec: AssetCheckSpec, verdicts: Mapping[str, Verdict]
) -> Iterator[Event]:
    """The evaluations of a check by month, and one of all for a run that names none.

    A check without partitions has the latter alone.
    """
    yield Output(None, spec.get_python_identifier())
    if spec.partitions_def is not None:
        targets = _targets(context.instance, spec, verdicts)
        for month, verdict in verdicts.items():
            yield AssetCheckEvaluation(
                **_told(spec, verdict, f"{month}: {verdict.sentence}"),
                blocking=spec.blocking,
                partition=month,
                target_materialization_data=targets.get(month),
            )
    if verdicts and not (months_of_run(context.run.tags) and spec.partitions_def):
        yield _of_all(spec, verdicts)


def _of_all(spec: AssetCheckSpec, verdicts: Mapping[str, Verdict]) -> AssetCheckEvaluation:
    """The worst of the verdicts, with the months that have been checked."""
    month, verdict = worst(verdicts)
    sentence = f"{month}: {verdict.sentence}"
    if len(verdicts) > 1:
        sentence = f"{len(verdicts)} months checked; the worst is {sentence}"
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
        "metadata": rounded({"value": verdict.value, "threshold": verdict.threshold, **metadata}),
    }


def _targets(
    instance: DagsterInstance, spec: AssetCheckSpec, months: Iterable[str]
) -> dict[str | None, Target]:
    """The materializations that a check is of, by month, as far as they are recorded."""
    latest = instance.get_latest_storage_id_by_partition(
        spec.asset_key, DagsterEventType.ASSET_MATERIALIZATION, {*months}
    )
    if not latest:
        return {}
    asked = AssetRecordsFilter(spec.asset_key, storage_ids=[*latest.values()])
    records = instance.fetch_materializations(asked, limit=len(latest)).records
    return {record.partition_key: target_of(record) for record in records}
