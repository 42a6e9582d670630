"""RFM scores and segments.

Every way to score comes down to cut points: a score is 1 plus the number of cut points that the
customer is above. So no customer needs to be ranked, and no window spans all of them.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import product
from operator import add
from typing import Any, Self

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from amazon_seg_assets.features import FEATURES, SCORE_COLUMNS, SCORES
from amazon_seg_assets.rules.scheme import Scheme
from amazon_seg_assets.stages.segments.order_statistics import Counts, Key, Order, order_statistics

SEGMENT = "segment"

_TOP_SCORE = SCORES[-1]

_BETTER_LAST = {"recency": "-recency", "frequency": "frequency", "monetary": "monetary"}
"""Columns that order customers from worst to best; a minus sign means that less is better."""

_NTILE_TIES = {
    "recency": ("user_id",),
    "frequency": ("-recency", "user_id"),
    "monetary": ("frequency", "-recency", "user_id"),
}
"""The order of equal customers in the original analysis, in effect."""

_MONETARY_BLOCKS = 64  # per unit of log1p: a block is 1.6 % wide, so it has few distinct sums


@dataclass(frozen=True)
class CutPoints:
    """The places at which the score of one feature changes.

    Attributes:
        order: columns that order customers from worst to best.
        keys: up to four keys in this order.
        inclusive: whether a customer on a cut point is above it.
    """

    order: tuple[str, ...]
    keys: tuple[Key, ...]
    inclusive: bool = False

    def to_facts(self) -> dict[str, Any]:
        """Gives them in a form that JSON keeps."""
        return {"order": self.order, "keys": self.keys, "inclusive": self.inclusive}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """The cut points that ``to_facts`` gave to JSON."""
        return cls(tuple(facts["order"]), tuple(map(tuple, facts["keys"])), facts["inclusive"])

    def thresholds(self) -> list[float]:
        """The values at which the score changes, in the feature's own unit."""
        return [abs(key[0]) for key in self.keys]

    def by_hand(self) -> list[float]:
        """The values that score alike when ``threshold_cuts`` takes them.

        Empty if there are none: customers on a threshold are divided, or thresholds are missing as
        there are too few customers.
        """
        values = self.thresholds()
        if len(self.order) > 1 or len(values) < _TOP_SCORE - 1:
            return []
        if self.order[0].startswith("-"):
            return values[::-1]
        return values if self.inclusive else [_next_above(value) for value in values]

    def say_thresholds(self) -> str:
        """Says what the thresholds mean."""
        if len(self.order) > 1:
            return (
                "A score is 1 plus the thresholds that the customer comes after; customers on a "
                f"threshold are divided by {', '.join(self.order[1:])}."
            )
        if self.order[0].startswith("-"):
            return "A score is 1 plus the thresholds that the value is below."
        beyond = "reaches" if self.inclusive else "is above"
        return f"A score is 1 plus the thresholds that the value {beyond}."

    def score(self) -> Column:
        """1 plus the number of cut points that a customer is above."""
        above = [self._above(key, self.order).cast("int") for key in self.keys]
        return reduce(add, above, F.lit(1))

    def scores_of(self, customers: pd.DataFrame) -> np.ndarray:
        """The same of a pandas frame with the columns of the order, without Spark."""
        above = (self._above(key, self.order, customers.__getitem__) for key in self.keys)
        return reduce(add, above, np.ones(len(customers), np.int32))

    def first_above(self) -> Column:
        """The worst value above each cut point, of all customers; null where nobody is above."""
        value = _value(self.order[0], F.col)
        return F.array(*(F.min(F.when(self._above(key, self.order), value)) for key in self.keys))

    def _above(self, key: Key, order: Sequence[str], columns: Callable[[str], Any] = F.col) -> Any:
        """True above a key; ``columns`` gives those of Spark, or of a pandas frame, by name."""
        column, value = _value(order[0], columns), key[0]
        if len(order) == 1:
            return column >= value if self.inclusive else column > value
        return (column > value) | ((column == value) & self._above(key[1:], order[1:], columns))


def cut_points(schemes: Sequence[Scheme], customers: DataFrame) -> list[dict[str, CutPoints]]:
    """The cut points by which each scheme scores customers, by feature.

    Those that go by ranks are found together. The customers have the columns of ``rfm_features``.
    """
    ranked = [scheme.scoring for scheme in schemes if scheme.thresholds is None]
    found = iter(rank_cuts(customers, ranked))
    return [
        next(found) if scheme.thresholds is None else threshold_cuts(scheme.thresholds.model_dump())
        for scheme in schemes
    ]


