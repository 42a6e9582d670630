"""What this machine, or the container around this process, offers."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")
_CGROUP_LIMITS = (_CGROUP / "memory.max", _CGROUP / "memory/memory.limit_in_bytes")
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
    limits = [_read_limit(path) for path in _CGROUP_LIMITS]
    return min([physical, *(limit for limit in limits if limit is not None)])


def available_bytes() -> int:
    """Memory that is free, or that the system can free at once, of what this process may use."""
    return min(memory_bytes(), psutil.virtual_memory().available)


def _read_quota(paths: Sequence[Path]) -> int | None:
    """Processors, of which the last may be a part, from microseconds and the period they are of."""
    try:
        quota, period = " ".join(path.read_text() for path in paths).split()
    except OSError:
        return None
    return math.ceil(int(quota) / int(period)) if quota.isdigit() else None


def _read_limit(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
