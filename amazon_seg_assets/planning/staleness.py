"""Staleness: what is stored, held against what would be made now.

The storage alone tells: beside what is stored lie notes of what it was made from, and of the checks
that it has passed. So a storage may be moved, and Dagster's records may be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

from dagster import Config

from amazon_seg_assets.dag.declaration import AssetDeclaration, declared_in
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.steps import config_of
from amazon_seg_assets.dag.versions import WHOLE, Versions, named
from amazon_seg_assets.schema import Table
from amazon_seg_assets.sources.base import Source
from amazon_seg_assets.stages import STAGES
from amazon_seg_assets.stages.raw.assets import raw_versions
from amazon_seg_assets.stages.raw.ingest import RAW_TABLES, content_version
from amazon_seg_assets.stages.raw.manifest import sound_manifest
from amazon_seg_assets.storage.damage import damage, sound_months
from amazon_seg_assets.storage.facts import fault
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.refusals import refused_version

NOT_STORED = "not stored"


def in_order(declarations: Iterable[AssetDeclaration]) -> list[AssetDeclaration]:
    """Assets in an order in which each comes after those that it is made from."""
    by_name = {output.name: each for each in declarations for output in each.stores}
    graph = {
        each.name: {by_name[name].name for name in each.inputs if name in by_name}
        for each in by_name.values()
    }
    return [by_name[name] for name in TopologicalSorter(graph).static_order()]


DECLARED = in_order(declared for stage in STAGES for declared in declared_in(stage))
"""All assets, each after those that it is made from."""


class Look:
    """A look at what is stored of a category, which finds what is to be made again, and why.

    What is made from something that was found stale is stale too, so things are to be looked at in
    the order in which they are made.

    Args:
        family: of the category.
        ops: run configuration, by asset; the defaults count where there is none.
        is_forced: all counts as stale.
        store: to look at, if it is not that of the settings.
    """

    def __init__(
        self,
        family: Family,
        ops: Mapping[str, Any] | None = None,
        is_forced: bool = False,
        store: Store | None = None,
    ) -> None:
        self._family = family
        self._store = store or family.store
        self._ops = ops or {}
        self._is_forced = is_forced
        self._versions = Versions(family, self._store)
        self._configs: dict[str, Config | None] = {}
        self._stale: dict[str, set[str]] = {}
        self._sound: dict[str, set[str]] = {}

    def raw(self, source: Source) -> str:
        """The reason to ingest the source; empty if the raw tables are of it as it now is.

        Raises:
            InputError: the source cannot be looked at.
        """
        store, category = self._store, self._family.category
        span = self._family.settings.span
        for kind, table in RAW_TABLES.items():
            offered = content_version(source, kind, category)
            manifest, note = sound_manifest(store, table.name), self._versions.note(table.name)
            if manifest is None or note is None:
                return f"{table.name}: {NOT_STORED}"
            if manifest.version != offered:
                return f"{table.name}: the source has changed"
            if note.versions != raw_versions(manifest, span):
                return f"{table.name}: the span of months has changed"
            if why := fault(store, table.name) or self._damage(table.name, WHOLE):
                return f"{table.name}: {why}"
        return "forced" if self._is_forced else ""

    def due(
        self, declarations: Iterable[AssetDeclaration], month: str = WHOLE
    ) -> list[AssetDeclaration]:
        """The assets, or those whose month, are to be made again, in order."""
        return [each for each in in_order(declarations) if self.reason(each, month)]

    def worth_trying(self, due: Sequence[AssetDeclaration], month: str) -> list[AssetDeclaration]:
        """Of assets to be made again those for which the data may suffice.

        It does not where it did not, and nothing has changed since; nor for what is made of that.
        """
        if self._is_forced:
            return [*due]
        to_be_made = {output.name for each in due for output in each.stores}
        refused: set[str] = set()
        for each in due:
            renewed = to_be_made.intersection(each.inputs)
            if renewed & refused or (not renewed and self._was_refused(each, month)):
                refused |= {output.name for output in each.stores}
        return [each for each in due if each.name not in refused]

    def _was_refused(self, declaration: AssetDeclaration, month: str) -> bool:
        now = self._versions.now(declaration, month, self._config(declaration))
        refused = refused_version(self._store, declaration.name, month)
        return refused == now.versions[WHOLE]

    def stale_months(
        self, declarations: Iterable[AssetDeclaration], months: Iterable[str]
    ) -> list[str]:
        """Of some months those of which an asset is to be made again."""
        return [month for month in months if self.due(declarations, month)]

    def reason(self, declaration: AssetDeclaration, month: str = WHOLE) -> str:
        """The reason to make an asset, or a month of it, again; empty if there is none."""
        why = "forced" if self._is_forced else self._reason(declaration, month)
        if why:
            for output in declaration.stores:
                self._stale.setdefault(output.name, set()).add(month)
        return why

    def _reason(self, declaration: AssetDeclaration, month: str) -> str:
        now = self._versions.now(declaration, month, self._config(declaration))
        for output in declaration.stores:
            note = self._versions.note(output.name, month)
            if note is None:
                return NOT_STORED
            if difference := note.difference(now):
                return f"made {difference}"
            if isinstance(output, Table) and (
                why := fault(self._store, output.name, month or None)
            ):
                return why
            if why := self._damage(output.name, month):
                return why
        renewed = {name: self._stale.get(name, set()) & {*now.inputs[name]} for name in now.inputs}
        made = [named(name, months) for name, months in renewed.items() if months]
        return f"made from {', '.join(made)}, which is stale" if made else ""

    def _damage(self, asset: str, month: str) -> str:
        """Damage of something stored; that of all its months is looked for at once."""
        if month == WHOLE:
            found = damage(self._store, asset)
        else:
            if asset not in self._sound:
                self._sound[asset] = sound_months(self._store, asset, self._store.months(asset))
            found = "" if month in self._sound[asset] else damage(self._store, asset, [month])
        return f"damaged: {found}" if found else ""

    def _config(self, declaration: AssetDeclaration) -> Config | None:
        if (name := declaration.name) not in self._configs:
            kind = config_of(declaration.body, self._family)
            self._configs[name] = kind(**self._ops.get(name, {})) if kind else None
        return self._configs[name]
