"""Sums that are the same in any order of the rows, and equal customers as one row."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

CUSTOMERS = "customers"
MICROS = 1_000_000
"""Money is exact to six decimals."""


def exact_usd(usd: Column) -> Column:
    """Money to six decimals, as it is summed up; compared like this, nobody's spend is nothing."""
    return F.rint(usd * MICROS) / MICROS


def total_usd(usd: Column, times: Column | int = 1) -> Column:
    """The sum of money to six decimals, the same in any order of the rows.

    Whole dollars and millionths are summed apart, as whole numbers: these do not overflow below
    nine quintillion USD, and cost less than decimals. A null counts as no money.
    """
    dollars = F.floor(usd)
    micros = F.rint((usd - dollars) * MICROS).cast("bigint")
    return (F.sum(dollars * times) * F.lit(float(MICROS)) + F.sum(micros * times)) / MICROS


def collapse(customers: DataFrame, equal_in: Sequence[str]) -> DataFrame:
    """Customers that are equal in some columns as one row: these columns, and ``customers``."""
    return customers.groupBy(*equal_in).agg(F.count(F.lit(1)).alias(CUSTOMERS))
