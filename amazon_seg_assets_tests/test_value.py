"""Models of customer value: published figures, simulated customers, and plain Python."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from amazon_seg_assets.plots.style import Scope
from amazon_seg_assets.stages.value import bg_nbd, expectations, gamma_gamma, models, plots
from amazon_seg_assets.stages.value import histories as of_days
from amazon_seg_assets.stages.value.bg_nbd import Histories, Params
from amazon_seg_assets.stages.value.gamma_gamma import Spenders
from amazon_seg_assets.stages.value.models import WEEKS_A_MONTH, WEEKS_A_YEAR
from amazon_seg_assets.stages.value.tables import CUSTOMER_VALUE, VALUE_BACKTEST, VALUE_MODEL

# Of CDNOW's customers, as Fader, Hardie and Lee (2005) and Fader and Hardie (2013) publish them.
CDNOW = Params(0.243, 4.414, 0.793, 2.426)
CDNOW_SPEND = (6.25, 3.74, 15.44)

L, THEN = date(2023, 3, 31), date(2022, 3, 31)


def known(*columns: Sequence[float]) -> Histories:
    """Histories by the columns of a table: x, t_x, age and customers."""
    x, t_x, age, customers = (np.array(column, dtype=float) for column in columns)
    return Histories(x, t_x, age, customers)


def simulated(customers: int, later: float = 0.0) -> tuple[Histories, np.ndarray]:
    """Customers drawn from CDNOW's parameters, and their purchases in the ``later`` weeks."""
    draw = np.random.default_rng(39)
    age = draw.uniform(27, 39, customers)
    rates = draw.gamma(CDNOW.r, 1 / CDNOW.alpha, customers)
    leaves = draw.beta(CDNOW.a, CDNOW.b, customers)
    x, t_x, bought = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    for i in range(customers):
        time = 0.0
        while True:
            time += draw.exponential(1 / rates[i]) if rates[i] > 1e-12 else math.inf
            if time > age[i] + later:
                break
            if time <= age[i]:
                x[i], t_x[i] = x[i] + 1, time
            else:
                bought[i] += 1
            if draw.random() < leaves[i]:
                break
    return Histories(x, t_x, age, np.ones(customers)), bought


def test_the_published_expectation_is_met() -> None:
    customer = (np.array([2.0]), np.array([30.43]), np.array([38.86]))
    assert bg_nbd.expected_purchases(CDNOW, *customer, 39.0) == pytest.approx(1.226, abs=5e-4)
    assert bg_nbd.expected_purchases(CDNOW, *customer, 0.0) == 0


def test_the_likelihood_is_that_of_the_paper() -> None:
    found = known([0, 1, 4], [0, 9, 20], [30, 35, 38], [3, 2, 1])
    r, alpha, a, b = 0.3, 5.0, 0.8, 2.0
    total = 0.0
    for x, t_x, age, customers in zip(*vars(found).values(), strict=True):
        beta = math.lgamma(a + b) + math.lgamma(b + x) - math.lgamma(b) - math.lgamma(a + b + x)
        common = math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha) + beta
        either = (alpha + age) ** -(r + x)
        if x:
            either += a / (b + x - 1) * (alpha + t_x) ** -(r + x)
        total += customers * (common + math.log(either))
    likelihood = bg_nbd._Likelihood(found)
    logs = np.log([r, alpha, a, b])
    loss, slopes = likelihood.loss(logs)
    assert -loss * 6 == pytest.approx(total)
    for place, slope in enumerate(slopes):
        step = 1e-6 * np.eye(4)[place]
        ends = [likelihood.loss(logs + sign * step)[0] for sign in (1, -1)]
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-6)


def test_parameters_are_found_again() -> None:
    # An invented table: the published customers themselves are not ours to copy.
    histories, _ = simulated(8_000)
    found = bg_nbd.fit(histories)
    published = np.array([CDNOW.r, CDNOW.alpha, CDNOW.a, CDNOW.b])
    assert (found.agreeing, found.starts) == (3, 3)
    assert (np.abs(found.params - published) < 3 * found.standard_errors).all()
    assert (found.standard_errors < 0.3 * published).all()
    # Customers as weights are the same customers.
    weeks = Histories(
        histories.x, histories.t_x.round(), histories.age.round(), histories.customers
    )
    rows = np.stack([weeks.x, weeks.t_x, weeks.age], axis=1)
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    again = bg_nbd.fit(known(*distinct.T.tolist(), counts.tolist()))
    assert len(counts) < len(rows) / 3
    assert again.params == pytest.approx(bg_nbd.fit(weeks).params, rel=1e-3)


def test_many_histories_lead_to_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = simulated(4_000)
    whole = bg_nbd.fit(found)
    coarser = found.coarser(8)
    assert len(coarser.x) < len(found.x) / 10
    assert coarser.customers.sum() == found.customers.sum()
    assert (coarser.t_x <= coarser.age).all()
    assert set(coarser.age) <= {8.0 * n for n in range(6)}
    monkeypatch.setattr(bg_nbd, "MANY", 1_000)
    again = bg_nbd.fit(found)
    assert again.params == pytest.approx(whole.params, rel=1e-3)
    assert (again.agreeing, again.starts) == (3, 3)


