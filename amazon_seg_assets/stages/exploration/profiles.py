"""Profiles of raw tables: what each column holds.

All figures are the same however the rows are spread over tasks: sums are taken of decimals, the
quartiles are exact, and HyperLogLog++ does not depend on order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.cleaning.transform import (
    PLACEHOLDERS,
    PRICE_FORMS,
    parse_price,
    price_form,
)
from amazon_seg_assets.stages.exploration.tables import METADATA_PROFILE, RELATIVE_ERROR
from amazon_seg_assets.stages.raw.tables import RAW_METADATA

DAY_MS = 24 * 3600 * 1000

_EXACT = "decimal(18,4)"  # its square still fits into a decimal
_FIGURES = ("nulls", "distinct", "placeholders", "n", "sum", "squares", "quartiles", "min", "max")
_QUARTILES = [0.25, 0.5, 0.75]
_TIMES = ("timestamp",)


@dataclass(frozen=True)
class Profile:
    """The profile of a table.

    Attributes:
        columns: one row per column, in stored order, as ``review_profile`` and
            ``metadata_profile`` declare.
        facts: of the table as a whole; the number of ``rows`` is always there.
    """

    columns: pd.DataFrame
    facts: dict[str, int]


def profile_metadata(raw: DataFrame) -> Profile:
    """Profiles ``raw_metadata``.

    Facts: ``listed_again``, rows of a product that has one already; ``books``, ``kindles`` and
    ``with_author``; ``price_<form>``.
    """
    form = price_form(F.col("price"))
    profile = _profile(
        raw,
        RAW_METADATA,
        {"price": parse_price(F.col("price"))},
        {
            "books": F.count_if(F.col("main_category") == "Books"),
            "kindles": F.count_if(F.col("main_category") == "Buy a Kindle"),
            "with_author": F.count("author"),
            **{f"price_{name}": F.count_if(form == name) for name in PRICE_FORMS},
        },
    )
    products = raw.select("parent_asin").distinct().count()
    profile.facts["listed_again"] = profile.facts["rows"] - products
    return profile


def _profile(
    frame: DataFrame, table: Table, parsed: Mapping[str, Column], facts: Mapping[str, Column]
) -> Profile:
    """Profiles a table and takes further ``facts``; ``parsed`` gives the numbers in texts."""
    figures, numbers = {"rows": F.count(F.lit(1)), **facts}, dict[str, Column]()
    for column in table.columns:
        number = parsed.get(column.name, number_of(column.name, column.type))
        if number is not None:
            numbers[column.name] = number
        of_column = _figures(column.name, column.type)
        figures |= {f"{column.name}.{name}": figure for name, figure in of_column.items()}
    row = frame.agg(*(figure.alias(name) for name, figure in figures.items())).collect()[0]
    of_numbers = figures_of_values(count_values(frame, numbers))
    found = {}
    for column in table.columns:
        known = {of: row[f"{column.name}.{of}"] for of in _figures(column.name, column.type)}
        # Of texts that say numbers the texts are told apart, not what they say.
        found[column.name] = of_numbers.get(column.name, {}) | known
    return Profile(
        described(table, row["rows"], found), {name: row[name] for name in ("rows", *facts)}
    )


def is_time(name: str) -> bool:
    """Tells whether a column has times, in ms since 1970."""
    return name in _TIMES


def is_numeric(type_: pa.DataType) -> bool:
    """Tells whether a column of this type has numbers, or yes and no."""
    return bool(
        pa.types.is_boolean(type_) or pa.types.is_integer(type_) or pa.types.is_floating(type_)
    )


def number_of(name: str, type_: pa.DataType) -> Column | None:
    """The numbers of a column, null where not finite; of times the days. None where it has none."""
    if is_time(name):
        return (F.floor(F.col(name) / DAY_MS) * DAY_MS).cast("double")
    if is_numeric(type_):
        number = F.col(name).cast("double")
        return F.when(F.abs(number) < float("inf"), number)
    return None


def placeholders(value: Column, type_: pa.DataType) -> Column | None:
    """Counts texts that stand for a missing value, or empty lists; None for other types."""
    if pa.types.is_list(type_):
        return F.count_if(F.size(value) == 0)
    if pa.types.is_string(type_):
        return F.count_if(value.isin(*PLACEHOLDERS))
    return None


def _figures(name: str, type_: pa.DataType) -> dict[str, Column]:
    """Figures of a column that one aggregate of all rows finds."""
    value = F.col(name)
    figures = {"nulls": F.count_if(value.isNull())}
    if is_numeric(type_):
        return figures
    # Of texts and lists Spark's sketch takes longer to make a hash than a column's own function.
    hashed = F.when(value.isNotNull(), F.xxhash64(value))
    figures["distinct"] = F.approx_count_distinct(hashed, RELATIVE_ERROR)
    if (missing := placeholders(value, type_)) is not None:
        figures["placeholders"] = missing
    return figures


def count_values(
    frame: DataFrame, numbers: Mapping[str, Column], by: Sequence[str] = ()
) -> DataFrame:
    """Counts how often each number of some columns occurs; nulls are left out.

    Args:
        frame: of any rows.
        numbers: doubles, by the name of their column. Their values are few, where rows are many:
            stars, votes, cents, days.
        by: columns whose values are counted apart.

    Returns:
        ``by``, ``column``, ``value`` and ``rows``.
    """
    names, apart = [*numbers], [F.col(name) for name in by]
    values = frame.select(*apart, *(number.alias(name) for name, number in numbers.items()))
    each = [F.col(name) for name in names]
    counted = values.groupingSets([[*apart, column] for column in each], *apart, *each).agg(
        F.grouping_id().alias("set"), F.count(F.lit(1)).alias("rows")
    )
    # It has a bit for each column, 0 for that of the set, the first the highest.
    everything = 2 ** len(names) - 1
    sets = {everything - 2**place: name for place, name in enumerate(reversed(names))}
    pairs = [F.lit(each) for pair in sets.items() for each in pair]
    column = F.create_map(*pairs)[F.col("set").cast("int")].alias("column")
    found = counted.select(*apart, column, F.coalesce(*each).alias("value"), "rows")
    return found.where(F.col("value").isNotNull())


def figures_of_values(counted: DataFrame) -> dict[str, dict[str, Any]]:
    """The distribution of each column, exact; of times the quartiles alone.

    Args:
        counted: ``column``, ``value`` and ``rows``, each value once.
    """
    value, rows = F.col("value"), F.col("rows")
    exact = value.try_cast(_EXACT)
    found = counted.groupBy("column").agg(
        F.count(value).alias("distinct"),
        F.min(value).alias("min"),
        F.max(value).alias("max"),
        F.percentile(value, _QUARTILES, rows).alias("quartiles"),
        F.sum(F.when(exact.isNotNull(), rows)).alias("n"),
        F.try_sum(exact * rows).alias("sum"),
        F.try_sum(exact * exact * rows).alias("squares"),
    )
    figures = {row["column"]: row.asDict() for row in found.collect()}
    return {
        name: {of: figure for of, figure in each.items() if of == "quartiles" or not is_time(name)}
        for name, each in figures.items()
    }


def described(table: Table, rows: int, found: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The profile of each column, in stored order.

    Args:
        table: that is profiled.
        rows: of it.
        found: figures by column; what is not among them is not known.
    """
    content = pd.DataFrame(
        [
            {"column": column.name, "type": str(column.type)}
            | _description(rows, dict.fromkeys(_FIGURES) | dict(found.get(column.name, {})))
            for column in table.columns
        ],
        columns=METADATA_PROFILE.column_names,
    )
    return content.astype({"placeholders": "Int64"})


def _description(rows: int, found: Mapping[str, Any]) -> dict[str, Any]:
    mean, sd = _mean_and_sd(found["n"], found["sum"], found["squares"])
    q1, median, q3 = found["quartiles"] or (None, None, None)
    extremes = {
        name: None if found[name] is None else float(found[name]) for name in ("min", "max")
    }
    nulls = found["nulls"] or 0
    count = rows - nulls
    told = {
        "nulls": nulls,
        "distinct": min(found["distinct"] or 0, count),  # an estimate may be above
        "placeholders": found["placeholders"],
    }
    spread = {"mean": mean, "sd": sd, "q1": q1, "median": median, "q3": q3}
    return {"count": count, **told, **spread, **extremes}


def _mean_and_sd(
    n: int | None, total: Decimal | None, squares: Decimal | None
) -> tuple[float | None, float | None]:
    """Mean, and sample standard deviation from the sums of numbers and of their squares."""
    if not n or total is None:
        return None, None
    with localcontext(prec=80):
        mean = total / n
        if n == 1 or squares is None:
            return float(mean), None
        return float(mean), float(((squares - total * mean) / (n - 1)).sqrt())
