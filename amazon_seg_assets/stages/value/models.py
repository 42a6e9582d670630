"""The models of value fitted to histories: whether they can be, and what they expect."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from amazon_seg_assets.stages.value import bg_nbd, gamma_gamma
from amazon_seg_assets.stages.value.bg_nbd import Histories, Params
from amazon_seg_assets.stages.value.gamma_gamma import Spenders
from amazon_seg_assets.stages.value.likelihood import Fit
from amazon_seg_assets.stages.value.tables import VALUE_BACKTEST, VALUE_MODEL

FEWEST_REPEATS = 100
"""Customers who came again, for a fit: of fewer, standard errors are as large as the parameters."""

WEEKS_A_YEAR = 365.25 / 7
WEEKS_A_MONTH = WEEKS_A_YEAR / 12
MOST_REPEATS = 7
"""Groups of the backtest by repeats: 0, 1, 2 and so on, and this and more."""


@dataclass(frozen=True)
class ValueParams:
    """Parameters that the value of customers follows from.

    Attributes:
        purchases: of BG/NBD, in weeks.
        spend: ``p``, ``q`` and ``v`` of Gamma-Gamma, in USD.
        priced_share: share of the days of purchase that have a spend, 0 to 1.
    """

    purchases: Params
    spend: tuple[float, ...]
    priced_share: float


@dataclass(frozen=True)
class Models:
    """Fitted models.

    Attributes:
        purchases: of BG/NBD.
        spend: of Gamma-Gamma.
        priced_share: share of the days of purchase that have a spend, 0 to 1.
        spend_correlation: as of `gamma_gamma.correlation`.
    """

    purchases: Fit
    spend: Fit
    priced_share: float
    spend_correlation: float

    @property
    def params(self) -> ValueParams:
        """The parameters of both."""
        purchases = Params(*self.purchases.params.tolist())
        return ValueParams(purchases, tuple(self.spend.params.tolist()), self.priced_share)

    @property
    def agreeing(self) -> int:
        """Starts of each model that led to its optimum, at least."""
        return min(self.purchases.agreeing, self.spend.agreeing)


def too_few(histories: Histories) -> str | None:
    """Says why models cannot be fitted; None if they can."""
    repeats = int(histories.customers[histories.x > 0].sum())
    if repeats >= FEWEST_REPEATS:
        return None
    return (
        f"Only {repeats:,} customers came again, fewer than the {FEWEST_REPEATS} that models of "
        "value need."
    )


def fit(histories: Histories, spenders: Spenders) -> Models:
    """Fits both models."""
    purchases = float((histories.x + 1) @ histories.customers)
    return Models(
        bg_nbd.fit(histories),
        gamma_gamma.fit(spenders),
        float(spenders.days @ spenders.customers) / purchases,
        gamma_gamma.correlation(spenders),
    )


def parameters(as_of: str, fits: dict[str, tuple[tuple[str, ...], Fit]]) -> pd.DataFrame:
    """Rows of ``value_model``.

    Args:
        as_of: when.
        fits: names of the parameters and the fit, by model.
    """
    rows = [
        (as_of, model, *row)
        for model, (names, found) in fits.items()
        for row in zip(names, found.params, found.standard_errors, strict=True)
    ]
    return pd.DataFrame(rows, columns=VALUE_MODEL.column_names)


@dataclass(frozen=True)
class Backtest:
    """Expectations of a year before beside what came.

    Attributes:
        table: columns of ``value_backtest``.
        error: mean absolute error of a customer's purchases, in days of purchase.
        naive_error: the same of as many as in the year before.
        bias: expected purchases over actual ones, less 1.
    """

    table: pd.DataFrame
    error: float
    naive_error: float
    bias: float


def backtest(params: Params, seen: pd.DataFrame) -> Backtest:
    """Judges BG/NBD as of a year before by the year that followed.

    Args:
        params: fitted a year before.
        seen: as of `histories.last_year`, at least one row.
    """
    x, t_x, age = (seen[name].to_numpy(float) for name in ("x_then", "t_x_then", "age_then"))
    expected = bg_nbd.expected_purchases(params, x, t_x, age, WEEKS_A_YEAR)
    customers = seen["customers"].to_numpy(float)
    off = {
        name: float((np.abs(guess - seen["actual"]) * customers).sum() / customers.sum())
        for name, guess in (("model", expected), ("naive", seen["as_last_year"].to_numpy(float)))
    }
    sums = pd.DataFrame(
        {
            "customers": seen["customers"],
            "expected": expected * customers,
            "actual": seen["actual"] * seen["customers"],
            "as_last_year": seen["as_last_year"] * seen["customers"],
        }
    )
    repeats = seen["x_then"].clip(upper=MOST_REPEATS).astype(int).astype(str)
    names = {
        "repeats": repeats.where(repeats != str(MOST_REPEATS), f"{MOST_REPEATS} or more"),
        "cohort": seen["cohort"].astype(str),
    }
    tables = [
        sums.groupby(name.rename("name")).sum().reset_index().assign(grouping=grouping)
        for grouping, name in names.items()
    ]
    table = pd.concat(tables, ignore_index=True)[VALUE_BACKTEST.column_names]
    bias = float(sums["expected"].sum() / max(sums["actual"].sum(), 1)) - 1
    return Backtest(table, off["model"], off["naive"], bias)
