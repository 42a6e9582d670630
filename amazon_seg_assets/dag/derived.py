"""Checks that follow from what a table is: its schema, key, totals, and shares of nulls."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated

from pydantic import Field

from amazon_seg_assets.dag.handles import Handle
from amazon_seg_assets.months import month_after
from amazon_seg_assets.quality import tables
from amazon_seg_assets.quality.control_totals import (
    CUSTOMER_COLUMNS,
    Totals,
    customer_totals,
    not_once_in_both,
    repeated,
)
from amazon_seg_assets.quality.verdict import Share, Verdict
from amazon_seg_assets.schema import Table, Total
from amazon_seg_assets.storage.parquet import Stats
from amazon_seg_assets.storage.spark_tables import FORMER

Derived = tuple[str, str, Callable[..., Verdict], bool]
"""Name, description, judge, and whether it blocks."""


def derived_verdicts(table: Table) -> Iterator[Derived]:
    """The checks of a table that its declaration implies."""
    yield (
        "schema_as_declared",
        "The stored columns have the declared names, types and order, and no null where none may "
        "be.",
        partial(_schema, table),
        True,
    )
    if table.one_each:
        what, _ = table.one_each
        name = f"one_{what}_each"
        yield name, f"Each customer is in exactly one {what}.", partial(_one_each, table), True
    elif table.key:
        key = ", ".join(f"`{column}`" for column in table.key)
        name = f"{table.key[0] if len(table.key) == 1 else 'key'}_unique"
        yield name, f"No two rows have the same {key}.", partial(_unique, table), True
    for total in table.totals:
        yield total.check, _describe(total), partial(_total, table, total), True
    if table.steady_nulls:
        former = (
            "of the same month before, else to the month before" if table.by_month else "before"
        )
        yield (
            "null_shares_steady",
            f"No column's share of nulls differs much from what it was in the table {former}.",
            partial(_null_shares, table),
            False,
        )


def uses_spark(table: Table) -> bool:
    """True if the derived checks of a table read rows with Spark."""
    summed = any(
        total.of_column or (total.columns and not table.is_small) for total in table.totals
    )
    return bool(summed or (table.key and not table.is_small))


def totals_of(handle: Handle, *several: Table) -> list[Totals]:
    """Sums of tables of customers, in one job, and once for all checks of a step."""
    unknown = [table for table in dict.fromkeys(several) if table.name not in handle.memory]
    if unknown:
        found = customer_totals(*(handle.read(table, CUSTOMER_COLUMNS) for table in unknown))
        handle.memory.update({t.name: totals for t, totals in zip(unknown, found, strict=True)})
    return [handle.memory[table.name] for table in several]


def users_not_once_in_both(handle: Handle, one: Table, other: Table) -> int:
    """Users who are not exactly once in each of two tables of customers."""
    return not_once_in_both(handle.read(one), handle.read(other), *totals_of(handle, one, other))


def _schema(table: Table, handle: Handle) -> Verdict:
    return tables.schema_as_declared(table, handle.stats(table))


def _one_each(table: Table, handle: Handle) -> Verdict:
    assert table.one_each is not None
    what, customers = table.one_each
    odd = users_not_once_in_both(handle, customers, table)
    return tables.one_each(what, odd, totals_of(handle, customers)[0].customers)


def _unique(table: Table, handle: Handle) -> Verdict:
    key, rows = list(table.key), handle.rows(table)
    if table.is_small:
        same = int(handle.small(table).duplicated(key).sum())
    else:
        same = repeated(handle.read(table, key), key, rows)
    return tables.none_repeated(", ".join(key), same, rows)


def _total(table: Table, total: Total, handle: Handle) -> Verdict:
    if not total.columns:
        dropped = {reason: handle.facts(table, reason)[reason] for reason in total.dropped}
        assert total.of is not None
        return tables.rows_accounted(handle.rows(total.of), handle.rows(table), dropped)
    before = _expected(table, total, handle)
    if not table.is_small:
        [found] = totals_of(handle, table)
        return tables.totals_kept(total.unit, before, [getattr(found, c) for c in total.columns])
    content = handle.small(table)
    if total.where:
        column, value = total.where
        content = content[content[column] == value]
    groups = content.groupby(list(total.by)) if total.by else content
    return tables.totals_kept(total.unit, before, groups[list(total.columns)].sum().to_numpy().flat)


def _expected(table: Table, total: Total, handle: Handle) -> float:
    if total.of is None:
        return float(handle.facts(table, total.fact)[total.fact])
    if not total.of_column:
        return handle.rows(total.of)
    # Both at once, where both are read by Spark.
    read = [total.of] if table.is_small else [total.of, table]
    return float(getattr(totals_of(handle, *read)[0], total.of_column))


def _describe(total: Total) -> str:
    if total.dropped:
        return "Each raw row is kept, or dropped for a reason."
    of = f"those of `{total.of.name}`" if total.of else "those counted when the table was written"
    return f"The {total.unit} add up to {of}: none is lost or counted twice on the way."


def _null_shares(
    table: Table,
    handle: Handle,
    *,
    max_null_share_change: Annotated[
        Share, Field(description="Most that a column's share of nulls may change, 0 to 1.")
    ] = tables.MAX_NULL_SHARE_CHANGE,
) -> Verdict:
    former = _former(table, handle)
    return tables.null_shares_steady(handle.stats(table), former, max_null_share_change)


def _former(table: Table, handle: Handle) -> Stats | None:
    """The data that was replaced, else the month before, if that is there."""
    if replaced := handle.facts(table).get(FORMER):
        return Stats(**replaced)
    if handle.month is None:
        return None
    before = month_after(handle.month, -1)
    is_there = before in handle.family.span and before in handle.storage.months(table.name)
    return handle.stats(table, before) if is_there else None
