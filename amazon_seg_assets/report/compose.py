"""Findings as a document: which sections there are, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from amazon_seg_assets.formats import count, counted, cut_name, money, share
from amazon_seg_assets.plots.style import cluster_colour, segment_colour
from amazon_seg_assets.report.advice import general_advice, segment_advice, unadvised
from amazon_seg_assets.report.document import (
    Advices,
    Block,
    Document,
    Fact,
    Facts,
    Heading,
    Illustration,
    Note,
    Paragraph,
    Point,
    Points,
    Section,
    Table,
)
from amazon_seg_assets.report.figures import figures_of, popular_products
from amazon_seg_assets.report.findings import Findings, Step
from amazon_seg_assets.report.insights import Insight, insights, join
from amazon_seg_assets.report.rules import rules_blocks

_FIRST_ADVICE = 3
_PRODUCTS_SHOWN = 10

SEGMENT_PICTURES = (
    "segment_counts_plot",
    "segment_money_plot",
    "rfm_heatmap_plot",
)
CLUSTER_PICTURES = (
    "cluster_shares_plot",
    "cluster_profile_plot",
    "segment_treemap_plot",
    "recency_frequency_plot",
    "recency_monetary_plot",
    "frequency_monetary_plot",
)
CHOICE_PICTURES = ("elbow_plot", "silhouette_plot", "rfm_distributions_plot")
SCHEME_PICTURES = ("scheme_comparison_plot",)
PICTURES = (*SEGMENT_PICTURES, *CLUSTER_PICTURES, *CHOICE_PICTURES, *SCHEME_PICTURES)
"""Pictures of every report, by asset."""

EXPLORATION_PICTURES = (
    "popular_products_plot",
    "yearly_ratings_by_verified_plot",
    "ratings_by_verified_plot",
    "reviews_over_time_plot",
)
"""Pictures of the raw data, by asset: shown where they are."""

CAPTIONS: Mapping[str, str] = {
    "segment_counts_plot": "Customers of each segment, the largest first.",
    "segment_money_plot": "What a customer of each segment spent on average, and all together.",
    "rfm_heatmap_plot": (
        "Each square is a combination of scores: recency upwards, frequency and spend together to "
        "the right. The darker, the more."
    ),
    "cluster_shares_plot": "Share of the customers in each cluster.",
    "cluster_profile_plot": (
        "What is typical of each cluster, in standard deviations from the mean of all customers."
    ),
    "segment_treemap_plot": "Segments inside the clusters: an area is a number of customers.",
    "recency_frequency_plot": "Where the customers of each cluster lie by recency and frequency.",
    "recency_monetary_plot": "The same by recency and spend.",
    "frequency_monetary_plot": "The same by frequency and spend.",
    "elbow_plot": "The sum of squares within clusters, for each number of clusters tried.",
    "silhouette_plot": "The mean silhouette, for each number of clusters tried.",
    "rfm_distributions_plot": (
        "How recency, frequency and spend are distributed, before and after the logarithm."
    ),
    "scheme_comparison_plot": (
        "The same customers under the standard scheme and under that of the original analysis."
    ),
    "popular_products_plot": "The products with most reviews in the year.",
    "yearly_ratings_by_verified_plot": "Ratings in the year, of verified purchases and of others.",
    "ratings_by_verified_plot": "Ratings of all time, of verified purchases and of others.",
    "reviews_over_time_plot": "Reviews of each month.",
}
"""What each picture shows, by asset."""


def compose(findings: Findings) -> Document:
    """Arranges all that is known of a snapshot for people, the most important first."""
    found = insights(findings)
    return Document(
        f"Customer segments: {findings.category.replace('_', ' ')}",
        f"Snapshot {findings.snapshot} · {counted(findings.customers, 'customer')} · reviews from "
        f"{findings.window.start} to {findings.window.end}",
        (
            Section("In brief", _brief(findings, found)),
            Section("Segments", _segments(findings)),
            Section("What to do", _advice(findings)),
            Section("Clusters", _clusters(findings)),
            Section("Further insights", _further(found)),
            Section("Products and ratings", _products(findings)),
            Section("The data and its limits", _data(findings)),
            Section("How the number of clusters was chosen", _choice(findings)),
            Section("The rules", (*rules_blocks(findings), *_pictures(findings, SCHEME_PICTURES))),
            Section("Glossary", (Points(_GLOSSARY),)),
        ),
    )


def _brief(findings: Findings, found: Sequence[Insight]) -> tuple[Block, ...]:
    window, figures = findings.window, figures_of(findings)
    facts = [
        Fact(
            count(findings.customers),
            "customer" if findings.customers == 1 else "customers",
            f"with {counted(window.counted, 'review')} that count",
        ),
        Fact(money(findings.spend), "spend", f"{money(findings.mean_spend)} a customer"),
        Fact(share(figures["one_review_share"]), "have one review", "that counts, in the window"),
    ]
    if "lapsed_share" in figures:
        facts.append(Fact(share(figures["lapsed_share"]), "lapsed", "or about to"))
    if "newcomer_share" in figures:
        facts.append(Fact(share(figures["newcomer_share"]), "newcomers", "active lately"))
    facts.append(
        Fact(
            count(len(findings.clusters)),
            "cluster" if len(findings.clusters) == 1 else "clusters",
            f"silhouette {findings.validation.silhouette:.2f}",
        )
    )
    urgent = segment_advice(findings)[:_FIRST_ADVICE]
    actions = tuple(
        Point(
            one.title,
            " ".join(field.text for field in one.fields if field.lead in ("Goal", "Action")),
        )
        for one in urgent
    )
    return (
        Paragraph(
            f"Who are the customers of {findings.category.replace('_', ' ')}, what are they worth, "
            "and what should be done about them? Reviews of verified purchases stand in for "
            "purchases, and prices on product pages for what was paid; read the limits before you "
            "spend on the strength of this report."
        ),
        Facts(tuple(facts)),
        Heading("What stands out"),
        _listed([one for one in found if one.headline]),
        *((Heading("What to do first"), Points(actions)) if actions else ()),
    )


def _listed(found: Iterable[Insight]) -> Points:
    return Points(tuple(Point(one.title, one.text) for one in found))


def _further(found: Sequence[Insight]) -> tuple[Block, ...]:
    rest = [one for one in found if not one.headline]
    return (_listed(rest),)


def _segments(findings: Findings) -> tuple[Block, ...]:
    ordered = findings.segments
    rows = tuple(
        (
            row.segment,
            count(row.customers),
            share(row.share),
            count(row.recency),
            f"{row.frequency:.2f}",
            money(row.monetary),
            money(row.total_monetary),
            share(row.total_monetary / findings.spend),
        )
        for row in ordered.itertuples(index=False)
    )
    header = (
        "Segment", "Customers", "Share", "Recency (days)", "Reviews", "Mean spend", "Total spend",
        "Share of spend",
    )  # fmt: skip
    colours = tuple(segment_colour(name) for name in ordered["segment"])
    empty = [name for name in findings.scheme.segments if name not in set(ordered["segment"])]
    return (
        Paragraph(
            f"Each customer is in exactly one segment, by the rules of the scheme "
            f"{findings.scheme.name}. Recency, the days since the last review, reviews and mean "
            "spend are means over the segment's customers."
        ),
        Table(header, rows, colours=colours),
        *([Note(f"No customer is in {join(empty, 'or')}.")] if empty else []),
        *_pictures(findings, SEGMENT_PICTURES),
        Heading("What the segments mean"),
        Points(tuple(Point(name, text) for name, text in findings.scheme.segments.items())),
    )


def _advice(findings: Findings) -> tuple[Block, ...]:
    items, general = segment_advice(findings), general_advice(findings)
    without = unadvised(findings)
    return (
        Paragraph(
            "The most urgent first. What an offer costs, and whether it pays, only a test against "
            "a group left alone will tell."
        ),
        Advices(tuple(items)),
        *(
            (
                Note(
                    f"There is no recommendation for {join(without)}: give a file of your own in "
                    "the configuration of executive_report."
                ),
            )
            if without
            else ()
        ),
        *((Heading("Beyond single segments"), Advices(tuple(general), level=4)) if general else ()),
    )


def _clusters(findings: Findings) -> tuple[Block, ...]:
    rows = tuple(
        (
            str(row.cluster),
            row.cluster_label,
            count(row.customers),
            share(row.share),
            count(row.recency),
            f"{row.frequency:.2f}",
            money(row.monetary),
            share(row.total_monetary / findings.spend),
            f"{row.silhouette:.2f}",
            share(row.survival),
        )
        for row in findings.clusters.itertuples(index=False)
    )
    header = (
        "Cluster", "Label", "Customers", "Share", "Recency (days)", "Reviews", "Mean spend",
        "Share of spend", "Silhouette", "Survival",
    )  # fmt: skip
    return (
        Paragraph(
            "Clusters are found by K-Means in the data, without rules. They are labelled by their "
            "means; they cross-check the segments rather than replace them."
        ),
        Table(
            header,
            rows,
            words=2,
            colours=tuple(cluster_colour(number) for number in findings.clusters["cluster"]),
        ),
        Heading("How good the clusters are"),
        Points(tuple(Point("", sentence) for sentence in findings.validation.sentences)),
        *_pictures(findings, CLUSTER_PICTURES),
    )


def _products(findings: Findings) -> tuple[Block, ...]:
    absent = [
        name
        for name, table in (
            ("rating_counts", findings.ratings),
            ("top_products", findings.top_products),
        )
        if table is None
    ]
    products = popular_products(findings).head(_PRODUCTS_SHOWN)
    listed: list[Block] = []
    if not products.empty:
        rows = tuple(
            (str(row.rank), cut_name(row.product_name, 90), count(row.value))
            for row in products.itertuples(index=False)
        )
        year = products["year"].iloc[0]
        listed = [
            Table(
                ("Rank", "Product", "Reviews"),
                rows,
                words=2,
                caption=f"Products with most reviews in {year}",
            )
        ]
    return (
        Paragraph(
            "From all raw reviews, whatever the snapshot. The number of reviews stands in for "
            "popularity."
        ),
        *(
            [
                Note(
                    f"Not shown: materialize {join(absent)} first, for example by the job explore, "
                    "then executive_report again."
                )
            ]
            if absent
            else []
        ),
        *listed,
        *_pictures(findings, EXPLORATION_PICTURES),
    )


def _data(findings: Findings) -> tuple[Block, ...]:
    origin, window = findings.origin, findings.window
    unpriced = window.unpriced / window.in_window if window.in_window else 0.0
    return (
        Paragraph(
            f"{counted(origin.reviews, 'review')} from {origin.first_day} to {origin.last_day} "
            f"(UTC) and {counted(origin.products, 'row')} of products, from: {origin.source}. The "
            f"snapshot looks at the year from {window.start} to {window.end}, both days included."
        ),
        _steps(
            f"Raw reviews of the {counted(window.months, 'month')} read for the window",
            window.raw,
            window.left_out,
            "Reviews that count",
            window.counted,
            "From raw reviews to those that count",
        ),
        _steps(
            "Raw rows of products",
            origin.products,
            origin.products_left_out,
            "Products kept",
            origin.products_kept,
            "From raw rows to products",
        ),
        Note(
            f"{count(origin.products_priced)} of {counted(origin.products_kept, 'product')} have a "
            "price. Ratings of 0 count as 1, negative votes as 0, and placeholders such as N/A as "
            "missing."
            + (
                f" {counted(origin.malformed, 'line')} of the source could not be read."
                if origin.malformed
                else ""
            )
        ),
        Heading("Limits"),
        Points(
            (
                Point("A review is not a purchase", "It is left some time after it, or never."),
                Point(
                    "Volunteer bias",
                    "Not everyone leaves a review, and those who do may differ from those who "
                    "don't.",
                ),
                Point("No quantities", "Frequency counts reviews, not items or orders."),
                Point(
                    "Prices are those on the page",
                    "They were collected once: discounts and changes over time are unknown, so "
                    "spend is an estimate.",
                ),
                Point(
                    "Missing prices",
                    f"{share(unpriced)} of the verified reviews in the window are of products "
                    "without a price, or that are unknown or excluded, and do not count; customers "
                    "with no other are left out.",
                ),
            )
        ),
    )


def _steps(
    start: str, raw: int, left_out: Sequence[Step], end: str, rest: int, caption: str
) -> Table:
    rows = [
        (start, count(raw)),
        *((f"left out: {step.reason}", f"−{count(step.rows)}") for step in left_out if step.rows),
        (end, count(rest)),
    ]
    return Table(("Step", "Rows"), tuple(rows), caption=caption)


def _choice(findings: Findings) -> tuple[Block, ...]:
    rows = tuple(
        (
            str(row.k),
            count(row.wcss),
            f"{row.silhouette:.3f}",
            "yes" if row.converged else "no",
            "chosen" if row.chosen else "",
        )
        for row in findings.sweep.sort_values("k").itertuples(index=False)
    )
    return (
        Paragraph(findings.why_k),
        Paragraph(
            "The knee of the sum of squares is chosen if its silhouette is close to the best, "
            "else the best silhouette. Every k had several starts, each run to convergence."
        ),
        Table(("k", "Sum of squares", "Silhouette", "Converged", "Choice"), rows),
        *_pictures(findings, CHOICE_PICTURES),
    )


def _pictures(findings: Findings, names: Iterable[str]) -> list[Illustration]:
    found = findings.illustrations
    return [found[name] for name in names if name in found]


_GLOSSARY = (
    Point("Snapshot", "The state of the customers as of the last review of a month."),
    Point("Recency", "Days from a customer's last review to the day after the window."),
    Point("Frequency", "A customer's reviews in the window of products with a price."),
    Point("Spend, monetary value", "The sum of these products' prices, in USD."),
    Point("Score", "1 (worst) to 5 (best) of recency (R), frequency (F) and spend (M)."),
    Point("Segment", "A group of customers by their scores, by the rules of a scheme."),
    Point("Cluster", "A group of customers that K-Means finds, by recency, frequency and spend."),
    Point(
        "Silhouette",
        "How much closer customers are to their own cluster than to the next: 1 is apart, 0 on "
        "the border, below 0 misplaced. Here by squared Euclidean distance.",
    ),
    Point(
        "Sum of squares (WCSS)",
        "Squared distances of the customers to the centers of their clusters, added up.",
    ),
    Point("Survival", "Share of a cluster's customers who stay together in a resample."),
    Point(
        "Adjusted Rand index",
        "How far two groupings agree: 1 if they are the same, 0 on average by chance.",
    ),
    Point("Verified purchase", "Amazon knows that the reviewer bought the product there."),
)
