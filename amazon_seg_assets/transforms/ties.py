"""Equal customers that a scheme treats unequally, and the segments of two schemes side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

STARVED, SWOLLEN = 0.5, 2.0
"""A segment with fewer customers than half as many, or with more than twice as many, stands out;
where to draw the line is this project's choice."""


@dataclass(frozen=True)
class Ties:
    """Customers with equals, and how unequally these are treated.

    Attributes:
        customers: all customers.
        tied: those who have an equal.
        separated: those who have an equal that got something else.
        outcomes: most different outcomes that a group of equal customers got; 0 without customers.
    """

    customers: int
    tied: int
    separated: int
    outcomes: int

    @property
    def share(self) -> float:
        """Separated customers, as a share of all; 0 if there are none."""
        return self.separated / self.customers if self.customers else 0.0


def find_ties(customers: DataFrame, equal_in: Sequence[str], outcome: str) -> Ties:
    """Counts customers whose equals got another outcome, in one aggregate.

    Args:
        customers: one row a customer.
        equal_in: columns in which equal customers are the same.
        outcome: a column with few values: a score or a segment.
    """
    groups = customers.groupBy(*equal_in).agg(
        F.count(F.lit(1)).alias("size"), F.size(F.collect_set(outcome)).alias("outcomes")
    )

    def total(condition: str) -> str:
        return f"coalesce(sum(CASE WHEN {condition} THEN size END), 0)"

    row = groups.selectExpr(
        total("true"), total("size > 1"), total("outcomes > 1"), "coalesce(max(outcomes), 0)"
    ).head()
    assert row is not None  # an aggregate without keys is always one row
    return Ties(*map(int, row))


def say_ties(scheme: str, whole: Ties, frequency: Ties) -> str:
    """What a scheme does to equal customers.

    Args:
        scheme: its name.
        whole: customers equal in all features, by segment.
        frequency: customers equal in frequency, by frequency score.
    """
    return (
        f"{whole.tied:,} of {whole.customers:,} customers have an equal in recency, frequency and "
        f"monetary value; {scheme} puts {whole.separated:,} of them ({whole.share:.1%} of all) in "
        f"another segment than an equal. Of equal frequency, {frequency.separated:,} customers "
        f"({frequency.share:.1%}) have another frequency score than an equal: up to "
        f"{frequency.outcomes} scores for the same frequency."
    )


def count_segments(segmented: DataFrame) -> dict[str, int]:
    """Customers by ``segment``."""
    return {row["segment"]: row["count"] for row in segmented.groupBy("segment").count().collect()}


def compare_segments(
    standard: Mapping[str, int],
    notebook: Mapping[str, int],
    notebook_rules: Mapping[str, int],
    segments: Sequence[str],
) -> pd.DataFrame:
    """The segments of both schemes side by side.

    Args:
        standard: customers by segment under the standard scheme.
        notebook: the same under the notebook scheme.
        notebook_rules: the same by the notebook scheme's rules, but the standard scheme's scores.
        segments: in the order in which people read them; no one is in any other.

    Returns:
        Columns of ``scheme_comparison``.
    """
    columns = {
        "standard_customers": standard,
        "notebook_customers": notebook,
        "notebook_rules_customers": notebook_rules,
    }
    table = pd.DataFrame(
        {"segment": segments}
        | {name: [counts.get(s, 0) for s in segments] for name, counts in columns.items()}
    )
    return table.assign(
        difference=table["notebook_customers"] - table["standard_customers"],
        difference_by_scores=table["notebook_customers"] - table["notebook_rules_customers"],
    )


def starved(table: pd.DataFrame, against: str) -> list[str]:
    """Segments that have less than half of their customers under the notebook scheme.

    Args:
        table: columns of ``scheme_comparison``.
        against: the column to compare with.
    """
    few = table["notebook_customers"] < STARVED * table[against]
    return table.loc[few, "segment"].tolist()


def swollen(table: pd.DataFrame, against: str) -> list[str]:
    """Segments that have more than twice their customers under the notebook scheme."""
    many = table["notebook_customers"] > SWOLLEN * table[against]
    return table.loc[many, "segment"].tolist()
