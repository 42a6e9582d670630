"""What this machine, or the container around this process, offers."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
# Of each version of control groups: a limit, what is used of it, and what that is.
_CGROUP_MEMORY = (
    (_CGROUP / "memory.max", _CGROUP / "memory.current", _CGROUP / "memory.stat"),
    (
        _CGROUP / "memory/memory.limit_in_bytes",
        _CGROUP / "memory/memory.usage_in_bytes",
        _CGROUP / "memory/memory.stat",
    ),
)
_CGROUP_QUOTAS = (
    (_CGROUP / "cpu.max",),
    (_CGROUP / "cpu/cpu.cfs_quota_us", _CGROUP / "cpu/cpu.cfs_period_us"),
)


def cores() -> int:
    """Processors that this process may use: those it may run on, or as many as a quota pays for."""
    has_affinity = hasattr(os, "sched_getaffinity")
    allowed = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    quotas = [_read_quota(paths) for paths in _CGROUP_QUOTAS]
    return min([allowed, *(quota for quota in quotas if quota is not None)])


def memory_bytes() -> int:
    """Memory that this process may use: of the machine, or less where a container limits it."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_read_number(limit) for limit, _, _ in _CGROUP_MEMORY]
    return min([physical, *(limit for limit in limits if limit is not None)])


def available_bytes() -> int:
    """Memory that is free, or that the system can free at once, of what this process may use."""
    left = [_left_bytes(*paths) for paths in _CGROUP_MEMORY]
    return min([psutil.virtual_memory().available, *(each for each in left if each is not None)])


def _read_quota(paths: Sequence[Path]) -> int | None:
    """Processors, of which the last may be a part, from microseconds and the period they are of."""
    try:
        quota, period = " ".join(path.read_text() for path in paths).split()
    except OSError:
        return None
    return math.ceil(int(quota) / int(period)) if quota.isdigit() else None


def _left_bytes(limit: Path, used: Path, parts: Path) -> int | None:
    """What a control group leaves of its limit, if it has one."""
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
