"""Sentiment against scikit-learn and plain Python, and by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import Observation, SparkSession
from scipy.stats import binomtest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss, recall_score, roc_auc_score

from amazon_seg_assets.dag.family import WholeYears
from amazon_seg_assets.dag.versions import NOTE, WHOLE, Note, Versions
from amazon_seg_assets.months import Span, month_range
from amazon_seg_assets.stages.sentiment import (
    intervals,
    judging,
    learning,
    ngrams,
    scoring,
    segments,
    words,
)
from amazon_seg_assets.stages.sentiment.assets import sentiment_evaluation, sentiment_model
from amazon_seg_assets.stages.sentiment.intervals import Share, Sums
from amazon_seg_assets.stages.sentiment.tables import OTHERS_NEGATIVE, OWN_POSITIVE
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.graph import family_of

TEXTS = [
    ("I &#34;don't&#34; like it<br />'ok'  &amp; BAD", "i don't like it ok bad", True),
    ("[[VIDEOID:0a1b2c]] Don’t buy, see https://x.example/a?b=1 !!", "don't buy see", True),
    ("It&#39;s   5 stars", "it's 5 stars", True),
    ("No, me gusta muy poco la calidad del cable", None, False),
    ("Muy buena revista para niños y adultos", None, False),
    ("Sehr gut, ich bin zufrieden und kaufe es wieder", None, False),
    ("用起来还可以。", "用起来还可以", False),
    ("Great product", "great product", True),
    ("Schöne Tasche über alles großartig prima toll kaufenswert perfekt", None, False),
    ("", "", False),
    (None, "", False),
    ("👍👍", "", False),
]  # fmt: skip


def said_of(found: ngrams.Words, text: int) -> list[str]:
    distinct = found.distinct.to_pylist()
    return [distinct[code] for code in found.code[found.row == text]]


def test_texts_are_cleaned_and_other_languages_told_apart() -> None:
    found = ngrams.words_of(pa.array([text for text, *_ in TEXTS]))
    for number, (text, clean, is_english) in enumerate(TEXTS):
        if clean is not None:
            assert said_of(found, number) == clean.split(), text
        assert found.is_english[number] == is_english, text


def test_what_is_beyond_the_longest_text_does_not_count() -> None:
    [text] = ["good " * 1_000]
    found = ngrams.words_of(pa.array([text]))
    assert len(found.row) == ngrams.MOST_CHARACTERS / len("good ")


SMALL = [
    "it works and it works well", "it broke", "works well", "it does not work", "not well",
    "broke and broke", "well it works", "work it does not",
]  # fmt: skip


def design(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Presence of n-grams by scikit-learn, and of our features, without empty columns."""
    theirs = CountVectorizer(ngram_range=(1, 2), binary=True, token_pattern=r"[a-z]+")
    row, feature = ngrams.features_of(ngrams.words_of(pa.array(texts)))
    ours = np.zeros((len(texts), ngrams.FEATURES))
    ours[row, feature] = 1
    return theirs.fit_transform(texts).toarray(), ours[:, ours.any(axis=0)]


def test_features_are_the_n_grams_of_scikit_learn() -> None:
    theirs, ours = design(SMALL)
    assert sorted(map(tuple, theirs.T)) == sorted(map(tuple, ours.T))


def test_a_pair_of_two_texts_is_no_feature() -> None:
    _, ours = design(["a b", "c d"])
    assert ours.sum(axis=1).tolist() == [3, 3]


