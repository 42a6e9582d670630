"""A model of sentiment, taught by stars: hashed words and pairs of words, and logistic regression.

Training texts come from a part of the users; the others are for its judgement.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate

import pyarrow as pa
from pyspark.ml.classification import LogisticRegression, LogisticRegressionModel
from pyspark.ml.linalg import VectorUDT
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from amazon_seg_assets.spark.internals import named
from amazon_seg_assets.stages.sentiment import ngrams

COLUMNS = ["review_id", "user_id", "rating", "text"]
"""Of raw reviews, that texts and labels come from."""

ENOUGH_ROWS = 1_000_000
"""Raw reviews, of the latest months, among which training texts are looked for."""

MOST_OF_EACH = 25_000
"""Texts of either kind that the model learns from, about."""

FEWEST_OF_EACH = 100
"""Texts of either kind without which nothing can be learnt."""

PENALTY = 1e-3
"""L2, on weights of words that are there or not; ``docs/sentiment.md`` tells how it was found."""
_ITERATIONS, _TOLERANCE = 50, 1e-4

HELD_OUT = 0.2
"""Share of the users who teach nothing."""
_BUCKETS, _FINE = 1_000, 1_000_000
_USERS, _REVIEWS = "sentiment users", "sentiment reviews"
"""Salts of the hashes by which users, and of theirs reviews, are drawn."""

LABEL, FEATURES_OF_TEXT = "label", "features"


def latest(rows: Mapping[str, int], enough: int) -> list[str]:
    """The last months that together hold enough rows; all, where there are fewer."""
    months = sorted(rows, reverse=True)
    before = accumulate((rows[month] for month in months), initial=0)
    return sorted(month for month, count in zip(months, before, strict=False) if count < enough)


def labelled(raw: DataFrame, of_held_out: bool) -> DataFrame:
    """Reviews with a label: 1 of 4 and 5 stars, 0 of 1 and 2; without those of 3.

    Args:
        raw: `COLUMNS` of raw reviews.
        of_held_out: those of users who teach nothing, or of the others.

    Returns:
        ``review_id``, ``user_id``, ``text`` and ``label``.
    """
    stars = F.greatest("rating", F.lit(1.0))
    is_held_out = _bucket("user_id", _USERS) < int(HELD_OUT * _BUCKETS)
    return (
        raw.where("rating <> 3 AND user_id IS NOT NULL")
        .where(is_held_out if of_held_out else ~is_held_out)
        .select("review_id", "user_id", "text", (stars > 3).cast("double").alias(LABEL))
    )


def _bucket(column: str, salt: str, buckets: int = _BUCKETS) -> Column:
    return F.pmod(F.xxhash64(column, F.lit(salt)), F.lit(buckets))


def count_labels(reviews: DataFrame) -> dict[str, int]:
    """Negative and positive reviews among labelled ones."""
    found = reviews.agg(
        F.count_if(F.col(LABEL) == 0).alias("negative"),
        F.count_if(F.col(LABEL) == 1).alias("positive"),
    ).collect()[0]
    return found.asDict()


def drawn(reviews: DataFrame, negative: float, positive: float) -> DataFrame:
    """These shares of the labelled reviews of either kind, about, by the hash of the review."""
    share = F.when(F.col(LABEL) == 0, negative).otherwise(positive)
    return reviews.where(_bucket("review_id", _REVIEWS, _FINE) < share * _FINE)


def shares_to_learn_from(counts: Mapping[str, int]) -> tuple[float, float]:
    """Shares of the negative and of the positive reviews that the model learns from."""
    negative, positive = (
        min(1.0, MOST_OF_EACH / max(counts[kind], 1)) for kind in ("negative", "positive")
    )
    return negative, positive


def too_few(counts: Mapping[str, int]) -> str | None:
    """Says why nothing can be learnt; None if it can."""
    if min(counts["negative"], counts["positive"]) >= FEWEST_OF_EACH:
        return None
    return (
        f"There are {counts['negative']:,} negative and {counts['positive']:,} positive texts to "
        f"learn from: a model needs {FEWEST_OF_EACH} of either kind."
    )


def fit(reviews: DataFrame) -> tuple[LogisticRegressionModel, dict[str, int]]:
    """Fits the model.

    Args:
        reviews: labelled; English texts of both kinds must be there.

    Returns:
        A model that takes a column ``features``, the same whatever the cores; and the texts of
        either kind that it has learnt from.
    """
    # In one task and one order, as sums of doubles depend on both.
    learnt = featured(reviews).repartition(1).sortWithinPartitions("review_id").cache()
    counts = count_labels(learnt)
    half = sum(counts.values()) / 2
    weights = {kind: half / max(number, 1) for kind, number in counts.items()}
    weight = F.when(F.col(LABEL) == 0, weights["negative"]).otherwise(weights["positive"])
    regression = LogisticRegression(
        featuresCol=FEATURES_OF_TEXT, labelCol=LABEL, weightCol="weight", regParam=PENALTY,
        maxIter=_ITERATIONS, tol=_TOLERANCE, standardization=False,
    )  # fmt: skip
    model = regression.fit(learnt.withColumn("weight", weight))
    learnt.unpersist()
    return named(model, "amazon_seg_sentiment_model"), counts


def featured(reviews: DataFrame) -> DataFrame:
    """Labelled reviews whose texts are English, with ``features`` in place of the text."""
    schema = StructType(
        [
            StructField("review_id", StringType()),
            StructField(LABEL, DoubleType()),
            StructField(FEATURES_OF_TEXT, VectorUDT()),
        ]
    )
    words_of, vectors, names = ngrams.words_of, ngrams.vectors, schema.names

    def features(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            words = words_of(batch["text"])
            columns = [*batch.columns[:-1], vectors(words)]
            yield pa.RecordBatch.from_arrays(columns, names).filter(pa.array(words.is_english))

    return reviews.select("review_id", LABEL, "text").mapInArrow(features, schema)
