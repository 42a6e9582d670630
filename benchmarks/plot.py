"""``python -m benchmarks.plot RESULTS.json PICTURE``: time over size, ours and the peer's."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

_COLORS = {"ours": "#0072B2", "by hand": "#D55E00"}


def time_over_size(
    ours: Mapping[int, float], peers: Mapping[int, float], conditions: str
) -> Figure:
    """Lines of seconds over reviews, both axes logarithmic, each point with its ratio.

    Args:
        ours: seconds by number of reviews.
        peers: the same of the work by hand.
        conditions: of the measurement, below the title.
    """
    figure = Figure((8, 5), layout="constrained")
    axes = figure.subplots()
    for name, seconds in (("ours", ours), ("by hand", peers)):
        sizes = sorted(seconds)
        axes.plot(sizes, [seconds[size] for size in sizes], "o-", label=name, color=_COLORS[name])
    for size in sorted(ours.keys() & peers.keys()):
        axes.annotate(
            f"{ours[size] / peers[size]:.1f}×",
            (size, ours[size]),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(y=0.12)
    axes.xaxis.set_major_formatter(lambda size, _: _short(size))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("Reviews")
    axes.set_ylabel("Seconds from JSON Lines to the report")
    axes.set_title(f"Time over size, and ours as a multiple of the work by hand\n{conditions}")
    axes.grid(which="major", alpha=0.3)
    axes.legend(frameon=False)
    return figure


def _short(size: float) -> str:
    return f"{size / 1e6:g} M" if size >= 1e6 else f"{size / 1e3:g} k"


def main() -> None:
    """Draws what the part `sizes` has found."""
    results, picture = map(Path, sys.argv[1:])
    found = json.loads(results.read_text())
    over_size, machine = found["findings"]["time over size"], found["machine"]
    ours, peers = (
        {int(size): seconds for size, seconds in over_size[name].items()}
        for name in ("all_seconds", "peer_seconds")
    )
    memory = machine["memory_bytes"] / 2**30
    conditions = f"{machine['cores']} cores, {memory:.0f} GiB; exploration and pictures included"
    time_over_size(ours, peers, conditions).savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
