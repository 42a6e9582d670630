"""The assets of one category: what their keys, partitions and versions follow from."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dagster import AssetKey, MonthlyPartitionsDefinition, TimeWindowPartitionMapping

from amazon_seg_assets.months import Span, month_after, month_range
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.storage.layout import Store

MONTH_FORMAT = "%Y-%m"


@dataclass(frozen=True)
class Family:
    """The category that declarations are bound to, and the settings that they follow.

    Attributes:
        category: first part of all keys; a further category renames nothing.
        settings: of the deployment.
        months: the partitions, which all families share.
    """

    category: str
    settings: Settings
    months: MonthlyPartitionsDefinition

    @property
    def span(self) -> Span:
        """The months that exist as partitions."""
        return self.settings.span

    @property
    def store(self) -> Store:
        """The storage of the category."""
        return Store(self.settings.storage.absolute(), self.category)

    def key(self, asset: str) -> AssetKey:
        """The key of an asset of the category."""
        return AssetKey([self.category, asset])

    def name(self, of: str) -> str:
        """The name of an op, a job or a sensor: these have no keys, and are unique everywhere."""
        return f"{self.category}__{of}"


def families(settings: Settings) -> Sequence[Family]:
    """One family for each category of the deployment."""
    months = monthly_partitions(settings.span)
    return [Family(category, settings, months) for category in settings.categories]


def monthly_partitions(span: Span) -> MonthlyPartitionsDefinition:
    """One partition for each month of a span, in UTC."""

    def start(month: str) -> datetime:
        return datetime.strptime(month, MONTH_FORMAT).replace(tzinfo=UTC)

    return MonthlyPartitionsDefinition(
        start_date=start(span.first),
        end_date=start(month_after(span.last)),
        fmt=MONTH_FORMAT,
        timezone="UTC",
    )


@dataclass(frozen=True)
class Reach:
    """Months of an input that a snapshot reads beside its own.

    Attributes:
        before: months before its own; None for all of the span.
        after: months after it.
        has_gaps: a month beside its own that is not stored is left out; else it must be there.
    """

    before: int | None = 0
    after: int = 0
    has_gaps: bool = True

    def months(self, span: Span, snapshot: str, stored: Iterable[str]) -> list[str]:
        """The months to read: the snapshot's, and others of the span."""
        first = span.first if self.before is None else month_after(snapshot, -self.before)
        last = month_after(snapshot, self.after)
        reached = month_range(max(span.first, first), min(span.last, last))
        there = {snapshot, *stored} if self.has_gaps else {*reached}
        return [month for month in reached if month in there]

    def mapping(self, span: Span) -> TimeWindowPartitionMapping:
        """The same for Dagster: from a snapshot to the partitions that it depends on."""
        before = len(month_range(span.first, span.last)) if self.before is None else self.before
        with warnings.catch_warnings():
            # Months outside the span may be left out; Dagster calls this beta, each time.
            warnings.simplefilter("ignore")
            return TimeWindowPartitionMapping(
                start_offset=-before,
                end_offset=self.after,
                allow_nonexistent_upstream_partitions=True,
            )