def rank_cuts(customers: DataFrame, scorings: Sequence[str]) -> list[dict[str, CutPoints]]:
    """Cut points of several ways to score customers by their ranks, found together.

    ``percent_rank`` gives equal scores to equal values. Recency and monetary score
    1 + floor(5 * p), at most 5, where p = (customers below) / (customers - 1). Frequency scores 1
    for a single review, and 2 + floor(4 * p), at most 5, among repeat customers.

    ``ntile`` gives the tiles of SQL's ``ntile(5)``, ties broken as in the notebooks. Equal recency
    goes by user_id; equal frequency by recency, the less recent first, then user_id; equal monetary
    by frequency, the lower first, then as equal frequency.

    Args:
        customers: columns of ``rfm_features``.
        scorings: each ``percent_rank`` or ``ntile``.

    Returns:
        Cut points of each scoring, by feature.
    """
    orders = {(each, feature): _ORDERS[each](feature) for each in scorings for feature in FEATURES}
    found = zip(orders, order_statistics(customers, list(orders.values())), strict=True)
    cuts = {(each, feature): _cut_points(each, feature, keys) for (each, feature), keys in found}
    return [{feature: cuts[each, feature] for feature in FEATURES} for each in scorings]


def cuts_from_facts(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, CutPoints]:
    """The cut points of each feature, as ``to_facts`` gave them to JSON."""
    return {feature: CutPoints.from_facts(points) for feature, points in facts.items()}


def threshold_cuts(thresholds: Mapping[str, Sequence[float]]) -> dict[str, CutPoints]:
    """Cut points set by hand: four ascending values for each feature, of which some may be equal.

    A value that equals a threshold belongs to the interval above, as in the R package rfm. For
    recency the lowest interval scores best.
    """
    cuts = {}
    for feature in FEATURES:
        values = [float(value) for value in thresholds[feature]]
        if feature == "recency":
            keys = tuple((-value,) for value in reversed(values))
            cuts[feature] = CutPoints((_BETTER_LAST[feature],), keys)
        else:
            keys = tuple((value,) for value in values)
            cuts[feature] = CutPoints((feature,), keys, inclusive=True)
    return cuts


def only_held(cuts: Mapping[str, CutPoints], customers: DataFrame) -> dict[str, CutPoints]:
    """Cut points that score a value that nobody has as the nearest worse one that somebody has.

    So a cut point is passed from the next better value on that is held. Those that split ties stay
    as they are.

    Args:
        cuts: by feature.
        customers: whose cut points they are; columns of ``rfm_features``.
    """
    of_values = {feature: points for feature, points in cuts.items() if len(points.order) == 1}
    if not of_values:
        return dict(cuts)
    [held] = customers.agg(
        *(points.first_above().alias(feature) for feature, points in of_values.items())
    ).collect()
    passed = {
        feature: CutPoints(
            points.order, tuple((value,) for value in held[feature] if value is not None), True
        )
        for feature, points in of_values.items()
    }
    return {**cuts, **passed}


def frozen_thresholds(cuts: Mapping[str, CutPoints]) -> dict[str, list[float]]:
    """Thresholds that give every customer the same scores by ``threshold_cuts``.

    Empty unless each feature has such values, see ``CutPoints.by_hand``.
    """
    frozen = {feature: points.by_hand() for feature, points in cuts.items()}
    return frozen if all(frozen.values()) else {}


def score(customers: DataFrame, cuts: Mapping[str, CutPoints]) -> DataFrame:
    """Adds ``r_score``, ``f_score``, ``m_score`` (1 to 5) and ``rfm_score``, such as ``543``."""
    scored = customers.withColumns(
        {column: cuts[feature].score() for feature, column in SCORE_COLUMNS.items()}
    )
    return scored.withColumn("rfm_score", F.concat(*SCORE_COLUMNS.values()))


def assign_segments(scored: DataFrame, cells: Mapping[tuple[int, int, int], str]) -> DataFrame:
    """Adds ``segment``, looked up by the three scores among all 125 combinations.

    Raises:
        KeyError: a combination is missing.
    """
    # In the order of the places; a cell that is missing must not move the others.
    table = F.array(*(F.lit(cells[cell]) for cell in product(SCORES, SCORES, SCORES)))
    place = (F.col("r_score") - 1) * 25 + (F.col("f_score") - 1) * 5 + F.col("m_score")
    return scored.withColumn(SEGMENT, F.element_at(table, place))


