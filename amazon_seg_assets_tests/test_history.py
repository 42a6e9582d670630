"""Days, lifecycles and cohorts: by hand, and by plain Python on random reviews of three years."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from amazon_seg_assets.dag.checks import Checks
from amazon_seg_assets.dag.declaration import (
    After,
    AllBefore,
    AssetDeclaration,
    LookBack,
    LookBackIfStored,
)
from amazon_seg_assets.dag.family import monthly_partitions
from amazon_seg_assets.dag.handles import MonthRange, Snapshot
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import Span, month_range
from amazon_seg_assets.plots.style import Scope
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.cleaning.assets import clean_reviews, joined_reviews
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA, CLEAN_REVIEWS, JOINED_REVIEWS
from amazon_seg_assets.stages.history import assets, checks, cohorts, lifecycle, plots, transform
from amazon_seg_assets.stages.history.tables import (
    COHORT_RETENTION,
    CUSTOMER_DAYS,
    CUSTOMER_LIFECYCLE,
    LIFECYCLE_SUMMARY,
)
from amazon_seg_assets.stages.history.versions import made_from_days
from amazon_seg_assets.stages.raw.manifest import FileRecord, Manifest, MonthCounts
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm.assets import RfmConfig, rfm_features
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.storage.facts import MADE_FROM
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import write_small
from amazon_seg_assets_tests.graph import family_of

Record = dict[str, Any]

MIN_PRICE = 0.25
PLACEHOLDERS = {"None", "none", "N/A", "n/a", "null", "NULL", ""}

# The oracle's data: L is a leap day, so that the window begins on a 28 February, which is whole.
SNAPSHOT, L = "2020-02", date(2020, 2, 29)
START, START_BEFORE = date(2019, 2, 28), date(2018, 2, 28)
MONTHS = month_range("2017-09", "2020-03")
EMPTY_MONTH, MONTH_WITHOUT_CLEAN = "2017-11", "2017-12"
PRICES = {
    "cable": 19.99,
    "lamp": 4.4,
    "equal": 0.25,
    "hardly above": 0.250_000_4,
    "above": 0.250_001,
    "dear": 8_765_432.1,
    "unpriced": None,
}


# --- What a snapshot reads of an input ------------------------------------------------------------

SPAN = Span("2019-11", "2023-09")


@pytest.mark.parametrize(
    ("kind", "snapshot", "first", "last"),
    [
        (LookBack, "2023-03", "2022-03", "2023-03"),
        (LookBack, "2020-02", "2019-11", "2020-02"),
        (LookBackIfStored, "2023-03", "2022-03", "2023-03"),
        (AllBefore, "2023-03", "2019-11", "2023-03"),
        (AllBefore, "2019-11", "2019-11", "2019-11"),
        (AllBefore, "2023-09", "2019-11", "2023-09"),
        (After, "2020-02", "2020-02", "2021-03"),
        (After, "2023-03", "2023-03", "2023-09"),
    ],
)
def test_a_snapshot_reads_the_partitions_that_it_depends_on(
    kind: Any, snapshot: str, first: str, last: str
) -> None:
    declared = kind(CUSTOMER_DAYS)
    months, every = monthly_partitions(SPAN), month_range(SPAN.first, SPAN.last)
    reached = declared.reach.months(SPAN, snapshot, every)
    assert reached == month_range(first, last)
    mapped = declared.reach.mapping(SPAN).get_upstream_mapped_partitions_result_for_partitions(
        months.empty_subset().with_partition_keys([snapshot]), months, months
    )
    assert sorted(mapped.partitions_subset.get_partition_keys()) == reached


def test_only_the_months_of_the_window_have_to_be_there() -> None:
    stored = ["2020-01", "2020-12", "2021-05"]
    assert AllBefore.reach.months(SPAN, "2021-04", stored) == ["2020-01", "2020-12", "2021-04"]
    assert After.reach.months(SPAN, "2020-04", stored) == ["2020-04", "2020-12", "2021-05"]
    assert LookBack.reach.months(SPAN, "2021-04", stored) == month_range("2020-04", "2021-04")
    assert LookBackIfStored.reach.months(SPAN, "2021-04", stored) == ["2020-12"]


def test_inputs_are_declared_with_their_reach() -> None:
    assert assets.customer_lifecycle.inputs == {
        "rfm_features": None,
        "customer_days": AllBefore.reach,
    }


# --- By hand --------------------------------------------------------------------------------------


def raw(*given: Record) -> list[Record]:
    default = {
        "user_id": "U",
        "timestamp": ms(2023, 1, 5),
        "rating": 5.0,
        "helpful_vote": 0,
        "verified_purchase": True,
        "parent_asin": "cable",
        "review_id": None,
        "month": "2023-01",
    }
    return [{**default, "review_id": f"r{n}", **row} for n, row in enumerate(given)]


def ms(*when: int) -> int:
    return round(datetime(*when, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]


def frame(spark: SparkSession, rows: Iterable[Record], table: Table, columns: list[str]) -> Any:
    types = {field.name: field.dataType.simpleString() for field in table.spark_schema}
    schema = ", ".join(f"`{name}` {types.get(name, 'string')}" for name in columns)
    return spark.createDataFrame([tuple(row[name] for name in columns) for row in rows], schema)


def products(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([*PRICES.items()], "parent_asin string, price double")


def of_days(spark: SparkSession, reviews: list[Record]) -> tuple[dict[Any, Any], Any]:
    """Days by month, user and day, and what was left out."""
    counts = Observation()
    given = frame(spark, reviews, RAW_REVIEWS, transform.RAW_COLUMNS)
    days = transform.customer_days(given, products(spark), 2, MIN_PRICE, counts).collect()
    found = {(r["month"], r["user_id"], str(r["day"])): tuple(r)[2:-1] for r in days}
    assert len(found) == len(days)
    return found, transform.without_user(counts.get)


def test_a_day_sums_up_clean_reviews(spark: SparkSession) -> None:
    reviews = raw(
        {"rating": 0.0, "helpful_vote": -4},
        {"rating": 2.0, "helpful_vote": 3, "parent_asin": "lamp"},
        {"rating": 3.0, "helpful_vote": None, "parent_asin": "lamp"},
        {"rating": None, "parent_asin": "equal"},
        {"parent_asin": "hardly above"},
        {"parent_asin": "above"},
        {"parent_asin": "unpriced"},
        {"parent_asin": "unknown", "timestamp": ms(2023, 1, 5, 23, 59, 59)},
        {"parent_asin": "N/A"},
        {"parent_asin": None},
        {"verified_purchase": False},
        {"verified_purchase": None},
        # The next day, twice the same.
        {"review_id": "twice", "timestamp": ms(2023, 1, 6)},
        {"review_id": "twice", "timestamp": ms(2023, 1, 6)},
        {"month": "2023-02", "timestamp": ms(2023, 2, 1), "rating": 1.0},
        {"user_id": None, "timestamp": ms(2023, 1, 31)},
        {"user_id": "null", "timestamp": ms(2023, 1, 30), "parent_asin": "unpriced"},
    )
    found, without = of_days(spark, reviews)
    assert found == {
        # 1 + 2 + 3 + 5 + 5 + 5 + 5 + 5 + 5 stars; of 19.99, twice 4.4 and 0.250001 USD.
        ("2023-01", "U", "2023-01-05"): (10, 4, 29.040_001, 36.0, 2, 3, 7),
        ("2023-01", "U", "2023-01-06"): (1, 1, 19.99, 5.0, 0, 0, 1),
        ("2023-02", "U", "2023-02-01"): (1, 1, 19.99, 1.0, 1, 0, 1),
    }
    assert without == {"2023-01": transform.WithoutUser(2, 1, date(2023, 1, 31))}


def test_months_share_tasks_where_they_are_small() -> None:
    assert transform.tasks_for([]) == 1
    assert transform.tasks_for([10] * 329) == 1
    assert transform.tasks_for([150_000] * 4) == 3
    assert transform.tasks_for([900_000] * 4) == 4


def test_days_take_one_shuffle(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    given = frame(spark, raw({}), RAW_REVIEWS, transform.RAW_COLUMNS)
    few = F.broadcast(products(spark))
    transform.customer_days(given, few, 2, MIN_PRICE, Observation()).explain()
    plan = capsys.readouterr().out
    assert plan.count("Exchange hashpartitioning") == 1
    assert "Exchange hashpartitioning(month" in plan


DAYS = [
    # Of the window that ends on 29 February 2020, and of the year before.
    ("new", date(2019, 2, 28), 1, 10.0),
    ("new", date(2020, 2, 29), 0, 0.0),
    ("new", date(2020, 3, 1), 1, 1000.0),
    ("returning", date(2017, 1, 1), 1, 1.0),
    ("returning", date(2018, 2, 28), 0, 0.0),
    ("returning", date(2020, 1, 1), 2, 20.5),
    ("yesterday", date(2019, 2, 27), 1, 5.0),
    ("yesterday", date(2019, 3, 1), 1, 5.0),
    ("won back", date(2018, 2, 27), 3, 7.0),
    ("won back", date(2019, 12, 1), 1, 0.3),
    ("lapsed", date(2018, 2, 28), 1, 40.0),
    ("still here", date(2018, 6, 1), 1, 50.0),
    ("still here", date(2019, 6, 1), 0, 0.0),
    ("never priced", date(2018, 6, 1), 0, 0.0),
    ("long gone", date(2018, 2, 27), 1, 60.0),
    ("not yet", date(2020, 3, 1), 1, 70.0),
]
CUSTOMERS = ["new", "returning", "yesterday", "won back"]


def of_lifecycles(
    spark: SparkSession, days: list[tuple[Any, ...]], customers: list[str], last_day: date
) -> tuple[dict[str, tuple[Any, ...]], Record]:
    counts = Observation()
    found = lifecycle.customer_lifecycle(
        spark.createDataFrame(
            days, "user_id string, day date, priced_reviews bigint, spend double"
        ),
        spark.createDataFrame([(user,) for user in customers], "user_id string"),
        last_day,
        counts,
    )
    return {row["user_id"]: tuple(row)[1:] for row in found.collect()}, counts.get


def test_lifecycles_go_by_the_window_and_the_year_before(spark: SparkSession) -> None:
    found, counts = of_lifecycles(spark, DAYS, [*CUSTOMERS, "unknown"], L)
    assert found == {
        "new": ("new", date(2019, 2, 28), 367, 2, 10.0),
        "returning": ("returning", date(2017, 1, 1), 1155, 3, 21.5),
        "yesterday": ("returning", date(2019, 2, 27), 368, 2, 10.0),
        "won back": ("won_back", date(2018, 2, 27), 733, 2, 7.3),
    }
    summary = lifecycle.lifecycle_summary(counts)
    assert [tuple(row) for row in summary.itertuples(index=False)] == [
        ("new", 1, 10.0, 0.0),
        ("returning", 2, 25.5, 5.0),
        ("won_back", 1, 0.3, 0.0),
        ("lapsed", 1, 0.0, 40.0),
    ]
    assert (counts["unknown"], counts["window_reviews"]) == (1, 5)
    assert counts["window_spend"] == 35.8


def test_nobody_is_in_no_lifecycle(spark: SparkSession) -> None:
    found, counts = of_lifecycles(spark, [], [], L)
    assert not found
    assert lifecycle.lifecycle_summary(counts)["customers"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("last_day", "quarter"),
    [
        (date(2020, 2, 29), "2019-Q4"),
        (date(2020, 3, 30), "2019-Q4"),
        (date(2020, 3, 31), "2020-Q1"),
        (date(2019, 12, 31), "2019-Q4"),
        (date(2020, 1, 1), "2019-Q4"),
    ],
)
def test_the_quarter_that_the_last_day_cuts_off_is_left_out(last_day: date, quarter: str) -> None:
    assert cohorts.quarter_name(cohorts.last_full_quarter(last_day)) == quarter


def test_cohorts_by_hand(spark: SparkSession) -> None:
    days = [
        ("a", date(2019, 1, 1), 10.0),
        ("a", date(2019, 3, 31), 0.1),
        ("a", date(2019, 10, 1), 0.2),
        ("b", date(2019, 2, 2), 0.0),
        ("b", date(2020, 1, 1), 99.0),
        ("c", date(2019, 12, 31), 7.0),
        ("d", date(2020, 2, 29), 99.0),
    ]
    given = spark.createDataFrame(days, "user_id string, day date, spend double")
    table = cohorts.cohort_retention(given, L)
    assert [tuple(row) for row in table.itertuples(index=False)] == [
        ("2019-Q1", 0, 2, 2, 10.1),
        ("2019-Q1", 1, 2, 0, 0.0),
        ("2019-Q1", 2, 2, 0, 0.0),
        ("2019-Q1", 3, 2, 1, 0.2),
        ("2019-Q4", 0, 1, 1, 7.0),
    ]
    assert cohorts.cohort_retention(given, date(2019, 1, 31)).empty


# --- The assets on random reviews, against an oracle ----------------------------------------------


def random_reviews() -> list[Record]:
    """Raw reviews of three years, some of them again, with values that cannot be."""
    chance = random.Random(22)
    first, last = ms(2017, 9, 1), ms(2020, 3, 31)
    edges = [
        ms(2020, 2, 29, 23, 59, 59) + 999,
        ms(2019, 2, 28),
        ms(2019, 2, 28) - 1,
        ms(2018, 2, 28),
        ms(2018, 2, 28) - 1,
        ms(2020, 3, 1),
    ]
    # Each edge by customers of their own, too, so that nothing else says what they are.
    times = [chance.randrange(first, last) for _ in range(420)] + edges * 10
    rows: list[Record] = []
    for number, time in enumerate(times):
        users = [f"edge {number}", None, "", "N/A", *(f"u{chance.randrange(90)}" for _ in range(9))]
        rows.append(
            {
                "user_id": users[0] if number >= 462 else chance.choice(users[1:]),
                "timestamp": time,
                "rating": chance.choice([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0, None]),
                "helpful_vote": chance.choice([0, 0, 7, -3, None]),
                "verified_purchase": number >= 420 or chance.choice([True] * 6 + [False, None]),
                "parent_asin": chance.choice([*PRICES, "cable", "lamp", "unknown", "null", None]),
                "review_id": f"r{number}",
            }
        )
    rows += [dict(row) for row in chance.choices(rows, k=60)]
    for row in rows:
        row["month"] = f"{at(row):%Y-%m}"
        if row["month"] == MONTH_WITHOUT_CLEAN:
            row["verified_purchase"] = False
    return [row for row in rows if row["month"] != EMPTY_MONTH]


def at(row: Record) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=row["timestamp"])


def clean(rows: list[Record]) -> list[Record]:
    """Verified reviews, each once, mended, with ``day`` and ``usd`` (null unless it counts)."""
    found = {row["review_id"]: row for row in rows if row["verified_purchase"]}
    return [
        {
            **row,
            "user_id": None if row["user_id"] in PLACEHOLDERS else row["user_id"],
            "parent_asin": None if row["parent_asin"] in PLACEHOLDERS else row["parent_asin"],
            "rating": 1.0 if row["rating"] == 0 else row["rating"],
            "helpful_vote": max(row["helpful_vote"] or 0, 0),
            "day": at(row).date(),
            "usd": counted(PRICES.get(row["parent_asin"])),
        }
        for row in found.values()
    ]


def counted(price: float | None) -> Fraction | None:
    micros = None if price is None else round(price * 1_000_000)
    return None if micros is None or micros <= 250_000 else Fraction(micros, 1_000_000)


def grouped(rows: Iterable[Record], key: Callable[[Record], Any]) -> dict[Any, list[Record]]:
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def spent(rows: Iterable[Record]) -> float:
    return float(sum((row["usd"] or 0 for row in rows), Fraction(0)))


def quarter_of(day: date) -> int:
    return day.year * 4 + (day.month - 1) // 3


@dataclass
class Made:
    """The tables stored by the assets, and the oracle's clean reviews with a user."""

    store: Store
    snapshot: Snapshot
    nobody: list[Record]
    reviews: list[Record]

    def table(self, table: Table, month: str | None = None) -> pd.DataFrame:
        paths = self.store.paths(table.name, [month] if month else None)
        return pd.concat([pq.read_table(path, partitioning=None).to_pandas() for path in paths])

    def until_last_day(self) -> dict[str, list[Record]]:
        return grouped((r for r in self.reviews if r["day"] <= L), lambda row: row["user_id"])


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("history")
    family = family_of(first_month=MONTHS[0], last_month=MONTHS[-1], storage=folder)
    store, rows = Store(folder, family.category), random_reviews()
    by_month = grouped(rows, lambda row: row["month"])
    for month, of_month in by_month.items():
        columns = {name: [row.get(name) for row in of_month] for name in RAW_REVIEWS.column_names}
        write_small(pd.DataFrame(columns, dtype=object), store, RAW_REVIEWS, month)
    counts = {
        month: MonthCounts(len(each), sum(r["verified_purchase"] is True for r in each))
        for month, each in by_month.items()
    }
    file = FileRecord("f", len(rows), 0, [], counts)
    Manifest("1-x", "test", {"reviews": file}).write(store.path(RAW_REVIEWS.name))
    listed = pd.DataFrame(PRICES.items(), columns=["parent_asin", "price"])
    write_small(
        listed.reindex(columns=CLEAN_METADATA.column_names).astype(object),
        store,
        CLEAN_METADATA,
        facts={MADE_FROM: "products"},
    )
    resource: Any = SimpleNamespace(spark_session=spark)

    def run(asset: AssetDeclaration, *config: Any) -> Any:
        reaches = {name: reach for name, reach in asset.inputs.items() if reach}
        common: Any = {"stores": asset.stores, "reaches": reaches, "spark_resource": resource}
        if asset.handle is MonthRange:
            asset.body(MonthRange(family, store, **common, months=tuple(MONTHS)), *config)
        else:
            asset.body(Snapshot(family, store, SNAPSHOT, **common), *config)

    config = RfmConfig(min_price=MIN_PRICE)
    run(assets.customer_days, config)
    for asset in (clean_reviews, joined_reviews):
        run(asset)
    run(rfm_features, config)
    run(assets.customer_lifecycle)
    run(assets.cohort_retention)
    reviews = clean(rows)
    return Made(
        store,
        Snapshot(family, store, SNAPSHOT, spark_resource=resource),
        [row for row in reviews if row["user_id"] is None],
        [row for row in reviews if row["user_id"] is not None],
    )


