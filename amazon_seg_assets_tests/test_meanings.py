"""Descriptions of segments: each claim in them, compared with customers of many kinds.

The words of a claim are found in a description by themselves, and a word that belongs to none is an
error, so nothing can be claimed that is not compared. Scores and segments are the oracle's.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from statistics import median, quantiles
from typing import TypeVar

import numpy as np
import pandas as pd
import pytest

from amazon_seg_assets.rules.labels import base_label, load_label_rules
from amazon_seg_assets.rules.recommendations import load_recommendations
from amazon_seg_assets.rules.scheme import BUILT_IN_SCHEMES, load_scheme
from amazon_seg_assets.sample.writer import write_sample
from amazon_seg_assets.stages.clusters.labels import label_clusters
from amazon_seg_assets_tests import oracle
from amazon_seg_assets_tests.oracle import Customer

T = TypeVar("T")
Claims = dict[str, Callable[[T], bool]]
Cell = tuple[int, int, int]
Clauses = list[list[list[str]]]

SIZE = 1_500
SAMPLE_REVIEWS = 20_000
KINDS = (
    "sample", "CDNOW-like", "Amazon-like", "all repeat", "all once", "dying", "seasonal", "whale",
    "few",
)  # fmt: skip
STANDARD = load_scheme("standard")


@dataclass(frozen=True)
class Placed:
    """A customer among the others; places are fifths of them that are worse, 0 to 5.

    Attributes:
        segment: by the standard scheme.
        reviews: number of them.
        recency: fifths who are less recent.
        frequency: fifths with fewer reviews.
        spend: fifths who spent less.
        among_repeat: fifths of those with several reviews who have fewer.
        fm: score of frequency and spend taken together.
    """

    segment: str
    reviews: int
    recency: Fraction
    frequency: Fraction
    spend: Fraction
    among_repeat: Fraction
    fm: int


CLAIMS: Claims[Placed] = {
    "among the most recent fifth": lambda c: c.recency >= 4,
    "not among the most recent fifth": lambda c: c.recency < 4,
    "among the most recent two fifths": lambda c: c.recency >= 3,
    "in the second most recent fifth": lambda c: 3 <= c.recency < 4,
    "among the most recent three fifths": lambda c: c.recency >= 2,
    "in the middle fifth by recency": lambda c: 2 <= c.recency < 3,
    "among the least recent two fifths": lambda c: c.recency < 2,
    "in the second least recent fifth": lambda c: 1 <= c.recency < 2,
    "among the least recent fifth": lambda c: c.recency < 1,
    "one review": lambda c: c.reviews == 1,
    "several reviews": lambda c: c.reviews > 1,
    "more reviews than half of those who have several": lambda c: c.among_repeat >= 2.5,
    "more than the lowest fifth of spend": lambda c: c.spend >= 1,
    "spend in the lowest fifth": lambda c: c.spend < 1,
    "spend below the highest two fifths": lambda c: c.spend < 3,
    "more spend than three fifths": lambda c: c.spend >= 3,
    "low in frequency and spend taken together": lambda c: c.fm <= 2,
    "middling in frequency and spend taken together": lambda c: c.fm == 3,
    "high in frequency and spend taken together": lambda c: c.fm >= 4,
    "not high in frequency and spend taken together": lambda c: c.fm < 4,
    "highest in frequency and spend taken together": lambda c: c.fm == 5,
    "not highest in frequency and spend taken together": lambda c: c.fm < 5,
    # Holds of anybody; history tells who has.
    "they may have bought before the window": lambda c: True,
}
LINKS = {
    "and", "but", "customers", "each", "in", "of", "score", "the", "they", "were", "window", "with",
}  # fmt: skip


def understood(text: str, claims: Claims[T]) -> Clauses:
    """The claims of a text: all clauses hold, each by one of its alternatives, each of all claims.

    Raises:
        ValueError: the text has a word that belongs to no claim.
    """
    longest_first = sorted(claims, key=len, reverse=True)
    one = re.compile("|".join(map(re.escape, longest_first)))
    clauses = [clause for clause in re.split(r"[.;]\s*", text.lower()) if clause]
    split = [re.split(r",? or ", clause) for clause in clauses]
    for alternative in (each for clause in split for each in clause):
        rest = {*re.findall(r"[\w']+", one.sub(" ", alternative))} - LINKS
        if rest or not one.search(alternative):
            raise ValueError(f"{alternative!r} claims what is not compared: {sorted(rest)}")
    return [[one.findall(alternative) for alternative in clause] for clause in split]


def holds(clauses: Clauses, of: T, claims: Claims[T]) -> bool:
    return all(
        any(all(claims[claim](of) for claim in alternative) for alternative in clause)
        for clause in clauses
    )


def test_a_word_that_is_not_compared_is_found() -> None:
    assert understood("One review, or several reviews and spend in the lowest fifth.", CLAIMS) == [
        [["one review"], ["several reviews", "spend in the lowest fifth"]]
    ]
    for text in ("Several reviews, moderate spend.", "Recent customers.", "The customers."):
        with pytest.raises(ValueError, match="claims what is not compared"):
            understood(text, CLAIMS)


def test_each_claim_that_is_compared_is_made() -> None:
    clauses = [clause for said in meanings().values() for clause in said]
    made = [claim for clause in clauses for alternative in clause for claim in alternative]
    assert {*made} == {*CLAIMS}


def meanings() -> dict[str, Clauses]:
    """Claims of the description of each segment."""
    return {name: understood(of.meaning, CLAIMS) for name, of in STANDARD.segments.items()}


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Placed]]:
    """Customers of each kind, placed among themselves."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, "Electronics", SAMPLE_REVIEWS)
    raw = folder / "raw"
    joined = oracle.joined_reviews(
        oracle.clean_reviews(oracle.read_lines(raw / "review_categories/Electronics.jsonl")),
        oracle.clean_products(
            oracle.read_lines(raw / "meta_categories/meta_Electronics.jsonl"),
            oracle.EXCLUDED_OF_ELECTRONICS,
        ),
    )
    kinds = dict(invented()) | {"sample": oracle.customers_as_of(joined, "2023-09")}
    assert set(kinds) == set(KINDS)
    return {kind: list(place(customers)) for kind, customers in kinds.items()}


