"""Processors and memory of this machine, or of the container around this process."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

_CGROUP, _OWN_CGROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
# Of each version of control groups: a limit, the use of it, and the parts of that use.
_VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
_VERSION_2 = ("memory.max", "memory.current", "memory.stat")
_OUTERMOST = ("1:memory:/", "0::/")  # of both


def cores() -> int:
    """Processors that this process may use: those it may run on, or as many as a quota pays for."""
    from joblib import cpu_count  # takes a seventh of a second to import

    return cpu_count()


def memory_bytes() -> int:
    """Memory that this process may use: of the machine, or less where a control group limits it."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_read_number(limit) for limit, _, _ in _control_groups()]
    return min([physical, *(limit for limit in limits if limit is not None)])


def available_bytes() -> int:
    """Memory that is free, or that the system can free at once, of what this process may use."""
    left = [_left_bytes(*paths) for paths in _control_groups()]
    return min([psutil.virtual_memory().available, *(each for each in left if each is not None)])


def address_space_bytes() -> int | None:
    """The limit on what this process may reserve (`ulimit -v`), which is more than it uses."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def _control_groups() -> Iterator[tuple[Path, Path, Path]]:
    """Limit, use and its parts of each control group around this process, from its own outwards.

    The limit of a container is on the outermost one that is seen here, that of a scope or a slice
    of systemd on one in between.
    """
    for line in _lines(_OWN_CGROUPS) or _OUTERMOST:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            root, names = _CGROUP / "memory", _VERSION_1
        elif not controllers:
            root, names = _CGROUP, _VERSION_2
        else:
            continue
        own = PurePosixPath(path.lstrip("/"))
        for group in (own, *own.parents):
            limit, used, parts = (root / group / name for name in names)
            yield limit, used, parts


def _left_bytes(limit: Path, used: Path, parts: Path) -> int | None:
    """The rest of a control group's limit, if it has one."""
    most = _read_number(limit)
    if most is None:
        return None
    in_use = (_read_number(used) or 0) - _read_cached(parts)
    return max(0, most - max(0, in_use))


def _read_cached(parts: Path) -> int:
    """Bytes of files that are kept in memory until it is needed for something else."""
    sizes = dict(line.split() for line in _lines(parts))
    # What is used includes groups below, as version 1 does in its totals alone.
    kinds = ("active_file", "inactive_file")
    return sum(int(sizes.get(f"total_{kind}", sizes.get(kind, 0))) for kind in kinds)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _read_number(path: Path) -> int | None:
    text = "".join(_lines(path))
    return int(text) if text.isdigit() else None
