"""The clusters of one k as a rule for customers in memory, without Spark."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from amazon_seg_assets.features import CENTERS, FEATURES
from amazon_seg_assets.stages.clusters.algorithms import Spreads, rule_of
from amazon_seg_assets.stages.clusters.choice_of_k import clusters_of_chosen_k
from amazon_seg_assets.stages.clusters.points import Points, Standardization

ALGORITHM = "algorithm"
"""The fact of ``k_sweep`` that names the algorithm of its clusters."""
DOUBTS = "doubts"
"""The fact that says, by k, why its clusters are no good, where they are not."""
SPREADS = "spreads"
"""The fact that has the spreads of mixtures, by k."""


def spreads_as_facts(by_k: Mapping[int, Spreads]) -> dict[str, Any]:
    """Spreads for JSON, every digit."""
    return {SPREADS: {str(k): [each.tolist() for each in found] for k, found in by_k.items()}}


@dataclass(frozen=True)
class Grouping:
    """The rule that puts customers into clusters.

    Attributes:
        clusters: rows of ``cluster_centers`` of one k, in the order of cluster numbers.
        spreads: of a mixture; None where the nearest center decides.
    """

    clusters: pd.DataFrame
    spreads: Spreads | None = None

    @classmethod
    def of_k(cls, k: int, centers: pd.DataFrame, facts: Mapping[str, Any]) -> Self:
        """The clusters of a k.

        Args:
            k: one that was tried.
            centers: columns of ``cluster_centers``, of all k.
            facts: of ``k_sweep``.
        """
        found = facts[SPREADS].get(str(k))
        spreads = None if found is None else Spreads(*map(np.array, found))
        return cls(centers[centers["k"] == k].reset_index(drop=True), spreads)

    @classmethod
    def chosen(cls, sweep: pd.DataFrame, centers: pd.DataFrame, facts: Mapping[str, Any]) -> Self:
        """The clusters of the chosen k of ``k_sweep``, whose columns and facts are given."""
        return cls.of_k(len(clusters_of_chosen_k(sweep, centers)), centers, facts)

    @property
    def scale(self) -> Standardization:
        """The standardization of the customers that the clusters were fitted on."""
        return Standardization.from_row(self.clusters.iloc[0])

    @property
    def centers(self) -> np.ndarray:
        """Their centers, standardized; shape (k, 3)."""
        return self.clusters[CENTERS].to_numpy(float)

    def numbers(self, points: Points) -> np.ndarray:
        """The numbers of the clusters of points; shape (points,)."""
        return rule_of(self.centers, self.spreads)(self.scale.apply(points))

    def apply(self, customers: pd.DataFrame) -> dict[str, Any]:
        """The columns that the pipeline's `assign_clusters` adds to customers.

        Args:
            customers: the features as numbers, none of which is missing.
        """
        features = customers[[*FEATURES]].to_numpy(float)
        transformed = np.column_stack([features[:, 0], np.log1p(features[:, 1:])])
        numbers = self.numbers(Points(features, transformed, np.ones(len(features))))
        labels = self.clusters["cluster_label"].to_numpy()
        return {"cluster": numbers.astype(np.int32), "cluster_label": labels[numbers].tolist()}
