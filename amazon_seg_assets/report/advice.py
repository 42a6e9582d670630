"""What to do, from the recommendations and the figures of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from amazon_seg_assets.formats import counted, money, share
from amazon_seg_assets.plots.style import cluster_colour, segment_colours
from amazon_seg_assets.report.document import Advice, Point
from amazon_seg_assets.report.figures import figures_of, year_of_products, year_of_ratings
from amazon_seg_assets.report.findings import Findings
from amazon_seg_assets.report.insights import join
from amazon_seg_assets.rules.labels import base_label
from amazon_seg_assets.rules.recommendations import Recommendation


@dataclass(frozen=True)
class _Group:
    """Customers that one recommendation is about, and what they spent, in USD."""

    name: str
    customers: int
    spend: float
    colour: str
    where: str = ""


def segment_advice(findings: Findings) -> list[Advice]:
    """For each segment that has customers and a recommendation, the most urgent first.

    Of equal priority, the one with more spend comes first.
    """
    colours = segment_colours(findings.segments["segment"])
    groups = [
        _Group(row.segment, row.customers, row.total_monetary, colours[row.segment])
        for row in findings.segments.itertuples(index=False)
    ]
    return _advice(findings, groups, findings.recommendations.segments)


def cluster_advice(findings: Findings) -> list[Advice]:
    """For each label of clusters that has a recommendation, in the same order.

    Figures are those of all clusters of the label together.
    """
    labels = [base_label(label) for label in findings.clusters["cluster_label"]]
    groups = []
    for label, rows in findings.clusters.groupby(labels):
        numbers = [str(number) for number in rows["cluster"]]
        is_one = len(numbers) == 1
        groups.append(
            _Group(
                label,
                int(rows["customers"].sum()),
                float(rows["total_monetary"].sum()),
                cluster_colour(rows["cluster"].iloc[0]) if is_one else "",
                f"{'Cluster' if is_one else 'Clusters'} {join(numbers)} · ",
            )
        )
    return _advice(findings, groups, findings.recommendations.clusters)


def _advice(
    findings: Findings, groups: Iterable[_Group], recommended: Mapping[str, Recommendation]
) -> list[Advice]:
    ordered = sorted(
        (group for group in groups if group.name in recommended),
        key=lambda group: (recommended[group.name].priority, -group.spend, group.name),
    )
    return [_of_group(findings, group, recommended[group.name]) for group in ordered]


def _of_group(findings: Findings, group: _Group, one: Recommendation) -> Advice:
    mean = group.spend / group.customers
    is_low = one.if_low_spend is not None and mean < findings.mean_spend
    return Advice(
        group.name,
        one.priority,
        f"{group.where}{counted(group.customers, 'customer')} "
        f"({share(group.customers / findings.customers)}) · mean spend {money(mean)} · "
        f"{share(group.spend / findings.spend)} of all spend",
        (
            Point("Goal", one.goal),
            Point("Action", one.action),
            Point("Offer", one.offer),
            Point("Channel", one.channel),
            Point("Reason", one.reason),
            *([Point("Mind the cost", one.if_low_spend or "")] if is_low else []),
        ),
        group.colour,
    )


def general_advice(findings: Findings) -> list[Advice]:
    """The general recommendations whose condition holds, in the order of their file."""
    figures = figures_of(findings)
    years = {"rated": year_of_ratings(findings), "listed": year_of_products(findings)}
    return [
        Advice(
            one.title,
            None,
            f"{_FIGURES[one.figure].format(**years)}: {share(figures[one.figure])}",
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
    "unverified_five_star_excess": (
        "Excess share of 5-star reviews among unverified purchases in {rated}"
    ),
    "audio_share_of_popular": (
        "Headphones and the like among the most reviewed products of {listed}"
    ),
}
