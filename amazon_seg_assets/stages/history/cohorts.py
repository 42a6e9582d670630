"""Cohorts of customers who came in the same quarter, and how many are active in later ones."""

from datetime import date

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from amazon_seg_assets.spark.sums import total_usd
from amazon_seg_assets.stages.history.tables import COHORT_RETENTION

DAY_COLUMNS = ["user_id", "day", "spend"]


def cohort_retention(days: DataFrame, last_day: date) -> pd.DataFrame:
    """Counts the customers of each cohort who are active in each quarter since.

    Args:
        days: ``DAY_COLUMNS`` of all days; may reach beyond ``last_day``.
        last_day: L; the quarter that it cuts off is left out.

    Returns:
        Columns of ``cohort_retention``; quarters in which nobody of a cohort is active are there.
    """
    last = last_full_quarter(last_day)
    quarter = (F.year("day") * 4 + F.quarter("day") - 1).alias("quarter")
    # All of a customer in one place: the first quarter is found there without a second shuffle.
    by_quarter = (
        days.select("user_id", quarter, "spend")
        .where(F.col("quarter") <= last)
        .repartition("user_id")
        .groupBy("user_id", "quarter")
        .agg(total_usd(F.col("spend")).alias("spend"))
    )
    counted = (
        by_quarter.withColumn("cohort", F.min("quarter").over(Window.partitionBy("user_id")))
        .groupBy("cohort", "quarter")
        .agg(F.count(F.lit(1)).alias("active"), total_usd(F.col("spend")).alias("spend"))
    )
    found = {
        (row["cohort"], row["quarter"]): (row["active"], row["spend"]) for row in counted.collect()
    }
    return pd.DataFrame(
        [
            (quarter_name(cohort), quarter - cohort, found[cohort, cohort][0], active, spend)
            for cohort in sorted({cohort for cohort, _ in found})
            for quarter in range(cohort, last + 1)
            for active, spend in (found.get((cohort, quarter), (0, 0.0)),)
        ],
        columns=COHORT_RETENTION.column_names,
    )


def last_full_quarter(last_day: date) -> int:
    """Number, since the first of year 0, of the last quarter that ends by ``last_day``."""
    after = pd.Timestamp(last_day) + pd.Timedelta(days=1)
    return int(after.year * 4 + after.quarter - 2)


def quarter_name(number: int) -> str:
    """A quarter as people write it: ``2021-Q3``."""
    return f"{number // 4:04d}-Q{number % 4 + 1}"
