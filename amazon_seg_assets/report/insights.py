"""Insights: sentences that a run's figures support, and no others.

Each insight is a function that returns None where its condition does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from amazon_seg_assets.formats import count, counted, cut_name, money, share
from amazon_seg_assets.report.figures import (
    is_audio,
    popular_products,
    stars_of_all_time,
    stars_of_the_year,
    year_of_ratings,
)
from amazon_seg_assets.report.findings import LAPSED, NEWCOMERS, Findings
from amazon_seg_assets.rules.labels import base_label

AT_STAKE = ("Can't Lose Them", "At Risk")
CONTRADICTIONS = (
    ("Champions", "One Time Big Spender"),
    ("Lost", "New Customer"),
    ("Hibernating", "New Customer"),
)
"""A segment, and the label of a cluster in which one would not look for its customers."""

FEW_NEWCOMERS = 0.05
HIGH_SPEND = 1.5
"""Mean spend of a segment that stands out, as a multiple of that of all customers."""
CONTRADICTION = 0.01
"""From this share of a segment on, a contradiction is worth a sentence."""


@dataclass(frozen=True)
class Insight:
    """What a run's figures show.

    Attributes:
        title: the gist, in a few words.
        text: the figures, in plain sentences.
        headline: whether it belongs on the first page.
    """

    title: str
    text: str
    headline: bool = False


def insights(findings: Findings) -> list[Insight]:
    """All insights that the figures support, the most telling first."""
    found = (insight(findings) for insight in _INSIGHTS)
    return [insight for insight in found if insight is not None]


def who_brings_the_money(findings: Findings) -> Insight | None:
    """The segments that make up half of the spend; holds for two segments or more."""
    ordered = findings.segments.sort_values(
        ["total_monetary", "segment"], ascending=[False, True]
    ).reset_index(drop=True)
    if len(ordered) < 2:
        return None
    running = ordered["total_monetary"].cumsum()
    half = ordered[: int((running < findings.spend / 2).sum()) + 1]
    names = half["segment"].tolist()
    customers, spend = int(half["customers"].sum()), float(half["total_monetary"].sum())
    return Insight(
        f"At least half of the spend comes from {len(half)} of {len(ordered)} segments",
        f"{join(names)} hold {share(customers / findings.customers)} of the customers "
        f"and {share(spend / findings.spend)} of the spend.",
        headline=True,
    )


def highest_mean_spend(findings: Findings) -> Insight | None:
    """The segment with the highest mean spend, if that is well above the mean of all."""
    top = findings.segments.sort_values(["monetary", "segment"], ascending=[False, True]).iloc[0]
    if top["monetary"] < HIGH_SPEND * findings.mean_spend:
        return None
    return Insight(
        f"Highest mean spend: {top['segment']}",
        f"{counted(top['customers'], 'customer')} with a mean spend of {money(top['monetary'])}, "
        f"{top['monetary'] / findings.mean_spend:.1f} times that of all customers "
        f"({money(findings.mean_spend)}).",
    )


def lapsed(findings: Findings) -> Insight | None:
    """Customers in the lapsed segments, if there are any."""
    names = [name for name in LAPSED if findings.customers_of([name])]
    if not names:
        return None
    rows = findings.of(names)
    customers, spend = int(rows["customers"].sum()), float(rows["total_monetary"].sum())
    part = customers / findings.customers
    days = _mean(rows, "recency")
    caveat = (
        f" Under the scheme {findings.scheme.name}, {findings.scheme.otherwise} is also where "
        "customers go whom no other rule covers."
        if findings.scheme.otherwise in names
        else ""
    )
    return Insight(
        f"{'Most' if part > 0.5 else share(part)} of the customers have lapsed, or are about to",
        f"{join(names)} hold {counted(customers, 'customer')}, {share(part)} of all, and "
        f"{share(spend / findings.spend)} of the spend. Their last review was {days:.0f} days ago "
        f"on average, compared with {_mean(findings.segments, 'recency'):.0f} for all "
        f"customers.{caveat}",
        headline=True,
    )


def at_stake(findings: Findings) -> Insight | None:
    """Valuable customers who drift away: they spend more than others, and longer ago."""
    names = [name for name in AT_STAKE if findings.customers_of([name])]
    if not names:
        return None
    rows = findings.of(names)
    spend, days = _mean(rows, "monetary"), _mean(rows, "recency")
    all_days = _mean(findings.segments, "recency")
    if spend <= findings.mean_spend or days <= all_days:
        return None
    total = float(rows["total_monetary"].sum())
    return Insight(
        "Valuable customers are drifting away",
        f"{join(names)} hold {counted(int(rows['customers'].sum()), 'customer')} and "
        f"{share(total / findings.spend)} of the spend. On average they spent {money(spend)} each "
        f"(all customers: {money(findings.mean_spend)}), but were last active {days:.0f} days ago "
        f"(all customers: {all_days:.0f}).",
        headline=True,
    )


def newcomers(findings: Findings) -> Insight | None:
    """Customers in the newcomers' segments, where equal customers get equal scores."""
    names = findings.reachable(NEWCOMERS)
    if not findings.treats_equals_equally or not names:
        return None
    customers = findings.customers_of(names)
    part = customers / findings.customers
    if not customers:
        return Insight(
            "No newcomers", f"No customer is in {join(names, 'or')}: nobody is recent and at the "
            "lowest scores of frequency and spend.", headline=True,
        )  # fmt: skip
    each = [f"{count(findings.customers_of([name]))} in {name}" for name in names]
    return Insight(
        "Few newcomers"
        if part < FEW_NEWCOMERS
        else f"{share(part)} of the customers are newcomers",
        f"{counted(customers, 'customer')}, {share(part)} of all, were active recently, with few "
        f"reviews and little spend so far: {join(each)}.",
        headline=True,
    )


