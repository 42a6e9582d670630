"""Purchase histories of customers: what the models of value know of them."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.spark.sums import CUSTOMERS, total_usd
from amazon_seg_assets.stages.rfm.transform import window_start
from amazon_seg_assets.stages.value.bg_nbd import Histories
from amazon_seg_assets.stages.value.gamma_gamma import Spenders

DAY_COLUMNS = ["user_id", "day", "spend"]
DAYS_A_WEEK = 7
BUCKETS = 1_000
MOST_JUDGED = 1_000_000
"""Customers by whom expectations of a year before are judged, about; of more a part is taken."""
FINENESS = 50
"""Mean spends whose logarithms differ by less than a fiftieth, 2 %, count as one."""


def purchase_histories(days: DataFrame, customers: DataFrame, last_day: date) -> DataFrame:
    """Sums up the days of everybody who ever came, as of now and as of a year before.

    Weeks are whole ones, the nearest: so histories repeat, and there are few distinct ones.

    Args:
        days: ``DAY_COLUMNS`` of all days with a clean review; may reach beyond ``last_day``.
        customers: ``user_id`` of the customers of the snapshot.
        last_day: L.

    Returns:
        ``user_id`` (null but for customers of the snapshot), ``x``, ``t_x`` and ``age`` (weeks),
        ``spend_days``, ``spend`` (USD); the same as of a year before as ``x_then``, ``t_x_then``
        and ``age_then``, null for whoever came later; ``cohort`` (year of the first day),
        ``actual`` and ``as_last_year`` (days of purchase in the last year, and in the one before);
        ``bucket``, from 0 to below `BUCKETS`, by the hash of the user.
    """
    then = window_start(last_day)
    before = F.col("day") <= then
    year_before = before & (F.col("day") > window_start(then))
    # Customers as rows among the days: a join would be a second shuffle.
    marked = customers.select("user_id", F.lit(True).alias("is_customer"))
    every = days.where(F.col("day") <= last_day).unionByName(marked, allowMissingColumns=True)
    spends = F.col("spend") > 0
    known = every.groupBy("user_id").agg(
        F.coalesce(F.bool_or("is_customer"), F.lit(False)).alias("is_customer"),
        F.min("day").alias("first_day"),
        F.max("day").alias("last_day"),
        F.max(F.when(before, F.col("day"))).alias("last_day_then"),
        F.count("day").alias("purchases"),
        F.count_if(before).alias("purchases_then"),
        F.count_if(year_before).alias("as_last_year"),
        F.count_if(spends).alias("spend_days"),
        F.coalesce(total_usd(F.when(spends, F.col("spend"))), F.lit(0.0)).alias("spend"),
    )
    first, was_there = F.col("first_day"), F.col("purchases_then") > 0
    return known.where(first.isNotNull()).select(
        F.when(F.col("is_customer"), F.col("user_id")).alias("user_id"),
        (F.col("purchases") - 1).alias("x"),
        _weeks(first, F.col("last_day")).alias("t_x"),
        _weeks(first, F.lit(last_day + timedelta(days=1))).alias("age"),
        "spend_days",
        "spend",
        F.when(was_there, F.col("purchases_then") - 1).alias("x_then"),
        F.when(was_there, _weeks(first, F.col("last_day_then"))).alias("t_x_then"),
        F.when(was_there, _weeks(first, F.lit(then + timedelta(days=1)))).alias("age_then"),
        F.year("first_day").alias("cohort"),
        (F.col("purchases") - F.col("purchases_then")).alias("actual"),
        "as_last_year",
        F.pmod(F.xxhash64("user_id"), F.lit(BUCKETS)).alias("bucket"),
    )


def _weeks(start: Column, end: Column) -> Column:
    return F.round(F.date_diff(end, start) / DAYS_A_WEEK).cast("int")


def distinct_histories(histories: DataFrame) -> Histories:
    """The histories as of now, each once with its customers: as many as weeks, at most squared."""
    return _distinct(histories, ["x", "t_x", "age"])


def distinct_histories_then(histories: DataFrame) -> Histories:
    """The same as of a year before."""
    there = histories.where("x_then IS NOT NULL")
    return _distinct(there, ["x_then", "t_x_then", "age_then"])


def _distinct(histories: DataFrame, columns: list[str]) -> Histories:
    counted = histories.groupBy(*columns).agg(F.count(F.lit(1)).alias(CUSTOMERS))
    table = pd.DataFrame(counted.toPandas()).sort_values(columns, ignore_index=True)
    return Histories(*(table[name].to_numpy(float) for name in (*columns, CUSTOMERS)))


def spenders(histories: DataFrame) -> Spenders:
    """Customers with spend by their days with spend, and the mean of these."""
    there = histories.where("spend_days > 0")
    place = F.round(F.log(F.col("spend") / F.col("spend_days")) * FINENESS).alias("place")
    counted = there.groupBy("spend_days", place).agg(F.count(F.lit(1)).alias(CUSTOMERS))
    table = pd.DataFrame(counted.toPandas()).sort_values(["spend_days", "place"], ignore_index=True)
    mean = np.exp(table["place"].to_numpy(float) / FINENESS)
    return Spenders(table["spend_days"].to_numpy(float), mean, table[CUSTOMERS].to_numpy(float))


def last_year(histories: DataFrame, customers: float) -> pd.DataFrame:
    """Purchases of the last two years by history as of a year before.

    Args:
        histories: as of `purchase_histories`.
        customers: of a year before; of more than `MOST_JUDGED` a part is taken, by hash.

    Returns:
        ``x_then``, ``t_x_then``, ``age_then``, ``cohort``, ``actual``, ``as_last_year`` and
        ``customers`` with these.
    """
    part = max(1, int(BUCKETS * min(1.0, MOST_JUDGED / max(customers, 1))))
    keys = ["x_then", "t_x_then", "age_then", "cohort", "actual", "as_last_year"]
    there = histories.where(F.col("x_then").isNotNull() & (F.col("bucket") < part))
    counted = there.groupBy(*keys).agg(F.count(F.lit(1)).alias(CUSTOMERS))
    return pd.DataFrame(counted.toPandas()).sort_values(keys, ignore_index=True)
