"""Verdicts that follow from what a table is: schema, rows, totals, keys, shares of nulls."""

from collections.abc import Iterable, Mapping

from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.schema import Table, type_name
from amazon_seg_assets.storage.parquet import Stats

MAX_NULL_SHARE_CHANGE = 0.1
"""Ten percentage points: months differ by a few in the published data; a column that a source
stopped to fill, or a parser that fails, changes by more."""

MONEY = "USD"
MAX_MONEY_DIFFERENCE = 0.01
"""A cent: money is summed exactly, but stored as a double of 15 digits."""

MIN_ROWS_FOR_SHARES = 1_000
"""Of fewer rows chance alone moves shares by several points, so they are not compared."""


def schema_as_declared(table: Table, stats: Stats) -> Verdict:
    """Counts columns that are not as the table declares them: name, place, type, and no nulls."""
    declared = [(name, type_name(table[name].type)) for name in table.column_names]
    faults: dict[str, str] = {}
    for schema in stats.schemas:
        stored = [(field.name, type_name(field.type)) for field in schema]
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


def rows_accounted(came_in: int, kept: int, dropped: Mapping[str, int]) -> Verdict:
    """Counts rows of which nobody knows where they went, or where they came from.

    ``dropped`` are those that were left out, by reason.
    """
    difference = came_in - kept - sum(dropped.values())
    reasons = "".join(f" + {rows:,} {name.replace('_', ' ')}" for name, rows in dropped.items())
    return Verdict(
        abs(difference),
        0,
        f"Of {came_in:,} rows, {kept:,} kept{reasons} leave {difference:,} unaccounted for.",
    )


def totals_kept(unit: str, before: float, after: Iterable[float]) -> Verdict:
    """Compares a total before a step with one or several after it; judges the one furthest off.

    Money may differ by a cent, all else must be the same.
    """
    is_money = unit == MONEY
    tolerated, digits = (MAX_MONEY_DIFFERENCE, 2) if is_money else (0, 0)
    furthest = max(map(float, after), key=lambda each: abs(each - before), default=0.0)
    return Verdict(
        abs(furthest - before),
        tolerated,
        f"{furthest:,.{digits}f} {unit} after the step, {before:,.{digits}f} before.",
    )


def none_repeated(what: str, repeated: int, rows: int) -> Verdict:
    """Judges rows whose key another row has already."""
    return Verdict(repeated, 0, f"{repeated:,} of {rows:,} rows repeat a {what}.")


def one_each(what: str, odd: int, customers: int) -> Verdict:
    """Judges ``odd`` customers, who are in no group, such as a cluster, or in more than one."""
    return Verdict(
        odd, 0, f"{odd:,} of {customers:,} customers are in no {what} or in more than one."
    )


def null_shares_steady(
    now: Stats, former: Stats | None, threshold: float = MAX_NULL_SHARE_CHANGE
) -> Verdict:
    """Finds the column whose share of nulls changed most, in shares of 1.

    There is no ``former`` where nothing was stored before.
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
