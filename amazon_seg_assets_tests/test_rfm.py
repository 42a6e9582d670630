"""RFM features, worked out by hand."""

from datetime import date
from decimal import Decimal
from math import log1p

import pytest
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from amazon_seg_assets.stages.rfm.transform import (
    rfm_features,
    shape_statistics,
    total_usd,
    window_start,
)

L = date(2023, 9, 13)


def joined(spark: SparkSession, *rows: tuple[str | None, str, float | None]) -> DataFrame:
    frame = spark.createDataFrame(list(rows), "user_id string, timestamp string, price double")
    return frame.withColumn("timestamp", F.to_timestamp("timestamp"))


def features(frame: DataFrame) -> tuple[dict[str, tuple[int, int, float]], dict[str, int]]:
    counts = Observation()
    rows = rfm_features(frame, L, 0.25, counts).collect()
    return {r["user_id"]: (r["recency"], r["frequency"], r["monetary"]) for r in rows}, counts.get


@pytest.mark.parametrize(
    ("last_day", "first_day"),
    [
        (date(2023, 9, 13), date(2022, 9, 13)),
        (date(2024, 2, 29), date(2023, 2, 28)),
        (date(2025, 2, 28), date(2024, 2, 28)),
    ],
)
def test_the_window_is_one_calendar_year(last_day: date, first_day: date) -> None:
    assert window_start(last_day) == first_day


def test_both_ends_of_the_window_are_whole_days(spark: SparkSession) -> None:
    rfm, counts = features(
        joined(
            spark,
            ("first", "2022-09-13 00:00:00", 10.0),
            ("before", "2022-09-12 23:59:59.999", 10.0),
            ("last", "2023-09-13 23:59:59.999", 10.0),
        )
    )
    assert rfm == {"first": (366, 1, 10.0), "last": (1, 1, 10.0)}
    assert counts["in_window"] == 2


def test_a_leap_year_reaches_367_days(spark: SparkSession) -> None:
    frame = joined(spark, ("first", "2023-03-01 00:00:00", 1.0))
    row = rfm_features(frame, date(2024, 3, 1), 0.25, Observation()).first()
    assert row is not None
    assert row["recency"] == 367


def test_reviews_are_added_up_exactly_and_the_latest_counts(spark: SparkSession) -> None:
    rfm, _ = features(
        joined(
            spark,
            *[("u", f"2023-0{month}-01 08:00:00", 0.3) for month in (1, 7, 3)],
            ("u", "2023-07-01 23:00:00", 0.1 + 0.2),
        )
    )
    assert rfm == {"u": (75, 4, 1.2)}


def test_what_does_not_count_is_counted_by_its_first_reason(spark: SparkSession) -> None:
    rfm, counts = features(
        joined(
            spark,
            (None, "2023-05-01 00:00:00", None),
            ("a", "2023-05-01 00:00:00", None),
            ("a", "2023-05-01 00:00:00", 0.25),
            ("a", "2023-05-01 00:00:00", 0.01),
            ("b", "2023-05-01 00:00:00", 0.26),
        )
    )
    assert rfm == {"b": (136, 1, 0.26)}
    assert counts == {
        "in_window": 5,
        "no_user": 1,
        "no_price": 1,
        "low_price": 2,
        "counted_usd": 0.26,
    }


def test_prices_count_to_six_decimals(spark: SparkSession) -> None:
    # Ten doubles of 4.4 add up to 43.99999999999999.
    prices = {"equal": 4.35, "hardly above": 4.350_000_4, "above": 4.350_001, "below": 4.349_999}
    frame = joined(
        spark,
        *((user, "2023-05-01 00:00:00", price) for user, price in prices.items()),
        *[("ten times", "2023-05-01 00:00:00", 4.4)] * 10,
        ("dear", "2023-05-01 00:00:00", 8_765_432_109.87),
    )
    rows = rfm_features(frame, L, 4.35, Observation()).collect()
    assert {row["user_id"]: row["monetary"] for row in rows} == {
        "above": 4.350_001,
        "ten times": 44.0,
        "dear": 8_765_432_109.87,
    }


def test_money_adds_up_to_the_same_in_any_order(spark: SparkSession) -> None:
    # Up to the largest price that counts; in doubles, each order gives another sum.
    money = [999_999_999_999.99, 0.01, 1e11 + 0.37, 4.4, 0.000_001, 123_456_789_012.3] * 200
    exact = 200 * sum(map(Decimal, ["999999999999.99", "0.01", "100000000000.37"]))
    exact += 200 * sum(map(Decimal, ["4.4", "0.000001", "123456789012.3"]))
    orders = (money, money[::-1], sorted(money), sorted(money, reverse=True))
    assert len({sum(order) for order in orders}) > 1
    totals: set[float] = set()
    for order in orders:
        frame = spark.createDataFrame([(usd,) for usd in order], "usd double")
        totals.update(frame.agg(total_usd(F.col("usd"))).head() or ())
    [total] = totals
    assert total == pytest.approx(float(exact), rel=1e-15)
    assert spark.range(3).agg(total_usd(F.lit(0.3), F.col("id"))).head() == (0.9,)


def test_logarithms_and_shape(spark: SparkSession) -> None:
    frame = joined(
        spark,
        ("a", "2023-09-13 00:00:00", 2.0),
        ("b", "2023-09-12 00:00:00", 2.0),
        ("c", "2023-09-08 00:00:00", 5.0),
    )
    shape = Observation()
    rows = {
        row["user_id"]: row
        for row in rfm_features(frame, L, 0.25, Observation())
        .observe(shape, *shape_statistics())
        .collect()
    }
    assert rows["c"]["monetary_log"] == log1p(5.0)
    assert rows["c"]["frequency_log"] == log1p(1)
    assert shape.get["mean_recency"] == pytest.approx((1 + 2 + 6) / 3)
    # Deviations 1, 1 and -2 from the mean: m3 / m2^1.5 = -2 / 2^1.5, and its mirror image.
    assert shape.get["skewness_monetary"] == pytest.approx(2 / 2**1.5)
