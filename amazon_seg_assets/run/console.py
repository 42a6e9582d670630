"""The terminal of a headless run: which asset it is at, how far it is, and its segments."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self, TextIO

from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    DagsterEvent,
    DagsterEventType,
    EventLogEntry,
    MetadataValue,
)
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from amazon_seg_assets.dag.metadata import ROWS
from amazon_seg_assets.formats import short
from amazon_seg_assets.planning.staleness import DECLARED
from amazon_seg_assets.stages.overview.summary import by_segment
from amazon_seg_assets.stages.overview.tables import SEGMENT_SUMMARY
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import read_small

_FEW_ROWS = 1000  # of fewer, rows a second say nothing
_NAMES = max(len(declared.name) for declared in DECLARED)
_HEADS = ("", "step", "asset", "rows, checks", "seconds", "rows/s", "GiB")


def _line(mark: str, position: str, name: str, result: str, seconds: str, *cost: str) -> str:
    speed, memory = cost
    return (
        f"{mark:1} {position:>7} {name:<{_NAMES}} {result:>13} {seconds:>7} {speed:>7} {memory:>4}"
    )


@dataclass
class _Step:
    """A step at work, as far as its events have told.

    Attributes:
        name: of its asset, or of the step of checks.
        started: by the monotonic clock.
        rows: stored.
        rows_per_second: of all its months together, as the memory is.
        peak_mb: most memory in use, in MiB.
        held: whether each check has held, in all months.
        warnings: sentences of checks that block nothing.
    """

    name: str = ""
    started: float = field(default_factory=time.monotonic)
    rows: int = 0
    rows_per_second: int = 0
    peak_mb: int = 0
    held: dict[AssetCheckKey, bool] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def materialized(self, metadata: Mapping[str, MetadataValue]) -> None:
        self.rows += sum(_figure(metadata, name) for name in ROWS)
        # Every partition of a step has the same; rows are its own.
        self.rows_per_second = _cost(metadata, "rows_per_second")
        self.peak_mb = _cost(metadata, "peak_memory_mb")

    def checked(self, found: AssetCheckEvaluation) -> None:
        key = found.asset_check_key
        self.held[key] = self.held.get(key, True) and found.passed
        if not (found.passed or found.blocking):
            self.warnings.append(f"{found.check_name}: {found.description}")

    def line(self, mark: str, position: str, result: str = "") -> str:
        held = f"{sum(self.held.values())} of {len(self.held)} hold" if self.held else ""
        rows = f"{self.rows:,}" if self.rows else ""
        is_told = self.rows_per_second and self.rows >= _FEW_ROWS
        return _line(
            mark,
            position,
            self.name,
            result or held or rows,
            f"{time.monotonic() - self.started:.1f}",
            short(self.rows_per_second) if is_told else "",
            f"{self.peak_mb / 1024:.1f}" if self.peak_mb else "",
        )


class Progress:
    """Prints a line for each finished asset, and a live one for the asset at work.

    Writes to the terminal itself: what goes to the standard streams while a step runs is captured
    by Dagster, and some of its last lines are lost on the way.

    Args:
        is_quiet: prints nothing.
    """

    def __init__(self, is_quiet: bool = False) -> None:
        self._file = _terminal()
        self._console = Console(file=self._file, quiet=is_quiet, highlight=False, soft_wrap=True)
        columns = (BarColumn(20), TaskProgressColumn(), TimeRemainingColumn())
        what = TextColumn("{task.description}")
        self._bar = Bar(*columns, what, console=self._console, transient=True)
        self._task = self._bar.add_task("Looking at what is stored", total=None)
        self._steps = 0
        self._done = 0
        self._step = _Step()
        self._has_heads = False

    def begin(self, category: str) -> None:
        """Begins a category, whose name is told where there are several."""
        self._steps = self._done = 0
        if category:
            self._console.print(f"\n{escape(category)}", style="bold")

    def expect(self, steps: int) -> None:
        """Says how many steps are still to come."""
        self._steps = self._done + steps
        self._bar.update(self._task, total=self._steps, completed=self._done)

    def on_event(self, entry: EventLogEntry) -> None:
        """Takes an event of Dagster's log."""
        event = entry.dagster_event
        if event is None:
            self._show(f"{self._step.name}: {entry.user_message}")
            return
        match event.event_type:
            case DagsterEventType.STEP_START:
                self._step = _Step(_asset(event))
                self._show(self._step.name)
            case DagsterEventType.ASSET_MATERIALIZATION:
                self._step.materialized(event.materialization.metadata)
            case DagsterEventType.ASSET_CHECK_EVALUATION:
                self._step.checked(event.asset_check_evaluation_data)
            case DagsterEventType.STEP_SUCCESS:
                self._finish("[yellow]![/yellow]" if self._step.warnings else "[green]✓[/green]")
            case DagsterEventType.STEP_FAILURE:
                self._step.name = _asset(event) or self._step.name
                self._finish("[red]✗[/red]", "failed")

    def _show(self, what: str) -> None:
        self._bar.update(self._task, description=f"{self._position()} {escape(what)}")

    def _position(self) -> str:
        return f"{self._done + 1}/{self._steps}"

    def _finish(self, mark: str, result: str = "") -> None:
        if not self._has_heads:
            self._console.print(_line(*_HEADS), style="bold")
            self._has_heads = True
        # The mark is one character wide, its markup is not.
        line = self._step.line(" ", self._position(), result)
        self._console.print(f"{mark}{escape(line[1:])}")
        for warning in self._step.warnings:
            self._console.print(f"[yellow]![/yellow]         {escape(warning)}")
        self._done += 1
        self._bar.update(self._task, completed=self._done)

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._console.is_interactive:
            self._bar.stop()
        if self._file is not sys.stderr:
            self._file.close()


def _terminal() -> TextIO:
    """A stream of our own to where standard error goes now."""
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding)
    except OSError:  # it goes to no file, as in tests
        return sys.stderr


def _asset(event: DagsterEvent) -> str:
    """The asset of a step, whose name begins with the category."""
    return (event.step_key or "").rpartition("__")[2]


def _cost(metadata: Mapping[str, MetadataValue], name: str) -> int:
    return _figure(metadata, name) or _figure(metadata, f"step_{name}")


def _figure(metadata: Mapping[str, MetadataValue], name: str) -> int:
    return int(metadata[name].value) if name in metadata else 0  # type: ignore[arg-type]


def segment_table(store: Store, snapshot: str) -> Table:
    """Segments of a snapshot: customers, share, mean RFM; says so if the customers are invented.

    Raises:
        InputError: the raw reviews have not been materialized.
    """
    segments = by_segment(read_small(store, SEGMENT_SUMMARY, snapshot))
    customers = int(segments["customers"].sum())
    is_sample = require_manifest(store, RAW_REVIEWS.name).is_sample
    invented = ", invented (built-in sample)" if is_sample else ""
    table = Table(title=f"{store.category}, snapshot {snapshot}: {customers:,} customers{invented}")
    table.add_column("Segment")
    for heading in ("Customers", "Share", "Recency (days)", "Reviews", "Spend (USD)"):
        table.add_column(heading, justify="right")
    for row in segments.itertuples(index=False):
        table.add_row(
            escape(row.segment),
            f"{row.customers:,}",
            f"{row.share:.1%}",
            f"{row.recency:,.0f}",
            f"{row.frequency:,.2f}",
            f"{row.monetary:,.2f}",
        )
    return table
