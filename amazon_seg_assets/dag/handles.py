"""Handles: what the body of an asset or a check reads stored data by, and stores with.

`Snapshot` is one month, `MonthRange` several that are one write, `Whole` has no months. A handle
knows storage, Spark session, category and month. Reading what is not there fails once, naming it.
Facts are counted in the pass that writes, and are at hand in what storing returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from amazon_seg_assets.dag.family import Family, Reach
from amazon_seg_assets.dag.metadata import artifact_metadata, table_metadata
from amazon_seg_assets.schema import Artifact, Table
from amazon_seg_assets.storage.damage import require_sound
from amazon_seg_assets.storage.facts import Facts, read_facts, require_facts
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.locations import Location
from amazon_seg_assets.storage.parquet import Stats, Written, read_small, stored_stats, write_small
from amazon_seg_assets.storage.spark_tables import (
    read_table,
    write_months,
    write_snapshot,
    write_whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable as Say
    from pathlib import Path

    from dagster import DagsterInstance
    from pyspark.sql import DataFrame, SparkSession

    from amazon_seg_assets.dag.resources import SourceResource, SparkResource

Output = Table | Artifact


@dataclass(frozen=True)
class Stored:
    """Something stored, and what is told of it.

    Attributes:
        output: the table or artifact.
        month: of it; None where it has no months.
        metadata: standard figures, then those that the body adds.
        stats: of a table's files.
        facts: kept beside a table.
        data_version: where it is not for Dagster to make one.
        versions: where they do not follow from what it was made from, by month, `""` of the whole.
    """

    output: Output
    month: str | None
    metadata: Mapping[str, Any]
    stats: Stats = field(default_factory=Stats)
    facts: Facts = field(default_factory=dict)
    data_version: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.stats.rows

    def telling(self, **figures: Any) -> Stored:
        """The same with further metadata."""
        return replace(self, metadata={**self.metadata, **figures})


@dataclass(frozen=True)
class Handle:
    """Stored data of a category.

    Attributes:
        family: of the category.
        storage: its storage.
        month: read of tables with months; None reads all of them.
        stores: what the body is to store.
        reaches: months beside a snapshot's own that are read, by name of the table.
        spark_resource: starts Spark when it is first needed.
        source: where raw files come from.
        instance: Dagster's records.
        say: tells progress in the log of the step.
        memory: shared by the checks of a step.
    """

    family: Family
    storage: Store
    month: str | None = None
    _: KW_ONLY
    stores: tuple[Output, ...] = ()
    reaches: Mapping[str, Reach] = field(default_factory=dict)
    spark_resource: SparkResource | None = field(default=None, repr=False)
    source: SourceResource | None = field(default=None, repr=False)
    instance: DagsterInstance | None = field(default=None, repr=False)
    say: Say[[str], None] = field(default=print, repr=False)
    memory: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def category(self) -> str:
        """The category of the data set."""
        return self.family.category

    @property
    def spark(self) -> SparkSession:
        """The session of this process."""
        assert self.spark_resource is not None
        return self.spark_resource.spark_session

    def read(
        self,
        table: Table,
        columns: Sequence[str] | None = None,
        months: Sequence[str] | None = None,
        with_row_id: bool = False,
    ) -> DataFrame:
        """A table as a DataFrame: the months of the handle, unless others are given."""
        chosen = self._months(table) if months is None else months
        # Before Spark starts, which takes long.
        self.storage.require(table.name, chosen)
        return read_table(self.spark, self.storage, table, chosen, columns, with_row_id)

    def small(self, table: Table) -> pd.DataFrame:
        """A small table, or the month of it."""
        return read_small(self.storage, table, self._month(table))

    def stats(self, table: Table, month: str | None = None) -> Stats:
        """Rows, nulls and bounds of what is stored, by the footers of its files."""
        month = month or self._month(table)
        if month is not None and table.has_gaps and month not in self.storage.months(table.name):
            return Stats()
        return stored_stats(self.storage, table.name, month)

    def has(self, output: Output) -> bool:
        """True if the month of a table or artifact is stored."""
        return self.month in self.storage.months(output.name)

    def rows(self, table: Table) -> int:
        """Rows stored."""
        return self.stats(table).rows

    def facts(self, table: Table, *names: str) -> dict[str, Any]:
        """Facts counted when a table was stored; of the names given, none may be missing."""
        month = self._month(table)
        if names:
            return require_facts(self.storage, table.name, month, *names)
        return read_facts(self.storage, table.name, month)

    def folder(self, output: Output, has_months: bool = True) -> Location:
        """The folder of a table or artifact that is stored, or of the month of it."""
        month = self.month if has_months else None
        require_sound(self.storage, output.name, None if month is None else [month])
        return self.storage.path(output.name, month)

    def _month(self, table: Table) -> str | None:
        return self.month if table.by_month else None

    def _months(self, table: Table) -> Sequence[str] | None:
        if not table.by_month:
            return None
        if reach := self.reaches.get(table.name):
            stored = self.storage.months(table.name)
            return reach.months(self.family.span, self.month or "", stored)
        return None if self.month is None else [self.month]

    def _table(self, table: Table | None) -> Table:
        """The table given, or the only one that the asset stores."""
        if table is not None:
            return table
        [only] = self.stores
        assert isinstance(only, Table)
        return only

    def _stored(self, table: Table, month: str | None, written: Written) -> Stored:
        metadata = table_metadata(self.family, self.storage, table, written.stats, month)
        return Stored(table, month, metadata, written.stats, written.facts)


@dataclass(frozen=True)
class _One(Handle):
    """One partition, or an asset that has none."""

    def store(
        self,
        frame: DataFrame | pd.DataFrame,
        table: Table | None = None,
        facts: Facts | Callable[[Stats], Facts] | None = None,
    ) -> Stored:
        """Replaces a table, or the month of it.

        Args:
            frame: its columns; a pandas frame where it is small.
            table: one of those that the asset stores; may be left out where that is one.
            facts: kept beside it. A function gets the statistics of what was written; if it
                raises, the former data stays.
        """
        table = self._table(table)
        if isinstance(frame, pd.DataFrame):
            assert not callable(facts)
            written = write_small(frame, self.storage, table, self.month, facts)
        else:
            given = facts if facts is None or callable(facts) else lambda _: facts
            if self.month is None:
                written = write_whole(frame, self.storage, table, given)
            else:
                written = write_snapshot(frame, self.storage, table, self.month, given)
        return self._stored(table, self.month, written)

    def store_nothing(self, table: Table, facts: Facts) -> Stored:
        """Empties a small table, or the month of it; the facts tell why."""
        return self.store(pd.DataFrame(columns=table.column_names), table, facts).telling(**facts)

    @contextmanager
    def replacing(self) -> Iterator[Path]:
        """Gives a fresh folder of this machine for the files of the artifact."""
        [artifact] = self.stores
        months = None if self.month is None else [self.month]
        with self.storage.replacing(artifact.name, months) as folder:
            target = folder if self.month is None else folder / month_folder(self.month)
            target.mkdir(exist_ok=True)
            yield target

    @contextmanager
    def replacing_in_place(self) -> Iterator[Location]:
        """Gives a place in the storage for the files of the artifact, to be made by Spark."""
        [artifact] = self.stores
        months = None if self.month is None else [self.month]
        with self.storage.replacing_in_place(artifact.name, months) as folder:
            yield folder if self.month is None else folder / month_folder(self.month)

    def described(self, table: Table, data_version: str, versions: Mapping[str, str]) -> Stored:
        """A table that something else has stored, of the versions given."""
        metadata = table_metadata(
            self.family, self.storage, table, stats := self.stats(table), self.month
        )
        return Stored(
            table, self.month, metadata, stats, data_version=data_version, versions=versions
        )

    def stored(self, **figures: Any) -> Stored:
        """The artifact whose files have been replaced, with what is told of it."""
        [artifact] = self.stores
        assert isinstance(artifact, Artifact)
        metadata = artifact_metadata(self.family, self.storage, artifact.name, self.month)
        return Stored(artifact, self.month, {**metadata, **figures})


@dataclass(frozen=True)
class Whole(_One):
    """An asset without months."""

    month: None = None


@dataclass(frozen=True)
class Snapshot(_One):
    """One month: the state of the customers as of its end, or its reviews."""

    month: str = ""


@dataclass(frozen=True)
class MonthRange(Handle):
    """Several months of an asset, which are written in one pass.

    Attributes:
        months: asked for, in order.
    """

    months: tuple[str, ...] = ()

    def at(self, month: str) -> Snapshot:
        """One of the months, to read."""
        return Snapshot(self.family, self.storage, month, spark_resource=self.spark_resource)

    def store(
        self,
        frame: DataFrame,
        facts: Callable[[str, Stats], Facts] | None = None,
    ) -> list[Stored]:
        """Replaces the months; one that the frame has no row of becomes empty.

        Args:
            frame: columns of the table and ``month``.
            facts: gives those about a month that are kept beside it.
        """
        table = self._table(None)
        written = write_months(frame, self.storage, table, self.months, facts)
        return [self._stored(table, month, each) for month, each in written.items()]

    def _months(self, table: Table) -> Sequence[str] | None:
        return self.months if table.by_month else None
