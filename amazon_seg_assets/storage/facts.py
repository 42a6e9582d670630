"""Facts kept beside a stored table or partition, and notes of the checks that it failed.

Both go with what is replaced. Readers of Parquet folders skip names that begin with an underscore.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from amazon_seg_assets.errors import MADE_ANEW, DamagedError, InputError
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location, children, url_of

_FILE = "_figures.json"
_FAILED, _CHECKED = "_failed-", "_checked"

Facts = Mapping[str, Any]

MADE_FROM = "made_from"
"""The fact that identifies a partition's inputs: equal means that it need not be made again."""


def made_from(*inputs: str) -> dict[str, str]:
    """The fact ``MADE_FROM`` for versions of inputs, of rules and of code."""
    return {MADE_FROM: hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]}


def write_facts(folder: Location, facts: Facts) -> dict[str, Any]:
    """Writes facts, if any, into the folder of a table or partition; returns them as read back."""
    text = json.dumps(dict(facts), indent=1)
    if facts:
        (folder / _FILE).write_text(text)
    return json.loads(text)


def read_facts(store: Store, asset: str, month: str | None = None) -> dict[str, Any]:
    """Facts about a partition, or about an artifact without partitions; empty if it has none.

    Raises:
        InputError: it has not been materialized, or the file is damaged.
    """
    store.require(asset, None if month is None else [month])
    path = store.path(asset, month) / _FILE
    try:
        return json.loads(path.read_text()) if path.exists() else {}
    except ValueError as error:
        raise DamagedError(
            f"{asset} of {store.category} is damaged: {url_of(path)} cannot be read; {MADE_ANEW}."
        ) from error


def require_facts(store: Store, asset: str, month: str | None, *names: str) -> dict[str, Any]:
    """Facts about a partition, or a whole table, which must have ``names`` among them.

    Raises:
        InputError: it has not been materialized, or by a version that did not keep these facts.
    """
    facts = read_facts(store, asset, month)
    if not facts or not facts.keys() >= set(names):
        raise InputError(
            f"{asset} of {store.category} lacks facts{f' of {month}' if month else ''} beside it, "
            "as an earlier version has stored it: materialize it again."
        )
    return facts


def failed_checks(store: Store, asset: str, month: str | None = None) -> set[str]:
    """Names of the checks that a partition, or an artifact without partitions, has failed."""
    return _failed(children(store.path(asset, month)))


def fault(store: Store, asset: str, month: str | None = None) -> str:
    """The reason not to use a partition, or a table without partitions; empty if there is none."""
    names = children(store.path(asset, month))
    if failed := _failed(names):
        return f"the check {min(failed)} has failed"
    return "" if _CHECKED in names else "not checked yet"


def _failed(names: set[str]) -> set[str]:
    return {name.removeprefix(_FAILED) for name in names if name.startswith(_FAILED)}


def note_checks(store: Store, asset: str, month: str | None, passed: Mapping[str, bool]) -> None:
    """Notes that a partition was checked, the checks that it failed, and no longer others."""
    folder = store.path(asset, month)
    names = children(folder)
    noted = _failed(names)
    if _CHECKED not in names:
        (folder / _CHECKED).touch()
    for check, has_passed in passed.items():
        note = folder / f"{_FAILED}{check}"
        if not has_passed:
            note.touch()
        elif check in noted:
            note.unlink()
