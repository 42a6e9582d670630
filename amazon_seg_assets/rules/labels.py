"""Rules that give clusters their labels."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from amazon_seg_assets.rules.files import Rules, built_in, load_rules

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
        """Whether a cluster's mean satisfies the rule."""
        if self.at_least is not None:
            return mean >= (overall if self.at_least == "overall" else self.at_least)
        return mean <= (overall if self.at_most == "overall" else self.at_most or 0.0)


class LabelRules(Rules):
    """How clusters get their labels."""

    labels: list[LabelRule]
    otherwise: str
    qualifiers: dict[Feature, tuple[str, str]]


def load_label_rules() -> LabelRules:
    """The rules that come with the package."""
    return load_rules(LabelRules, built_in("cluster_labels.yaml"))