def invented() -> Iterator[tuple[str, list[Customer]]]:
    """Customers of businesses that differ as much as businesses may."""
    random = np.random.default_rng(22)
    days, n = random.integers(1, 367, SIZE), SIZE
    # Rates of purchase and chances of leaving as published for CDNOW, in weeks; its spend, too.
    rates = random.gamma(0.243, 1 / 4.414, n)
    leaves = random.beta(0.793, 2.426, n)
    visits = np.minimum(random.geometric(leaves), 1 + random.poisson(rates * 45))
    gaps = np.where(visits > 1, random.random(n) ** (1 / visits), 0)
    ages = random.integers(273, 366, n)
    yield "CDNOW-like", customers(ages * (1 - gaps) + 1, visits, random.gamma(6.25 * visits, 6.0))

    reviews = random.choice([1, 2, 3, 7, 15], n, p=[0.85, 0.1, 0.03, 0.015, 0.005])
    prices = random.lognormal(3.1, 1.1, (n, 15)) * (np.arange(15) < reviews[:, None])
    yield "Amazon-like", customers(days, reviews, prices.sum(axis=1))
    yield "all once", customers(days, np.ones(n), prices[:, 0])

    often = 2 + random.negative_binomial(1.2, 0.3, n)
    yield "all repeat", customers(random.exponential(40, n) + 1, often, random.gamma(2 * often, 9))
    repeats = random.geometric(0.7, n)
    few_prices = random.choice([9.99, 19.99, 49.99], n) * repeats
    yield "dying", customers(random.integers(200, 367, n), repeats, few_prices)
    season = random.choice([30, 270, 271, 272, 273], n)
    yield "seasonal", customers(season, repeats, random.lognormal(3, 1, n) * repeats)
    whales = np.where(np.arange(n) == 7, 9e6, prices.sum(axis=1))
    yield "whale", customers(days, reviews, whales)
    yield "few", customers(days[:9], repeats[:9], few_prices[:9])


