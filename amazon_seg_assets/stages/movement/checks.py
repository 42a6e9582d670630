"""Checks of moves, outcomes and products that do not follow from their tables."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.quality.tables import MONEY, totals_kept
from amazon_seg_assets.quality.verdict import Verdict, worst
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.movement.outcomes import FIGURES
from amazon_seg_assets.stages.movement.tables import (
    SEGMENT_OUTCOMES,
    SEGMENT_PRODUCTS,
    SEGMENT_TRANSITIONS,
)
from amazon_seg_assets.stages.movement.transitions import COMPARED, moves, snapshot_before
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS


@check(SEGMENT_TRANSITIONS)
def customers_of_both_snapshots_kept(snapshot: Snapshot) -> Verdict:
    """The customers add up to those of the earlier snapshot, and to those of this one."""
    return _worst(
        {
            side: totals_kept("customers", there.rows(RFM_SEGMENTS), [rows["customers"].sum()])
            for side, there, rows, _ in _sides(snapshot)
        }
    )


@check(SEGMENT_TRANSITIONS)
def spend_of_both_snapshots_kept(snapshot: Snapshot) -> Verdict:
    """The spend adds up to that of the earlier snapshot, and to that of this one."""
    name = "counted_usd"
    return _worst(
        {
            side: totals_kept(MONEY, there.facts(RFM_FEATURES, name)[name], [rows[spend].sum()])
            for side, there, rows, spend in _sides(snapshot)
        }
    )


def _sides(snapshot: Snapshot) -> Iterator[tuple[str, Snapshot, pd.DataFrame, str]]:
    """Both ends of each comparison: its name, its snapshot, its rows, and the column of spend."""
    table = snapshot.small(SEGMENT_TRANSITIONS)
    for months_back, yardsticks in snapshot.facts(SEGMENT_TRANSITIONS, COMPARED)[COMPARED].items():
        earlier = snapshot_before(snapshot, int(months_back))
        for yardstick in yardsticks:
            compared = moves(table, int(months_back), yardstick)
            name = f"{months_back} months back by the yardstick {yardstick}"
            was, is_ = compared["from_segment"].notna(), compared["to_segment"].notna()
            yield f"{earlier.month}, {name}", earlier, compared[was], "spend_before"
            yield f"{snapshot.month}, {name}", snapshot, compared[is_], "spend_after"


def _worst(verdicts: dict[str, Verdict]) -> Verdict:
    if not verdicts:
        return Verdict(0, 0, "No earlier snapshot was stored to compare with.")
    side, verdict = worst(verdicts)
    return replace(verdict, sentence=f"{side}: {verdict.sentence}")


@check(SEGMENT_OUTCOMES)
def outcomes_known_or_null(snapshot: Snapshot) -> Verdict:
    """Figures are null where the outcome is not known, and there where it is."""
    table = snapshot.small(SEGMENT_OUTCOMES)
    there = table[list(FIGURES)].notna()
    odd = int((there.any(axis=1) & ~table["is_known"]).sum())
    odd += int((~there.all(axis=1) & table["is_known"]).sum())
    return Verdict(
        odd, 0, f"{odd:,} of {len(table):,} outcomes have figures and must not, or lack them."
    )


@check(SEGMENT_OUTCOMES, SEGMENT_PRODUCTS)
def shares_possible(table: Table, snapshot: Snapshot) -> Verdict:
    """Shares of customers are from 0 to 1, lifts and spend are not negative."""
    content = snapshot.small(table)
    share, spend = (
        ("return_rate", "spend_after") if table is SEGMENT_OUTCOMES else ("share", "spend")
    )
    # A null is neither.
    odd = (content[share] < 0) | (content[share] > 1) | (content[["lift", spend]] < 0).any(axis=1)
    return Verdict(
        int(odd.sum()),
        0,
        f"{odd.sum():,} of {len(content):,} rows have an impossible share, lift or spend.",
    )
