"""Insights: statements that a run's figures support, and no others.

Each insight is a function that returns None where its condition does not hold. The macro of the
same name in ``templates/insights.md.j2`` puts it into words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from amazon_seg_assets.rules.labels import base_label
from amazon_seg_assets.rules.scheme import Role
from amazon_seg_assets.stages.history.tables import LAPSED as LAPSED_STATUS
from amazon_seg_assets.stages.history.tables import STATUSES
from amazon_seg_assets.stages.movement.transitions import say_moves
from amazon_seg_assets.stages.report.figures import (
    LAPSED,
    is_audio,
    popular_products,
    stars_of_all_time,
    stars_of_the_year,
)
from amazon_seg_assets.stages.report.findings import Findings

CONTRADICTIONS: Sequence[tuple[Role, str]] = (("best", "big_spender"), ("lapsed", "newcomer"))
"""Roles of a segment, and of a cluster in which one would not look for its customers."""

TENTH = 10
FEW_NEWCOMERS = 0.05
HIGH_SPEND = 1.5
"""Mean spend of a segment that stands out, as a multiple of that of all customers."""
CONTRADICTION = 0.01
"""From this share of a segment on, a contradiction is worth a sentence."""


@dataclass(frozen=True)
class Insight:
    """A statement that a run's figures support: a macro's name, and the macro's arguments."""

    name: str
    figures: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, **figures: Any) -> Self:
        """The insight ``name`` with these figures."""
        return cls(name, figures)


def supported(insights: Told, findings: Findings) -> list[Insight]:
    """The insights that the figures support, in their order."""
    found = (insight(findings) for insight in insights)
    return [insight for insight in found if insight is not None]


def a_year_ago(findings: Findings) -> Insight | None:
    """Growth or decline since the snapshot a year before, where that is stored."""
    before = findings.a_year_ago
    if before is None:
        return None
    return Insight.of(
        "a_year_ago", before=before, customers=findings.customers, spend=findings.spend,
        more_customers=findings.customers / before.customers - 1,
        more_spend=findings.spend / before.spend - 1,
    )  # fmt: skip


def by_behaviour(findings: Findings) -> Insight | None:
    """Change of the number of good customers by the rules of a year ago, where that is known."""
    moves = findings.moves
    if moves is None or findings.a_year_ago is None:
        return None
    best, names = findings.scheme.of_role("best"), findings.scheme.of_role("best", "loyal")
    then = int(moves.loc[moves["from_segment"].isin(names), "customers"].sum())
    now = int(moves.loc[moves["to_segment"].isin(names), "customers"].sum())
    if not then and not now:
        return None
    sentences = say_moves(moves)
    return Insight.of(
        "by_behaviour", names=names, then=then, now=now, month=findings.a_year_ago.snapshot,
        told=[sentences[name] for name in best if name in sentences],
    )  # fmt: skip


def lifecycle(findings: Findings) -> Insight | None:
    """Customers who are new, stayed or came back, and those who stayed away, by all reviews ever.

    What `newcomers` and `lapsed` tell by scores, this tells by dates.
    """
    if findings.lifecycle is None:
        return None
    by_status = findings.lifecycle.set_index("status")
    customers = {name: int(number) for name, number in by_status["customers"].items()}
    return Insight.of(
        "lifecycle", all=findings.customers,
        **{status: customers.get(status, 0) for status in STATUSES},
        spend_gone=float(by_status["spend_before"].get(LAPSED_STATUS, 0.0)),
    )  # fmt: skip


def who_brings_the_money(findings: Findings) -> Insight | None:
    """The segments that make up half of the spend; holds for two segments or more."""
    ordered = findings.segments.sort_values(
        ["total_monetary", "segment"], ascending=[False, True]
    ).reset_index(drop=True)
    if len(ordered) < 2:
        return None
    running = ordered["total_monetary"].cumsum()
    names = ordered["segment"][: int((running < findings.spend / 2).sum()) + 1].tolist()
    return Insight.of(
        "who_brings_the_money", names=names, segments=len(ordered), **_shares(findings, names)
    )


