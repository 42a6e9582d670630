"""Exact order statistics of all rows, without sorting all rows: by counting, level by level.

Several orders of the same rows are searched together, with one job a level for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_, or_
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

Key = tuple[Any, ...]
Counts = Sequence[tuple[Key, int]]
"""Rows of each key, in order of keys."""

LARGEST_TIE = 100_000
_PREFIX_STEP = 2  # characters: at most some thousands of distinct prefixes more in each block


@dataclass(frozen=True)
class Order:
    """An order of rows, and the positions in it that are asked for.

    A key is the values of all levels, then of ``last``. Each level is counted by distinct values,
    and only in the blocks that the positions fall in: rows that are equal on the levels before. So
    a level should have few distinct values there (thousands). Rows that are equal on all levels are
    ordered by ``last``: a tie is narrowed by ever longer prefixes until it is small enough to be
    collected.

    Attributes:
        levels: SQL expressions, from the coarsest level to the finest; one may be a monotone
            function of one that follows. None of them is null.
        positions: gives the positions, from 1 to the number of rows, for the counts of the first
            level.
        last: a text column that no two rows with equal levels share; None if keys may tie.
    """

    levels: Sequence[Sequence[str]]
    positions: Callable[[Counts], Sequence[int]]
    last: str | None = None


@dataclass(frozen=True)
class _Request:
    """Rows to count or to collect: by these expressions, in these blocks; None for all rows."""

    keys: tuple[str, ...]
    blocks: tuple[Key, ...] | None

    def is_inside(self) -> Column:
        """True for a row in one of the blocks, whose keys are the first of the expressions."""
        if self.blocks is None:
            return F.lit(True)
        return reduce(or_, map(self._is_in, self.blocks))

    def _is_in(self, block: Key) -> Column:
        pairs = zip(self.keys, block, strict=False)
        return reduce(and_, (F.expr(key) == F.lit(value) for key, value in pairs))


@dataclass(frozen=True)
class _Place:
    """The place of a position: a block of rows that share a key, and the offset in the block."""

    key: Key
    position: int
    rows: int


class _Search:
    """The state of the search for the positions of one order."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.places: list[_Place] | None = None
        self._keys: tuple[str, ...] = ()
        self._levels = list(order.levels)
        self._prefix = 0

    def next_request(self, largest_tie: int) -> _Request | None:
        """The next request to count; None if the places are known well enough."""
        if self.places == []:
            return None
        if not self._levels and self.order.last and self._largest_tie() > largest_tie:
            self._prefix += _PREFIX_STEP
            self._levels.append([f"substring({self.order.last}, 1, {self._prefix})"])
        if not self._levels:
            return None
        self._keys = (*self._keys, *self._levels.pop(0))
        return self.request()

    def request(self) -> _Request:
        """All rows in the blocks of the places."""
        if self.places is None:
            return _Request(self._keys, None)
        return _Request(self._keys, tuple(dict.fromkeys(place.key for place in self.places)))

    def advance(self, counts: Counts) -> None:
        """Finds the places one level further."""
        if self.places is None:
            self.places = [_Place((), each, 0) for each in self.order.positions(counts)]
        self.places = [_locate(counts, place) for place in self.places]

    def _largest_tie(self) -> int:
        return max((place.rows for place in self.places or ()), default=0)


def order_statistics(
    frame: DataFrame, orders: Sequence[Order], largest_tie: int = LARGEST_TIE
) -> list[list[Key]]:
    """The keys at given positions of ascending orders of the same rows: for each order, in turn.

    A tie of at most ``largest_tie`` rows may be collected.
    """
    searches = [_Search(order) for order in orders]
    while wanted := [
        (search, request) for search in searches if (request := search.next_request(largest_tie))
    ]:
        # Orders that begin alike are counted once.
        counts = _count(frame, list(dict.fromkeys(request for _, request in wanted)))
        for search, request in wanted:
            search.advance(counts[request])
    _break_ties(frame, [search for search in searches if search.order.last and search.places])
    return [[place.key for place in search.places or ()] for search in searches]


def _count(frame: DataFrame, requests: Sequence[_Request]) -> dict[_Request, Counts]:
    """Counts the rows of each key, for each request, in one job."""
    names = [[f"_{number}_{i}" for i in range(len(r.keys))] for number, r in enumerate(requests)]
    # What is outside of the blocks of one request may be inside those of another.
    keys = [
        F.when(request.is_inside(), F.expr(key)).alias(name)
        for request, of_request in zip(requests, names, strict=True)
        for key, name in zip(request.keys, of_request, strict=True)
    ]
    columns = [name for of_request in names for name in of_request]
    counted = _inside_any(frame, requests).select(*keys).groupingSets(names, *columns).count()
    found: dict[_Request, list[tuple[Key, int]]] = {request: [] for request in requests}
    for row in counted.collect():
        for request, of_request in zip(requests, names, strict=True):
            if row[of_request[0]] is not None:
                found[request].append((tuple(row[name] for name in of_request), row["count"]))
    return {request: sorted(counts) for request, counts in found.items()}


def _inside_any(frame: DataFrame, requests: Sequence[_Request]) -> DataFrame:
    return frame.where(reduce(or_, (request.is_inside() for request in requests)))


def _locate(counts: Counts, place: _Place) -> _Place:
    """The same place one level further."""
    position = place.position
    for key, rows in counts:
        if key[: len(place.key)] != place.key:
            continue
        if position <= rows:
            return _Place(key, position, rows)
        position -= rows
    raise IndexError(f"there is no position {place.position} among the rows with {place.key}")


def _break_ties(frame: DataFrame, searches: Sequence[_Search]) -> None:
    """Extends the keys of places by the value of ``last`` there, all found in one job."""
    if not searches:
        return
    requests = [search.request() for search in searches]
    lasts = [str(search.order.last) for search in searches]
    wanted = list(dict.fromkeys(key for r in requests for key in r.keys) | dict.fromkeys(lasts))
    place_of = {expression: index for index, expression in enumerate(wanted)}
    ties: list[dict[Key, list[str]]] = [{} for _ in searches]
    for row in _inside_any(frame, requests).select(*map(F.expr, wanted)).collect():
        for request, last, tied in zip(requests, lasts, ties, strict=True):
            key = tuple(row[place_of[expression]] for expression in request.keys)
            tied.setdefault(key, []).append(row[place_of[last]])
    for search, tied in zip(searches, ties, strict=True):
        places, length = search.places or [], sum(map(len, search.order.levels))
        # Python orders texts as Spark does, by code point.
        ordered = {key: sorted(tied[key]) for key in {place.key for place in places}}
        search.places = [
            replace(place, key=(*place.key[:length], ordered[place.key][place.position - 1]))
            for place in places
        ]
