"""The exploration by hand, in DuckDB's own ways: profiles, counts, top lists, and pictures.

The same tables as ours, of the same rows. Quantiles are approximate, which DuckDB is fast at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from amazon_seg_assets.stages.exploration.transform import (
    FEW_RATINGS,
    LIST_LENGTH,
    MISPLACED_OF_EACH,
    MOST_HELPFUL,
    OWN_CATEGORY,
    OWN_STORE,
)

PICTURES = 17
"""As many as ours draws without history, and what follows it."""

_SIZE, _DPI = (8, 4.5), 150
_LISTED = "parent_asin, product_name, rating_number, average_rating, price, main_category, store"
_VERIFIED = "coalesce(verified_purchase, false)"
_TOLD = (
    "rating, epoch_ms(timestamp)::DATE AS day, parent_asin, title[:200] AS title, "
    "text[:500] AS text, review_id"
)
_NUMBERS = ("DOUBLE", "BIGINT", "BOOLEAN")


def tables(
    parquet: Callable[[str], str],
    columns: Mapping[str, Mapping[str, str]],
    excluded: Sequence[str],
    placeholders: str,
) -> Iterator[tuple[str, str]]:
    """Names of the tables, each with the query that makes it.

    Args:
        parquet: gives what reads a table.
        columns: types by column, of ``raw_reviews`` and ``raw_metadata``.
        excluded: main categories that cleaning leaves out.
        placeholders: texts that stand for a missing value, as SQL.
    """
    reviews, products = parquet("raw_reviews"), parquet("raw_metadata")
    year = f"(SELECT max(month) // 100 FROM {reviews} WHERE verified_purchase)"
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in excluded) or "NULL"
    yield "review_profile", _profile(reviews, columns["raw_reviews"], placeholders)
    yield "metadata_profile", _profile(products, columns["raw_metadata"], placeholders)
    yield (
        "duplicates",
        f"""SELECT count(*) - count(DISTINCT review_id) AS reviews,
                   (SELECT count(*) - count(DISTINCT parent_asin) FROM {products}) AS products
            FROM {reviews}""",
    )
    yield (
        "review_counts",
        f"""SELECT month, count(*) AS reviews, count_if(verified_purchase) AS verified
            FROM {reviews} GROUP BY ALL ORDER BY ALL""",
    )
    yield (
        "rating_counts",
        f"""SELECT rating, {_VERIFIED} AS verified_purchase, count(*) AS reviews,
                   count_if(month // 100 = {year}) AS of_year
            FROM {reviews} GROUP BY ALL ORDER BY ALL""",
    )
    yield (
        "main_category_counts",
        f"SELECT main_category, count(*) AS products FROM {products} GROUP BY ALL ORDER BY 2 DESC",
    )
    yield (
        "helpful_reviews",
        f"""WITH best AS (
                SELECT DISTINCT ON (review_id) review_id, helpful_vote, timestamp,
                       {_VERIFIED} AS is_verified
                FROM {reviews}
                WHERE helpful_vote >= (
                    SELECT min(least_of) FROM (
                        SELECT list_min(max(helpful_vote, {4 * MOST_HELPFUL})) AS least_of
                        FROM {reviews} GROUP BY {_VERIFIED}))
                ),
                first AS (
                    SELECT review_id, is_verified FROM best QUALIFY row_number() OVER (
                        PARTITION BY is_verified ORDER BY helpful_vote DESC, timestamp
                    ) <= {MOST_HELPFUL})
            SELECT DISTINCT ON (review_id) helpful_vote, is_verified, {_TOLD}
            FROM {reviews} JOIN first USING (review_id)""",
    )
    yield (
        "odd_reviews",
        f"""SELECT reason, helpful_vote, {_TOLD}
            FROM (SELECT *, CASE WHEN rating = 0 THEN '0 stars' ELSE 'negative votes' END AS reason
                  FROM {reviews} WHERE rating = 0 OR helpful_vote < 0)
            QUALIFY row_number() OVER (PARTITION BY reason ORDER BY timestamp) <= {LIST_LENGTH}""",
    )
    listed = f"""SELECT DISTINCT ON (parent_asin) parent_asin, title[:200] AS product_name,
                        rating_number, average_rating,
                        TRY_CAST(trim(price) AS DOUBLE) AS price, main_category, store
                 FROM {products}"""
    yield (
        "misplaced_products",
        f"""SELECT {_LISTED} FROM ({listed} WHERE main_category IN ({names}))
            QUALIFY row_number() OVER (PARTITION BY main_category
                ORDER BY rating_number DESC NULLS LAST) <= {MISPLACED_OF_EACH}""",
    )
    yield "top_products", _top_products(listed, reviews, parquet("clean_metadata"), year)


def _top_products(listed: str, reviews: str, clean: str, year: str) -> str:
    rated = f"rating_number > {FEW_RATINGS}"
    own = f"coalesce(main_category = '{OWN_CATEGORY}' OR store = '{OWN_STORE}', false)"
    by_page = {
        "most rated": ("rating_number", "DESC", "rating_number > 0"),
        "best rated": ("average_rating", "DESC", rated),
        "best others": ("average_rating", "DESC", f"{rated} AND NOT {own}"),
        "dearest": ("price", "DESC", "price > 0"),
        "cheapest": ("price", "ASC", "price > 0"),
    }
    lists = [
        f"""(SELECT '{name}' AS list, {key}::DOUBLE AS value, {_LISTED} FROM listed
             WHERE {condition} ORDER BY {key} {order}, rating_number DESC LIMIT {LIST_LENGTH})"""
        for name, (key, order, condition) in by_page.items()
    ]
    lists += [
        f"""(SELECT '{key}' AS list, {key}::DOUBLE AS value, parent_asin, title[:200],
                    rating_number, average_rating, price, main_category, store
             FROM counted JOIN {clean} USING (parent_asin)
             ORDER BY {key} DESC LIMIT {LIST_LENGTH})"""
        for key in ("reviews", "five_star")
    ]
    return f"""WITH listed AS MATERIALIZED ({listed}),
        counted AS MATERIALIZED (
            SELECT parent_asin, count(DISTINCT review_id) AS reviews,
                   count(DISTINCT review_id) FILTER (rating = 5) AS five_star
            FROM {reviews} WHERE verified_purchase AND month // 100 = {year} GROUP BY ALL)
        {" UNION ALL ".join(lists)}"""


def _profile(source: str, columns: Mapping[str, str], placeholders: str) -> str:
    """One row a column: nulls, distinct values, placeholders, and the distribution of numbers."""
    figures = ["count(*) AS rows"]
    for name, kind in columns.items():
        figures.append(f"count({name}) AS {name}_count")
        figures.append(f"approx_count_distinct({name}) AS {name}_distinct")
        if kind == "VARCHAR":
            figures.append(f"count_if({name} IN {placeholders}) AS {name}_placeholders")
        elif kind.endswith("[]"):
            figures.append(f"count_if(len({name}) = 0) AS {name}_placeholders")
        number = f"{name}::DOUBLE" if kind in _NUMBERS else ""
        if name == "price":
            number = "TRY_CAST(trim(price) AS DOUBLE)"
        if number:
            figures += [
                f"{kind}({number}) AS {name}_{kind}" for kind in ("avg", "stddev", "min", "max")
            ]
            figures.append(f"approx_quantile({number}, [0.25, 0.5, 0.75]) AS {name}_quartiles")
    return f"SELECT {', '.join(figures)} FROM {source}"


def draw(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """Draws simple bars of small tables, as PNG and SVG, in turn until there are `PICTURES`."""
    folder.mkdir(parents=True, exist_ok=True)
    drawable: list[Any] = [
        (name, frame[column])
        for name, frame in frames.items()
        for column in frame.select_dtypes("number").columns
    ]
    for number in range(PICTURES):
        name, values = drawable[number % len(drawable)]
        figure = Figure(_SIZE, layout="constrained")
        axes = figure.subplots()
        axes.bar(range(len(values)), values.fillna(0).to_numpy(float))
        axes.set_title(name)
        axes.set_ylabel(str(values.name))
        for kind in ("png", "svg"):
            figure.savefig(folder / f"{number}.{kind}", dpi=_DPI)
