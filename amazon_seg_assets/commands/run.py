"""``amazon-seg run``: from raw reviews to segments, plots and the report, a category in turn."""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amazon_seg_assets.commands import add_command, add_settings, settings_of
from amazon_seg_assets.commands.outcome import Done, as_json, summarize
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.formats import listed
from amazon_seg_assets.months import month_range
from amazon_seg_assets.stages.clusters.ways import SELECTABLE

if TYPE_CHECKING:
    from dagster import DagsterInstance, Definitions

    from amazon_seg_assets.dag.family import Family
    from amazon_seg_assets.run.console import Progress
    from amazon_seg_assets.settings import Settings


PARTS = ("exploration", "history", "value", "churn", "sentiment", "comparison")
"""Parts of the main job that may be left out."""


def add_to(commands: Any) -> None:
    """Adds the command and its options."""
    parser = add_command(commands, "run", "from raw reviews to segments, plots and tables")
    add_settings(parser)
    parser.add_argument(
        "--snapshot", metavar="YYYY-MM", help="month, or first..last; default: last with reviews"
    )
    parser.add_argument("--all-months", action="store_true", help="clean and join all months")
    parser.add_argument("--scheme", help="RFM scheme: standard, notebook, or a YAML file")
    parser.add_argument("--k", type=int, help="number of clusters; default: chosen by rule")
    parser.add_argument("--algorithm", help=f"way to cluster: {listed(SELECTABLE, 'or')}")
    parser.add_argument(
        "--force",
        action="store_true",
        help="do anew what is up to date, and let the sample replace real data",
    )
    parser.add_argument(
        "--skip",
        metavar="A,B",
        default="",
        help="parts to leave out: exploration, history (and what needs it), value, churn, "
        "sentiment, comparison",
    )
    parser.add_argument(
        "--skip-exploration", action="store_true", help="the same as --skip exploration"
    )
    parser.add_argument("--json", action="store_true", help="the result for programs")
    parser.add_argument("--quiet", action="store_true", help="print errors alone")
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
    seconds = time.monotonic() - started
    if options.json:
        print(as_json(done, failures, seconds))
    elif not options.quiet:
        for each in done:
            summarize(each, home)
        if done:
            print(_said(done, seconds))
    if failures:
        raise InputError("\n       ".join(failures))


def _require_valid(options: argparse.Namespace, settings: Settings) -> None:
    """Tells what is wrong with options before anything starts."""
    from amazon_seg_assets.origin import require_files
    from amazon_seg_assets.rules.recommendations import load_recommendations
    from amazon_seg_assets.rules.scheme import load_scheme
    from amazon_seg_assets.stages.clusters.ks import POSSIBLE_KS

    _skipped(options)
    _snapshots(options, settings)
    load_recommendations(load_scheme(options.scheme or settings.scheme), folder=settings.rules)
    if options.k is not None and options.k not in POSSIBLE_KS:
        raise InputError(
            f"--k is {options.k}: choose {POSSIBLE_KS[0]} to {POSSIBLE_KS[-1]} clusters."
        )
    if options.algorithm is not None and options.algorithm not in SELECTABLE:
        raise InputError(f"--algorithm {options.algorithm}: give {listed(SELECTABLE, 'or')}.")
    require_files(settings)


def _said(done: Sequence[Done], seconds: float) -> str:
    if any(each.is_new for each in done):
        return f"Done in {seconds:.0f} s."
    return (
        f"All is up to date: nothing was to be done, as a look of {seconds:.1f} s has shown. "
        "--force does it again."
    )


@dataclass
class _Work:
    """Dagster's records, Spark and the definitions, as soon as there is something to do."""

    settings: Settings
    home: Path
    open_until: ExitStack

    @cached_property
    def instance(self) -> DagsterInstance:
        """Dagster's records; Spark starts too, as it takes seconds."""
        from amazon_seg_assets.dag.resources import spark_resource
        from amazon_seg_assets.planning.retention import remove_old_runs
        from amazon_seg_assets.run.instance import end_dead_runs, open_instance

        instance = self.open_until.enter_context(open_instance(self.home))
        end_dead_runs(instance)
        spark_resource(self.settings).start_in_background()
        remove_old_runs(instance, self.settings.keep_runs_days)
        return instance

    @cached_property
    def definitions(self) -> Definitions:
        """All definitions."""
        from amazon_seg_assets.definitions import build_definitions

        return build_definitions(self.settings)


