"""Publishes by naming the current version, on storage that cannot rename a folder at once.

    <category>/<asset>/version=<version>/month=YYYY-MM/...       partitioned by month
    <category>/<asset>/version=<version>/...                     not partitioned
    <category>/<asset>/_current/<partition>@<number>@<version>   which version counts
    <category>/.staging/<asset>-<process>                        a write that has not ended

A write goes straight to a folder of its own: nothing is copied, and names of files may recur. It
counts once an object in ``_current`` says so, one a partition. Creating an object is atomic
everywhere, replacing one is not, so each publication has a higher number, and the highest counts.
The former version is then removed: its readers get an error, never other rows.

A process that dies leaves an unpublished version, a superseded one, or parts of them, which no
reader takes into account. The next write to the category removes the first, by its object in
``.staging`` (after days, if that is of another machine or if the machine has been restarted); the
next write of the artifact removes the second.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from upath import UPath

from amazon_seg_assets.processes import subject_of
from amazon_seg_assets.storage.locations import children
from amazon_seg_assets.storage.publishing import STAGING, WHOLE, Publishing

_CURRENT = "_current"  # readers of Parquet folders skip names that begin with an underscore


class _Commit(NamedTuple):
    """A publication of one partition, or of a whole artifact, in the order of their numbers."""

    partition: str
    number: int
    version: str

    @property
    def name(self) -> str:
        return f"{self.partition}@{self.number}@{self.version}"


class Versions(Publishing[UPath]):
    """Publishing in a folder that is reached by URL."""

    def partitions(self, asset: str) -> set[str] | None:
        """Names of what there is of an artifact; None if it is not there at all."""
        current = _newest(self._commits(asset))
        if whole := current.get(WHOLE):
            return children(self._version(asset, whole.version))
        return set(current) or None

    def paths(self, asset: str, partitions: Sequence[str] | None) -> list[UPath]:
        """Folders that partitions have or would have, or all that together hold the artifact."""
        current = _newest(self._commits(asset))
        whole = current.get(WHOLE) or _Commit(WHOLE, 0, "none")
        if partitions is None and (WHOLE in current or not current):
            return [self._version(asset, whole.version)]
        names = sorted(current) if partitions is None else partitions
        return [self._version(asset, current.get(name, whole).version) / name for name in names]

    def _begin(self, write: str) -> UPath:
        marker, version = self._staging(write), _version_of(write)
        marker.fs.pipe({marker.path: f"{version}\n".encode()})
        return self._version(subject_of(write), version)

    def _is_open(self, write: str) -> bool:
        return write in children(self.folder / STAGING)

    def _publish(self, write: str, partitions: Sequence[str] | None) -> None:
        asset, version = subject_of(write), _version_of(write)
        folder = self._version(asset, version)
        written = children(folder)
        names = [WHOLE] if partitions is None else partitions
        for name in names:
            if not written or (name != WHOLE and name not in written):
                raise FileNotFoundError(f"{folder} lacks {name}, which was to be published")
        numbers = {each.partition: each.number for each in sorted(self._commits(asset))}
        fresh = [_Commit(name, numbers.get(name, 0) + 1, version) for name in names]
        place = self.folder / asset / _CURRENT
        place.fs.pipe({(place / commit.name).path: b"\n" for commit in fresh})
        self._remove_superseded(asset)

    def _remove_superseded(self, asset: str) -> None:
        commits = self._commits(asset)
        counting = _newest(commits).values()
        for commit in commits:
            if commit not in counting:
                version = self._version(asset, commit.version)
                _delete(version if commit.partition == WHOLE else version / commit.partition)
                _delete(self.folder / asset / _CURRENT / commit.name)

    def _end(self, write: str) -> None:
        with suppress(Exception):  # of whatever package; the next write removes what stays
            self._remove(write)

    def _remove(self, write: str) -> None:
        asset, version = subject_of(write), _version_of(write)
        commits = _newest(self._commits(asset)).values()
        counting = {commit.partition for commit in commits if commit.version == version}
        folder = self._version(asset, version)
        if not counting:
            _delete(folder)
        elif WHOLE not in counting:
            for name in children(folder) - counting:
                _delete(folder / name)
        _delete(self._staging(write))  # at last

    def _version(self, asset: str, version: str) -> UPath:
        return self.folder / asset / f"version={version}"

    def _commits(self, asset: str) -> list[_Commit]:
        names = [name.split("@") for name in children(self.folder / asset / _CURRENT)]
        return [_Commit(partition, int(number), version) for partition, number, version in names]


def _newest(commits: Sequence[_Commit]) -> dict[str, _Commit]:
    """The commit that counts, by partition."""
    return {commit.partition: commit for commit in sorted(commits)}


def _version_of(write: str) -> str:
    return write.rpartition("-")[2]


def _delete(place: UPath) -> None:
    with suppress(FileNotFoundError):
        place.fs.rm(place.path, recursive=True)
