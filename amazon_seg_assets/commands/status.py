"""``amazon-seg status``: what is stored, what of it is stale, and why."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from amazon_seg_assets.commands import add_command, add_settings, settings_of
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import said
from amazon_seg_assets.storage.locations import url_of

if TYPE_CHECKING:
    from amazon_seg_assets.dag.family import Family
    from amazon_seg_assets.planning.staleness import Look


@dataclass(frozen=True)
class State:
    """The state of an asset.

    Attributes:
        asset: its name.
        stored: its months in words, or ``yes`` where it has none; empty if it is not stored.
        stale: the months of these that a run would make again, likewise.
        why: for the first of them.
    """

    asset: str
    stored: str
    stale: str = ""
    why: str = ""


def add_to(commands: Any) -> None:
    """Adds the command and its options."""
    parser = add_command(commands, "status", "what is stored, what of it is stale, and why")
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(command=show)


def show(options: argparse.Namespace) -> None:
    """Prints the state of each asset of each category."""
    settings = settings_of(options)
    from amazon_seg_assets.dag.family import families

    found = {family: [*states(family)] for family in families(settings)}
    if options.json:
        told = {of.category: [asdict(each) for each in found[of]] for of in found}
        print(json.dumps(told, indent=1, ensure_ascii=False))
        return
    for family, of_family in found.items():
        _print(family, of_family)


def states(family: Family) -> Iterator[State]:
    """The state of each asset, after those that it is made from."""
    from amazon_seg_assets.dag.versions import WHOLE
    from amazon_seg_assets.planning.staleness import DECLARED, Look

    look, store = Look(family), family.store
    for declared in DECLARED:
        months = store.months(declared.name) if declared.has_months else [WHOLE]
        if not (declared.has_months or store.path(declared.name).exists()):
            months = []
        reasons = {
            month: _raw(look, family, declared.name)
            if declared.stage == "raw"
            else look.reason(declared, month)
            for month in months
        }
        stale = [month for month, why in reasons.items() if why]
        why = reasons[stale[0]] if stale else ""
        yield State(declared.name, _in_words(months), _in_words(stale), why)


def _in_words(months: Sequence[str]) -> str:
    return "yes" if months == [""] else said(months) if months else ""


def _raw(look: Look, family: Family, name: str) -> str:
    """The reason to ingest a raw table again, be it that its source cannot be looked at."""
    from amazon_seg_assets.origin import source_of

    try:
        asset, _, why = look.raw(source_of(family.settings)).partition(": ")
    except InputError as error:
        return str(error)
    return why if asset == name else ""


def _print(family: Family, found: list[State]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    stale = sum(bool(each.stale) for each in found)
    stored = sum(bool(each.stored) for each in found)
    place = f"{family.category} in {url_of(family.store.root)}"
    told = f"{place}: {stored} of {len(found)} assets are stored, {stale} are stale"
    console.print(told, soft_wrap=True, highlight=False, markup=False)
    table = Table()
    for head in ("Asset", "Stored", "Stale", "Why"):
        table.add_column(head, overflow="fold", no_wrap=head == "Asset")
    for each in found:
        table.add_row(each.asset, each.stored or "–", each.stale, each.why)
    console.print(table)