def segment_counts(segments: Iterable[str]) -> list[Column]:
    """The customers of each segment, to be observed in the pass that writes."""
    return [F.count_if(F.col(SEGMENT) == name).alias(name) for name in segments]


def segments_of(
    customers: pd.DataFrame,
    cuts: Mapping[str, CutPoints],
    cells: Mapping[tuple[int, int, int], str],
) -> dict[str, Any]:
    """The columns that `score` and `assign_segments` add, of a pandas frame and without Spark.

    Args:
        customers: the features as numbers, none of which is missing, and ``user_id`` where cut
            points divide equal customers.
        cuts: by feature.
        cells: the segment of each combination of scores.
    """
    scores = {name: cuts[feature].scores_of(customers) for feature, name in SCORE_COLUMNS.items()}
    places = list(zip(*(of_one.tolist() for of_one in scores.values()), strict=True))
    return {
        **scores,
        "rfm_score": [f"{r}{f}{m}" for r, f, m in places],
        SEGMENT: [cells[r, f, m] for r, f, m in places],
    }


def outcome(name: str, scheme: str) -> str:
    """The column that holds a score or the segment of one of several schemes."""
    return f"{scheme}_{name}"


def keep_as(segmented: DataFrame, scheme: str) -> DataFrame:
    """Renames scores and segment to those of one of several schemes, to make room for another's."""
    names = (*SCORE_COLUMNS.values(), SEGMENT)
    return segmented.withColumnsRenamed({name: outcome(name, scheme) for name in names})


def percent_rank_positions(size: int, scores: int) -> list[int]:
    """Positions above which a percent rank is s / scores or more.

    1 + floor(scores * below / (size - 1)) exceeds s if at least s * (size - 1) / scores customers
    are below, rounded up.
    """
    if size < 2:
        return []
    return [-(-step * (size - 1) // scores) for step in range(1, scores)]


def tile_ends(size: int) -> list[int]:
    """Ends of the first four of five tiles; the first ``size mod 5`` tiles have one more."""
    whole, rest = divmod(size, _TOP_SCORE)
    return [tile * whole + min(tile, rest) for tile in range(1, _TOP_SCORE)] if size else []


def _next_above(value: float) -> float:
    """The next whole number of reviews, or the next larger number: nothing is in between."""
    return value + 1 if isinstance(value, int) else math.nextafter(value, math.inf)


def _value(name: str, columns: Callable[[str], Any]) -> Any:
    return -columns(name[1:]) if name.startswith("-") else columns(name)


def _cut_points(scoring: str, feature: str, found: Sequence[Key]) -> CutPoints:
    order = (_BETTER_LAST[feature], *(_NTILE_TIES[feature] if scoring == "ntile" else ()))
    # Without the coarser levels by which they were found.
    keys = tuple(key[-len(order) :] for key in found)
    if scoring == "percent_rank" and feature == "frequency":
        return CutPoints(order, ((1,), *keys))
    return CutPoints(order, keys)


def _by_percent_rank(feature: str) -> Order:
    if feature == "frequency":
        return Order(_levels(feature), _positions_among_repeat)
    positions = partial(percent_rank_positions, scores=_TOP_SCORE)
    return Order(_levels(feature), lambda counts: positions(_rows(counts)))


def _by_ntile(feature: str) -> Order:
    *ties, last = _NTILE_TIES[feature]
    levels = [*_levels(feature), *([ties] if ties else [])]
    return Order(levels, lambda counts: tile_ends(_rows(counts)), last)


_ORDERS = {"percent_rank": _by_percent_rank, "ntile": _by_ntile}


def _levels(feature: str) -> list[list[str]]:
    levels = [[_BETTER_LAST[feature]]]
    if feature == "monetary":
        # Days and reviews have few values, sums have millions: these need a coarser level first.
        return [[f"floor(log1p({feature}) * {_MONETARY_BLOCKS})"], *levels]
    return levels


def _rows(counts: Counts) -> int:
    return sum(rows for _, rows in counts)


def _positions_among_repeat(counts: Counts) -> list[int]:
    """Positions in the order of all customers, of whom those with a single review come first."""
    single = _rows([(key, rows) for key, rows in counts if key == (1,)])
    repeat = _rows(counts) - single
    return [single + each for each in percent_rank_positions(repeat, _TOP_SCORE - 1)]
