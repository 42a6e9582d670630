"""Declarations of assets: a body, what it stores and what it reads, not yet bound to a category.

The decorators make them, `definitions` binds them. A body gets a handle, and its run configuration
if it has any; it selects, calls one function, stores and returns what was stored.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

from dagster import MonthlyPartitionsDefinition

from amazon_seg_assets.dag.family import Family, Reach, monthly_partitions
from amazon_seg_assets.dag.handles import Handle, MonthRange, Output, Snapshot, Whole
from amazon_seg_assets.months import LOOK_BACK_MONTHS, Span
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.schema import Artifact, Table
from amazon_seg_assets.settings import Settings

CodeVersion = str | Callable[[Settings], str]
"""Raised by hand when other code gives another result; a function where rules count too."""


@dataclass(frozen=True)
class Reaching:
    """An input of which a snapshot reads more than its own month."""

    table: Table
    reach: ClassVar[Reach]

    @property
    def name(self) -> str:
        """Of the input."""
        return self.table.name


class LookBack(Reaching):
    """An input of which a snapshot reads its own month and the twelve before."""

    reach = Reach(LOOK_BACK_MONTHS, has_gaps=False)


class LookBackIfStored(Reaching):
    """The same of an input that may not be stored, or not of all of these months."""

    reach = Reach(LOOK_BACK_MONTHS, is_optional=True)


class AllBefore(Reaching):
    """An input of which a snapshot reads its own month and all before it that are stored."""

    reach = Reach(None)


class After(Reaching):
    """An input of which a snapshot reads its own month and those stored of the 13 after it.

    So many hold a year and more from the snapshot's last day on.
    """

    reach = Reach(after=13)


class AfterIfStored(Reaching):
    """The same of an input that may not be stored at all."""

    reach = Reach(after=13, is_optional=True)


Reads = Sequence["Output | Reaching | AssetDeclaration"]


@dataclass(frozen=True)
class AssetDeclaration:
    """An asset of every category.

    Attributes:
        body: reads, computes, stores; its docstring's first line says what.
        handle: what the body gets: `Snapshot`, `MonthRange` or `Whole`.
        stores: tables, or an artifact.
        reads: inputs.
        kinds: labels of the UI; ``pyspark`` says that it uses Spark.
        code_version: of the body and of what it calls.
        from_begin: made of all months of the data, not only of those that snapshots look at.
        comes_last: what it stores is for pictures and people, so it comes last.
        check_step: name of the step of its checks, where it shares one; assets that share one must
            not depend on each other.
        checked_as_one: its checks have one evaluation a run, whatever the months: of all of the
            history, those of each month would take longer to record than to find.
        section: of the report that shows the picture; empty where none does.
        caption: below it there.
    """

    body: Callable[..., Any]
    handle: type[Handle]
    stores: tuple[Output, ...]
    reads: tuple[Output | Reaching | AssetDeclaration, ...] = ()
    kinds: frozenset[str] = frozenset()
    code_version: CodeVersion = "1"
    from_begin: bool = False
    comes_last: bool = False
    check_step: str = ""
    checked_as_one: bool = False
    section: str = ""
    caption: str = ""

    @property
    def name(self) -> str:
        """Of the asset; of several that are made together, of the first."""
        return self.stores[0].name

    @property
    def stage(self) -> str:
        """The stage that declares it, which is its group in the UI."""
        return str(self.body.__module__).split(".")[-2]

    @property
    def tables(self) -> list[Table]:
        """The tables among what it stores."""
        return [output for output in self.stores if isinstance(output, Table)]

    @property
    def has_months(self) -> bool:
        """True if it is made month by month."""
        return self.handle is not Whole

    def span(self, family: Family) -> Span | None:
        """The months that it has in a category; None if it is not made month by month."""
        if not self.has_months:
            return None
        if self.handle is Snapshot:
            return family.spans.snapshots
        return family.spans.history if self.from_begin else family.spans.prepared

    def partitions(self, family: Family) -> MonthlyPartitionsDefinition | None:
        """The same as partitions."""
        span = self.span(family)
        return monthly_partitions(span) if span else None

    @property
    def uses_spark(self) -> bool:
        """True if it uses Spark."""
        return "pyspark" in self.kinds

    @property
    def inputs(self) -> dict[str, Reach | None]:
        """Names of the assets that it reads; None for those of which it reads its own month."""
        return {
            read.name: read.reach if isinstance(read, Reaching) else None for read in self.reads
        }

    def version(self, settings: Settings) -> str:
        """The code version under given settings."""
        return (
            self.code_version if isinstance(self.code_version, str) else self.code_version(settings)
        )


def _asset(handle: type[Handle]) -> Callable[..., Callable[[Callable[..., Any]], AssetDeclaration]]:
    def declare(
        *stores: Output, reads: Reads = (), kinds: Iterable[str] = (), **options: Any
    ) -> Callable[[Callable[..., Any]], AssetDeclaration]:
        return lambda body: AssetDeclaration(
            body, handle, stores, tuple(reads), frozenset(kinds), **options
        )

    return declare


snapshot_asset = _asset(Snapshot)
"""Declares an asset of which each month is made on its own; arguments as `AssetDeclaration`."""
months_asset = _asset(MonthRange)
"""Declares an asset of which all months asked for are made in one pass."""
whole_asset = _asset(Whole)
"""Declares an asset without months."""


def plot(
    *, reads: Reads, section: str = "", caption: str = "", whole: bool = False
) -> Callable[[Callable[..., Picture]], AssetDeclaration]:
    """Declares an asset that is a picture; its name and description are those of the function.

    Args:
        reads: small tables.
        checked_as_one: its checks have one evaluation a run, whatever the months: of all of the
            history, those of each month would take longer to record than to find.
        section: of the report that shows it.
        caption: below it in the report.
        whole: has no months.
    """

    def declare(draw: Callable[..., Picture]) -> AssetDeclaration:
        from amazon_seg_assets.dag.plots import store_picture

        body = partial(store_picture, draw)
        body.__module__ = draw.__module__
        return AssetDeclaration(
            body,
            Whole if whole else Snapshot,
            (Artifact(draw.__name__, inspect.getdoc(draw) or ""),),
            tuple(reads),
            frozenset({"matplotlib"}),
            comes_last=True,
            section=section,
            caption=caption,
        )

    return declare


def declared_in(stage: str) -> list[AssetDeclaration]:
    """The assets that a stage declares, in the order of its lines."""
    module = import_module(f"amazon_seg_assets.stages.{stage}.assets")
    return [
        each
        for each in vars(module).values()
        if isinstance(each, AssetDeclaration) and each.stage == stage
    ]
