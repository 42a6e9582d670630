"""Sentiment of the groups of a snapshot: how negative their texts are, and beside whom."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.stages.sentiment.intervals import (
    Share,
    Sums,
    difference,
    mean_interval,
    z_of,
)
from amazon_seg_assets.stages.sentiment.scoring import DIGITS
from amazon_seg_assets.stages.sentiment.tables import (
    MEASURES,
    NEGATIVE,
    SEGMENT_SENTIMENT,
    SENTIMENT_BY_STARS,
    SENTIMENT_SUMS,
    SURE,
)

COLUMNS = ["user_id", "timestamp", "rating", "sentiment"]
"""Of ``review_sentiment``."""

TENTHS = 10

COMPARISONS = ("against_others", "change", "left_difference")
"""Columns of differences of shares of negative texts."""

_UNITS = 10**DIGITS
_OF_REVIEW = {
    "sentiment": f"CAST(rint(sentiment * {_UNITS}) AS bigint)",
    "negative": f"CAST(sentiment < {NEGATIVE} AS bigint)",
    "contradicting": (
        f"CAST(rating >= 4 AND sentiment < {1 - SURE:.1f} OR rating <= 2 AND sentiment > {SURE} "
        "AS bigint)"
    ),
}
"""SQL of a review: whole numbers, so that sums are the same in any order."""

_LEFT = {True: "left", False: "stayed"}


def of_window(reviews: DataFrame, window: tuple[date, date]) -> DataFrame:
    """The reviews between two days, both included, whose text says something."""
    day = F.to_date("timestamp")
    inside = day.between(F.lit(window[0]), F.lit(window[1]))
    return reviews.where(inside & F.col("sentiment").isNotNull())


def by_stars() -> list[Column]:
    """Reviews for each number of stars and tenth of sentiment, to be observed."""
    tenth = F.least(F.floor(F.col("sentiment") * TENTHS), F.lit(TENTHS - 1)) + 1
    return [
        F.count_if((F.col("rating") == stars) & (tenth == number)).alias(f"{stars}_{number}")
        for stars in range(1, 6)
        for number in range(1, TENTHS + 1)
    ]


def stars_table(observed: Mapping[str, int]) -> pd.DataFrame:
    """Columns of ``sentiment_by_stars``, from what `by_stars` has counted."""
    rows = [(*map(int, name.split("_")), number) for name, number in observed.items()]
    return pd.DataFrame(rows, columns=SENTIMENT_BY_STARS.column_names)


def group_sums(reviews: DataFrame, groups: DataFrame, returned: DataFrame | None) -> pd.DataFrame:
    """Adds up the texts of the customers of each group, in one pass.

    Args:
        reviews: `COLUMNS`, as `of_window` gives them.
        groups: ``user_id``, ``grouping`` and ``name``; each grouping holds all customers.
        returned: ``user_id`` of customers with a review in the horizon after the snapshot, some
            several times; None where that is not known.

    Returns:
        Columns of ``sentiment_sums``.
    """
    of_customers = reviews.groupBy("user_id").agg(
        F.count(F.lit(1)).alias("n"),
        *(F.sum(F.expr(each)).alias(name) for name, each in _OF_REVIEW.items()),
    )
    members = groups.join(of_customers, "user_id", "left")
    left = F.lit(None).cast("boolean")
    if returned is not None:
        back = returned.distinct().withColumn("is_back", F.lit(True))
        members, left = members.join(back, "user_id", "left"), F.col("is_back").isNull()
    found = members.groupBy("grouping", "name", left.alias("left")).agg(
        F.count(F.lit(1)).alias("all_customers"),
        F.count("n").alias("customers"),
        F.sum("n").alias("n"),
        F.sum(F.col("n") * F.col("n")).alias("nn"),
        *(
            F.sum(each).alias(f"{name}_{field}")
            for name in MEASURES
            for field, each in (
                ("y", F.col(name)),
                ("yy", F.col(name) * F.col(name)),
                ("ny", F.col("n") * F.col(name)),
            )
        ),
    )
    table = pd.DataFrame(found.collect(), columns=found.columns)
    ordered = table.sort_values(["grouping", "name", "left"], ignore_index=True)
    numbers = SENTIMENT_SUMS.column_names[3:]
    ordered[numbers] = ordered[numbers].astype("Int64").fillna(0).astype("int64")
    return ordered[SENTIMENT_SUMS.column_names]


def segment_sentiment(sums: pd.DataFrame, before: pd.DataFrame | None = None) -> pd.DataFrame:
    """Measures each group, beside the others, a year before, and those who left.

    Args:
        sums: columns of ``sentiment_sums``.
        before: the same of the snapshot a year before, if it is stored.

    Returns:
        Columns of ``segment_sentiment``, in order of its key.
    """
    rows = []
    for grouping, of_grouping in sums.groupby("grouping"):
        names = sorted(of_grouping["name"].unique())
        together = z_of(len(names))
        everybody = _sums(of_grouping, "negative")
        for name in names:
            of_group = of_grouping[of_grouping["name"] == name]
            negative = Share.of(_sums(of_group, "negative"))
            others = Share.of(everybody - _sums(of_group, "negative"))
            then = _share_before(before, grouping, name)
            rows.append(
                {
                    "grouping": grouping,
                    "name": name,
                    **_measured(of_group, negative),
                    **_compared("against_others", negative, others, together),
                    **_compared("change", negative, then, together),
                    **_of_leavers(of_group, together),
                }
            )
    return pd.DataFrame(rows, columns=SEGMENT_SENTIMENT.column_names)


def _sums(rows: pd.DataFrame, measure: str) -> Sums:
    total = rows.sum(numeric_only=True)
    scale = _UNITS if measure == "sentiment" else 1
    return Sums(
        float(total["customers"]),
        float(total["n"]),
        float(total[f"{measure}_y"]) / scale,
        float(total["nn"]),
        float(total[f"{measure}_yy"]) / scale**2,
        float(total[f"{measure}_ny"]) / scale,
    )


def _measured(rows: pd.DataFrame, negative: Share) -> dict[str, Any]:
    sentiment = _sums(rows, "sentiment")
    contradicting = Share.of(_sums(rows, "contradicting"))
    mean_low, mean_high = mean_interval(sentiment, z_of())
    found: dict[str, Any] = {
        "customers": int(rows["all_customers"].sum()),
        "customers_with_text": int(sentiment.customers),
        "reviews": int(sentiment.n),
        "mean_sentiment": sentiment.mean,
        "mean_sentiment_low": mean_low,
        "mean_sentiment_high": mean_high,
        "effective_reviews": negative.effective,
    }
    for name, share in (("negative", negative), ("contradicting", contradicting)):
        low, high = share.interval(z_of())
        found |= {f"{name}_share": share.value}
        found |= {f"{name}_share_low": low, f"{name}_share_high": high}
    return found


def _compared(name: str, one: Share, other: Share | None, z: float) -> dict[str, float]:
    figures = (np.nan,) * 3 if other is None else difference(one, other, z)
    return dict(zip((name, f"{name}_low", f"{name}_high"), figures, strict=True))


def _share_before(before: pd.DataFrame | None, grouping: str, name: str) -> Share | None:
    if before is None:
        return None
    found = before[(before["grouping"] == grouping) & (before["name"] == name)]
    return None if found.empty else Share.of(_sums(found, "negative"))


def _of_leavers(rows: pd.DataFrame, z: float) -> dict[str, Any]:
    """Figures of leavers beside those who stayed; nothing where it is not known who left."""
    known = rows[rows["left"].notna()]
    sides = {
        side: Share.of(_sums(known[known["left"] == is_left], "negative"))
        for is_left, side in _LEFT.items()
    }
    left = known[known["left"] == True]  # noqa: E712
    return {
        "left_customers": None if known.empty else int(left["all_customers"].sum()),
        "negative_share_left": sides["left"].value if len(known) else np.nan,
        "negative_share_stayed": sides["stayed"].value if len(known) else np.nan,
        **_compared("left_difference", sides["left"], sides["stayed"] if len(known) else None, z),
    }


def leavers(sums: pd.DataFrame) -> tuple[float, float, tuple[float, float, float]] | None:
    """Shares of negative texts of all who left and of all who stayed, and their difference.

    ``sums`` has the columns of ``sentiment_sums``; None where it is not known who left, or where
    one side has no text.
    """
    known = sums[(sums["grouping"] == "segment") & sums["left"].notna()]
    left, stayed = (
        Share.of(_sums(known[known["left"] == is_left], "negative")) for is_left in _LEFT
    )
    if np.isnan(left.value) or np.isnan(stayed.value):
        return None
    return left.value, stayed.value, difference(left, stayed, z_of())


def beyond_chance(table: pd.DataFrame, comparison: str, of: Sequence[str] = ()) -> pd.DataFrame:
    """Rows of ``segment_sentiment`` whose difference is hardly chance, the greatest first.

    Args:
        table: rows of ``segment_sentiment``.
        comparison: ``against_others``, ``change`` or ``left_difference``.
        of: names of groups; all, where there are none.
    """
    chosen = table[table["name"].isin(list(of))] if of else table
    is_sure = (chosen[f"{comparison}_low"] > 0) | (chosen[f"{comparison}_high"] < 0)
    order = chosen[comparison].abs().sort_values(ascending=False, kind="stable").index
    return chosen.loc[order][is_sure.loc[order]]