def test_days_are_the_oracles(made: Made) -> None:
    days = made.table(CUSTOMER_DAYS)
    expected = [
        (
            user,
            day,
            len(rows),
            sum(row["usd"] is not None for row in rows),
            spent(rows),
            sum(row["rating"] or 0.0 for row in rows),
            sum((row["rating"] or 5) <= 2 for row in rows),
            sum(row["helpful_vote"] for row in rows),
            len({row["parent_asin"] for row in rows} - {None}),
        )
        for (user, day), rows in grouped(
            made.reviews, lambda row: (row["user_id"], row["day"])
        ).items()
    ]
    assert sorted(days.itertuples(index=False, name=None)) == sorted(expected)
    assert made.store.months(CUSTOMER_DAYS.name) == MONTHS


def test_facts_of_each_month_are_the_oracles(made: Made) -> None:
    for month in MONTHS:
        facts = Snapshot(made.snapshot.family, made.store, month).facts(CUSTOMER_DAYS)
        nobody = [row for row in made.nobody if row["month"] == month]
        ends = [str(r["day"]) for r in (*made.reviews, *nobody) if r["month"] == month]
        assert facts["no_user"] == len(nobody)
        assert facts["no_user_priced"] == sum(row["usd"] is not None for row in nobody)
        assert facts["last_day"] == max(ends, default=None)
        assert (facts["raw"] == 0) == (month == EMPTY_MONTH)
        assert facts["min_price"] == MIN_PRICE


