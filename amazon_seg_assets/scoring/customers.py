"""Customers by recency, frequency and monetary value: their cluster and segment, without Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.formats import counted
from amazon_seg_assets.stages.clusters.grouping import SPREADS, Grouping
from amazon_seg_assets.stages.clusters.tables import CLUSTER_CENTERS, K_SWEEP
from amazon_seg_assets.stages.segments import scoring
from amazon_seg_assets.stages.segments.scheme_used import stored_scheme
from amazon_seg_assets.stages.segments.scoring import CutPoints
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.storage.facts import require_facts
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import read_small
from amazon_seg_assets.texts import printable

USER = "user_id"
CUSTOMER = (USER, *FEATURES)
"""Columns of customers that are scored."""


@dataclass(frozen=True)
class Segmentation:
    """The rules of a snapshot's segments.

    Attributes:
        cuts: cut points of scores, by feature.
        cells: the segment of each combination of scores.
    """

    cuts: Mapping[str, CutPoints]
    cells: Mapping[tuple[int, int, int], str]

    @classmethod
    def stored(cls, store: Store, month: str) -> Self:
        """The rules kept with a stored month.

        Raises:
            InputError: its segments are not stored, or by a version that did not keep them.
        """
        facts = require_facts(store, RFM_SEGMENTS.name, month, "cuts")
        return cls(scoring.cuts_from_facts(facts["cuts"]), stored_scheme(store, month).cells)

    @property
    def columns(self) -> list[str]:
        """Columns of customers that the cut points go by."""
        orders = [name for points in self.cuts.values() for name in points.order]
        return [*FEATURES, *([USER] if USER in orders else [])]

    def apply(self, customers: pd.DataFrame) -> dict[str, Any]:
        """Scores and segments of customers, whose features are numbers."""
        return scoring.segments_of(customers, self.cuts, self.cells)


def stored_clusters(store: Store, month: str) -> Grouping:
    """The clusters of the chosen k.

    Raises:
        InputError: they are not stored for the month, or by a version that kept less of them.
    """
    sweep, centers = (read_small(store, table, month) for table in (K_SWEEP, CLUSTER_CENTERS))
    return Grouping.chosen(sweep, centers, require_facts(store, K_SWEEP.name, month, SPREADS))


@dataclass(frozen=True)
class Rules:
    """The rules of a snapshot's clusters and of its segments."""

    segmentation: Segmentation
    clusters: Grouping

    @classmethod
    def stored(cls, store: Store, month: str) -> Self:
        """The rules of a stored month; errors as of `Segmentation.stored` and `stored_clusters`."""
        return cls(Segmentation.stored(store, month), stored_clusters(store, month))

    def apply(self, customers: pd.DataFrame) -> dict[str, Any]:
        """``cluster``, ``cluster_label``, scores and ``segment`` of customers."""
        return {**self.clusters.apply(customers), **self.segmentation.apply(customers)}


def require_columns(needed: Sequence[str], there: Sequence[str], place: str) -> None:
    """Checks that customers have the columns needed.

    Raises:
        InputError: they lack some; ``place`` says whose they are.
    """
    if missing := [name for name in needed if name not in there]:
        raise InputError(f"{place} lacks {', '.join(missing)}: give {', '.join(needed)}.")


def as_numbers(customers: pd.DataFrame, place: str) -> pd.DataFrame:
    """Customers with their features as numbers; texts that say one are taken, too.

    Args:
        customers: the features, and ``user_id`` where that is needed.
        place: says whose they are, in messages.

    Raises:
        InputError: a value is missing, no number or negative; names the first row of it, from 1.
    """
    numbers = {name: _number(customers[name], place) for name in FEATURES}
    if USER in customers:
        _require(customers[USER].notna(), customers[USER], place, "is missing")
    return customers.assign(**numbers)


def _number(given: pd.Series, place: str) -> pd.Series:
    is_text = pd.api.types.is_object_dtype(given) or pd.api.types.is_string_dtype(given)
    if pd.api.types.is_bool_dtype(given) or not (is_text or pd.api.types.is_numeric_dtype(given)):
        raise InputError(f"{place} has {given.dtype} in {given.name}: give numbers.")
    _require(given.notna() & (given != "" if is_text else True), given, place, "is missing")
    numbers = pd.to_numeric(given, errors="coerce").astype(float)
    _require(np.isfinite(numbers), given, place, "is {}, not a number")
    _require(numbers >= 0, given, place, "is {}, below 0")
    return numbers


def _require(holds: pd.Series, given: pd.Series, place: str, fault: str) -> None:
    wrong = np.flatnonzero(~holds.to_numpy(bool))
    if not len(wrong):
        return
    value = given.iloc[wrong[0]]
    told = fault.format(repr(printable(value[:40])) if isinstance(value, str) else value)
    further = f", as in {counted(len(wrong) - 1, 'further row')}" if len(wrong) > 1 else ""
    raise InputError(
        f"{place}, row {wrong[0] + 1}: {given.name} {told}{further}; repair or leave out such rows."
    )


def require_distinct(customers: pd.DataFrame, place: str) -> None:
    """Checks that there are customers, each once.

    Raises:
        InputError: there is none, or one is there again; names the rows, from 1.
    """
    if customers.empty:
        raise InputError(f"{place} has no rows: give one for each customer.")
    again = np.flatnonzero(customers[USER].duplicated())
    if len(again):
        user = customers[USER].iloc[again[0]]
        [first, *_] = np.flatnonzero(customers[USER] == user)
        raise InputError(
            f"{place}, rows {first + 1} and {again[0] + 1}: both are of the customer "
            f"{printable(str(user))!r}; give one row for each."
        )
