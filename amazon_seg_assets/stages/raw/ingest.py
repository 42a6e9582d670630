"""Ingests the raw files of a category: reviews into month folders, products into one folder.

Only files that are new or have changed are read. The Parquet files of the others are taken over
as they are, so a table is always replaced whole, yet little is written.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.base import Kind, RawFile, Source
from amazon_seg_assets.spark import machine
from amazon_seg_assets.stages.raw.disk import explaining_full_disk, require_space
from amazon_seg_assets.stages.raw.malformed import MalformedLines
from amazon_seg_assets.stages.raw.manifest import (
    FileRecord,
    Manifest,
    MonthCounts,
    add_months,
    read_manifest,
    sound_manifest,
)
from amazon_seg_assets.stages.raw.parts import (
    PROCESS_BYTES,
    divide,
    link_parts,
    remove_parts,
    store_part,
)
from amazon_seg_assets.stages.raw.processes import worker_processes
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.storage.contents import keep_contents
from amazon_seg_assets.storage.damage import damage
from amazon_seg_assets.storage.facts import failed_checks
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location, url_of

READER_VERSION = "2"
"""Raise it when the same files would give other rows or other Parquet files."""

RAW_TABLES = {Kind.REVIEWS: RAW_REVIEWS, Kind.METADATA: RAW_METADATA}

_READINGS = 2
"""A file that changes while it is read is being written; the second time that is not over."""

_SHARE_OF_MEMORY = 4  # a quarter; the rest is for Spark and for the cache of the disk

Progress = Callable[[str], None]
ReadOnce = Callable[[Sequence[RawFile], Mapping[str, Path]], dict[str, FileRecord]]


def ingest(
    kind: Kind,
    source: Source,
    store: Store,
    max_malformed_share: float,
    force: bool,
    progress: Progress,
    processes: int | None = None,
    check: Callable[[Manifest], None] = lambda _: None,
) -> tuple[Manifest, bool]:
    """Ingests the reviews or the products of a category, unless the source has not changed.

    The Parquet files are the same whatever the number of processes.

    Args:
        kind: of the two.
        source: of the files.
        store: of the category and its tables.
        max_malformed_share: share of broken lines that is tolerated in a file.
        force: read all files, even those that have not changed, and let the sample take the place
            of real data. A table that has failed a check or is damaged is read anew in any case.
        progress: is told in words how far it is.
        processes: that read at the same time; None for one a processor, if memory allows.
        check: raises an `InputError` if what the table is going to hold cannot be used.

    Returns:
        What the table now holds, and whether it was written anew.

    Raises:
        InputError: the sample would replace real data, a file or the whole cannot be used, the
            disk has no room, or memory ran out; the table is as it was.
    """
    if not force:
        _require_no_real_data_lost(source, store)
    table = RAW_TABLES[kind]
    former = sound_manifest(store, table.name)
    anew = force or former is None or _is_at_fault(store, table.name)
    files = source.files(kind, store.category)
    # Of this listing: were the files listed again, one that changes meanwhile would never be read.
    version = _with_reader(source.version_of(files))
    records = former.files if former is not None else {}
    kept = {} if former is None or anew else _unchanged(former, files)
    for name, record in kept.items():
        lines = record.rows + record.malformed
        former_lines = MalformedLines(name, max_malformed_share, lines, record.malformed)
        former_lines.check(record.malformed_examples)
    if former is not None and former.version == version and not anew:
        check(former)
        return former, False
    new = [file for file in files if file.name not in kept]
    with explaining_full_disk(table.name, store), store.replacing_in_place(table.name) as folder:
        require_space(new, table.name, store)
        link_parts(store.path(table.name), folder, kept, version)
        how = (kind, folder, version, max_malformed_share, progress, processes)
        read = _read(new, folder, partial(_read_once, *how), progress)
        gone = [record for name, record in records.items() if name not in kept]
        manifest = Manifest(
            version,
            source.description,
            files={file.name: kept.get(file.name) or read[file.name] for file in files},
            files_read=list(read),
            months_changed=sorted({m for record in [*gone, *read.values()] for m in record.months}),
            is_sample=source.is_sample,
        )
        check(manifest)
        manifest.write(folder)
        keep_contents(folder, manifest.rows)
    return manifest, True


def content_version(source: Source, kind: Kind, category: str) -> str:
    """The version of a source's content and of the reader, as a table made of it would have."""
    return _with_reader(source.version(kind, category))


