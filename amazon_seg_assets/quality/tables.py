"""Verdicts on any stored table, from its footers and from figures kept beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.storage.footers import Stats
from amazon_seg_assets.tables.model import Table

MAX_NULL_SHARE_CHANGE = 0.1
"""Ten percentage points: months differ by a few in the published data; a column that a source
stopped to fill, or a parser that fails, changes by more."""

MIN_ROWS_FOR_SHARES = 1_000
"""Of fewer rows chance alone moves shares by several points, so they are not compared."""


def schema_as_declared(table: Table, stats: Stats) -> Verdict:
    """Counts columns that are not as the table declares them: name, place, type, and no nulls."""
    declared = [(name, _type_name(table[name].type)) for name in table.column_names]
    faults: dict[str, str] = {}
    for schema in stats.schemas:
        stored = [(field.name, _type_name(field.type)) for field in schema]
        types = dict(stored)
        for name, type_ in declared:
            if name not in types:
                faults[name] = f"{name} is missing"
            elif types[name] != type_:
                faults[name] = f"{name} is {types[name]} instead of {type_}"
        faults |= {name: f"{name} is not declared" for name in types.keys() - dict(declared)}
        if not faults and stored != declared:
            faults["the order"] = "the order of the columns is another"
    for column in table.columns:
        nulls = stats.nulls.get(column.name)
        if not column.nullable and nulls:
            faults[column.name] = f"{column.name} is null in {nulls:,} rows, and must not be"
    what = "; ".join(faults.values()) or f"All {len(declared)} columns are as declared"
    return Verdict(len(faults), 0, f"{what}.")


def _type_name(type_: pa.DataType) -> str:
    """A type as text, without the names that writers give to the elements of lists."""
    return str(type_).replace("element: ", "").replace("item: ", "").replace(" not null", "")


def rows_accounted(came_in: int, kept: int, dropped: Mapping[str, int]) -> Verdict:
    """Counts rows of which nobody knows where they went, or where they came from.

    Args:
        came_in: rows that there were.
        kept: rows that are stored.
        dropped: rows that were left out, by reason.
    """
    difference = came_in - kept - sum(dropped.values())
    reasons = "".join(f" + {rows:,} {name.replace('_', ' ')}" for name, rows in dropped.items())
    return Verdict(
        abs(difference),
        0,
        f"Of {came_in:,} rows, {kept:,} kept{reasons} leave {difference:,} unaccounted for.",
    )


def total_kept(what: str, before: int, after: int) -> Verdict:
    """Compares a total of whole numbers before and after an aggregation or a copy."""
    return Verdict(abs(after - before), 0, f"{after:,} {what} after the step, {before:,} before.")


def totals_kept(what: str, before: int, after: Iterable[int]) -> Verdict:
    """The same where a table holds the total several times: judges the one furthest off."""
    return max(
        (total_kept(what, before, int(each)) for each in after), key=lambda each: each.figure
    )


def none_repeated(what: str, repeated: int, rows: int) -> Verdict:
    """Judges rows whose key another row has already."""
    return Verdict(repeated, 0, f"{repeated:,} of {rows:,} rows repeat a {what}.")


def null_shares_steady(
    now: Stats, former: Stats | None, threshold: float = MAX_NULL_SHARE_CHANGE
) -> Verdict:
    """Finds the column whose share of nulls changed most, in shares of 1.

    Args:
        now: what is stored.
        former: what was stored before; None if nothing was.
        threshold: most change that is tolerated.
    """
    if former is None:
        return Verdict(0.0, threshold, "There is no earlier version to compare with.")
    if min(now.rows, former.rows) < MIN_ROWS_FOR_SHARES:
        return Verdict(
            0.0,
            threshold,
            f"{min(now.rows, former.rows):,} rows are too few to compare shares of nulls "
            f"(from {MIN_ROWS_FOR_SHARES:,} on).",
        )
    shares = {
        name: (former_nulls / former.rows, nulls / now.rows)
        for name, nulls in now.nulls.items()
        if nulls is not None and (former_nulls := former.nulls.get(name)) is not None
    }
    if not shares:
        return Verdict(0.0, threshold, "No column has null counts to compare.")
    name, (before, after) = max(shares.items(), key=lambda each: abs(each[1][1] - each[1][0]))
    return Verdict(
        abs(after - before),
        threshold,
        f"{name} is null in {after:.1%} of the rows, after {before:.1%}; other columns changed "
        "less.",
    )
