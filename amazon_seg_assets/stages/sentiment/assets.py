"""Sentiment: the model and its judgement, what each text says, and what segments say."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml.classification import LogisticRegressionModel
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from amazon_seg_assets.dag.declaration import (
    AfterIfStored,
    AllBefore,
    LookBack,
    Reaching,
    months_asset,
    plot,
    snapshot_asset,
    whole_asset,
)
from amazon_seg_assets.dag.family import WholeYears
from amazon_seg_assets.dag.handles import Handle, MonthRange, Snapshot, Stored, Whole
from amazon_seg_assets.dag.metadata import shown
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.cleaning.tables import CLEAN_REVIEWS
from amazon_seg_assets.stages.clusters.tables import CUSTOMER_CLUSTERS
from amazon_seg_assets.stages.exploration.transform import first_months
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS, CUSTOMER_LIFECYCLE
from amazon_seg_assets.stages.movement.assets import days_after, groups_of
from amazon_seg_assets.stages.movement.outcomes import members
from amazon_seg_assets.stages.movement.transitions import A_YEAR, snapshot_before
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm.assets import scope
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments.scheme_used import scheme_of
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.stages.sentiment import judging, learning, plots, scoring, segments, words
from amazon_seg_assets.stages.sentiment.tables import (
    OWN_POSITIVE,
    REVIEW_SENTIMENT,
    SEGMENT_SENTIMENT,
    SEGMENT_WORDS,
    SENTIMENT_BY_STARS,
    SENTIMENT_EVALUATION,
    SENTIMENT_MODEL,
    SENTIMENT_SUMS,
)
from amazon_seg_assets.stages.value.tables import HORIZON_DAYS
from amazon_seg_assets.storage.facts import Facts
from amazon_seg_assets.storage.locations import spark_path
from amazon_seg_assets.storage.parquet import Stats

ABOUT, FITTED = "about.json", "fitted"

KINDS = {"pyspark", "sparkmllib"}


class _Learnt(Reaching):
    """Raw reviews up to the third year before that of the newest month.

    So the newest snapshot and that of a year before hold no review that has taught the model, and
    both go by the same one.
    """

    reach = WholeYears(years_before=3)


class _Judged(Reaching):
    """Raw reviews up to the year before that of the newest month, of which two taught nothing."""

    reach = WholeYears(years_before=1)


@whole_asset(SENTIMENT_MODEL, reads=[_Learnt(RAW_REVIEWS)], kinds=KINDS)
def sentiment_model(made: Whole) -> Stored:
    """Learns from the stars of texts what is said of good and of bad purchases."""
    about, model = _learn(made)
    with made.replacing_in_place() as folder:
        if model is not None:
            model.save(spark_path(folder / FITTED))
        (folder / ABOUT).write_text(json.dumps(about, indent=1))
    return made.stored(**about)


def _learn(made: Whole) -> tuple[dict[str, Any], LogisticRegressionModel | None]:
    """Figures to tell of the model, and the model, if the data carries one."""
    rows = _rows(made, _Learnt)
    months = learning.latest(rows, learning.ENOUGH_ROWS)
    about, none = {"months": _span(months)}, {"negative": 0, "positive": 0}
    if sum(rows[month] for month in months) < 2 * learning.FEWEST_OF_EACH:
        return about | none | {"reason": learning.too_few(none)}, None
    raw = made.read(RAW_REVIEWS, learning.COLUMNS, months)
    reviews = learning.labelled(raw, of_held_out=False)
    counts = learning.count_labels(reviews)
    if reason := learning.too_few(counts):
        return about | counts | {"reason": reason}, None
    shares = learning.shares_to_learn_from(counts)
    model, learnt = learning.fit(learning.drawn(reviews, *shares))
    return about | learnt | {"reason": None}, model


def _span(months: Sequence[str]) -> str:
    return f"{months[0]} to {months[-1]}" if months else "none"


def _rows(handle: Handle, reading: type[Reaching]) -> dict[str, int]:
    """Raw reviews of each month that an asset reads."""
    months = require_manifest(handle.storage, RAW_REVIEWS.name).months
    read = reading.reach.months(handle.family.span, "", months)
    return {month: months[month].rows for month in read}


def _about(handle: Handle) -> Mapping[str, Any]:
    folder = handle.folder(SENTIMENT_MODEL, has_months=False)
    told: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    return told


def _model(handle: Handle) -> LogisticRegressionModel:
    _ = handle.spark  # first, so that it has our settings
    folder = handle.folder(SENTIMENT_MODEL, has_months=False)
    return LogisticRegressionModel.load(spark_path(folder / FITTED))


@whole_asset(SENTIMENT_EVALUATION, reads=[SENTIMENT_MODEL, _Judged(RAW_REVIEWS)], kinds=KINDS)
def sentiment_evaluation(judged: Whole) -> Stored:
    """Judges the model on later months and other users, beside VADER."""
    if reason := _about(judged)["reason"]:
        return _unjudged(judged, reason)
    learnt = _rows(judged, _Learnt)
    later = {month: n for month, n in _rows(judged, _Judged).items() if month not in learnt}
    months = first_months(later, judging.ENOUGH_ROWS)
    if not months:
        return _unjudged(judged, judging.too_few(pd.Series(dtype=float)))
    raw = judged.read(RAW_REVIEWS, learning.COLUMNS, months)
    share = judging.share_of(sum(later[month] for month in months))
    texts = learning.drawn(learning.labelled(raw, of_held_out=True), share, share)
    found = judging.collect(texts, _model(judged))
    if reason := judging.too_few(found["positive"]):
        return _unjudged(judged, reason)
    table = judging.evaluate(
        found["positive"].to_numpy(float),
        {
            "model": found["sentiment"].to_numpy(float),
            "vader": judging.vader(found["text"]),
            "always_positive": np.ones(len(found)),
        },
    )
    stored = judged.store(table, facts={"reason": None, "months": _span(months)})
    return stored.telling(months=_span(months), models=shown(table))


def _unjudged(judged: Whole, reason: str | None) -> Stored:
    return _nothing(judged, SENTIMENT_EVALUATION, reason)


def _nothing(handle: Any, table: Table, reason: str | None) -> Stored:
    empty = pd.DataFrame(columns=table.column_names)
    stored: Stored = handle.store(empty, table, {"reason": reason})
    return stored.telling(reason=reason)


@months_asset(REVIEW_SENTIMENT, reads=[CLEAN_REVIEWS, SENTIMENT_MODEL], kinds=KINDS)
def review_sentiment(months: MonthRange) -> list[Stored]:
    """Tells what each text of the months asked for says."""
    reviews = months.read(CLEAN_REVIEWS, scoring.COLUMNS)
    reason = _about(months)["reason"]
    told = (
        scoring.no_sentiment(reviews)
        if reason
        else scoring.review_sentiment(reviews, _model(months))
    )

    def facts(month: str, _: Stats) -> Facts:
        return {"no_model": months.at(month).rows(CLEAN_REVIEWS) if reason else 0}

    return [
        each.telling(reason=reason, reviews_without_sentiment=each.stats.nulls.get("sentiment", 0))
        for each in months.store(told, facts)
    ]


@snapshot_asset(
    SENTIMENT_SUMS,
    SENTIMENT_BY_STARS,
    reads=[
        LookBack(REVIEW_SENTIMENT),
        RFM_SEGMENTS,
        CUSTOMER_CLUSTERS,
        CUSTOMER_LIFECYCLE,
        RFM_FEATURES,
        AfterIfStored(CUSTOMER_DAYS),
    ],
    kinds={"pyspark"},
)
def sentiment_sums(snapshot: Snapshot) -> list[Stored]:
    """Adds up what the texts of each group's customers say."""
    window, told = _window(snapshot), Observation()
    reviews = segments.of_window(snapshot.read(REVIEW_SENTIMENT, segments.COLUMNS), window)
    table = segments.group_sums(
        reviews.observe(told, *segments.by_stars()),
        members(groups_of(snapshot)),
        _returned(snapshot, window[1]),
    )
    stars = segments.stars_table(told.get)
    return [snapshot.store(table, SENTIMENT_SUMS), snapshot.store(stars, SENTIMENT_BY_STARS)]