def single_reviews(findings: Findings) -> Insight:
    """Customers with a single review that counts."""
    part = findings.one_review / findings.customers
    repeat = findings.customers - findings.one_review
    return Insight(
        "Most customers have a single review that counts"
        if part > 0.5
        else "At least half of the customers have several reviews that count",
        f"{count(findings.one_review)} of {counted(findings.customers, 'customer')}, "
        f"{share(part)}, have one review that counts in the window; {count(repeat)} have more.",
        headline=True,
    )


def structure_of_clusters(findings: Findings) -> Insight:
    """What the silhouette says of the clusters."""
    found = findings.validation
    return Insight(
        f"By the usual scale, the clusters show {found.silhouette_in_words}",
        f"The mean silhouette of {counted(len(findings.clusters), 'cluster')} is "
        f"{found.silhouette:.2f}, by squared distances, which read higher than the plain ones that "
        f"the scale is meant for. On average {share(found.survival)} of the "
        "customers keep their cluster when K-Means sees a resample of them.",
    )


def agreement(findings: Findings) -> Insight | None:
    """How far clusters and segments agree; holds for two of each or more."""
    if len(findings.clusters) < 2 or len(findings.segments) < 2:
        return None
    found = findings.validation
    return Insight(
        "Clusters and segments are two views of the customers",
        f"Their agreement is {found.agreement_in_words}: an adjusted Rand index of "
        f"{found.agreement:.2f}, where 0 is chance and 1 the same groups. "
        + _most_scattered(findings),
    )


def _most_scattered(findings: Findings) -> str:
    """The segment of which the largest share is outside its largest cluster."""
    by_segment = findings.overlap.groupby("segment")["customers"]
    within = (by_segment.max() / by_segment.sum()).sort_index()
    if within.min() == 1:
        return "Each segment lies within one cluster."
    segment = str(within.idxmin())
    rows = findings.overlap[findings.overlap["segment"] == segment]
    first = rows.sort_values(["customers", "cluster"], ascending=[False, True]).iloc[0]
    part = share(first["customers"] / rows["customers"].sum())
    return (
        f"The most scattered segment is {segment}: {part} of it is in the cluster "
        f"{first['cluster_label']}, the rest in {counted(len(rows) - 1, 'other')}."
    )


def contradictions(findings: Findings) -> Insight | None:
    """Segments with customers in clusters whose label says something else."""
    parts = []
    for segment, label in CONTRADICTIONS:
        rows = findings.overlap[findings.overlap["segment"] == segment]
        there = [base_label(name) == label for name in rows["cluster_label"]]
        customers, of_all = int(rows.loc[there, "customers"].sum()), int(rows["customers"].sum())
        if of_all and customers / of_all >= CONTRADICTION:
            parts.append(
                f"{count(customers)} of {count(of_all)} {segment} "
                f"({share(customers / of_all)}) are in a cluster labelled {label}"
            )
    if not parts:
        return None
    return Insight("Some customers get two different names", f"{'; '.join(parts)}.")


