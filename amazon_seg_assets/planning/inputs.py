"""Inputs that a run reads and does not make: they are looked for before Spark starts."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from amazon_seg_assets.dag.declaration import AssetDeclaration
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import said
from amazon_seg_assets.planning.jobs import DESCRIPTIONS, EXPLORE, MAIN, SEGMENT, job_of
from amazon_seg_assets.planning.snapshots import months_of_history
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import url_of

_NOT_LOOKED_FOR = (SEGMENT, EXPLORE)
"""Jobs that no run has to wait for: what is left out of a snapshot, its reader tells in time."""


def require_inputs(
    declarations: Sequence[AssetDeclaration],
    family: Family,
    store: Store,
    made: Collection[str],
    months: Sequence[str],
) -> None:
    """Checks that what a run takes from other jobs is stored.

    Args:
        declarations: of all assets.
        family: of the category.
        store: the storage of the category.
        made: names of the assets that the run makes.
        months: of the run; none where its assets have no months.

    Raises:
        InputError: something is missing; names it, and the jobs to run first with their months.
    """
    missing: dict[str, _Missing] = {}
    for job, name, lacking in _Run(declarations, family, store, made, months).missing():
        missing.setdefault(job, _Missing()).add(name, lacking)
    if not missing:
        return
    jobs = [job for job in DESCRIPTIONS if job in missing]
    lacks = ", ".join(f"{_and(missing[job].names)}{missing[job].said(' of')}" for job in jobs)
    first = _and(f"{job}{missing[job].said(' for')}" for job in jobs)
    raise InputError(
        f"{store.category} in {url_of(store.root)} lacks {lacks}: run {first}, or the job {MAIN}, "
        "which makes all that is missing."
    )


def _and(items: Iterable[str]) -> str:
    *others, last = items
    return f"{', '.join(others)} and {last}" if others else last


@dataclass
class _Missing:
    """Inputs from one job that are not stored, and the months that they lack, if they have any."""

    names: list[str] = field(default_factory=list)
    months: set[str] = field(default_factory=set)

    def add(self, name: str, months: set[str]) -> None:
        """Adds an input."""
        self.names.append(name)
        self.months |= months

    def said(self, before: str) -> str:
        """The months, after a word; empty if there are none."""
        return f"{before} {said(self.months)}" if self.months else ""


@dataclass(frozen=True)
class _Run:
    declarations: Sequence[AssetDeclaration]
    family: Family
    store: Store
    made: Collection[str]
    months: Sequence[str]

    def missing(self) -> Iterator[tuple[str, str, set[str]]]:
        """Job, name and missing months of inputs from other jobs, in the order of the data."""
        read = self._read()
        for maker in self.declarations:
            job = job_of(maker)
            for name in (output.name for output in maker.stores if output.name in read):
                if job in _NOT_LOOKED_FOR:
                    continue
                if not maker.has_months:
                    if name not in self.made and not self.store.has(name):
                        yield job, name, set()
                elif lacking := self._lacking(name, read[name]):
                    yield job, name, lacking

    def _read(self) -> dict[str, set[str]]:
        """Months read of each input; of one without months they mean nothing."""
        read: dict[str, set[str]] = {}
        for reader in self.declarations:
            if any(output.name in self.made for output in reader.stores):
                for name, reach in reader.inputs.items():
                    stored = self.store.months(name) if reach else ()
                    read.setdefault(name, set()).update(
                        *(
                            reach.months(self.family.span, month, stored) if reach else [month]
                            for month in self.months
                        )
                    )
        return read

    def _lacking(self, name: str, read: set[str]) -> set[str]:
        there = {*self.store.months(name), *(self.months if name in self.made else ())}
        lacking = read - there
        if lacking and name == CUSTOMER_DAYS.name and self.store.has(RAW_REVIEWS.name):
            # Whoever has no days before is taken for new, so one month more would not do.
            known = months_of_history(self.store, self.family.span)
            lacking |= {month for month in known if month <= max(read)} - there
        return lacking
