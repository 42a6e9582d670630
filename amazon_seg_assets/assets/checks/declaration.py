"""How a check of this project declares itself, and how its verdicts get into Dagster."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    multi_asset_check,
)

from amazon_seg_assets.assets.declaration import (
    CHECKS_FIRST,
    PRIORITY,
    SPARK_POOL,
    failing_for_people,
    trying_again,
)
from amazon_seg_assets.engine.progress import watching
from amazon_seg_assets.partitions import MONTHS
from amazon_seg_assets.quality.verdict import Verdict, worst
from amazon_seg_assets.storage.faults import note_checks
from amazon_seg_assets.storage.layout import Store


@dataclass(frozen=True)
class Check:
    """One check of one asset.

    Attributes:
        asset: the asset's name.
        name: of the check.
        description: what holds if it passes.
        blocking: whether what depends on the asset must not be made from data that fails; else it
            is a matter of judgement, and warns.
    """

    asset: str
    name: str
    description: str
    blocking: bool = True


Verdicts = Mapping[Check, Verdict]

WHOLE = ""
"""Stands for the month of an asset that has no months."""


def seg_checks(
    name: str, checks: Sequence[Check], partitioned: bool = True
) -> Callable[[Callable[..., Mapping[str, Verdicts]]], Any]:
    """Makes one step of checks out of a function that gives their verdicts by month.

    A run over a range of months tells the worst of each check. A step for each check would cost
    more than most checks do. One that uses Spark is tried once more, and its log tells how far
    Spark is, as those of assets are. The step of a blocking check must not be shared with an asset
    that depends on the one checked.

    Args:
        name: of the step.
        checks: what the function judges.
        partitioned: whether the assets have months; if not, the function gives `WHOLE` alone.
    """
    with warnings.catch_warnings():
        # Checks of partitions are a preview; Dagster says so each time.
        warnings.simplefilter("ignore")
        specs = {
            check: AssetCheckSpec(
                check.name,
                asset=check.asset,
                description=check.description,
                blocking=check.blocking,
                # Without it the check would be of all months, and fail where one is missing.
                partitions_def=MONTHS if partitioned else None,
            )
            for check in checks
        }

    def decorate(function: Callable[..., Mapping[str, Verdicts]]) -> Any:
        uses_spark = "spark" in function.__annotations__

        @wraps(function)
        def step(
            context: AssetCheckExecutionContext, *args: Any, **kwargs: Any
        ) -> Iterator[AssetCheckResult]:
            explained = failing_for_people(kwargs["storage"])
            with trying_again(uses_spark), explained, watching(context.log.info):
                by_month = function(context, *args, **kwargs)
            asked = [
                check
                for check, spec in specs.items()
                if spec.key in context.selected_asset_check_keys
            ]
            _note_faults(kwargs["storage"].store, asked, by_month)
            for check in asked:
                yield _result(check, {m: verdicts[check] for m, verdicts in by_month.items()})

        # Dagster would take it for the type of the step's output.
        step.__annotations__ = {k: v for k, v in step.__annotations__.items() if k != "return"}
        return multi_asset_check(
            name=name,
            specs=list(specs.values()),
            can_subset=True,
            pool=SPARK_POOL if uses_spark else None,
            op_tags={PRIORITY: CHECKS_FIRST},
        )(step)

    return decorate


def asked_assets(context: AssetCheckExecutionContext) -> set[str]:
    """Names of the assets of which a check is asked for: not all that share a step need be."""
    return {key.asset_key.to_user_string() for key in context.selected_asset_check_keys}


def _note_faults(store: Store, checks: Sequence[Check], by_month: Mapping[str, Verdicts]) -> None:
    """Keeps what blocking checks have found with the data: what failed is to be made again."""
    for month, verdicts in by_month.items():
        passed: dict[str, dict[str, bool]] = {}
        for check in checks:
            if check.blocking:
                passed.setdefault(check.asset, {})[check.name] = verdicts[check].passed
        for asset, of_asset in passed.items():
            note_checks(store, asset, month or None, of_asset)


def _result(check: Check, verdicts: Mapping[str, Verdict]) -> AssetCheckResult:
    """The worst of the verdicts, with what is needed to understand it."""
    month, verdict = worst(verdicts)
    of_months: dict[str, Any] = {
        "month": month,
        "months_checked": len(verdicts),
        "months_failed": [m for m, each in verdicts.items() if not each.passed],
    }
    return AssetCheckResult(
        asset_key=check.asset,
        check_name=check.name,
        passed=verdict.passed,
        severity=AssetCheckSeverity.ERROR if check.blocking else AssetCheckSeverity.WARN,
        description=f"{month}: {verdict.sentence}" if month else verdict.sentence,
        metadata={
            "figure": verdict.figure,
            "threshold": verdict.threshold,
            **(of_months if month else {}),
        },
    )
