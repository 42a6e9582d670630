"""Findings as a document: which sections there are, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from amazon_seg_assets.formats import count, counted, cut_name, money, share, short
from amazon_seg_assets.plots.style import cluster_colour, segment_colours
from amazon_seg_assets.report.advice import (
    cluster_advice,
    general_advice,
    segment_advice,
    unadvised,
)
from amazon_seg_assets.report.document import (
    Advices,
    Block,
    Document,
    Fact,
    Facts,
    Heading,
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
from amazon_seg_assets.report.pictures import (
    CHOICE_PICTURES,
    CLUSTER_PICTURES,
    EXPLORATION_PICTURES,
    SCHEME_PICTURES,
    SEGMENT_PICTURES,
    illustrated,
)
from amazon_seg_assets.report.rules import rules_blocks

_FIRST_ADVICE = 3
_PRODUCTS_SHOWN = 10


def compose(findings: Findings) -> Document:
    """Arranges all that is known of a snapshot for people, the most important first."""
    found = insights(findings)
    invented = ", invented (built-in sample)" if findings.origin.is_invented else ""
    return Document(
        f"Customer segments: {findings.category.replace('_', ' ')}",
        f"Snapshot {findings.snapshot} · {counted(findings.customers, 'customer')}{invented} · "
        f"reviews from {findings.window.start} to {findings.window.end}",
        (
            Section("In brief", _brief(findings, found)),
            Section("Segments", _segments(findings)),
            Section("What to do", _advice(findings)),
            Section("Clusters", _clusters(findings)),
            Section("Further insights", _further(found)),
            Section("Products and ratings", _products(findings)),
            Section("The data and its limits", _data(findings)),
            Section("How the number of clusters was chosen", _choice(findings)),
            Section(
                "The rules", (*rules_blocks(findings), *illustrated(findings, SCHEME_PICTURES))
            ),
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
        facts.append(Fact(share(figures["newcomer_share"]), "newcomers", "active recently"))
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
    colours = segment_colours(ordered["segment"])
    empty = [name for name in findings.scheme.segments if name not in set(ordered["segment"])]
    return (
        Paragraph(
            f"Each customer is in exactly one segment, by the rules of the scheme "
            f"{findings.scheme.name}. Recency (the days since the last review), reviews and mean "
            "spend are averages over the segment's customers."
        ),
        Table(header, rows, colours=tuple(colours[name] for name in ordered["segment"])),
        *([Note(f"No customer is in {join(empty, 'or')}.")] if empty else []),
        *illustrated(findings, SEGMENT_PICTURES),
        Heading("What the segments mean"),
        Points(tuple(Point(name, text) for name, text in findings.scheme.segments.items())),
    )


def _advice(findings: Findings) -> tuple[Block, ...]:
    items, general = segment_advice(findings), general_advice(findings)
    without = unadvised(findings)
    return (
        Paragraph(
            "Most urgent first. Only a test against a control group will show what an offer costs "
            "and whether it pays."
        ),
        Paragraph(
            "Whom to address: the asset segment_export lists the customers of each segment in a "
            "file of its own, named after the segment, for a campaign tool."
        ),
        Advices(tuple(items)),
        *(
            (
                Note(
                    f"There is no recommendation for {join(without)}: give a file of your own in "
                    "the folder AMAZON_SEG_RULES, or in the configuration of executive_report."
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
            "K-Means finds clusters in the data, without rules. They are labelled by their "
            "averages; they cross-check the segments rather than replace them."
        ),
        Table(
            header,
            rows,
            words=2,
            colours=tuple(cluster_colour(number) for number in findings.clusters["cluster"]),
        ),
        *_cluster_advice(findings),
        Heading("How good the clusters are"),
        Points(tuple(Point("", sentence) for sentence in findings.validation.sentences)),
        *illustrated(findings, CLUSTER_PICTURES),
    )


def _cluster_advice(findings: Findings) -> tuple[Block, ...]:
    items = cluster_advice(findings)
    if not items:
        return ()
    return (
        Heading("What to do about the clusters"),
        Note("Every customer is in a segment too: send one offer, not both."),
        Advices(tuple(items), level=4),
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
                caption=f"The most reviewed products of {year}",
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
        *illustrated(findings, EXPLORATION_PICTURES),
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
                Point("A review is not a purchase", "It comes some time after one, or never."),
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
                    f"{share(unpriced)} of the verified reviews in the window do not count, as "
                    "their products have no price, are unknown or are excluded; customers with no "
                    "other reviews are left out.",
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
            short(row.wcss),
            f"{row.silhouette:.3f}",
            "yes" if row.converged else "no",
            "chosen" if row.chosen else "",
        )
        for row in findings.sweep.sort_values("k").itertuples(index=False)
    )
    return (
        Paragraph(findings.why_k),
        Paragraph(
            "Unless k is set by hand, the knee of the sum of squares is chosen if its silhouette "
            f"is close to the best, otherwise the k with the best silhouette. {_runs(findings)}"
        ),
        Table(("k", "Sum of squares", "Silhouette", "Converged", "Choice"), rows),
        *illustrated(findings, CHOICE_PICTURES),
    )


def _runs(findings: Findings) -> str:
    starts = f"Each k had {counted(findings.starts, 'start')}"
    if findings.sweep["converged"].all():
        return f"{starts}, and its best run converged."
    return f"{starts}. Where the table says “no”, the best run stopped before it converged."


_GLOSSARY = (
    Point("Snapshot", "The state of the customers as of the last review of a month."),
    Point("Recency", "Days from a customer's last review to the day after the window."),
    Point("Frequency", "Reviews in the window of products priced above the minimum."),
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
