"""Words that most tell a segment's negative texts from other texts."""

from collections.abc import Iterator, Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.ml.feature import StopWordsRemover
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from amazon_seg_assets.stages.sentiment import ngrams
from amazon_seg_assets.stages.sentiment.tables import (
    NEGATIVE,
    OTHERS_NEGATIVE,
    OWN_POSITIVE,
    SEGMENT_WORDS,
)

LEAST_CUSTOMERS = 10
"""Of a segment, with a word in a negative text, before it is told: so it is nobody's own."""

MOST_TEXTS = 200_000
"""Texts of the window that are read, about: of more customers a part, by the hash of the user."""

MOST_TELLING = 15
"""Terms for each segment and comparison."""

PRIOR = 500
"""Strength of the prior, in words: as much as so many words that are spread as in all texts."""

CHANCE = 0.05
"""Probability that any of the words tried would pass by chance."""

_NEGATIVE, _POSITIVE = "negative", "positive"
_FINE = 1_000_000
_SALT = "sentiment words"


def texts_of(said: DataFrame, reviews: DataFrame, segments: DataFrame, rows: int) -> DataFrame:
    """The texts of so many of the customers that about `MOST_TEXTS` are left.

    Args:
        said: ``review_id``, ``user_id`` and ``sentiment`` of the window.
        reviews: ``review_id`` and ``text``.
        segments: ``user_id`` and ``segment``.
        rows: of the first.

    Returns:
        ``user_id``, ``segment``, ``is_negative`` and ``text``.
    """
    share = min(1.0, MOST_TEXTS / max(rows, 1))
    bucket = F.pmod(F.xxhash64("user_id", F.lit(_SALT)), F.lit(_FINE))
    drawn = said.where(bucket < share * _FINE).select(
        "review_id", "user_id", (F.col("sentiment") < NEGATIVE).alias("is_negative")
    )
    return drawn.join(segments, "user_id").join(reviews, "review_id").drop("review_id")


def count_terms(texts: DataFrame, segments: Sequence[str]) -> pd.DataFrame:
    """Counts the customers of each segment with a word or pair in a negative, or positive, text.

    Args:
        texts: ``user_id``, ``segment``, ``is_negative`` and ``text``.
        segments: that there are.

    Returns:
        Indexed by term: a column for each segment and kind, as ``(segment, kind)``; terms that
        `LEAST_CUSTOMERS` of a segment have in a negative text. The row of the term ``""`` counts
        the customers of each.
    """
    cells = {
        (segment, kind): F.count_if(
            (F.col("segment") == segment)
            & (F.col("is_negative") if kind == _NEGATIVE else ~F.col("is_negative"))
        )
        for segment in segments
        for kind in (_NEGATIVE, _POSITIVE)
    }
    names = {cell: f"cell_{number}" for number, cell in enumerate(cells)}
    of_customers = (
        _with_terms(texts)
        .groupBy("user_id", "segment", "is_negative")
        .agg(F.array_distinct(F.flatten(F.collect_list("terms"))).alias("terms"))
    )
    counted = (
        of_customers.select("segment", "is_negative", F.explode("terms").alias("term"))
        .groupBy("term")
        .agg(*(count.alias(names[cell]) for cell, count in cells.items()))
    )
    negative = [F.col(names[segment, _NEGATIVE]) for segment in segments]
    enough = counted.where(F.greatest(*negative, F.lit(0)) >= LEAST_CUSTOMERS)
    found = pd.DataFrame(enough.collect(), columns=enough.columns).set_index("term").sort_index()
    found.columns = pd.MultiIndex.from_tuples(list(cells), names=["segment", "kind"])
    return found