def test_lifecycles_are_the_oracles(made: Made) -> None:
    users = made.until_last_day()
    expected, totals = [], dict.fromkeys(("new", "returning", "won_back", "lapsed"), (0, 0.0, 0.0))
    for user, rows in users.items():
        now = [row for row in rows if row["day"] >= START]
        before = [row for row in rows if START_BEFORE <= row["day"] < START]
        first = min(row["day"] for row in rows)
        if any(row["usd"] for row in now):
            status = "new" if first >= START else "returning" if before else "won_back"
            tenure = (L - first).days + 1
            days = len({row["day"] for row in rows})
            expected.append((user, status, first, tenure, days, spent(rows)))
        elif not now and any(row["usd"] for row in before):
            status = "lapsed"
        else:
            continue
        customers, spend, spend_before = totals[status]
        totals[status] = customers + 1, spend + spent(now), spend_before + spent(before)
    assert all(customers for customers, *_ in totals.values())
    found = made.table(CUSTOMER_LIFECYCLE, SNAPSHOT)
    assert sorted(found.itertuples(index=False, name=None)) == sorted(expected)
    summary = made.table(LIFECYCLE_SUMMARY, SNAPSHOT).set_index("status")
    assert list(summary.index) == [*totals]
    for status, figures in totals.items():
        assert tuple(summary.loc[status]) == pytest.approx(figures, rel=1e-12)


