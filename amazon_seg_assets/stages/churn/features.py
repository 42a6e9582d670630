"""Features of customers as of a cut-off, from nothing that came after it."""

from datetime import date, timedelta
from math import cos, pi, sin

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.spark.sums import total_usd
from amazon_seg_assets.stages.churn.tables import CHURN_FEATURES, SPANS
from amazon_seg_assets.stages.rfm.transform import window_start

DAY_COLUMNS = [
    "user_id", "day", "reviews", "priced_reviews", "spend", "rating_sum", "low_ratings",
    "helpful_votes", "products",
]  # fmt: skip

_SUMMED = [
    "reviews", "priced_reviews", "low_ratings", "helpful_votes", "products", "rating_sum",
]  # fmt: skip

DAYS_A_MONTH = 365.25 / 12
_YEAR_DAYS = 365.25


def churn_features(days: DataFrame, cutoff: date) -> DataFrame:
    """Sums up what is known of each customer as of a cut-off.

    Customers are those of a snapshot whose last day the cut-off is: with a priced review in the
    calendar year up to it.

    Args:
        days: ``DAY_COLUMNS`` of all days; those after the cut-off are left out.
        cutoff: the last day that counts.

    Returns:
        Columns of ``churn_features``.
    """
    past = days.where(F.col("day") <= F.lit(cutoff))
    in_year = F.col("day") >= F.lit(window_start(cutoff))
    customers = past.where(in_year & (F.col("priced_reviews") > 0)).select("user_id").distinct()
    # First, as most of those who ever came are no customers any more.
    known = (
        past.join(customers, "user_id", "left_semi")
        .groupBy("user_id")
        .agg(
            F.min("day").alias("first_day"),
            F.max("day").alias("last_day"),
            *(F.count_if(_within(cutoff, n)).alias(f"days_{n}m") for n in SPANS),
            F.count("day").alias("days_ever"),
            *(
                _spend(F.when(_within(cutoff, n), F.col("spend"))).alias(f"spend_{n}m")
                for n in SPANS
            ),
            _spend(F.col("spend")).alias("spend_ever"),
            F.sort_array(F.collect_set(_month(F.col("day")))).alias("months"),
            *(F.sum(name).alias(name) for name in _SUMMED),
        )
    )
    return _derived(known, cutoff).select(*CHURN_FEATURES.column_names)


def _derived(known: DataFrame, cutoff: date) -> DataFrame:
    """Adds what follows from the sums of each customer."""
    end = F.lit(cutoff + timedelta(days=1))
    count = F.size("months")
    # The time since the only active month stands for a gap that there is not.
    open_gap = _month(F.lit(cutoff)) - F.element_at("months", -1)
    gaps = F.zip_with(
        F.slice("months", 2, F.greatest(count - 1, F.lit(1))),
        F.slice("months", 1, F.greatest(count - 1, F.lit(1))),
        lambda later, earlier: (later - earlier).cast("double"),
    )
    several = count > 1
    mean = (F.element_at("months", -1) - F.element_at("months", 1)) / (count - 1)
    squares = F.aggregate(gaps, F.lit(0.0), lambda total, gap: total + gap * gap)
    recent, before = F.col("spend_6m"), F.col("spend_12m") - F.col("spend_6m")
    angle = 2 * pi * cutoff.timetuple().tm_yday / _YEAR_DAYS
    first = known.withColumns(
        {
            "recency_days": F.date_diff(end, "last_day"),
            "tenure_days": F.date_diff(end, "first_day"),
            "active_months": count,
            "gap_mean_months": F.when(several, mean).otherwise(F.greatest(open_gap, F.lit(1))),
            "gap_last_months": F.when(several, F.element_at(gaps, -1)).otherwise(
                F.greatest(open_gap, F.lit(1)).cast("double")
            ),
            "gap_spread_months": F.when(
                several, F.sqrt(F.greatest(squares / (count - 1) - mean * mean, F.lit(0.0)))
            ).otherwise(0.0),
        }
    )
    return first.withColumns(
        {
            "recency_over_gap": F.col("recency_days")
            / (F.greatest(F.col("gap_mean_months"), F.lit(1.0)) * DAYS_A_MONTH),
            "spend_trend": _ratio(recent - before, recent + before),
            "price_level": _ratio(F.col("spend_ever"), F.col("priced_reviews")),
            "mean_rating": _ratio(F.col("rating_sum"), F.col("reviews")),
            "low_rating_share": _ratio(F.col("low_ratings"), F.col("reviews")),
            "products_a_review": _ratio(F.col("products"), F.col("reviews")),
            "active_month_share": F.col("active_months")
            / F.greatest(F.ceil(F.col("tenure_days") / DAYS_A_MONTH), F.col("active_months")),
            "season_sine": F.lit(round(sin(angle), 6)),
            "season_cosine": F.lit(round(cos(angle), 6)),
        }
    )


def _within(cutoff: date, months: int) -> Column:
    return F.col("day") > F.add_months(F.lit(cutoff), -months)


def _month(day: Column) -> Column:
    return F.year(day) * 12 + F.month(day)


def _spend(usd: Column) -> Column:
    return F.coalesce(total_usd(usd), F.lit(0.0))


def _ratio(part: Column, whole: Column) -> Column:
    """The ratio; 0 where the whole is nothing."""
    return F.when(whole != 0, part / whole).otherwise(0.0)


def returns(days: DataFrame, cutoff: date, horizon_days: int) -> DataFrame:
    """``user_id`` of everybody with a clean review in the ``horizon_days`` after a cut-off."""
    after = F.date_diff("day", F.lit(cutoff))
    return days.where(after.between(1, horizon_days)).select("user_id").distinct()


def labelled(days: DataFrame, cutoff: date, horizon_days: int) -> DataFrame:
    """Columns of ``churn_features`` as of a cut-off, and ``churned``: nothing came after it."""
    back = returns(days, cutoff, horizon_days).withColumn("is_back", F.lit(True))
    found = churn_features(days, cutoff).join(back, "user_id", "left")
    return found.withColumn("churned", F.col("is_back").isNull()).drop("is_back")