def _with_terms(texts: DataFrame) -> DataFrame:
    """The same with ``terms`` in place of ``text``: words, pairs, and "" for the text itself."""
    kept = texts.select("user_id", "segment", "is_negative", "text")
    words_of, terms_of, names = ngrams.words_of, ngrams.terms_of, [*kept.columns[:-1], "terms"]

    def tell(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns = [*batch.columns[:-1], terms_of(words_of(batch["text"]))]
            yield pa.RecordBatch.from_arrays(columns, names)

    terms = StructField("terms", ArrayType(StringType()))
    return kept.mapInArrow(tell, StructType([*kept.drop("text").schema, terms]))


def stop_words() -> set[str]:
    """Words of English that say nothing by themselves; a Spark session must be there."""
    return set(StopWordsRemover.loadDefaultStopWords("english"))


def segment_words(counts: pd.DataFrame, silent: set[str]) -> pd.DataFrame:
    """Finds the terms that most tell each segment's negative texts.

    Args:
        counts: as of `count_terms`.
        silent: words that do not count alone, nor a pair of two of them.

    Returns:
        Columns of ``segment_words``, the most telling first.
    """
    sizes = counts.loc[""] if "" in counts.index else counts.sum() * 0
    telling = counts[[_tells(term, silent) for term in counts.index]]
    background = telling.sum(axis=1).to_numpy(float)
    found = [
        _most_telling(segment, against, telling, background, sizes)
        for segment in dict.fromkeys(counts.columns.get_level_values("segment"))
        for against in (OWN_POSITIVE, OTHERS_NEGATIVE)
    ]
    return pd.concat(found, ignore_index=True)


def _tells(term: str, silent: set[str]) -> bool:
    words = term.split()
    return any(word not in silent and len(word) > 1 and not word.isdigit() for word in words)


def _most_telling(
    segment: str, against: str, counts: pd.DataFrame, background: np.ndarray, sizes: pd.Series
) -> pd.DataFrame:
    mine = counts[segment, _NEGATIVE]
    if against == OWN_POSITIVE:
        theirs, size = counts[segment, _POSITIVE], sizes[segment, _POSITIVE]
    else:
        negative = counts.xs(_NEGATIVE, axis=1, level="kind")
        theirs = negative.sum(axis=1) - mine
        size = sizes.xs(_NEGATIVE, level="kind").sum() - sizes[segment, _NEGATIVE]
    log_odds, z = log_odds_ratios(mine.to_numpy(float), theirs.to_numpy(float), background)
    table = pd.DataFrame(
        {
            "segment": segment,
            "against": against,
            "term": counts.index,
            "customers": mine.to_numpy(),
            "share": mine.to_numpy() / max(sizes[segment, _NEGATIVE], 1),
            "share_against": theirs.to_numpy() / max(size, 1),
            "log_odds": log_odds,
            "z": z,
        }
    )
    is_sure = table["z"] > NormalDist().inv_cdf(1 - CHANCE / max(len(table), 1))
    kept = table[is_sure & (table["customers"] >= LEAST_CUSTOMERS)]
    # Of a word and a pair that always come together, the pair says more.
    by_words = kept.assign(words=kept["term"].str.count(" "))
    order = {"z": False, "words": False, "term": True}
    ordered = by_words.sort_values(list(order), ascending=list(order.values()))[:MOST_TELLING]
    return ordered[SEGMENT_WORDS.column_names]


def log_odds_ratios(
    one: np.ndarray, other: np.ndarray, background: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log odds of each word in one corpus against another, and their z-scores.

    With an informative Dirichlet prior: B. L. Monroe, M. P. Colaresi and K. M. Quinn, Fightin'
    Words, 2008, equations 16, 20 and 22.

    Args:
        one: counts of the words, shape (words,).
        other: those of the other corpus.
        background: counts that the prior follows.

    Returns:
        Both of shape (words,); positive where the first corpus has more.
    """
    prior = PRIOR * background / max(background.sum(), 1.0)
    ratios = [
        np.log((count + prior) / (count.sum() + PRIOR - count - prior)) for count in (one, other)
    ]
    difference = ratios[0] - ratios[1]
    return difference, difference / np.sqrt(1 / (one + prior) + 1 / (other + prior))


def diverse(terms: pd.DataFrame, most: int) -> pd.DataFrame:
    """The first terms of which none shares a word with one before."""
    used: set[str] = set()
    chosen: list[int] = []
    for place, term in enumerate(terms["term"]):
        words = set(term.split())
        if not words & used and len(chosen) < most:
            chosen.append(place)
            used |= words
    return terms.iloc[chosen]
