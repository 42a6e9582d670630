"""Versions of what is stored, by which it is known what is to be made again.

Beside each stored month, or whole asset, lies a note: the version of the code that made it, its run
configuration, and the versions of what it was made from. Its own version follows from these alone:
what is made again alike has the same, wherever the storage lies and whoever has recorded it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from amazon_seg_assets.dag.handles import MonthRange, Stored
from amazon_seg_assets.months import said
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import read_texts

if TYPE_CHECKING:
    from dagster import Config

    from amazon_seg_assets.dag.declaration import AssetDeclaration
    from amazon_seg_assets.dag.family import Family

NOTE = "_made.json"
"""Readers of Parquet folders skip names that begin with an underscore."""

WHOLE = ""
"""Stands for the month of what has no months."""

NOTHING = "nothing"
"""The version of what is not stored."""


def digest(*texts: str) -> str:
    """A short text that differs where any of the texts does."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Note:
    """The origin of something stored.

    Attributes:
        code: version of the code, and of the rules that it goes by.
        config: the run configuration.
        inputs: versions of what was read, by asset and month.
        versions: of what is stored, by month where these can be told apart.
    """

    code: str
    config: Mapping[str, Any]
    inputs: Mapping[str, Mapping[str, str]]
    versions: Mapping[str, str] = field(default_factory=dict)

    def difference(self, now: Note) -> str:
        """The reason for which it would be made otherwise now; empty if it would not."""
        if self.code != now.code:
            return f"by code and rules of version {self.code}, which is {now.code} now"
        if self.config != now.config:
            names = sorted(
                name
                for name in {*self.config, *now.config}
                if self.config.get(name) != now.config.get(name)
            )
            return f"with another {' and '.join(names)}"
        changed = [
            named(name, months)
            for name, versions in now.inputs.items()
            if (months := _differing(self.inputs.get(name, {}), versions))
        ]
        return f"from another {', '.join(changed)}" if changed else ""


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return sorted(month for month in {*one, *other} if one.get(month) != other.get(month))


def named(asset: str, months: Iterable[str]) -> str:
    """An asset, with the months of it if it has any."""
    of = [month for month in months if month != WHOLE]
    return f"{asset} {said(of)}" if of else asset


class Versions:
    """The notes of a category, each read once."""

    def __init__(self, family: Family, store: Store) -> None:
        self._family = family
        self._store = store
        self._notes: dict[tuple[str, str], Note | None] = {}
        self._months: dict[str, list[str]] = {}
        self._codes: dict[str, str] = {}

    def note(self, asset: str, month: str = WHOLE) -> Note | None:
        """The note beside something stored; None if there is none, as from an earlier version."""
        self._read(asset, [month])
        return self._notes[asset, month]

    def months(self, asset: str) -> list[str]:
        """The months stored of an asset, in order."""
        if asset not in self._months:
            self._months[asset] = self._store.months(asset)
        return self._months[asset]

    def now(self, declaration: AssetDeclaration, month: str, config: Config | None) -> Note:
        """The note that an asset would get, were it made of what is stored now."""
        identity = getattr(config, "identity", config.model_dump) if config else dict
        if (name := declaration.name) not in self._codes:
            self._codes[name] = declaration.version(self._family.settings)
        code = self._codes[name]
        inputs = {name: self._input(declaration, name, month) for name in declaration.inputs}
        known = json.loads(json.dumps(identity()))
        whole = json.dumps([code, known, inputs], sort_keys=True)
        return Note(code, known, inputs, {WHOLE: digest(whole)})

    def _input(self, declaration: AssetDeclaration, name: str, month: str) -> dict[str, str]:
        """Versions of an input: whole, or of each month that is read."""
        reach = declaration.inputs[name]
        if whole := self.note(name):
            if reach:
                known = reach.months(self._family.span, month, {*whole.versions} - {WHOLE})
                return {each: whole.versions[each] for each in known}
            # Of what is stored whole, only the months that are made month by month.
            by_month = declaration.handle is MonthRange and len(whole.versions) > 1
            return {WHOLE: whole.versions.get(month if by_month else WHOLE, NOTHING)}
        months = [month]
        if reach:
            months = reach.months(self._family.span, month, self.months(name))
        self._read(name, months)
        notes = {each: self._notes[name, each] for each in months}
        return {each: note.versions[WHOLE] if note else NOTHING for each, note in notes.items()}

    def _read(self, asset: str, months: Sequence[str]) -> None:
        """Reads notes that are not known yet, at once, as a storage may be far away."""
        unknown = [month for month in months if (asset, month) not in self._notes]
        if not unknown:
            return
        is_whole = unknown == [WHOLE]
        folders = [self._store.path(asset)] if is_whole else self._store.paths(asset, unknown)
        texts = read_texts([folder / NOTE for folder in folders])
        for month, text in zip(unknown, texts, strict=True):
            self._notes[asset, month] = _parse(text)


def _parse(text: str | None) -> Note | None:
    """A note as it was written; one that is cut short counts as none."""
    try:
        return Note(**json.loads(text)) if text else None
    except (ValueError, TypeError):
        return None


def write_notes(store: Store, stored: Iterable[Stored], made: Mapping[str, Note]) -> None:
    """Writes the notes of what a step has stored, by month; ``WHOLE`` where there are none."""
    for each in stored:
        note = asdict(made[each.month or WHOLE])
        note["versions"] = dict(each.versions or note["versions"])
        (store.path(each.output.name, each.month) / NOTE).write_text(json.dumps(note, indent=1))