def highest_mean_spend(findings: Findings) -> Insight | None:
    """The segment with the highest mean spend, if that is well above the mean of all."""
    top = findings.segments.sort_values(["monetary", "segment"], ascending=[False, True]).iloc[0]
    if top["monetary"] < HIGH_SPEND * findings.mean_spend:
        return None
    return Insight.of(
        "highest_mean_spend", segment=top["segment"], customers=int(top["customers"]),
        mean=float(top["monetary"]), mean_of_all=findings.mean_spend,
    )  # fmt: skip


def lapsed(findings: Findings) -> Insight | None:
    """Customers in the lapsed segments, if there are any."""
    names = findings.populated(*LAPSED)
    if not names:
        return None
    scheme = findings.scheme
    return Insight.of(
        "lapsed", is_relative=findings.is_relative, names=names, **_shares(findings, names),
        days=_mean(findings.of(names), "recency"), days_of_all=_mean(findings.segments, "recency"),
        scheme=scheme.name, otherwise=scheme.otherwise if scheme.otherwise in names else None,
    )  # fmt: skip


def drifting(findings: Findings) -> Insight | None:
    """Valuable customers who drift away: they spend more than others, and longer ago."""
    names = findings.populated("at_stake")
    if not names:
        return None
    rows = findings.of(names)
    mean, days = _mean(rows, "monetary"), _mean(rows, "recency")
    days_of_all = _mean(findings.segments, "recency")
    if mean <= findings.mean_spend or days <= days_of_all:
        return None
    return Insight.of(
        "drifting", is_relative=findings.is_relative, names=names, **_shares(findings, names),
        mean=mean, mean_of_all=findings.mean_spend, days=days, days_of_all=days_of_all,
    )  # fmt: skip


def newcomers(findings: Findings) -> Insight | None:
    """Customers in the newcomers' segments, where equal customers get equal scores."""
    names = findings.reachable("newcomer")
    if not findings.treats_equals_equally or not names:
        return None
    shares = _shares(findings, names)
    return Insight.of(
        "newcomers", is_relative=findings.is_relative,
        customers_of={name: findings.customers_of([name]) for name in names},
        is_few=shares["customers_share"] < FEW_NEWCOMERS, **shares,
    )  # fmt: skip


def repeat_customers(findings: Findings) -> Insight:
    """Customers with several reviews that count, and what they bring."""
    found = findings.concentration
    return Insight.of(
        "repeat_customers", customers=findings.customers, repeat=found.repeat_customers,
        customers_share=found.repeat_customers / findings.customers,
        spend_share=found.repeat_spend / findings.spend,
    )  # fmt: skip


def concentration(findings: Findings) -> Insight | None:
    """Share of the spend that the highest tenth brings; holds for ten customers or more."""
    if findings.customers < TENTH:
        return None
    top = findings.concentration.top_tenth
    return Insight.of(
        "concentration", top=top, mean=top * findings.mean_spend * TENTH,
        mean_of_all=findings.mean_spend,
    )  # fmt: skip


def money_at_stake(findings: Findings) -> Insight | None:
    """Spend that will not come again if customers return as a year before, where that is known."""
    if findings.returns is None:
        return None
    segment, most = next(iter(findings.at_stake.items()))
    return Insight.of(
        "money_at_stake", returns=findings.returns, spend=findings.spend,
        at_stake=sum(findings.at_stake.values()), segment=segment, most=most,
    )  # fmt: skip


def structure_of_clusters(findings: Findings) -> Insight:
    """The structure that the silhouette sees in the clusters."""
    return Insight.of(
        "structure_of_clusters", clusters=len(findings.clusters), found=findings.evaluation
    )


def agreement(findings: Findings) -> Insight | None:
    """Agreement of clusters and segments; holds for two of each or more."""
    if len(findings.clusters) < 2 or len(findings.segments) < 2:
        return None
    return Insight.of("agreement", found=findings.evaluation, scattered=_most_scattered(findings))