def _window(snapshot: Snapshot) -> tuple[date, date]:
    facts = snapshot.facts(RFM_FEATURES, "window_start", "window_end")
    return date.fromisoformat(facts["window_start"]), date.fromisoformat(facts["window_end"])


def _returned(snapshot: Snapshot, last_day: date) -> DataFrame | None:
    """Customers with a review within the horizon; None where the data ends sooner."""
    days, data_end = days_after(snapshot, last_day)
    if (data_end - last_day).days < HORIZON_DAYS:
        return None
    after = F.date_diff("day", F.lit(last_day))
    return days.where(after.between(1, HORIZON_DAYS)).select("user_id")


@snapshot_asset(
    SEGMENT_SENTIMENT, reads=[LookBack(SENTIMENT_SUMS), SENTIMENT_EVALUATION], kinds={"python"}
)
def segment_sentiment(snapshot: Snapshot) -> Stored:
    """Tells how negative the texts of each group are, and what of that is no chance."""
    before = snapshot_before(snapshot, A_YEAR)
    then = before.small(SENTIMENT_SUMS) if before.has(SENTIMENT_SUMS) else None
    table = segments.segment_sentiment(snapshot.small(SENTIMENT_SUMS), then)
    judged = snapshot.small(SENTIMENT_EVALUATION).set_index("model")["accuracy"]
    facts = {"accuracy": judged.get("model"), "accuracy_of_vader": judged.get("vader")}
    return snapshot.store(table, facts=facts).telling(
        compared_with=before.month if then is not None else "no earlier snapshot",
        **{
            name: shown(segments.beyond_chance(table, name), "No difference is beyond chance.")
            for name in segments.COMPARISONS
        },
    )


