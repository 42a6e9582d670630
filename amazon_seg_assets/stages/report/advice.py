"""Recommendations that apply to a run, with the customers that they are for."""

from collections.abc import Sequence
from dataclasses import dataclass

from amazon_seg_assets.plots.style import cluster_colour
from amazon_seg_assets.rules.labels import base_label
from amazon_seg_assets.rules.recommendations import GeneralRecommendation, Recommendation
from amazon_seg_assets.stages.report.figures import figures_of
from amazon_seg_assets.stages.report.findings import Findings

TELLING = 3
"""Kinds of products that advice names."""
TELLING_LIFT = 1.2
"""From so many times as often as all customers on, a kind of products is worth a word."""


@dataclass(frozen=True)
class Bought:
    """A kind of products that customers buy more often than others do.

    Attributes:
        name: of the category.
        lift: how many times as often as all customers.
    """

    name: str
    lift: float


@dataclass(frozen=True)
class Advice:
    """A recommendation, and the customers that it is for.

    Attributes:
        name: of the segment, or label of the clusters.
        recommended: for them.
        customers: number of them.
        spend: of all of them, in USD.
        colour: of the segment or the one cluster, as in the plots; empty for several clusters.
        clusters: their numbers; none for a segment.
        at_stake: of their spend, in USD, as of `Findings.at_stake`; 0 for clusters.
        return_rate: share of such customers of a year before who came back; None if unknown.
        bought: kinds of products that they buy more often than others; the most telling first.
    """

    name: str
    recommended: Recommendation
    customers: int
    spend: float
    colour: str
    clusters: Sequence[int] = ()
    at_stake: float = 0.0
    return_rate: float | None = None
    bought: Sequence[Bought] = ()

    @property
    def mean_spend(self) -> float:
        """Mean spend of a customer, in USD."""
        return self.spend / self.customers


def segment_advice(findings: Findings) -> list[Advice]:
    """Advice on each segment that has customers and a recommendation, the most at stake first."""
    recommended, rows = findings.recommendations.segments, findings.segments.set_index("segment")
    rates = findings.returns.rates if findings.returns else {}
    return [
        Advice(
            name,
            recommended[name],
            int(rows.at[name, "customers"]),
            float(rows.at[name, "total_monetary"]),
            findings.scheme.colours[name],
            at_stake=at_stake,
            return_rate=rates.get(name),
            bought=_bought(findings, name),
        )
        for name, at_stake in findings.at_stake.items()
        if name in recommended
    ]


def _bought(findings: Findings, segment: str) -> list[Bought]:
    if findings.products is None:
        return []
    products = findings.products
    telling = products[(products["segment"] == segment) & (products["lift"] >= TELLING_LIFT)]
    first = telling.sort_values(["lift", "name"], ascending=[False, True])[:TELLING]
    return [Bought(row.name, row.lift) for row in first.itertuples(index=False)]


def cluster_advice(findings: Findings) -> list[Advice]:
    """Advice on each label of clusters that has a recommendation, the most spend first.

    Figures are those of all clusters of the label together.
    """
    recommended, found = findings.recommendations.clusters, []
    for label, rows in findings.clusters.groupby(
        findings.clusters["cluster_label"].map(base_label)
    ):
        if label in recommended:
            clusters = rows["cluster"].tolist()
            colour = cluster_colour(clusters[0]) if len(clusters) == 1 else ""
            customers, spend = int(rows["customers"].sum()), float(rows["total_monetary"].sum())
            found.append(Advice(label, recommended[label], customers, spend, colour, clusters))
    return sorted(found, key=lambda one: (-one.spend, one.name))


def general_advice(findings: Findings) -> list[GeneralRecommendation]:
    """The general recommendations whose condition holds, in the order of their file."""
    return findings.recommendations.applicable(figures_of(findings))
