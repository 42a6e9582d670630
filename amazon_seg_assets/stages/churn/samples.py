"""Labelled customers of earlier cut-offs: a part that has a bound, by the hash of the user."""

from dataclasses import dataclass
from datetime import date
from math import ceil

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.stages.churn.cutoffs import Cutoffs
from amazon_seg_assets.stages.churn.features import labelled
from amazon_seg_assets.stages.value import bg_nbd, histories, models
from amazon_seg_assets.stages.value.bg_nbd import Params

MOST_CUSTOMERS = 150_000
"""Customers that a model is fitted on, about, and as many others that it is judged on."""

_BUCKETS = 1_000
_SALT = "churn"
"""Keeps the part apart from others that are drawn by the hash of the user."""


@dataclass(frozen=True)
class Sample:
    """Customers with what came after each cut-off.

    Attributes:
        train: columns of ``churn_features``, ``churned``, and ``held_out`` (bool): customers on
            whom no model is fitted before it has been judged. As of the first cut-off.
        later: the same as of the later one.
        of_histories: parameters of BG/NBD as of the later cut-off; None where it cannot be fitted.
    """

    train: pd.DataFrame
    later: pd.DataFrame
    of_histories: Params | None


def sample(days: DataFrame, when: Cutoffs, customers: int) -> Sample:
    """Collects labelled customers.

    Args:
        days: ``DAY_COLUMNS`` of all days.
        when: the cut-offs.
        customers: of the snapshot, about as many as there are as of the cut-offs.
    """
    part = part_of(customers)
    # Kept, as their files, one a month, are many, and the days are few.
    drawn = days.where((bucket() < 2 * part) & (F.col("day") <= F.lit(when.now))).persist()
    try:
        train, later = (
            collected(drawn, cutoff, when.horizon_days, part)
            for cutoff in (when.train, when.evaluate)
        )
        return Sample(train, later, purchases(drawn, when.evaluate))
    finally:
        drawn.unpersist()


def part_of(customers: int) -> int:
    """The buckets that hold about `MOST_CUSTOMERS` of so many customers; half of all at most."""
    return min(_BUCKETS // 2, max(1, ceil(_BUCKETS * MOST_CUSTOMERS / max(customers, 1))))


def bucket() -> Column:
    """The bucket of a user, by hash: below `part_of` are fitted on, as many above held out."""
    return F.pmod(F.xxhash64("user_id", F.lit(_SALT)), F.lit(_BUCKETS))


def collected(days: DataFrame, cutoff: date, horizon_days: int, part: int) -> pd.DataFrame:
    """Labelled customers as of a cut-off, with ``held_out``: a frame of `Sample`."""
    found = labelled(days, cutoff, horizon_days).withColumn("held_out", bucket() >= part)
    return pd.DataFrame(found.toPandas()).sort_values("user_id", ignore_index=True)


def purchases(days: DataFrame, cutoff: date) -> Params | None:
    """Parameters of BG/NBD as of a cut-off; None where it cannot be fitted."""
    nobody = days.select("user_id").limit(0)
    seen = histories.purchase_histories(days, nobody, cutoff)
    known = histories.distinct_histories(seen)
    return None if models.too_few(known) else Params(*bg_nbd.fit(known).params.tolist())
