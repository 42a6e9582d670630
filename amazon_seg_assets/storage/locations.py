"""Places in the storage, as folders of this machine or as URLs, for Python and for Spark.

Python reaches a URL through fsspec, Spark through Hadoop. Both take credentials and endpoints from
the environment (for S3 ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN`` and
``AWS_ENDPOINT_URL``), never from settings of this package. Python needs the protocol's package
(s3fs for S3: the extra ``s3``). Spark needs Hadoop's file system, which PySpark has for HDFS only;
for S3 that is ``org.apache.hadoop:hadoop-aws`` in the version of PySpark's own Hadoop.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from urllib.request import url2pathname

import fsspec
from typing_extensions import TypeIs
from upath import UPath

from amazon_seg_assets.errors import InputError

Location = Path | UPath
"""A ``pathlib.Path`` on this machine, including what a cluster mounts there; else a ``UPath``."""

_KINDS = "give a folder, or a URL such as s3://bucket/folder or hdfs://host/folder"
_HADOOP_PROTOCOLS = {"s3": "s3a", "gcs": "gs"}  # others have the same name there


def parse_location(text: str | Location) -> Location:
    """The place that a path or URL names; nothing is read.

    Raises:
        InputError: the URL is of an unknown kind, lacks its package, or names no place.
    """
    if not isinstance(text, str):
        return text
    if text.startswith("file:"):
        url = urlsplit(text)
        if url.netloc in ("", "localhost") and url.path.startswith("/"):
            return Path(url2pathname(url.path))
        raise InputError(
            f"The storage {text} is not on this machine: write file:///folder, with three slashes."
        )
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


def is_local(location: Location) -> TypeIs[Path]:
    """Tells whether a place is a folder or file as this machine sees it."""
    return isinstance(location, Path)


def url_of(location: Location) -> str:
    """The whole URL, or the path of a local place.

    ``str`` of a `UPath` leaves out the host of HDFS and the account of Azure, which are options.
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

    Without a protocol Hadoop takes its default file system; it does not decode ``%20``.
    """
    if is_local(location):
        return f"file:///{location.absolute().as_posix().lstrip('/')}"
    protocol, _, rest = url_of(location).partition("://")
    return f"{_HADOOP_PROTOCOLS.get(protocol, protocol)}://{rest}"


@contextmanager
def uploading(folder: Location) -> Iterator[Path]:
    """Gives a local folder, whose files are in ``folder`` when the block has ended without error.

    Files are uploaded several at a time, which takes less memory than one open upload a file.
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
    """Gives files a second place in their storage, which links them, or copies them itself."""
    remote: dict[str, str] = {}
    for file, target in zip(files, targets, strict=True):
        if not (is_local(file) and is_local(target)):
            remote[UPath(file).path] = UPath(target).path
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.hardlink_to(file)
        except OSError:  # not every file system has links
            shutil.copy2(file, target)
    if remote:
        UPath(files[0]).fs.copy(list(remote), list(remote.values()))


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
    """Tells whether a URL or path, as of `url_of`, is of a folder or of something in it."""
    return f"{url}/".startswith(f"{url_of(folder)}/")


def read_texts(places: Sequence[Location]) -> list[str | None]:
    """Contents of small files, None of one that does not exist; those of a URL all at once."""
    remote = [place for place in places if not is_local(place)]
    if not remote:
        return [place.read_text() if place.is_file() else None for place in places]
    found = remote[0].fs.cat([place.path for place in remote], on_error="omit")
    by_path = {path.strip("/"): content.decode() for path, content in found.items()}
    return [by_path.get(place.path.strip("/")) for place in remote]


def sizes_below(folder: Location) -> dict[str, int]:
    """Bytes of each file below a folder, by its path there; none if it does not exist."""
    if is_local(folder):
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
    start = f"{folder.path.strip('/')}/"
    found = folder.fs.find(folder.path, detail=True)
    return {path.strip("/").removeprefix(start): info["size"] for path, info in found.items()}


def modified(place: Location) -> float:
    """The time of the last change of a place, in seconds since 1970."""
    if is_local(place):
        return place.stat().st_mtime
    return float(place.fs.modified(place.path).timestamp())


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
    """Tells in one sentence why a storage cannot be ``read`` or ``written to`` at first contact."""
    try:
        yield
    except Exception as error:
        remedy = "check the URL, the network, and the credentials in the environment"
        if is_local(root):
            if not isinstance(error, OSError):
                raise
            remedy = "choose another folder with --storage or AMAZON_SEG_STORAGE"
        # Each protocol's package has errors of its own for no network, no credentials, no access.
        reason = str(getattr(error, "strerror", None) or error).strip() or "no reason given"
        failed = f"cannot be {what} ({reason.splitlines()[0].rstrip('.')})"
        raise InputError(f"The storage {url_of(root)} {failed}: {remedy}.") from error
