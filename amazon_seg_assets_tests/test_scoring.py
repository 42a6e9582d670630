"""RFM scores against a naive ranking of all customers, and against published figures."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from amazon_seg_assets.stages.segments.order_statistics import Order, order_statistics
from amazon_seg_assets.stages.segments.scoring import (
    CutPoints,
    assign_segments,
    frozen_thresholds,
    percent_rank_positions,
    rank_cuts,
    score,
    segments_of,
    threshold_cuts,
    tile_ends,
)

Customer = tuple[str, int, int, float]
Scores = dict[str, tuple[int, int, int]]

SCHEMA = "user_id string, recency int, frequency bigint, monetary double"
CELLS = {(r, f, m): f"s{r}{f}{m}" for r, f, m in product(range(1, 6), range(1, 6), range(1, 6))}


def percent_rank_cuts(customers: DataFrame) -> dict[str, CutPoints]:
    return rank_cuts(customers, ["percent_rank"])[0]


def ntile_cuts(customers: DataFrame) -> dict[str, CutPoints]:
    return rank_cuts(customers, ["ntile"])[0]


def frame(spark: SparkSession, customers: list[Customer], partitions: int = 2) -> DataFrame:
    return spark.createDataFrame(customers, SCHEMA).repartition(partitions)


def scores(customers: DataFrame, cuts: dict[str, CutPoints]) -> Scores:
    rows = score(customers, cuts).collect()
    assert all(row["rfm_score"] == f"{row[4]}{row[5]}{row[6]}" for row in rows)
    return {row["user_id"]: (row["r_score"], row["f_score"], row["m_score"]) for row in rows}


def in_pandas(customers: list[Customer], cuts: dict[str, CutPoints]) -> Scores:
    """The scores without Spark."""
    names = ["user_id", "recency", "frequency", "monetary"]
    found = segments_of(pd.DataFrame(customers, columns=names), cuts, CELLS)
    rows = zip(found["r_score"], found["f_score"], found["m_score"], strict=True)
    scored = {customer[0]: row for customer, row in zip(customers, rows, strict=True)}
    assert found["rfm_score"] == ["".join(map(str, row)) for row in scored.values()]
    assert found["segment"] == [f"s{score}" for score in found["rfm_score"]]
    return scored


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
            f"{draw.choice(['AE', 'AEZ', 'AE_', 'ae', 'Ä'])}{draw.random():.12f}",
            draw.choice([1, 2, 3, 50, 51, 200, 367]),
            draw.choices([1, 2, 3, 9], [85, 8, 5, 2])[0],
            draw.choice(
                [0.26, 9.99, 9.99, 10.0, 10.01, 299.0, 31000.0, draw.randint(26, 9999) / 100]
            ),
        )
        for _ in range(count)
    ]


@contextmanager
def spark_log(spark: SparkSession) -> Iterator[Callable[[], str]]:
    """What Spark logs meanwhile; pytest cannot capture it, as the JVM has a stderr of its own."""
    jvm: Any = spark.sparkContext._jvm
    log4j = jvm.org.apache.logging.log4j
    written = jvm.java.io.StringWriter()
    builder = log4j.core.appender.WriterAppender.newBuilder().setTarget(written)
    appender = builder.setName("captured").build()
    root = log4j.LogManager.getRootLogger()
    appender.start()
    root.addAppender(appender)
    spark.sparkContext.setLogLevel("WARN")
    try:
        yield written.toString
    finally:
        spark.sparkContext.setLogLevel("ERROR")
        root.removeAppender(appender)


@pytest.mark.parametrize(("count", "partitions"), [(1, 1), (2, 2), (6, 3), (2000, 1), (2000, 5)])
def test_scores_equal_a_naive_ranking(spark: SparkSession, count: int, partitions: int) -> None:
    customers = invented(count, seed=count)
    data = frame(spark, customers[:: -1 if partitions > 2 else 1], partitions).cache()
    by_percent_rank, by_ntile = rank_cuts(data, ["percent_rank", "ntile"])
    assert scores(data, by_percent_rank) == naive_percent_rank(customers)
    assert scores(data, by_ntile) == naive_ntile(customers)
    assert in_pandas(customers, by_percent_rank) == naive_percent_rank(customers)
    assert in_pandas(customers, by_ntile) == naive_ntile(customers)
    frozen = frozen_thresholds(by_percent_rank)
    assert bool(frozen) == (sum(frequency > 1 for _, _, frequency, _ in customers) > 1)
    if frozen:
        assert scores(data, threshold_cuts(frozen)) == naive_percent_rank(customers)
    data.unpersist()


@pytest.mark.parametrize("size", range(1, 32))
def test_positions_follow_the_definitions_at_any_size(size: int) -> None:
    """Without ties, as many positions are below a customer as the definition gives points."""
    for scores in (4, 5):
        positions = percent_rank_positions(size, scores)
        assert [sum(p <= below for p in positions) for below in range(size)] == [
            min(scores - 1, scores * below // max(1, size - 1)) for below in range(size)
        ]
    tiles = [1 + sum(end <= below for end in tile_ends(size)) for below in range(size)]
    sizes = [tiles.count(tile) for tile in range(1, 6)]
    assert tiles == sorted(tiles)
    assert sizes == [size // 5 + (tile < size % 5) for tile in range(5)]


def test_no_customers_have_no_cut_points(spark: SparkSession) -> None:
    by_percent_rank, by_ntile = rank_cuts(frame(spark, []), ["percent_rank", "ntile"])
    assert [cuts.keys for cuts in by_ntile.values()] == [(), (), ()]
    assert [cuts.keys for cuts in by_percent_rank.values()] == [(), ((1,),), ()]


@pytest.mark.parametrize("largest_tie", [1, 3, 1000])
def test_a_tie_too_large_to_collect_is_narrowed_by_prefixes(
    spark: SparkSession, largest_tie: int
) -> None:
    """One tie of 60 rows, in which some texts are prefixes of others."""
    texts = [f"AE{letter}{'x' * more}" for letter in "AZ_azé€𝄞0123" for more in range(5)]
    data = spark.createDataFrame([(7, text) for text in texts], "value int, text string")
    positions = [1, 2, 31, 60]
    order = Order([["value"]], lambda _: positions, "text")
    [keys] = order_statistics(data, [order], largest_tie)
    assert keys == [(7, sorted(texts, key=str.encode)[position - 1]) for position in positions]


def test_half_the_customers_equal_as_in_published_purchases(spark: SparkSession) -> None:
    """Of CDNOW's customers 51 % are equal: ntile gives them three scores, percent_rank one."""
    equal = [(f"u{i:02}", 9, 1, 10.0) for i in range(51)]
    others = [(f"u{i:02}", 9, 1, float(i)) for i in range(51, 100)]
    data = frame(spark, equal + others).cache()
    by_percent_rank, by_ntile = (
        scores(data, cuts) for cuts in rank_cuts(data, ["percent_rank", "ntile"])
    )
    assert {by_percent_rank[user][2] for user, *_ in equal} == {1}
    assert [by_ntile[user][2] for user, *_ in equal] == [1] * 20 + [2] * 20 + [3] * 11
    # Ranked below are 51, 59, 60, 79, 80 and 99 of 99 others: 2.58, 2.98, 3.03, 3.99, 4.04 fifths.
    assert [by_percent_rank[f"u{i}"][2] for i in (51, 59, 60, 79, 80, 99)] == [3, 3, 4, 4, 5, 5]
    data.unpersist()


