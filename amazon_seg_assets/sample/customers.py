"""Invented customers: when they come, come back and leave, and what they review and how.

Numbers of reviews by month and customer, ratings and verified purchases follow published figures.
Kinds of customers, with their pace, loyalty and taste, are invented, and so are all outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import ArrayLike

from amazon_seg_assets.sample.catalog import Catalog, categories

_FIRST = datetime(1996, 11, 18, tzinfo=UTC)
_LAST = datetime(2023, 9, 13, 23, 59, 59, tzinfo=UTC)
_DAY_MS = 86_400_000
FIRST_REVIEW_MS = int(_FIRST.timestamp() * 1000)
_LAST_MS = int(_LAST.timestamp() * 1000)
_MILLISECONDS_SINCE_MS = int(datetime(2017, 7, 1, tzinfo=UTC).timestamp() * 1000)

# Millions of reviews a year, roughly as in Electronics; those of 2022 and 2023 together 17.5 %.
_YEARS = {
    1996: 0.0002, 1997: 0.001, 1998: 0.004, 1999: 0.015, 2000: 0.025, 2001: 0.027, 2002: 0.028,
    2003: 0.034, 2004: 0.038, 2005: 0.06, 2006: 0.08, 2007: 0.16, 2008: 0.22, 2009: 0.30,
    2010: 0.43, 2011: 0.66, 2012: 1.15, 2013: 2.15, 2014: 2.8, 2015: 3.55, 2016: 3.8, 2017: 3.6,
    2018: 3.6, 2019: 4.3, 2020: 4.57, 2021: 4.63,
}  # fmt: skip
_EVEN_YEAR = [9, 7.5, 7.8, 7.3, 7.5, 7.4, 8.6, 8.6, 7.6, 7.7, 8.7, 11.3]
_LAST_MONTHS = {
    (2022, 1): 0.55, (2022, 2): 0.47, (2022, 3): 0.46, (2022, 4): 0.44, (2022, 5): 0.43,
    (2022, 6): 0.41, (2022, 7): 0.48, (2022, 8): 0.46, (2022, 9): 0.37, (2022, 10): 0.40,
    (2022, 11): 0.50, (2022, 12): 0.60, (2023, 1): 0.41, (2023, 2): 0.22, (2023, 3): 0.20,
    (2023, 4): 0.21, (2023, 5): 0.26, (2023, 6): 0.30, (2023, 7): 0.27, (2023, 8): 0.19,
    (2023, 9): 0.05,
}  # fmt: skip

_RATING_SHARES = [0.122, 0.051, 0.066, 0.127, 0.634]
# Verified of all reviews of 2023 by rating 1 to 5, as published; earlier years had more.
_VERIFIED_2023 = np.array([0.9279, 0.9144, 0.8823, 0.8158, 0.8858])
_VERIFIED_EARLIER_GAIN = 0.041
_YEAR_2023_MS = int(datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1000)

_YEAR = 0.1
"""Share of all reviews that an ordinary year has: lives pass faster when more is reviewed."""


@dataclass(frozen=True)
class _Kind:
    """A kind of customer.

    Attributes:
        share: of all customers.
        stays: probability that a review is not the customer's last.
        pace: mean years between visits.
        taste: favourite main category.
        devotion: share of its reviews that are of its favourite, beside what chance adds.
    """

    share: float
    stays: float
    pace: float
    taste: str
    devotion: float


_KINDS = (
    _Kind(0.59, 0.05, 1.5, "Cell Phones & Accessories", 0.2),  # seen once
    _Kind(0.29, 0.55, 1.0, "Home Audio & Theater", 0.3),  # come back after a year, or never
    _Kind(0.119, 0.82, 0.6, "Camera & Photo", 0.4),  # come back for years
    _Kind(0.001, 0.955, 0.1, "Computers", 0.5),  # buy every month, then leave
)
_KIND_SHARES = [kind.share for kind in _KINDS]
_STAYS = np.array([kind.stays for kind in _KINDS])
_PACES = np.array([kind.pace for kind in _KINDS]) * _YEAR
_TASTES = np.array([categories.index(kind.taste) for kind in _KINDS])
_DEVOTION = np.array([kind.devotion for kind in _KINDS])

_MOST_REVIEWS = 100
_SAME_VISIT_SHARE = 0.105
_PAUSE_SHARE = 0.05
_PAUSE = 1.1 * _YEAR
"""Least length of a pause; it lasts as long again in the mean."""
_VISIT_MS = 600_000

_USER_LETTERS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "S1")
_SECOND_LETTERS = np.frombuffer(b"EFGH", "S1")


@dataclass(frozen=True)
class Reviews:
    """Reviews of a chunk of customers, grouped by customer.

    Attributes:
        user_id: reviewer.
        product: index into the catalog.
        variant: 0 or 1 for a variant, 2 for the parent product itself.
        timestamp: ms since 1970.
        rating: 1 to 5.
        helpful_vote: votes.
        verified: whether the purchase is verified.
    """

    user_id: np.ndarray
    product: np.ndarray
    variant: np.ndarray
    timestamp: np.ndarray
    rating: np.ndarray
    helpful_vote: np.ndarray
    verified: np.ndarray


class Customers:
    """Draws reviews of ever new customers, each with a life of its own.

    A customer is of a kind, which decides how soon it comes back, when it leaves and its favourite
    category. Some pause for more than a year. Lives pass in shares of all reviews, from 0 at the
    first day to 1 at the last, so that each month gets its share whatever customers do.

    Args:
        catalog: products under review.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._month_starts, weights = _months()
        self._month_shares = _cumulative(weights)
        popularity = 1 / np.arange(20, 20 + len(catalog)) ** 1.15
        # A favourite category is a stretch of the products in this order.
        self._by_category = np.argsort(catalog.category, kind="stable")
        self._product_shares = _cumulative(popularity[self._by_category])[1:]
        self._category_shares = _cumulative(
            np.bincount(catalog.category, popularity, minlength=len(categories))
        )

    def draw(self, reviews: int, random: np.random.Generator) -> Reviews:
        """The next customers, with this many reviews in all."""
        kind, life = _draw_lives(reviews, random)
        moment, is_first = _draw_moments(kind, life, random)
        timestamp = self._timestamps(moment, random)
        rating = random.choice(5, reviews, p=_RATING_SHARES)
        verified_share = _VERIFIED_2023[rating] + _VERIFIED_EARLIER_GAIN * (
            timestamp < _YEAR_2023_MS
        )
        variant = np.where(random.random(reviews) < 0.45, random.integers(0, 2, reviews), 2)
        user = np.cumsum(is_first) - 1
        return Reviews(
            user_id=_user_ids(int(user[-1]) + 1, random)[user],
            product=self._draw_products(kind[life], is_first, random),
            variant=variant,
            timestamp=timestamp,
            rating=rating + 1,
            helpful_vote=_draw_votes(reviews, random),
            verified=random.random(reviews) < verified_share,
        )

    def _timestamps(self, moment: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Milliseconds since 1970; reviews of one visit are minutes apart."""
        starts = np.interp(moment, self._month_shares, self._month_starts)
        visited = starts + random.random(len(moment)) * _VISIT_MS
        times = np.minimum(visited, _LAST_MS).astype(np.int64)
        whole_seconds = times < _MILLISECONDS_SINCE_MS
        return np.where(whole_seconds, times // 1000 * 1000, times)

    def _draw_products(
        self, kind: np.ndarray, is_first: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        count = len(kind)
        place = random.random(count)
        devoted = random.random(count) < _DEVOTION[kind]
        taste = _TASTES[kind[devoted]]
        start, end = self._category_shares[taste], self._category_shares[taste + 1]
        place[devoted] = start + place[devoted] * (end - start)
        product = self._by_category[np.searchsorted(self._product_shares, place)]
        again = (random.random(count) < 0.01) & ~is_first
        return np.where(again, np.roll(product, 1), product)


def _cumulative(weights: ArrayLike) -> np.ndarray:
    """Shares up to each weight, from 0 to 1."""
    sums = np.cumsum(np.concatenate([[0.0], weights]))
    return sums / sums[-1]


def _months() -> tuple[np.ndarray, list[float]]:
    weights: dict[tuple[int, int], float] = {}
    for year, millions in _YEARS.items():
        for month, part in enumerate(_EVEN_YEAR, 1):
            weights[year, month] = millions * part / 99
    weights |= _LAST_MONTHS
    weights = {month: weight for month, weight in weights.items() if month >= (1996, 11)}
    starts = [int(datetime(*month, 1, tzinfo=UTC).timestamp() * 1000) for month in weights]
    starts[0] = FIRST_REVIEW_MS
    return np.array([*starts, _LAST_MS + 1]), list(weights.values())


def _draw_lives(reviews: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws lives with this many reviews in all.

    Returns:
        Kind of each life, and number of the life of each review.
    """
    kind = random.choice(len(_KINDS), reviews, p=_KIND_SHARES)
    counts = np.minimum(random.geometric(1 - _STAYS[kind]), _MOST_REVIEWS)
    life = np.repeat(np.arange(reviews), counts)[:reviews]
    return kind[: life[-1] + 1], life


def _draw_moments(
    kind: np.ndarray, life: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws the moments of reviews, as shares of all reviews that came before.

    A life that runs past the last day is cut there. Its rest goes to another customer, who was
    there when the data begin, so that moments are spread evenly.

    Returns:
        Moment of each review, and if it is the first of its customer.
    """
    count = len(life)
    gaps = random.exponential(1.0, count)
    pauses = random.random(count) < _PAUSE_SHARE
    gaps = np.where(pauses, _PAUSE * (1 + gaps), gaps * _PACES[kind[life]])
    gaps[random.random(count) < _SAME_VISIT_SHARE] = 0
    begins = np.diff(life, prepend=-1) > 0
    gaps[begins] = 0
    elapsed = np.cumsum(gaps)
    moments = random.random(len(kind))[life] + elapsed - elapsed[begins][life]
    turns = np.floor(moments)
    return moments - turns, begins | (np.diff(turns, prepend=0) != 0)


def _user_ids(count: int, random: np.random.Generator) -> np.ndarray:
    letters = _USER_LETTERS[random.integers(0, 32, (count, 28))]
    letters[:, 0] = b"A"
    letters[:, 1] = _SECOND_LETTERS[random.integers(0, 4, count)]
    ids = np.ascontiguousarray(letters).view("S28").ravel().astype("U30")
    suffixed = random.random(count) < 0.002
    ids[suffixed] = np.char.add(ids[suffixed], "_2")
    return ids


def _draw_votes(count: int, random: np.random.Generator) -> np.ndarray:
    some = 1 + np.floor(random.pareto(1.28, count) * 1.25)
    return np.where(random.random(count) < 0.785, 0, np.minimum(some, 46_841)).astype(np.int64)
