"""Cleaning and joining, on rows whose outcome is worked out by hand."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from amazon_seg_assets.schema import ROW_ID
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA, CLEAN_REVIEWS, JOINED_REVIEWS
from amazon_seg_assets.stages.cleaning.transform import (
    PRICE_FORMS,
    clean_metadata,
    clean_reviews,
    join_products,
    only_reviewed,
    parse_price,
    price_form,
)
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS

FEW = 3_000_000


def raw_reviews(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    default = {
        "rating": 5.0,
        "title": "Fine",
        "text": "Works",
        "asin": "A1",
        "parent_asin": "P1",
        "user_id": "U1",
        "timestamp": 1_672_531_200_000,
        "helpful_vote": 0,
        "verified_purchase": True,
        "review_id": "r1",
        "month": "2023-01",
    }
    schema = StructType([*RAW_REVIEWS.spark_schema, StructField("month", StringType())])
    complete = [{"images": None, **default, **row} for row in rows]
    return with_row_id(
        spark.createDataFrame(
            [tuple(row[name] for name in schema.fieldNames()) for row in complete], schema
        )
    )


def with_row_id(rows: DataFrame) -> DataFrame:
    """As if the rows came from a file."""
    file, row = ROW_ID
    return rows.withColumns({file: F.lit("file"), row: F.monotonically_increasing_id()})


def raw_products(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    default = dict.fromkeys(RAW_METADATA.column_names) | {
        "main_category": "Computers",
        "title": "Cable",
        "parent_asin": "P1",
    }
    return with_row_id(
        spark.createDataFrame(
            [tuple((default | row)[name] for name in RAW_METADATA.column_names) for row in rows],
            RAW_METADATA.spark_schema,
        )
    )


def cleaned(raw: DataFrame) -> DataFrame:
    return clean_reviews(raw, ["2023-01"], Observation())


def test_values_are_mended_and_only_verified_reviews_stay(spark: SparkSession) -> None:
    raw = raw_reviews(
        spark,
        {"review_id": "zero", "rating": 0.0, "helpful_vote": -4},
        {"review_id": "fake", "verified_purchase": False},
        {"review_id": "unknown", "verified_purchase": None},
        {"review_id": "empty", "title": "N/A", "text": "", "user_id": "null"},
        {"review_id": "nothing", "rating": None, "helpful_vote": None, "title": "none of it"},
    )
    clean = {row["review_id"]: row.asDict() for row in cleaned(raw).collect()}
    assert set(clean) == {"zero", "empty", "nothing"}
    assert (clean["zero"]["rating"], clean["zero"]["helpful_vote"]) == (1.0, 0)
    assert [clean["empty"][name] for name in ("title", "text", "user_id")] == [None] * 3
    assert (clean["nothing"]["rating"], clean["nothing"]["helpful_vote"]) == (None, None)
    assert clean["nothing"]["title"] == "none of it"


def test_times_are_utc_to_the_millisecond(spark: SparkSession) -> None:
    clean = cleaned(raw_reviews(spark, {"timestamp": 1_672_531_200_123}))
    seconds = clean.select(F.unix_micros("timestamp")).first()
    assert seconds is not None
    assert seconds[0] == datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1_000_000 + 123_000


def test_equal_reviews_stay_once(spark: SparkSession) -> None:
    raw = raw_reviews(
        spark,
        {"review_id": "a"},
        {"review_id": "a"},
        {"review_id": "b", "month": "2023-02"},
        {"review_id": "a"},
    )
    duplicates = Observation()
    clean = clean_reviews(raw.repartition(3), ["2023-01", "2023-02", "2023-03"], duplicates)
    assert sorted(clean.select("review_id", "month").collect()) == [
        ("a", "2023-01"),
        ("b", "2023-02"),
    ]
    assert duplicates.get == {"2023-01": 2, "2023-02": 0, "2023-03": 0}
    assert set(clean.columns) == {*CLEAN_REVIEWS.column_names, "month"}


PRICES: dict[str | None, tuple[str, float | None]] = {
    None: ("missing", None),
    "None": ("missing", None),
    "": ("missing", None),
    "12.99": ("number", 12.99),
    " 12.99 ": ("number", 12.99),
    "1e3": ("number", 1000.0),
    "0.0": ("number", 0.0),
    "—": ("dash", None),
    "from 14.99": ("from", None),
    "NaN": ("not_finite", None),
    "-Infinity": ("not_finite", None),
    "1e999": ("not_finite", None),
    "1e12": ("not_finite", None),
    "999999999999.5": ("number", 999999999999.5),
    "$12.99": ("other_text", None),
    "12.99 - 14.99": ("other_text", None),
    "12d": ("other_text", None),
    "1,299.00": ("other_text", None),
}


@pytest.fixture(scope="module")
def prices(spark: SparkSession) -> dict[str | None, tuple[str, float | None]]:
    """All texts in one job: form and value of each."""
    texts = spark.createDataFrame([(text,) for text in PRICES], "price string")
    parsed = texts.select("price", price_form(F.col("price")), parse_price(F.col("price")))
    return {text: (form, value) for text, form, value in parsed.collect()}


@pytest.mark.parametrize("text", PRICES)
def test_a_price_counts_only_if_it_is_a_finite_number(
    prices: dict[str | None, tuple[str, float | None]], text: str | None
) -> None:
    assert prices[text] == PRICES[text]


def clean_products(
    raw: DataFrame, excluded: list[str]
) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    counts = Observation()
    rows = clean_metadata(raw, excluded, counts, Observation()).collect()
    return {row["parent_asin"]: row.asDict() for row in rows}, counts.get


def test_excluded_products_are_counted_by_reason(spark: SparkSession) -> None:
    raw = raw_products(
        spark,
        {"parent_asin": "kept", "price": "3.50"},
        {"parent_asin": "book", "main_category": "Books"},
        {"parent_asin": "nowhere", "main_category": None},
        {"parent_asin": "blank", "main_category": ""},
    )
    products, counts = clean_products(raw, ["Books", "Baby"])
    assert set(products) == {"kept"}
    assert products["kept"]["price"] == 3.5
    assert (counts["raw"], counts["excluded_category"], counts["no_category"]) == (4, 1, 2)
    assert {form: counts[f"price_{form}"] for form in PRICE_FORMS if counts[f"price_{form}"]} == {
        "number": 1,
        "missing": 3,
    }


def test_without_a_list_products_without_a_category_stay(spark: SparkSession) -> None:
    raw = raw_products(spark, {"parent_asin": "nowhere", "main_category": None, "title": "n/a"})
    products, counts = clean_products(raw, [])
    assert products["nowhere"]["title"] is None
    assert counts["no_category"] == 0


def test_of_a_product_listed_twice_one_row_stays_by_rule(spark: SparkSession) -> None:
    raw = raw_products(
        spark,
        {"parent_asin": "a", "price": None, "rating_number": 900, "title": "no price"},
        {"parent_asin": "a", "price": "5", "rating_number": 1, "title": "priced"},
        {"parent_asin": "b", "price": "9", "rating_number": None, "title": "unrated"},
        {"parent_asin": "b", "price": "5", "rating_number": 7, "title": "rated"},
        {"parent_asin": "c", "price": "5", "rating_number": 7, "title": "cheap"},
        {"parent_asin": "c", "price": "6", "rating_number": 7, "title": "dear"},
        {"parent_asin": "d", "title": "one", "details": json.dumps({"x": 1})},
        {"parent_asin": "d", "title": "two", "details": json.dumps({"x": 2})},
    )
    products, _ = clean_products(raw, [])
    backwards, _ = clean_products(raw.orderBy(F.desc("title")).repartition(1), [])
    assert [products[name]["title"] for name in "abc"] == ["priced", "rated", "dear"]
    assert products == backwards
    assert set(products["a"]) == set(CLEAN_METADATA.column_names)


def test_the_join_keeps_each_review_once(spark: SparkSession) -> None:
    reviews = cleaned(
        raw_reviews(
            spark,
            {"review_id": "known"},
            {"review_id": "unknown", "parent_asin": "P9"},
            {"review_id": "without", "parent_asin": None},
        )
    )
    raw = raw_products(
        spark,
        {"price": "4.25", "average_rating": 4.5, "categories": ["Electronics", "Cables"]},
        {"price": "9.99"},
    )
    products = clean_metadata(raw, [], Observation(), Observation())
    joined = join_products(reviews, products, review_rows=3, product_rows=1)
    lean = join_products(reviews, products, review_rows=1, product_rows=3)
    found = joined.collect()
    assert sorted(map(str, lean.collect())) == sorted(map(str, found))
    assert len(found) == 3
    rows = {row["review_id"]: row for row in found}
    assert {name: row["price"] for name, row in rows.items()} == {
        "known": 9.99,
        "unknown": None,
        "without": None,
    }
    assert rows["known"]["product_name"] == "Cable"
    assert joined.columns == [*JOINED_REVIEWS.column_names, "month"]


@pytest.mark.parametrize(
    ("review_rows", "product_rows", "hints"),
    [
        (FEW, FEW, 1),
        (FEW + 1, FEW, 1),
        (FEW, FEW + 1, 2),  # a hint more: the reviews that tell which products are needed
        (FEW + 1, FEW + 1, 0),
    ],
)
def test_only_few_products_or_those_of_few_reviews_are_broadcast(
    spark: SparkSession, review_rows: int, product_rows: int, hints: int
) -> None:
    reviews, products = (
        spark.createDataFrame([], StructType([*table.spark_schema, *further]))
        for table, further in (
            (CLEAN_REVIEWS, [StructField("month", StringType())]),
            (CLEAN_METADATA, []),
        )
    )
    joined: Any = join_products(reviews, products, review_rows, product_rows)
    planned = joined._jdf.queryExecution().analyzed().toString()
    assert planned.count("strategy=broadcast") == hints


def test_products_that_nobody_reviewed_need_not_be_joined(spark: SparkSession) -> None:
    products = spark.createDataFrame([(f"P{i}", i) for i in range(9)], "parent_asin string, n int")
    reviewed = [("P2",), ("P2",), ("P7",), ("unknown",), (None,)]
    reviews = spark.createDataFrame(reviewed, "parent_asin string")
    kept = only_reviewed(products, reviews).collect()
    assert sorted(kept) == [("P2", 2), ("P7", 7)]
