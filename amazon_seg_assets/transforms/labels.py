"""Labels of clusters, by rule from their means."""

from __future__ import annotations

import pandas as pd

from amazon_seg_assets.rules.labels import LabelRules

FEATURES = ["recency", "frequency", "monetary"]


def label_clusters(clusters: pd.DataFrame, rules: LabelRules) -> list[str]:
    """Labels clusters; no two get the same label.

    Clusters that the same rule labels are told apart by the feature in which they differ most, as
    a share of its mean over all customers; what is still equal is numbered.

    Args:
        clusters: one row a cluster: ``customers``, and means of ``recency`` (days), ``frequency``
            (reviews) and ``monetary`` (USD).
        rules: the rules, and the words that tell equal labels apart.

    Returns:
        A label for each row.
    """
    weight = clusters["customers"] / clusters["customers"].sum()
    overall = {feature: float((clusters[feature] * weight).sum()) for feature in FEATURES}
    labels = pd.Series(
        [_label(row, overall, rules) for row in clusters[FEATURES].to_dict("records")],
        index=clusters.index,
    )
    unique = labels.copy()
    for label, group in clusters.groupby(labels):
        if len(group) > 1:
            unique[group.index] = _qualified(str(label), group, overall, rules)
    return unique.tolist()


def _label(means: dict[str, float], overall: dict[str, float], rules: LabelRules) -> str:
    for rule in rules.labels:
        if rule.holds(means[rule.feature], overall[rule.feature]):
            return rule.label
    return rules.otherwise


def _qualified(
    label: str, group: pd.DataFrame, overall: dict[str, float], rules: LabelRules
) -> list[str]:
    spread = {
        feature: (group[feature].max() - group[feature].min()) / (overall[feature] or 1.0)
        for feature in FEATURES
    }
    feature = max(FEATURES, key=lambda name: spread[name])
    place = group[feature].rank(method="first").astype(int)
    low, high = rules.qualifiers[feature]  # type: ignore[index]
    if len(group) == 2 and spread[feature] > 0:
        return [f"{label} ({low if rank == 1 else high})" for rank in place]
    return [f"{label} ({feature} {rank} of {len(group)})" for rank in place]
