"""Checks: how one declares itself, those that follow from a table, and the steps they run in.

A check is one function that takes a handle and returns a verdict. Its keyword parameters are
thresholds, which the launchpad shows.
"""

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetChecksDefinition,
    AssetCheckSpec,
    Config,
    PartitionsDefinition,
    multi_asset_check,
)
from pydantic import create_model

from amazon_seg_assets.dag.declaration import AssetDeclaration
from amazon_seg_assets.dag.derived import derived_verdicts, uses_spark
from amazon_seg_assets.dag.evaluations import Event, of_months, of_whole
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.handles import Handle, Snapshot, Whole
from amazon_seg_assets.dag.internals import months_of_run
from amazon_seg_assets.dag.resources import SparkResource, StoreResource
from amazon_seg_assets.dag.steps import CHECKS_FIRST, PRIORITY, SPARK_POOL, running, with_signature
from amazon_seg_assets.dag.titles import give_title
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import month_range
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.schema import Table
from amazon_seg_assets.storage.facts import note_checks
from amazon_seg_assets.storage.layout import Store

Judge = Callable[..., Verdict]


@dataclass(frozen=True, eq=False)
class Check:
    """A check of a table.

    Attributes:
        table: that is checked.
        name: of the check.
        description: of what holds if it passes.
        judge: gives the verdict.
        blocking: data that fails must not be used further; else the check warns.
    """

    table: Table
    name: str
    description: str
    judge: Judge = field(repr=False)
    blocking: bool = True

    @property
    def thresholds(self) -> dict[str, tuple[Any, Any]]:
        """Types and defaults of the thresholds that a run may set, by name."""
        parameters = inspect.signature(self.judge, eval_str=True).parameters.values()
        return {p.name: (p.annotation, p.default) for p in parameters if p.kind is p.KEYWORD_ONLY}


class Checks(tuple[Check, ...]):
    """One check of several tables, as its decorator gives it."""


def check(*tables: Table, blocking: bool = True) -> Callable[[Judge], Checks]:
    """Declares a check of a table, named and described by its function.

    Args:
        tables: that it checks; a function of several gets the table before the handle.
        blocking: whether data that fails must not be used further.
    """

    def declare(judge: Judge) -> Checks:
        description = " ".join((inspect.getdoc(judge) or "").split("\n\n")[0].split())
        several: list[Judge] = (
            [judge] if len(tables) == 1 else [partial(judge, table) for table in tables]
        )
        return Checks(
            Check(table, judge.__name__, description, of_table, blocking)
            for table, of_table in zip(tables, several, strict=True)
        )

    return declare


def checks_of(declaration: AssetDeclaration, own: Iterable[Check]) -> list[Check]:
    """All checks of an asset: those of its stage, and those that follow from its tables.

    Those of the stage come first, as they may sum up several tables in one job.
    """
    return [
        each
        for table in declaration.tables
        for each in (
            *(one for one in own if one.table is table),
            *(Check(table, *derived) for derived in derived_verdicts(table)),
        )
    ]


def bind_checks(
    declarations: Sequence[AssetDeclaration], own: Sequence[Check], family: Family
) -> list[AssetChecksDefinition]:
    """The steps of checks of a category: one for each asset, unless several share one.

    A step for each check would cost more than most checks do.
    """
    steps: dict[tuple[str, PartitionsDefinition | None, bool], list[Check]] = {}
    for declaration in declarations:
        if checks := checks_of(declaration, own):
            name = declaration.check_step or f"{declaration.name}_checks"
            step = name, declaration.partitions(family), declaration.checked_as_one
            steps.setdefault(step, []).extend(checks)
    return [_bind(*step, checks, family) for step, checks in steps.items()]


def _bind(
    name: str,
    partitions: PartitionsDefinition | None,
    as_one: bool,
    checks: Sequence[Check],
    family: Family,
) -> AssetChecksDefinition:
    by_month = partitions is not None
    with warnings.catch_warnings():
        # Checks of partitions are a preview; Dagster says so each time.
        warnings.simplefilter("ignore")
        specs = {
            check: AssetCheckSpec(
                check.name,
                asset=family.key(check.table.name),
                description=check.description,
                blocking=check.blocking,
                partitions_def=None if as_one else partitions,
            )
            for check in checks
        }
    needs_spark = any(uses_spark(check.table) for check in checks)

    def step(
        context: AssetCheckExecutionContext,
        storage: StoreResource,
        spark: SparkResource,
        **config: Config,
    ) -> Iterator[Event]:
        give_title(context)
        selected = context.selected_asset_check_keys
        asked = [check for check, spec in specs.items() if spec.key in selected]
        given = {key: value for each in config.values() for key, value in dict(each).items()}
        store = storage.of(family.category)
        with running(storage, needs_spark, context.log.info):
            months = _by_month(context, family, store, asked) if by_month else {"": asked}
            found = {
                month: _judge(checks, _handle(family, store, month, spark), given)
                for month, checks in months.items()
            }
        for month, verdicts in found.items():
            _note_faults(store, month or None, verdicts)
        for check in asked:
            of_check = {month: each[check] for month, each in found.items() if check in each}
            if by_month:
                yield from of_months(context, specs[check], of_check)
            else:
                yield of_whole(specs[check], of_check[""])

    return multi_asset_check(
        name=family.name(name),
        specs=list(specs.values()),
        can_subset=True,
        pool=SPARK_POOL if needs_spark else None,
        op_tags={PRIORITY: CHECKS_FIRST},
    )(with_signature(step, _config(name, checks)))


def _handle(family: Family, store: Store, month: str, spark: SparkResource) -> Handle:
    if month:
        return Snapshot(family, store, month, spark_resource=spark)
    return Whole(family, store, spark_resource=spark)


def _config(name: str, checks: Sequence[Check]) -> type[Config] | None:
    """The thresholds of a step as run configuration; None if there are none."""
    thresholds: dict[str, Any] = {k: v for check in checks for k, v in check.thresholds.items()}
    if not thresholds:
        return None
    made: type[Config] = create_model(f"{name}_config", __base__=Config, **thresholds)
    return made


def _judge(
    checks: Sequence[Check], handle: Handle, given: Mapping[str, Any]
) -> dict[Check, Verdict]:
    return {
        check: check.judge(handle, **{name: given[name] for name in check.thresholds})
        for check in checks
    }


def _note_faults(store: Store, month: str | None, found: Mapping[Check, Verdict]) -> None:
    """Keeps what blocking checks have found with the data: what failed is to be made again."""
    passed: dict[str, dict[str, bool]] = {}
    for check, verdict in found.items():
        if check.blocking:
            passed.setdefault(check.table.name, {})[check.name] = verdict.passed
    for asset, of_asset in passed.items():
        note_checks(store, asset, month, of_asset)


def _by_month(
    context: AssetCheckExecutionContext, family: Family, store: Store, asked: Sequence[Check]
) -> dict[str, list[Check]]:
    """The checks of each month of a run; where it names none, of each month that is stored.

    Raises:
        InputError: no month is stored.
    """
    # "Execute all" of the UI starts a run without any.
    if named := months_of_run(context.run.tags):
        return {month: [*asked] for month in named}
    stored = {check: {*store.months(check.table.name)} for check in asked}
    months = month_range(family.span.first, family.span.last)
    there = {month: [check for check in asked if month in stored[check]] for month in months}
    if not any(there.values()):
        names = " and ".join(dict.fromkeys(check.table.name for check in asked))
        raise InputError(f"No month of {names} is stored: materialize one before it is checked.")
    return {month: checks for month, checks in there.items() if checks}
