"""Profiles of raw tables: what each column holds, in one pass over the rows.

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
    figures = {"rows": F.count(F.lit(1)), **(facts or {})}
    for column in table.columns:
        number = _number(column.name, column.type, (parsed or {}).get(column.name))
        of_column = _figures(column.name, column.type, number)
        figures |= {f"{column.name}.{name}": figure for name, figure in of_column.items()}
    row = frame.agg(*(figure.alias(name) for name, figure in figures.items())).collect()[0]
    found = row.asDict()
    rows = found["rows"]
    described = [
        {"column": column.name, "type": str(column.type)}
        | _description(rows, {name: found.get(f"{column.name}.{name}") for name in _FIGURES})
        for column in table.columns
    ]
    content = pd.DataFrame(described, columns=METADATA_PROFILE.column_names)
    return Profile(
        content.astype({"placeholders": "Int64"}),
        {name: found[name] for name in ("rows", *(facts or {}))},
    )


def _number(name: str, type_: pa.DataType, parsed: Column | None) -> Column | None:
    """The numbers of a column, null where not finite; None where it has none."""
    if parsed is not None:
        return parsed
    if name in _TIMES:
        return F.col(name)
    if pa.types.is_boolean(type_) or pa.types.is_integer(type_) or pa.types.is_floating(type_):
        number = F.col(name).cast("double")
        return F.when(F.abs(number) < float("inf"), number)
    return None


_FIGURES = ("nulls", "distinct", "placeholders", "n", "sum", "squares", "quartiles", "min", "max")


def _figures(name: str, type_: pa.DataType, number: Column | None) -> dict[str, Column]:
    value = F.col(name)
    # Of texts and lists Spark's sketch takes longer to make a hash than a column's own function.
    is_long = pa.types.is_list(type_) or pa.types.is_string(type_)
    hashed = F.when(value.isNotNull(), F.xxhash64(value)) if is_long else value
    figures = {
        "nulls": F.count_if(value.isNull()),
        "distinct": F.approx_count_distinct(hashed, RELATIVE_ERROR),
    }
    if pa.types.is_list(type_):
        figures["placeholders"] = F.count_if(F.size(value) == 0)
    elif pa.types.is_string(type_):
        figures["placeholders"] = F.count_if(value.isin(*PLACEHOLDERS))
    if number is None:
        return figures
    figures |= {"min": F.min(number), "max": F.max(number)}
    # Percentile counts distinct values: days are few, milliseconds are not.
    days = F.floor(number / DAY_MS) * DAY_MS
    figures["quartiles"] = F.percentile(days if name in _TIMES else number, _QUARTILES)
    if name not in _TIMES:
        exact = number.try_cast(_EXACT)
        figures |= {"n": F.count(exact), "sum": F.try_sum(exact)}
        figures["squares"] = F.try_sum(exact * exact)
    return figures


def _description(rows: int, found: Mapping[str, Any]) -> dict[str, Any]:
    mean, sd = _mean_and_sd(found["n"], found["sum"], found["squares"])
    q1, median, q3 = found["quartiles"] or (None, None, None)
    extremes = {
        name: None if found[name] is None else float(found[name]) for name in ("min", "max")
    }
    count = rows - found["nulls"]
    told = {
        "nulls": found["nulls"],
        "distinct": min(found["distinct"], count),  # an estimate may be above
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
