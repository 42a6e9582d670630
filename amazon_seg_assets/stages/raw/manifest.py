"""The manifest of a raw table, kept beside it: its files, its months, and counts of both."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, field
from functools import cached_property
from typing import Self

from pydantic import TypeAdapter

from amazon_seg_assets.errors import MADE_ANEW, DamagedError, InputError
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location, url_of

MANIFEST = "_manifest.json"
"""Readers of Parquet folders skip names that begin with an underscore."""

_FORMAT = 3  # a table with a manifest of a format that cannot be read is ingested anew


@dataclass(frozen=True)
class MonthCounts:
    """Rows of one month of raw reviews, all and of some kinds."""

    rows: int = 0
    verified: int = 0
    zero_rating: int = 0
    negative_vote: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*map(sum, zip(astuple(self), astuple(other), strict=True)))


Months = Mapping[str, MonthCounts]


def add_months(several: Iterable[Months]) -> dict[str, MonthCounts]:
    """Adds up the counts of each month; months in order."""
    total: dict[str, MonthCounts] = {}
    for months in several:
        for month, counts in months.items():
            total[month] = total.get(month, MonthCounts()) + counts
    return dict(sorted(total.items()))


@dataclass(frozen=True)
class FileRecord:
    """The content of one raw file when it was read.

    Attributes:
        fingerprint: of its content then.
        rows: rows written.
        malformed: lines that were not valid records, and so not written.
        malformed_examples: the first of them, as file, line and reason.
        months: counts of each month; empty for products.
        unknown_fields: fields of its first records that the table has no column for.
    """

    fingerprint: str
    rows: int
    malformed: int
    malformed_examples: list[str]
    months: Months
    unknown_fields: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Manifest:
    """The content of a raw table, and the work of the last ingestion.

    Attributes:
        version: of the source's content and of the reader; equal means nothing to do.
        source: what a person would call the source.
        files: what each raw file held, by name.
        files_read: those that the last ingestion read; it kept what the others had brought.
        months_changed: months with rows in a file that the last ingestion read or that has gone,
            then or now. Where one lost all its rows, the table no longer has it.
        is_sample: whether the data is the built-in sample's.
    """

    version: str
    source: str
    files: Mapping[str, FileRecord]
    files_read: list[str] = field(default_factory=list)
    months_changed: list[str] = field(default_factory=list)
    is_sample: bool = False

    @cached_property
    def rows(self) -> int:
        """Rows of the table."""
        return sum(file.rows for file in self.files.values())

    @cached_property
    def malformed(self) -> int:
        """Lines that were not valid records."""
        return sum(file.malformed for file in self.files.values())

    @cached_property
    def malformed_examples(self) -> list[str]:
        """The first of them of each file."""
        return [line for file in self.files.values() for line in file.malformed_examples]

    @cached_property
    def unknown_fields(self) -> list[str]:
        """Fields that files have and the table has no column for, in order."""
        return sorted({name for file in self.files.values() for name in file.unknown_fields})

    @cached_property
    def months(self) -> dict[str, MonthCounts]:
        """Counts of each month, in order; empty for products."""
        return add_months(file.months for file in self.files.values())

    def rows_outside(self, first: str, last: str) -> dict[str, int]:
        """Rows of each month that is not from ``first`` to ``last``, in order."""
        outside = (month for month in self.months if not first <= month <= last)
        return {month: self.months[month].rows for month in outside}

    def table_version(self) -> str:
        """Equal exactly when all rows come from files of equal content, by equal code.

        A `version` may differ even so: of the hub it is a commit, which need not change any file.
        """
        return self._version_of(self.files)

    def month_version(self, month: str) -> str:
        """As `table_version`, of the rows of one month."""
        return self._version_of(name for name, file in self.files.items() if month in file.months)

    def _version_of(self, names: Iterable[str]) -> str:
        reader = self.version.partition("-")[0]
        return "\n".join([reader, *sorted(f"{n} {self.files[n].fingerprint}" for n in names)])

    def write(self, folder: Location) -> None:
        """Writes the manifest into the folder of its table."""
        content = {"format": _FORMAT} | asdict(self)
        (folder / MANIFEST).write_text(json.dumps(content, indent=1))


def read_manifest(store: Store, asset: str) -> Manifest | None:
    """The manifest of a raw table; None if there is no such table.

    Raises:
        DamagedError: the file is cut short, or something else has written it.
    """
    path = store.path(asset) / MANIFEST
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
        written = content.pop("format", None)
        if written == 2:  # of which the source's description alone told
            content["is_sample"] = content["source"].startswith("sample of")
        elif written != _FORMAT:
            return None
        return TypeAdapter(Manifest).validate_python(content)
    except (ValueError, AttributeError) as error:  # of JSON, of UTF-8, of Pydantic
        raise DamagedError(
            f"{asset} of {store.category} is damaged: {url_of(path)} cannot be read; {MADE_ANEW}."
        ) from error


def sound_manifest(store: Store, asset: str) -> Manifest | None:
    """The same, and None for one that is damaged: where the table is to be made again."""
    try:
        return read_manifest(store, asset)
    except DamagedError:
        return None


def require_manifest(store: Store, asset: str) -> Manifest:
    """The manifest of a raw table.

    Raises:
        InputError: the table has not been materialized, or by another version of this package, or
            the manifest is damaged.
    """
    manifest = read_manifest(store, asset)
    if manifest is not None:
        return manifest
    store.require(asset)
    raise InputError(
        f"{asset} of {store.category} in {url_of(store.root)} was stored by an earlier version of "
        "this package: ingest it again."
    )
