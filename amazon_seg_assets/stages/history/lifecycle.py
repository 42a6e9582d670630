"""New, returning, won back or lapsed: customers by what they did before the window."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from amazon_seg_assets.spark.sums import total_usd
from amazon_seg_assets.stages.history.tables import (
    CUSTOMER_LIFECYCLE,
    LAPSED,
    LIFECYCLE_SUMMARY,
    NEW,
    RETURNING,
    STATUSES,
    WON_BACK,
)
from amazon_seg_assets.stages.rfm.transform import window_start

DAY_COLUMNS = ["user_id", "day", "priced_reviews", "spend"]


def customer_lifecycle(
    days: DataFrame, customers: DataFrame, last_day: date, counts: Observation
) -> DataFrame:
    """Tells of each customer how the window goes on from what was before.

    Args:
        days: ``DAY_COLUMNS`` of all days; may reach beyond ``last_day``.
        customers: ``user_id`` of the customers of the snapshot.
        last_day: L; the window begins one calendar year before it, the year before the window one
            calendar year before that.
        counts: receives ``window_reviews`` (priced ones) and ``window_spend`` (USD) of everybody,
            ``unknown`` (customers without a day, who are left out), and what `lifecycle_summary`
            reads.

    Returns:
        Columns of ``customer_lifecycle``.
    """
    start = window_start(last_day)
    in_window = F.col("day") >= start
    in_year_before = ~in_window & (F.col("day") >= window_start(start))
    # Customers as rows among the days: a join would be a second shuffle.
    marked = customers.select("user_id", F.lit(True).alias("is_customer"))
    history = days.where(F.col("day") <= last_day).unionByName(marked, allowMissingColumns=True)
    known = history.groupBy("user_id").agg(
        _any(F.col("is_customer")).alias("is_customer"),
        F.min("day").alias("first_day"),
        F.count("day").alias("lifetime_purchase_days"),
        total_usd(F.col("spend")).alias("lifetime_spend"),
        _any(in_window).alias("is_active"),
        _any(in_year_before).alias("was_active"),
        _any(in_year_before & (F.col("priced_reviews") > 0)).alias("was_customer"),
        F.sum(F.when(in_window, F.col("priced_reviews"))).alias("window_reviews"),
        total_usd(F.when(in_window, F.col("spend"))).alias("spend"),
        total_usd(F.when(in_year_before, F.col("spend"))).alias("spend_before"),
    )
    lifecycle = (
        F.when(F.col("first_day") >= start, NEW)
        .when(F.col("was_active"), RETURNING)
        .when(F.col("first_day").isNotNull(), WON_BACK)
    )
    lapsed = F.when(F.col("was_customer") & ~F.col("is_active"), LAPSED)
    told = known.withColumns(
        {
            "status": F.when(F.col("is_customer"), lifecycle).otherwise(lapsed),
            "tenure_days": F.date_diff(F.lit(last_day + timedelta(days=1)), "first_day"),
        }
    )
    # Most of all who ever came are neither.
    of_interest = F.col("is_customer") | F.col("status").isNotNull() | (F.col("window_reviews") > 0)
    return (
        told.where(of_interest)
        .observe(counts, *_counts())
        .where(F.col("is_customer") & F.col("status").isNotNull())
        .withColumnRenamed("status", "lifecycle")
        .select(*CUSTOMER_LIFECYCLE.column_names)
    )


def _any(holds: Column) -> Column:
    """Tells if it holds in any row; a null does not."""
    return F.coalesce(F.bool_or(holds), F.lit(False))


def _counts() -> list[Column]:
    status = F.col("status")
    return [
        F.count_if(F.col("is_customer") & status.isNull()).alias("unknown"),
        F.coalesce(F.sum("window_reviews"), F.lit(0)).alias("window_reviews"),
        F.coalesce(total_usd(F.col("spend")), F.lit(0.0)).alias("window_spend"),
        *(F.count_if(status == name).alias(f"{name}_customers") for name in STATUSES),
        *(
            F.coalesce(total_usd(F.when(status == name, F.col(of))), F.lit(0.0)).alias(
                f"{name}_{of}"
            )
            for name in STATUSES
            for of in ("spend", "spend_before")
        ),
    ]


def lifecycle_summary(counts: Mapping[str, Any]) -> pd.DataFrame:
    """Customers and spend by status, as `customer_lifecycle` has observed them.

    Returns:
        Columns of ``lifecycle_summary``; a status that nobody has is there.
    """
    of = ("customers", "spend", "spend_before")
    return pd.DataFrame(
        [(name, *(counts[f"{name}_{figure}"] for figure in of)) for name in STATUSES],
        columns=LIFECYCLE_SUMMARY.column_names,
    )
