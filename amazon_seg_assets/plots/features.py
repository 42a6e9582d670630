"""Recency, frequency and monetary value as axes of pictures: labels, scales and bins."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from amazon_seg_assets.formats import money, short


@dataclass(frozen=True)
class Feature:
    """One of the three features.

    Attributes:
        name: column in ``rfm_features``.
        unit: of its values.
        scale: of its axis; under ``bins`` each bin is as wide as any other.
        whole: whether all values are whole numbers.
        edges: of the bins in which densities count customers, ascending. A bin holds its left
            edge but not its right one. The first is at or below every value, the last above.
        text: writes a value or a mean with its unit.
        tick: writes a value on an axis.
    """

    name: str
    unit: str
    scale: Literal["linear", "log", "bins"]
    whole: bool
    edges: tuple[float, ...]
    text: Callable[[float], str]
    tick: Callable[[float], str]

    @property
    def label(self) -> str:
        """Of an axis, with the unit."""
        return f"{self.name.capitalize()} ({self.unit})"

    def place(self, left: float) -> int:
        """The number of the bin that starts at an edge, from 0.

        Raises:
            ValueError: no bin starts there.
        """
        if left not in self.edges[:-1]:
            raise ValueError(f"no bin of {self.name} starts at {left}")
        return self.edges.index(left)

    def bin_text(self, left: float, to: str = " to ") -> str:
        """The values of the bin that starts at an edge: ``3``, ``10 to 12``, ``$10 to $12.6``.

        Raises:
            ValueError: no bin starts there.
        """
        right = self.edges[self.place(left) + 1] - self.whole
        return self.tick(left) + (f"{to}{self.tick(right)}" if right > left else "")


# 1, 2, … 10, then ten bins a decade, on whole numbers.
_FREQUENCIES = (*range(1, 10), *(round(10 ** (step / 10)) for step in range(10, 81)))
# Ten bins a decade, from a cent to ten billion dollars.
_DOLLARS = tuple(float(f"{10 ** (step / 10):.3g}") for step in range(-20, 101))


def _reviews(mean: float) -> str:
    return f"{mean:.2f} reviews" if mean < 1000 else f"{short(mean)} reviews"


# fmt: off
_FEATURES = (
    Feature("recency", "days", scale="linear", whole=True,
            edges=tuple(range(1, 373, 7)), text="{:.0f} days".format, tick=short),
    Feature("frequency", "reviews", scale="bins", whole=True,
            edges=_FREQUENCIES, text=_reviews, tick=short),
    Feature("monetary", "USD", scale="log", whole=False,
            edges=_DOLLARS, text=money, tick=lambda dollars: f"${short(dollars)}"),
)
# fmt: on

FEATURES = {feature.name: feature for feature in _FEATURES}
"""The features by name."""
