"""Cases that are drawn, always the same ones; `make chaos` draws many."""

import os
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

Case = TypeVar("Case")

SEED = 7
KILLS, LINES, HUB_FAULTS, STARTS_SPARK = map(int, os.environ.get("CHAOS", "10 900 2 0").split())
"""How many of each, and whether faults are tried that start Spark."""


def drawn(examples: int) -> settings:
    """Settings of a property: so many cases, each of which may take its time."""
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def cases(strategy: SearchStrategy[Case], number: int) -> list[Case]:
    """Cases to be looked at together, as one Spark job takes as long as another."""
    found: list[Case] = []

    @settings(drawn(number), phases=[Phase.generate])  # those that fail cannot be made smaller
    @given(strategy)
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found