@snapshot_asset(
    SEGMENT_WORDS,
    reads=[LookBack(CLEAN_REVIEWS), LookBack(REVIEW_SENTIMENT), RFM_SEGMENTS, RFM_FEATURES],
    kinds={"pyspark"},
    comes_last=True,
)
def segment_words(snapshot: Snapshot) -> Stored:
    """Finds the words that most tell the negative texts of each segment."""
    months = snapshot.family.span.look_back(snapshot.month)
    rows = sum(snapshot.stats(REVIEW_SENTIMENT, month).rows for month in months)
    if not rows:
        return _nothing(snapshot, SEGMENT_WORDS, "There is no model of sentiment.")
    texts = words.texts_of(
        segments.of_window(
            snapshot.read(REVIEW_SENTIMENT, ["review_id", *segments.COLUMNS]), _window(snapshot)
        ),
        snapshot.read(CLEAN_REVIEWS, ["review_id", "text"]),
        snapshot.read(RFM_SEGMENTS, ["user_id", "segment"]),
        rows,
    )
    counts = words.count_terms(texts, sorted(scheme_of(snapshot).segments))
    table = words.segment_words(counts, words.stop_words())
    none = f"No word is in negative texts of {words.LEAST_CUSTOMERS} customers, and no chance."
    return snapshot.store(table, facts={"reason": None}).telling(
        least_customers=words.LEAST_CUSTOMERS, most_telling=shown(table, none)
    )


@plot(
    reads=[AllBefore(SENTIMENT_SUMS), RFM_SEGMENTS, RFM_FEATURES],
    section="sentiment",
    caption="Share of negative texts of each segment in the stored snapshots, with intervals that "
    "go by customers; the line is that of all customers now.",
)
def segment_sentiment_plot(snapshot: Snapshot) -> Picture:
    """Share of negative texts by segment, over the stored snapshots."""
    stored = [m for m in snapshot.storage.months(SENTIMENT_SUMS.name) if m <= snapshot.month]
    series = {
        month: segments.segment_sentiment(replace(snapshot, month=month).small(SENTIMENT_SUMS))
        for month in stored[-plots.MOST_SNAPSHOTS :]
    }
    return plots.negative_shares(series, scheme_of(snapshot).colours, scope(snapshot))


@plot(
    reads=[SENTIMENT_BY_STARS, RFM_FEATURES],
    section="sentiment",
    caption="What texts say, by the stars beside them: the darker, the more of the reviews with so "
    "many stars. In the corners, text and stars contradict each other.",
)
def star_gap_plot(snapshot: Snapshot) -> Picture:
    """Sentiment of texts, by the stars given with them."""
    return plots.by_stars(snapshot.small(SENTIMENT_BY_STARS), scope(snapshot))


@plot(
    reads=[SEGMENT_WORDS, RFM_SEGMENTS, RFM_FEATURES],
    section="sentiment",
    caption="Words that most tell the negative texts of a segment from its positive ones, with the "
    "customers who use them.",
)
def segment_words_plot(snapshot: Snapshot) -> Picture:
    """The most telling words of each segment's negative texts."""
    table = snapshot.small(SEGMENT_WORDS)
    own = table[table["against"] == OWN_POSITIVE]
    return plots.telling_words(own, scheme_of(snapshot).colours, scope(snapshot))