def _run_all(
    options: argparse.Namespace, settings: Settings, home: Path
) -> tuple[list[Done], list[str]]:
    """Brings the categories up to date in turn; returns those that are, and failures."""
    from amazon_seg_assets.dag.family import families
    from amazon_seg_assets.run.console import Progress
    from amazon_seg_assets.run.headless import RunError
    from amazon_seg_assets.run.instance import keeping_records

    done, failures = list[Done](), list[str]()
    several = len(settings.categories) > 1
    with ExitStack() as open_until:
        progress = open_until.enter_context(Progress(options.quiet or options.json))
        work = _Work(settings, home, open_until)
        for family in families(settings):
            progress.begin(family.category if several else "")
            try:
                with keeping_records(home):
                    done.append(_run_one(options, family, work, progress))
            except (InputError, RunError) as failure:
                told = _told(failure, options.verbose)
                failures.append(f"{family.category}: {told}" if several else told)
    return done, failures


def _run_one(options: argparse.Namespace, family: Family, work: _Work, progress: Progress) -> Done:
    """Brings a category up to date, in the one Spark session of all."""
    from amazon_seg_assets.origin import source_of
    from amazon_seg_assets.planning.planner import MainJob, Planner
    from amazon_seg_assets.run.headless import HeadlessRun

    snapshots = _snapshots(options, work.settings)
    asked = MainJob(snapshots, options.all_months, _skipped(options), options.force)
    planner = Planner(family, asked, ops := _configuration(options))
    if not planner.must_ingest(source_of(work.settings)) and not planner.runs():
        return Done(family.store, planner.snapshots(), is_new=False)
    instance = work.instance  # before the definitions, so that Spark starts meanwhile
    from amazon_seg_assets.definitions import build_definitions

    headless = HeadlessRun(
        work.definitions,
        family,
        instance,
        progress.on_event,
        ops=ops,
        log_level="INFO" if options.verbose else "CRITICAL",
        expect=progress.expect,
        build=build_definitions,
    )
    return Done(family.store, headless.main_job(asked), headless.warnings)


def _skipped(options: argparse.Namespace) -> frozenset[str]:
    """The parts to leave out.

    Raises:
        InputError: there is no such part.
    """
    asked = {name.strip() for name in options.skip.split(",") if name.strip()}
    if unknown := sorted(asked - {*PARTS}):
        raise InputError(f"--skip {unknown[0]}: there is no such part, give {listed(PARTS, 'or')}.")
    return frozenset({*asked, *(["exploration"] if options.skip_exploration else [])})


def _snapshots(options: argparse.Namespace, settings: Settings) -> list[str]:
    """The snapshots asked for; none for the last month with reviews.

    Raises:
        InputError: one is not a month of the span, or they are in the wrong order.
    """
    if not options.snapshot:
        return []
    first, dots, end = options.snapshot.partition("..")
    last = end if dots else first
    for month in (first, last):
        settings.span.require(month or options.snapshot)
    if not (months := month_range(first, last)):
        raise InputError(f"--snapshot {options.snapshot} ends before it begins: write first..last.")
    return months


def _told(failure: Exception, verbose: bool) -> str:
    stack = getattr(failure, "stack", None)
    if stack is None:
        return str(failure)
    if verbose:
        print(stack, file=sys.stderr)
        return f"{failure}."
    return f"{failure}. Run again with --verbose for the stack trace."


def _configuration(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    from amazon_seg_assets.rules.scheme import BUILT_IN_SCHEMES

    configuration: dict[str, dict[str, Any]] = {}
    if options.force:
        configuration |= {"raw_reviews": {"force": True}, "raw_metadata": {"force": True}}
        configuration["review_profile"] = {"afresh": True}
    if options.scheme:
        field = "scheme" if options.scheme in BUILT_IN_SCHEMES else "scheme_file"
        configuration["rfm_segments"] = {field: options.scheme}
    asked = {"k": options.k, "algorithm": options.algorithm}
    if sweep := {name: value for name, value in asked.items() if value is not None}:
        configuration["k_sweep"] = sweep
    return configuration
