"""The vocabulary of declarations: tables, their columns and totals, and artifacts.

The declarations feed schema enforcement on write, Dagster's column schema and lineage, the checks
and the documentation.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

MONTH = "month"
"""The partition column of month folders (``month=YYYY-MM``), never stored inside the files."""

ROW_ID = ("row_file", "row_number")
"""The place of a stored row: its file within the table, and its number there. Never stored."""


@dataclass(frozen=True)
class Column:
    """One column of a stored table.

    Attributes:
        name: as stored.
        type: Arrow type; Spark's type follows from it.
        description: one sentence, for people.
        unit: of a number, e.g. ``days`` or ``USD``; empty where there is none.
        nullable: a stored value may be null.
        sources: columns it is derived from, as ``table.column``.
    """

    name: str
    type: pa.DataType
    description: str
    unit: str = ""
    _: KW_ONLY
    nullable: bool = False
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Total:
    """A sum that a table must share with what it was made from; a check follows from it.

    Attributes:
        check: name of the check, such as ``customers_kept``.
        unit: of the sum, such as ``customers`` or ``USD``.
        columns: of the table, each of which adds up to the sum; if none, its rows do.
        of: the table that holds the same sum.
        of_column: of that table; empty for its rows.
        fact: beside the table itself, counted in the pass that wrote it, where there is no ``of``.
        dropped: facts beside the table that count rows left out, by reason.
        by: columns; the sum holds in each group of their values.
        where: a column and a value; only such rows count.
    """

    check: str
    unit: str
    columns: tuple[str, ...] = ()
    _: KW_ONLY
    of: Table | None = None
    of_column: str = ""
    fact: str = ""
    dropped: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    where: tuple[str, object] | None = None


@dataclass(frozen=True)
class Artifact:
    """Anything stored that is no table: a model, a picture, files.

    Attributes:
        name: of the asset and of its folder.
        description: Markdown, shown in the UI.
    """

    name: str
    description: str


@dataclass(frozen=True)
class Table:
    """One stored table.

    Attributes:
        name: of the asset and of its folder.
        description: Markdown, shown in the UI.
        columns: in stored order.
        by_month: laid out in month folders.
        has_gaps: a month without rows has no folder.
        is_small: fits into pandas, whatever the size of the data.
        key: columns that no two rows share; empty where that is not checked.
        one_each: what a row gives to each row of another table, which has the same key: the noun,
            and that table.
        totals: sums that it shares with what it was made from.
        steady_nulls: shares of nulls are held against those of former data.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    _: KW_ONLY
    by_month: bool = False
    has_gaps: bool = False
    is_small: bool = False
    key: tuple[str, ...] = ()
    one_each: tuple[str, Table] | None = None
    totals: tuple[Total, ...] = ()
    steady_nulls: bool = False

    def __post_init__(self) -> None:
        if len(set(self.column_names)) != len(self.columns):
            raise ValueError(f"table {self.name} declares a column twice")
        summed = {column for total in self.totals for column in total.columns}
        if unknown := {*self.key, *summed} - {*self.column_names}:
            raise ValueError(f"table {self.name} declares no column {', '.join(sorted(unknown))}")

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} declares no column {name}")

    def carried(self, name: str, new_name: str | None = None) -> Column:
        """The same column in a further table, which copies it from this one."""
        return replace(self[name], name=new_name or name, sources=self.sources(name))

    def sources(self, *names: str) -> tuple[str, ...]:
        """These columns as sources of another."""
        return tuple(f"{self.name}.{name}" for name in names)

    @property
    def column_names(self) -> list[str]:
        """Names in stored order."""
        return [column.name for column in self.columns]

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The stored columns; without the month, which is in the folder's name."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    @cached_property
    def spark_schema(self) -> StructType:
        """The same as Spark types, all nullable, as Spark reads files."""
        from pyspark.sql.pandas.types import from_arrow_type
        from pyspark.sql.types import StructField, StructType

        return StructType([StructField(c.name, from_arrow_type(c.type)) for c in self.columns])


def type_name(type_: pa.DataType) -> str:
    """A type as text, without the names that writers give to the elements of lists."""
    return str(type_).replace("element: ", "").replace("item: ", "").replace(" not null", "")
