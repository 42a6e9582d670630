"""The figures on which general recommendations depend; a run need not support all of them."""

import re
from dataclasses import dataclass
from math import sqrt

import pandas as pd

from amazon_seg_assets.rules.scheme import Role
from amazon_seg_assets.stages.exploration.tables import ALL_TIME, MOST_POPULAR
from amazon_seg_assets.stages.history.tables import LAPSED as STAYED_AWAY
from amazon_seg_assets.stages.history.tables import NEW, RETURNING
from amazon_seg_assets.stages.report.findings import Findings

LAPSED: tuple[Role, ...] = ("fading", "at_stake", "lapsed")
"""Roles of segments whose customers have lapsed, or are about to."""

_AUDIO = re.compile(r"\b(ear ?buds?|ear ?phones?|head ?phones?|headsets?|airpods?)\b", re.I)


@dataclass(frozen=True)
class Stars:
    """Ratings of verified purchases and others.

    Attributes:
        scope: the year, or all time.
        verified: reviews of verified purchases.
        unverified: other reviews.
        verified_five: share of 5 stars among the former; NaN if there are none.
        unverified_five: share of 5 stars among the latter; NaN if there are none.
        extremes: share of 1 and 5 stars among all.
        commonest: the rating that most reviews give.
        commonest_share: its share of all.
    """

    scope: str
    verified: int
    unverified: int
    verified_five: float
    unverified_five: float
    extremes: float
    commonest: float
    commonest_share: float

    @property
    def excess(self) -> float:
        """Share of 5 stars of the unverified, less that of the verified; NaN if there are none."""
        return self.unverified_five - self.verified_five

    @property
    def is_telling(self) -> bool:
        """Tells an excess from chance: it is above two standard errors of no difference."""
        if not (self.verified and self.unverified):
            return False
        fives = self.verified_five * self.verified + self.unverified_five * self.unverified
        pooled = fives / (self.verified + self.unverified)
        variance = pooled * (1 - pooled) * (1 / self.verified + 1 / self.unverified)
        return abs(self.excess) > 2 * sqrt(variance)


def figures_of(findings: Findings) -> dict[str, float]:
    """The figures that this run supports, by the names of `GeneralRecommendation.figure`."""
    found = {"one_review_share": findings.one_review / findings.customers}
    newcomers = findings.reachable("newcomer")
    if findings.treats_equals_equally and newcomers:
        found["newcomer_share"] = findings.customers_of(newcomers) / findings.customers
    if lapsed := findings.reachable(*LAPSED):
        found["lapsed_share"] = findings.customers_of(lapsed) / findings.customers
    found |= _against_the_year_before(findings.lifecycle)
    stars = stars_of_the_year(findings)
    if stars is not None and stars.is_telling:
        found["unverified_five_star_excess"] = stars.excess
    popular = popular_products(findings)
    if not popular.empty:
        found["audio_share_of_popular"] = float(is_audio(popular["product_name"]).mean())
    return found


def _against_the_year_before(lifecycle: pd.DataFrame | None) -> dict[str, float]:
    """Figures of the history; none where there is none, or nobody was a customer a year before."""
    if lifecycle is None:
        return {}
    customers = lifecycle.set_index("status")["customers"].astype(int)
    new, returning, stayed_away = (
        int(customers.get(status, 0)) for status in (NEW, RETURNING, STAYED_AWAY)
    )
    before = returning + stayed_away
    if not before:
        return {}
    return {
        "new_customer_shortfall": (stayed_away - new) / before,
        "stayed_away_share": stayed_away / before,
    }


def stars_of_all_time(findings: Findings) -> Stars | None:
    """Ratings of all reviews; None where there are none, or they have not been explored."""
    ratings = findings.ratings
    return None if ratings is None else _stars(ratings[ratings["scope"] == ALL_TIME])


def stars_of_the_year(findings: Findings) -> Stars | None:
    """Ratings of the explored year; None likewise."""
    ratings = findings.ratings
    return None if ratings is None else _stars(ratings[ratings["scope"] != ALL_TIME])


def _stars(ratings: pd.DataFrame) -> Stars | None:
    total = int(ratings["reviews"].sum())
    if not total:
        return None
    by_rating = ratings.groupby("rating")["reviews"].sum()
    verified, unverified = (
        ratings[ratings["verified_purchase"] == verified] for verified in (True, False)
    )
    return Stars(
        scope=ratings["scope"].iloc[0],
        verified=int(verified["reviews"].sum()),
        unverified=int(unverified["reviews"].sum()),
        verified_five=_five_star_share(verified),
        unverified_five=_five_star_share(unverified),
        extremes=float(by_rating.reindex([1.0, 5.0], fill_value=0).sum() / total),
        commonest=float(by_rating.idxmax()),
        commonest_share=float(by_rating.max() / total),
    )


def _five_star_share(rows: pd.DataFrame) -> float:
    total = rows["reviews"].sum()
    return float(rows.loc[rows["rating"] == 5, "reviews"].sum() / total) if total else float("nan")


def popular_products(findings: Findings) -> pd.DataFrame:
    """The products with most reviews in the explored year, the first first; may be empty.

    One without a name goes by its ``parent_asin``.
    """
    if findings.top_products is None:
        return pd.DataFrame(columns=["product_name", "value", "year"])
    listed = findings.top_products[findings.top_products["list"] == MOST_POPULAR]
    names = listed["product_name"].fillna(listed["parent_asin"])
    return listed.assign(product_name=names).sort_values("rank")


def is_audio(names: pd.Series) -> pd.Series:
    """Marks headphones and the like, by the names of the products."""
    return names.map(lambda name: bool(isinstance(name, str) and _AUDIO.search(name))).astype(bool)
