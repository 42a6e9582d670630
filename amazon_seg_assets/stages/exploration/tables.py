"""The raw data before anything is cleaned: profiles, counts and top lists."""

from dataclasses import replace

import pyarrow as pa

from amazon_seg_assets.schema import Column, Table, Total
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS

RELATIVE_ERROR = 0.025
"""Relative standard error of the numbers of distinct values."""


def _profile_columns(numbers: str) -> tuple[Column, ...]:
    def figure(name: str, description: str) -> Column:
        return Column(name, pa.float64(), f"{description} {numbers}", nullable=True)

    return (
        Column("column", pa.string(), "Column of the table."),
        Column("type", pa.string(), "Its type, as stored."),
        Column("count", pa.int64(), "Rows with a value.", "rows"),
        Column("nulls", pa.int64(), "Rows without a value.", "rows"),
        Column(
            "distinct",
            pa.int64(),
            "Distinct values; of texts, lists and times by HyperLogLog with a relative standard "
            f"error of {RELATIVE_ERROR:.1%}.",
        ),
        Column(
            "placeholders",
            pa.int64(),
            "Texts that stand for a missing value, such as `N/A`, and empty lists; null for other "
            "types.",
            "rows",
            nullable=True,
        ),
        figure("mean", "Mean."),
        figure("sd", "Sample standard deviation."),
        figure("min", "Smallest number."),
        figure("q1", "Lower quartile, exact."),
        figure("median", "Median, exact."),
        figure("q3", "Upper quartile, exact."),
        figure("max", "Largest number."),
    )


REVIEW_PROFILE = Table(
    name="review_profile",
    description=(
        "One row per column of the raw reviews: nulls, placeholders, distinct values, and the "
        "distribution of numbers. Exact duplicates are counted in."
    ),
    is_small=True,
    key=("column",),
    columns=_profile_columns(
        "Of `verified_purchase`, true is 1. Of `timestamp` in ms since 1970: no mean and sd, and "
        "quartiles to the day."
    ),
)

REVIEW_PROFILE_PARTS = Table(
    name="review_profile_parts",
    description=(
        "What `review_profile` is merged from, one row per month and column of the raw reviews: "
        "months that have not changed are not read again."
    ),
    is_small=True,
    key=("month", "column"),
    columns=(
        Column("month", pa.string(), "Month, UTC.", sources=RAW_REVIEWS.sources("timestamp")),
        Column("column", pa.string(), "Column of the table."),
        Column("rows", pa.int64(), "Rows of the month.", "rows"),
        Column("nulls", pa.int64(), "Rows without a value.", "rows"),
        Column("placeholders", pa.int64(), "As in the profile.", "rows", nullable=True),
        Column("earliest", pa.int64(), "Earliest time.", "ms since 1970", nullable=True),
        Column("latest", pa.int64(), "Latest time.", "ms since 1970", nullable=True),
        Column(
            "repeats",
            pa.int64(),
            "Rows that are equal to another in all fields but `images`, without the first of each; "
            "at `review_id`.",
            "rows",
            nullable=True,
            sources=RAW_REVIEWS.sources("review_id"),
        ),
        Column(
            "sketch",
            pa.binary(),
            "Distinct texts, lists or times: HyperLogLog of Apache DataSketches with 2,048 "
            "registers, of xxHash64. One of few values lists them, in any order.",
            nullable=True,
        ),
        Column("values", pa.list_(pa.float64()), "Numbers that occur; of times the days."),
        Column("value_rows", pa.list_(pa.int64()), "How often each occurs.", "rows"),
    ),
)

METADATA_PROFILE = Table(
    name="metadata_profile",
    description=(
        "One row per column of the raw products: nulls, placeholders, distinct values, and the "
        "distribution of numbers. Products that are listed again are counted in."
    ),
    is_small=True,
    key=("column",),
    columns=_profile_columns("Of `price`, in USD, of those that are a number."),
)


ALL_TIME = "all time"
"""The scope of counts that are not of one year."""

MOST_POPULAR = "most popular"
"""The list of the products with most reviews in a year."""

RATING_COUNTS = Table(
    name="rating_counts",
    description=(
        "Raw reviews by rating and verified purchase, of all time and of one year, exact "
        "duplicates counted in. Ratings of 1 to 5 stars are always there, also with no reviews."
    ),
    is_small=True,
    key=("scope", "rating", "verified_purchase"),
    totals=(Total("rows_kept", "rows", ("reviews",), of=RAW_REVIEWS, where=("scope", ALL_TIME)),),
    columns=(
        Column("scope", pa.string(), f"`{ALL_TIME}`, or the year."),
        Column(
            "rating",
            pa.float64(),
            "Stars given.",
            "stars",
            nullable=True,
            sources=RAW_REVIEWS.sources("rating"),
        ),
        replace(RAW_REVIEWS.carried("verified_purchase"), nullable=False),
        Column("reviews", pa.int64(), "Reviews.", "reviews"),
        Column("share", pa.float64(), "Share of the reviews of the scope."),
    ),
)

REVIEW_COUNTS = Table(
    name="review_counts",
    description="Raw reviews of each month that has any, exact duplicates counted in.",
    is_small=True,
    key=("month",),
    totals=(Total("rows_kept", "rows", ("reviews",), of=RAW_REVIEWS),),
    columns=(
        Column("month", pa.string(), "Month, UTC.", sources=RAW_REVIEWS.sources("timestamp")),
        Column("reviews", pa.int64(), "Reviews.", "reviews"),
        Column(
            "verified",
            pa.int64(),
            "Reviews of verified purchases.",
            "reviews",
            sources=RAW_REVIEWS.sources("verified_purchase"),
        ),
    ),
)

