"""Gamma-Gamma: how much customers spend on a day of purchase (Fader and Hardie, 2013).

What a customer spends on a day varies by a gamma distribution (shape ``p``) around a mean, and the
means of customers by an inverse gamma distribution (``q``, ``v``). Spend is taken to be independent
of how often somebody buys, which `correlation` tells. See P. S. Fader and B. G. S. Hardie, The
Gamma-Gamma Model of Monetary Value, 2013, http://www.brucehardie.com/notes/025/.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from amazon_seg_assets.stages.value.likelihood import Fit, maximize

STARTS = ((1.0, 2.0, 10.0), (5.0, 5.0, 50.0), (2.0, 3.0, 3.0))
NAMES = ("p", "q", "v")


@dataclass(frozen=True)
class Spenders:
    """Customers by days of purchase and mean spend; shape (n,) each.

    Attributes:
        days: of purchase, with spend.
        mean: spend of such a day, in USD, above 0.
        customers: with these two numbers.
    """

    days: np.ndarray
    mean: np.ndarray
    customers: np.ndarray


def fit(spenders: Spenders, starts: Sequence[Sequence[float]] = STARTS) -> Fit:
    """Finds the parameters, in the order of `NAMES`, from several starts."""
    return maximize(_Likelihood(spenders), starts)


class _Likelihood:
    """Formula 1a of Fader and Hardie."""

    def __init__(self, spenders: Spenders) -> None:
        self.customers = float(spenders.customers.sum())
        self.weights = spenders.customers / self.customers
        self.days = spenders.days.astype(float)
        self.total = self.days * spenders.mean

    def loss(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, v = np.exp(logs)
        shape, total, weights = p * self.days, self.total, self.weights
        log_total, log_sum = np.log(total), np.log(v + total)
        each = gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * logs[2]
        each += shape * log_total - (shape + q) * log_sum - log_total + np.log(self.days)
        by_shape = digamma(shape + q) - digamma(shape) + log_total - log_sum
        by_q = digamma(shape + q) - digamma(q) + logs[2] - log_sum
        by_v = q / v - (shape + q) / (v + total)
        slopes = np.array([weights @ (self.days * by_shape), weights @ by_q, weights @ by_v])
        return -float(weights @ each), -slopes * np.exp(logs)


def expected_spend(params: Sequence[float], days: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Spend to be expected of customers on a day of purchase, in USD (formula 5).

    It lies between a customer's own mean and that of all; the more days, the nearer to the former.

    Args:
        params: ``p``, ``q`` and ``v``.
        days: of purchase, with spend; 0 gives the mean of all.
        mean: spend of such a day; any number where ``days`` is 0.
    """
    p, q, v = params
    total = np.where(days > 0, days * mean, 0.0)
    return p * (v + total) / (p * days + q - 1)


def correlation(spenders: Spenders) -> float:
    """Pearson's correlation of days and the logarithm of mean spend; the model takes it for 0."""
    chosen = spenders.days > 1
    weights = spenders.customers[chosen].astype(float)
    if weights.sum() < 2:
        return 0.0
    both = np.stack([np.log(spenders.days[chosen]), np.log(spenders.mean[chosen])])
    covariance = np.cov(both, fweights=weights.astype(np.int64))
    scale = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    return float(covariance[0, 1]) / scale if scale else 0.0
