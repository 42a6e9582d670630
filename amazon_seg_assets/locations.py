"""Places in the storage, as folders of this machine or as URLs, in the form that each user needs.

Python reaches a URL through fsspec, Spark through Hadoop. Credentials and endpoints come from the
environment as those have it (for S3 both take ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``,
``AWS_SESSION_TOKEN`` and ``AWS_ENDPOINT_URL``), never from settings of this package. Python needs
the package of the protocol (s3fs for S3: the extra ``s3``). Spark needs Hadoop's file system for
it, which PySpark has for HDFS only; for S3 that is ``org.apache.hadoop:hadoop-aws`` of the version
of PySpark's own Hadoop, given to it by ``spark.jars.packages`` or present on the cluster.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

import fsspec
from upath import UPath

from amazon_seg_assets.errors import InputError

if TYPE_CHECKING:
    from typing_extensions import TypeIs

Location = Path | UPath
"""A ``pathlib.Path`` on this machine, including what a cluster mounts there; else a ``UPath``."""

_KINDS = "give a folder, or a URL such as s3://bucket/folder or hdfs://host/folder"
_HADOOP_PROTOCOLS = {"s3": "s3a", "gcs": "gs"}  # others have the same name there


def parse_location(text: str | Location) -> Location:
    """The place that a path or URL names; nothing is read.

    Raises:
        InputError: the URL is of a kind that nobody knows, lacks its package, or names no place.
    """
    if not isinstance(text, str):
        return text
    if text.startswith("file:"):
        return _parse_file_url(text)
    protocol, separator, rest = text.partition("://")
    if not separator:
        return Path(text)
    try:
        fsspec.get_filesystem_class(protocol)
        # Another process may write: a listing that was kept would be out of date.
        place = UPath(text, use_listings_cache=False)
    except ImportError as error:
        hint = " (the extra s3 of amazon-seg-assets brings it)" if protocol in ("s3", "s3a") else ""
        raise InputError(f"The storage {text} needs a further package{hint}: {error}.") from error
    except ValueError as error:
        raise InputError(f"The storage {text} is of an unknown kind: {_KINDS}.") from error
    if not rest.strip("/"):
        raise InputError(f"The storage {text} names no bucket or folder: {_KINDS}.")
    return place


def _parse_file_url(text: str) -> Path:
    url = urlsplit(text)
    if url.netloc not in ("", "localhost") or not url.path.startswith("/"):
        raise InputError(
            f"The storage {text} is not on this machine: write file:///folder, with three slashes."
        )
    return Path(url2pathname(url.path))


def is_local(location: Location) -> TypeIs[Path]:
    """Whether a place is a folder or file as this machine sees it."""
    return isinstance(location, Path)


def url_of(location: Location) -> str:
    """The whole URL, or the path of a local place.

    ``str`` of a `UPath` leaves out the host of HDFS and the account of Azure, which it keeps among
    the options of the file system.
    """
    text = str(location)
    if is_local(location):
        return text
    options = location.storage_options
    if host := options.get("host"):
        port = f":{options['port']}" if "port" in options else ""
        return text.replace(":///", f"://{host}{port}/", 1)
    if account := options.get("account_name"):
        container = "://" + location.path.partition("/")[0]
        return text.replace(container, f"{container}@{account}.dfs.core.windows.net", 1)
    return text


def spark_path(location: Location) -> str:
    """A place as Spark, which is Hadoop, has it: ``s3://`` is ``s3a://`` there.

    Local places get their protocol, as without it Hadoop takes its default file system, but no
    other form of a URL: it does not decode ``%20``.
    """
    if is_local(location):
        return f"file:///{location.absolute().as_posix().lstrip('/')}"
    protocol, _, rest = url_of(location).partition("://")
    return f"{_HADOOP_PROTOCOLS.get(protocol, protocol)}://{rest}"


@contextmanager
def uploading(folder: Location) -> Iterator[Path]:
    """Gives a local folder, whose files are in ``folder`` when the block has ended without error.

    That is ``folder`` itself where it is local. Files are uploaded at the same time, and no more of
    them is held in memory than that takes, unlike with one open upload a file.
    """
    if is_local(folder):
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with TemporaryDirectory(prefix="amazon-seg-") as temporary:
        yield Path(temporary)
        files = [path for path in sorted(Path(temporary).rglob("*")) if path.is_file()]
        targets = [(folder / path.relative_to(temporary).as_posix()).path for path in files]
        if files:
            folder.fs.put([str(path) for path in files], targets)


def copy_files(files: Sequence[Location], targets: Sequence[Location]) -> None:
    """Gives files of a storage a second place in it, without reading them where that is possible.

    On a disk they are links. A storage that is reached by URL copies them itself, several at a
    time.
    """
    remote: dict[str, str] = {}
    for file, target in zip(files, targets, strict=True):
        if is_local(file) and is_local(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(file, target)
        else:
            remote[UPath(file).path] = UPath(target).path
    if remote:
        UPath(files[0]).fs.copy(list(remote), list(remote.values()))


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # not every file system has links
        shutil.copy2(file, target)


def move_file(file: Location, target: Location) -> None:
    """Moves a file within a storage; where nothing can be renamed, it is copied and removed."""
    if is_local(file) and is_local(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
    else:
        UPath(file).fs.mv(UPath(file).path, UPath(target).path)


def name_below(place: Location, folder: Location) -> str:
    """Path of a place relative to a folder that it is in."""
    return UPath(place).path.removeprefix(UPath(folder).path).lstrip("/")


def is_below(url: str, folder: Location) -> bool:
    """Whether a URL or path, as of `url_of`, is of a folder or of something in it."""
    return f"{url}/".startswith(f"{url_of(folder)}/")


def children(folder: Location) -> set[str]:
    """Names of what lies in a folder; none if it does not exist."""
    try:
        if is_local(folder):
            return {path.name for path in folder.iterdir()}
        listed = folder.fs.ls(folder.path, detail=False)
    except (FileNotFoundError, NotADirectoryError):
        return set()
    # Some list the folder itself, or a marker for it, among what is in it.
    itself = folder.path.strip("/")
    return {name.rstrip("/").rpartition("/")[2] for name in listed if name.strip("/") != itself}


@contextmanager
def explaining_access(root: Location, what: str) -> Iterator[None]:
    """Tells in one sentence why the first contact with a storage failed.

    Args:
        root: the storage.
        what: cannot be done to it: ``read`` or ``written to``.
    """
    try:
        yield
    except OSError as error:
        raise _no_access(root, what, error.strerror or str(error)) from error
    except Exception as error:
        if is_local(root):
            raise
        # Each protocol's package has errors of its own for no network, no credentials, no access.
        raise _no_access(root, what, str(error)) from error


def _no_access(root: Location, what: str, reason: str) -> InputError:
    remedy = (
        "choose another folder with --storage or AMAZON_SEG_STORAGE"
        if is_local(root)
        else "check the URL, the network, and the credentials in the environment"
    )
    sentence = (reason.strip().splitlines() or ["no reason given"])[0].rstrip(".")
    return InputError(f"The storage {url_of(root)} cannot be {what} ({sentence}): {remedy}.")
