"""Equal customers that a scheme treats unequally, and the segments of two schemes side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.features import FEATURES, SCORE_COLUMNS, SCORES
from amazon_seg_assets.formats import share
from amazon_seg_assets.rules.scheme import Scheme
from amazon_seg_assets.spark.sums import CUSTOMERS, collapse
from amazon_seg_assets.stages.segments import scoring

STARVED, SWOLLEN = 0.5, 2.0
"""A segment with fewer customers than half as many, or with more than twice as many, stands out;
where to draw the line is this project's choice."""

COMPARED = ("standard", "notebook")
"""The schemes held against each other: equal scores for equal customers, and split ties."""

_SEGMENTS = [scoring.outcome(scoring.SEGMENT, scheme) for scheme in COMPARED]
_BY_RULES = "notebook_rules_segment"

SEGMENT_COLUMNS = [*_SEGMENTS, _BY_RULES]
"""Segments by the standard scheme, by the notebook scheme, and by the latter's rules from the
scores of the former."""

_BITS = 63


@dataclass(frozen=True)
class Ties:
    """Customers with equals, and how unequally these are treated.

    Attributes:
        customers: all customers.
        tied: those who have an equal.
        split: those who have an equal that got something else.
        outcomes: most different outcomes that a group of equal customers got; 0 without customers.
    """

    customers: int
    tied: int
    split: int
    outcomes: int

    @property
    def share(self) -> float:
        """Separated customers, as a share of all; 0 if there are none."""
        return self.split / self.customers if self.customers else 0.0


