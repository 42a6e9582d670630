"""Properties that hold for any reviews: cases that hypothesis draws, all looked at in one pass.

Each case is made in several variants, whose customers and products have names of their own, so that
one frame holds all of them and Spark has one job for dozens of cases.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from amazon_seg_assets.features import FEATURES, SCORE_COLUMNS
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.schema import MONTH, ROW_ID
from amazon_seg_assets.stages.cleaning.transform import (
    clean_metadata,
    clean_reviews,
    join_products,
)
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.stages.rfm.transform import rfm_features, window_start
from amazon_seg_assets.stages.segments.scoring import assign_segments, cut_points, score
from amazon_seg_assets_tests.drawn import SEED, cases

L = date(2023, 9, 13)
LOW = "0.25"
PRICES = (None, LOW, "0.26", "4.4", "4.4", "9.99", "1234.56")
FACTOR, CASES = 4, 40


class Purchase(NamedTuple):
    """A verified review: who, how many days before L, and which of the prices."""

    user: int
    days: int
    price: int


class Case(NamedTuple):
    """Reviews, one that comes to them, and some of later days."""

    reviews: list[Purchase]
    added: Purchase
    later: list[Purchase]


def purchases(first: int, last: int) -> st.SearchStrategy[Purchase]:
    prices = st.integers(0, len(PRICES) - 1)
    return st.builds(Purchase, st.integers(0, 3), st.integers(first, last), prices)


BEFORE, LATER = purchases(0, 800), purchases(-400, -1)
ANY_CASE = st.builds(
    Case, st.lists(BEFORE, min_size=3, max_size=12), BEFORE, st.lists(LATER, max_size=4)
)

VARIANTS = {
    "as it is": lambda case: case.reviews,
    "in another order": lambda case: case.reviews[::-1],
    "twice": lambda case: case.reviews * 2,
    "with one more": lambda case: [*case.reviews, case.added],
    "with later ones": lambda case: [*case.reviews, *case.later],
    "dearer": lambda case: case.reviews,
}


class Features(NamedTuple):
    """The features of a customer."""

    recency: int
    frequency: int
    monetary: float


Population = dict[tuple[int, int], Features]
"""The customers of a variant, by case and user."""


def reviews(drawn: list[Case], variant: str) -> list[dict[str, Any]]:
    """The raw reviews of a variant; equal ones have one ``review_id``, as by their content."""
    rows = []
    for number, case in enumerate(drawn):
        for purchase in VARIANTS[variant](case):
            day = L - timedelta(days=purchase.days)
            time = datetime.combine(day, datetime.min.time(), UTC)
            rows.append(
                dict.fromkeys(RAW_REVIEWS.column_names)
                | {
                    "user_id": f"{variant}/{number}/{purchase.user}",
                    "parent_asin": f"{variant}/{purchase.price}",
                    "timestamp": round(time.timestamp() * 1000),
                    "verified_purchase": True,
                    "review_id": f"{variant}/{number}/{purchase}",
                    MONTH: f"{day:%Y-%m}",
                }
            )
    return rows


def products() -> list[dict[str, Any]]:
    """A product for each price of each variant."""
    rows = []
    for variant in VARIANTS:
        for number, price in enumerate(PRICES):
            factor = FACTOR if variant == "dearer" and price != LOW else 1
            listed = None if price is None else str(Decimal(price) * factor)
            asin = {"parent_asin": f"{variant}/{number}", "price": listed}
            rows.append(dict.fromkeys(RAW_METADATA.column_names) | {"main_category": "A"} | asin)
    return rows


def frame(spark: SparkSession, rows: list[dict[str, Any]], schema: StructType) -> DataFrame:
    """Rows as if they lay in three files."""
    names = schema.fieldNames()
    made = spark.createDataFrame([tuple(row[name] for name in names) for row in rows], schema)
    file, row = ROW_ID
    number = F.monotonically_increasing_id()
    return made.withColumns({file: F.concat(F.lit("file"), number % 3), row: number})


def features(
    spark: SparkSession, raw: list[dict[str, Any]], listed: list[dict[str, Any]]
) -> dict[str, Population]:
    """Results of raw reviews, from cleaning on, by variant."""
    schema = StructType([*RAW_REVIEWS.spark_schema, StructField(MONTH, StringType())])
    months = sorted({row[MONTH] for row in raw})
    clean = clean_reviews(frame(spark, raw, schema), months, Observation())
    shop = clean_metadata(
        frame(spark, listed, RAW_METADATA.spark_schema), ["B"], Observation(), Observation()
    )
    joined = join_products(clean, shop, len(raw), len(listed))
    found: dict[str, Population] = defaultdict(dict)
    for each in rfm_features(joined, L, float(LOW), Observation()).collect():
        variant, case, user = each["user_id"].split("/")
        figures = Features(each["recency"], each["frequency"], each["monetary"])
        found[variant][int(case), int(user)] = figures
    return found


class Made(NamedTuple):
    """Cases, and the customers of each variant."""

    drawn: list[Case]
    of: dict[str, Population]


@pytest.fixture(scope="module")
def made(spark: SparkSession) -> Made:
    drawn = cases(ANY_CASE, CASES)
    raw = [row for variant in VARIANTS for row in reviews(drawn, variant)]
    # Rows of each variant lie in other files and partitions, and in another order.
    random.Random(SEED).shuffle(raw)
    return Made(drawn, features(spark, raw, products()))


def test_money_and_reviews_are_neither_lost_nor_made(made: Made) -> None:
    for number, case in enumerate(made.drawn):
        counted = [
            (each.user, each.days, Decimal(price))
            for each in {*case.reviews}
            if (price := PRICES[each.price]) not in (None, LOW)
            and L - timedelta(days=each.days) >= window_start(L)
        ]
        expected = {
            (number, user): Features(
                1 + min(days for who, days, _ in counted if who == user),
                sum(who == user for who, _, _ in counted),
                float(sum(price for who, _, price in counted if who == user)),
            )
            for user, _, _ in counted
        }
        found = {key: of for key, of in made.of["as it is"].items() if key[0] == number}
        assert found == expected, case


@pytest.mark.parametrize("variant", ["in another order", "twice", "with later ones"])
def test_order_repetition_and_later_reviews_change_nothing(made: Made, variant: str) -> None:
    assert made.of[variant] == made.of["as it is"]


def test_a_review_more_makes_nobody_less_recent_rarer_or_poorer(made: Made) -> None:
    after = made.of["with one more"]
    assert after.keys() >= made.of["as it is"].keys()
    for customer, before in made.of["as it is"].items():
        assert after[customer].recency <= before.recency
        assert after[customer].frequency >= before.frequency
        assert after[customer].monetary >= before.monetary


Scored = dict[str, tuple[Features, tuple[int, int, int], str]]
"""Features, scores and segment of each customer."""

SCHEMES = [load_scheme(name) for name in ("standard", "notebook")]


def segmented(spark: SparkSession, population: Population) -> list[Scored]:
    """A population by each scheme."""
    schema = "user_id string, recency int, frequency bigint, monetary double"
    rows = [(f"{case}/{user}", *figures) for (case, user), figures in population.items()]
    customers = spark.createDataFrame(rows, schema).cache()
    found = [
        {
            row["user_id"]: (
                Features(*(row[name] for name in FEATURES)),
                tuple(row[name] for name in SCORE_COLUMNS.values()),
                row["segment"],
            )
            for row in assign_segments(score(customers, cuts), scheme.cells).collect()
        }
        for scheme, cuts in zip(SCHEMES, cut_points(SCHEMES, customers), strict=True)
    ]
    customers.unpersist()
    return found


@pytest.fixture(scope="module")
def scored(spark: SparkSession, made: Made) -> list[Scored]:
    return segmented(spark, made.of["as it is"])


def test_each_customer_has_a_segment_and_keeps_the_money(made: Made, scored: list[Scored]) -> None:
    everybody = made.of["as it is"]
    for scheme, by_scheme in zip(SCHEMES, scored, strict=True):
        assert {user: of for user, (of, _, _) in by_scheme.items()} == {
            f"{case}/{user}": of for (case, user), of in everybody.items()
        }
        assert {segment for _, _, segment in by_scheme.values()} <= {*scheme.segments}


def test_who_is_better_scores_no_worse(scored: list[Scored]) -> None:
    for by_scheme in scored:
        found = [
            ((-of.recency, of.frequency, of.monetary), scores)
            for of, scores, _ in by_scheme.values()
        ]
        for place, name in enumerate(FEATURES):
            order = sorted((values[place], scores[place]) for values, scores in found)
            given = [of for _, of in order]
            assert given == sorted(given), name
            assert len({*given}) >= 3, name  # else it would say little


def test_no_score_goes_by_the_currency(
    spark: SparkSession, made: Made, scored: list[Scored]
) -> None:
    dearer = segmented(spark, made.of["dearer"])
    for before, after in zip(scored, dearer, strict=True):
        assert {user: of.monetary for user, (of, _, _) in after.items()} == {
            user: FACTOR * of.monetary for user, (of, _, _) in before.items()
        }
        assert {user: scores for user, (_, scores, _) in after.items()} == {
            user: scores for user, (_, scores, _) in before.items()
        }
