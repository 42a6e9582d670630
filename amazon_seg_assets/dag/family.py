"""The assets of one category: what their keys, partitions and versions follow from."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from dagster import AssetKey, MonthlyPartitionsDefinition, TimeWindowPartitionMapping

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import SNAPSHOT_MONTHS, Span, Spans, month_after, month_range
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.storage.layout import Store

MONTH_FORMAT = "%Y-%m"

PUBLISHED_UNTIL = "2023-09"
"""The last month of Amazon Reviews 2023, and so the last before anything is ingested."""

# Tables of stages, which know this module: a test holds that these are their names.
_REVIEWS, _JOINED, _FEATURES = "raw_reviews", "joined_reviews", "rfm_features"


@dataclass(frozen=True)
class Family:
    """The category that declarations are bound to, and the settings that they follow.

    Attributes:
        category: first part of all keys; a further category renames nothing.
        settings: of the deployment.
        spans: the months that exist as partitions.
    """

    category: str
    settings: Settings
    spans: Spans

    @property
    def span(self) -> Span:
        """All months of the data, which are partitions of its history."""
        return self.spans.history

    def renewed(self, **settings: str) -> Family:
        """The family alone, with the months that its storage now has, and some settings changed."""
        [family] = families(
            self.settings.model_copy(update={"category": self.category, **settings})
        )
        return family

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
    """One family for each category of the deployment, with months that follow its data."""
    return [
        Family(category, settings, _spans(settings, Store(settings.storage.absolute(), category)))
        for category in settings.categories
    ]


def _spans(settings: Settings, store: Store) -> Spans:
    """The months of a category by its settings and by what is stored now.

    They are of this process: after an ingestion of further months, `Family.renewed` has those too.
    """
    bounds = settings.span
    reviews, joined, features = (
        [month for month in _stored(store, table) if month in bounds]
        for table in (_REVIEWS, _JOINED, _FEATURES)
    )
    usual = PUBLISHED_UNTIL if PUBLISHED_UNTIL in bounds else bounds.last
    months = Span(
        min(reviews, default=bounds.first), settings.last_month or max(reviews, default=usual)
    )
    recent = month_after(months.last, 1 - SNAPSHOT_MONTHS)
    return Spans.of(
        months, settings.first_snapshot or min([recent, *features]), min(joined, default=None)
    )


def _stored(store: Store, table: str) -> list[str]:
    try:
        return store.months(table)
    except InputError:
        return []  # A storage that cannot be reached is told by the runs that need it.


@cache
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
        is_optional: its own month is left out too, if it is not stored.
    """

    before: int | None = 0
    after: int = 0
    has_gaps: bool = True
    is_optional: bool = False

    def months(self, span: Span, snapshot: str, stored: Iterable[str]) -> list[str]:
        """The months to read: the snapshot's, and others of the span."""
        first = span.first if self.before is None else month_after(snapshot, -self.before)
        last = month_after(snapshot, self.after)
        reached = month_range(max(span.first, first), min(span.last, last))
        own = () if self.is_optional else (snapshot,)
        there = {*own, *stored} if self.has_gaps else {*reached}
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
