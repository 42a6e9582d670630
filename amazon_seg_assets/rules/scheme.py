"""Segment schemes: how customers are scored, and which scores make which segment."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.rules.files import Rules, built_in, load_rules
from amazon_seg_assets.tables.features import SCORES

BUILT_IN_SCHEMES = ("standard", "notebook")

Cell = tuple[int, int, int]
Score = Annotated[int, Field(ge=SCORES[0], le=SCORES[-1])]
Scores = Annotated[list[Score], Field(min_length=1)]
FourCuts = Annotated[list[float], Field(min_length=4, max_length=4)]


class Thresholds(Rules):
    """Cut points set by hand: four ascending values for each feature.

    Neighbours may be equal, as where most customers have one review; nobody gets a score between
    them.
    """

    recency: FourCuts
    frequency: FourCuts
    monetary: FourCuts

    @model_validator(mode="after")
    def _ascend(self) -> Thresholds:
        for feature, values in self:
            if sorted(values) != values:
                raise ValueError(
                    f"the thresholds of {feature} must ascend, though neighbours may be equal"
                )
        return self


class Rule(Rules):
    """A segment, and the scores that lead to it; a score that is left out may be any."""

    segment: str
    r: Scores | None = None
    f: Scores | None = None
    m: Scores | None = None

    def covers(self, cell: Cell) -> bool:
        """Whether a combination of scores satisfies the rule."""
        wanted = (self.r, self.f, self.m)
        return all(
            scores is None or value in scores for scores, value in zip(wanted, cell, strict=True)
        )


class Scheme(Rules):
    """A segment scheme.

    Attributes:
        name: of the scheme.
        description: in a sentence or two.
        scoring: how values become scores 1 to 5.
        thresholds: cut points, if scoring goes by them.
        segments: what each segment means, in the order in which people read them.
        grid: segments by r (rows) and by fm, 1 to 5, where fm = (f + m) / 2 rounded half up.
        rules: segments by scores, each cell in exactly one rule; instead of a grid.
        ordered_rules: the first that covers a cell counts, and ``otherwise`` where none does.
        otherwise: the segment of cells that no ordered rule covers.
    """

    name: str
    description: str
    scoring: Literal["percent_rank", "ntile", "thresholds"]
    thresholds: Thresholds | None = None
    segments: dict[str, str]
    grid: dict[Score, Annotated[list[str], Field(min_length=5, max_length=5)]] | None = None
    rules: list[Rule] | None = None
    ordered_rules: list[Rule] | None = None
    otherwise: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Scheme:
        ways = [self.grid, self.rules, self.ordered_rules]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give exactly one of grid, rules and ordered_rules")
        if (self.scoring == "thresholds") != (self.thresholds is not None):
            raise ValueError("thresholds belong to the scoring called thresholds, and only there")
        if self.otherwise is not None and self.ordered_rules is None:
            raise ValueError("otherwise belongs to ordered_rules")
        if self.grid is not None and sorted(self.grid) != list(SCORES):
            raise ValueError("the grid needs the rows 1 to 5, one for each r")
        for (r, f, m), segment in self.cells.items():
            if segment not in self.segments:
                raise ValueError(
                    f"r{r} f{f} m{m} is in {segment!r}, which is not among the segments, correct "
                    "the name or describe it there"
                )
        return self

    @cached_property
    def cells(self) -> dict[Cell, str]:
        """The segment of each of the 125 combinations of r, f and m."""
        return {(r, f, m): self._segment((r, f, m)) for r, f, m in product(SCORES, repeat=3)}

    def _segment(self, cell: Cell) -> str:
        r, f, m = cell
        if self.grid is not None:
            return self.grid[r][fm_score(f, m) - 1]
        rules = self.rules if self.rules is not None else self.ordered_rules or []
        covering = [rule.segment for rule in rules if rule.covers(cell)]
        if self.rules is not None and len(covering) > 1:
            raise ValueError(
                f"r{r} f{f} m{m} is in {covering[0]} and in {covering[1]}, keep it in one"
            )
        segment = covering[0] if covering else self.otherwise
        if segment is None:
            raise ValueError(f"r{r} f{f} m{m} is in no segment, add a rule that covers it")
        return segment

    @property
    def unreachable(self) -> list[str]:
        """Segments that no combination of scores leads to."""
        return [segment for segment in self.segments if segment not in self.cells.values()]

    @property
    def fingerprint(self) -> str:
        """Changes whenever somebody could get another segment."""
        limits = self.thresholds.model_dump() if self.thresholds else None
        cells = [[*cell, segment] for cell, segment in sorted(self.cells.items())]
        content = json.dumps([self.scoring, limits, cells])
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def fm_score(f: int, m: int) -> int:
    """The mean of the scores of frequency and monetary, rounded half up."""
    return (f + m + 1) // 2


def load_scheme(name: str) -> Scheme:
    """A built-in scheme, or one from a YAML file of the user.

    Raises:
        InputError: there is no such scheme, or it is not valid.
    """
    if name in BUILT_IN_SCHEMES:
        return load_rules(Scheme, built_in(f"schemes/{name}.yaml"))
    path = Path(name)
    with suppress(RuntimeError):  # there is no such home folder, and so no such file
        path = path.expanduser()
    if not path.is_file():
        known = ", ".join(BUILT_IN_SCHEMES)
        raise InputError(f"There is no RFM scheme {name}: give {known}, or the path of a file.")
    return load_rules(Scheme, path)
