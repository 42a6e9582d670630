"""Cleans raw reviews and products, and joins them."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Observation, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from amazon_seg_assets.schema import MONTH, ROW_ID
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA, CLEAN_REVIEWS, JOINED_REVIEWS

PLACEHOLDERS = ("None", "none", "N/A", "n/a", "null", "NULL", "")
"""Texts that stand for a missing value, as in the original analysis."""

_HASH = "key_hash"

_LARGEST_BROADCAST_ROWS = 3_000_000

PRICE_FORMS = ("number", "missing", "dash", "from", "not_finite", "other_text")
"""Forms in which a price is written; only a number counts."""

_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_TOO_LARGE = 1e12  # USD; no price, and more than the exact sums of prices can take
_NOT_FINITE = r"(?i)^\s*[+-]?(nan|inf|infinity)\s*$"


def clean_reviews(raw: DataFrame, months: Sequence[str], duplicates: Observation) -> DataFrame:
    """Cleans reviews: verified purchases, each review once, invalid values mended.

    Rows that are equal in all fields but ``images`` share a ``review_id``, and so a month: no row
    meets one of another month. Which of them stays makes no difference.

    Args:
        raw: columns of ``raw_reviews``, ``month`` and those of ``ROW_ID``.
        months: that ``raw`` may have rows of.
        duplicates: receives, by the name of each month, rows that are there already.

    Returns:
        Columns of ``clean_reviews``, and ``month``.
    """
    verified = raw.where("verified_purchase").select(*CLEAN_REVIEWS.column_names, MONTH, *ROW_ID)
    # Counted where they are found: from what is stored, a loss would look the same.
    surplus = _surplus(verified, [MONTH, "review_id"], [], MONTH).observe(
        duplicates, *(F.count_if(F.col(MONTH) == month).alias(month) for month in months)
    )
    distinct = _without(verified, surplus)
    mended = distinct.withColumns(
        {
            "rating": F.when(F.col("rating") == 0, 1.0).otherwise(F.col("rating")),
            # Not greatest, which would make a number of null.
            "helpful_vote": F.when(F.col("helpful_vote") < 0, 0).otherwise(F.col("helpful_vote")),
            "timestamp": F.timestamp_millis("timestamp"),
        }
    )
    return _without_placeholders(mended, keep=("review_id", MONTH)).drop(*ROW_ID)


def clean_metadata(
    raw: DataFrame, excluded_categories: Sequence[str], counts: Observation, repeats: Observation
) -> DataFrame:
    """Cleans products: one row each, without those of excluded categories.

    Args:
        raw: columns of ``raw_metadata``, and those of ``ROW_ID``.
        excluded_categories: main categories to leave out; where there are any, products without
            a category are left out too, as SQL's ``NOT IN`` does.
        counts: receives ``raw``, ``excluded_category``, ``no_category`` and ``price_<form>``.
        repeats: receives ``listed_again``, rows of a product that has one already.

    Returns:
        Columns of ``clean_metadata``.
    """
    known = _without_placeholders(raw, keep=("price", "parent_asin", *ROW_ID))
    unwanted = F.coalesce(F.col("main_category").isin(*excluded_categories), F.lit(False))
    without = F.col("main_category").isNull() if excluded_categories else F.lit(False)
    is_wanted = ~unwanted & ~without
    priced = known.where(is_wanted).withColumn("price", parse_price(F.col("price")))
    preference = [
        F.col("price").isNotNull().desc(),
        F.col("rating_number").desc_nulls_last(),
        F.col("price").desc_nulls_last(),
        F.col("title").desc_nulls_last(),
    ]
    surplus = _surplus(priced, ["parent_asin"], preference)
    # As a column of its own the form is found once for each row, not once for each count.
    formed = known.withColumn("form", price_form(F.col("price")))
    counted = formed.observe(
        counts,
        F.count(F.lit(1)).alias("raw"),
        F.count_if(unwanted).alias("excluded_category"),
        F.count_if(without).alias("no_category"),
        *(F.count_if(F.col("form") == name).alias(f"price_{name}") for name in PRICE_FORMS),
    )
    wanted = counted.where(is_wanted).withColumn("price", parse_price(F.col("price")))
    listed_again = surplus.observe(repeats, F.count(F.lit(1)).alias("listed_again"))
    return _without(wanted, listed_again).select(*CLEAN_METADATA.column_names)


def known_text(text: Column) -> Column:
    """The text, null where it stands for a missing value."""
    return F.when(~text.isin(*PLACEHOLDERS), text)


def price_form(price: Column) -> Column:
    """The form of a price text: one of `PRICE_FORMS`."""
    return (
        F.when(price.isNull() | price.isin(*PLACEHOLDERS), "missing")
        .when(parse_price(price).isNotNull(), "number")
        .when(price.rlike(r"^\s*[-–—]+\s*$"), "dash")
        .when(price.rlike(r"(?i)^\s*from\b"), "from")
        .when(price.rlike(_NOT_FINITE) | price.rlike(_NUMBER), "not_finite")
        .otherwise("other_text")
    )


def parse_price(price: Column) -> Column:
    """The price as a double, null unless the whole text is a finite number that money can hold."""
    number = F.when(price.rlike(_NUMBER), F.trim(price).cast("double"))
    return F.when(F.abs(number) < _TOO_LARGE, number)


def _surplus(
    rows: DataFrame, key: Sequence[str], preference: Sequence[Column], *further: str
) -> DataFrame:
    """Places of all rows of a key but one: the first by preference, then by place.

    Few rows repeat a key. Only these are brought together, by columns that are short; whole rows,
    with their texts, never leave the task that reads them. Keys whose hashes are equal by chance
    come along, and part again.

    Args:
        rows: columns of ``ROW_ID``, among others.
        key: columns that rows may have in common; never null.
        preference: the order in which rows of a key are preferred.
        further: columns to return beside those of ``ROW_ID``.
    """
    hashed = rows.withColumn(_HASH, F.xxhash64(*key))
    repeated = hashed.groupBy(_HASH).count().where("count > 1").drop("count")
    order = Window.partitionBy(*key).orderBy(*preference, *ROW_ID)
    alike = hashed.join(F.broadcast(repeated), _HASH)
    return (
        alike.withColumn("rank", F.row_number().over(order))
        .where("rank > 1")
        .select(*ROW_ID, *further)
    )


def _without(rows: DataFrame, surplus: DataFrame) -> DataFrame:
    """The rows that are in no surplus place."""
    return rows.join(F.broadcast(surplus.select(*ROW_ID)), [*ROW_ID], "left_anti")


def only_reviewed(products: DataFrame, reviews: DataFrame) -> DataFrame:
    """The products that reviews, which must be fewer, are of, by ``parent_asin``."""
    return products.join(F.broadcast(reviews.select("parent_asin")), "parent_asin", "left_semi")


def join_products(
    reviews: DataFrame, products: DataFrame, review_rows: int, product_rows: int
) -> DataFrame:
    """Adds product columns to reviews; a review of an unknown product stays, with nulls.

    Products that are few, or that few reviews leave few of, go to each task, so that no review
    moves.

    Args:
        reviews: columns of ``clean_reviews``, and ``month``.
        products: columns of ``clean_metadata``, one row per product.
        review_rows: number of reviews.
        product_rows: number of products.

    Returns:
        Columns of ``joined_reviews``, and ``month``; as many rows as ``reviews``.
    """
    if min(review_rows, product_rows) <= _LARGEST_BROADCAST_ROWS:
        few = only_reviewed(products, reviews) if review_rows < product_rows else products
        products = F.broadcast(few)
    lean = products.select(
        "parent_asin",
        "main_category",
        F.col("title").alias("product_name"),
        "price",
        F.col("average_rating").alias("avg_product_rating"),
        "categories",
    )
    joined = reviews.join(lean, on="parent_asin", how="left")
    return joined.select(*JOINED_REVIEWS.column_names, MONTH)


def _without_placeholders(frame: DataFrame, keep: Sequence[str]) -> DataFrame:
    """Null for texts that stand for a missing value, in all text columns but ``keep``."""
    texts = [
        field.name
        for field in frame.schema
        if isinstance(field.dataType, StringType) and field.name not in keep
    ]
    return frame.withColumns({name: known_text(F.col(name)) for name in texts})
