"""Moves between segments, outcomes and products against plain Python, and by hand."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from amazon_seg_assets.dag.checks import Checks
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.plots.style import Picture, Scope
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.stages.clusters.tables import CUSTOMER_CLUSTERS
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS, CUSTOMER_LIFECYCLE
from amazon_seg_assets.stages.movement import assets, checks, outcomes, plots, products, transitions
from amazon_seg_assets.stages.movement.tables import (
    SEGMENT_OUTCOMES,
    SEGMENT_PRODUCTS,
    SEGMENT_TRANSITIONS,
)
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments import scoring
from amazon_seg_assets.stages.segments.scoring import CutPoints
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import write_small
from amazon_seg_assets_tests.graph import family_of
from amazon_seg_assets_tests.plain_scores import Customer, as_earlier, better_last, naive_scores

STANDARD = load_scheme("standard")
COLOURS = STANDARD.colours
SCOPE = Scope("Electronics", "2023-09", 17_123, is_invented=False)
L = date(2020, 2, 29)

Move = tuple[int, str, str | None, str | None]


def frame(spark: SparkSession, rows: list[tuple[Any, ...]], schema: str) -> DataFrame:
    return spark.createDataFrame(rows, schema).repartition(2)


def customers(spark: SparkSession, rows: list[Customer], segments: list[str]) -> DataFrame:
    schema = "user_id string, recency int, frequency bigint, monetary double, segment string"
    return frame(spark, [(*row, s) for row, s in zip(rows, segments, strict=True)], schema)


# Moves


def random_customers(draw: random.Random, users: range, prices: list[float]) -> list[Customer]:
    return [
        (
            f"u{n}",
            draw.randint(1, 60) * 6,
            min(draw.choice([1, 1, 1, 2, 3, 9]), 9),
            draw.choice(prices),
        )
        for n in users
    ]


def test_moves_are_those_of_plain_python(spark: SparkSession) -> None:
    draw = random.Random(22)
    # Few prices, so that many tie; of later ones, some are held earlier and some are in between.
    earlier = random_customers(draw, range(260), [0.3, 0.55, 7.1, 20.0, 33.33, 99.99, 250.0])
    later = random_customers(draw, range(130, 420), [0.26, 0.55, 8.0, 20.0, 34.0, 99.98, 999.0])
    held = naive_scores(earlier)

    def by_earlier(row: Customer) -> str:
        r, f, m = (as_earlier(*pair) for pair in zip(held, better_last(row), strict=True))
        return STANDARD.cells[r, f, m]

    was = {row[0]: (by_earlier(row), row[3]) for row in earlier}
    own = [draw.choice(["Champions", "Lost"]) for _ in later]
    now = {
        "own": {row[0]: (s, row[3]) for row, s in zip(later, own, strict=True)},
        "earlier": {row[0]: (by_earlier(row), row[3]) for row in later},
    }
    expected: dict[Move, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for yardstick, of_users in now.items():
        for user in {*was, *of_users}:
            (start, before), (end, after) = was.get(user, (None, 0)), of_users.get(user, (None, 0))
            sums = expected[12, yardstick, start, end]
            sums[:] = [sums[0] + 1, sums[1] + before, sums[2] + after]

    first = customers(spark, earlier, [was[row[0]][0] for row in earlier])
    [cuts] = scoring.rank_cuts(first, ["percent_rank"])
    facts = json.loads(json.dumps({name: cut.to_facts() for name, cut in cuts.items()}))
    kept = {name: CutPoints.from_facts(each) for name, each in facts.items()}
    assert kept == cuts
    both = transitions.by_earlier_rules(customers(spark, later, own), first, kept, STANDARD.cells)
    found = transitions.segment_transitions(first, both, 12).collect()
    assert {tuple(row)[:4]: [*map(pytest.approx, tuple(row)[4:])] for row in found} == expected
    assert len(found) == len(expected)
    assert {type(row["spend_before"]) for row in found} == {float}
    assert len({row["to_segment"] for row in found}) > 6


def test_a_value_between_scores_as_the_nearest_worse_one(spark: SparkSession) -> None:
    before = frame(
        spark,
        [(f"u{n}", n, n, 10.0 * n) for n in range(1, 7)],
        "user_id string, recency int, frequency bigint, monetary double",
    )
    cuts = {
        "recency": CutPoints(("-recency",), ((-5,), (-4,), (-2,), (-1,))),
        "frequency": CutPoints(("frequency",), ((1,), (3,), (5,), (6,))),
        "monetary": CutPoints(("monetary",), ((20.0,), (35.0,), (60.0,), (61.0,)), inclusive=True),
    }
    held = scoring.only_held(cuts, before)
    # Nobody is above the best of each: a cut point that nobody passes is gone.
    assert [points.keys for points in held.values()] == [
        ((-4,), (-3,), (-1,)),
        ((2,), (4,), (6,)),
        ((20.0,), (40.0,), (60.0,)),
    ]
    later = frame(
        spark,
        [("a", 4, 1, 39.99), ("b", 2, 7, 1000.0), ("c", 400, 5, 1.0), ("d", 1, 2, 40.0)],
        "user_id string, recency int, frequency bigint, monetary double",
    )
    scores = {row["user_id"]: row["rfm_score"] for row in scoring.score(later, held).collect()}
    assert scores == {"a": "212", "b": "344", "c": "131", "d": "423"}


def test_split_ties_are_compared_as_they_are() -> None:
    cuts = {"recency": CutPoints(("-recency", "user_id"), ((-5, "x"),))}
    assert scoring.only_held(cuts, None) == cuts  # type: ignore[arg-type]


def test_sentences_tell_where_customers_went() -> None:
    rows = [
        ("Champions", "Champions", 40), ("Champions", "At Risk", 20), ("Champions", None, 30),
        ("Champions", "Lost", 5), ("Champions", "Promising", 3), ("Champions", "New", 2),
        ("Lost", None, 1), (None, "Champions", 500),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["from_segment", "to_segment", "customers"])
    assert transitions.say_moves(table) == {
        "Champions": "Of 100 customers in Champions, 40.0 % still are, 20.0 % are At Risk, 5.0 % "
        "are Lost, 3.0 % are Promising, 2.0 % are in other segments, 30.0 % are gone.",
        "Lost": "Of 1 customer in Lost, 0.0 % still are, 100.0 % are gone.",
    }
    assert transitions.say_moves(table[:0]) == {}


# Outcomes


def test_outcomes_are_those_of_plain_python(spark: SparkSession) -> None:
    draw = random.Random(90)
    users = [f"u{n}" for n in range(200)]
    groups = [(u, "segment", draw.choice("AB")) for u in users]
    groups += [(u, "lifecycle", draw.choice(["new", "returning"])) for u in users]
    edges = [-1, 0, 1, 89, 90, 91, 180, 181, 364, 365, 366, 400]
    days = [
        (user, L + timedelta(days=offset), draw.choice([0.0, 0.1, 12.34]))
        for user in [*users[:120], "stranger"]
        for offset in draw.sample(edges, draw.randint(1, 4))
    ]
    data_end = L + timedelta(days=364)
    table = outcomes.segment_outcomes(
        frame(spark, groups, "user_id string, grouping string, name string"),
        frame(spark, days, "user_id string, day date, spend double"),
        L,
        data_end,
    )
    assert list(table.columns) == SEGMENT_OUTCOMES.column_names
    assert len(table) == 4 * 3
    for row in table.itertuples():
        inside = {u for u, grouping, name in groups if (grouping, name) == (row.grouping, row.name)}
        until = L + timedelta(days=row.horizon_days)
        back = {u for u, day, _ in days if u in users and L < day <= until}
        assert row.customers == len(inside)
        assert row.is_known == (row.horizon_days < 365)
        if row.is_known:
            rate = len(back & inside) / len(inside)
            spent = sum(usd for u, day, usd in days if u in inside and L < day <= until)
            assert row.returned == len(back & inside)
            assert row.return_rate == pytest.approx(rate)
            assert row.lift == pytest.approx(rate / (len(back) / len(users)))
            assert row.spend_after == pytest.approx(spent)
        else:
            assert pd.isna([row.returned, row.return_rate, row.spend_after, row.lift]).all()
    assert set(outcomes.longest_known(table)["horizon_days"]) == {180}


def test_nobody_who_came_back_gives_no_lift(spark: SparkSession) -> None:
    groups = frame(spark, [("u", "segment", "A")], "user_id string, grouping string, name string")
    none = frame(spark, [("v", L, 1.0)], "user_id string, day date, spend double")
    table = outcomes.segment_outcomes(groups, none, L, L + timedelta(days=365))
    assert table["is_known"].all()
    assert table["returned"].tolist() == [0, 0, 0]
    assert table["spend_after"].tolist() == [0.0, 0.0, 0.0]
    assert table["lift"].isna().all()


# Products


def test_products_are_counted_as_in_plain_python(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "LEAST_CUSTOMERS", 3)
    monkeypatch.setattr(products, "MOST_TELLING", 4)
    draw = random.Random(7)
    start = date(2019, 2, 28)
    moments = [
        datetime(2019, 2, 27, 23, 59, 59, tzinfo=UTC), datetime(2019, 2, 28, tzinfo=UTC),
        datetime(2019, 7, 1, 12, tzinfo=UTC), datetime(2020, 2, 29, 23, 59, 59, tzinfo=UTC),
        datetime(2020, 3, 1, tzinfo=UTC),
    ]  # fmt: skip
    prices = [None, 0.25, 0.2500001, 0.26, 3.1, 19.99]
    paths = [None, [], ["All"], ["All", "Audio"], ["All", "Audio", "Cables"], ["All", None]]
    reviews = [
        (
            draw.choice([*(f"u{n}" for n in range(60)), None]),
            draw.choice(moments),
            draw.choice(prices),
            draw.choice([None, "Electronics", "Toys"]),
            draw.choice(paths),
        )
        for _ in range(600)
    ]
    bought: dict[tuple[str, str], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    buyers = set()
    for user, when, price, main, path in reviews:
        if user and price and round(price, 6) > 0.25 and start <= when.date() <= L:
            buyers.add(user)
            for level, name in (("main_category", main), ("category", (path or [None])[-1])):
                if name is not None:
                    bought[level, name][user] += price
    segment = {user: draw.choice(["A", "A", "B"]) for user in sorted(buyers)}
    sizes = Counter(segment.values())
    expected = []
    for (level, name), spend in bought.items():
        for each, size in sizes.items():
            inside = [user for user in spend if segment[user] == each]
            share = len(inside) / size
            lift = share / (len(spend) / len(buyers))
            usd = sum(spend[user] for user in inside)
            expected.append((each, level, name, len(inside), usd, share, lift))
    expected.sort(key=lambda row: (row[0], row[1], -row[6], -row[3], row[2]))
    table = products.segment_products(
        frame(
            spark,
            reviews,
            "user_id string, timestamp timestamp, price double, main_category string, "
            "categories array<string>",
        ),
        frame(spark, [*segment.items()], "user_id string, segment string"),
        (start, L),
        0.25,
    )
    assert list(table.columns) == SEGMENT_PRODUCTS.column_names
    assert len(table) == 2 * (2 + 3)
    for row, wanted in zip(table.itertuples(index=False), expected, strict=True):
        assert tuple(row)[:4] == wanted[:4]
        assert tuple(row)[4:] == pytest.approx(wanted[4:])


def test_the_most_telling_names_have_enough_customers() -> None:
    names = [f"n{n:02}" for n in range(12)]
    rows = [("A", "category", name, 30, 1.0) for name in names]
    rows += [("B", "category", name, 30 - place, 1.0) for place, name in enumerate(names)]
    rows += [("A", "category", "rare", products.LEAST_CUSTOMERS - 1, 9.0)]
    counted = pd.DataFrame(rows, columns=["segment", "level", "name", "customers", "spend"])
    table = products.most_telling(counted.sample(frac=1, random_state=1), {"A": 60, "B": 40})
    of_a, of_b = (table[table["segment"] == each] for each in "AB")
    # Of 60 and of 100; the fewer others bought it, the more it tells.
    assert of_a["name"].tolist() == names[:1:-1]
    assert of_a["lift"].iloc[0] == pytest.approx((30 / 60) / ((30 + 19) / 100))
    assert of_b["name"].tolist() == names[: 30 - products.LEAST_CUSTOMERS + 1]
    assert table["customers"].min() == products.LEAST_CUSTOMERS


# Assets and checks

NOW, MONTH_AGO, YEAR_AGO = "2020-02", "2020-01", "2019-02"


class Stage:
    """The stored tables that the assets read, three customers a snapshot."""

    def __init__(self, folder: Path, spark: SparkSession) -> None:
        self.store, self.spark = Store(folder, "Toys"), spark

    def snapshot(self, table: Any = SEGMENT_TRANSITIONS) -> Snapshot:
        resource: Any = SimpleNamespace(spark_session=self.spark)
        return Snapshot(family_of(), self.store, NOW, stores=(table,), spark_resource=resource)

    def put(self, table: Any, month: str, content: dict[str, Any], **facts: Any) -> None:
        write_small(pd.DataFrame(content), self.store, table, month, facts)

    def put_snapshot(
        self, month: str, users: str, segments: list[str], monetary: list[float], **facts: Any
    ) -> None:
        content: dict[str, Any] = {
            "user_id": [*users], "recency": 10, "frequency": 1, "monetary": monetary,
            "frequency_log": 0.7, "monetary_log": 1.0, "r_score": 1, "f_score": 1, "m_score": 1,
            "rfm_score": "111", "segment": segments,
        }  # fmt: skip
        self.put(RFM_SEGMENTS, month, content, scheme=SCHEME, thresholds={}, **facts)
        window = {"window_start": "2019-02-28", "window_end": str(L), "min_price": 0.25}
        self.put(RFM_FEATURES, month, content, counted_usd=sum(monetary), **window)


SCHEME = STANDARD.model_dump(mode="json", exclude_none=True)
CUTS = {
    name: CutPoints((order,), ((key,),)).to_facts()
    for name, order, key in (
        ("recency", "-recency", -10),
        ("frequency", "frequency", 1),
        ("monetary", "monetary", 20.0),
    )
}


@pytest.fixture
def stage(tmp_path: Path, spark: SparkSession) -> Stage:
    made = Stage(tmp_path, spark)
    made.put_snapshot(NOW, "bcd", ["Lost", "Champions", "Champions"], [25.0, 30.0, 40.0])
    return made


def judged(stage: Stage, table: Any = SEGMENT_TRANSITIONS) -> dict[str, Verdict]:
    own = [check for each in vars(checks).values() if isinstance(each, Checks) for check in each]
    return {check.name: check.judge(stage.snapshot(table)) for check in own if check.table is table}


def test_without_an_earlier_snapshot_there_are_no_moves_and_no_error(stage: Stage) -> None:
    stored = assets.segment_transitions.body(stage.snapshot())
    assert stored.rows == 0
    assert stored.metadata["compared_months"] == []
    assert [*stored.metadata["compared_with"]] == [MONTH_AGO, YEAR_AGO]
    assert all("not stored" in note for note in stored.metadata["compared_with"].values())
    assert stored.metadata["moves_in_a_year"].value == "Unknown."
    assert all(verdict.passed for verdict in judged(stage).values())


def test_moves_add_up_to_both_snapshots(stage: Stage) -> None:
    # The month before was stored without cut points, the year before by other rules.
    stage.put_snapshot(MONTH_AGO, "ab", ["Lost", "At Risk"], [1.0, 2.5])
    stage.put_snapshot(YEAR_AGO, "abc", ["At Risk", "Lost", "Lost"], [1.0, 20.0, 30.0], cuts=CUTS)
    stored = assets.segment_transitions.body(stage.snapshot())
    table = stage.snapshot().small(SEGMENT_TRANSITIONS).astype(object)
    rows = [tuple(row) for row in table.where(table.notna(), None).itertuples(index=False)]
    # The score of 25 USD is that of 20, which was held: one worse than that of 30.
    worse, better = STANDARD.cells[1, 1, 1], STANDARD.cells[1, 1, 2]
    assert Counter(rows) == Counter(
        [
            (1, "own", "Lost", None, 1, 1.0, 0.0),
            (1, "own", "At Risk", "Lost", 1, 2.5, 25.0),
            (1, "own", None, "Champions", 2, 0.0, 70.0),
            (12, "own", "At Risk", None, 1, 1.0, 0.0),
            (12, "own", "Lost", "Lost", 1, 20.0, 25.0),
            (12, "own", "Lost", "Champions", 1, 30.0, 30.0),
            (12, "own", None, "Champions", 1, 0.0, 40.0),
            (12, "earlier", "At Risk", None, 1, 1.0, 0.0),
            *(
                [(12, "earlier", "Lost", worse, 2, 50.0, 55.0)]
                if worse == better
                else [
                    (12, "earlier", "Lost", worse, 1, 20.0, 25.0),
                    (12, "earlier", "Lost", better, 1, 30.0, 30.0),
                ]
            ),
            (12, "earlier", None, better, 1, 0.0, 40.0),
        ]
    )
    assert stored.metadata["compared_months"] == [MONTH_AGO, YEAR_AGO]
    notes = stored.metadata["compared_with"]
    assert "without its cut points" in notes[MONTH_AGO]
    assert notes[YEAR_AGO] == "compared"
    found = judged(stage)
    assert len(found) == 2
    assert all(verdict.passed for verdict in found.values())
    damaged = stage.snapshot().small(SEGMENT_TRANSITIONS)
    damaged.loc[damaged["to_segment"].isna(), "spend_before"] += 0.02
    damaged.loc[damaged["from_segment"].isna(), "customers"] += 1
    facts = stage.snapshot().facts(SEGMENT_TRANSITIONS)
    write_small(damaged, stage.store, SEGMENT_TRANSITIONS, NOW, facts)
    found = judged(stage)
    assert [verdict.value for verdict in found.values()] == [1, pytest.approx(0.02)]
    assert not any(verdict.passed for verdict in found.values())
    assert all(verdict.sentence.startswith("20") for verdict in found.values())


def test_another_scheme_is_told(stage: Stage) -> None:
    stage.put_snapshot(YEAR_AGO, "b", ["Lost"], [20.0], cuts=CUTS)
    other = load_scheme("notebook").model_dump(mode="json", exclude_none=True)
    content = stage.snapshot().small(RFM_SEGMENTS).to_dict("list")
    stage.put(RFM_SEGMENTS, NOW, content, scheme=other, thresholds={})
    stored = assets.segment_transitions.body(stage.snapshot())
    assert (
        "Its scheme was standard, and is notebook now" in stored.metadata["compared_with"][YEAR_AGO]
    )
    assert {*stage.snapshot().small(SEGMENT_TRANSITIONS)["yardstick"]} == {"own", "earlier"}


def put_days(stage: Stage, month: str, days: dict[str, str]) -> None:
    numbers = dict.fromkeys(
        ("reviews", "priced_reviews", "low_ratings", "helpful_votes", "products"), 1
    )
    when = pd.Series([date.fromisoformat(day) for day in days.values()], dtype=object)
    users = pd.Series([*days], dtype=object)
    content = {"user_id": users, "day": when, "spend": 2.0, "rating_sum": 5.0, **numbers}
    stage.put(CUSTOMER_DAYS, month, content)


def test_outcomes_are_known_as_far_as_history_is_stored(stage: Stage) -> None:
    made = assets.segment_outcomes.body(stage.snapshot(SEGMENT_OUTCOMES))
    assert made.metadata["groupings"] == ["segment"]
    assert not stage.snapshot().small(SEGMENT_OUTCOMES)["is_known"].any()
    assert "too soon" in made.metadata["outcomes"].value

    stage.put(CUSTOMER_CLUSTERS, NOW, {
        "user_id": [*"bcd"], "recency": 1, "frequency": 1, "monetary": 1.0, "cluster": [0, 1, 1],
        "cluster_label": ["Loyal", "New", "New"],
    })  # fmt: skip
    stage.put(CUSTOMER_LIFECYCLE, NOW, {
        "user_id": [*"bcd"], "lifecycle": ["new", "new", "won_back"], "first_day": L,
        "tenure_days": 1, "lifetime_purchase_days": 1, "lifetime_spend": 1.0,
    })  # fmt: skip
    put_days(stage, NOW, {"b": "2020-02-29"})
    put_days(stage, "2020-03", {"c": "2020-03-01"})
    put_days(stage, "2020-04", {})
    put_days(stage, "2020-05", {"x": "2020-05-29"})
    # June is missing, so that July does not count.
    put_days(stage, "2020-07", {"b": "2020-07-30"})
    made = assets.segment_outcomes.body(stage.snapshot(SEGMENT_OUTCOMES))
    assert made.facts == {"last_day": "2020-02-29", "data_end": "2020-05-29"}
    table = stage.snapshot().small(SEGMENT_OUTCOMES)
    known = table[table["is_known"]]
    assert {*known["horizon_days"]} == {90}
    assert dict(zip(known["name"], known["returned"], strict=True)) == {
        "Champions": 1, "Lost": 0, "Loyal": 0, "New": 1, "new": 1, "won_back": 0,
    }  # fmt: skip
    assert known["spend_after"].sum() == pytest.approx(3 * 2.0)
    found = judged(stage, SEGMENT_OUTCOMES)
    assert len(found) == 2
    assert all(verdict.passed for verdict in found.values())
    damaged = table.assign(is_known=True, return_rate=table["return_rate"].mul(3))
    write_small(damaged, stage.store, SEGMENT_OUTCOMES, NOW)
    assert {name: verdict.value for name, verdict in judged(stage, SEGMENT_OUTCOMES).items()} == {
        "outcomes_known_or_null": 12,
        "shares_possible": 3,
    }


# Pictures

MOVES = pd.DataFrame(
    [
        ("Champions", "Champions", 60),
        ("Champions", None, 40),
        (None, "Lost", 7),
        ("Old", "Lost", 1),
    ],
    columns=["from_segment", "to_segment", "customers"],
)
RATES = pd.DataFrame(
    [("Lost", 180, 100, 10, 0.1), ("Champions", 180, 50, 20, 0.4)],
    columns=["name", "horizon_days", "customers", "returned", "return_rate"],
)
TELLING = pd.DataFrame(
    [
        ("Champions", "Headphones", 2.5, 0.5),
        ("Champions", "Cables", 1.25, 0.1),
        ("Old", "DVD", 3, 1),
    ],
    columns=["segment", "name", "lift", "share"],
)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (
            lambda: plots.segment_transitions(MOVES, "2022-09", COLOURS, SCOPE),
            "Champions (100 customers): Champions 60.0 %, Gone 40.0 %; Old (1 customer): Lost "
            "100.0 %; Not a customer before (7 customers): Lost 100.0 %.",
        ),
        (
            lambda: plots.segment_transitions(MOVES[:0], "2022-09", COLOURS, SCOPE),
            "No data: the snapshot 2022-09 cannot be compared.",
        ),
        (
            lambda: plots.return_rates(RATES, COLOURS, SCOPE),
            "Within 180 days: all 20.0 %; Champions 40.0 % (20); Lost 10.0 % (10).",
        ),
        (
            lambda: plots.return_rates(RATES[:0], COLOURS, SCOPE),
            "No data: the data ends too soon after the snapshot.",
        ),
        (
            lambda: plots.telling_categories(TELLING, COLOURS, SCOPE),
            "Champions: Headphones ×2.5 (50.0 %), Cables ×1.25 (10.0 %); Old: DVD ×3 (100.0 %).",
        ),
        (
            lambda: plots.telling_categories(TELLING[:0], COLOURS, SCOPE),
            "No data: no category has enough customers of a segment.",
        ),
    ],
)
def test_alternative_texts_have_the_numbers(draw: Callable[[], Picture], words: str) -> None:
    assert draw().alt.endswith(words)