MAIN_CATEGORY_COUNTS = Table(
    name="main_category_counts",
    description=(
        "Raw products of each main category, the largest first. Those of excluded categories are "
        "left out of `clean_metadata`, unless its configuration says otherwise."
    ),
    is_small=True,
    key=("main_category",),
    totals=(Total("rows_kept", "rows", ("products",), of=RAW_METADATA),),
    columns=(
        Column(
            "main_category",
            pa.string(),
            "Amazon's top-level category; null where the product has none.",
            nullable=True,
            sources=RAW_METADATA.sources("main_category"),
        ),
        Column("products", pa.int64(), "Rows of the category.", "products"),
        Column("share", pa.float64(), "Share of all rows."),
        Column(
            "is_excluded", pa.bool_(), "Whether the rules of the category exclude it by default."
        ),
    ),
)

HELPFUL_REVIEWS = Table(
    name="helpful_reviews",
    description=(
        "The reviews that most people found helpful: 15 of verified purchases and 15 of others, "
        "each review once. Reviews without a helpful vote do not count."
    ),
    is_small=True,
    key=("verified_purchase", "rank"),
    columns=(
        replace(RAW_REVIEWS.carried("verified_purchase"), nullable=False),
        Column("rank", pa.int32(), "Place; ties go to the older review."),
        replace(RAW_REVIEWS.carried("helpful_vote"), nullable=False),
        Column(
            "rating",
            pa.float64(),
            "Stars given.",
            "stars",
            nullable=True,
            sources=RAW_REVIEWS.sources("rating"),
        ),
        Column(
            "day", pa.date32(), "Day of the review, UTC.", sources=RAW_REVIEWS.sources("timestamp")
        ),
        Column(
            "parent_asin",
            pa.string(),
            "Product.",
            nullable=True,
            sources=RAW_REVIEWS.sources("parent_asin"),
        ),
        Column(
            "title",
            pa.string(),
            "Headline, cut.",
            nullable=True,
            sources=RAW_REVIEWS.sources("title"),
        ),
        Column(
            "text", pa.string(), "Body, cut.", nullable=True, sources=RAW_REVIEWS.sources("text")
        ),
        Column("review_id", pa.string(), "Review.", sources=RAW_REVIEWS.sources("review_id")),
    ),
)

ODD_REVIEWS = Table(
    name="odd_reviews",
    description=(
        "Raw reviews with a rating of 0 stars, which nobody can give, or with negative helpful "
        "votes: the 20 oldest of each, exact duplicates counted in."
    ),
    is_small=True,
    key=("reason", "rank"),
    columns=(
        Column("reason", pa.string(), "What is odd."),
        Column("rank", pa.int32(), "Place among those of the reason, by time."),
        RAW_REVIEWS.carried("helpful_vote"),
        *(each for each in HELPFUL_REVIEWS.columns if each.name not in ("rank", "helpful_vote")),
    ),
)

MISPLACED_PRODUCTS = Table(
    name="misplaced_products",
    description=(
        "Products of main categories that the rules leave out, such as books among electronics: "
        "of each the 10 with most ratings, each product once. Empty where the rules leave out none."
    ),
    is_small=True,
    key=("main_category", "rank"),
    columns=(
        replace(RAW_METADATA.carried("main_category"), nullable=False),
        Column("rank", pa.int32(), "Place within the category; ties go by `parent_asin`."),
        replace(RAW_METADATA.carried("parent_asin"), nullable=False),
        Column(
            "product_name",
            pa.string(),
            "Name, cut; null where it is unknown.",
            nullable=True,
            sources=RAW_METADATA.sources("title"),
        ),
        RAW_METADATA.carried("rating_number"),
        RAW_METADATA.carried("average_rating"),
        Column(
            "price",
            pa.float64(),
            "Price on the product page.",
            "USD",
            nullable=True,
            sources=RAW_METADATA.sources("price"),
        ),
        RAW_METADATA.carried("store"),
    ),
)


def _or_clean(name: str) -> Column:
    """A column that lists of pages take from the raw products, and lists of a year from clean."""
    column = MISPLACED_PRODUCTS[name]
    of = (source.removeprefix(f"{RAW_METADATA.name}.") for source in column.sources)
    return replace(column, sources=(*column.sources, *CLEAN_METADATA.sources(*of)))


TOP_PRODUCTS = Table(
    name="top_products",
    description=(
        "Products that lead in some respect, one list after the other, each product once. Lists "
        "of a year count verified reviews of that year, each once, of the products of "
        "`clean_metadata`; the others rest on what the pages of all products said. Ties go to the "
        "product with more ratings, then by `parent_asin`."
    ),
    is_small=True,
    key=("list", "rank"),
    columns=(
        Column("list", pa.string(), "Which list."),
        Column("rank", pa.int32(), "Place in the list."),
        _or_clean("parent_asin"),
        _or_clean("product_name"),
        Column(
            "value",
            pa.float64(),
            "What the list goes by.",
            sources=(
                *RAW_METADATA.sources("rating_number", "average_rating", "price"),
                *RAW_REVIEWS.sources("review_id", "rating", "verified_purchase"),
            ),
        ),
        Column("unit", pa.string(), "Unit of the value."),
        _or_clean("rating_number"),
        _or_clean("average_rating"),
        _or_clean("price"),
        replace(_or_clean("main_category"), nullable=True),
        _or_clean("store"),
        Column("year", pa.int32(), "Year of the lists of a year."),
    ),
)