def _require_no_real_data_lost(source: Source, store: Store) -> None:
    """Keeps the sample, which is the default, from taking the place of what somebody fetched.

    A manifest that is damaged does not tell: it may be of such data.
    """
    if not source.is_sample:
        return
    for table in RAW_TABLES.values():
        stored = read_manifest(store, table.name)
        if stored is not None and not stored.is_sample:
            raise InputError(
                f"{table.name} of {store.category} in {url_of(store.root)} comes from "
                f"{stored.source}, and the built-in sample would replace it: give --source or set "
                "AMAZON_SEG_SOURCE, choose another storage with --storage or AMAZON_SEG_STORAGE, "
                "or force it."
            )


def _is_at_fault(store: Store, table: str) -> bool:
    return bool(failed_checks(store, table) or damage(store, table))


def _with_reader(version: str) -> str:
    return f"{READER_VERSION}-{version}"


def _unchanged(former: Manifest, files: Sequence[RawFile]) -> dict[str, FileRecord]:
    """Records of the files that need not be read again."""
    if not former.version.startswith(_with_reader("")):
        return {}
    return {
        file.name: record
        for file in files
        if (record := former.files.get(file.name)) and record.fingerprint == file.fingerprint
    }


def _read(
    files: Sequence[RawFile], folder: Location, read_once: ReadOnce, progress: Progress
) -> dict[str, FileRecord]:
    """Stores files in a table's folder, and gives a record of each.

    A file that changes meanwhile is read once more, from its start.

    Raises:
        InputError: it changes again; or a file cannot be used.
    """
    paths = {file.name: file.fetch() for file in files}
    records: dict[str, FileRecord] = {}
    pending = list(files)
    for _ in range(_READINGS):
        before = {file.name: _state(paths[file.name]) for file in pending}
        found: dict[str, FileRecord] = {}
        failure: InputError | None = None
        try:
            found = read_once(pending, paths)
        except InputError as error:  # such as a line that is cut where the file now ends
            failure = error
        changed = [file for file in pending if _state(paths[file.name]) != before[file.name]]
        if failure is not None and not changed:
            raise failure
        records |= found
        if not changed:
            return records
        pending = changed if failure is None else pending
        remove_parts(folder, [file.name for file in pending])
        progress(f"{changed[0].name} has changed while it was read")
    raise InputError(
        f"{changed[0].name} changes while it is read: wait until it has been written, and run it "
        "again; what was stored before is as it was."
    )


def _state(path: Path) -> tuple[int, ...] | None:
    """Changes whenever the content of a file on this machine does; None if it has gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _read_once(
    kind: Kind,
    folder: Location,
    version: str,
    max_malformed_share: float,
    progress: Progress,
    processes: int | None,
    files: Sequence[RawFile],
    paths: Mapping[str, Path],
) -> dict[str, FileRecord]:
    fingerprints = {file.name: file.fingerprint for file in files}
    parts = [part for file in files for part in divide(paths[file.name], file.name)]
    count = min(processes or _affordable_processes(), len(parts))
    records = {}
    with worker_processes(count) as map_parts:
        contents = map_parts(partial(store_part, kind, folder, version, max_malformed_share), parts)
        in_order = zip(parts, contents, strict=True)
        for name, of_file in groupby(in_order, key=lambda pair: pair[0].name):
            lines = MalformedLines(name, max_malformed_share)
            months: dict[str, MonthCounts] = {}
            for _, (lines_of_part, months_of_part) in of_file:
                lines.append(lines_of_part)
                months = add_months([months, months_of_part])
                if lines.too_many_errors:
                    break
                progress(f"{name}: {lines.rows:,} {kind} read")
            lines.check()
            counts = (lines.rows, lines.count, lines.examples, months, lines.unknown_fields)
            records[name] = FileRecord(fingerprints[name], *counts)
    return records


def _affordable_processes() -> int:
    return max(1, min(machine.cores(), machine.memory_bytes() // _SHARE_OF_MEMORY // PROCESS_BYTES))