def test_cohorts_are_the_oracles(made: Made) -> None:
    last = quarter_of(date(2019, 12, 31))
    by_quarter: dict[tuple[int, int], list[tuple[str, float]]] = defaultdict(list)
    for user, rows in made.until_last_day().items():
        quarters = grouped(rows, lambda row: quarter_of(row["day"]))
        for quarter, of_quarter in quarters.items():
            by_quarter[min(quarters), quarter].append((user, spent(of_quarter)))
    expected = [
        (f"{cohort // 4}-Q{cohort % 4 + 1}", quarter - cohort, len(by_quarter[cohort, cohort]),
         len(by_quarter[cohort, quarter]), sum(usd for _, usd in by_quarter[cohort, quarter]))
        for cohort in sorted({cohort for cohort, _ in by_quarter if cohort <= last})
        for quarter in range(cohort, last + 1)
    ]  # fmt: skip
    found = made.table(COHORT_RETENTION, SNAPSHOT)
    *counts, spend = zip(*found.itertuples(index=False, name=None), strict=True)
    *expected_counts, expected_spend = zip(*expected, strict=True)
    assert counts == expected_counts
    assert spend == pytest.approx(expected_spend, rel=1e-12)


# --- Checks ---------------------------------------------------------------------------------------


def judge(check: Checks, handle: Any) -> Verdict:
    [only] = check
    return only.judge(handle)


