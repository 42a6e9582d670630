"""What the checks of several stages share."""

from collections.abc import Iterable
from typing import Any

from amazon_seg_assets.assets.checks.declaration import Check, Verdicts
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.quality import tables
from amazon_seg_assets.storage.figures import read_figures
from amazon_seg_assets.storage.footers import Stats, read_stats
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.spark_tables import FORMER
from amazon_seg_assets.tables.model import Table


def schema_check(table: Table) -> Check:
    """That a table is stored as it is declared."""
    return Check(
        table.name,
        "schema_as_declared",
        "The stored columns have the declared names, types and order, and no null where none may "
        "be.",
    )


def frequency_check(table: Table) -> Check:
    """That a table of customers holds as many reviews as what it was made from."""
    return Check(table.name, "frequency_kept", "No review is lost or counted twice on the way.")


def monetary_check(table: Table) -> Check:
    """That a table of customers holds as much money as what it was made from."""
    return Check(table.name, "monetary_kept", "No money is lost or counted twice on the way.")


def customers_check(table: Table) -> Check:
    """That a small table counts each customer once."""
    return Check(table.name, "customers_kept", "The counts add up to the customers there are.")


def judge_schemas(store: Store, several: Iterable[Table], month: str | None = None) -> Verdicts:
    """Judges whether tables, or a month of them, are stored as declared."""
    return {
        schema_check(table): tables.schema_as_declared(table, stats_of(store, table, month))
        for table in several
    }


def stats_of(store: Store, table: Table, month: str | None = None) -> Stats:
    """What the footers of a table, or of a month of it, say.

    Raises:
        InputError: it has not been materialized.
    """
    store.require(table.name, None if month is None else [month])
    return read_stats(store.path(table.name, month))


def figures_of(store: Store, table: Table, month: str | None = None) -> dict[str, Any]:
    """What was recorded when a table, or a month of it, was written.

    Raises:
        InputError: it was written by a version of this package that did not record it.
    """
    figures = read_figures(store, table.name, month)
    if not figures.keys() - {FORMER}:
        raise InputError(
            f"{table.name}{f' of {month}' if month else ''} was stored without the figures that "
            "its checks need: materialize it again."
        )
    return figures
