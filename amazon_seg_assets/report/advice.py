"""What to do, from the recommendations and the figures of a run."""

from __future__ import annotations

from typing import Any

from amazon_seg_assets.formats import counted, money, share
from amazon_seg_assets.plots.style import segment_colour
from amazon_seg_assets.report.document import Advice, Point
from amazon_seg_assets.report.figures import figures_of
from amazon_seg_assets.report.findings import Findings


def segment_advice(findings: Findings) -> list[Advice]:
    """For each segment that has customers and a recommendation, the most urgent first.

    Of equal priority, the one with more spend comes first.
    """
    recommended = findings.recommendations.segments
    rows = findings.segments[findings.segments["segment"].isin(list(recommended))]
    ordered = rows.assign(
        priority=[recommended[name].priority for name in rows["segment"]]
    ).sort_values(["priority", "total_monetary", "segment"], ascending=[True, False, True])
    return [_of_segment(findings, row) for row in ordered.itertuples(index=False)]


def _of_segment(findings: Findings, row: Any) -> Advice:
    segment, monetary = row.segment, row.monetary
    one = findings.recommendations.segments[segment]
    is_low = one.if_low_spend is not None and monetary < findings.mean_spend
    return Advice(
        segment,
        one.priority,
        f"{counted(row.customers, 'customer')} ({share(row.share)}) · "
        f"mean spend {money(monetary)} · "
        f"{share(row.total_monetary / findings.spend)} of all spend",
        (
            Point("Goal", one.goal),
            Point("Action", one.action),
            Point("Offer", one.offer),
            Point("Channel", one.channel),
            Point("Reason", one.reason),
            *([Point("Mind the cost", one.if_low_spend or "")] if is_low else []),
        ),
        segment_colour(segment),
    )


def general_advice(findings: Findings) -> list[Advice]:
    """The general recommendations whose condition holds, in the order of their file."""
    figures = figures_of(findings)
    return [
        Advice(
            one.title,
            None,
            f"{_FIGURES[one.figure]}: {share(figures[one.figure])}",
            (Point("Action", one.action), Point("Reason", one.reason)),
        )
        for one in findings.recommendations.applicable(figures)
    ]


def unadvised(findings: Findings) -> list[str]:
    """Segments that have customers but no recommendation."""
    recommended = findings.recommendations.segments
    return [name for name in findings.segments["segment"] if name not in recommended]


_FIGURES = {
    "newcomer_share": "Newcomers among the customers",
    "lapsed_share": "Customers in lapsed segments",
    "one_review_share": "Customers with a single review",
    "unverified_five_star_excess": "More 5-star reviews among unverified ones, in shares",
    "audio_share_of_popular": "Headphones and the like among the most reviewed products",
}
