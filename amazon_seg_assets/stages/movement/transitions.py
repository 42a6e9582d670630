"""Moves of customers between the segments of two snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.formats import counted, share
from amazon_seg_assets.months import month_after
from amazon_seg_assets.rules.scheme import Cell
from amazon_seg_assets.spark.sums import CUSTOMERS, total_usd
from amazon_seg_assets.stages.movement.tables import SEGMENT_TRANSITIONS
from amazon_seg_assets.stages.segments import scoring
from amazon_seg_assets.stages.segments.scoring import SEGMENT, CutPoints

if TYPE_CHECKING:
    from amazon_seg_assets.dag.handles import Snapshot

A_YEAR = 12
MONTHS_BACK = (1, A_YEAR)
"""The change since the last report, and since the same season a year ago."""

OWN, EARLIER = "own", "earlier"
"""The yardsticks: each snapshot's stored segments, or those by the rules of the earlier one."""

COMPARED = "compared"
"""The fact that holds the yardsticks by which was compared, by months back."""

_TOLD = 3
"""Segments that a sentence names as the places where customers went."""


def snapshot_before(snapshot: Snapshot, months_back: int) -> Snapshot:
    """The snapshot so many months earlier, to read."""
    return replace(snapshot, month=month_after(snapshot.month, -months_back))


def by_earlier_rules(
    after: DataFrame,
    before: DataFrame,
    cuts: Mapping[str, CutPoints],
    cells: Mapping[Cell, str],
) -> DataFrame:
    """Segments later customers as the earlier snapshot would have.

    Args:
        after: columns of ``rfm_segments``.
        before: the same of the earlier snapshot.
        cuts: the earlier cut points, by feature.
        cells: the segment of each combination of scores in the earlier scheme.

    Returns:
        Columns of ``after``, where ``segment`` is ``own``, and ``earlier``.
    """
    held = scoring.only_held(cuts, before)
    kept = after.withColumnRenamed(SEGMENT, OWN)
    segmented = scoring.assign_segments(scoring.score(kept, held), cells)
    return segmented.withColumnRenamed(SEGMENT, EARLIER)


def segment_transitions(before: DataFrame, after: DataFrame, months_back: int) -> DataFrame:
    """Counts customers by the segment that they were in, and the one that they are in.

    Args:
        before: ``user_id``, ``segment`` and ``monetary`` of the earlier snapshot.
        after: ``user_id`` and ``monetary`` of the later one, and its segments in a column for each
            yardstick, ``own`` or ``earlier``.
        months_back: from the later snapshot to the earlier one.

    Returns:
        Columns of ``segment_transitions``.
    """
    yardsticks = [name for name in (OWN, EARLIER) if name in after.columns]
    former = before.select(
        "user_id", F.col(SEGMENT).alias("from_segment"), F.col("monetary").alias("spend_before")
    )
    now = after.select("user_id", F.col("monetary").alias("spend_after"), *yardsticks)
    places = F.array(*(_place(yardstick) for yardstick in yardsticks))
    moves = (
        former.join(now, "user_id", "full")
        .select("from_segment", "spend_before", "spend_after", F.explode(places).alias("place"))
        .groupBy("place.yardstick", "from_segment", "place.to_segment")
        .agg(
            F.count(F.lit(1)).alias(CUSTOMERS),
            # Of nobody the sum is null.
            *(
                F.coalesce(total_usd(F.col(spend)), F.lit(0.0)).alias(spend)
                for spend in ("spend_before", "spend_after")
            ),
        )
    )
    return moves.withColumn("months_back", F.lit(months_back)).select(
        *SEGMENT_TRANSITIONS.column_names
    )


def _place(yardstick: str) -> Column:
    return F.struct(F.lit(yardstick).alias("yardstick"), F.col(yardstick).alias("to_segment"))


def moves(table: pd.DataFrame, months_back: int, yardstick: str) -> pd.DataFrame:
    """The rows of ``segment_transitions`` that compare with one snapshot, by one yardstick."""
    return table[(table["months_back"] == months_back) & (table["yardstick"] == yardstick)]


def say_moves(compared: pd.DataFrame) -> dict[str, str]:
    """Sentences on where the customers of each earlier segment are now, the largest one first.

    Args:
        compared: rows of ``segment_transitions`` as `moves` gives them.

    Returns:
        A sentence for each earlier segment, by its name.
    """
    known = compared[compared["from_segment"].notna()]
    sizes = known.groupby("from_segment")["customers"].sum().sort_index()
    ordered = sizes.sort_values(ascending=False, kind="stable")
    return {
        segment: _sentence(segment, size, known[known["from_segment"] == segment])
        for segment, size in ordered.items()
    }


def _sentence(segment: str, size: int, rows: pd.DataFrame) -> str:
    to, customers = rows["to_segment"], rows["customers"]
    elsewhere = rows[to.notna() & (to != segment)]
    first = elsewhere.sort_values(["customers", "to_segment"], ascending=[False, True])[:_TOLD]
    stayed, gone = int(customers[to == segment].sum()), int(customers[to.isna()].sum())
    others = int(elsewhere["customers"].sum() - first["customers"].sum())
    parts = [
        f"{share(stayed / size)} still are",
        *(
            f"{share(number / size)} are {name}"
            for name, number in zip(first["to_segment"], first["customers"], strict=True)
        ),
        *([f"{share(others / size)} are in other segments"] if others else []),
        f"{share(gone / size)} are gone",
    ]
    return f"Of {counted(size, 'customer')} in {segment}, {', '.join(parts)}."
