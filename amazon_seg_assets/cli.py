"""The command line, ``amazon-seg``: run the main job, write sample data, open the UI."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amazon_seg_assets import __version__
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.locations import is_local, url_of
from amazon_seg_assets.settings import PREFIX, Settings, load_settings

if TYPE_CHECKING:
    from amazon_seg_assets.headless import HeadlessRun
    from amazon_seg_assets.storage.layout import Store

_UI_HOST = "127.0.0.1"
_DEFAULT_PORT = 3000


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command; exits with 1 on failure, with its cause in one sentence."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except InputError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail(
            "Interrupted; the steps that had ended are stored, the rest is as before: run again to "
            "complete it.",
            status=130,
        )


def _fail(message: str, status: int = 1) -> None:
    print(f"\nError: {message}", file=sys.stderr)
    raise SystemExit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="amazon-seg",
        description="Customer segmentation from Amazon product reviews.",
        epilog=f"Every setting can also come from the environment ({PREFIX}…) or a .env file.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="from raw reviews to segments, plots and tables")
    _add_settings(run)
    run.add_argument("--snapshot", metavar="YYYY-MM", help="month; default: the last with reviews")
    run.add_argument("--all-months", action="store_true", help="clean and join all months")
    run.add_argument("--scheme", help="RFM scheme: standard, notebook, or a YAML file")
    run.add_argument("--k", type=int, help="number of clusters; default: chosen by rule")
    run.add_argument(
        "--force",
        action="store_true",
        help="do anew what is up to date, and let the sample replace real data",
    )
    run.add_argument(
        "--skip-exploration", action="store_true", help="leave out the tables and plots of raw data"
    )
    run.add_argument("--verbose", action="store_true", help="logs, and stack traces of failures")
    run.set_defaults(command=_run)

    sample = commands.add_parser("sample", help="write the built-in sample's raw files")
    sample.add_argument("directory", type=Path)
    sample.add_argument("--category", default="Electronics")
    sample.add_argument("--reviews", type=int, default=200_000)
    sample.add_argument("--seed", type=int, default=42)
    sample.set_defaults(command=_sample)

    ui = commands.add_parser("ui", help="start the Dagster web UI on this machine")
    _add_settings(ui)
    ui.add_argument("--port", type=int, default=_DEFAULT_PORT, help="default: %(default)s")
    ui.set_defaults(command=_ui)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", help="sample, hub, or the path of a folder")
    parser.add_argument("--category", help="category, such as Electronics")
    parser.add_argument("--storage", metavar="DIR", help="folder or URL of tables and plots")
    parser.add_argument("--reviews", type=int, metavar="N", help="reviews of the built-in sample")
    parser.add_argument("--master", metavar="URL", help="Spark master, such as local[*]")


def _settings(options: argparse.Namespace) -> Settings:
    return load_settings(
        source=options.source,
        category=options.category,
        storage=options.storage,
        sample_reviews=options.reviews,
        spark_master=options.master,
    )


def _run(options: argparse.Namespace) -> None:
    warnings.filterwarnings("ignore")
    settings = _settings(options)
    # Dagster, Spark and matplotlib take seconds to import: a wrong option is told before.
    from amazon_seg_assets.definitions import build_definitions
    from amazon_seg_assets.headless import HeadlessRun, RunError
    from amazon_seg_assets.instance import (
        end_dead_runs,
        ensure_dagster_home,
        open_instance,
        process_tag,
    )
    from amazon_seg_assets.jobs import run_tags
    from amazon_seg_assets.partitions import require_in_span
    from amazon_seg_assets.progress import Progress
    from amazon_seg_assets.resources import spark_resource
    from amazon_seg_assets.rules.recommendations import load_recommendations
    from amazon_seg_assets.rules.scheme import load_scheme
    from amazon_seg_assets.transforms.sweep import POSSIBLE_KS

    if options.snapshot:
        require_in_span(options.snapshot)
    load_recommendations(load_scheme(options.scheme or settings.scheme))
    if options.k is not None and options.k not in POSSIBLE_KS:
        raise InputError(
            f"--k is {options.k}: choose {POSSIBLE_KS[0]} to {POSSIBLE_KS[-1]} clusters."
        )
    home = ensure_dagster_home()
    definitions = build_definitions(settings)
    started = time.monotonic()
    with open_instance(home) as instance, Progress() as progress:
        end_dead_runs(instance)
        # It takes seconds, in which the source is looked at.
        spark_resource(settings).start_in_background()
        run = HeadlessRun(
            definitions,
            instance,
            progress.on_event,
            ops=_run_configuration(options),
            log_level="INFO" if options.verbose else "CRITICAL",
            tags=run_tags(settings) | process_tag(),
        )
        try:
            store, snapshot = _execute(run, options, settings, progress)
        except RunError as failure:
            if options.verbose:
                print(failure.stack, file=sys.stderr)
                _fail(f"{failure}.")
            _fail(f"{failure}. Run again with --verbose for the stack trace.")
    _summarize(store, snapshot, home, time.monotonic() - started, run.warnings)


def _execute(
    run: HeadlessRun, options: argparse.Namespace, settings: Settings, progress: Any
) -> tuple[Store, str]:
    from amazon_seg_assets.months import contiguous
    from amazon_seg_assets.snapshots import default_snapshot, months_to_prepare
    from amazon_seg_assets.staleness import stale_months
    from amazon_seg_assets.storage.layout import Store

    jobs = ("ingest", "prepare_months", "segment_snapshot")
    progress.expect(sum(map(run.steps, jobs)))
    store = Store(settings.storage.absolute(), settings.category)
    run.ingest_raw()
    if options.force or not run.are_products_clean(store):
        run.clean_products()
    explores = not options.skip_exploration and (options.force or not run.is_explored(store))
    snapshot = options.snapshot or default_snapshot(store)
    months = months_to_prepare(store, snapshot, options.all_months)
    ranges = contiguous(months if options.force else stale_months(store, months))
    to_come = [*(["explore"] if explores else []), *["prepare_months"] * len(ranges), jobs[-1]]
    progress.expect(sum(map(run.steps, to_come)))
    if explores:
        run.explore()
    for first, last in ranges:
        run.prepare([first, last])
    run.segment(snapshot)
    return store, snapshot


def _run_configuration(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    configuration: dict[str, dict[str, Any]] = {}
    if options.force:
        configuration |= {"raw_reviews": {"force": True}, "raw_metadata": {"force": True}}
    if options.scheme:
        configuration["rfm_segments"] = {"scheme": options.scheme}
    if options.k is not None:
        configuration["k_sweep"] = {"k": options.k}
    return configuration


def _summarize(
    store: Store, snapshot: str, home: Path, seconds: float, cautions: Sequence[str]
) -> None:
    from rich.console import Console

    from amazon_seg_assets.assets.export import SEGMENT_EXPORT
    from amazon_seg_assets.assets.report import EXECUTIVE_REPORT
    from amazon_seg_assets.summary import segment_table

    console = Console()
    console.print(segment_table(store, snapshot))
    for caution in cautions:
        console.print(f"Warning: {caution}", soft_wrap=True, highlight=False, markup=False)
    console.print(f"Done in {seconds:.0f} s.")
    report = store.path(EXECUTIVE_REPORT, snapshot) / f"{EXECUTIVE_REPORT}.html"
    places = {
        "Report": url_of(report),
        "Customers by segment": url_of(store.path(SEGMENT_EXPORT, snapshot)),
        "Tables and plots": url_of(store.folder),
        "Dagster's records": home,
    }
    if is_local(store.folder):
        places["Plots as PNG"] = f"{store.path('*_plot', snapshot)}/"
    places["Web UI"] = f"`make ui` or `amazon-seg ui`, then http://localhost:{_DEFAULT_PORT}"
    width = max(map(len, places))
    for name, place in places.items():
        console.print(f"  {name:<{width}}  {place}", soft_wrap=True, highlight=False, markup=False)


def _sample(options: argparse.Namespace) -> None:
    from amazon_seg_assets.sources.sample import write_sample

    write_sample(options.directory, options.category, options.reviews, options.seed)
    print(f"{options.reviews:,} reviews of {options.category} are in {options.directory}.")


def _ui(options: argparse.Namespace) -> None:
    settings = _settings(options)
    _require_usable(options.port)
    from amazon_seg_assets.instance import end_dead_runs, ensure_dagster_home, open_instance

    with open_instance(ensure_dagster_home()) as instance:
        end_dead_runs(instance)
    # The web server starts processes of its own, which read their settings from the environment.
    for name in ("source", "category", "sample_reviews", "spark_master"):
        os.environ[PREFIX + name.upper()] = str(getattr(settings, name))
    os.environ[PREFIX + "STORAGE"] = url_of(settings.storage)
    # Of this package, as that of the current folder may be of another project.
    what = ["-w", str(Path(__file__).with_name("workspace.yaml"))]
    where = ["--host", _UI_HOST, "--port", str(options.port)]
    # Flushed, as this process becomes another one.
    print(f"Dagster UI: http://localhost:{options.port} (Ctrl-C stops it)", flush=True)
    # Dagster would have its newer tool `dg` used, which asks for another layout of the project.
    quiet = ["-W", "ignore:Function `dev_command` is superseded"]
    os.execv(sys.executable, [sys.executable, *quiet, "-m", "dagster", "dev", *what, *where])


def _require_usable(port: int) -> None:
    with socket.socket() as probe:
        # As the web server does: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_UI_HOST, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"The UI cannot use port {port} ({reason}): choose another, such as "
                f"`--port {_DEFAULT_PORT + 1}`, or stop what listens there."
            ) from error