def _most_scattered(findings: Findings) -> Mapping[str, Any] | None:
    """The segment of which the largest share is outside its largest cluster, if any is."""
    by_segment = findings.overlap.groupby("segment")["customers"]
    within = (by_segment.max() / by_segment.sum()).sort_index()
    if within.min() == 1:
        return None
    segment = str(within.idxmin())
    rows = findings.overlap[findings.overlap["segment"] == segment]
    first = rows.sort_values(["customers", "cluster"], ascending=[False, True]).iloc[0]
    return {
        "segment": segment,
        "cluster": first["cluster_label"],
        "share": float(within.min()),
        "others": len(rows) - 1,
    }


def contradictions(findings: Findings) -> Insight | None:
    """Segments with customers in clusters whose label says something else."""
    roles = findings.overlap["cluster_label"].map(findings.cluster_roles)
    found = []
    for of_segment, of_cluster in CONTRADICTIONS:
        for segment in findings.scheme.of_role(of_segment):
            is_here = findings.overlap["segment"] == segment
            there = findings.overlap[is_here & (roles == of_cluster)]
            customers = int(there["customers"].sum())
            of_all = int(findings.overlap.loc[is_here, "customers"].sum())
            if of_all and customers / of_all >= CONTRADICTION:
                labels = list(dict.fromkeys(map(base_label, there["cluster_label"])))
                found.append((segment, customers, of_all, labels))
    return Insight.of("contradictions", found=found) if found else None


def verified_purchases(findings: Findings) -> Insight | None:
    """Most reviews are of verified purchases, if they are."""
    origin = findings.origin
    if origin.verified <= origin.reviews / 2:
        return None
    return Insight.of("verified_purchases", verified=origin.verified, reviews=origin.reviews)


def ratings(findings: Findings) -> Insight | None:
    """The commonest rating, where the ratings have been explored."""
    stars = stars_of_all_time(findings)
    return None if stars is None else Insight.of("ratings", stars=stars)


def verified_ratings(findings: Findings) -> Insight | None:
    """Ratings of verified purchases and of others in the explored year, if there are both."""
    stars = stars_of_the_year(findings)
    if stars is None or not (stars.verified and stars.unverified):
        return None
    return Insight.of("verified_ratings", stars=stars)


def popular(findings: Findings) -> Insight | None:
    """The most reviewed products of the explored year, where that has been explored."""
    products = popular_products(findings)
    if products.empty:
        return None
    return Insight.of(
        "popular", first=products.iloc[0], products=len(products),
        audio=int(is_audio(products["product_name"]).sum()),
    )  # fmt: skip


def equal_customers(findings: Findings) -> Insight | None:
    """Separation of equal customers by the notebook scheme, if it separates more of them."""
    standard, notebook = findings.ties["standard"], findings.ties["notebook"]
    if notebook.frequency <= standard.frequency:
        return None
    table = findings.comparison.sort_values(["difference_by_scores", "segment"])
    return Insight.of(
        "equal_customers", standard=standard, notebook=notebook,
        moved=int(table["difference_by_scores"].clip(lower=0).sum()),
        least=table.iloc[0], most=table.iloc[-1],
    )  # fmt: skip


Told = Sequence[Callable[[Findings], Insight | None]]

HEADLINES: Told = (
    a_year_ago, by_behaviour, lifecycle, concentration, repeat_customers, money_at_stake,
)  # fmt: skip
"""Insights that come out differently for a good and a bad year: they open the report."""

DETAILS: Told = (
    lapsed, drifting, newcomers, who_brings_the_money, highest_mean_spend, verified_purchases,
    ratings, verified_ratings, popular,
)  # fmt: skip

TECHNICAL: Told = (agreement, contradictions, structure_of_clusters, equal_customers)
"""Insights on scores, schemes and clusters, for the appendix."""


def _shares(findings: Findings, segments: Sequence[str]) -> dict[str, Any]:
    """Customers of these segments, their share of all, and the share of spend that is theirs."""
    rows = findings.of(segments)
    customers = int(rows["customers"].sum())
    return {
        "customers": customers,
        "customers_share": customers / findings.customers,
        "spend_share": float(rows["total_monetary"].sum()) / findings.spend,
    }


def _mean(rows: pd.DataFrame, feature: str) -> float:
    """Mean over the customers of all rows."""
    return float((rows[feature] * rows["customers"]).sum() / rows["customers"].sum())
