"""Dagster's records in SQLite files, kept without waiting for the disk at each event.

Dagster opens and closes its databases anew for each event of a run. Each commit then waits for
the disk, and so does each close, as the last connection that closes copies the log of changes
into the database. Here the disk is not waited for in commits, and a connection stays open. A
process that is killed loses no event by that; a power cut may lose the last ones, and leaves the
databases intact (https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

import sqlite3
from collections import OrderedDict
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

_MOST_HELD = 4
"""Databases that are kept open: the index of all runs, those of the last runs."""

_held: OrderedDict[str, sqlite3.Connection] = OrderedDict()


def do_not_wait_for_disk() -> None:
    """Sets this up for all connections that this process opens from now on."""
    if not event.contains(Pool, "connect", _on_connect):
        event.listen(Pool, "connect", _on_connect)


def _on_connect(connection: Any, _: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return  # of another database, such as PostgreSQL
    [(mode,)] = connection.execute("PRAGMA journal_mode")
    if mode == "wal":
        connection.execute("PRAGMA synchronous = NORMAL")
        _, _, path = connection.execute("PRAGMA database_list").fetchone()
        _hold(path)


def _hold(path: str) -> None:
    if path in _held:
        _held.move_to_end(path)
        return
    held = sqlite3.connect(path, check_same_thread=False)
    held.execute("SELECT count(*) FROM sqlite_master").fetchone()  # what opens the log of changes
    _held[path] = held
    if len(_held) > _MOST_HELD:
        _held.popitem(last=False)[1].close()
