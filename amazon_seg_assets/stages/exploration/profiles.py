"""Profiles of raw tables: what each column holds.

All figures are the same however the rows are spread over tasks: sums are taken of decimals, the
quartiles are exact, and HyperLogLog++ does not depend on order.
"""

from collections.abc import Mapping
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
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS

DAY_MS = 24 * 3600 * 1000

_EXACT = "decimal(18,4)"  # its square still fits into a decimal
_QUARTILES = [0.25, 0.5, 0.75]
_TIMES = ("timestamp",)
_SUMS = ("n", "sum", "squares")


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


def profile_reviews(raw: DataFrame) -> Profile:
    """Profiles ``raw_reviews``.

    Facts: ``exact_duplicates``, rows that are equal to another in all fields but ``images``,
    without the first of each.
    """
    profile = _profile(raw, RAW_REVIEWS)
    # Another pass, over the one column: an exact distinct count needs a shuffle.
    reviews = raw.select(F.unhex("review_id").alias("id")).distinct().count()
    profile.facts["exact_duplicates"] = profile.facts["rows"] - reviews
    return profile


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
    frame: DataFrame,
    table: Table,
    parsed: Mapping[str, Column] | None = None,
    facts: Mapping[str, Column] | None = None,
) -> Profile:
    """Profiles a table and takes further ``facts``; ``parsed`` gives the numbers in texts."""
    figures, numbers = {"rows": F.count(F.lit(1)), **(facts or {})}, dict[str, Column]()
    for column in table.columns:
        number = (parsed or {}).get(column.name)
        if number is None:
            number = _number(column.name, column.type)
        if number is not None:
            numbers[column.name] = number
        of_column = _figures(column.name, column.type)
        figures |= {f"{column.name}.{name}": figure for name, figure in of_column.items()}
    found = frame.agg(*(figure.alias(name) for name, figure in figures.items())).collect()[0]
    of_numbers = _figures_of_numbers(frame, numbers)
    rows = found["rows"]
    described = []
    for column in table.columns:
        name = column.name
        known = {of: found[f"{name}.{of}"] for of in _figures(name, column.type)}
        # Of a text that says a number, texts are told apart, not what they say.
        counted = of_numbers.get(name, {}) | (known if name in (parsed or {}) else {})
        described.append(
            {"column": name, "type": str(column.type)}
            | _description(rows, dict.fromkeys(_FIGURES) | known | counted)
        )
    content = pd.DataFrame(described, columns=METADATA_PROFILE.column_names)
    return Profile(
        content.astype({"placeholders": "Int64"}),
        {name: found[name] for name in ("rows", *(facts or {}))},
    )


def _number(name: str, type_: pa.DataType) -> Column | None:
    """The numbers of a column, null where not finite; None where it has none."""
    if name in _TIMES:
        return F.col(name)
    if _is_numeric(type_):
        number = F.col(name).cast("double")
        return F.when(F.abs(number) < float("inf"), number)
    return None


def _is_numeric(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_boolean(type_) or pa.types.is_integer(type_) or pa.types.is_floating(type_)
    )


_FIGURES = ("nulls", "distinct", "placeholders", "n", "sum", "squares", "quartiles", "min", "max")


def _figures(name: str, type_: pa.DataType) -> dict[str, Column]:
    """Figures of a column that one aggregate of all rows finds."""
    value = F.col(name)
    figures = {"nulls": F.count_if(value.isNull())}
    if name in _TIMES:
        figures |= {"min": F.min(value), "max": F.max(value)}
    elif _is_numeric(type_):
        return figures
    # Of texts and lists Spark's sketch takes longer to make a hash than a column's own function.
    is_long = pa.types.is_list(type_) or pa.types.is_string(type_)
    hashed = F.when(value.isNotNull(), F.xxhash64(value)) if is_long else value
    figures["distinct"] = F.approx_count_distinct(hashed, RELATIVE_ERROR)
    if pa.types.is_list(type_):
        figures["placeholders"] = F.count_if(F.size(value) == 0)
    elif pa.types.is_string(type_):
        figures["placeholders"] = F.count_if(value.isin(*PLACEHOLDERS))
    return figures


def _figures_of_numbers(
    frame: DataFrame, numbers: Mapping[str, Column]
) -> dict[str, dict[str, Any]]:
    """Distribution of each column of numbers, from how often each of its values occurs.

    Values are few, where rows are many: stars, votes, cents, and the days of times.
    """
    names = [*numbers]
    values = frame.select(
        *(_or_day(name, number).cast("double").alias(name) for name, number in numbers.items())
    )
    each = [F.col(name) for name in names]
    counted = values.groupingSets([[column] for column in each], *each).agg(
        F.grouping_id().alias("set"), F.count(F.lit(1)).alias("rows")
    )
    value, rows = F.col("value"), F.col("rows")
    exact = value.try_cast(_EXACT)
    found = (
        counted.select("set", F.coalesce(*each).alias("value"), "rows")
        .where(value.isNotNull())
        .groupBy("set")
        .agg(
            F.count(value).alias("distinct"),
            F.min(value).alias("min"),
            F.max(value).alias("max"),
            F.percentile(value, _QUARTILES, rows).alias("quartiles"),
            F.sum(F.when(exact.isNotNull(), rows)).alias("n"),
            F.try_sum(exact * rows).alias("sum"),
            F.try_sum(exact * exact * rows).alias("squares"),
        )
        .collect()
    )
    # The identifier has a bit for each column, 0 for that of the set, the first the highest.
    everything = 2 ** len(names) - 1
    sets = {everything - 2**place: name for place, name in enumerate(reversed(names))}
    figures = {sets[row["set"]]: row.asDict() for row in found}
    return {name: _kept(name, of) for name, of in figures.items()}


def _or_day(name: str, number: Column) -> Column:
    return F.floor(number / DAY_MS) * DAY_MS if name in _TIMES else number


def _kept(name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures that hold for the column: of times, not those of their days."""
    kept = ["quartiles"] if name in _TIMES else ["distinct", "min", "max", "quartiles", *_SUMS]
    return {figure: figures[figure] for figure in kept}


def _description(rows: int, found: Mapping[str, Any]) -> dict[str, Any]:
    mean, sd = _mean_and_sd(found["n"], found["sum"], found["squares"])
    q1, median, q3 = found["quartiles"] or (None, None, None)
    extremes = {
        name: None if found[name] is None else float(found[name]) for name in ("min", "max")
    }
    count = rows - found["nulls"]
    told = {
        "nulls": found["nulls"],
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