def test_sums_that_hardly_differ_are_told_apart_at_a_cut(spark: SparkSession) -> None:
    """At 11 customers the first cut is the second smallest sum; the next is one bit larger."""
    next_to_20 = 20.000000000000004
    sums = [19.99, 20.0, next_to_20, *(30.0 + i for i in range(8))]
    data = frame(spark, [(f"u{i:02}", 1, 1, value) for i, value in enumerate(sums)])
    cuts = percent_rank_cuts(data)
    found = scores(data, cuts)
    assert [found[f"u{i:02}"][2] for i in range(11)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5]
    assert cuts["monetary"].by_hand()[0] == next_to_20


def test_equal_customers_get_the_lowest_score_by_percent_rank_and_all_by_ntile(
    spark: SparkSession,
) -> None:
    data = frame(spark, [(f"u{i}", 10, 1, 5.0) for i in range(10)])
    by_percent_rank, by_ntile = (
        scores(data, cuts) for cuts in rank_cuts(data, ["percent_rank", "ntile"])
    )
    assert set(by_percent_rank.values()) == {(1, 1, 1)}
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


def test_thresholds_are_frozen_in_the_order_and_meaning_of_those_set_by_hand() -> None:
    cuts = {
        "recency": CutPoints(("-recency",), ((-300,), (-200,), (-200,), (-7,))),
        "frequency": CutPoints(("frequency",), ((1,), (2,), (2,), (2,))),
        "monetary": CutPoints(("monetary",), ((1.0,), (1.0,), (9.99,), (50.0,))),
    }
    frozen = frozen_thresholds(cuts)
    assert frozen == {
        "recency": [7, 200, 200, 300],
        "frequency": [2, 3, 3, 3],
        "monetary": [1.0000000000000002, 1.0000000000000002, 9.990000000000002, 50.00000000000001],
    }
    assert frozen_thresholds(threshold_cuts(frozen)) == frozen
    too_few = {**cuts, "frequency": CutPoints(("frequency",), ((1,),))}
    divided = {**cuts, "recency": CutPoints(("-recency", "user_id"), ((-7, "a"),) * 4)}
    assert frozen_thresholds(too_few) == frozen_thresholds(divided) == {}


