"""Rules that give clusters their labels."""

from math import isclose
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from amazon_seg_assets.rules.files import Rules, load_rules, rules_file

Feature = Literal["recency", "frequency", "monetary"]
Limit = float | Literal["overall"]
LabelRole = Literal["loyal", "big_spender", "newcomer", "lapsed"]


class Label(Rules):
    """A label of clusters, and the role of their customers, by which the report goes."""

    label: str
    role: LabelRole


class LabelRule(Label):
    """A label, and the mean of one feature that leads to it."""

    feature: Feature
    at_least: Limit | None = None
    at_most: Limit | None = None

    @model_validator(mode="after")
    def _has_one_limit(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.label} needs either at_least or at_most")
        return self

    def holds(self, mean: float, overall: float) -> bool:
        """True where a cluster's mean satisfies the rule; rounding does not decide."""
        given = self.at_least if self.at_least is not None else self.at_most
        limit = overall if given == "overall" else float(given or 0)
        beyond = mean > limit if self.at_least is not None else mean < limit
        return beyond or isclose(mean, limit, rel_tol=1e-9)


class Words(Rules):
    """Words that tell clusters of one label apart by one feature.

    Attributes:
        lower: for that of two with the lower mean.
        higher: for that of two with the higher mean.
        ranked: before the rank among three or more, the lowest mean first.
    """

    lower: str
    higher: str
    ranked: str

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.lower == self.higher:
            raise ValueError(f"lower and higher are both {self.lower!r}, which tells nothing apart")
        return self


class Qualifiers(Rules):
    """Words for each feature."""

    recency: Words
    frequency: Words
    monetary: Words


class LabelRules(Rules):
    """Rules for all labels of clusters."""

    labels: list[LabelRule]
    otherwise: Label
    qualifiers: Qualifiers

    @model_validator(mode="after")
    def _are_clear(self) -> Self:
        for one in (*self.labels, self.otherwise):
            if base_label(one.label) != one.label:
                raise ValueError(
                    f"the label {one.label!r} has a bracket, which is kept for what tells clusters "
                    "of one label apart, write it without"
                )
            if one.role != self.role_of(one.label):
                raise ValueError(f"the label {one.label!r} has two roles, keep one")
        return self

    @property
    def names(self) -> list[str]:
        """All labels that a cluster may get, without what tells clusters of one apart."""
        return list(dict.fromkeys(one.label for one in (*self.labels, self.otherwise)))

    def role_of(self, label: str) -> LabelRole | None:
        """The role of a cluster's label, with or without what tells it apart."""
        base = base_label(label)
        return next((r.role for r in (*self.labels, self.otherwise) if r.label == base), None)


def load_label_rules(folder: Path | None = None) -> LabelRules:
    """The rules in a folder of the deployment's own, else the built-in ones."""
    return load_rules(LabelRules, rules_file("cluster_labels.yaml", folder))


def base_label(label: str) -> str:
    """The label of a cluster without what tells it apart: ``Churned (less recent)`` is Churned."""
    return label.partition(" (")[0]
