"""Rules that give clusters their labels."""

from __future__ import annotations

from math import isclose
from typing import Literal

from pydantic import model_validator

from amazon_seg_assets.rules.files import Rules, load_rules, rules_file

Feature = Literal["recency", "frequency", "monetary"]
Limit = float | Literal["overall"]


class LabelRule(Rules):
    """A label, and the mean of one feature that leads to it."""

    label: str
    feature: Feature
    at_least: Limit | None = None
    at_most: Limit | None = None

    @model_validator(mode="after")
    def _has_one_limit(self) -> LabelRule:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.label} needs either at_least or at_most")
        return self

    def holds(self, mean: float, overall: float) -> bool:
        """Whether a cluster's mean satisfies the rule; rounding does not decide."""
        given = self.at_least if self.at_least is not None else self.at_most
        limit = overall if given == "overall" else float(given or 0)
        beyond = mean > limit if self.at_least is not None else mean < limit
        return beyond or isclose(mean, limit, rel_tol=1e-9)


class Words(Rules):
    """What tells clusters of one label apart by one feature.

    Attributes:
        lower: the one of two with the lower mean.
        higher: the one of two with the higher mean.
        ranked: what three or more are ranked by, the lowest mean first.
    """

    lower: str
    higher: str
    ranked: str

    @model_validator(mode="after")
    def _differ(self) -> Words:
        if self.lower == self.higher:
            raise ValueError(f"lower and higher are both {self.lower!r}, which tells nothing apart")
        return self


class Qualifiers(Rules):
    """Words for each feature."""

    recency: Words
    frequency: Words
    monetary: Words


class LabelRules(Rules):
    """How clusters get their labels."""

    labels: list[LabelRule]
    otherwise: str
    qualifiers: Qualifiers

    @model_validator(mode="after")
    def _are_whole(self) -> LabelRules:
        for name in self.names:
            if base_label(name) != name:
                raise ValueError(
                    f"the label {name!r} has a bracket, which is kept for what tells clusters of "
                    "one label apart, write it without"
                )
        return self

    @property
    def names(self) -> list[str]:
        """All labels that a cluster may get, without what tells clusters of one apart."""
        return list(dict.fromkeys([*(rule.label for rule in self.labels), self.otherwise]))


def load_label_rules() -> LabelRules:
    """The rules of the deployment."""
    return load_rules(LabelRules, rules_file("cluster_labels.yaml"))


def base_label(label: str) -> str:
    """The label of a cluster without what tells it apart: ``Churned (less recent)`` is Churned."""
    return label.partition(" (")[0]