def at_month(made: Made, month: str) -> Snapshot:
    return Snapshot(made.snapshot.family, made.store, month)


def test_history_reconciles_with_what_is_made_of_the_same_rows(made: Made) -> None:
    for month in MONTHS:
        for check, table in (
            (checks.reviews_as_clean, CLEAN_REVIEWS),
            (checks.priced_reviews_as_joined, JOINED_REVIEWS),
        ):
            verdict = judge(check, at_month(made, month))
            assert verdict.passed, verdict
            assert table.name not in verdict.sentence, "it was compared"
    for check in (
        checks.no_month_before_is_missing,
        checks.one_lifecycle_each,
        checks.window_as_features,
        checks.lifecycles_add_up,
        checks.active_within_cohorts,
    ):
        verdict = judge(check, made.snapshot)
        assert verdict.passed, verdict
    assert "Nothing" not in judge(checks.window_as_features, made.snapshot).sentence


def test_a_review_too_many_or_of_other_rows_is_noticed(made: Made, tmp_path: Any) -> None:
    store, month = Store(tmp_path, made.store.category), SNAPSHOT
    days, facts = made.table(CUSTOMER_DAYS, month), dict(made.snapshot.facts(CUSTOMER_DAYS))
    handle = Snapshot(made.snapshot.family, store, month)

    def found(**changed: Any) -> list[Verdict]:
        write_small(days, store, CUSTOMER_DAYS, month, facts | changed)
        return [
            judge(check, handle)
            for check in (checks.reviews_as_clean, checks.priced_reviews_as_joined)
        ]

    assert all("no such month" in each.sentence and each.passed for each in found())
    for table in (CLEAN_REVIEWS, JOINED_REVIEWS):
        stored = made.snapshot.facts(table)
        write_small(made.table(table, month), store, table, month, stored)
    assert [each.value for each in found()] == [0, 0]
    assert [each.value for each in found(no_user=facts["no_user"] + 1)] == [1, 0]
    assert [each.value for each in found(no_user_priced=facts["no_user_priced"] - 1)] == [0, 1]
    # The lamp and more no longer count.
    assert found(min_price=4.4)[1].value > 0
    assert all("no such month" in each.sentence for each in found(reviews_version="other"))
    assert "no such month" in found(products_version="other")[1].sentence


