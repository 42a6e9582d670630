"""Judgements by checks of later stages: data that each check accepts, and that it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from amazon_seg_assets.dag.checks import Check, Checks
from amazon_seg_assets.dag.derived import derived_verdicts
from amazon_seg_assets.dag.handles import Snapshot, Whole
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.churn import checks as of_churn
from amazon_seg_assets.stages.churn.drift import FEATURE_EDGES, SCORE_EDGES
from amazon_seg_assets.stages.churn.tables import (
    CHURN_CALIBRATION,
    CHURN_EVALUATION,
    CHURN_FEATURES,
    CHURN_SCORES,
    METRICS,
)
from amazon_seg_assets.stages.cleaning.tables import CLEAN_REVIEWS
from amazon_seg_assets.stages.clusters.tables import K_SWEEP
from amazon_seg_assets.stages.comparison import checks as of_ways
from amazon_seg_assets.stages.comparison.tables import CLUSTERING_COMPARISON
from amazon_seg_assets.stages.sentiment import checks as of_sentiment
from amazon_seg_assets.stages.sentiment.tables import (
    REVIEW_SENTIMENT,
    SEGMENT_SENTIMENT,
    SEGMENT_WORDS,
    SENTIMENT_EVALUATION,
)
from amazon_seg_assets.stages.value import checks as of_value
from amazon_seg_assets.stages.value.tables import CUSTOMER_VALUE, VALUE_BACKTEST, VALUE_MODEL
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import write_small
from amazon_seg_assets_tests.graph import family_of

NOW, MONTH_AGO, YEAR_AGO = "2023-03", "2023-02", "2022-03"


@pytest.fixture
def snapshot(tmp_path: Any) -> Snapshot:
    return Snapshot(family_of(), Store(tmp_path, "Toys"), NOW)


def put(
    snapshot: Snapshot,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any] | None = None,
    month: str = NOW,
) -> None:
    """Stores rows, with something possible in columns that are not given."""
    likely = {
        **{"string": "x", "double": 0.5, "int64": 1, "int32": 1, "bool": True},
        "timestamp[us, tz=UTC]": pd.Timestamp("2023-03-01", tz="UTC"),
    }
    filled = [
        {each.name: row.get(each.name, likely[str(each.type)]) for each in table.columns}
        for row in rows
    ]
    frame = pd.DataFrame(filled, columns=table.column_names)
    write_small(frame, snapshot.storage, table, month, facts)


def judged(checks: Checks, snapshot: Snapshot, **thresholds: Any) -> Verdict:
    [check] = checks
    return check.judge(snapshot, **thresholds)


def passes(checks: Checks, snapshot: Snapshot, **thresholds: Any) -> bool:
    return judged(checks, snapshot, **thresholds).passed


@pytest.mark.parametrize(
    ("column", "value"),
    [("p_alive", 1.01), ("p_no_purchase", -0.1), ("expected_spend_6m", -1.0)],
)
def test_impossible_values_of_customers_are_found(
    snapshot: Snapshot, column: str, value: float
) -> None:
    put(snapshot, CUSTOMER_VALUE, [{}, {"p_alive": None}])
    assert passes(of_value.figures_possible, snapshot)
    put(snapshot, CUSTOMER_VALUE, [{}, {column: value}])
    verdict = judged(of_value.figures_possible, snapshot)
    assert not verdict.passed
    assert column in verdict.sentence


def test_a_search_that_does_not_settle_is_told(snapshot: Snapshot) -> None:
    facts = {"reason": None, "starts_that_agree": 2, "spend_correlation": -0.3}
    put(snapshot, VALUE_MODEL, [{}], facts)
    assert passes(of_value.starts_agree, snapshot)
    assert passes(of_value.spend_independent, snapshot)
    put(snapshot, VALUE_MODEL, [{}], {**facts, "starts_that_agree": 1, "spend_correlation": -0.31})
    assert not passes(of_value.starts_agree, snapshot)
    assert not passes(of_value.spend_independent, snapshot)
    assert passes(of_value.spend_independent, snapshot, max_correlation=0.4)


def test_expectations_far_from_what_came_are_told(snapshot: Snapshot) -> None:
    facts = {"reason": None, "bias": -0.5, "error": 0.2, "naive_error": 0.2}
    put(snapshot, VALUE_BACKTEST, [{}], facts)
    assert passes(of_value.expectations_met, snapshot)
    assert passes(of_value.better_than_last_year, snapshot)
    put(snapshot, VALUE_BACKTEST, [{}], {**facts, "bias": 0.51, "error": 0.201})
    assert not passes(of_value.expectations_met, snapshot)
    assert not passes(of_value.better_than_last_year, snapshot)


def evaluation(model: str, area: float, low: float) -> dict[str, Any]:
    return {"model": model, "population": "all", "roc_auc": area, "roc_auc_low": low}


def test_a_leak_an_odd_rate_and_a_useless_model_are_told(snapshot: Snapshot) -> None:
    facts = {
        "reason": None, "strongest_feature": "x", "strongest_feature_auc": 0.98, "base_rate": 0.5,
    }  # fmt: skip
    rows = [evaluation("chosen", 0.8, 0.7), evaluation("recency_alone", 0.7, 0.6)]
    put(snapshot, CHURN_EVALUATION, rows, facts)
    for check in (
        of_churn.no_leak, of_churn.base_rate_plausible, of_churn.better_than_recency_alone,
    ):  # fmt: skip
        assert passes(check, snapshot)
    put(
        snapshot,
        CHURN_EVALUATION,
        [evaluation("chosen", 0.8, 0.69), rows[1]],
        {**facts, "strongest_feature_auc": 0.981, "base_rate": 0.99},
    )
    for check in (
        of_churn.no_leak, of_churn.base_rate_plausible, of_churn.better_than_recency_alone,
    ):  # fmt: skip
        assert not passes(check, snapshot)
    put(snapshot, CHURN_EVALUATION, rows, {**facts, "base_rate": 0.01})
    assert not passes(of_churn.base_rate_plausible, snapshot)
    assert {f"{metric}_low" for metric in METRICS} < {*CHURN_EVALUATION.column_names}


def test_probabilities_that_do_not_mean_what_they_say_are_told(snapshot: Snapshot) -> None:
    tenths = [
        {"tenth": n, "customers": 10 * n, "predicted": 0.5, "observed": 0.5 + off}
        for n, off in ((1, 0.15), (2, 0.0))
    ]
    put(snapshot, CHURN_CALIBRATION, tenths)
    assert judged(of_churn.calibrated, snapshot).value == pytest.approx(0.05)
    assert not passes(of_churn.calibrated, snapshot, max_error=0.049)


@pytest.mark.parametrize(("column", "value"), [("churn_probability", 1.1), ("expected_loss", -1.0)])
def test_impossible_scores_are_found(snapshot: Snapshot, column: str, value: float) -> None:
    put(snapshot, CHURN_SCORES, [{}])
    assert passes(of_churn.probabilities_possible, snapshot)
    put(snapshot, CHURN_SCORES, [{column: value}])
    assert not passes(of_churn.probabilities_possible, snapshot)


@pytest.mark.parametrize(
    ("table", "check", "edges"),
    [
        (CHURN_FEATURES, of_churn.features_steady, FEATURE_EDGES),
        (CHURN_SCORES, of_churn.scores_steady, SCORE_EDGES),
    ],
    ids=["features", "scores"],
)
def test_drift_is_told_against_the_nearest_snapshot(
    snapshot: Snapshot, table: Table, check: Checks, edges: Mapping[str, Any]
) -> None:
    def bins(*first: int) -> dict[str, int]:
        return {
            f"{name}_bin_{n}": first[n] if n < len(first) else 10
            for name, inner in edges.items()
            for n in range(len(inner) + 1)
        }

    put(snapshot, table, [{}], bins())
    assert "No earlier snapshot" in judged(check, snapshot).sentence
    put(snapshot, table, [{}], bins(11, 9), YEAR_AGO)
    assert passes(check, snapshot)
    put(snapshot, table, [{}], bins(400), MONTH_AGO)
    verdict = judged(check, snapshot)
    assert not verdict.passed
    assert MONTH_AGO in verdict.sentence


@pytest.mark.parametrize(
    ("column", "value"), [("stability", -1.1), ("outcome_lift", 1.1), ("wcss", None)]
)
def test_odd_figures_of_ways_to_cluster_are_found(
    snapshot: Snapshot, column: str, value: float | None
) -> None:
    failed = {"wcss": None, "outcome_lift": None, "failure": "none"}
    put(snapshot, CLUSTERING_COMPARISON, [{"failure": None}, failed])
    assert passes(of_ways.comparison_figures_possible, snapshot)
    put(snapshot, CLUSTERING_COMPARISON, [{"failure": None, column: value}])
    assert not passes(of_ways.comparison_figures_possible, snapshot)


def test_kmeans_must_be_measured_on_the_customers_of_its_sweep(snapshot: Snapshot) -> None:
    ours, whole = {"algorithm": "kmeans", "k": 2}, {"parts_of_customers": 1}
    put(snapshot, K_SWEEP, [{"k": 2, "wcss": 4.0}])
    put(snapshot, CLUSTERING_COMPARISON, [ours | {"wcss": 4.000001}], whole)
    assert passes(of_ways.measured_as_in_the_sweep, snapshot)
    put(snapshot, CLUSTERING_COMPARISON, [ours | {"wcss": 4.00001}], whole)
    assert not passes(of_ways.measured_as_in_the_sweep, snapshot)
    put(snapshot, CLUSTERING_COMPARISON, [ours | {"wcss": 1.0}], {"parts_of_customers": 2})
    assert passes(of_ways.measured_as_in_the_sweep, snapshot)


def test_a_way_that_tells_more_than_kmeans_is_told(snapshot: Snapshot) -> None:
    rows = [
        {"algorithm": "kmeans", "k": 2, "outcome_lift": 0.1, "chosen": True},
        {"algorithm": "hdbscan", "k": 3, "outcome_lift": 0.13, "chosen": False},
    ]
    facts = {"recommendation": "Consider HDBSCAN.", "recommended": ("hdbscan", 3)}
    put(snapshot, CLUSTERING_COMPARISON, rows, facts)
    verdict = judged(of_ways.clusters_hold_up, snapshot)
    assert (verdict.value, verdict.passed) == (pytest.approx(0.03), False)
    assert passes(of_ways.clusters_hold_up, snapshot, least_gain=0.04)
    put(snapshot, CLUSTERING_COMPARISON, rows, facts | {"recommended": ("kmeans", 2)})
    assert passes(of_ways.clusters_hold_up, snapshot)


def test_without_a_model_nothing_is_judged(snapshot: Snapshot) -> None:
    reason = {"reason": "Too few customers."}
    for table in (VALUE_MODEL, VALUE_BACKTEST, CHURN_EVALUATION, CHURN_CALIBRATION):
        put(snapshot, table, [], reason)
    put(snapshot, CHURN_SCORES, [dict.fromkeys(CHURN_SCORES.column_names[1:]) | {"user_id": "a"}])
    put(snapshot, CUSTOMER_VALUE, [dict.fromkeys(CUSTOMER_VALUE.column_names[2:], np.nan)])
    for check in (
        of_value.starts_agree, of_value.spend_independent, of_value.expectations_met,
        of_value.better_than_last_year, of_value.figures_possible, of_churn.no_leak,
        of_churn.base_rate_plausible, of_churn.calibrated, of_churn.better_than_recency_alone,
        of_churn.probabilities_possible, of_churn.scores_steady,
    ):  # fmt: skip
        assert passes(check, snapshot), check


def test_a_model_of_sentiment_that_tells_little_is_told(tmp_path: Any) -> None:
    whole = Whole(family_of(), Store(tmp_path, "Toys"))
    judgements = (
        of_sentiment.better_than_always_positive,
        of_sentiment.as_good_as_a_lexicon,
        of_sentiment.sentiment_calibrated,
    )
    good = {
        "model": "model", "balanced_accuracy_low": 0.65, "roc_auc_high": 0.8,
        "calibration_error": 0.1,
    }  # fmt: skip
    bad = {**good, "balanced_accuracy_low": 0.64, "roc_auc_high": 0.79, "calibration_error": 0.11}
    for row, passed in ((good, True), (bad, False)):
        content = [row, {"model": "vader", "roc_auc": 0.8}]
        frame = pd.DataFrame(content).reindex(columns=SENTIMENT_EVALUATION.column_names)
        write_small(
            frame.fillna({"reviews": 1, "negative_share": 0.5}),
            whole.storage,
            SENTIMENT_EVALUATION,
            None,
        )
        assert [each.judge(whole, **defaults(each)).passed for [each] in judgements] == [passed] * 3
    nothing = pd.DataFrame(columns=SENTIMENT_EVALUATION.column_names)
    write_small(nothing, whole.storage, SENTIMENT_EVALUATION, None)
    assert all(each.judge(whole, **defaults(each)).passed for [each] in judgements)


def defaults(check: Check) -> dict[str, Any]:
    return {name: default for name, (_, default) in check.thresholds.items()}


def test_impossible_sentiment_is_found(snapshot: Snapshot) -> None:
    put(snapshot, REVIEW_SENTIMENT, [{}, {"sentiment": None, "star_gap": None}])
    assert passes(of_sentiment.sentiment_possible, snapshot)
    assert passes(of_sentiment.mostly_english, snapshot)
    assert not passes(of_sentiment.mostly_english, snapshot, max_other_share=0.49)
    for column, value in (("sentiment", 1.01), ("star_gap", -1.01)):
        put(snapshot, REVIEW_SENTIMENT, [{}, {column: value}])
        assert not passes(of_sentiment.sentiment_possible, snapshot)


def test_shares_beyond_their_intervals_and_words_of_few_are_found(snapshot: Snapshot) -> None:
    put(snapshot, SEGMENT_SENTIMENT, [{}, {"negative_share": None}])
    assert passes(of_sentiment.intervals_possible, snapshot)
    put(snapshot, SEGMENT_SENTIMENT, [{"negative_share_low": 0.6}])
    assert not passes(of_sentiment.intervals_possible, snapshot)
    enough = {"term": "battery died", "customers": 10}
    put(snapshot, SEGMENT_WORDS, [enough])
    assert passes(of_sentiment.words_of_many, snapshot)
    for odd in ({"customers": 9}, {"term": "the battery died"}):
        put(snapshot, SEGMENT_WORDS, [{**enough, **odd}])
        assert not passes(of_sentiment.words_of_many, snapshot)


def test_reviews_that_have_lost_their_sentiment_are_found(snapshot: Snapshot) -> None:
    [judge] = [judge for name, _, judge, _ in derived_verdicts(REVIEW_SENTIMENT) if "clean" in name]
    put(snapshot, CLEAN_REVIEWS, [{}, {}])
    put(snapshot, REVIEW_SENTIMENT, [{}, {}], {"no_model": 0})
    assert judge(snapshot).passed
    put(snapshot, REVIEW_SENTIMENT, [{}], {"no_model": 0})
    assert judge(snapshot).value == 1
    put(snapshot, REVIEW_SENTIMENT, [], {"no_model": 2})
    assert judge(snapshot).passed
