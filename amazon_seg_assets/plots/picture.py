"""What every plot function returns."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A figure, and the text that stands for it where it cannot be seen.

    Attributes:
        figure: ready to be rendered by ``render``.
        alt: what the figure shows, with its numbers, in plain sentences.
    """

    figure: Figure
    alt: str