def test_the_model_is_that_of_scikit_learn(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that it takes few steps, and short ones; as few features as no two n-grams share one of.
    monkeypatch.setattr(ngrams, "FEATURES", 1 << 14)
    monkeypatch.setattr(learning, "PENALTY", 0.1)
    stars = [5, 1, 4, 2, 1, 1, 5, 2]
    rows = [(f"r{n}", f"u{n}", float(stars[n % 8]), SMALL[n % 8]) for n in range(40)]
    raw = spark.createDataFrame(
        rows, "review_id string, user_id string, rating double, text string"
    )
    both = [learning.labelled(raw, of_held_out=held_out) for held_out in (False, True)]
    assert sum(each.count() for each in both) == len(rows)
    reviews = both[0].union(both[1])
    model, counts = learning.fit(reviews)
    labels = np.array([stars[n % 8] > 3 for n in range(40)])
    assert counts == {"negative": int((~labels).sum()), "positive": int(labels.sum())}
    by_theirs, by_ours = design(SMALL)
    assert by_theirs.shape == by_ours.shape
    design_of_theirs = np.tile(by_theirs, (5, 1))
    theirs = LogisticRegression(
        C=1 / (learning.PENALTY * 40), class_weight="balanced", tol=1e-8, max_iter=5_000
    ).fit(design_of_theirs, labels)
    expected = theirs.predict_proba(design_of_theirs)[:, 1]
    told = pd.DataFrame(scoring.with_sentiment(raw, model).toPandas())
    found = told.set_index("review_id")["sentiment"].reindex([row[0] for row in rows])
    assert found.to_numpy() == pytest.approx(expected, abs=0.005)
    # To the last digit the same on more tasks, and in whatever order; few steps would show it.
    monkeypatch.setattr(learning, "_ITERATIONS", 3)
    one, other = (
        learning.fit(each)[0].coefficients.toArray() for each in (reviews, reviews.repartition(5))
    )
    assert (one == other).all()


def test_users_teach_or_judge_and_three_stars_do_neither(spark: SparkSession) -> None:
    rows = [(f"r{n}", f"u{n % 50}", float(n % 6), "text") for n in range(600)]
    schema = "review_id string, user_id string, rating double, text string"
    raw = spark.createDataFrame([*rows, ("x", None, 5.0, "text")], schema)
    teaching, judging_ = (
        pd.DataFrame(learning.labelled(raw, of_held_out=held_out).toPandas())
        for held_out in (False, True)
    )
    assert not {*teaching["user_id"]} & {*judging_["user_id"]}
    assert len(teaching) + len(judging_) == 500
    assert 0 < judging_["user_id"].nunique() < 25
    ratings = pd.DataFrame(rows).set_index(0)[2]
    assert ((teaching["review_id"].map(ratings) > 3) == teaching["label"]).all()


def test_months_to_learn_from_are_years_before_the_snapshots() -> None:
    stored = month_range("2015-01", "2023-09")
    learnt = WholeYears(years_before=3)
    for last in ("2023-01", "2023-09", "2023-12"):
        months = learnt.months(Span("1996-05", last), "", stored)
        # The same all year; the snapshot a year before looks back to the same month of 2021.
        assert months == month_range("2015-01", "2020-12")
    assert learnt.months(Span("1996-05", "2024-01"), "", stored)[-1] == "2021-12"
    assert learnt.months(Span("2019-01", "2023-09"), "", stored)[0] == "2019-01"
    rows = dict.fromkeys(stored, 10)
    assert learning.latest(rows, 25) == ["2023-07", "2023-08", "2023-09"]
    assert learning.latest({"2020-01": 3}, 25) == ["2020-01"]


def test_a_new_month_does_not_make_the_model_anew(tmp_path: Path) -> None:
    family, store = family_of(first_month="2019-01", last_month="2023-09"), Store(tmp_path, "Toys")
    months = month_range("2019-01", "2023-08")

    def inputs(**changed: str) -> list[Mapping[str, Any]]:
        others = {name[1:].replace("_", "-"): version for name, version in changed.items()}
        versions = dict.fromkeys(months, "1") | others
        note = Note("1", {}, {}, {WHOLE: str(changed), **versions})
        with store.replacing("raw_reviews") as folder:
            (folder / NOTE).write_text(json.dumps(asdict(note)))
        looked = Versions(family, store)
        found = [looked.now(each, WHOLE, None) for each in (sentiment_model, sentiment_evaluation)]
        return [each.inputs["raw_reviews"] for each in found]

    model, judged = inputs()
    assert list(model) == month_range("2019-01", "2020-12")
    assert list(judged) == month_range("2019-01", "2022-12")
    assert inputs(_2023_09="1") == [model, judged]
    changed_model, changed_judged = inputs(_2021_05="2")
    assert changed_model == model
    assert changed_judged != judged
    assert inputs(_2020_05="2")[0] != model


def test_measures_are_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(5)
    positive = (draw.random(400) < 0.8).astype(float)
    score = np.clip(0.55 + 0.25 * (positive - 0.5) + draw.normal(0, 0.2, 400), 0.01, 0.99)
    table = judging.evaluate(positive, {"model": score, "always_positive": np.ones(400)})
    ours, always = (table.set_index("model").loc[name] for name in ("model", "always_positive"))
    told = score >= 0.5
    assert ours["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(positive, told))
    assert ours["recall_of_negatives"] == pytest.approx(recall_score(positive, told, pos_label=0))
    assert ours["roc_auc"] == pytest.approx(roc_auc_score(positive, score))
    weights = np.where(positive == 1, 1 / positive.sum(), 1 / (1 - positive).sum())
    expected = log_loss(positive, score, sample_weight=weights)
    assert ours["log_loss"] == pytest.approx(expected)
    right = int((told == positive).sum())
    wilson = binomtest(right, 400).proportion_ci(method="wilson")
    assert (ours["accuracy_low"], ours["accuracy_high"]) == pytest.approx(tuple(wilson))
    assert (always["balanced_accuracy"], always["recall_of_negatives"]) == (0.5, 0.0)
    assert always["accuracy"] == pytest.approx(positive.mean())
    assert always["roc_auc"] == 0.5


def test_a_model_that_means_what_it_says_is_calibrated() -> None:
    draw = np.random.default_rng(6)
    score = draw.random(20_000)
    positive = (draw.random(20_000) < score).astype(float)
    [sure, unsure] = (
        judging.evaluate(positive, {"model": each})["calibration_error"].item()
        for each in (score**4 / (score**4 + (1 - score) ** 4), score)
    )
    assert unsure < 0.02 < sure


def test_vader_reads_texts_and_no_more_of_them_than_it_can() -> None:
    good, bad = judging.vader(["I love it, it is great!", "Horrible. I hate this, terrible."])
    assert good > 0.9 > 0.1 > bad
    assert re.search("20 of either kind", judging.too_few(pd.Series([1.0] * 30)) or "")


def test_an_interval_goes_by_customers() -> None:
    """Ten customers, half of them negative: to say it four times each tells no more."""
    once = Sums(10, 10, 5, 10, 5, 5)
    four_times = Sums(10, 40, 20, 160, 80, 80)
    assert once.mean == four_times.mean == 0.5
    assert once.variance == pytest.approx(four_times.variance) == pytest.approx(0.25 / 9)
    z = intervals.z_of()
    assert Share.of(once).interval(z) == pytest.approx(Share.of(four_times).interval(z))
    independent = Share.of(Sums(40, 40, 20, 40, 20, 20)).interval(z)
    assert independent == pytest.approx(
        tuple(binomtest(20, 41).proportion_ci(method="wilson")), abs=0.02
    )


def test_where_all_are_alike_an_interval_stays() -> None:
    low, high = Share.of(Sums(8, 8, 0, 8, 0, 0)).interval(intervals.z_of())
    assert (low, high) == pytest.approx(tuple(binomtest(0, 8).proportion_ci(method="wilson")))
    assert np.isnan(Share.of(Sums(0, 0, 0, 0, 0, 0)).interval(1.96)).all()


def test_a_difference_has_newcombe_s_interval() -> None:
    """The first example of R. G. Newcombe, 1998, by his method 10: 56/70 less 48/80."""
    found = intervals.difference(Share(56 / 70, 70), Share(48 / 80, 80), intervals.z_of())
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_intervals_that_are_to_hold_together_are_wider() -> None:
    assert intervals.z_of() == pytest.approx(1.959964)
    assert intervals.z_of(10) == pytest.approx(2.807034)


REVIEWS = [
    # user, day, stars, sentiment
    ("a", "2022-09-20", 5.0, 0.9),
    ("a", "2022-10-20", 5.0, 0.1),
    ("a", "2023-09-10", 1.0, 0.95),
    ("b", "2023-01-01", 1.0, 0.05),
    ("c", "2023-01-01", 4.0, 0.49),
    ("c", "2023-01-02", 3.0, None),
    ("d", "2022-01-01", 1.0, 0.0),
    ("stranger", "2023-01-01", 1.0, 0.0),
]
GROUPS = [
    *(("segment", name, user) for name, user in zip("ABBC", "abcd", strict=True)),
    *(("lifecycle", "new", user) for user in "abcd"),
]
WINDOW = date(2022, 9, 14), date(2023, 9, 13)


@pytest.fixture(scope="module")
def sums(spark: SparkSession) -> dict[str, Any]:
    """Sums of the groups, with and without knowledge of who left, and the table of stars."""
    told = [(user, datetime.fromisoformat(f"{day}T12:00"), *rest) for user, day, *rest in REVIEWS]
    schema = "user_id string, timestamp timestamp, rating double, sentiment double"
    reviews = segments.of_window(spark.createDataFrame(told, schema), WINDOW)
    groups = spark.createDataFrame(GROUPS, "grouping string, name string, user_id string")
    back = spark.createDataFrame([("a",), ("a",), ("b",)], "user_id string")
    observed = Observation()
    known = segments.group_sums(reviews.observe(observed, *segments.by_stars()), groups, back)
    stars = segments.stars_table(observed.get)
    return {"known": known, "stars": stars, "unknown": segments.group_sums(reviews, groups, None)}


def test_texts_are_summed_up_by_customer(sums: dict[str, Any]) -> None:
    rows = sums["unknown"].set_index(["grouping", "name"])
    assert rows["left"].isna().all()
    a, b, c, new = (
        rows.loc[key]
        for key in (("segment", "A"), ("segment", "B"), ("segment", "C"), ("lifecycle", "new"))
    )
    assert a[["all_customers", "customers", "n", "nn"]].tolist() == [1, 1, 3, 9]
    assert a[["negative_y", "negative_yy", "negative_ny"]].tolist() == [1, 1, 3]
    # Five stars beside 0.1, and one star beside 0.95.
    assert a[["contradicting_y", "sentiment_y"]].tolist() == [2, 19_500]
    assert b[["all_customers", "customers", "n", "nn", "negative_y"]].tolist() == [2, 2, 2, 2, 2]
    assert c[["all_customers", "customers", "n", "sentiment_y"]].tolist() == [1, 0, 0, 0]
    assert new[["all_customers", "customers", "n"]].tolist() == [4, 3, 5]
    known = sums["known"].set_index(["grouping", "name", "left"])
    assert known.loc[("segment", "B", True), "negative_y"] == 1
    assert known.loc[("lifecycle", "new", True), "all_customers"] == 2
    assert (known["all_customers"].groupby("grouping").sum() == 4).all()


def test_stars_are_held_against_what_texts_say(sums: dict[str, Any]) -> None:
    found = sums["stars"].query("reviews > 0").set_index(["stars", "tenth"])["reviews"].to_dict()
    # Only in the window, also of strangers; 0.1 is in the second tenth, 0 in the first.
    assert found == {(5, 10): 1, (5, 2): 1, (1, 10): 1, (1, 1): 2, (4, 5): 1}
    assert len(sums["stars"]) == 50


def test_groups_without_texts_have_no_figures(sums: dict[str, Any]) -> None:
    table = segments.segment_sentiment(sums["known"])
    of_segments = table[table["grouping"] == "segment"].set_index("name")
    assert of_segments["customers"].to_dict() == {"A": 1, "B": 2, "C": 1}
    assert of_segments["negative_share"].fillna(-1).tolist() == [pytest.approx(1 / 3), 1.0, -1]
    assert of_segments.loc["C", ["mean_sentiment", "against_others_low"]].isna().all()
    assert of_segments["left_customers"].tolist() == [0, 1, 1]
    assert of_segments.loc["B", ["negative_share_left", "negative_share_stayed"]].tolist() == [1, 1]
    assert table["change"].isna().all()
    unknown = segments.segment_sentiment(sums["unknown"])
    assert unknown["left_customers"].isna().all()
    assert unknown["left_difference"].isna().all()
    assert segments.leavers(sums["unknown"]) is None


def group_of(name: str, customers: int, negative: int, left: bool | None = None) -> dict[str, Any]:
    """Sums of customers with one text each, of which so many are negative."""
    measures = {"sentiment": (customers - negative) * 10_000, "negative": negative}
    return {
        "grouping": "segment", "name": name, "left": left, "all_customers": customers,
        "customers": customers, "n": customers, "nn": customers,
        **{
            f"{measure}_{field}": total * (10_000 if (measure, field) == ("sentiment", "yy") else 1)
            for measure, total in {**measures, "contradicting": 0}.items()
            for field in ("y", "yy", "ny")
        },
    }  # fmt: skip


def test_only_differences_beyond_chance_are_told() -> None:
    now = pd.DataFrame([group_of("A", 1000, 300), group_of("B", 1000, 100), group_of("C", 50, 8)])
    then = pd.DataFrame([group_of("A", 1000, 200), group_of("B", 1000, 110)])
    table = segments.segment_sentiment(now, then).set_index("name")
    assert table.loc["A", "against_others"] == pytest.approx(0.3 - 108 / 1050)
    assert table.loc["A", "change"] == pytest.approx(0.1)
    assert table["change"].isna().tolist() == [False, False, True]
    # Of two groups that differ from the rest, each is told; C may be as it is by chance.
    flat = table.reset_index()
    assert segments.beyond_chance(flat, "against_others")["name"].tolist() == ["A", "B"]
    assert segments.beyond_chance(flat, "change")["name"].tolist() == ["A"]
    expected = intervals.difference(Share(0.3, 1000), Share(0.2, 1000), intervals.z_of(3))
    # With one text each, a customer counts once, but for the correction of a sample's variance.
    assert table.loc["A", ["change", "change_low", "change_high"]].tolist() == pytest.approx(
        expected, abs=1e-4
    )


def test_who_left_is_held_against_who_stayed() -> None:
    rows = [
        group_of("A", 400, 120, left=True), group_of("A", 600, 60, left=False),
        group_of("B", 100, 30, left=True),
    ]  # fmt: skip
    left, stayed, (distance, low, high) = segments.leavers(pd.DataFrame(rows)) or (0, 0, (0, 0, 0))
    assert (left, stayed) == (0.3, 0.1)
    assert distance == pytest.approx(0.2)
    assert 0 < low < distance < high
    table = segments.segment_sentiment(pd.DataFrame(rows)).set_index("name")
    assert table["left_customers"].tolist() == [400, 100]
    assert table.loc["A", "left_difference"] == pytest.approx(0.2)
    assert np.isnan(table.loc["B", "left_difference"])


def test_log_odds_are_those_of_the_paper_s_formula() -> None:
    one, other = np.array([30.0, 5.0, 65.0]), np.array([10.0, 10.0, 180.0])
    background = one + other
    found, z = words.log_odds_ratios(one, other, background)
    for n in range(3):
        a = 500 * background[n] / 300
        odds = [(y + a) / (total + 500 - y - a) for y, total in ((one[n], 100), (other[n], 200))]
        assert found[n] == pytest.approx(np.log(odds[0] / odds[1]))
        assert z[n] == pytest.approx(found[n] / np.sqrt(1 / (one[n] + a) + 1 / (other[n] + a)))
    assert found[0] > 0 > found[2]


def test_words_of_negative_texts_are_counted_in_customers(spark: SparkSession) -> None:
    rows = [
        *(
            (f"u{n}", "A", True, "The battery died, the battery died <br />again")
            for n in range(300)
        ),
        *((f"u{n}", "A", True, "battery") for n in range(300)),  # again by the same customers
        *((f"v{n}", "A", False, "the battery is great") for n in range(400)),
        *((f"w{n}", "B", True, "the screen cracked") for n in range(300)),
        *((f"x{n}", "B", False, "the screen is great") for n in range(400)),
        *((f"y{n}", "B", True, "my name is nobody") for n in range(9)),  # too few
    ]
    schema = "user_id string, segment string, is_negative boolean, text string"
    counts = words.count_terms(spark.createDataFrame(rows, schema), ["A", "B"])
    assert counts.loc["battery"].tolist() == [300, 400, 0, 0]
    assert counts.loc["battery died"].tolist() == [300, 0, 0, 0]
    assert counts.loc[""].tolist() == [300, 400, 309, 400]
    assert "nobody" not in counts.index
    silent = words.stop_words()
    assert {"the", "is", "again"} <= silent
    table = words.segment_words(counts, silent)
    own = table[(table["segment"] == "A") & (table["against"] == OWN_POSITIVE)]
    assert set(own["term"]) == {"died", "battery died", "died the", "died again"}
    assert (own["customers"] == 300).all()
    assert (own["share"] == 1).all()
    others = table[(table["segment"] == "B") & (table["against"] == OTHERS_NEGATIVE)]
    assert {"screen", "cracked", "screen cracked"} <= set(others["term"])
    assert others["share_against"].tolist() == [0] * len(others)
    assert words.diverse(others, 5)["term"].str.count(" ").max() <= 1
    first, *rest = words.diverse(own, 5)["term"]
    assert not {*first.split()} & {word for term in rest for word in term.split()}


def test_a_part_of_the_customers_is_read_where_there_are_many(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = spark.createDataFrame(
        [(f"r{n}", f"u{n // 2}", 0.1) for n in range(400)],
        "review_id string, user_id string, sentiment double",
    )
    reviews = spark.createDataFrame(
        [(f"r{n}", "text") for n in range(400)], "review_id string, text string"
    )
    of_users = spark.createDataFrame(
        [(f"u{n}", "A") for n in range(200)], "user_id string, segment string"
    )
    monkeypatch.setattr(words, "MOST_TEXTS", 100)
    texts = pd.DataFrame(words.texts_of(said, reviews, of_users, 400).toPandas())
    assert 50 < len(texts) < 150
    assert (texts.groupby("user_id").size() == 2).all()  # all of a customer, or nothing
    assert texts["is_negative"].all()
