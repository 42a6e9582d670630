"""Counts the lines of a file that are not valid records, and judges whether there are too many."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.texts import printable

_EXAMPLES = 5


@dataclass
class MalformedLines:
    """Counts the lines of a file, or of a range of it, and those that are not valid records.

    Attributes:
        name: of the file, for messages.
        max_share: share of broken lines that is tolerated.
        lines: all lines but blank ones.
        count: broken lines.
        first: the first broken lines: number and reason.
        length: all lines, blank ones included.
        too_many_errors: whether there are too many broken lines, whatever the rest holds.
        unknown_fields: fields of the file's first records that have no column, and so are lost.
    """

    name: str
    max_share: float
    lines: int = 0
    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)
    length: int = 0
    too_many_errors: bool = False
    unknown_fields: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Lines that are valid records."""
        return self.lines - self.count

    @property
    def examples(self) -> list[str]:
        """The first broken lines in words."""
        line = f"{self.name}, {_unit(self.name)}"
        return [f"{line} {number}: {reason}" for number, reason in self.first]

    def add(self, number: int, reason: str) -> None:
        """Notes a broken line."""
        self.count += 1
        if len(self.first) < _EXAMPLES:
            self.first.append((number, printable(reason)))

    def append(self, following: Self) -> None:
        """Adds the range of the file that follows, whose lines were numbered from 1."""
        moved = [(self.length + number, reason) for number, reason in following.first]
        self.first = (self.first + moved)[:_EXAMPLES]
        self.lines += following.lines
        self.count += following.count
        self.length += following.length
        self.too_many_errors |= following.too_many_errors
        self.unknown_fields += following.unknown_fields

    def judge_so_far(self, read_share: float) -> bool:
        """Tells whether reading on is of no use, after a share of the file above 0.

        It is if there would be too many even if the rest held none, in lines half as long.
        """
        self.too_many_errors |= self.count > self.max_share * self.lines * 2 / read_share
        return self.too_many_errors

    def check(self, examples: Sequence[str] = ()) -> None:
        """Judges a file that has been read to its end, or given up.

        Of one that was read before, ``examples`` are the broken lines in words.

        Raises:
            InputError: it holds no record, or too many broken lines.
        """
        if self.lines == 0:
            raise InputError(f"{self.name} is empty: download it again, or choose another source.")
        if self.count <= self.max_share * self.lines and self.rows and not self.too_many_errors:
            return
        unit = _unit(self.name)
        first = (examples or self.examples)[0].removeprefix(f"{self.name}, ")
        if not self.rows:
            raise InputError(
                f"{self.name}: none of {self.lines:,} {unit}s is a valid record; the first is "
                f"{first}; choose another file or source."
            )
        raise InputError(
            f"{self.name}: {self.count:,} of {self.lines:,} {unit}s "
            f"({_percent(self.count / self.lines)}) are not valid records, more than the "
            f"{_percent(self.max_share)} allowed; the first is {first}; repair the file or raise "
            "AMAZON_SEG_MAX_MALFORMED_SHARE."
        )


def _unit(name: str) -> str:
    """The word for a line of a file."""
    return "row" if name.endswith(".parquet") else "line"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
