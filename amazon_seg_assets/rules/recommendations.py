"""Advice about each segment and cluster, and about what the figures of a run show."""

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.rules.files import Rules, built_in, load_rules, own_file
from amazon_seg_assets.rules.labels import load_label_rules
from amazon_seg_assets.rules.scheme import Scheme

_FILE = "recommendations.yaml"

Figure = Literal[
    "new_customer_shortfall",
    "stayed_away_share",
    "newcomer_share",
    "lapsed_share",
    "one_review_share",
    "unverified_five_star_excess",
    "audio_share_of_popular",
]


class Recommendation(Rules):
    """Advice about the customers of one segment, or of the clusters of one label.

    Attributes:
        goal: to be reached by ``action``.
        action: to be taken.
        offer: to customers, who meet it in ``channel``.
        channel: of the offer.
        reason: why, by what defines the customers; no figures, which every run has its own of.
        if_low_spend: added if their mean spend is below that of all customers.
        if_otherwise: the reason where the scheme gives the segment to those no rule covers.
    """

    goal: str
    action: str
    offer: str
    channel: str
    reason: str
    if_low_spend: str | None = None
    if_otherwise: str | None = None

    def where_otherwise(self) -> Self:
        """The same for a segment that holds customers whom no rule covers."""
        return self.model_copy(update={"reason": self.if_otherwise or self.reason})


class GeneralRecommendation(Rules):
    """Advice for a run whose figure lies within limits.

    Attributes:
        title: a few words.
        action: what to do.
        reason: why, given the condition.
        figure: the figure that decides, as a fraction of 1:
            ``new_customer_shortfall``: of the customers of the year before, those who stayed away
            and whom no new customer replaces; below 0 where more are new than stayed away;
            ``stayed_away_share``: of the customers of the year before, those who stayed away;
            ``newcomer_share``: customers in segments of the role newcomer, where equal customers
            get equal scores (otherwise it says more about the scores than about the customers);
            ``lapsed_share``: customers in segments of the roles fading, at_stake and lapsed;
            both hardly differ from year to year unless the scheme has thresholds set by hand;
            ``one_review_share``: customers with a single review in the window;
            ``unverified_five_star_excess``: share of 5 stars among the year's reviews without a
            verified purchase, less the share among those with one;
            ``audio_share_of_popular``: headphones and the like among the year's most popular
            products.
        at_least: smallest value at which it applies, a fraction of 1.
        at_most: largest value at which it applies, a fraction of 1.
    """

    title: str
    action: str
    reason: str
    figure: Figure
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        limits = [limit for limit in (self.at_least, self.at_most) if limit is not None]
        if not limits:
            raise ValueError("give at_least, at_most or both")
        if any(abs(limit) > 1 for limit in limits):
            raise ValueError("at_least and at_most are fractions of 1, such as 0.4 for 40%")
        if limits != sorted(limits):
            raise ValueError("at_least is above at_most, so it would never apply")
        return self

    def holds(self, value: float) -> bool:
        """True where the recommendation applies at this value of its figure; never for NaN."""
        lowest = -inf if self.at_least is None else self.at_least
        highest = inf if self.at_most is None else self.at_most
        return lowest <= value <= highest


class Recommendations(Rules):
    """All recommendations.

    Attributes:
        segments: by segment.
        general: those that depend on figures.
        clusters: by the label of a cluster, without what tells clusters of one label apart.
    """

    segments: dict[str, Recommendation]
    general: list[GeneralRecommendation]
    clusters: dict[str, Recommendation] = Field(default_factory=dict)

    def applicable(self, figures: Mapping[str, float]) -> list[GeneralRecommendation]:
        """The general ones whose condition holds; a figure that is not given supports none."""
        return [
            one for one in self.general if one.figure in figures and one.holds(figures[one.figure])
        ]


def default_recommendations(folder: Path | None = None) -> Recommendations:
    """The recommendations of the deployment, whatever segments they cover.

    Raises:
        InputError: the file is not valid, or no cluster can have one of its labels.
    """
    return _load(own_file(_FILE, folder), folder)


def load_recommendations(
    scheme: Scheme, path: Path | None = None, folder: Path | None = None
) -> Recommendations:
    """The recommendations for the segments of a scheme.

    Args:
        scheme: its segments are those that recommendations may be about.
        path: the user's own file; by default that of the deployment. Either must cover exactly
            these segments, and may cover labels of clusters. The built-in one, which counts where
            there is neither, knows the segments of the built-in schemes, and is silent on others.
        folder: of the deployment's own rules.

    Raises:
        InputError: the file is not valid, its segments are not those of the scheme, or no cluster
            can have one of its labels.
    """
    own = path or own_file(_FILE, folder)
    found = _load(own, folder)
    if own is not None:
        _check_segments(found, scheme, own)
    ordered = {
        name: one.where_otherwise() if name == scheme.otherwise else one
        for name in scheme.segments
        if (one := found.segments.get(name))
    }
    return found.model_copy(update={"segments": ordered})


def _load(own: Path | None, folder: Path | None) -> Recommendations:
    found = load_rules(Recommendations, own or built_in(_FILE))
    if own is not None:
        labels = load_label_rules(folder).names
        if unknown := [name for name in found.clusters if name not in labels]:
            raise InputError(
                f"The rules {own} are not valid: clusters → {unknown[0]}: clusters have no such "
                f"label, use {', '.join(labels[:-1])} or {labels[-1]}."
            )
    return found


def _check_segments(found: Recommendations, scheme: Scheme, path: Path) -> None:
    if unknown := [name for name in found.segments if name not in scheme.segments]:
        raise InputError(
            f"The rules {path} are not valid: segments → {unknown[0]}: no such segment is in the "
            f"scheme {scheme.name}, which has {', '.join(scheme.segments)}."
        )
    if missing := [name for name in scheme.segments if name not in found.segments]:
        raise InputError(
            f"The rules {path} are not valid: segments: {missing[0]} of the scheme {scheme.name} "
            "is missing, add it."
        )
