"""BG/NBD: how often customers come again, and when they stop (Fader, Hardie and Lee, 2005).

While active, a customer buys at a constant rate; the rate differs from customer to customer by a
gamma distribution (``r``, ``alpha``). After each purchase the customer leaves with a probability
that differs by a beta distribution (``a``, ``b``). Three numbers tell all of a customer: ``x``, the
purchases after the first; ``t_x``, the time from the first to the last; and ``age``, ``T`` of the
paper, the time from the first to now. See P. S. Fader, B. G. S. Hardie and K. L. Lee, "Counting
Your Customers" the Easy Way, Marketing Science 24(2):275-284, 2005.

Runs inside Spark tasks too, whose workers need NumPy and SciPy, not this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaln, hyp2f1

from amazon_seg_assets.stages.value.likelihood import Fit, Likelihood, maximize

STARTS = ((1.0, 10.0, 1.0, 2.0), (0.2, 2.0, 0.5, 5.0), (0.5, 50.0, 2.0, 1.0))
"""Starts of the search: ordinary customers, rare ones, and ones who leave soon."""

MANY = 100_000
"""Distinct histories, beyond which starts lead to the optimum by fewer, coarser ones."""
_COARSE_WEEKS = 8

_NEARLY = 1e-7

NAMES = ("r", "alpha", "a", "b")


@dataclass(frozen=True)
class Histories:
    """Customers by their purchases; shape (n,) each.

    Attributes:
        x: purchases after the first.
        t_x: time from the first purchase to the last; 0 where that is one.
        age: time from the first purchase to now.
        customers: with these three numbers.
    """

    x: np.ndarray
    t_x: np.ndarray
    age: np.ndarray
    customers: np.ndarray

    def coarser(self, step: float) -> Histories:
        """The same with times as multiples of a step, the nearest, so that fewer are distinct."""
        import pandas as pd

        times = (np.rint(time / step) * step for time in (self.t_x, self.age))
        rows = pd.DataFrame(dict(zip(("x", "t_x", "age"), (self.x, *times), strict=True)))
        sums = rows.assign(customers=self.customers).groupby([*rows])["customers"].sum()
        x, t_x, age = sums.index.to_frame().to_numpy(float).T
        return Histories(x, t_x, age, sums.to_numpy())


@dataclass(frozen=True)
class Params:
    """Parameters of BG/NBD: ``r`` and ``alpha`` of the rate, ``a`` and ``b`` of leaving."""

    r: float
    alpha: float
    a: float
    b: float


def fit(histories: Histories, starts: Sequence[Sequence[float]] = STARTS) -> Fit:
    """Finds the parameters, in the order of `NAMES`, from several starts.

    With many distinct histories, the starts climb by coarser ones, and the end of the best of them
    is the start by all: that takes a fifth of the time.
    """
    if len(histories.x) <= MANY:
        return maximize(_Likelihood(histories), starts)
    near = maximize(_Likelihood(histories.coarser(_COARSE_WEEKS)), starts)
    found = maximize(_Likelihood(histories), [near.params.tolist()])
    return replace(found, agreeing=near.agreeing, starts=near.starts)


class _Likelihood(Likelihood):
    """Formula 6 of Fader, Hardie and Lee; what repeats is worked out once for each value."""

    def __init__(self, histories: Histories) -> None:
        self.weights = histories.customers / histories.customers.sum()
        self.customers = float(histories.customers.sum())
        self.x, self.of_x = np.unique(histories.x.astype(float), return_inverse=True)
        self.t_x, self.of_t_x = np.unique(histories.t_x.astype(float), return_inverse=True)
        self.age, self.of_age = np.unique(histories.age.astype(float), return_inverse=True)
        self.repeats = histories.x > 0

    def loss(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = np.exp(logs)
        x, weights = self.x, self.weights
        log_alive = np.log(alpha + self.age)[self.of_age]
        log_gone = np.log(alpha + self.t_x)[self.of_t_x]
        purchases = (r + x)[self.of_x]
        alive = -purchases * log_alive
        with np.errstate(divide="ignore"):
            left = np.log(np.where(x > 0, a / np.where(x > 0, b + x - 1, 1), 0))[self.of_x]
        gone = left - purchases * log_gone
        either = np.logaddexp(alive, gone)
        is_gone = np.exp(gone - either)
        common = (
            gammaln(r + x) - gammaln(r) + r * logs[1]
            + gammaln(a + b) - gammaln(b) + gammaln(b + x) - gammaln(a + b + x)
        )  # fmt: skip
        total = weights @ (common[self.of_x] + either)
        by_r = (digamma(r + x) - digamma(r))[self.of_x] + logs[1]
        by_r -= (1 - is_gone) * log_alive + is_gone * log_gone
        rate = (1 - is_gone) / (alpha + self.age)[self.of_age]
        rate += is_gone / (alpha + self.t_x)[self.of_t_x]
        by_alpha = r / alpha - purchases * rate
        by_a = (digamma(a + b) - digamma(a + b + x))[self.of_x] + is_gone / a
        by_b = (digamma(a + b) - digamma(a + b + x) + digamma(b + x) - digamma(b))[self.of_x]
        by_b = by_b - is_gone / np.where(self.repeats, (b + x - 1)[self.of_x], 1)
        slopes = np.array([weights @ each for each in (by_r, by_alpha, by_a, by_b)])
        return -float(total), -slopes * np.exp(logs)


def p_alive(params: Params, x: np.ndarray, t_x: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Probability that customers have not left; 1 for those without a purchase after the first.

    The model lets nobody leave but after a purchase, so it cannot doubt whoever bought once.
    """
    return 1 / (1 + _odds_of_having_left(params, x, t_x, age))


def _odds_of_having_left(
    params: Params, x: np.ndarray, t_x: np.ndarray, age: np.ndarray
) -> np.ndarray:
    r, alpha, a, b = params.r, params.alpha, params.a, params.b
    repeats = x > 0
    share = a / np.where(repeats, b + x - 1, 1.0)
    return np.where(repeats, share * ((alpha + age) / (alpha + t_x)) ** (r + x), 0.0)


def p_no_purchase(
    params: Params, x: np.ndarray, t_x: np.ndarray, age: np.ndarray, time: float
) -> np.ndarray:
    """Probability that customers buy nothing in the ``time`` to come.

    They have left, or are there and wait: the rate of whoever is there is gamma distributed with
    ``r + x`` and ``alpha + age``.
    """
    waits = ((params.alpha + age) / (params.alpha + age + time)) ** (params.r + x)
    return 1 - p_alive(params, x, t_x, age) * (1 - waits)


def _not_one(a: float) -> float:
    """``a - 1``, kept from 0, where the formula has a limit but no value."""
    return a - 1 if abs(a - 1) > _NEARLY else _NEARLY


def expected_purchases(
    params: Params, x: np.ndarray, t_x: np.ndarray, age: np.ndarray, time: float
) -> np.ndarray:
    """Purchases to be expected of customers in the ``time`` to come (formula 10 of the paper)."""
    r, alpha, a, b = params.r, params.alpha, params.a, params.b
    if time <= 0:
        return np.zeros(np.shape(x))
    z = time / (alpha + age + time)
    shrinking = ((alpha + age) / (alpha + age + time)) ** (r + x)
    series = hyp2f1(r + x, b + x, a + b + x - 1, z)
    ever = (a + b + x - 1) / _not_one(a)
    found = ever * (1 - shrinking * series) / (1 + _odds_of_having_left(params, x, t_x, age))
    # What rounding leaves of nothing.
    return np.maximum(found, 0.0)
