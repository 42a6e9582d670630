"""``python -m benchmarks``: measures, prints a table and writes JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from amazon_seg_assets.sample.source import GENERATOR_VERSION
from amazon_seg_assets.spark import machine
from benchmarks.measure import CommandError
from benchmarks.parts import Benchmark
from benchmarks.report import show

SIZES = {"quick": 400_000, "full": 43_886_944}
PARTS = (
    "pipeline", "history", "raw", "peer", "plain", "session", "incremental", "sizes", "cluster",
)  # fmt: skip
QUICK_PARTS = ("pipeline", "raw", "peer", "plain", "session")
_HERE = Path(__file__).parent


def _size(text: str) -> int:
    return SIZES.get(text) or int(text.replace("_", "").replace(",", ""))


def _parts(text: str) -> list[str]:
    chosen = list(PARTS) if text == "all" else text.split(",")
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(PARTS)}")
    return [part for part in PARTS if part in chosen]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--size", type=_size, default="quick", metavar="REVIEWS", help="a number, quick or full"
    )
    parser.add_argument(
        "--parts",
        type=_parts,
        default=",".join(QUICK_PARTS),
        help=f"all, or some of {','.join(PARTS)}; default: %(default)s",
    )
    parser.add_argument("--work", type=Path, default=_HERE / "scratch", help="data, storages, logs")
    parser.add_argument("--output", type=Path, metavar="FILE", help="JSON; default: in results/")
    parser.add_argument("--pairs", type=int, default=3, help="of session starts")
    parser.add_argument(
        "--plain-k-max", type=int, default=12, metavar="K", help="largest k of plain Spark"
    )
    parser.add_argument(
        "--repeats", type=int, default=3, help="of runs below three minutes; the median counts"
    )
    return parser.parse_args()


def main() -> None:
    """Runs the chosen parts in turn; exits with 1 if one fails or results differ."""
    options = _options()
    console, errors = Console(), Console(stderr=True)
    if not console.is_terminal:
        console = Console(width=120)
    benchmark = Benchmark(
        options.size,
        options.work.absolute(),
        options.pairs,
        options.plain_k_max,
        options.repeats,
        say=lambda what: errors.print(f"{time.strftime('%H:%M:%S')} {what}", highlight=False),
    )
    output = (
        options.output
        or _HERE / "results" / f"{options.size}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    )
    failure = None
    for part in options.parts:
        try:
            getattr(benchmark, part)()
        except CommandError as error:
            failure = f"{part}: {error}"
            errors.print(failure, style="red", markup=False)
        # After each part, so that what was measured is not lost.
        results = {
            "reviews": options.size,
            "machine": _machine(),
            "runs": benchmark.runs,
            "findings": benchmark.findings,
            "agreement": benchmark.agreement,
        }
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(results, indent=1))
    show(results, console)
    console.print(f"Written to {output}", soft_wrap=True)
    differs = benchmark.agreement and not benchmark.agreement["agrees"]
    sys.exit(1 if failure or differs else 0)


def _machine() -> dict[str, object]:
    packages = ("pyspark", "dagster", "duckdb", "scikit-learn", "pyarrow", "numpy")
    return {
        "system": platform.platform(),
        "cores": machine.cores(),
        "memory_bytes": machine.memory_bytes(),
        "load_at_the_end": os.getloadavg()[0],
        "python": platform.python_version(),
        "generator": GENERATOR_VERSION,
        "versions": {name: version(name) for name in packages},
    }


if __name__ == "__main__":
    main()
