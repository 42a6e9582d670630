"""RFM scores against a naive ranking of all customers, and against published figures."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from amazon_seg_assets.transforms.scoring import (
    CutPoints,
    assign_segments,
    ntile_cuts,
    percent_rank_cuts,
    score,
    threshold_cuts,
)

Customer = tuple[str, int, int, float]
Scores = dict[str, tuple[int, int, int]]


def frame(spark: SparkSession, customers: list[Customer], partitions: int = 2) -> DataFrame:
    schema = "user_id string, recency int, frequency bigint, monetary double"
    return spark.createDataFrame(customers, schema).repartition(partitions)


def scores(customers: DataFrame, cuts: dict[str, CutPoints]) -> Scores:
    rows = score(customers, cuts).collect()
    assert all(row["rfm_score"] == f"{row[4]}{row[5]}{row[6]}" for row in rows)
    return {row["user_id"]: (row["r_score"], row["f_score"], row["m_score"]) for row in rows}


def naive_percent_rank(customers: list[Customer]) -> Scores:
    def rank(value: float, values: list[float], steps: int) -> int:
        below = sum(other < value for other in values)
        return steps * below // (len(values) - 1) if len(values) > 1 else 0

    recency = [-float(c[1]) for c in customers]
    repeat = [float(c[2]) for c in customers if c[2] > 1]
    monetary = [c[3] for c in customers]
    return {
        user: (
            min(5, 1 + rank(-r, recency, 5)),
            1 if f == 1 else min(5, 2 + rank(f, repeat, 4)),
            min(5, 1 + rank(m, monetary, 5)),
        )
        for user, r, f, m in customers
    }


def naive_ntile(customers: list[Customer]) -> Scores:
    def tiles(order: Callable[[Customer], Any]) -> dict[str, int]:
        whole, rest = divmod(len(customers), 5)
        sizes = [whole + (tile < rest) for tile in range(5)]
        tile_of_place = [tile for tile, size in enumerate(sizes, 1) for _ in range(size)]
        return dict(zip([c[0] for c in sorted(customers, key=order)], tile_of_place, strict=True))

    by_recency = tiles(lambda c: (-c[1], c[0]))
    by_frequency = tiles(lambda c: (c[2], -c[1], c[0]))
    by_monetary = tiles(lambda c: (c[3], c[2], -c[1], c[0]))
    return {c[0]: (by_recency[c[0]], by_frequency[c[0]], by_monetary[c[0]]) for c in customers}


def invented(count: int, seed: int) -> list[Customer]:
    draw = random.Random(seed)
    return [
        (
            f"u{draw.random():.12f}",
            draw.choice([1, 2, 3, 50, 51, 200, 367]),
            draw.choices([1, 2, 3, 9], [85, 8, 5, 2])[0],
            draw.choice(
                [0.26, 9.99, 9.99, 10.0, 10.01, 299.0, 31000.0, draw.randint(26, 9999) / 100]
            ),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 11, 1500])
def test_scores_equal_a_naive_ranking(spark: SparkSession, count: int) -> None:
    customers = invented(count, seed=count)
    data = frame(spark, customers).cache()
    assert scores(data, percent_rank_cuts(data)) == naive_percent_rank(customers)
    assert scores(data, ntile_cuts(data)) == naive_ntile(customers)


def test_scores_do_not_depend_on_order_or_partitions(spark: SparkSession) -> None:
    customers = invented(200, seed=7)
    one, many = frame(spark, customers, 1), frame(spark, customers[::-1], 5)
    assert ntile_cuts(one) == ntile_cuts(many)
    assert percent_rank_cuts(one) == percent_rank_cuts(many)


def test_equal_customers_get_the_lowest_score_by_percent_rank_and_all_by_ntile(
    spark: SparkSession,
) -> None:
    data = frame(spark, [(f"u{i}", 10, 1, 5.0) for i in range(10)])
    assert set(scores(data, percent_rank_cuts(data)).values()) == {(1, 1, 1)}
    by_ntile = scores(data, ntile_cuts(data))
    assert [by_ntile[f"u{i}"] for i in range(10)] == [
        (t, t, t) for t in (1, 1, 2, 2, 3, 3, 4, 4, 5, 5)
    ]


def test_thresholds_set_by_hand_give_the_table_of_the_r_package_rfm(spark: SparkSession) -> None:
    cuts = threshold_cuts(
        {
            "recency": [115, 181, 297, 482],
            "frequency": [4, 5, 6, 8],
            "monetary": [256, 382, 506, 666],
        }
    )
    published = {
        ("a", 205, 6, 472.0): "343",
        ("b", 140, 3, 340.0): "412",
        ("c", 194, 4, 405.0): "323",
        ("d", 98, 7, 596.0): "544",
        ("e", 132, 5, 448.0): "433",
        ("f", 115, 8, 666.0): "455",
        ("g", 482, 1, 1.0): "111",
    }
    rows = score(frame(spark, list(published)), cuts).collect()
    assert {tuple(row)[:4]: row["rfm_score"] for row in rows} == published


def test_thresholds_are_told_in_the_feature_s_unit(spark: SparkSession) -> None:
    data = frame(spark, [(f"u{i}", i, 1, float(i)) for i in range(1, 12)])
    cuts = percent_rank_cuts(data)
    # Of 11 customers 2, 4, 6 and 8 must be below.
    assert cuts["recency"].thresholds() == [10, 8, 6, 4]
    assert cuts["monetary"].thresholds() == [2.0, 4.0, 6.0, 8.0]
    assert cuts["frequency"].thresholds() == [1]


def test_no_window_spans_all_customers(
    spark: SparkSession, capfd: pytest.CaptureFixture[str]
) -> None:
    data = frame(spark, invented(50, seed=3))
    spark.sparkContext.setLogLevel("WARN")
    try:
        score(data, ntile_cuts(data)).collect()
    finally:
        spark.sparkContext.setLogLevel("ERROR")
    assert "No Partition Defined for Window" not in capfd.readouterr().err


def test_each_cell_finds_its_segment(spark: SparkSession) -> None:
    five = range(1, 6)
    cells = {(r, f, m): f"s{r}{f}{m}" for r in five for f in five for m in five}
    data = spark.createDataFrame(list(cells), "r_score int, f_score int, m_score int")
    rows = assign_segments(data, cells).collect()
    assert {tuple(row)[:3]: row["segment"] for row in rows} == cells