def compare_schemes(
    customers: DataFrame, standard: Scheme, notebook: Scheme
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The segments of both schemes side by side, and what each does to equal customers.

    Args:
        customers: columns of ``rfm_features``.
        standard: gives equal customers equal scores.
        notebook: may split ties.

    Returns:
        Columns of ``scheme_comparison``, and figures of split ties.
    """
    # Read by each of the counts below, so not in as many partitions as a cluster's shuffle.
    cores = customers.sparkSession.sparkContext.defaultParallelism
    both = segment_by_both(customers, standard, notebook).coalesce(cores).persist()
    segments = list(dict.fromkeys([*standard.segments, *notebook.segments]))
    try:
        counts = count_segments(both, SEGMENT_COLUMNS)
        return compare_segments(counts, segments), figures_of_ties(both, segments)
    finally:
        both.unpersist()


def segment_by_both(customers: DataFrame, standard: Scheme, notebook: Scheme) -> DataFrame:
    """Scores and segments by both schemes, and by the notebook's rules on the standard's scores.

    Takes the same as `compare_schemes`.

    Returns:
        The features, ``SEGMENT_COLUMNS``, the scores of both schemes as ``scoring.outcome`` names
        them, and ``customers``. Equal customers are one row, but for those whom the notebook scheme
        separates.
    """
    by_standard, by_notebook = scoring.cut_points([standard, notebook], customers)
    tiled = collapse(scoring.score(customers, by_notebook), [*FEATURES, *SCORE_COLUMNS.values()])
    kept = scoring.keep_as(scoring.assign_segments(tiled, notebook.cells), "notebook")
    honest = scoring.score(kept, by_standard)
    by_rules = scoring.assign_segments(honest, notebook.cells).withColumnRenamed(
        scoring.SEGMENT, _BY_RULES
    )
    both = scoring.keep_as(scoring.assign_segments(by_rules, standard.cells), "standard")
    scores = [scoring.outcome(score, s) for s in COMPARED for score in SCORE_COLUMNS.values()]
    return both.select(*FEATURES, *SEGMENT_COLUMNS, *scores, CUSTOMERS)


def figures_of_ties(both: DataFrame, segments: Sequence[str]) -> dict[str, Any]:
    """Figures of the equal customers whom each scheme separates, and what they mean.

    Args:
        both: as of ``segment_by_both``.
        segments: that either scheme has.
    """
    whole = find_ties(both, FEATURES, dict.fromkeys(_SEGMENTS, segments))
    by_feature = {
        feature: find_ties(
            both, [feature], {scoring.outcome(score, scheme): SCORES for scheme in COMPARED}
        )
        for feature, score in SCORE_COLUMNS.items()
    }
    figures: dict[str, Any] = {}
    for scheme in COMPARED:
        of_all = whole[scoring.outcome(scoring.SEGMENT, scheme)]
        scores = {
            feature: by_feature[feature][scoring.outcome(score, scheme)]
            for feature, score in SCORE_COLUMNS.items()
        }
        figures |= {
            f"{scheme}_what_it_means": say_ties(scheme, of_all, scores["frequency"]),
            f"{scheme}_equals_in_other_segments": of_all.split,
            f"{scheme}_equals_in_other_segments_share": of_all.share,
        }
        for feature, found in scores.items():
            figures |= {
                f"{scheme}_equal_{feature}_other_score": found.split,
                f"{scheme}_equal_{feature}_other_score_share": found.share,
                f"{scheme}_equal_{feature}_most_scores": found.outcomes,
            }
    return figures


def find_ties(
    collapsed: DataFrame, equal_in: Sequence[str], outcomes: Mapping[str, Sequence[str | int]]
) -> dict[str, Ties]:
    """Counts customers whose equals got another outcome, in one aggregate for all outcomes.

    Args:
        collapsed: the columns that follow, and how many ``customers`` a row stands for.
        equal_in: columns in which equal customers are the same.
        outcomes: columns of scores or segments, and the values that there may be; all others
            count as one.

    Returns:
        What was found, by outcome.
    """
    groups = collapsed.groupBy(*equal_in).agg(
        F.sum(CUSTOMERS).alias("size"),
        *(_different(outcome, values).alias(outcome) for outcome, values in outcomes.items()),
    )

    def total(condition: str) -> str:
        return f"coalesce(sum(CASE WHEN {condition} THEN size END), 0)"

    row = groups.selectExpr(
        total("true"),
        total("size > 1"),
        *(total(f"{outcome} > 1") for outcome in outcomes),
        *(f"coalesce(max({outcome}), 0)" for outcome in outcomes),
    ).head()
    assert row is not None  # an aggregate without keys is always one row
    size, tied, *found = map(int, row)
    each = zip(outcomes, found[: len(outcomes)], found[len(outcomes) :], strict=True)
    return {outcome: Ties(size, tied, split, most) for outcome, split, most in each}


def count_split(customers: DataFrame, equal_in: Sequence[str], outcome: str) -> int:
    """Counts customers whose equals got another outcome, in one aggregate.

    Outcomes are told apart by hashes of 64 bits, as that takes no list of them.

    Args:
        customers: the columns that follow, one row per customer.
        equal_in: columns in which equal customers are the same.
        outcome: column of scores or segments; null is an outcome too.
    """
    hashed = F.xxhash64(outcome)
    groups = customers.groupBy(*equal_in).agg(
        F.count(F.lit(1)).alias("size"), (F.min(hashed) != F.max(hashed)).alias("is_split")
    )
    row = groups.where("is_split").agg(F.coalesce(F.sum("size"), F.lit(0))).head()
    assert row is not None  # an aggregate without keys is always one row
    return int(row[0])


def _different(outcome: str, values: Sequence[str | int]) -> Column:
    """Counts the different values of a column in a group; those not listed are one."""
    place = F.array_position(F.lit(list(values)), F.col(outcome)).cast("int")
    if len(values) > _BITS:
        return F.size(F.collect_set(place))
    # A set as bits of a number: unlike a collected one, it lets Spark aggregate by hashing. What is
    # not listed has place 0, and so the last bit.
    return F.bit_count(F.bit_or(F.call_function("shiftleft", F.lit(1).cast("long"), place - 1)))


def say_ties(scheme: str, whole: Ties, frequency: Ties) -> str:
    """Says what a scheme does to customers equal as a ``whole``, or in frequency."""
    return (
        f"{whole.tied:,} of {whole.customers:,} customers have an equal in recency, frequency and "
        f"monetary value; {scheme} puts {whole.split:,} of them ({share(whole.share)} of all) "
        f"in another segment than an equal. Of equal frequency, {frequency.split:,} customers "
        f"({share(frequency.share)}) have another frequency score than an equal: up to "
        f"{frequency.outcomes} scores for the same frequency."
    )


def count_segments(collapsed: DataFrame, columns: Sequence[str]) -> list[dict[str, int]]:
    """Sums up ``customers`` by segment, for each of several columns of segments, in one pass."""
    summed = collapsed.groupBy(*columns).agg(F.sum(CUSTOMERS).alias(CUSTOMERS))
    rows = pd.DataFrame(summed.toPandas())
    return [rows.groupby(column)[CUSTOMERS].sum().to_dict() for column in columns]


def compare_segments(counts: Sequence[Mapping[str, int]], segments: Sequence[str]) -> pd.DataFrame:
    """The segments of both schemes side by side.

    Args:
        counts: customers by segment under the standard scheme; under the notebook scheme; and by
            the notebook scheme's rules, but the standard scheme's scores.
        segments: in the order in which people read them; no one is in any other.

    Returns:
        Columns of ``scheme_comparison``.
    """
    columns = ("standard_customers", "notebook_customers", "notebook_rules_customers")
    table = pd.DataFrame(
        {"segment": segments}
        | {
            name: [of_scheme.get(segment, 0) for segment in segments]
            for name, of_scheme in zip(columns, counts, strict=True)
        }
    )
    return table.assign(
        difference=table["notebook_customers"] - table["standard_customers"],
        difference_by_scores=table["notebook_customers"] - table["notebook_rules_customers"],
    )


def starved(table: pd.DataFrame, against: str) -> list[str]:
    """Segments with less than half as many customers under the notebook scheme as in a column."""
    few = table["notebook_customers"] < STARVED * table[against]
    return table.loc[few, "segment"].tolist()


def swollen(table: pd.DataFrame, against: str) -> list[str]:
    """Segments with more than twice as many, likewise."""
    many = table["notebook_customers"] > SWOLLEN * table[against]
    return table.loc[many, "segment"].tolist()
