"""Counts and top lists of the raw tables: bounded by what they list, not by the data's size."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate, product

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from amazon_seg_assets.schema import MONTH
from amazon_seg_assets.stages.cleaning.transform import known_text, parse_price
from amazon_seg_assets.stages.exploration.tables import (
    ALL_TIME,
    HELPFUL_REVIEWS,
    MAIN_CATEGORY_COUNTS,
    MISPLACED_PRODUCTS,
    MOST_POPULAR,
    ODD_REVIEWS,
    RATING_COUNTS,
    TOP_PRODUCTS,
)

MOST_HELPFUL = 15
LIST_LENGTH = 20
MISPLACED_OF_EACH = 10
FEW_RATINGS = 1_000
"""A mean of no more ratings than these says too little for a list of the best."""

ZERO_STARS, NEGATIVE_VOTES = "0 stars", "negative votes"
ODDITIES = (ZERO_STARS, NEGATIVE_VOTES)

OWN_CATEGORY, OWN_STORE = "Amazon Devices", "Amazon"

MOST_FIVE_STAR = "most verified 5-star reviews"
YEARLY_LISTS = (MOST_POPULAR, MOST_FIVE_STAR)
PRODUCT_LISTS = (
    "most rated",
    "best rated",
    "best rated but for Amazon's own",
    "most expensive",
    "cheapest",
)

PRODUCT_COLUMNS = [
    "parent_asin", "title", "rating_number", "average_rating", "price", "main_category", "store",
]  # fmt: skip
"""Columns of a clean product that lists tell."""

_LONGEST_NAME, _LONGEST_TEXT = 200, 500
_STARS = (1.0, 2.0, 3.0, 4.0, 5.0)


def rating_counts(raw: DataFrame, year: int) -> pd.DataFrame:
    """Counts reviews by rating and verified purchase, of all time and of a year.

    Args:
        raw: ``rating``, ``verified_purchase`` and ``month`` of ``raw_reviews``.
        year: the year to count apart.

    Returns:
        Columns of ``rating_counts``, in order.
    """
    keys = ["rating", "verified_purchase"]
    counted = (
        raw.withColumn("verified_purchase", _verified())
        .groupBy(*keys)
        .agg(
            F.count(F.lit(1)).alias(ALL_TIME),
            F.count_if(F.col(MONTH).startswith(f"{year:04d}-")).alias(str(year)),
        )
        .toPandas()
    )
    always = pd.DataFrame(product(_STARS, (True, False)), columns=keys)
    table = always.merge(counted, how="outer", on=keys)
    long = table.melt(keys, [ALL_TIME, str(year)], var_name="scope", value_name="reviews")
    long["reviews"] = long["reviews"].fillna(0).astype("int64")
    totals = long.groupby("scope")["reviews"].transform("sum")
    long["share"] = long["reviews"] / totals.clip(lower=1)
    order = long.assign(is_year=long["scope"] != ALL_TIME).sort_values(
        ["is_year", "rating", "verified_purchase"], ascending=[True, False, False]
    )
    # A rating such as 0 or none is told only where it occurs.
    kept = order[(order["reviews"] > 0) | order["rating"].isin(_STARS)]
    return kept[RATING_COUNTS.column_names].reset_index(drop=True)


def main_category_counts(raw: DataFrame, excluded: Collection[str]) -> pd.DataFrame:
    """Counts products by main category, the largest first.

    Args:
        raw: ``main_category`` of ``raw_metadata``.
        excluded: main categories that cleaning leaves out; where there are any, products without
            a category are left out too.

    Returns:
        Columns of ``main_category_counts``.
    """
    known = raw.select(known_text(F.col("main_category")).alias("main_category"))
    counted = known.groupBy("main_category").agg(F.count(F.lit(1)).alias("products"))
    table = pd.DataFrame(counted.toPandas())
    table["share"] = table["products"] / table["products"].sum()
    without = table["main_category"].isna() & bool(excluded)
    table["is_excluded"] = table["main_category"].isin(list(excluded)) | without
    ordered = table.sort_values(["products", "main_category"], ascending=[False, True])
    return ordered[MAIN_CATEGORY_COUNTS.column_names].reset_index(drop=True)


def enough_votes(raw: DataFrame, reviews: int = 20 * MOST_HELPFUL) -> int:
    """The votes that so many reviews have, of verified purchases and of others; at least 1.

    Args:
        raw: ``helpful_vote`` and ``verified_purchase`` of ``raw_reviews``.
        reviews: of each kind; copies count, so ask for more than are wanted.
    """
    verified = _verified().alias("verified_purchase")
    helpful = raw.where("helpful_vote > 0").groupBy(verified, "helpful_vote")
    by_votes = Window.partitionBy("verified_purchase").orderBy(F.col("helpful_vote").desc())
    so_far = F.sum("reviews").over(by_votes).alias("so_far")
    counted = helpful.agg(F.count(F.lit(1)).alias("reviews")).select("*", so_far)
    reached = F.max(F.when(F.col("so_far") >= reviews, F.col("helpful_vote")))
    of_kinds = counted.groupBy("verified_purchase").agg(reached.alias("votes")).collect()
    return min((row.votes or 1 for row in of_kinds), default=1)


def most_helpful(raw: DataFrame, votes: int) -> pd.DataFrame:
    """Finds the most helpful reviews, each once; reads nothing long.

    Args:
        raw: ``helpful_vote``, ``verified_purchase``, ``timestamp``, ``review_id`` and ``month`` of
            ``raw_reviews``.
        votes: as of `enough_votes`. Pages of files with fewer are not read.

    Returns:
        ``verified_purchase``, ``review_id``, ``month`` and ``rank``, from 1 among the verified and
        among the others.
    """
    helpful = raw.where(F.col("helpful_vote") >= votes).withColumn("verified_purchase", _verified())
    order = [F.col("helpful_vote").desc(), F.col("timestamp"), F.col("review_id")]
    ranked = _first(helpful, F.dense_rank(), "verified_purchase", order, MOST_HELPFUL)
    told = ranked.select("verified_purchase", "review_id", MONTH, "rank").distinct()
    return pd.DataFrame(told.toPandas())


def are_all(found: pd.DataFrame) -> bool:
    """Tells whether `most_helpful` found as many of each kind as are told."""
    return bool((found.groupby("verified_purchase")["rank"].max() >= MOST_HELPFUL).all())


def helpful_reviews(raw: DataFrame, ranks: Mapping[str, int], votes: int) -> pd.DataFrame:
    """The reviews that `most_helpful` found.

    Args:
        raw: columns of ``raw_reviews``; of the months of those reviews at least.
        ranks: rank of each by ``review_id``.
        votes: that each of them has, or more.

    Returns:
        Columns of ``helpful_reviews``, those of verified purchases first, by rank.
    """
    is_told = (F.col("helpful_vote") >= votes) & F.col("review_id").isin(*ranks)
    found = raw.where(is_told).select("helpful_vote", *_told())
    # Exact duplicates differ in pictures alone.
    table = pd.DataFrame(found.distinct().toPandas())
    table["rank"] = table["review_id"].map(ranks)
    ordered = table.sort_values(["verified_purchase", "rank"], ascending=[False, True])
    return ordered[HELPFUL_REVIEWS.column_names].reset_index(drop=True)


def first_months(rows: Mapping[str, int], enough: int = LIST_LENGTH) -> list[str]:
    """The first months that together hold enough rows; all that hold any, where there are fewer."""
    holding = sorted(month for month, count in rows.items() if count)
    before = accumulate((rows[month] for month in holding), initial=0)
    return [month for month, count in zip(holding, before, strict=False) if count < enough]


def odd_reviews(raw: DataFrame) -> pd.DataFrame:
    """The oldest reviews with 0 stars, and those with negative helpful votes.

    Args:
        raw: columns of ``raw_reviews``; of the first months that hold enough of them at least.

    Returns:
        Columns of ``odd_reviews``: at most 20 rows a reason; a review may have both.
    """
    zero, negative = F.col("rating") == 0, F.col("helpful_vote") < 0
    reasons = F.array(F.when(zero, ZERO_STARS), F.when(negative, NEGATIVE_VOTES))
    # Filtered too, as the statistics of the files then spare most of them.
    odd = raw.where(zero | negative).select(
        F.explode(F.array_compact(reasons)).alias("reason"), "helpful_vote", "timestamp", *_told()
    )
    order = [F.col("timestamp"), F.col("review_id")]
    ranked = _ranked(odd, "reason", order, LIST_LENGTH)
    table = pd.DataFrame(ranked.select(*ODD_REVIEWS.column_names).toPandas())
    ordered = table.sort_values(["reason", "rank"], ignore_index=True)
    return ordered.astype({"helpful_vote": "Int64"})


def misplaced_products(metadata: DataFrame, excluded: Collection[str]) -> pd.DataFrame:
    """The products with most ratings of each main category that is left out.

    Args:
        metadata: columns of ``raw_metadata``.
        excluded: main categories that cleaning leaves out.

    Returns:
        Columns of ``misplaced_products``: at most 10 rows a category, in order.
    """
    products = _one_row_per_product(metadata.where(F.col("main_category").isin(*excluded)))
    order = [F.col("rating_number").desc_nulls_last(), F.col("parent_asin")]
    ranked = _ranked(products, "main_category", order, MISPLACED_OF_EACH)
    table = pd.DataFrame(ranked.select(*MISPLACED_PRODUCTS.column_names).toPandas())
    ordered = table.sort_values(["main_category", "rank"], ignore_index=True)
    return ordered.astype({"rating_number": "Int64"})


def top_products(
    metadata: DataFrame, clean: DataFrame, reviews: DataFrame, year: int
) -> pd.DataFrame:
    """Ranks products by what their pages say, and clean ones by the verified reviews of a year.

    Args:
        metadata: columns of ``raw_metadata``.
        clean: ``PRODUCT_COLUMNS`` of ``clean_metadata``.
        reviews: ``review_id``, ``parent_asin``, ``rating`` and ``verified_purchase`` of
            ``raw_reviews``, of the year.
        year: the year.

    Returns:
        Columns of ``top_products``: at most 20 rows a list.
    """
    by_page = _top(_one_row_per_product(metadata), _page_lists())
    # Only the few that lead are joined with their names, so that no long column is shuffled.
    counted = _reviewed(reviews).join(clean.select("parent_asin", "rating_number"), "parent_asin")
    leading = _top(counted, _review_lists()).drop("rating_number")
    named = clean.withColumn("product_name", F.substring("title", 1, _LONGEST_NAME))
    by_review = named.join(F.broadcast(leading), "parent_asin")
    told = [name for name in TOP_PRODUCTS.column_names if name != "year"]
    ranked = by_page.select(told).union(by_review.select(told)).withColumn("year", F.lit(year))
    table = pd.DataFrame(ranked.toPandas())
    place = {name: position for position, name in enumerate((*PRODUCT_LISTS, *YEARLY_LISTS))}
    ordered = table.assign(place=table["list"].map(place)).sort_values(["place", "rank"])
    content = ordered[TOP_PRODUCTS.column_names].reset_index(drop=True)
    return content.astype({"rating_number": "Int64"})


def _told() -> list[Column]:
    """The columns by which a review is told; texts are cut."""
    return [
        F.col("rating"),
        _verified().alias("verified_purchase"),
        F.timestamp_millis("timestamp").cast("date").alias("day"),
        F.col("parent_asin"),
        F.substring("title", 1, _LONGEST_NAME).alias("title"),
        F.substring("text", 1, _LONGEST_TEXT).alias("text"),
        F.col("review_id"),
    ]


def _one_row_per_product(metadata: DataFrame) -> DataFrame:
    """Lean products; of one that is listed again, the row that cleaning would prefer."""
    price = parse_price(F.col("price"))
    best = F.max(
        F.struct(
            price.isNotNull().alias("is_priced"),
            "rating_number",
            price.alias("price"),
            F.substring(known_text(F.col("title")), 1, _LONGEST_NAME).alias("product_name"),
            "average_rating",
            known_text(F.col("main_category")).alias("main_category"),
            known_text(F.col("store")).alias("store"),
        )
    )
    named = metadata.where("parent_asin is not null").groupBy("parent_asin")
    return named.agg(best.alias("best")).select("parent_asin", "best.*").drop("is_priced")


def _reviewed(reviews: DataFrame) -> DataFrame:
    """Verified ``reviews`` of each product, and those with ``five_star``; each counts once."""
    is_five_star = F.coalesce(F.col("rating") == 5, F.lit(False))
    once = reviews.where("verified_purchase and parent_asin is not null").select(
        "review_id", "parent_asin", is_five_star.alias("is_five_star")
    )
    return (
        once.distinct()
        .groupBy("parent_asin")
        .agg(F.count(F.lit(1)).alias("reviews"), F.count_if("is_five_star").alias("five_star"))
    )


def _page_lists() -> list[Column]:
    rated = F.col("rating_number") > FEW_RATINGS
    own = (F.col("main_category") == OWN_CATEGORY) | (F.col("store") == OWN_STORE)
    not_own = ~F.coalesce(own, F.lit(False))
    most_rated, best, best_others, dearest, cheapest = PRODUCT_LISTS
    return [
        _entry(most_rated, "rating_number", "ratings", F.col("rating_number") > 0),
        _entry(best, "average_rating", "stars", rated),
        _entry(best_others, "average_rating", "stars", rated & not_own),
        _entry(dearest, "price", "USD", F.col("price") > 0),
        _entry(cheapest, "price", "USD", F.col("price") > 0, sign=-1),
    ]


def _review_lists() -> list[Column]:
    return [
        _entry(MOST_POPULAR, "reviews", "reviews", F.col("reviews") > 0),
        _entry(MOST_FIVE_STAR, "five_star", "reviews", F.col("five_star") > 0),
    ]


def _entry(name: str, column: str, unit: str, condition: Column, sign: int = 1) -> Column:
    """The entry of a product in a list; null if it is not a candidate."""
    value = F.col(column).cast("double")
    entry = F.struct(
        F.lit(name).alias("list"),
        value.alias("value"),
        F.lit(unit).alias("unit"),
        (value * sign).alias("key"),
    )
    return F.when(condition & value.isNotNull(), entry)


def _top(products: DataFrame, lists: Sequence[Column]) -> DataFrame:
    """The first of all lists in one pass: a product enters each list it is a candidate of."""
    entered = products.withColumn("entry", F.explode(F.array(*lists))).where("entry is not null")
    flat = entered.select("*", "entry.*").drop("entry")
    order = [F.col("key").desc(), F.col("rating_number").desc_nulls_last(), F.col("parent_asin")]
    return _ranked(flat, "list", order, LIST_LENGTH)


def _ranked(frame: DataFrame, group: str, order: Sequence[Column], first: int) -> DataFrame:
    """The first rows of each group."""
    return _first(frame, F.row_number(), group, order, first)


def _first(
    frame: DataFrame, rank: Column, group: str, order: Sequence[Column], first: int
) -> DataFrame:
    """The first of each group; Spark drops most of the others before it brings groups together."""
    window = Window.partitionBy(group).orderBy(*order)
    return frame.withColumn("rank", rank.over(window)).where(F.col("rank") <= first)


def _verified() -> Column:
    return F.coalesce(F.col("verified_purchase"), F.lit(False))


def utc_day(time_ms: float | None) -> str | None:
    """The date of a time in ms, UTC."""
    if time_ms is None or pd.isna(time_ms):
        return None
    return str(datetime.fromtimestamp(time_ms / 1000, UTC).date())
