"""Intervals of shares and means of which a customer may give several, and of their differences.

Reviews of one customer are not independent of each other, so intervals go by customers.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

LEVEL = 0.95


def z_of(comparisons: int = 1) -> float:
    """Standard errors of an interval of 95 %, of so many that are to hold together (Bonferroni)."""
    return NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / max(comparisons, 1))


@dataclass(frozen=True)
class Sums:
    """Sums over the customers of a group, of whom each has n reviews that sum up to y.

    Attributes:
        customers: with a review at least.
        n: reviews.
        y: sum of what is averaged.
        nn: sum of n squared.
        yy: sum of y squared.
        ny: sum of n times y.
    """

    customers: float
    n: float
    y: float
    nn: float
    yy: float
    ny: float

    def __sub__(self, other: "Sums") -> "Sums":
        """The sums of the customers who are not in another group, all of whom are in this one."""
        mine, theirs = (np.array(list(vars(each).values())) for each in (self, other))
        return Sums(*(mine - theirs).tolist())

    @property
    def mean(self) -> float:
        """Of all reviews; NaN where there is none."""
        return self.y / self.n if self.n else np.nan

    @property
    def variance(self) -> float:
        """Of the mean: that of a ratio, with customers as clusters (W. G. Cochran, 1977, 2.11)."""
        if self.customers < 2:
            return np.nan
        left = self.yy - 2 * self.mean * self.ny + self.mean**2 * self.nn
        return max(left, 0.0) / self.n**2 * self.customers / (self.customers - 1)


@dataclass(frozen=True)
class Share:
    """A share, and how many independent reviews would tell as much.

    Attributes:
        value: 0 to 1; NaN where nothing is known.
        effective: reviews of as many customers that would give the same variance.
    """

    value: float
    effective: float

    @classmethod
    def of(cls, sums: Sums) -> "Share":
        """The share of reviews for which y counts."""
        share, variance = sums.mean, sums.variance
        if not sums.n or np.isnan(variance):
            return cls(share, float(min(sums.customers, 1)))
        spread = share * (1 - share)
        # Where all are alike, the variance tells nothing: each customer counts once.
        return cls(share, spread / variance if variance > 0 and spread > 0 else sums.customers)

    def interval(self, z: float) -> tuple[float, float]:
        """The interval of E. B. Wilson, 1927."""
        n = self.effective
        if np.isnan(self.value) or n <= 0:
            return np.nan, np.nan
        middle = (self.value + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(self.value * (1 - self.value) / n + z**2 / (4 * n**2))
        return max(middle - half, 0.0), min(middle + half, 1.0)


def difference(one: Share, other: Share, z: float) -> tuple[float, float, float]:
    """One share less another, of other customers, with its interval (R. G. Newcombe, 1998, 10)."""
    (low, high), (other_low, other_high) = one.interval(z), other.interval(z)
    distance = one.value - other.value
    return (
        distance,
        distance - np.hypot(one.value - low, other_high - other.value),
        distance + np.hypot(high - one.value, other.value - other_low),
    )


def mean_interval(sums: Sums, z: float) -> tuple[float, float]:
    """The interval of a mean between 0 and 1, by its variance."""
    half = z * np.sqrt(sums.variance)
    return float(np.clip(sums.mean - half, 0, 1)), float(np.clip(sums.mean + half, 0, 1))
