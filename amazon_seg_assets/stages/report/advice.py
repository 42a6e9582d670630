"""Recommendations that apply to a run, with the customers that they are for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from amazon_seg_assets.plots.style import cluster_colour
from amazon_seg_assets.rules.labels import base_label
from amazon_seg_assets.rules.recommendations import GeneralRecommendation, Recommendation
from amazon_seg_assets.stages.movement.export import file_names
from amazon_seg_assets.stages.report.figures import figures_of
from amazon_seg_assets.stages.report.findings import Findings


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
        return_rate: share of such customers of a year before who came back; None if unknown.
        file: name of the file that lists them, without its ending; empty for clusters.
    """

    name: str
    recommended: Recommendation
    customers: int
    spend: float
    colour: str
    clusters: Sequence[int] = ()
    return_rate: float | None = None
    file: str = ""

    @property
    def at_stake(self) -> float:
        """Spend of as many of them as did not come back a year before; all if that is unknown."""
        return self.spend * (1 - (self.return_rate or 0.0))

    @property
    def mean_spend(self) -> float:
        """Mean spend of a customer, in USD."""
        return self.spend / self.customers


def segment_advice(findings: Findings) -> list[Advice]:
    """Advice on each segment that has customers and a recommendation, the most urgent first.

    Of equal priority, the one with more spend comes first.
    """
    recommended, colours = findings.recommendations.segments, findings.scheme.colours
    rates = findings.returns.rates if findings.returns else {}
    files = file_names(list(findings.scheme.segments))
    return _most_urgent_first(
        Advice(
            row.segment, recommended[row.segment], row.customers, row.total_monetary,
            colours[row.segment], return_rate=rates.get(row.segment), file=files[row.segment],
        )
        for row in findings.segments.itertuples(index=False)
        if row.segment in recommended
    )  # fmt: skip


def most_at_stake(advice: Iterable[Advice]) -> list[Advice]:
    """Advice by the money that is at stake, most first."""
    return sorted(advice, key=lambda one: (-one.at_stake, one.name))


def cluster_advice(findings: Findings) -> list[Advice]:
    """Advice on each label of clusters that has a recommendation, in the same order.

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
    return _most_urgent_first(found)


def general_advice(findings: Findings) -> list[GeneralRecommendation]:
    """The general recommendations whose condition holds, in the order of their file."""
    return findings.recommendations.applicable(figures_of(findings))


def _most_urgent_first(found: Iterable[Advice]) -> list[Advice]:
    return sorted(found, key=lambda one: (one.recommended.priority, -one.spend, one.name))
