"""Sentiment of each review, by the stored model."""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.ml.classification import LogisticRegressionModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DoubleType, StructField, StructType

from amazon_seg_assets.schema import MONTH
from amazon_seg_assets.stages.sentiment import ngrams
from amazon_seg_assets.stages.sentiment.tables import REVIEW_SENTIMENT

COLUMNS = ["review_id", "user_id", "timestamp", "rating", "text", MONTH]
"""Of clean reviews."""

DIGITS = 4
"""Of a sentiment: whole numbers of its last digit are summed up, the same in any order."""

Batches = Iterator[pa.RecordBatch]


def review_sentiment(reviews: DataFrame, model: LogisticRegressionModel) -> DataFrame:
    """Tells what each text says, in one pass.

    Args:
        reviews: `COLUMNS` of clean reviews.
        model: as `learning.fit` gives it.

    Returns:
        Columns of ``review_sentiment``, and ``month``.
    """
    gap = F.round((F.col("rating") - 1) / 4 - F.col("sentiment"), DIGITS)
    told = with_sentiment(reviews, model).withColumn("star_gap", gap)
    return told.select(*REVIEW_SENTIMENT.column_names, MONTH)


def with_sentiment(reviews: DataFrame, model: LogisticRegressionModel) -> DataFrame:
    """Adds ``sentiment`` and ``language_ok`` to rows with ``text``; null where that is not English.

    Args:
        reviews: the text, and whatever else.
        model: as `learning.fit` gives it.
    """
    told = [StructField("sentiment", DoubleType()), StructField("language_ok", BooleanType())]
    schema = StructType([*reviews.schema, *told])
    return reviews.mapInArrow(_telling(model.coefficients.toArray(), model.intercept), schema)


def _telling(weights: np.ndarray, intercept: float) -> Callable[[Batches], Batches]:
    """A function of batches, for workers: it holds all that it needs."""
    words_of, probabilities, digits = ngrams.words_of, ngrams.probabilities, DIGITS

    def tell(batches: Batches) -> Batches:
        for batch in batches:
            words = words_of(batch["text"])
            found = np.round(probabilities(words, weights, intercept), digits)
            sentiment = pa.array(found, mask=~words.is_english)
            yield batch.append_column("sentiment", sentiment).append_column(
                "language_ok", pa.array(words.is_english)
            )

    return tell


def no_sentiment(reviews: DataFrame) -> DataFrame:
    """No row, where there is no model."""
    nothing = {"sentiment": "double", "star_gap": "double", "language_ok": "boolean"}
    columns = {name: F.lit(None).cast(kind) for name, kind in nothing.items()}
    return reviews.where("false").withColumns(columns).select(*REVIEW_SENTIMENT.column_names, MONTH)
