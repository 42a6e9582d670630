"""The assets of one category: what their keys, partitions and versions follow from."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dagster import AssetKey, MonthlyPartitionsDefinition, TimeWindowPartitionMapping

from amazon_seg_assets.months import LOOK_BACK_MONTHS, Span, month_after
from amazon_seg_assets.settings import Settings

MONTH_FORMAT = "%Y-%m"


@dataclass(frozen=True)
class Family:
    """What binds declarations to one category.

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


def look_back() -> TimeWindowPartitionMapping:
    """From a snapshot to the months that it looks at."""
    with warnings.catch_warnings():
        # Months before the first may be left out; Dagster calls this beta, and says so each time.
        warnings.simplefilter("ignore")
        return TimeWindowPartitionMapping(
            start_offset=-LOOK_BACK_MONTHS, allow_nonexistent_upstream_partitions=True
        )