def test_expectations_are_those_of_simulated_customers() -> None:
    histories, bought = simulated(15_000, later=26.0)
    seen = histories.x, histories.t_x, histories.age
    expected = bg_nbd.expected_purchases(CDNOW, *seen, 26.0)
    assert expected.mean() == pytest.approx(bought.mean(), rel=0.05)
    nothing = bg_nbd.p_no_purchase(CDNOW, *seen, 26.0)
    assert nothing.mean() == pytest.approx((bought == 0).mean(), abs=0.01)
    often = histories.x >= 2
    assert nothing[often].mean() == pytest.approx((bought[often] == 0).mean(), abs=0.03)
    alive = bg_nbd.p_alive(CDNOW, *seen)
    assert (alive[histories.x == 0] == 1).all()
    assert 0 < alive[often].min() < 0.2


def test_spend_is_found_again() -> None:
    draw = np.random.default_rng(5)
    p, q, v = CDNOW_SPEND
    days = draw.integers(1, 6, 8_000)
    rate = draw.gamma(q, 1 / v, len(days))
    mean = draw.gamma(p * days, 1 / rate) / days
    spenders = Spenders(days, mean, np.ones(len(days)))
    found = gamma_gamma.fit(spenders)
    assert (np.abs(found.params - CDNOW_SPEND) < 3 * found.standard_errors).all()
    assert abs(gamma_gamma.correlation(spenders)) < 0.05
    # Nobody is known of whom nothing is known: the mean of all, p v / (q - 1).
    none, once, often = gamma_gamma.expected_spend(
        CDNOW_SPEND, np.array([0, 1, 1_000]), np.array([0.0, 100.0, 100.0])
    )
    assert none == pytest.approx(p * v / (q - 1))
    assert once == pytest.approx(p * (v + 100) / (p + q - 1))
    assert none < once < often < 100


@pytest.fixture(scope="module")
def days() -> list[tuple[str, date, float]]:
    """Days of purchase of some customers over four years, some after L, some without spend."""
    draw = random.Random(3)
    found = {}
    for n in range(300):
        start, many = draw.randrange(1_500), draw.choice([1, 1, 1, 2, 3, 6])
        for _ in range(many):
            day = L + timedelta(days=60) - timedelta(days=draw.randrange(start + 1))
            found[f"u{n}", day] = draw.choice([0.0, 5.5, 20.0, 99.99])
    return [(user, day, usd) for (user, day), usd in found.items()]


def weeks(first: date, last: date) -> int:
    # Spark rounds halves away from zero.
    return math.floor((last - first).days / 7 + 0.5)


@pytest.fixture(scope="module")
def seen(spark: SparkSession, days: list[tuple[str, date, float]]) -> Any:
    frame = spark.createDataFrame(days, "user_id string, day date, spend double").repartition(3)
    users = sorted({user for user, day, _ in days if THEN < day <= L})
    customers = spark.createDataFrame([(user,) for user in users], "user_id string")
    found = of_days.purchase_histories(frame, customers, L).persist()
    yield found
    found.unpersist()


def test_histories_are_those_of_plain_python(
    seen: Any, days: list[tuple[str, date, float]]
) -> None:
    bought: dict[str, dict[date, float]] = defaultdict(dict)
    for user, day, usd in days:
        if day <= L:  # what comes later must not count
            bought[user][day] = usd
    expected = []
    for user, of_user in bought.items():
        first, last = min(of_user), max(of_user)
        before = [day for day in of_user if day <= THEN]
        row: tuple[Any, ...] = (
            user if any(day > THEN for day in of_user) else None,
            len(of_user) - 1,
            weeks(first, last),
            weeks(first, L + timedelta(days=1)),
            sum(usd > 0 for usd in of_user.values()),
            pytest.approx(sum(of_user.values())),
        )
        then: tuple[Any, ...] = (None, None, None)
        if before:
            then = len(before) - 1, weeks(first, max(before)), weeks(first, THEN + timedelta(1))
        year_before = sum(day > date(2021, 3, 31) for day in before)
        expected.append((*row, *then, first.year, len(of_user) - len(before), year_before))
    rows = [tuple(row)[:-1] for row in seen.collect()]
    assert sorted(rows, key=repr) == sorted(expected, key=lambda row: repr(_plain(row)))
    grouped = of_days.distinct_histories(seen)
    assert grouped.customers.sum() == len(bought)
    assert grouped.customers.max() > 1
    spending = of_days.spenders(seen)
    assert (spending.days * spending.customers).sum() == sum(row[4] for row in rows)
    assert (spending.mean * spending.days * spending.customers).sum() == pytest.approx(
        sum(row[5] for row in rows), rel=0.01
    )


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(getattr(each, "expected", each) for each in row)


