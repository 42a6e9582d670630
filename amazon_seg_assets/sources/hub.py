"""The real data set, on the Hugging Face hub or on a server that speaks its protocol.

Files are named as data files of the `datasets` library, since the data set's own loading script no
longer runs. Their content is downloaded here first, over plain HTTP into the cache that all clients
of the hub share, because `hf_hub_download`, on which `datasets` relies, deletes what it has got of
a file when a download fails: gigabytes into a file, it would start again.
"""

import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, partial
from json import JSONDecodeError
from pathlib import Path
from typing import TypeVar

from huggingface_hub import (
    HfApi,
    constants,
    get_hf_file_metadata,
    hf_hub_url,
    is_offline_mode,
    set_client_factory,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    FileMetadataError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.utils import (
    WeakFileLock,
    build_hf_headers,
    get_session,
    httpx,
    parse_ratelimit_headers,
)

from amazon_seg_assets.categories import require_category
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.base import Download, Kind, RawFile, Source, raw_name

REPOSITORY = "McAuley-Lab/Amazon-Reviews-2023"

_DATASET = "dataset"
_FILE_NAME = re.compile(r"\w[\w.-]{0,199}", re.ASCII)
_SHA256 = re.compile("[0-9a-f]{64}")
_DOWNLOADS = 2  # of what was damaged: what an earlier, broken one has left may be why
_WAITS_SECONDS = (1, 3, 10)
_LONGEST_WAIT_SECONDS = 120
_PASSING_STATUS = {408, 429, 500, 502, 503, 504}
_NO_ACCESS_STATUS = {401, 403}
_NOT_OF_A_HUB = (FileMetadataError, JSONDecodeError, httpx.InvalidURL, httpx.UnsupportedProtocol)
_ERRORS = (*_NOT_OF_A_HUB, httpx.HTTPError, OSError, RevisionResolutionError)

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class _RemoteFile:
    """A file on the hub, and the place for its content in the cache that the hub's clients share.

    Attributes:
        etag: the hub's name for its content, most often a hash of it.
        size: bytes.
    """

    name: str
    url: str
    etag: str
    size: int
    blob: Path

    @property
    def incomplete(self) -> Path:
        return self.blob.with_name(f"{self.etag}.incomplete")

    @property
    def missing(self) -> int:
        """Bytes that are still to be downloaded."""
        return self.size - (self.incomplete.stat().st_size if self.incomplete.exists() else 0)

    def download(self) -> None:
        """Downloads the content, going on with what an earlier try has left."""
        free = shutil.disk_usage(self.blob.parent).free
        if self.missing > free:
            raise InputError(
                f"{self.name} needs {self.missing / 1e9:.1f} GB more in the cache "
                f"{constants.HF_HUB_CACHE}, where {free / 1e9:.1f} GB are free: make room, or set "
                "HF_HOME to another folder."
            )
        for _ in range(_DOWNLOADS):
            _persistently(self._append, lambda: -self.missing)
            # Not all names are hashes.
            if not _SHA256.fullmatch(self.etag) or self._digest() == self.etag:
                self.incomplete.rename(self.blob)
                return
            self.incomplete.unlink()
            logger.warning("%s was damaged on its way; downloading it anew.", self.name)
        raise InputError(
            f"{self.name} was damaged on its way from {constants.ENDPOINT} {_DOWNLOADS} times and "
            "has been deleted: check the network, a proxy above all, and run it again."
        )

    def _append(self) -> None:
        # A compressed answer cannot be resumed.
        headers = {**build_hf_headers(), "accept-encoding": "identity"}
        with self.incomplete.open("ab") as file:
            if file.tell() > self.size:
                file.truncate(0)
                file.seek(0)
            http_get(
                self.url,
                file,
                resume_size=file.tell(),
                headers=headers,
                expected_size=self.size,
                displayed_filename=self.name,
            )

    def _digest(self) -> str:
        with self.incomplete.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


class _LongWaitError(Exception):
    """A wait that a hub asks for, longer than `_LONGEST_WAIT_SECONDS`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"asks to wait {seconds} s")
        self.seconds = seconds


def _refuse_long_wait(response: httpx.Response) -> None:
    """Ends a wait that the hub's client would obey in silence, however long it is."""
    if response.status_code in _PASSING_STATUS:
        asked = response.headers.get("retry-after", "").strip()
        limit = parse_ratelimit_headers(response.headers)
        seconds = int(asked) if asked.isdigit() else limit.reset_in_seconds if limit else 0
        if seconds > _LONGEST_WAIT_SECONDS:
            raise _LongWaitError(seconds)


@cache
def _mind_waits() -> None:
    """Makes all clients of the hub in this process end long waits."""
    hooks = {"request": get_session().event_hooks["request"], "response": [_refuse_long_wait]}
    set_client_factory(lambda: httpx.Client(event_hooks=hooks, follow_redirects=True, timeout=None))


class HubSource(Source):
    """Raw files of a data set on the hub, as JSON Lines.

    The environment configures it, as all clients of the hub: ``HF_ENDPOINT``, ``HF_HOME``,
    ``HF_TOKEN``, ``HF_HUB_OFFLINE`` and ``HF_DATASETS_OFFLINE``. Without a connection, files that
    are in the cache are used.

    Args:
        revision: branch, tag or commit; the default branch if None. What it stands for is looked
            up once, so all files are of one commit.
        repository: the data set.
    """

    def __init__(self, revision: str | None = None, repository: str = REPOSITORY) -> None:
        _mind_waits()
        self._revision = revision
        self._repository = repository

    @property
    def description(self) -> str:
        """A person's name for this source."""
        return f"hub {self._repository}" + (f"@{self._revision}" if self._revision else "")

    def files(self, kind: Kind, category: str) -> list[RawFile]:
        """The one file of this kind; its fingerprint is the hub's name for its content.

        A commit need not change the file: many a commit changes the data set's description alone.

        Raises:
            InputError: there is no such category, or the hub does not let us have it.
        """
        name = _file_name(kind, category)
        with self._explaining(name):
            return [self._in_cache(name) or self._on_hub(name)]

    def version(self, kind: Kind, category: str) -> str:
        """The commit, in hexadecimal.

        Raises:
            InputError: there is no such category, or the commit cannot be found out.
        """
        with self._explaining(_file_name(kind, category)):
            return self._commit

    def version_of(self, _files: Iterable[RawFile], /) -> str:
        """The commit of which files were listed, in hexadecimal."""
        return self._commit

    @cached_property
    def _commit(self) -> str:
        resolve = partial(
            HfApi().resolve_revision,
            self._repository,
            repo_type=_DATASET,
            revision=self._revision,
            local_files_only=_is_offline(),
        )
        return _persistently(resolve).resolved

    @property
    def _blobs(self) -> Path:
        """The folder in which the hub's clients keep content."""
        folder = repo_folder_name(repo_id=self._repository, repo_type=_DATASET)
        return Path(constants.HF_HUB_CACHE) / folder / "blobs"

    def _in_cache(self, name: str) -> RawFile | None:
        """A file of this commit in the cache, which links to content by the hub's name for it.

        Where links are not possible the cache has lost that name: then the commit stands for it.
        """
        found = try_to_load_from_cache(
            self._repository, name, revision=self._commit, repo_type=_DATASET
        )
        if not isinstance(found, str):
            return None
        content = Path(found).resolve()
        fingerprint = content.name if content.parent.name == self._blobs.name else self._commit
        return RawFile(name, fingerprint, content.stat().st_size, lambda: Path(found))

    def _on_hub(self, name: str) -> RawFile:
        if _is_offline():
            raise OfflineModeIsEnabled
        url = hf_hub_url(self._repository, name, repo_type=_DATASET, revision=self._commit)
        found = get_hf_file_metadata(url, retry_on_errors=True)
        if found.etag is None or found.size is None:
            raise FileMetadataError("neither ETag nor size")
        # The hub's clients name a file after it, and check nothing.
        if not _FILE_NAME.fullmatch(found.etag):
            raise FileMetadataError(f"the ETag {found.etag!r:.80} cannot name a file")
        remote = _RemoteFile(name, url, found.etag, found.size, self._blobs / found.etag)
        if remote.blob.exists():
            # Linked at once: nobody fetches a file that has not changed, and without its link to
            # the content this commit has no such file once the connection is gone.
            linked = self._fetch(remote)
            return RawFile(name, remote.etag, remote.size, lambda: linked)
        download = Download(self._blobs, remote.missing)
        return RawFile(name, remote.etag, remote.size, partial(self._fetch, remote), download)

    def _fetch(self, remote: _RemoteFile) -> Path:
        """Puts the content where the hub's clients keep it, and lets them link to it."""
        # It takes more than a second to import, which no other use of this module needs.
        from datasets import DownloadManager

        locks = Path(constants.HF_HUB_CACHE) / ".locks" / self._blobs.parent.name
        with self._explaining(remote.name):
            for folder in (self._blobs, locks):
                folder.mkdir(parents=True, exist_ok=True)
            with WeakFileLock(locks / f"{remote.etag}.lock"):
                if not remote.blob.exists():
                    remote.download()
            # `datasets` finds the content in the cache, and files it under its name and commit.
            url = f"hf://datasets/{self._repository}@{self._commit}/{remote.name}"
            return Path(DownloadManager(record_checksums=False).download(url))

    @contextmanager
    def _explaining(self, name: str) -> Iterator[None]:
        try:
            yield
        except (*_ERRORS, _LongWaitError) as error:
            raise InputError(self._explain(_cause(error), name)) from error

    def _explain(self, cause: Exception, name: str) -> str:
        hub, cache = f"The hub at {constants.ENDPOINT}", constants.HF_HUB_CACHE
        revision = self._revision or constants.DEFAULT_REVISION
        status = cause.response.status_code if isinstance(cause, HfHubHTTPError) else None
        match cause:
            case OfflineModeIsEnabled() | RevisionResolutionError() | LocalEntryNotFoundError():
                return (
                    f"{name} of {self._repository} is not in the cache {cache}, and offline mode "
                    "is on: unset HF_HUB_OFFLINE and HF_DATASETS_OFFLINE to download it, or set "
                    "HF_HOME to a folder that holds it."
                )
            case _LongWaitError(seconds=seconds):
                return (
                    f"{hub} asks to wait {seconds / 60:.0f} minutes before it is asked for {name} "
                    f"of {self._repository} again, and no more than {_LONGEST_WAIT_SECONDS} s are "
                    "waited: run again then; what has been downloaded is kept."
                )
            case RevisionNotFoundError():
                return (
                    f"{hub} has no revision {revision} of {self._repository}: name a branch, "
                    "a tag or a whole commit hash."
                )
            case RemoteEntryNotFoundError():
                return (
                    f"{hub} has no {name} in {self._repository} at {revision}: "
                    "choose another category or revision."
                )
            case _ if isinstance(cause, RepositoryNotFoundError) or status in _NO_ACCESS_STATUS:
                return (
                    f"{hub} has no data set {self._repository}, or does not let you read {name} "
                    "of it: check HF_ENDPOINT, and set HF_TOKEN to the token of an account that "
                    "may read it."
                )
            case _ if status in _PASSING_STATUS:
                return (
                    f"{hub} answers with HTTP status {status} when asked for {name} of "
                    f"{self._repository}: run again later; what has been downloaded is kept."
                )
            case _ if status is not None or isinstance(cause, _NOT_OF_A_HUB):
                return (
                    f"{hub} does not answer as a hub does when asked for {name} of "
                    f"{self._repository} ({_first_line(cause)}): check HF_ENDPOINT."
                )
            case OSError(errno=int()):
                return (
                    f"The cache {cache} cannot take {name} ({cause.strerror}): put that right, or "
                    "set HF_HOME to another folder."
                )
        return (
            f"The connection to the hub at {constants.ENDPOINT} fails for {name} of "
            f"{self._repository} ({_first_line(cause)}): check the network and HF_ENDPOINT "
            "and run again; what has been downloaded is kept."
        )


def _file_name(kind: Kind, category: str) -> str:
    require_category(category)
    return raw_name(kind, category)


def _is_offline() -> bool:
    wish = os.environ.get("HF_DATASETS_OFFLINE", "")
    return is_offline_mode() or wish.upper() in constants.ENV_VARS_TRUE_VALUES


def _persistently(action: Callable[[], T], progress: Callable[[], int] = lambda: 0) -> T:
    """Repeats what fails for a passing reason; tries that make progress are not counted."""
    furthest, waits = progress(), iter(_WAITS_SECONDS)
    while True:
        try:
            return action()
        except (httpx.TransportError, OSError, RevisionResolutionError) as error:
            if (reached := progress()) > furthest:
                furthest, waits = reached, iter(_WAITS_SECONDS)
            wait = next(waits, None)
            if wait is None or not _is_passing(_cause(error)):
                raise
            logger.warning("%s; trying again in %d s.", _first_line(_cause(error)), wait)
            time.sleep(wait)


def _is_passing(error: Exception) -> bool:
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _PASSING_STATUS
    if isinstance(error, httpx.TransportError):
        return not isinstance(error, httpx.UnsupportedProtocol)
    return type(error) is OSError and error.errno is None  # the answer was cut short


def _cause(error: Exception) -> Exception:
    wrapped = isinstance(error, RevisionResolutionError | LocalEntryNotFoundError)
    return error.__cause__ if wrapped and isinstance(error.__cause__, Exception) else error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
