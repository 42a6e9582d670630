"""Processors and memory of this machine, or of the container around this process."""

import os
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
# Of each version of control groups: a limit, the use of it, and the parts of that use.
_CGROUP_MEMORY = (
    (_CGROUP / "memory.max", _CGROUP / "memory.current", _CGROUP / "memory.stat"),
    (
        _CGROUP / "memory/memory.limit_in_bytes",
        _CGROUP / "memory/memory.usage_in_bytes",
        _CGROUP / "memory/memory.stat",
    ),
)


def cores() -> int:
    """Processors that this process may use: those it may run on, or as many as a quota pays for."""
    from joblib import cpu_count  # takes a seventh of a second to import

    return cpu_count()


def memory_bytes() -> int:
    """Memory that this process may use: of the machine, or less where a container limits it."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_read_number(limit) for limit, _, _ in _CGROUP_MEMORY]
    return min([physical, *(limit for limit in limits if limit is not None)])


def available_bytes() -> int:
    """Memory that is free, or that the system can free at once, of what this process may use."""
    left = [_left_bytes(*paths) for paths in _CGROUP_MEMORY]
    return min([psutil.virtual_memory().available, *(each for each in left if each is not None)])


def _left_bytes(limit: Path, used: Path, parts: Path) -> int | None:
    """The rest of a control group's limit, if it has one."""
    most = _read_number(limit)
    if most is None:
        return None
    in_use = (_read_number(used) or 0) - _read_cached(parts)
    return max(0, most - max(0, in_use))


def _read_cached(parts: Path) -> int:
    """Bytes of files that are kept in memory until it is needed for something else."""
    try:
        sizes = dict(line.split() for line in parts.read_text().splitlines())
    except OSError:
        return 0
    # What is used includes groups below, as version 1 does in its totals alone.
    kinds = ("active_file", "inactive_file")
    return sum(int(sizes.get(f"total_{kind}", sizes.get(kind, 0))) for kind in kinds)


def _read_number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
