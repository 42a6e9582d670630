"""Churn: features against plain Python, metrics against scikit-learn, no look into the future."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from sklearn import metrics

from amazon_seg_assets.plots.style import Scope
from amazon_seg_assets.stages.churn import (
    drift,
    evaluation,
    features,
    logistic,
    plots,
    reasons,
    samples,
    scores,
    training,
)
from amazon_seg_assets.stages.churn.cutoffs import Cutoffs, cutoffs
from amazon_seg_assets.stages.churn.tables import (
    CHURN_CALIBRATION,
    CHURN_CURVES,
    CHURN_EVALUATION,
    CHURN_FEATURES,
    CHURN_IMPORTANCE,
    CHURN_SCORES,
    FEATURES,
    METRICS,
)

SCOPE = Scope("Toys", "2023-09", 969, False)
L = date(2023, 9, 13)


# Cut-offs


def test_cutoffs_are_ends_of_months_a_horizon_apart() -> None:
    assert cutoffs(L, 180) == Cutoffs(date(2022, 8, 31), date(2023, 2, 28), L, 180)
    # 180 days before the end of June are New Year's Day; the year's end is far enough.
    assert cutoffs(date(2023, 6, 30), 180).evaluate == date(2022, 12, 31)
    assert cutoffs(date(2024, 3, 30), 30).evaluate == date(2024, 2, 29)
    for horizon in (30, 90, 365):
        when = cutoffs(L, horizon)
        assert when.evaluate <= when.now - timedelta(days=horizon)
        assert when.train <= when.evaluate - timedelta(days=horizon)
        assert {(day + timedelta(days=1)).day for day in (when.train, when.evaluate)} == {1}


# Evaluation


@pytest.fixture(scope="module")
def guesses() -> tuple[np.ndarray, np.ndarray]:
    """Customers who churned, and probabilities that know something of it, with ties."""
    draw = np.random.default_rng(8)
    score = draw.beta(2, 1, 4_000).round(2).clip(0.01, 0.99)
    return (draw.random(4_000) < score**1.3).astype(float), score


def test_metrics_are_those_of_scikit_learn(guesses: tuple[np.ndarray, np.ndarray]) -> None:
    truth, score = guesses
    is_repeat = np.arange(len(truth)) % 3 == 0
    table = evaluation.evaluate(truth, {"chosen": score}, is_repeat)
    assert list(table.columns) == CHURN_EVALUATION.column_names
    assert table["population"].tolist() == ["all", "repeat", "one_review"]
    for row, of in zip(
        table.to_dict("records"), (np.full(len(truth), True), is_repeat, ~is_repeat), strict=True
    ):
        y, p = truth[of], score[of]
        assert (row["customers"], row["base_rate"]) == (len(y), pytest.approx(y.mean()))
        assert row["roc_auc"] == pytest.approx(metrics.roc_auc_score(y, p))
        assert row["pr_auc"] == pytest.approx(metrics.average_precision_score(y, p))
        assert row["log_loss"] == pytest.approx(metrics.log_loss(y, p))
        assert row["brier"] == pytest.approx(metrics.brier_score_loss(y, p))
        for metric in METRICS:
            assert row[f"{metric}_low"] <= row[metric] * 1.001
            assert row[metric] <= row[f"{metric}_high"] * 1.05
        # A usual formula for the standard error of the AUC (Hanley and McNeil, 1982).
        area, positive, negative = row["roc_auc"], y.sum(), (1 - y).sum()
        q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
        variance = area * (1 - area) + (positive - 1) * (q1 - area**2)
        variance += (negative - 1) * (q2 - area**2)
        error = math.sqrt(variance / positive / negative)
        assert row["roc_auc_high"] - row["roc_auc_low"] == pytest.approx(4 * error, rel=0.35)
    assert evaluation.evaluate(truth, {"chosen": score}, is_repeat).equals(table)


def test_one_case_alone_has_no_metrics() -> None:
    table = evaluation.evaluate(np.ones(5), {"base_rate": np.ones(5)}, np.full(5, False))
    assert table["population"].tolist() == ["all", "one_review"]
    assert table["roc_auc"].isna().all()


def test_tenths_curves_and_lift(guesses: tuple[np.ndarray, np.ndarray]) -> None:
    truth, score = guesses
    tenths = evaluation.calibration(truth, score)
    assert set(tenths.columns) == set(CHURN_CALIBRATION.column_names)
    assert tenths["customers"].tolist() == [400] * 10
    assert tenths["predicted"].is_monotonic_increasing
    highest = truth[np.argsort(score, kind="stable")][-400:]
    assert tenths["observed"].iloc[-1] == pytest.approx(highest.mean())
    curves = evaluation.curves(truth, {"chosen": score})
    assert list(curves.columns) == CHURN_CURVES.column_names
    roc = curves[curves["curve"] == "roc"]
    area = np.trapezoid(roc["up"], roc["across"])
    assert area == pytest.approx(metrics.roc_auc_score(truth, score), abs=0.002)
    lift = curves[curves["curve"] == "lift"].set_index("across")["up"]
    assert lift[1.0] == pytest.approx(1)
    row = evaluation.evaluate(truth, {"chosen": score}, score > 2).iloc[0]
    assert lift[0.1] == pytest.approx(row["top_decile_lift"])
    best = truth[np.argsort(-score, kind="stable")][:400].mean() / truth.mean()
    assert lift[0.1] == pytest.approx(best, rel=0.05)


def test_what_a_model_leans_on_is_found() -> None:
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({name: draw.random(2_000) for name in "abc"})
    truth = (frame["a"] + 0.3 * frame["b"] > 0.65).to_numpy(float)
    table = evaluation.importance(
        lambda of: (of["a"] + 0.3 * of["b"]).to_numpy(), frame, truth, ["a", "b", "c"]
    )
    assert list(table.columns) == CHURN_IMPORTANCE.column_names
    assert table["feature"].tolist() == ["a", "b", "c"]
    assert table["loss_of_auc"].tolist()[2] == 0
    assert table["loss_of_auc"].iloc[0] > 5 * table["loss_of_auc"].iloc[1] > 0


# Features


Day = tuple[str, date, int, int, float, float, int, int, int]
SCHEMA = (
    "user_id string, day date, reviews bigint, priced_reviews bigint, spend double, rating_sum "
    "double, low_ratings bigint, helpful_votes bigint, products bigint"
)


def random_days(seed: int, customers: int) -> list[Day]:
    """Customers who come at rates of their own, and leave."""
    draw, found = random.Random(seed), {}
    for n in range(customers):
        user, gap = f"u{n:04}", draw.choice([20, 60, 150, 400])
        day = date(2019, 9, 1) + timedelta(days=draw.randrange(1_400))
        while day <= L + timedelta(days=60):
            priced = draw.random() < 0.8
            found[user, day] = (
                user, day, 1 + (draw.random() < 0.2), int(priced),
                draw.choice([5.0, 20.5, 99.99]) if priced else 0.0,
                float(draw.randint(1, 5)), int(draw.random() < 0.15), draw.randrange(4), 1,
            )  # fmt: skip
            if draw.random() < 0.25:
                break
            day += timedelta(days=1 + round(draw.expovariate(1 / gap)))
    return list(found.values())


@pytest.fixture(scope="module")
def rows() -> list[Day]:
    return random_days(26, 1_000)


@pytest.fixture(scope="module")
def days(spark: SparkSession, rows: list[Day]) -> Iterator[DataFrame]:
    frame = spark.createDataFrame(rows, SCHEMA).repartition(2).persist()
    yield frame
    frame.unpersist()


def months_before(day: date, months: int) -> date:
    return (pd.Timestamp(day) - pd.DateOffset(months=months)).date()


def expected_features(rows: list[Day], cutoff: date) -> dict[str, dict[str, Any]]:
    bought: dict[str, list[Day]] = defaultdict(list)
    for row in rows:
        if row[1] <= cutoff:
            bought[row[0]].append(row)
    found: dict[str, dict[str, Any]] = {}
    for user, of in bought.items():
        if not any(row[3] and row[1] >= months_before(cutoff, 12) for row in of):
            continue
        when = sorted(row[1] for row in of)
        months = sorted({day.year * 12 + day.month for day in when})
        gaps = [later - earlier for earlier, later in pairwise(months)]
        open_gap = max(cutoff.year * 12 + cutoff.month - months[-1], 1)
        recency, tenure = (cutoff - when[-1]).days + 1, (cutoff - when[0]).days + 1
        spend = {n: sum(r[4] for r in of if r[1] > months_before(cutoff, n)) for n in (6, 12)}
        before = spend[12] - spend[6]
        reviews = sum(row[2] for row in of)
        found[user] = {
            "recency_days": recency,
            "tenure_days": tenure,
            **{f"days_{n}m": sum(d > months_before(cutoff, n) for d in when) for n in (1, 3, 24)},
            "days_ever": len(when),
            "spend_6m": spend[6],
            "spend_ever": sum(row[4] for row in of),
            "gap_mean_months": np.mean(gaps) if gaps else open_gap,
            "gap_last_months": gaps[-1] if gaps else open_gap,
            "gap_spread_months": np.std(gaps) if gaps else 0,
            "recency_over_gap": recency / max(float(np.mean(gaps or [open_gap])), 1) / 365.25 * 12,
            "spend_trend": (spend[6] - before) / spend[12] if spend[12] else 0,
            "mean_rating": sum(row[5] for row in of) / reviews,
            "low_rating_share": sum(row[6] for row in of) / reviews,
            "helpful_votes": sum(row[7] for row in of),
            "active_month_share": len(months) / max(math.ceil(tenure / (365.25 / 12)), len(months)),
        }  # fmt: skip
    return found


def test_features_are_those_of_plain_python(days: DataFrame, rows: list[Day]) -> None:
    table = pd.DataFrame(features.churn_features(days, L).toPandas())
    assert list(table.columns) == CHURN_FEATURES.column_names
    expected = expected_features(rows, L)
    assert set(table["user_id"]) == set(expected)
    of_user = table.set_index("user_id").to_dict("index")
    for user, figures in expected.items():
        found = {name: of_user[user][name] for name in figures}
        assert found == pytest.approx(figures, rel=1e-6, abs=1e-6), user


@pytest.fixture(scope="module")
def sampled(days: DataFrame) -> samples.Sample:
    return samples.sample(days, cutoffs(L, 180), 400)


def test_customers_are_labelled_by_what_came(sampled: samples.Sample, rows: list[Day]) -> None:
    when = cutoffs(L, 180)
    for part, cutoff in ((sampled.train, when.train), (sampled.later, when.evaluate)):
        assert set(part["user_id"]) == set(expected_features(rows, cutoff))
        back = {r[0] for r in rows if cutoff < r[1] <= cutoff + timedelta(days=180)}
        assert set(part.loc[~part["churned"], "user_id"]) == back & set(part["user_id"])
        assert 0.4 < part["held_out"].mean() < 0.6
    held_out = set(sampled.later.loc[sampled.later["held_out"], "user_id"])
    fitted_on = set(sampled.train.loc[~sampled.train["held_out"], "user_id"])
    assert not fitted_on & held_out


def test_later_days_change_nothing(spark: SparkSession, days: DataFrame, rows: list[Day]) -> None:
    cutoff = cutoffs(L, 180).evaluate
    poisoned = [
        row if row[1] <= cutoff else (row[0], row[1], 99, 99, 1e6, 99.0, 99, 999, 99)
        for row in rows
    ]
    next_day, taken = cutoff + timedelta(days=1), {row[:2] for row in rows}
    others = [row[0] for row in rows[:200] if (row[0], next_day) not in taken]
    poisoned += [(user, next_day, 9, 9, 9.0, 9.0, 9, 9, 9) for user in dict.fromkeys(others)]
    other = spark.createDataFrame(poisoned, SCHEMA)
    before, after = (
        pd.DataFrame(features.churn_features(frame, cutoff).toPandas()).sort_values(
            "user_id", ignore_index=True
        )
        for frame in (days, other)
    )
    pd.testing.assert_frame_equal(before, after)


# The model


@pytest.fixture(scope="module")
def judged(sampled: samples.Sample) -> training.Judged:
    assert training.too_little(sampled.train, sampled.later) is None
    return training.judge(sampled, 180)


def test_models_are_judged_beside_simple_rules(
    judged: training.Judged, sampled: samples.Sample
) -> None:
    table = judged.table.set_index(["model", "population"])
    assert {model for model, _ in table.index} == {
        "base_rate", "recency_alone", "rfm_score", "bg_nbd", "logistic", "chosen",
    }  # fmt: skip
    held_out = int(sampled.later["held_out"].sum())
    assert (table.xs("all", level="population")["customers"] == held_out).all()
    assert table.loc[("base_rate", "all"), "roc_auc"] == 0.5
    # Those who are gone are drawn without regard to stars; silence tells of them.
    chosen = table.loc[("chosen", "all")]
    assert chosen["roc_auc"] > 0.65
    assert chosen["log_loss"] <= table.loc[("logistic", "all"), "log_loss"]
    assert chosen["log_loss"] < table.loc[("base_rate", "all"), "log_loss"]
    assert judged.strongest[0] < 0.98
    assert judged.kind in ("linear", "bent")


def test_the_pipeline_says_what_the_model_says(
    judged: training.Judged, days: DataFrame, tmp_path: Any
) -> None:
    model = logistic.Logistic.from_facts(judged.model.to_facts())
    logistic.pipeline(model).save(str(tmp_path / "model"))
    loaded = PipelineModel.load(str(tmp_path / "model"))
    frame = features.churn_features(days, L)
    values = frame.select("user_id", (frame["recency_days"] * 2.0).alias("expected_spend_12m"))
    found = pd.DataFrame(scores.churn_scores(frame, values, loaded, model).toPandas())
    assert list(found.columns) == CHURN_SCORES.column_names
    known = pd.DataFrame(frame.toPandas()).set_index("user_id").loc[found["user_id"]].reset_index()
    expected = judged.model.probabilities(known)
    assert found["churn_probability"].to_numpy() == pytest.approx(expected, rel=1e-9)
    assert found["expected_loss"].to_numpy() == pytest.approx(expected * known["recency_days"] * 2)
    thirds = np.select([expected < 1 / 3, expected > 2 / 3], ["low", "high"], "middle")
    assert found["band"].tolist() == thirds.tolist()
    # Reasons are given to those whom they raise, and are true of them.
    above = found["churn_probability"] > found["churn_probability"].median()
    told = found["reason_1"].notna()
    assert told[above].mean() > told[~above].mean()
    seen = found["reason_1"].str.extract(r"last seen (\d+) days ago")[0].dropna()
    assert len(seen) > 10
    assert seen.astype(int).tolist() == known.loc[seen.index, "recency_days"].tolist()
    assert (found["reason_2"].isna() <= found["reason_3"].isna()).all()


def test_reasons_are_those_that_weigh_most_and_can_be_said(spark: SparkSession) -> None:
    known = dict.fromkeys(FEATURES, 0.0) | {"days_12m": 1, "recency_over_gap": 3.44}
    customers = [
        {**known, "recency_days": 40, "days_ever": 1, "active_month_share": 1.0},
        {**known, "recency_days": 40, "days_ever": 2, "active_month_share": 0.7},
        {**known, "recency_days": 20, "days_ever": 9, "active_month_share": 1.0},
    ]
    weights = {
        "recency_days": "0.1D * days_ever", "days_ever": "0.15D", "recency_over_gap": "0.3D",
        "days_12m": "0.04D", "spend_trend": "9D",
    }  # fmt: skip
    found = spark.createDataFrame(pd.DataFrame(customers)).select(*reasons.reasons(weights))
    assert [tuple(row) for row in found.collect()] == [
        ("came once only", "last seen 40 days ago", None),
        ("silent for 3.4 times the usual gap", "last seen 40 days ago", "came twice only"),
        (None, None, None),
    ]


def test_too_little_to_learn_from_is_said(sampled: samples.Sample, days: DataFrame) -> None:
    all_gone = sampled.later.assign(churned=True)
    told = training.too_little(sampled.train, all_gone)
    assert told is not None
    assert f"{int(all_gone['held_out'].sum()):,} churned" in told
    nobody = pd.DataFrame(scores.no_scores(features.churn_features(days, L)).limit(3).toPandas())
    assert list(nobody.columns) == CHURN_SCORES.column_names
    assert nobody.drop(columns="user_id").isna().all(axis=None)


def test_terms_bend_at_knots() -> None:
    frame = pd.DataFrame({name: np.arange(100.0) for name in FEATURES})
    bent = logistic.bent_terms(frame)
    at = [term for term in bent if term.feature == "days_12m" and term.knot is not None]
    assert len(at) == len(logistic.KNOTS)
    assert at[1].sql == f"greatest(log1p(days_12m) - {at[1].knot!r}D, 0D)"
    columns = logistic.values(at, frame)
    assert (columns[:10] == 0).all()
    assert columns[-1, 0] == pytest.approx(np.log1p(99) - at[0].knot)
    # A feature that never varies has no say.
    same = frame.assign(season_sine=0.5)
    model = logistic.fit(logistic.linear_terms(), same, (np.arange(100) > 60).astype(float))
    assert model.weights[FEATURES.index("season_sine")] == 0
    assert model.probabilities(same)[-1] > 0.8 > 0.2 > model.probabilities(same)[0]


def test_drift_is_zero_where_nothing_has_changed() -> None:
    now = {"x_bin_0": 50, "x_bin_1": 50}
    assert drift.stability_index("x", now, {"x_bin_0": 5, "x_bin_1": 5}) == 0
    # (0.5 - 0.1) ln 5 + (0.5 - 0.9) ln (5 / 9)
    found = drift.stability_index("x", now, {"x_bin_0": 10, "x_bin_1": 90})
    assert found == pytest.approx(0.4 * math.log(5) - 0.4 * math.log(5 / 9))
    assert not drift.is_told("x", now, {"y_bin_0": 1})


def test_plots_tell_their_numbers(judged: training.Judged) -> None:
    told = plots.models(judged.table, SCOPE).alt
    assert "recency alone 0." in told
    assert "Customers who came again" in told
    assert "tenth 10 predicted" in plots.calibration(judged.calibration, SCOPE).alt
    assert "Lift of the first tenth: " in plots.curves(judged.curves, SCOPE).alt
    assert "recency days" in plots.importance(judged.importance, SCOPE).alt
    for draw, table in (
        (plots.models, judged.table), (plots.calibration, judged.calibration),
        (plots.curves, judged.curves), (plots.importance, judged.importance),
    ):  # fmt: skip
        assert "no model" in draw(table[:0], SCOPE).alt
