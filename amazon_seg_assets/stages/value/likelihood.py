"""Maximum likelihood of models whose parameters are all above 0."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

_LEAST, _MOST = 1e-5, 1e7
"""Bounds of a parameter; one that ends there has no optimum."""
_SAME = 1e-7
"""Relative difference of likelihoods that counts as none."""
_STEP = 1e-4


class Likelihood(Protocol):
    """A mean log-likelihood as a function of the logarithms of the parameters.

    Attributes:
        customers: that the mean is over.
    """

    customers: float

    def loss(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        """The negative log-likelihood of a customer, a mean, and its gradient."""
        ...


@dataclass(frozen=True)
class Fit:
    """Parameters with the highest likelihood.

    Attributes:
        params: in the order of their names.
        standard_errors: of each, by the curvature of the likelihood; NaN where that has none.
        log_likelihood: of all customers.
        agreeing: starts that led there, of `starts`.
        starts: tried.
    """

    params: np.ndarray
    standard_errors: np.ndarray
    log_likelihood: float
    agreeing: int
    starts: int


def maximize(likelihood: Likelihood, starts: Sequence[Sequence[float]]) -> Fit:
    """Climbs from each start in the logarithms of the parameters, which are all above 0."""
    from scipy.optimize import minimize  # half a second, which loading the graph need not take

    bounds = [(np.log(_LEAST), np.log(_MOST))] * len(starts[0])
    ends = [
        minimize(
            likelihood.loss,
            np.log(start),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-9},
        )
        for start in starts
    ]
    best = min(ends, key=lambda end: end.fun)
    agreeing = sum(end.fun - best.fun <= _SAME * abs(best.fun) for end in ends)
    params = np.exp(best.x)
    errors = params * _errors_of_logs(likelihood, best.x)
    return Fit(params, errors, -best.fun * likelihood.customers, agreeing, len(ends))


def _errors_of_logs(likelihood: Likelihood, logs: np.ndarray) -> np.ndarray:
    """Standard errors by the inverse of the Hessian, whose rows are differences of gradients."""
    steps = _STEP * np.eye(len(logs))
    rows = [
        (likelihood.loss(logs + step)[1] - likelihood.loss(logs - step)[1]) / (2 * _STEP)
        for step in steps
    ]
    hessian = (np.array(rows) + np.transpose(rows)) / 2 * likelihood.customers
    try:
        variances = np.diag(np.linalg.inv(hessian))
    except np.linalg.LinAlgError:
        return np.full(len(logs), np.nan)
    return np.sqrt(np.where(variances > 0, variances, np.nan))
