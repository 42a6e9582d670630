"""A figure, what it may be, and what that means in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

Share = Annotated[float, Field(ge=0, le=1)]
"""A threshold that is a share of 1."""


@dataclass(frozen=True)
class Verdict:
    """A value held against a threshold.

    Attributes:
        value: what was found.
        threshold: the most that it may be, or the least.
        sentence: what was found, for people.
        at_least: whether the threshold is the least.
    """

    value: float
    threshold: float
    sentence: str
    at_least: bool = False

    @property
    def excess(self) -> float:
        """Distance of the value beyond the threshold; positive where it fails."""
        beyond = self.value - self.threshold
        return -beyond if self.at_least else beyond

    @property
    def passed(self) -> bool:
        """True if the value is not beyond the threshold."""
        return self.excess <= 0


def worst(verdicts: Mapping[str, Verdict]) -> tuple[str, Verdict]:
    """The verdict that is furthest beyond its threshold, and whose it is; the first of equals.

    A figure that is no number is beyond any threshold.

    Raises:
        ValueError: there is none.
    """
    return max(verdicts.items(), key=lambda each: (not each[1].passed, each[1].excess))
