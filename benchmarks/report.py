"""The table that a benchmark ends with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.figures import ratio

_GB = 1e9
_STEPS = 8


def comparison(runs: Mapping[str, Mapping[str, Any]], reviews: int) -> Table:
    """One row a run: time, rate, memory and disk, and the time as a multiple of the peer's.

    Args:
        runs: of each, ``reviews``, ``seconds``, ``cpu_seconds``, ``peak_bytes`` and
            ``stored_bytes``; and ``compared_with``, the run whose time is 1.
        reviews: for the title.
    """
    table = Table(title=f"{reviews:,} reviews")
    table.add_column("Run")
    for heading in (
        "Seconds", "Reviews/s", "CPU seconds", "Peak memory (GB)", "Stored (GB)", "Times the peer",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for name, run in runs.items():
        other = runs.get(run.get("compared_with", ""))
        times = ratio(run["seconds"], other["seconds"] if other else None)
        table.add_row(
            name,
            f"{run['seconds']:,.1f}",
            f"{run['reviews'] / run['seconds']:,.0f}",
            f"{run['cpu_seconds']:,.1f}",
            f"{run['peak_bytes'] / _GB:,.2f}",
            f"{run['stored_bytes'] / _GB:,.2f}",
            "" if times is None else f"{times:.2f}",
        )
    return table


def show(results: Mapping[str, Any], console: Console) -> None:
    """Prints what was measured; the JSON file has all of it."""
    if results["runs"]:
        console.print(comparison(results["runs"], results["reviews"]))
    for name, run in results["runs"].items():
        longest = sorted(run["steps"].items(), key=lambda step: step[1], reverse=True)
        console.print(f"{name}, longest steps: {_brief(dict(longest[:_STEPS]))}", soft_wrap=True)
    for name, found in results["findings"].items():
        console.print(f"{name}: {_brief(found)}", soft_wrap=True)


def _brief(found: Any) -> str:
    """Figures with the digits that mean something; lists are left to the JSON file."""
    if isinstance(found, Mapping):
        figures = {name: _brief(value) for name, value in found.items()}
        return ", ".join(f"{name} {figure}" for name, figure in figures.items() if figure)
    if isinstance(found, list):
        return ""
    if isinstance(found, float):
        return f"{found:,.0f}" if found >= 1_000 else f"{found:.4g}"
    return str(found)