def test_spark_never_warns_of_a_window_over_all_customers(spark: SparkSession) -> None:
    warning = "No Partition Defined for Window operation"
    data = frame(spark, invented(50, seed=3))
    with spark_log(spark) as log:
        for cuts in rank_cuts(data, ["percent_rank", "ntile"]):
            score(data, cuts).collect()
        assert warning not in log()
        data.select(F.ntile(5).over(Window.orderBy("monetary"))).collect()
        assert warning in log()


def test_scores_and_segments_need_no_shuffle(spark: SparkSession) -> None:
    data = spark.createDataFrame(invented(3, seed=3), SCHEMA)
    cuts = ntile_cuts(data)
    segments: Any = assign_segments(score(data, cuts), CELLS)
    planned = segments._jdf.queryExecution().executedPlan().toString()
    assert "segment" in planned
    assert "Exchange" not in planned
    assert "Window" not in planned


def test_cut_points_can_be_written_as_json(spark: SparkSession) -> None:
    cuts = ntile_cuts(frame(spark, [(f"u{i}", i, 1, 5.0) for i in range(1, 6)]))
    assert json.loads(json.dumps(cuts["recency"].keys)) == [
        [-5, "u5"],
        [-4, "u4"],
        [-3, "u3"],
        [-2, "u2"],
    ]


def test_each_cell_finds_its_segment(spark: SparkSession) -> None:
    data = spark.createDataFrame(list(CELLS), "r_score int, f_score int, m_score int")
    rows = assign_segments(data, CELLS).collect()
    assert {tuple(row)[:3]: row["segment"] for row in rows} == CELLS


def test_a_missing_cell_moves_no_other(spark: SparkSession) -> None:
    data = spark.createDataFrame([(5, 5, 5)], "r_score int, f_score int, m_score int")
    with pytest.raises(KeyError, match=r"1, 1, 1"):
        assign_segments(data, {cell: name for cell, name in CELLS.items() if cell != (1, 1, 1)})
