"""Names of what a process makes for a while, by which others know whether it is still at work."""

import hashlib
import os
import re
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil

_ABANDONED_AFTER_SECONDS = 7 * 24 * 3600
_PROCESS = uuid.uuid4().hex[:8]
_NAME = re.compile(r"[^-]+-(.+)-(\d+)-([0-9a-f]+)-[0-9a-f]+")  # hosts may have hyphens


def new_name(subject: str) -> str:
    """A unique name that holds its subject, without hyphens, the machine and the process."""
    return f"{subject}-{_machine()}-{os.getpid()}-{_PROCESS}-{uuid.uuid4().hex[:8]}"


def subject_of(name: str) -> str:
    """The subject of a name, such as the artifact that is written."""
    return name.partition("-")[0]


def is_abandoned(name: str, started: Callable[[], float]) -> bool:
    """Tells whether the process of a name is gone; False for a name of another form.

    On another machine the age decides: ``started`` gives the beginning, in seconds since 1970.
    """
    parts = _NAME.fullmatch(name)
    if parts is None:
        return False
    machine, pid, process = parts.groups()
    if process == _PROCESS:
        return False
    if machine != _machine():
        return time.time() - started() > _ABANDONED_AFTER_SECONDS
    return int(pid) == os.getpid() or not psutil.pid_exists(int(pid))


def _machine() -> str:
    """Names the scope in which numbers of processes are unique."""
    host = socket.gethostname()
    try:  # containers and machines may share the name of a host
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:  # not Linux
        return host
    return f"{host}.{hashlib.sha256(f'{boot}{namespace}'.encode()).hexdigest()[:8]}"