class Facts(dict[str, Record]):
    """A handle that only knows facts and small tables."""

    def facts(self, table: Table, *_: str) -> Record:
        return self[table.name]


def test_the_window_is_compared_where_the_same_prices_count() -> None:
    days = {"min_prices": [0.25], "window_reviews": 10, "window_spend": 99.5}
    features = {"min_price": 0.25, "counted_reviews": 10, "counted_usd": 99.504}

    def found(**changed: Any) -> Verdict:
        handle = Facts(customer_lifecycle=days | changed, rfm_features=features)
        return judge(checks.window_as_features, handle)

    assert found().passed
    assert not found(window_spend=99.49).passed
    assert not found(window_reviews=11).passed
    other = found(window_reviews=11, min_prices=[0.25, 1.0])
    assert other.passed
    assert other.sentence.startswith("Nothing to compare: prices above 0.25 and 1 USD count")


def test_lifecycles_and_cohorts_that_do_not_add_up_are_noticed() -> None:
    def small(frame: pd.DataFrame) -> Any:
        return SimpleNamespace(small=lambda _: frame, rows=lambda _: 6)

    summary = pd.DataFrame(
        {"status": ["new", "returning", "won_back", "lapsed"], "customers": [1, 2, 3, 100]}
    )
    assert judge(checks.lifecycles_add_up, small(summary)).passed
    assert not judge(checks.lifecycles_add_up, small(summary.assign(customers=1))).passed
    table = pd.DataFrame(
        {"quarters_since": [0, 1], "cohort_customers": [5, 5], "active_customers": [5, 5]}
    )
    assert judge(checks.active_within_cohorts, small(table)).value == 0
    for active in ([4, 4], [5, 6]):
        bad = small(table.assign(active_customers=active))
        assert judge(checks.active_within_cohorts, bad).value == 1


