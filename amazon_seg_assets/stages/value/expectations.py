"""The value of each customer by fitted models."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from pyspark import cloudpickle
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StructField, StructType

from amazon_seg_assets.stages.value import bg_nbd, gamma_gamma
from amazon_seg_assets.stages.value.histories import DAYS_A_WEEK
from amazon_seg_assets.stages.value.models import WEEKS_A_MONTH, ValueParams
from amazon_seg_assets.stages.value.tables import CUSTOMER_VALUE, HORIZONS

_CUSTOMER = CUSTOMER_VALUE.column_names[:2]
CHANCES = ("p_alive", "p_no_purchase")
FIGURES = CUSTOMER_VALUE.column_names[2:]
"""Columns that the models fill."""

# Workers get these functions by value: they need NumPy, pandas and SciPy, not this package.
for _module in (bg_nbd, gamma_gamma):
    cloudpickle.register_pickle_by_value(_module)


def customer_value(
    histories: DataFrame, params: ValueParams, horizon_days: int, discount_rate: float
) -> DataFrame:
    """Adds what the models expect of each customer of the snapshot.

    Args:
        histories: as of `histories.purchase_histories`.
        params: of the fitted models.
        horizon_days: of ``p_no_purchase``.
        discount_rate: of a year, such as 0.1; spend is discounted to the middle of each span.

    Returns:
        Columns of ``customer_value``.
    """
    figures = _figures(params, horizon_days / DAYS_A_WEEK, _spans(HORIZONS, discount_rate))
    known = [F.col(name).cast("double") for name in ("x", "t_x", "age", "spend_days", "spend")]
    schema = StructType([StructField(name, DoubleType()) for name in FIGURES])
    found = F.pandas_udf(figures, schema)(*known)  # type: ignore[call-overload]
    return _of_customers(histories, found.alias("figures")).select(*_CUSTOMER, "figures.*")


def unknown_value(histories: DataFrame) -> DataFrame:
    """Columns of ``customer_value`` without models: null but for the days."""
    nothing = [F.lit(None).cast("double").alias(name) for name in FIGURES]
    return _of_customers(histories, *nothing)


def _of_customers(histories: DataFrame, *figures: Column) -> DataFrame:
    customers = histories.where("user_id IS NOT NULL").withColumn("purchase_days", F.col("x") + 1)
    return customers.select(*_CUSTOMER, *figures)


def _spans(horizons: Mapping[str, int], discount_rate: float) -> list[tuple[float, float]]:
    """Weeks to the end of each horizon, and the discount in its middle, from the one before on."""
    ends = [0, *horizons.values()]
    return [
        (end * WEEKS_A_MONTH, (1 + discount_rate) ** (-(start + end) / 2 / 12))
        for start, end in pairwise(ends)
    ]


def _figures(
    params: ValueParams, horizon: float, spans: Sequence[tuple[float, float]]
) -> Callable[..., pd.DataFrame]:
    """A function of columns, for workers: it holds all that it needs."""
    names, priced_share = list(FIGURES), params.priced_share
    of_purchases, of_spend = params.purchases, params.spend
    p_alive, p_no_purchase = bg_nbd.p_alive, bg_nbd.p_no_purchase
    expected_purchases, expected_spend = bg_nbd.expected_purchases, gamma_gamma.expected_spend

    def figures(
        x: pd.Series, t_x: pd.Series, age: pd.Series, spend_days: pd.Series, spend: pd.Series
    ) -> pd.DataFrame:
        known, days = (x.to_numpy(), t_x.to_numpy(), age.to_numpy()), spend_days.to_numpy()
        each = expected_spend(of_spend, days, spend.to_numpy() / np.maximum(days, 1))
        purchases = [expected_purchases(of_purchases, *known, weeks) for weeks, _ in spans]
        more = np.diff(np.stack(purchases), axis=0, prepend=0.0)
        discounted = more * np.array([[discount] for _, discount in spans])
        spent = discounted.cumsum(axis=0) * each * priced_share
        chances = [p_alive(of_purchases, *known), p_no_purchase(of_purchases, *known, horizon)]
        return pd.DataFrame(dict(zip(names, [*chances, *purchases, *spent], strict=True)))

    return figures
