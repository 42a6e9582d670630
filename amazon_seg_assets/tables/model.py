"""The vocabulary in which tables are declared."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

MONTH = "month"
"""The partition column of month folders (``month=YYYY-MM``), never stored inside the files."""

PLACE = ("place_file", "place_row")
"""Where a stored row lies: its file within the table, and its number there. Never stored."""


@dataclass(frozen=True)
class Column:
    """One column of a stored table.

    Attributes:
        name: as stored.
        type: Arrow type; Spark's type follows from it.
        description: one sentence, for people.
        unit: of a number, e.g. ``days`` or ``USD``; empty where there is none.
        nullable: whether a stored value may be null.
        sources: columns it is derived from, as ``table.column``.
    """

    name: str
    type: pa.DataType
    description: str
    unit: str = ""
    _: KW_ONLY
    nullable: bool = True
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One stored table.

    Attributes:
        name: of the asset and of its folder.
        description: Markdown, shown in the UI.
        columns: in stored order.
        by_month: laid out in month folders.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    by_month: bool = False

    def __post_init__(self) -> None:
        if len(set(self.column_names)) != len(self.columns):
            raise ValueError(f"table {self.name} declares a column twice")

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
