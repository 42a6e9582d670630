"""Checks of the value of customers that do not follow from its tables."""

from typing import Annotated

from pydantic import Field

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.quality.verdict import Share, Verdict
from amazon_seg_assets.schema import Table
from amazon_seg_assets.stages.value.expectations import CHANCES, FIGURES
from amazon_seg_assets.stages.value.tables import CUSTOMER_VALUE, VALUE_BACKTEST, VALUE_MODEL

StartsThatAgree = Annotated[int, Field(description="Fewest starts that lead to the optimum.", ge=1)]
LargestCorrelation = Annotated[
    Share, Field(description="Largest correlation of days of purchase and spend, without sign.")
]
LargestBias = Annotated[
    float, Field(description="Most that expected purchases may be off, as a share of them.", ge=0)
]


@check(CUSTOMER_VALUE)
def figures_possible(snapshot: Snapshot) -> Verdict:
    """Probabilities are from 0 to 1, and no expectation is negative."""
    stats = snapshot.stats(CUSTOMER_VALUE)
    there = {name for name in FIGURES if stats.minimum.get(name) is not None}
    odd = [name for name in there if stats.minimum[name] < 0]
    odd += [name for name in there.intersection(CHANCES) if stats.maximum[name] > 1]
    told = f"Impossible values are in {', '.join(sorted({*odd}))}." if odd else "All are possible."
    return Verdict(len(odd), 0, told)


@check(VALUE_MODEL, blocking=False)
def starts_agree(snapshot: Snapshot, *, least_starts: StartsThatAgree = 2) -> Verdict:
    """Several starts of the search lead to the same optimum."""
    if reason := _unfit(snapshot, VALUE_MODEL):
        return Verdict(least_starts, least_starts, reason, at_least=True)
    name = "starts_that_agree"
    found = snapshot.facts(VALUE_MODEL, name)[name]
    told = f"{found} starts led to the optimum."
    return Verdict(found, least_starts, told, at_least=True)


@check(VALUE_MODEL, blocking=False)
def spend_independent(snapshot: Snapshot, *, max_correlation: LargestCorrelation = 0.3) -> Verdict:
    """Spend on a day hardly goes with how often customers buy, as Gamma-Gamma asks."""
    if reason := _unfit(snapshot, VALUE_MODEL):
        return Verdict(0, max_correlation, reason)
    name = "spend_correlation"
    found = snapshot.facts(VALUE_MODEL, name)[name]
    told = f"The correlation of days of purchase and mean spend is {found:.2f}."
    return Verdict(abs(found), max_correlation, told)


@check(VALUE_BACKTEST, blocking=False)
def expectations_met(snapshot: Snapshot, *, max_bias: LargestBias = 0.5) -> Verdict:
    """The purchases of the last year are about as many as the model expected a year before."""
    if reason := _unfit(snapshot, VALUE_BACKTEST):
        return Verdict(0, max_bias, reason)
    found = snapshot.facts(VALUE_BACKTEST, "bias")["bias"]
    told = f"Expected purchases are {1 + found:.2f} times the actual ones."
    return Verdict(abs(found), max_bias, told)


@check(VALUE_BACKTEST, blocking=False)
def better_than_last_year(snapshot: Snapshot) -> Verdict:
    """The model's error is no larger than that of expecting what was in the year before."""
    if reason := _unfit(snapshot, VALUE_BACKTEST):
        return Verdict(0, 0, reason)
    found = snapshot.facts(VALUE_BACKTEST, "error", "naive_error")
    told = (
        f"A customer's purchases are off by {found['error']:.3f} days on average, and by "
        f"{found['naive_error']:.3f} if expected as in the year before."
    )
    return Verdict(found["error"], found["naive_error"], told)


def _unfit(snapshot: Snapshot, table: Table) -> str | None:
    """Says why there is nothing to check, if that is so."""
    reason: str | None = snapshot.facts(table, "reason")["reason"]
    return reason
