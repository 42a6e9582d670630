"""A process that dies while it changes a storage."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest


class Death(BaseException):
    """What the process dies of."""


def die_at(
    monkeypatch: pytest.MonkeyPatch, call: int, changes: Sequence[tuple[object, str]]
) -> None:
    """Makes a change of the storage fail, counted from 0, and all after it.

    Args:
        monkeypatch: undoes that.
        call: which one fails first.
        changes: what has the functions that change the storage, and their names.
    """
    calls = iter(range(10_000))

    def until_death(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **options: Any) -> Any:
            if next(calls) >= call:
                raise Death
            return change(*arguments, **options)

        return changed

    for place, name in changes:
        monkeypatch.setattr(place, name, until_death(getattr(place, name)))