def customers(days: np.ndarray, reviews: np.ndarray, spend: np.ndarray) -> list[Customer]:
    rows = zip(days.tolist(), reviews.tolist(), spend.tolist(), strict=True)
    return [Customer(f"u{n:05}", int(d), int(r), round(s, 2)) for n, (d, r, s) in enumerate(rows)]


def place(found: list[Customer]) -> Iterator[Placed]:
    recency = fifths([-c.recency for c in found])
    frequency, spend = fifths([c.frequency for c in found]), fifths([c.monetary for c in found])
    among_repeat = fifths([c.frequency for c in found if c.frequency > 1])
    scored = oracle.standard_segments(found)
    for c in found:
        _, f, m, segment = scored[c.user_id]
        yield Placed(
            segment, c.frequency, recency(-c.recency), frequency(c.frequency), spend(c.monetary),
            among_repeat(c.frequency), -(-(f + m) // 2),
        )  # fmt: skip


def fifths(values: list[float]) -> Callable[[float], Fraction]:
    """Fifths of the others that are below a value."""
    ordered = sorted(values)
    return lambda value: Fraction(5 * bisect_left(ordered, value), max(1, len(ordered) - 1))


@pytest.mark.parametrize("kind", KINDS)
def test_each_description_is_true_of_its_customers(
    placed: dict[str, list[Placed]], kind: str
) -> None:
    said = meanings()
    assert [one for one in placed[kind] if not holds(said[one.segment], one, CLAIMS)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_low_middling_and_high_are_said_of_those_who_are(
    placed: dict[str, list[Placed]], kind: str
) -> None:
    """By places among the others, in which scores have no part."""
    together = [(one.fm, one.frequency + one.spend) for one in placed[kind]]
    groups = [
        [value for fm, value in together if fm in scores] for scores in ((1, 2), (3,), (4,), (5,))
    ]
    middles = [median(group) for group in groups if group]
    assert middles == sorted(middles)
    everybody = [value for _, value in together]
    if groups[0]:
        assert middles[0] <= median(everybody)
    if kind != "few" and any(groups[2:]):
        assert median(groups[2] + groups[3]) >= quantiles(everybody, n=4)[2]


def test_each_description_tells_its_segment_from_any_other(
    placed: dict[str, list[Placed]],
) -> None:
    said = meanings()
    everybody = [one for found in placed.values() for one in found]
    for name, other in product(STANDARD.segments, repeat=2):
        members = [one for one in everybody if one.segment == other]
        assert members, other
        assert all(holds(said[name], one, CLAIMS) for one in members) == (name == other)


def test_the_notebook_s_descriptions_say_its_rules() -> None:
    notebook = load_scheme("notebook")
    assert notebook.ordered_rules is not None
    for rule in notebook.ordered_rules:
        said = tiles_in(notebook.segments[rule.segment].meaning)
        assert said == {"recency": rule.r, "frequency": rule.f, "spend": rule.m}
    assert notebook.segments["Lost"].meaning == "Everyone whom no other rule covers."


def tiles_in(meaning: str) -> dict[str, list[int]]:
    """Tiles of each feature that a description names."""
    words = re.findall(r"highest|lowest|two|three|four|recency|frequency|spend", meaning.lower())
    found, tiles = {}, [1, 2, 3, 4, 5]
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word in ("highest", "lowest"):
            count = {"two": 2, "three": 3, "four": 4}.get(after, 1)
            tiles = [1, 2, 3, 4, 5][-count:] if word == "highest" else [1, 2, 3, 4, 5][:count]
        elif word in ("recency", "frequency", "spend"):
            found[word] = tiles
    return found


def together(cell: Cell) -> int:
    return -(-(cell[1] + cell[2]) // 2)


REASONS: Claims[Cell] = {
    "highest in recency": lambda cell: cell[0] == 5,
    "high in recency": lambda cell: cell[0] >= 4,
    "middling at best in recency": lambda cell: cell[0] <= 3,
    "middling at best in recency, and in frequency and spend taken together": lambda cell: (
        cell[0] <= 3 and together(cell) <= 3
    ),
    "low in recency": lambda cell: cell[0] <= 2,
    "lowest in recency": lambda cell: cell[0] == 1,
    "high in frequency and spend taken together": lambda cell: together(cell) >= 4,
    "middling to high in frequency and spend taken together": lambda cell: together(cell) >= 3,
    "low in frequency and spend taken together": lambda cell: together(cell) <= 2,
    "high in frequency and in spend": lambda cell: min(cell[1:]) >= 4,
    "low in frequency and in spend": lambda cell: max(cell[1:]) <= 2,
    "with room to grow in one of frequency and spend": lambda cell: min(cell[1:]) <= 3,
    # What follows from claims, or is none.
    "so much is at stake with each": lambda cell: True,
    "they may still be interested": lambda cell: True,
    "paying out after the return period leaves returned goods unrewarded": lambda cell: True,
}


@pytest.mark.parametrize("scheme_name", BUILT_IN_SCHEMES)
def test_each_reason_is_true_of_the_scores_that_lead_to_its_segment(scheme_name: str) -> None:
    scheme = load_scheme(scheme_name)
    advice = load_recommendations(scheme).segments
    said = {
        name: understood(one.reason, REASONS)
        for name, one in advice.items()
        if name != scheme.otherwise
    }
    for cell, segment in scheme.cells.items():
        if segment in said:
            assert holds(said[segment], cell, REASONS), (segment, cell)
    for one in advice.values():
        assert not re.search("notebook|standard|scheme|tile", one.reason)


def test_those_whom_no_rule_covers_are_not_given_up_unseen() -> None:
    lost = {name: load_recommendations(load_scheme(name)).segments["Lost"].reason
            for name in BUILT_IN_SCHEMES}  # fmt: skip
    assert "lowest in recency" in lost["standard"]
    assert lost["notebook"] == (
        "Whoever no other rule covers is here, so look at their recency before giving them up."
    )


OVERALL = {"recency": 200.0, "monetary": 50.0}
MEANS: Claims[pd.Series] = {
    "active at least as recently as the average customer": lambda c: (
        c["recency"] <= OVERALL["recency"]
    ),
    "last active longer ago than the average customer": lambda c: c["recency"] > OVERALL["recency"],
    "few reviews": lambda c: c["frequency"] < 1.5,
    # Were it half of them, or more, the mean would be 1.5 or more.
    "most of them have one review": lambda c: c["frequency"] < 1.5,
    "on average they leave more than one review": lambda c: c["frequency"] > 1,
    "below-average spend": lambda c: c["monetary"] < OVERALL["monetary"],
    "spend at least as much as the average customer": lambda c: (
        c["monetary"] >= OVERALL["monetary"]
    ),
    "paying out after the return period leaves returned goods unrewarded": lambda c: True,
}


def test_each_reason_is_true_of_the_clusters_with_its_label() -> None:
    means = product((150.0, 200.0, 250.0), (1.0, 1.49, 1.5, 3.0), (40.0, 50.0, 60.0))
    clusters = pd.DataFrame(means, columns=["recency", "frequency", "monetary"])
    clusters["customers"] = 1
    labels = [base_label(each) for each in label_clusters(clusters, load_label_rules())]
    advice = load_recommendations(STANDARD).clusters
    assert set(labels) == set(advice)
    for label, (_, cluster) in zip(labels, clusters.iterrows(), strict=True):
        said = understood(advice[label].reason, MEANS)
        assert holds(said, cluster, MEANS), (label, dict(cluster))
