"""Archives of the classes that Spark loads, so that the next Java starts in less time.

A Java that ends writes what it had loaded into a file (class-data sharing,
https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html), and later ones map that file
instead of loading and verifying thousands of classes again. Java itself refuses an archive of
another Java or of other jars, and then starts as if there were none.
"""

import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path

import pyspark

from amazon_seg_assets.spark.java import Java

_SUFFIX, _PENDING = ".jsa", ".pending"
_BASE = "base.jsa"
_MAGIC_BYTES = 4
_DIGITS = 12
_KEPT_OF_OTHERS = 2  # some 200 MB each
_LONGEST_WRITE_SECONDS = 120
# Java reports each class that it leaves out, which is of no use to anybody here.
_QUIET = "-Xlog:disable"
_WRITE = "-XX:ArchiveClassesAtExit="
# Spark splits options at blanks and takes quotes out, Java splits a list of archives at colons.
_SPLIT = re.compile(r"""[\s:"'\\]""")


def archive_options(java: Java, folder: Path) -> list[str]:
    """Options by which a Java uses the archive, or makes it when it ends.

    Several environments share the folder: archives of an earlier state of this one are removed,
    and of others the last used stay. Where it cannot be used, there are no options.
    """
    environment, state = _names(java)
    key = f"{environment}{state}"
    archive = folder / f"{key}{_SUFFIX}"
    if _SPLIT.search(str(folder)):
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_useless(folder, environment, key)
        is_being_made = _settle(folder, archive)
        base = _base_archive(java, folder / f"{key}-{_BASE}")
    except (OSError, subprocess.TimeoutExpired):
        return []
    if archive.exists():
        with suppress(OSError):  # of a folder that can only be read
            archive.touch()
        return [f"-XX:SharedArchiveFile={':'.join(map(str, [*base, archive]))}", _QUIET]
    if is_being_made:
        return []
    pending = folder / f"{key}-{os.getpid()}{_PENDING}"
    shared = [f"-XX:SharedArchiveFile={base[0]}"] if base else []
    return [*shared, f"{_WRITE}{pending}", _QUIET]


def without_writing(options: Iterable[str]) -> list[str]:
    """The same options for further Javas, which may use the archive but not make it."""
    return [option for option in options if not option.startswith(_WRITE)]


def _names(java: Java) -> tuple[str, str]:
    """Digests of where a Java and Spark's jars are, and of when they changed."""
    jars = Path(pyspark.__file__).parent / "jars"
    changing = [path for path in (java.runtime / "lib" / "modules", jars) if path.exists()]
    times = [str(path.stat().st_mtime_ns) for path in changing]
    return _digest([str(java.runtime), str(jars)]), _digest(times)


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_DIGITS]


def _remove_useless(folder: Path, environment: str, key: str) -> None:
    """Removes what an earlier state of this environment left, and others that nobody uses."""
    others: dict[str, list[Path]] = {}
    for path in folder.iterdir():
        if not path.name.startswith(key):
            others.setdefault(path.name[:_DIGITS], []).append(path)
    earlier = others.pop(environment, [])
    by_use = sorted(others.values(), key=lambda of: max(path.stat().st_mtime for path in of))
    for path in chain(earlier, *by_use[:-_KEPT_OF_OTHERS]):
        path.unlink(missing_ok=True)


def _settle(folder: Path, archive: Path) -> bool:
    """Promotes a finished archive, deletes stale ones; returns whether one is in progress.

    Java writes the header last, so a file that begins with zeros is not finished.
    """
    is_being_made = False
    for path in folder.glob(f"{archive.stem}-*{_PENDING}"):
        if _is_finished(path):
            path.replace(archive)
        elif time.time() - path.stat().st_mtime > _LONGEST_WRITE_SECONDS:
            path.unlink(missing_ok=True)
        else:
            is_being_made = True
    return is_being_made


def _is_finished(path: Path) -> bool:
    with path.open("rb") as file:
        return any(file.read(_MAGIC_BYTES))


def _base_archive(java: Java, base: Path) -> list[Path]:
    """An archive of Java's own classes, which ours builds on; none if Java comes with one."""
    if (java.runtime / "lib" / "server" / "classes.jsa").exists():
        return []
    if not base.exists():
        fresh = base.with_name(f"{base.name}.{os.getpid()}")
        command = [f"{java.home}/bin/java", "-Xshare:dump", f"-XX:SharedArchiveFile={fresh}"]
        subprocess.run(command, capture_output=True, check=False, timeout=_LONGEST_WRITE_SECONDS)
        if not fresh.exists():
            return []
        fresh.replace(base)
    return [base]
