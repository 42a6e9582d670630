"""Segment schemes: how customers are scored, and which scores make which segment."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.features import SCORES
from amazon_seg_assets.rules.files import Rules, built_in, load_rules

DEFAULT_SCHEME = "standard"
BUILT_IN_SCHEMES = sorted(
    (path.stem for path in Path(__file__).with_name("schemes").glob("*.yaml")),
    key=lambda name: (name != DEFAULT_SCHEME, name),
)
"""The schemes that come with the package, the default first: files of its folder ``schemes``."""

Cell = tuple[int, int, int]
Score = Annotated[int, Field(ge=SCORES[0], le=SCORES[-1])]
Scores = Annotated[list[Score], Field(min_length=1)]
FourCuts = Annotated[list[float], Field(min_length=4, max_length=4)]

Role = Literal[
    "best", "loyal", "growing", "newcomer", "middling", "fading", "at_stake", "lapsed"
]  # fmt: skip

# Blue and green for customers who come, yellow to red for those who drift away, pink for the lost
# treasure, grey for those who are gone. A test holds them apart from each other and from the
# colours of clusters, for colour-blind eyes too.
ROLE_COLOURS: dict[Role, tuple[str, str]] = {
    "best": ("#00467A", "#162678"),
    "loyal": ("#2277C9", "#78A5FF"),
    "growing": ("#6CC0F0", "#78B4CA"),
    "newcomer": ("#1B8A5A", "#B7E4A0"),
    "middling": ("#F5E663", "#DAC33C"),
    "fading": ("#EE9A00", "#E8A578"),
    "at_stake": ("#C44E00", "#CC79A7"),
    "lapsed": ("#CFC7C0", "#4A4A4A"),
}
"""Colours of a role's first two segments; further ones get lighter tones of the first."""

_LIGHTEST = 0.8
"""Share of white in the lightest tone; with more it is lost on white paper."""
_CELLS = len(SCORES) ** 3


def _colour(given: str | None) -> str:
    # What is left of an entry without quotes is null.
    if given is None or not re.fullmatch("#[0-9A-Fa-f]{6}", given):
        raise ValueError("needs a colour such as '#2277C9', in quotes, as # begins a comment")
    return given.upper()


class Segment(Rules):
    """A segment of customers.

    Attributes:
        meaning: who is in it, in a sentence.
        role: what it is to the business; the report and its figures go by it, not by the name.
        colour: in all pictures, as ``#RRGGBB``; by default a tone of the role's.
    """

    meaning: str
    role: Role
    colour: Annotated[str | None, AfterValidator(_colour)] = None

    @model_validator(mode="before")
    @classmethod
    def _has_a_role(cls, given: Any) -> Any:
        role = given.get("role") if isinstance(given, dict) else getattr(given, "role", None)
        if role not in [*ROLE_COLOURS]:
            raise ValueError(f"give it a meaning and a role, one of {', '.join(ROLE_COLOURS)}")
        return given


class Thresholds(Rules):
    """Cut points set by hand: four ascending values for each feature.

    Nobody gets a score between neighbours that are equal, as where most have one review.
    """

    recency: FourCuts
    frequency: FourCuts
    monetary: FourCuts

    @model_validator(mode="after")
    def _ascend(self) -> Self:
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
        """True for a combination of scores that satisfies the rule."""
        wanted = zip((self.r, self.f, self.m), cell, strict=True)
        return all(scores is None or score in scores for scores, score in wanted)


class Scheme(Rules):
    """A segment scheme.

    Attributes:
        name: of the scheme.
        description: in a sentence or two.
        scoring: how values become scores 1 to 5.
        thresholds: cut points, if scoring goes by them.
        segments: by name, in the order in which people read them.
        grid: segments by r (rows) and by fm, 1 to 5, where fm = (f + m) / 2 rounded half up.
        rules: segments by scores, each cell in exactly one rule; instead of a grid.
        ordered_rules: the first that covers a cell counts, and ``otherwise`` where none does.
        otherwise: the segment of cells that no ordered rule covers.
    """

    name: str
    description: str
    scoring: Literal["percent_rank", "ntile", "thresholds"]
    thresholds: Thresholds | None = None
    segments: dict[str, Segment]
    grid: dict[Score, Annotated[list[str], Field(min_length=5, max_length=5)]] | None = None
    rules: list[Rule] | None = None
    ordered_rules: list[Rule] | None = None
    otherwise: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        ways = [self.grid, self.rules, self.ordered_rules]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give exactly one of grid, rules and ordered_rules")
        if (self.scoring == "thresholds") != (self.thresholds is not None):
            raise ValueError("thresholds belong to the scoring called thresholds, and only there")
        if self.otherwise is not None and self.ordered_rules is None:
            raise ValueError("otherwise belongs to ordered_rules")
        if self.grid is not None and sorted(self.grid) != list(SCORES):
            raise ValueError("the grid needs the rows 1 to 5, one for each r")
        if len(self.segments) > _CELLS:
            raise ValueError(f"give at most {_CELLS} segments, as many as combinations of scores")
        own: dict[str, str] = {}
        for name, segment in self.segments.items():
            if segment.colour and own.setdefault(segment.colour, name) != name:
                raise ValueError(
                    f"{own[segment.colour]} and {name} have the colour {segment.colour}, change one"
                )
        for (r, f, m), name in self.cells.items():
            if name not in self.segments:
                raise ValueError(
                    f"r{r} f{f} m{m} is in {name!r}, which is not among the segments, correct "
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
    def splits_ties(self) -> bool:
        """True if equal customers may get different scores, by the scheme's own rules."""
        return self.scoring == "ntile"

    def of_role(self, *roles: Role) -> list[str]:
        """The segments with any of these roles, in the scheme's order."""
        return [name for name, segment in self.segments.items() if segment.role in roles]

    @cached_property
    def colours(self) -> dict[str, str]:
        """A colour for each segment, in the scheme's order, no two equal."""
        tones = {role: _tones(role) for role in ROLE_COLOURS}
        taken = {segment.colour for segment in self.segments.values()}
        colours = {}
        for name, segment in self.segments.items():
            free = (tone for tone in tones[segment.role] if tone not in taken)
            colours[name] = segment.colour or next(free)
            taken.add(colours[name])
        return colours

    @property
    def fingerprint(self) -> str:
        """Changes whenever somebody could get another segment."""
        limits = self.thresholds.model_dump() if self.thresholds else None
        cells = [[*cell, segment] for cell, segment in sorted(self.cells.items())]
        content = json.dumps([self.scoring, limits, cells])
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def _tones(role: Role) -> Iterator[str]:
    """The two colours of a role, then tones that lie half way between those before."""
    yield from ROLE_COLOURS[role]
    rgb = bytes.fromhex(ROLE_COLOURS[role][0][1:])
    for depth in range(1, 11):
        for odd in range(1, 2**depth, 2):
            white = _LIGHTEST * odd / 2**depth
            yield f"#{bytes(round(c + white * (255 - c)) for c in rgb).hex().upper()}"


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
