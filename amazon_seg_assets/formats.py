"""Numbers and names as people read them; shared by axes, labels and alternative texts."""

import math
from collections.abc import Sequence

import numpy as np

MISSING = "–"
"""Stands for a number that is not defined, such as the mean of nobody."""


def count(number: float) -> str:
    """A count in full: ``1,234``."""
    return MISSING if math.isnan(number) else f"{number:,.0f}"


def counted(number: int, noun: str) -> str:
    """A count with its noun: ``1 customer``, ``1,234 customers``."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def short(number: float) -> str:
    """Three significant digits, never in scientific notation: ``950``, ``1.5 K``, ``1.83 M``."""
    if math.isnan(number):
        return MISSING
    rounded = float(f"{number:.3g}")
    for size, suffix in ((1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " K")):
        if abs(rounded) >= size:
            return f"{_plain(rounded / size)}{suffix}"
    # Sums of squares of equal customers come out as 1e-17, which is nothing.
    return "0" if abs(rounded) < 1e-6 else _plain(rounded)


def _plain(number: float) -> str:
    """All digits, without a trailing point."""
    return f"{number:,.0f}" if abs(number) >= 1000 else np.format_float_positional(number, trim="-")


def money(dollars: float) -> str:
    """An amount: ``$12.35``, ``$1,234``, ``$12.5 K``."""
    if math.isnan(dollars):
        return MISSING
    if abs(dollars) >= 10_000:
        return f"${short(dollars)}"
    return f"${dollars:,.0f}" if abs(dollars) >= 1000 else f"${dollars:,.2f}"


def share(fraction: float) -> str:
    """A share: ``12.3 %``; ``<0.1 %`` rather than none at all, ``>99.9 %`` rather than all."""
    if math.isnan(fraction):
        return MISSING
    if 0 < fraction < 0.0005:
        return "<0.1 %"
    # A mean of ones may differ from 1 in its last digits.
    return ">99.9 %" if 0.9995 <= fraction < 1 - 1e-9 else f"{fraction * 100:.1f} %"


def change(fraction: float) -> str:
    """A relative change: ``up 12.3 %``, ``down 12.3 %``, ``unchanged``."""
    if abs(fraction) < 0.0005:
        return "unchanged"
    return f"{'up' if fraction > 0 else 'down'} {share(abs(fraction))}"


def points(difference: float) -> str:
    """A difference of shares: ``1.2 points more``, ``0.4 points less``."""
    if math.isnan(difference):
        return MISSING
    return f"{abs(difference) * 100:.1f} points {'less' if difference < 0 else 'more'}"


def cut_name(name: object, width: int = 60) -> str:
    """A name from the data in one line of at most ``width`` characters, cut between words.

    A null, or a name of nothing but white space and control characters, is ``(no name)``.
    """
    text = name if isinstance(name, str) else ""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) <= width:
        return line or "(no name)"
    head = line[:width].rpartition(" ")[0]
    # A first word that fills the line is cut within.
    if len(head) < width // 2:
        head = line[: width - 1]
    return head.rstrip(" ,;:-–—|/(") + "…"


def listed(names: Sequence[object], word: str = "and") -> str:
    """Names in a sentence: ``A``, ``A and B``, ``A, B and C``."""
    *others, last = map(str, names)
    return f"{', '.join(others)} {word} {last}" if others else last
