"""The rules of a run in words and tables: what counts, how it is scored, what makes a segment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amazon_seg_assets.formats import MISSING, money
from amazon_seg_assets.report.document import Block, Heading, Note, Paragraph, Point, Points, Table
from amazon_seg_assets.report.findings import Findings
from amazon_seg_assets.rules.scheme import SCORES, Scheme

_CUTS = len(SCORES) - 1

_BEYOND = {
    "percent_rank": (
        "Each threshold a customer passes adds one to the score: fewer days than the threshold, "
        "more reviews, more spend. Equal customers get equal scores."
    ),
    "thresholds": (
        "The thresholds were set by hand. Each one a customer passes adds one to the score: fewer "
        "days than the threshold, at least as many reviews, at least as much spend."
    ),
    "ntile": (
        "Customers are cut into five groups of equal size, so those who lie on a threshold are "
        "split: equal customers may get different scores."
    ),
}


def rules_blocks(findings: Findings) -> tuple[Block, ...]:
    """The rules by which the customers were counted, scored and put into segments."""
    scheme, window = findings.scheme, findings.window
    return (
        Points(
            (
                Point(
                    "What counts",
                    "Reviews of verified purchases in the window, exact duplicates once, of "
                    f"products with a price above {money(window.min_price)}. Times are UTC.",
                ),
                Point(
                    "Clusters",
                    "K-Means on recency, log(1 + frequency) and log(1 + spend), each with mean 0 "
                    "and standard deviation 1.",
                ),
                Point("Segments", f"The scheme {scheme.name}. {scheme.description}"),
            )
        ),
        Heading("Score thresholds"),
        Paragraph(_BEYOND[scheme.scoring]),
        Table(
            ("Feature", *(f"{score} to {score + 1}" for score in SCORES[:-1])),
            (
                ("Recency, days", *_thresholds(findings.thresholds["recency"])),
                ("Frequency, reviews", *_thresholds(findings.thresholds["frequency"])),
                ("Spend", *_thresholds(findings.thresholds["monetary"], _to_the_cent)),
            ),
            caption="Score thresholds of this run",
        ),
        Heading("From scores to segments"),
        *_segments_by_score(scheme),
    )


def _in_full(value: float) -> str:
    """Not rounded, as whoever sets thresholds may set them between whole numbers."""
    return f"{value:,.10g}"


def _to_the_cent(value: float) -> str:
    return f"${value:,.2f}"


def _thresholds(values: Sequence[float], write: Callable[[float], str] = _in_full) -> list[str]:
    texts = [write(value) for value in values]
    # Few customers, or hardly any who differ, have fewer thresholds than scores.
    return [*texts, *[MISSING] * (_CUTS - len(texts))]


def _segments_by_score(scheme: Scheme) -> tuple[Block, ...]:
    if scheme.grid is not None:
        grid = scheme.grid
        return (
            Table(
                ("R", *(f"FM {score}" for score in SCORES)),
                tuple((str(r), *grid[r]) for r in reversed(SCORES)),
                words=1 + len(SCORES),
                caption="Segments by the scores of recency, and of frequency and spend together",
            ),
            Note("FM is the mean of the scores of frequency and spend, rounded half up."),
        )
    ordered = scheme.ordered_rules is not None
    rules = scheme.ordered_rules if scheme.ordered_rules is not None else scheme.rules or []
    rows = [
        (rule.segment, *(_scores(scores) for scores in (rule.r, rule.f, rule.m))) for rule in rules
    ]
    if scheme.otherwise is not None:
        rows.append((scheme.otherwise, "otherwise", "", ""))
    return (
        Table(
            ("Segment", "R", "F", "M"),
            tuple(rows),
            words=4,
            caption="The first rule that holds counts" if ordered else "Scores of each segment",
        ),
    )


def _scores(scores: Sequence[int] | None) -> str:
    return "any" if scores is None else ", ".join(map(str, sorted(scores)))
