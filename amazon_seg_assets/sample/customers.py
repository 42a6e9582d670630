"""Invented customers: who reviews how many products, which, when, and how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from amazon_seg_assets.sample.catalog import Catalog

_FIRST = datetime(1996, 11, 18, tzinfo=UTC)
_LAST = datetime(2023, 9, 13, 23, 59, 59, tzinfo=UTC)
_DAY_MS = 86_400_000
FIRST_REVIEW_MS = int(_FIRST.timestamp() * 1000)
_LAST_MS = int(_LAST.timestamp() * 1000)
_MILLISECONDS_SINCE_MS = int(datetime(2017, 7, 1, tzinfo=UTC).timestamp() * 1000)

# Millions of reviews a year, roughly as in Electronics; those of 2022 and 2023 together 17.5 %.
_YEARS = {
    1996: 0.0002, 1997: 0.001, 1998: 0.004, 1999: 0.015, 2000: 0.03, 2001: 0.03, 2002: 0.03,
    2003: 0.035, 2004: 0.045, 2005: 0.07, 2006: 0.10, 2007: 0.19, 2008: 0.24, 2009: 0.34,
    2010: 0.50, 2011: 0.80, 2012: 1.4, 2013: 2.6, 2014: 3.3, 2015: 4.1, 2016: 4.4, 2017: 3.9,
    2018: 3.8, 2019: 4.6, 2020: 4.9, 2021: 4.8,
}  # fmt: skip
_EVEN_YEAR = [9, 7.5, 7.8, 7.3, 7.5, 7.4, 8.6, 8.6, 7.6, 7.7, 8.7, 11.3]
_LAST_MONTHS = {
    (2022, 1): 0.62, (2022, 2): 0.50, (2022, 3): 0.48, (2022, 4): 0.44, (2022, 5): 0.44,
    (2022, 6): 0.42, (2022, 7): 0.50, (2022, 8): 0.48, (2022, 9): 0.38, (2022, 10): 0.42,
    (2022, 11): 0.55, (2022, 12): 0.70, (2023, 1): 0.42, (2023, 2): 0.17, (2023, 3): 0.12,
    (2023, 4): 0.14, (2023, 5): 0.21, (2023, 6): 0.26, (2023, 7): 0.25, (2023, 8): 0.13,
    (2023, 9): 0.02,
}  # fmt: skip

_RATING_SHARES = [0.122, 0.051, 0.066, 0.127, 0.634]
# Verified of all reviews of 2023 by rating 1 to 5, as published; earlier years had more.
_VERIFIED_2023 = np.array([0.9279, 0.9144, 0.8823, 0.8158, 0.8858])
_VERIFIED_EARLIER_GAIN = 0.041
_YEAR_2023_MS = int(datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1000)

_PACES_DAYS = [8, 650, 2_000]
_PACE_SHARES = [0.004, 0.40, 0.596]

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
    """Draws reviews of ever new customers.

    Args:
        catalog: what they review.
    """

    def __init__(self, catalog: Catalog) -> None:
        starts, weights = _months()
        self._month_starts = starts
        self._month_shares = np.cumsum(weights) / sum(weights)
        popularity = 1 / np.arange(20, 20 + len(catalog)) ** 1.15
        self._product_shares = np.cumsum(popularity) / popularity.sum()

    def draw(self, reviews: int, random: np.random.Generator) -> Reviews:
        """The next customers, with this many reviews in all."""
        user = _draw_users(reviews, random)
        first_of_user = np.flatnonzero(np.diff(user, prepend=-1))
        users = int(user[-1]) + 1
        timestamp = self._draw_times(user, first_of_user, random)
        rating = random.choice(5, reviews, p=_RATING_SHARES)
        verified_share = _VERIFIED_2023[rating] + _VERIFIED_EARLIER_GAIN * (
            timestamp < _YEAR_2023_MS
        )
        variant = np.where(random.random(reviews) < 0.45, random.integers(0, 2, reviews), 2)
        return Reviews(
            user_id=_user_ids(users, random)[user],
            product=self._draw_products(first_of_user, reviews, random),
            variant=variant,
            timestamp=timestamp,
            rating=rating + 1,
            helpful_vote=_draw_votes(reviews, random),
            verified=random.random(reviews) < verified_share,
        )

    def _draw_moments(self, count: int, random: np.random.Generator) -> np.ndarray:
        month = np.searchsorted(self._month_shares, random.random(count))
        start, end = self._month_starts[month], self._month_starts[month + 1]
        return (start + random.random(count) * (end - start)).astype(np.int64)

    def _draw_times(
        self, user: np.ndarray, first_of_user: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """A customer's first review, then others after gaps; none in the future."""
        count = len(user)
        moments = self._draw_moments(count, random)
        # Few customers buy every week, some every few months, most come back after years.
        pace = random.choice(_PACES_DAYS, len(first_of_user), p=_PACE_SHARES)
        gaps = random.exponential(1.0, count) * pace[user] * _DAY_MS
        same_day = random.random(count) < 0.165
        gaps[same_day] = random.random(int(same_day.sum())) * 600_000
        gaps[first_of_user] = 0
        elapsed = np.cumsum(gaps)
        elapsed -= elapsed[first_of_user][user]
        times = moments[first_of_user][user] + elapsed.astype(np.int64)
        times = np.where(times > _LAST_MS, moments, times)
        whole_seconds = times < _MILLISECONDS_SINCE_MS
        return np.where(whole_seconds, times // 1000 * 1000, times)

    def _draw_products(
        self, first_of_user: np.ndarray, count: int, random: np.random.Generator
    ) -> np.ndarray:
        product = np.searchsorted(self._product_shares, random.random(count))
        again = random.random(count) < 0.01
        again[first_of_user] = False
        before = np.roll(product, 1)
        return np.where(again, before, product)


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


def _draw_users(reviews: int, random: np.random.Generator) -> np.ndarray:
    """Number of the customer of each review: most have one review, few up to a hundred."""
    several = 2 + np.floor(random.pareto(2.5, reviews) * 4.4)
    counts = np.where(random.random(reviews) < 0.66, 1, np.minimum(several, 100)).astype(int)
    return np.repeat(np.arange(reviews), counts)[:reviews]


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