def verified_purchases(findings: Findings) -> Insight | None:
    """Most reviews are of verified purchases, if they are."""
    origin = findings.origin
    if origin.verified <= origin.reviews / 2:
        return None
    return Insight(
        "Most reviews are of verified purchases",
        f"{count(origin.verified)} of {counted(origin.reviews, 'raw review')}, "
        f"{share(origin.verified / origin.reviews)}, are of purchases that Amazon has verified.",
    )


def ratings(findings: Findings) -> Insight | None:
    """How people rate, where the ratings have been explored."""
    stars = stars_of_all_time(findings)
    if stars is None:
        return None
    extremes = (
        f"1 and 5 stars together make up {share(stars.extremes)}"
        + (": reviewers tend to the extremes." if stars.extremes > 0.5 else ".")
    )  # fmt: skip
    return Insight(
        f"{stars.commonest:g} star{'' if stars.commonest == 1 else 's'} is the most common rating",
        f"{share(stars.commonest_share)} of all raw reviews give it; {extremes}",
    )


def verified_ratings(findings: Findings) -> Insight | None:
    """How verified purchases and others are rated in the explored year, if there are both."""
    stars = stars_of_the_year(findings)
    if stars is None or not (stars.verified and stars.unverified):
        return None
    if not stars.is_telling:
        title = "5-star ratings are about as common with a verified purchase as without"
    elif stars.excess > 0:
        title = "Reviews without a verified purchase give 5 stars more often"
    else:
        title = "Reviews without a verified purchase give 5 stars less often"
    return Insight(
        title,
        f"In {year_of_ratings(findings)}, {share(stars.unverified_five)} of "
        f"{counted(stars.unverified, 'review')} without a verified purchase give 5 stars, compared "
        f"with {share(stars.verified_five)} of {count(stars.verified)} with one.",
    )


def popular(findings: Findings) -> Insight | None:
    """What is reviewed most in the explored year, where that has been explored."""
    products = popular_products(findings)
    if products.empty:
        return None
    first, audio = products.iloc[0], int(is_audio(products["product_name"]).sum())
    devices = (
        f" {count(audio)} of the {len(products)} most reviewed products are headphones, earbuds or "
        "headsets, by their names."
        if audio
        else ""
    )
    return Insight(
        f"What was reviewed most in {first['year']}",
        f"The product with most reviews is “{cut_name(first['product_name'])}”, with "
        f"{counted(int(first['value']), 'review')}.{devices}",
    )


def equal_customers(findings: Findings) -> Insight | None:
    """What the notebook scheme does to equal customers, if it separates more of them."""
    standard, notebook = findings.ties["standard"], findings.ties["notebook"]
    if notebook.frequency <= standard.frequency:
        return None
    table = findings.comparison.sort_values(["difference_by_scores", "segment"])
    moved = int(table["difference_by_scores"].clip(lower=0).sum())
    least, most = table.iloc[0], table.iloc[-1]
    shift = (
        f" Compared with the standard scores under the same rules, its tiles put at least "
        f"{counted(moved, 'customer')} in another segment: {least['segment']} lose "
        f"{count(-least['difference_by_scores'])}, {most['segment']} gain "
        f"{count(most['difference_by_scores'])}."
        if moved
        else ""
    )
    equals = (
        f" {share(notebook.segment)} have a twin, equal in recency, frequency and spend, in "
        "another segment."
        if notebook.segment
        else ""
    )
    under_standard = share(standard.frequency) if standard.frequency else "nobody does"
    return Insight(
        "The notebook scheme separates equal customers",
        f"Under it, {share(notebook.frequency)} of the customers have a different frequency score "
        "from somebody with the same number of reviews, up to "
        f"{counted(notebook.most_scores, 'score')} for one number; under the standard scheme "
        f"{under_standard}.{equals}{shift}",
    )


_INSIGHTS: Sequence[Callable[[Findings], Insight | None]] = (
    lapsed,
    who_brings_the_money,
    at_stake,
    newcomers,
    single_reviews,
    highest_mean_spend,
    agreement,
    contradictions,
    structure_of_clusters,
    equal_customers,
    verified_purchases,
    ratings,
    verified_ratings,
    popular,
)


def join(names: Sequence[str], word: str = "and") -> str:
    """Names in a sentence: ``A``, ``A and B``, ``A, B and C``."""
    *others, last = names
    return f"{', '.join(others)} {word} {last}" if others else last


def _mean(rows: pd.DataFrame, feature: str) -> float:
    """Mean over the customers of all rows."""
    return float((rows[feature] * rows["customers"]).sum() / rows["customers"].sum())
