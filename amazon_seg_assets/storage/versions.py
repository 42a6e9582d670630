"""Publishes by naming the current version, on storage that cannot rename a folder at once.

    <category>/<asset>/version=<version>/month=YYYY-MM/...       partitioned by month
    <category>/<asset>/version=<version>/...                     not partitioned
    <category>/<asset>/_current/<partition>@<number>@<version>   which version counts
    <category>/.staging/<asset>-<process>                        a write that has not ended

Each write has a folder of its own, at its final place: nothing is copied, and files may have the
names that they have in other versions. It counts from the moment that a small object in
``_current`` says so, one a partition. Creating an object is atomic everywhere, replacing one is
not, so each publication has a higher number, and the highest counts. Readers thus see all of a
partition's old version or all of the new one. The old one is then removed, as on a disk: who is
reading it gets an error, never other rows.

A process that dies leaves an unpublished version, a superseded one, or parts of them, which no
reader takes into account. The first is removed by the next write to the category, by means of its
object in ``.staging``, though after days if that is on another machine or if the machine has been
restarted; the second by the next write of the artifact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from upath import UPath

from amazon_seg_assets.locations import children
from amazon_seg_assets.storage.publishing import (
    STAGING,
    asset_of,
    is_abandoned,
    new_write,
    taken_for_abandoned,
)

_CURRENT = "_current"  # readers of Parquet folders skip names that begin with an underscore
_VERSION = "version"
_WHOLE = "whole"


class _Commit(NamedTuple):
    """A publication of one partition, or of a whole artifact, in the order of their numbers."""

    partition: str
    number: int
    version: str

    @property
    def name(self) -> str:
        return f"{self.partition}@{self.number}@{self.version}"


@dataclass(frozen=True)
class Versions:
    """Publishing in a folder that is reached by URL.

    Attributes:
        folder: of the category.
    """

    folder: UPath

    def partitions(self, asset: str) -> set[str] | None:
        """Names of what there is of an artifact; None if it is not there at all."""
        current = self._current(asset)
        if whole := current.get(_WHOLE):
            return children(self._version_folder(asset, whole.version))
        return set(current) or None

    def paths(self, asset: str, partitions: Sequence[str | None]) -> list[UPath]:
        """Folders of partitions in their current versions.

        None gives the folder of an artifact without partitions that were published one by one, and
        the folders of all of them otherwise.
        """
        current = self._current(asset)
        paths = []
        for name in partitions:
            whole = current.get(_WHOLE)
            commit = current.get(name or _WHOLE, whole)
            if name is None and whole is None and current:
                paths += [self._published(asset, each) for each in sorted(current.values())]
            elif commit is None:
                paths.append(self._version_folder(asset, "none") / (name or ""))
            else:
                paths.append(self._version_folder(asset, commit.version) / (name or ""))
        return paths

    @contextmanager
    def replacing(self, asset: str, partitions: Sequence[str] | None) -> Iterator[UPath]:
        """Gives the folder of a new version, which counts when the block ends without error."""
        self.sweep()
        write = new_write(asset)
        version = _version_of(write)
        marker = self.folder / STAGING / write
        marker.fs.pipe({marker.path: f"{version}\n".encode()})
        try:
            yield self._version_folder(asset, version)
            if write not in children(self.folder / STAGING):
                raise taken_for_abandoned(write, self.folder)
            self._publish(asset, version, [_WHOLE] if partitions is None else partitions)
        finally:
            with suppress(Exception):  # of whatever package; what stays is swept by the next write
                self._discard(marker)

    def _publish(self, asset: str, version: str, partitions: Sequence[str]) -> None:
        folder = self._version_folder(asset, version)
        written = children(folder)
        for name in partitions:
            if not written or (name != _WHOLE and name not in written):
                raise FileNotFoundError(f"{folder} lacks {name}, which was to be published")
        former = self._current(asset)
        fresh = [
            _Commit(name, former[name].number + 1 if name in former else 1, version)
            for name in partitions
        ]
        place = self._commits_folder(asset)
        place.fs.pipe({(place / commit.name).path: b"\n" for commit in fresh})
        self._remove_superseded(asset)

    def _remove_superseded(self, asset: str) -> None:
        commits = self._commits(asset)
        current = _newest(commits)
        for commit in commits:
            if current[commit.partition] != commit:
                _remove(self._published(asset, commit))
                _remove(self._commits_folder(asset) / commit.name)

    def sweep(self) -> None:
        """Removes what dead processes wrote and did not publish."""
        for name in children(self.folder / STAGING):
            marker = self.folder / STAGING / name
            with suppress(FileNotFoundError):  # another process sweeps too
                if is_abandoned(name, partial(_started, marker)):
                    self._discard(marker)

    def _discard(self, marker: UPath) -> None:
        """Ends a write: removes what of its version does not count, and at last its marker."""
        asset, version = asset_of(marker.name), _version_of(marker.name)
        counting = {c.partition for c in self._current(asset).values() if c.version == version}
        folder = self._version_folder(asset, version)
        if not counting:
            _remove(folder)
        elif _WHOLE not in counting:
            for name in children(folder) - counting:
                _remove(folder / name)
        _remove(marker)

    def _version_folder(self, asset: str, version: str) -> UPath:
        return self.folder / asset / f"{_VERSION}={version}"

    def _published(self, asset: str, commit: _Commit) -> UPath:
        folder = self._version_folder(asset, commit.version)
        return folder if commit.partition == _WHOLE else folder / commit.partition

    def _commits_folder(self, asset: str) -> UPath:
        return self.folder / asset / _CURRENT

    def _commits(self, asset: str) -> list[_Commit]:
        names = [name.split("@") for name in children(self._commits_folder(asset))]
        return [_Commit(partition, int(number), version) for partition, number, version in names]

    def _current(self, asset: str) -> dict[str, _Commit]:
        """The commit that counts, by partition."""
        return _newest(self._commits(asset))


def _newest(commits: Sequence[_Commit]) -> dict[str, _Commit]:
    return {commit.partition: commit for commit in sorted(commits)}


def _started(marker: UPath) -> float:
    started: datetime = marker.fs.modified(marker.path)
    return started.timestamp()


def _version_of(write: str) -> str:
    return write.rpartition("-")[2]


def _remove(place: UPath) -> None:
    with suppress(FileNotFoundError):
        place.fs.rm(place.path, recursive=True)