def test_a_customer_twice_or_not_at_all_is_noticed(spark: SparkSession) -> None:
    def handle(*users: str) -> Any:
        of = {RFM_FEATURES.name: ("a", "b"), CUSTOMER_LIFECYCLE.name: users}
        return SimpleNamespace(
            read=lambda table, _: spark.createDataFrame(
                [(user,) for user in of[table.name]], "user_id string"
            ),
            rows=lambda table: len(of[table.name]),
        )

    odd = {("a", "a"): 2, ("a",): 1, ("a", "b", "b"): 1}
    for users, number in odd.items():
        assert judge(checks.one_lifecycle_each, handle(*users)).value == number


def test_missing_months_and_days_are_told(made: Made, tmp_path: Any) -> None:
    stored = {"raw_reviews": MONTHS, "customer_days": MONTHS[2:]}
    handle: Any = SimpleNamespace(
        month=SNAPSHOT,
        storage=SimpleNamespace(months=stored.__getitem__),
        family=made.snapshot.family,
    )
    verdict = judge(checks.no_month_before_is_missing, handle)
    assert verdict.value == 2
    assert "2017-09 … 2017-10" in verdict.sentence
    # The customers of the snapshot, and no day of them but those of its own month.
    store = Store(tmp_path, made.store.category)
    for table in (RFM_FEATURES, CUSTOMER_DAYS):
        write_small(made.table(table, SNAPSHOT), store, table, SNAPSHOT, made.snapshot.facts(table))
    lone = Snapshot(
        made.snapshot.family,
        store,
        SNAPSHOT,
        stores=assets.customer_lifecycle.stores,
        reaches={CUSTOMER_DAYS.name: AllBefore.reach},
        spark_resource=made.snapshot.spark_resource,
    )
    with pytest.raises(InputError, match=r"customers of rfm_features 2020-02 .* have no day in"):
        assets.customer_lifecycle.body(lone)
    assert not store.months(CUSTOMER_LIFECYCLE.name)


