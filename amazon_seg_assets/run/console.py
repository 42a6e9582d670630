"""The terminal of a headless run: which asset it is at, how far it is, and its segments."""

import time
from collections.abc import Mapping
from typing import Self

from dagster import AssetCheckKey, DagsterEventType, EventLogEntry, MetadataValue
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from amazon_seg_assets.dag.metadata import ROWS
from amazon_seg_assets.formats import short
from amazon_seg_assets.stages.overview.summary import by_segment
from amazon_seg_assets.stages.overview.tables import SEGMENT_SUMMARY
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import read_small

_FEW_ROWS = 1000  # of fewer, rows a second say nothing


class Progress:
    """Prints a line for each finished asset, and a live one for the asset at work."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status = Status("Starting", console=self._console)
        self._steps = 0
        self._done = 0
        self._step = ""
        self._started = time.monotonic()
        self._rows = 0
        self._checks: dict[AssetCheckKey, bool] = {}
        self._rows_per_second = 0
        self._peak_mb = 0

    def begin(self, category: str) -> None:
        """Names the category that is next, where there are several."""
        if category:
            self._console.print(f"\n{escape(category)}", style="bold", highlight=False)

    def expect(self, steps: int) -> None:
        """Says how many steps are still to come."""
        self._steps = self._done + steps

    def on_event(self, entry: EventLogEntry) -> None:
        """Takes an event of Dagster's log."""
        event = entry.dagster_event
        if event is None:
            self._status.update(f"{self._position()} {escape(entry.user_message)}")
        elif event.event_type is DagsterEventType.STEP_START:
            self._step, self._started = _asset(event.step_key), time.monotonic()
            self._rows = self._rows_per_second = self._peak_mb = 0
            self._checks = {}
            self._status.update(f"{self._position()} {self._step}")
        elif event.event_type is DagsterEventType.ASSET_MATERIALIZATION:
            metadata = event.materialization.metadata
            self._rows += sum(_figure(metadata, name) for name in ROWS)
            # Every partition of a step has the same; rows are its own.
            self._rows_per_second = _cost(metadata, "rows_per_second")
            self._peak_mb = _cost(metadata, "peak_memory_mb")
        elif event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
            told = event.asset_check_evaluation_data
            held = self._checks.get(told.asset_check_key, True)
            self._checks[told.asset_check_key] = held and told.passed
        elif event.event_type is DagsterEventType.STEP_SUCCESS:
            self._finish("[green]✓[/green]", self._step, self._result())
        elif event.event_type is DagsterEventType.STEP_FAILURE:
            self._finish("[red]✗[/red]", _asset(event.step_key) or self._step, "failed")

    def _position(self) -> str:
        return rf"\[{self._done + 1}/{self._steps}]"

    def _result(self) -> str:
        if self._checks:
            return f"{sum(self._checks.values())} of {len(self._checks)} hold"
        return f"{self._rows:,} rows" if self._rows else ""

    def _finish(self, mark: str, step: str, result: str) -> None:
        seconds = time.monotonic() - self._started
        is_told = self._rows_per_second and self._rows >= _FEW_ROWS
        speed = f"{short(self._rows_per_second)}/s" if is_told else ""
        memory = f"{self._peak_mb / 1024:.1f} GiB" if self._peak_mb else ""
        line = (
            f"{mark} {self._position():>8} {step:<24.24} {result:>15} {seconds:6.1f} s"
            f" {speed:>8} {memory:>7}"
        )
        self._console.print(line, highlight=False)
        self._done += 1

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._status.stop()


def _asset(step: str | None) -> str:
    """The asset of a step, whose name begins with the category."""
    return (step or "").rpartition("__")[2]


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
