"""``amazon-seg run``: from raw reviews to segments, plots and the report, a category in turn."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amazon_seg_assets.commands import add_settings, settings_of
from amazon_seg_assets.commands.ui import address
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.storage.locations import is_local, url_of

if TYPE_CHECKING:
    from amazon_seg_assets.settings import Settings
    from amazon_seg_assets.storage.layout import Store


PARTS = ("exploration", "history")
"""Parts of the main job that may be left out."""


@dataclass(frozen=True)
class _Done:
    """A category that has been segmented, and what its checks had to say."""

    store: Store
    snapshot: str
    cautions: Sequence[str]


def add_to(commands: Any) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser("run", help="from raw reviews to segments, plots and tables")
    add_settings(parser)
    parser.add_argument("--snapshot", metavar="YYYY-MM", help="month; default: last with reviews")
    parser.add_argument("--all-months", action="store_true", help="clean and join all months")
    parser.add_argument("--scheme", help="RFM scheme: standard, notebook, or a YAML file")
    parser.add_argument("--k", type=int, help="number of clusters; default: chosen by rule")
    parser.add_argument(
        "--force",
        action="store_true",
        help="do anew what is up to date, and let the sample replace real data",
    )
    parser.add_argument(
        "--skip",
        metavar="A,B",
        default="",
        help="parts to leave out: exploration, history (of all months, and what needs it)",
    )
    parser.add_argument(
        "--skip-exploration", action="store_true", help="the same as --skip exploration"
    )
    parser.add_argument("--verbose", action="store_true", help="logs, and stack traces of failures")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Runs the main job of each category; one that fails does not stop the others.

    Raises:
        InputError: an option or a setting is not valid, or the only category failed.
        SystemExit: a category failed, and the reason has been told.
    """
    warnings.filterwarnings("ignore")
    settings = settings_of(options)
    _require_valid(options, settings)
    from amazon_seg_assets.run.instance import ensure_dagster_home

    home, started = ensure_dagster_home(), time.monotonic()
    done, failures = _run_all(options, settings, home)
    for each in done:
        _summarize(each, home)
    if done:
        print(f"Done in {time.monotonic() - started:.0f} s.")
    if failures:
        raise InputError("\n       ".join(failures))


def _require_valid(options: argparse.Namespace, settings: Settings) -> None:
    """Tells what is wrong with options before anything starts."""
    from amazon_seg_assets.rules.recommendations import load_recommendations
    from amazon_seg_assets.rules.scheme import load_scheme
    from amazon_seg_assets.stages.clusters.sweep import POSSIBLE_KS

    _skipped(options)
    if options.snapshot:
        settings.span.require(options.snapshot)
    load_recommendations(load_scheme(options.scheme or settings.scheme), folder=settings.rules)
    if options.k is not None and options.k not in POSSIBLE_KS:
        raise InputError(
            f"--k is {options.k}: choose {POSSIBLE_KS[0]} to {POSSIBLE_KS[-1]} clusters."
        )


def _run_all(
    options: argparse.Namespace, settings: Settings, home: Path
) -> tuple[list[_Done], list[str]]:
    """Runs the categories in turn, in one Spark session; returns those done, and failures."""
    from amazon_seg_assets.dag.family import families
    from amazon_seg_assets.dag.resources import spark_resource
    from amazon_seg_assets.definitions import build_definitions
    from amazon_seg_assets.run.console import Progress
    from amazon_seg_assets.run.headless import HeadlessRun, MainJob, RunError
    from amazon_seg_assets.run.instance import end_dead_runs, open_instance

    asked = MainJob(options.snapshot, options.all_months, _skipped(options), options.force)
    definitions, done, failures = build_definitions(settings), list[_Done](), list[str]()
    several = len(settings.categories) > 1
    with open_instance(home) as instance, Progress() as progress:
        end_dead_runs(instance)
        # It takes seconds, in which the source is looked at.
        spark_resource(settings).start_in_background()
        for family in families(settings):
            headless = HeadlessRun(
                definitions,
                family,
                instance,
                progress.on_event,
                ops=_run_configuration(options),
                log_level="INFO" if options.verbose else "CRITICAL",
                expect=progress.expect,
            )
            progress.begin(family.category if several else "")
            try:
                snapshot = headless.main_job(asked)
                done.append(_Done(headless.store, snapshot, headless.warnings))
            except (InputError, RunError) as failure:
                told = _told(failure, options.verbose)
                failures.append(f"{family.category}: {told}" if several else told)
    return done, failures


def _skipped(options: argparse.Namespace) -> frozenset[str]:
    """The parts to leave out.

    Raises:
        InputError: there is no such part.
    """
    asked = {name.strip() for name in options.skip.split(",") if name.strip()}
    if unknown := sorted(asked - {*PARTS}):
        raise InputError(f"--skip {unknown[0]}: there is no such part, give {' or '.join(PARTS)}.")
    return frozenset({*asked, *(["exploration"] if options.skip_exploration else [])})


def _told(failure: Exception, verbose: bool) -> str:
    stack = getattr(failure, "stack", None)
    if stack is None:
        return str(failure)
    if verbose:
        print(stack, file=sys.stderr)
        return f"{failure}."
    return f"{failure}. Run again with --verbose for the stack trace."


def _run_configuration(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    from amazon_seg_assets.rules.scheme import BUILT_IN_SCHEMES

    configuration: dict[str, dict[str, Any]] = {}
    if options.force:
        configuration |= {"raw_reviews": {"force": True}, "raw_metadata": {"force": True}}
    if options.scheme:
        field = "scheme" if options.scheme in BUILT_IN_SCHEMES else "scheme_file"
        configuration["rfm_segments"] = {field: options.scheme}
    if options.k is not None:
        configuration["k_sweep"] = {"k": options.k}
    return configuration


def _summarize(done: _Done, home: Path) -> None:
    from rich.console import Console

    from amazon_seg_assets.run.console import segment_table
    from amazon_seg_assets.stages.movement.assets import SEGMENT_EXPORT
    from amazon_seg_assets.stages.report.assets import EXECUTIVE_REPORT

    console, store, snapshot = Console(), done.store, done.snapshot
    console.print(segment_table(store, snapshot))
    for caution in done.cautions:
        console.print(f"Warning: {caution}", soft_wrap=True, highlight=False, markup=False)
    report = store.path(EXECUTIVE_REPORT.name, snapshot) / f"{EXECUTIVE_REPORT.name}.html"
    places = {
        "Report": url_of(report),
        "Customers by segment": url_of(store.path(SEGMENT_EXPORT.name, snapshot)),
        "Tables and plots": url_of(store.folder),
        "Dagster's records": home,
    }
    if is_local(store.folder):
        places["Plots as PNG"] = f"{store.path('*_plot', snapshot)}/"
    places["Web UI"] = f"`make ui` or `amazon-seg ui`, then {address()}"
    width = max(map(len, places))
    for name, place in places.items():
        console.print(f"  {name:<{width}}  {place}", soft_wrap=True, highlight=False, markup=False)