def test_versions_tell_what_days_are_made_from() -> None:
    def version(fingerprint: str = "f", price: float = 0.25, product: str = "p") -> str:
        months = {"2020-01": MonthCounts(1)}
        manifest = Manifest("1-x", "test", {"a": FileRecord(fingerprint, 1, 0, [], months)})
        return made_from_days(manifest, "2020-01", {MADE_FROM: product}, price)[MADE_FROM]

    assert version() == version()
    assert len({version(), version("g"), version(price=0.5), version(product="q")}) == 4


# --- Pictures -------------------------------------------------------------------------------------

SCOPE = Scope("Electronics", "2023-09", 10, is_invented=False)
COHORTS = pd.DataFrame(
    [
        (cohorts.quarter_name(cohort), quarter - cohort, 1000, active, 1.0)
        for cohort in range(2000 * 4, 2015 * 4)
        for quarter in range(cohort, 2015 * 4)
        for active in (1000 if quarter == cohort else max(0, 200 - 11 * (quarter - cohort)),)
    ],
    columns=COHORT_RETENTION.column_names,
)
SUMMARY = pd.DataFrame(
    [
        ("new", 2, 50.0, 0.0),
        ("returning", 5, 140.0, 99.0),
        ("won_back", 3, 10.0, 0.0),
        ("lapsed", 40, 0.0, 77.0),
    ],
    columns=LIFECYCLE_SUMMARY.column_names,
)


def test_cohorts_are_drawn_without_their_first_quarter() -> None:
    picture = plots.cohort_retention(COHORTS.sample(frac=1, random_state=1), SCOPE)
    axes, _ = picture.figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    # The very last has no quarter after its first.
    assert len(names) == 20
    assert (names[0], names[-1]) == ("2009-Q4  (1 K)", "2014-Q3  (1 K)")
    assert list(axes.get_xticks()) == [*range(1, 21)]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert len(texts) == 20 * 21 / 2
    assert (texts[1, 0], texts[11, 0], texts[20, 0], texts[1, 19]) == ("19", "7.9", "0", "19")
    assert "2009-Q4, 1,000 customers: 18.9 % after 1, 15.6 % after 4, 11.2 % after 8" in picture.alt
    assert "2014-Q3, 1,000 customers: 18.9 % after 1." in picture.alt


def widths(axes: Axes) -> list[float]:
    return [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]


def test_lapsed_customers_stand_apart() -> None:
    picture = plots.lifecycle(SUMMARY, SCOPE)
    left, right = picture.figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == [
        "New", "Returning", "Won back", "", "Lapsed",
    ]  # fmt: skip
    assert widths(left) == [2, 5, 3, 0, 40]
    assert widths(right) == [50, 140, 10, 0, 77]
    assert picture.alt.endswith(
        "New 2 (20.0 %), spend $50.00 (25.0 %); Returning 5 (50.0 %), spend $140.00 (70.0 %); "
        "Won back 3 (30.0 %), spend $10.00 (5.0 %); Lapsed 40, spent before $77.00."
    )
    assert len({bar.get_facecolor() for bar in left.patches}) == 2


def test_nothing_to_draw_is_said() -> None:
    none = plots.lifecycle(SUMMARY.assign(customers=0), SCOPE)
    assert none.alt.endswith("No data: no customers.")
    first = plots.cohort_retention(COHORTS[COHORTS["quarters_since"] == 0], SCOPE)
    assert first.alt.endswith("No data: no quarter after the first.")
