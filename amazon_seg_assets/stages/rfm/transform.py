"""Recency, frequency and monetary value of each customer."""

from datetime import date, timedelta

import pandas as pd
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from amazon_seg_assets.features import FEATURE_COLUMNS, FEATURES
from amazon_seg_assets.spark.sums import exact_usd, total_usd

DROP_REASONS = ("no_user", "no_price", "low_price")
"""Why a review in the window does not count: of several reasons, the first."""


def window_start(last_day: date) -> date:
    """One calendar year before ``last_day``; 28 February for 29 February."""
    return (pd.Timestamp(last_day) - pd.DateOffset(years=1)).date()


def rfm_features(
    joined: DataFrame, last_day: date, min_price: float, counts: Observation
) -> DataFrame:
    """Derives the RFM features as of ``last_day``.

    Args:
        joined: ``user_id``, ``timestamp`` and ``price`` of reviews; may reach beyond the window.
        last_day: L, the date of the latest review; the window is the dates from L minus one
            calendar year to L, both whole days included.
        min_price: a review counts if its price, to six decimals, is above this, in USD.
        counts: receives ``in_window`` (reviews), how many of these are left out for each of
            ``DROP_REASONS``, and ``counted_usd``, the sum of the prices that count.

    Returns:
        Columns of ``rfm_features``: recency in days (1 to 367), frequency in reviews, monetary in
        USD.
    """
    day = F.to_date("timestamp")
    in_window = joined.where(day.between(F.lit(window_start(last_day)), F.lit(last_day)))
    no_user, price = F.col("user_id").isNull(), exact_usd(F.col("price"))
    reasons = (no_user, ~no_user & price.isNull(), ~no_user & (price <= min_price))
    left_out = zip(DROP_REASONS, reasons, strict=True)
    counts_in = ~no_user & (price > min_price)
    counted = in_window.observe(
        counts,
        F.count(F.lit(1)).alias("in_window"),
        *(F.count_if(holds).alias(reason) for reason, holds in left_out),
        total_usd(F.when(counts_in, price)).alias("counted_usd"),
    )
    priced = counted.where(counts_in)
    features = priced.groupBy("user_id").agg(
        F.date_diff(F.lit(last_day + timedelta(days=1)), F.to_date(F.max("timestamp"))).alias(
            "recency"
        ),
        F.count(F.lit(1)).alias("frequency"),
        total_usd(price).alias("monetary"),
    )
    return features.withColumns(
        {"frequency_log": F.log1p("frequency"), "monetary_log": F.log1p("monetary")}
    )


def counted(joined: DataFrame, start: date, end: date, min_price: float) -> DataFrame:
    """The reviews that count in the features, with ``price`` to six decimals.

    Args:
        joined: ``user_id``, ``timestamp`` and ``price`` of reviews, and what else is asked for.
        start: first day of the window.
        end: last day of it, included.
        min_price: as of `rfm_features`.
    """
    priced = joined.withColumn("price", exact_usd(F.col("price")))
    within = F.to_date("timestamp").between(F.lit(start), F.lit(end))
    return priced.where(within & F.col("user_id").isNotNull() & (F.col("price") > min_price))


def repeat_statistics() -> list[Column]:
    """Customers with several reviews that count, and their spend in USD."""
    repeat = F.col("frequency") > 1
    spend = total_usd(F.when(repeat, F.col("monetary")))
    return [
        F.count_if(repeat).alias("repeat_customers"),
        F.coalesce(spend, F.lit(0.0)).alias("repeat_usd"),
    ]


def shape_statistics() -> list[Column]:
    """Skewness (of the population) and mean of the features, before and after the transformation.

    Rounded, as the last digits of such sums depend on the order of the rows.
    """
    return [
        *(F.round(F.skewness(name), 6).alias(f"skewness_{name}") for name in FEATURE_COLUMNS),
        *(F.round(F.mean(name), 6).alias(f"mean_{name}") for name in FEATURES),
    ]
