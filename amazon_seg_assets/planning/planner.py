"""The planner: which runs bring a category up to date, from raw reviews to the report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amazon_seg_assets.dag.declaration import AssetDeclaration, declared_in
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import contiguous, month_range
from amazon_seg_assets.planning.jobs import EXPLORE, HISTORY, INGEST, PREPARE, SEGMENT, job_of
from amazon_seg_assets.planning.snapshots import (
    default_snapshot,
    months_of_history,
    months_to_prepare,
    segmentable_months,
    year_before,
)
from amazon_seg_assets.planning.staleness import DECLARED, Look
from amazon_seg_assets.sources.base import Source
from amazon_seg_assets.stages.clusters.assets import cluster_model, customer_clusters, k_sweep
from amazon_seg_assets.stages.history.assets import customer_lifecycle
from amazon_seg_assets.stages.movement.assets import segment_export, segment_outcomes
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm.assets import rfm_features
from amazon_seg_assets.stages.segments.assets import rfm_segments
from amazon_seg_assets.stages.sentiment.assets import sentiment_sums

PARTS = {
    "exploration": ("exploration",),
    "history": ("history", "value", "churn", "movement"),
    "value": ("value", "churn"),
    "churn": ("churn",),
    "sentiment": ("sentiment",),
    "comparison": ("comparison",),
}
"""Stages that a run leaves out with each part that can be skipped: what stands on a part, too."""

A_YEAR_BEFORE = [
    rfm_features,
    k_sweep,
    cluster_model,
    customer_clusters,
    rfm_segments,
    customer_lifecycle,
    segment_outcomes,
    sentiment_sums,
]
"""The assets of the snapshot a year before that movement, outcomes and sentiment need."""


@dataclass(frozen=True)
class Planned:
    """A run of a job.

    Attributes:
        job: within the category.
        assets: of it that are materialized.
        first: month; empty where there are none.
        last: month, likewise.
        is_optional: the rest works without it, and says what it lacks.
    """

    job: str
    assets: Sequence[AssetDeclaration]
    first: str = ""
    last: str = ""
    is_optional: bool = False


@dataclass(frozen=True)
class MainJob:
    """The scope of the main job.

    Attributes:
        snapshots: to segment; none for the last month with reviews.
        all_months: cleans and joins all months, not only those that the snapshots need.
        skip: parts to leave out, of `PARTS`.
        force: does anew what is up to date.
    """

    snapshots: Sequence[str] = ()
    all_months: bool = False
    skip: frozenset[str] = frozenset()
    force: bool = False


@dataclass(frozen=True)
class Planner:
    """Plans the main job of a category from what is stored of it.

    Attributes:
        family: of the category.
        asked: the scope.
        ops: run configuration, by asset.
    """

    family: Family
    asked: MainJob
    ops: Mapping[str, Any]

    def must_ingest(self, source: Source) -> bool:
        """True if the raw tables are not those of the source as it now is.

        Raises:
            InputError: the source cannot be looked at.
        """
        return bool(self._look().raw(source))

    def runs(self) -> list[Planned]:
        """The runs that follow the ingestion, in order; none if all is up to date.

        Raises:
            InputError: there can be no such snapshot.
        """
        look, snapshots = self._look(), self.snapshots()
        before = [*filter(None, map(self._year_before, snapshots))]
        plan = [Planned(INGEST, due) for due in [look.due(self._of_ingestion())] if due]
        if "exploration" not in self.asked.skip and (due := look.due(declared_in("exploration"))):
            plan.append(Planned(EXPLORE, due))
        for job, months in ((HISTORY, self._days()), (PREPARE, self._prepared(snapshots, before))):
            due_of = {month: look.due(self._asked(assets_of(job)), month) for month in months}
            for first, last in contiguous(month for month, due in due_of.items() if due):
                of_range = month_range(first, last)
                due = [each for each in assets_of(job) if any(each in due_of[m] for m in of_range)]
                plan.append(Planned(job, due, first, last))
        for month in sorted({*snapshots, *before}):
            is_asked = month in snapshots
            made = self._of_snapshot() if is_asked else self._asked(A_YEAR_BEFORE)
            due = look.due(made, month)
            if not is_asked:
                due = look.worth_trying(due, month)
            if due:
                plan.append(Planned(SEGMENT, due, month, month, is_optional=not is_asked))
        return plan

    def likely_runs(self) -> list[Planned]:
        """The runs that follow the first ingestion, as far as can be told before it."""
        explored = [] if "exploration" in self.asked.skip else [EXPLORE]
        of_history = [HISTORY] if self._has_history else []
        jobs = [*explored, *of_history, PREPARE]
        snapshots = [self._asked(A_YEAR_BEFORE)] if self._has_history else []
        return [
            Planned(INGEST, self._of_ingestion()),
            *(Planned(job, self._asked(assets_of(job))) for job in jobs),
            *(Planned(SEGMENT, made) for made in (*snapshots, self._of_snapshot())),
        ]

    def _year_before(self, snapshot: str) -> str | None:
        return (
            year_before(self.family.store, self.family.span, snapshot)
            if self._has_history
            else None
        )

    def _days(self) -> list[str]:
        return months_of_history(self.family.store, self.family.span) if self._has_history else []

    def _prepared(self, snapshots: Iterable[str], before: Iterable[str]) -> list[str]:
        """The months to clean and join."""
        span = self.family.span
        look_back = {month for each in before for month in span.look_back(each)}
        of_snapshots = (
            months_to_prepare(self.family.store, span, each, self.asked.all_months)
            for each in snapshots
        )
        return sorted(look_back.union(*of_snapshots))

    def _of_snapshot(self) -> list[AssetDeclaration]:
        return of_snapshot(self.asked.skip)

    def _of_ingestion(self) -> list[AssetDeclaration]:
        """Assets made of whole raw tables: clean products, the model of sentiment."""
        return self._asked(each for each in assets_of(INGEST) if each.stage != "raw")

    def _asked(self, assets: Iterable[AssetDeclaration]) -> list[AssetDeclaration]:
        return without(self.asked.skip, assets)

    @property
    def _has_history(self) -> bool:
        return "history" not in self.asked.skip

    def snapshots(self) -> Sequence[str]:
        """The snapshots asked for, or the last that there can be.

        Raises:
            InputError: there can be none, or not one that was asked for.
        """
        store, span = self.family.store, self.family.span
        newest = default_snapshot(store, span)
        possible = segmentable_months(require_manifest(store, RAW_REVIEWS.name), span)
        for month in self.asked.snapshots:
            if month not in possible:
                raise InputError(
                    f"There is no snapshot {month} of {store.category}: the month has no reviews "
                    f"of verified purchases; choose one that has, such as {newest}."
                )
        return self.asked.snapshots or [newest]

    def _look(self) -> Look:
        return Look(self.family, self.ops, self.asked.force)


def assets_of(job: str) -> list[AssetDeclaration]:
    """The assets that a job makes."""
    return [each for each in DECLARED if job_of(each) == job]


def of_snapshot(skip: Collection[str] = ()) -> list[AssetDeclaration]:
    """The assets of a snapshot, without parts to skip; the export makes do with what there is."""
    made = assets_of(SEGMENT)
    kept = without(skip, made)
    return [each for each in made if each in kept or each is segment_export]


def without(skip: Collection[str], assets: Iterable[AssetDeclaration]) -> list[AssetDeclaration]:
    """The assets that are of no part to skip."""
    left_out = {stage for part in skip for stage in PARTS[part]}
    return [each for each in assets if each.stage not in left_out]
