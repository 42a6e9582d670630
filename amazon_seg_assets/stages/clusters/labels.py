"""Labels of clusters, by rule from their means."""

import numpy as np
import pandas as pd

from amazon_seg_assets.features import FEATURES
from amazon_seg_assets.rules.labels import LabelRules, Words

_NOISE = 1e-9  # differences up to here come from rounding


def label_each_k(clusters: pd.DataFrame, rules: LabelRules) -> pd.DataFrame:
    """Adds ``cluster_label`` to the clusters of a sweep, as `label_clusters` labels each k.

    The clusters come with ``k``, in ascending order.
    """
    labels = [label for _, of_k in clusters.groupby("k") for label in label_clusters(of_k, rules)]
    return clusters.assign(cluster_label=labels)


def label_clusters(clusters: pd.DataFrame, rules: LabelRules) -> list[str]:
    """Labels clusters; no two get the same label.

    Clusters that the same rule labels are told apart by the feature in which they differ most:
    in log(1 + mean), as a multiple of its standard deviation between all clusters, weighted by
    customers. Clusters that do not differ are numbered.

    Args:
        clusters: one row per cluster: ``customers``, and means of ``recency`` (days), ``frequency``
            (reviews) and ``monetary`` (USD).
        rules: with the words that tell equal labels apart.
    """
    means = clusters[list(FEATURES)].reset_index(drop=True)
    customers = clusters["customers"].to_numpy()
    overall = _average(means, customers)
    labels = pd.Series([_label(row, overall, rules) for _, row in means.iterrows()], dtype=object)
    logs = pd.DataFrame(np.log1p(means))
    deviation = _average((logs - _average(logs, customers)) ** 2, customers) ** 0.5
    unique = labels.copy()
    for label, group in logs.groupby(labels):
        if len(group) > 1:
            told_apart = _qualified(str(label), group, deviation, rules)
            unique.update(pd.Series(told_apart, group.index))
    return unique.tolist()


def _average(values: pd.DataFrame, customers: np.ndarray) -> pd.Series:
    return pd.Series(np.average(values, axis=0, weights=customers), values.columns)


def _label(means: pd.Series, overall: pd.Series, rules: LabelRules) -> str:
    for rule in rules.labels:
        if rule.holds(means[rule.feature], overall[rule.feature]):
            return rule.label
    return rules.otherwise.label


def _qualified(
    label: str, logs: pd.DataFrame, deviation: pd.Series, rules: LabelRules
) -> list[str]:
    ranges = logs.max() - logs.min()
    differing = ranges[ranges > _NOISE].index
    if differing.empty:
        return [f"{label} ({number} of {len(logs)})" for number in range(1, len(logs) + 1)]
    # Where only two clusters exist, all features differ by as many deviations: the factor decides.
    multiples = (ranges / deviation).round(6)
    feature = max(differing, key=lambda name: (multiples[name], ranges[name]))
    words: Words = getattr(rules.qualifiers, feature)
    place = logs[feature].rank(method="first").astype(int)
    if len(logs) == 2:
        return [f"{label} ({words.lower if rank == 1 else words.higher})" for rank in place]
    return [f"{label} ({words.ranked} {rank} of {len(logs)})" for rank in place]
