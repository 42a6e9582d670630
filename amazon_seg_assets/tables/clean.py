"""The cleaned reviews and products, and their join."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from amazon_seg_assets.tables.model import Column, Table
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS


def _raw_review(name: str) -> Column:
    return RAW_REVIEWS[name].carried_from(RAW_REVIEWS.name)


def _raw_product(name: str) -> Column:
    return RAW_METADATA[name].carried_from(RAW_METADATA.name)


CLEAN_REVIEWS = Table(
    name="clean_reviews",
    description=(
        "Cleaned reviews of verified purchases, with their text. A rating of 0 becomes 1, a "
        "negative vote 0, a placeholder such as `N/A` null; of rows that are equal in all fields "
        "but `images`, one stays. Times are UTC."
    ),
    by_month=True,
    columns=(
        _raw_review("review_id"),
        _raw_review("user_id"),
        _raw_review("asin"),
        _raw_review("parent_asin"),
        replace(_raw_review("rating"), description="Stars given, 1 to 5."),
        replace(
            _raw_review("timestamp"),
            type=pa.timestamp("us", tz="UTC"),
            description="Time of the review, UTC.",
            unit="",
        ),
        _raw_review("helpful_vote"),
        replace(
            _raw_review("verified_purchase"),
            description="Always true: other reviews are dropped.",
            nullable=False,
        ),
        _raw_review("title"),
        _raw_review("text"),
    ),
)

CLEAN_METADATA = Table(
    name="clean_metadata",
    description=(
        "One row per product. Products of the excluded categories are left out, and with such a "
        "list in force those without a category too, as SQL's `NOT IN` does. A price counts only "
        "if the whole text is a finite number. Of a product that is listed several times one row "
        "stays: the one with a price, then with most ratings, then with the highest price; what "
        "still ties goes by title, then by the order of the source."
    ),
    columns=(
        replace(_raw_product("parent_asin"), nullable=False),
        _raw_product("main_category"),
        _raw_product("title"),
        _raw_product("average_rating"),
        _raw_product("rating_number"),
        replace(
            _raw_product("price"),
            type=pa.float64(),
            description="Price when the page was collected in 2023; null where unknown.",
            unit="USD",
        ),
        _raw_product("store"),
        _raw_product("categories"),
        _raw_product("features"),
        _raw_product("description"),
        _raw_product("details"),
    ),
)


def _product(name: str, joined_name: str | None = None) -> Column:
    return CLEAN_METADATA[name].carried_from(CLEAN_METADATA.name, joined_name)


JOINED_REVIEWS = Table(
    name="joined_reviews",
    description=(
        "One row per clean review, with the few product columns that analysis needs. A review "
        "whose product is unknown or excluded stays, with nulls. Long text is one join away: in "
        "`clean_reviews` by `review_id`, in `clean_metadata` by `parent_asin`."
    ),
    by_month=True,
    columns=(
        *(
            column.carried_from(CLEAN_REVIEWS.name)
            for column in CLEAN_REVIEWS.columns
            if column.name != "text"
        ),
        _product("main_category"),
        _product("title", "product_name"),
        _product("price"),
        _product("average_rating", "avg_product_rating"),
        _product("categories"),
    ),
)