def test_customers_get_what_the_models_expect(seen: Any) -> None:
    fitted = models.fit(of_days.distinct_histories(seen), of_days.spenders(seen))
    found = pd.DataFrame(expectations.customer_value(seen, fitted.params, 180, 0.1).toPandas())
    assert list(found.columns) == CUSTOMER_VALUE.column_names
    of_customers = pd.DataFrame(seen.where("user_id IS NOT NULL").toPandas())
    both = found.merge(of_customers, on="user_id", validate="one_to_one")
    assert len(both) == len(found) == len(of_customers) > 50
    x, t_x, age = (both[name].to_numpy(float) for name in ("x", "t_x", "age"))
    params = fitted.params.purchases
    assert both["p_alive"].to_numpy() == pytest.approx(bg_nbd.p_alive(params, x, t_x, age))
    nothing = bg_nbd.p_no_purchase(params, x, t_x, age, 180 / 7)
    assert both["p_no_purchase"].to_numpy() == pytest.approx(nothing)
    ends = [
        bg_nbd.expected_purchases(params, x, t_x, age, months * WEEKS_A_MONTH)
        for months in (3, 6, 12)
    ]
    for name, expected in zip(("3m", "6m", "12m"), ends, strict=True):
        assert both[f"expected_purchases_{name}"].to_numpy() == pytest.approx(expected)
    each = gamma_gamma.expected_spend(
        fitted.spend.params.tolist(),
        both["spend_days"].to_numpy(float),
        (both["spend"] / both["spend_days"].clip(lower=1)).to_numpy(),
    )
    discounted = (
        ends[0] * 1.1 ** (-1.5 / 12)
        + (ends[1] - ends[0]) * 1.1 ** (-4.5 / 12)
        + (ends[2] - ends[1]) * 1.1 ** (-9 / 12)
    )
    assert both["expected_spend_12m"].to_numpy() == pytest.approx(
        discounted * each * fitted.priced_share
    )


def test_too_few_who_came_again_give_no_value(seen: Any) -> None:
    few = known([0, 1], [0, 5], [9, 9], [5_000, 99])
    reason = models.too_few(few)
    assert reason is not None
    assert reason.startswith("Only 99 customers came again, fewer than the 100")
    found = pd.DataFrame(expectations.unknown_value(seen).toPandas())
    assert list(found.columns) == CUSTOMER_VALUE.column_names
    assert found[list(expectations.FIGURES)].isna().all(axis=None)
    assert (found["purchase_days"] >= 1).all()


def test_expectations_are_judged_by_what_came(seen: Any) -> None:
    rows = of_days.last_year(seen, 300)
    assert rows["customers"].sum() == seen.where("x_then IS NOT NULL").count()
    assert of_days.last_year(seen, 10 * of_days.MOST_JUDGED)["customers"].sum() < 100
    judged = models.backtest(CDNOW, rows)
    table = judged.table
    assert list(table.columns) == VALUE_BACKTEST.column_names
    for _, group in table.groupby("grouping"):
        assert group["customers"].sum() == rows["customers"].sum()
        assert group["actual"].sum() == (rows["actual"] * rows["customers"]).sum()
    assert "7 or more" not in table["name"].tolist()
    x, t_x, age = (rows[name].to_numpy(float) for name in ("x_then", "t_x_then", "age_then"))
    expected = bg_nbd.expected_purchases(CDNOW, x, t_x, age, WEEKS_A_YEAR)
    off = np.abs(expected - rows["actual"]) @ rows["customers"] / rows["customers"].sum()
    assert judged.error == pytest.approx(off)
    assert judged.bias == pytest.approx(table["expected"].sum() / table["actual"].sum() - 1)
    naive = (rows["as_last_year"] - rows["actual"]).abs() @ rows["customers"]
    assert judged.naive_error == pytest.approx(naive / rows["customers"].sum())


def test_parameters_are_told_by_their_names() -> None:
    histories, _ = simulated(2_000)
    table = models.parameters("now", {"bg_nbd": (bg_nbd.NAMES, bg_nbd.fit(histories))})
    assert list(table.columns) == VALUE_MODEL.column_names
    assert table["parameter"].tolist() == ["r", "alpha", "a", "b"]


def test_the_plot_tells_expectations_beside_what_came() -> None:
    groups = pd.DataFrame(
        [("repeats", "0", 10, 1.0, 2, 5), ("cohort", "2021", 10, 1.0, 2, 5)],
        columns=VALUE_BACKTEST.column_names,
    )
    picture = plots.backtest(groups, Scope("Toys", "2023-03", 12, False))
    assert "0 (10 customers) actual 0.2, expected by BG/NBD 0.1, as in the year before 0.5" in (
        picture.alt
    )
    assert len(picture.figure.axes) == 2
    assert "too short" in plots.backtest(groups[:0], Scope("Toys", "2023-03", 12, False)).alt
