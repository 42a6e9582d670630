"""Whether what is stored of an asset still follows from the raw tables as they now are.

A month of clean and joined reviews tells what it was made from, and so does the table of products:
a raw table that has changed has not changed in every month. Of other assets Dagster's records tell.
What has failed a check that stopped a run stops the next one too, as it is made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dagster import AssetKey, AssetRecordsFilter, DagsterInstance, EventLogRecord
from dagster._core.definitions.data_version import CODE_VERSION_TAG, get_input_data_version_tag

from amazon_seg_assets.ingestion.manifest import Manifest, read_manifest, require_manifest
from amazon_seg_assets.locations import Location, is_below
from amazon_seg_assets.rules.categories import load_excluded_categories
from amazon_seg_assets.storage.faults import failed_checks
from amazon_seg_assets.storage.figures import MADE_FROM, Figures, made_from, read_figures
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.tables.clean import CLEAN_METADATA, CLEAN_REVIEWS, JOINED_REVIEWS
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.transforms.cleaning import CODE_VERSION

_FIRST_PAGE, _PAGE = 20, 1000  # records read at once; mostly the first one tells


def made_from_raw(manifest: Manifest, month: str) -> dict[str, str]:
    """What the clean reviews of a month are made from, given what the raw table holds."""
    return made_from(CODE_VERSION, manifest.month_version(month))


def made_from_products(manifest: Manifest, excluded_categories: Iterable[str]) -> dict[str, str]:
    """What the clean products are made from, given what the raw table holds."""
    return made_from(CODE_VERSION, manifest.table_version(), *sorted(excluded_categories))


def made_from_clean(reviews: Figures, products: Figures) -> dict[str, str]:
    """What the joined reviews of a month are made from, given the figures of what is joined."""
    return made_from(CODE_VERSION, reviews[MADE_FROM], products[MADE_FROM])


def materializations(
    instance: DagsterInstance, store: Store, asset: AssetKey, after: int | None = None
) -> Iterator[EventLogRecord]:
    """What Dagster has recorded of an asset without partitions, the last first.

    Materializations into other storages, or of other categories, are left out.

    Args:
        instance: where they are recorded.
        store: the storage of the category.
        asset: without partitions.
        after: number of a record; only those after it are given.
    """
    asked = AssetRecordsFilter(asset, after_storage_id=after)
    folder = store.base(asset.path[-1])
    cursor, page = None, _FIRST_PAGE
    while True:
        result = instance.fetch_materializations(asked, page, cursor)
        yield from (record for record in result.records if _is_into(record, folder))
        if not result.has_more:
            return
        cursor, page = result.cursor, _PAGE


def _is_into(record: EventLogRecord, folder: Location) -> bool:
    materialization = record.asset_materialization
    uri = materialization and materialization.metadata.get("dagster/uri")
    return uri is not None and is_below(str(uri.value), folder)


def is_up_to_date(
    instance: DagsterInstance, store: Store, asset: AssetKey, code_version: str | None
) -> bool:
    """Whether an asset without partitions was last made from the raw tables that are stored.

    Dagster records with each materialization which version of its inputs it read, and which
    version of the code read them. Those into other storages, or of other categories, say nothing
    about this one.

    Args:
        instance: where materializations are recorded.
        store: the storage of the category.
        asset: depends on raw tables, directly or not.
        code_version: that the asset has now.
    """
    last = next(materializations(instance, store, asset), None)
    folder = store.path(asset.path[-1])
    if last is None or not folder.is_dir() or not _is_into(last, folder):
        return False
    if failed_checks(store, asset.path[-1]):
        return False
    tags = (last.asset_materialization and last.asset_materialization.tags) or {}
    for table in (RAW_REVIEWS, RAW_METADATA):
        read = tags.get(get_input_data_version_tag(AssetKey(table.name)))
        manifest = read_manifest(store, table.name)
        if read is not None and (manifest is None or manifest.version != read):
            return False
    return tags.get(CODE_VERSION_TAG) == code_version


def are_products_stale(store: Store) -> bool:
    """Whether the clean products are not there, or made by other rules or from something else."""
    if not store.path(CLEAN_METADATA.name).is_dir():
        return True
    manifest = require_manifest(store, RAW_METADATA.name)
    fresh = made_from_products(manifest, load_excluded_categories(store.category))
    return read_figures(store, CLEAN_METADATA.name).get(MADE_FROM) != fresh[MADE_FROM]


def stale_months(store: Store, months: Iterable[str]) -> list[str]:
    """Of some months those whose reviews are not there, made from something else, or at fault.

    Args:
        store: the storage of the category, whose products have been cleaned.
        months: to look at.
    """
    manifest = require_manifest(store, RAW_REVIEWS.name)
    products = read_figures(store, CLEAN_METADATA.name)
    there = {*store.months(CLEAN_REVIEWS.name)} & {*store.months(JOINED_REVIEWS.name)}

    def is_stale(month: str) -> bool:
        if month not in there or MADE_FROM not in products:
            return True
        tables = (CLEAN_REVIEWS.name, JOINED_REVIEWS.name)
        if any(failed_checks(store, table, month) for table in tables):
            return True
        clean, joined = (read_figures(store, table, month) for table in tables)
        raw = made_from_raw(manifest, month)
        return (
            clean.get(MADE_FROM) != raw[MADE_FROM]
            or joined.get(MADE_FROM) != made_from_clean(clean, products)[MADE_FROM]
        )

    return [month for month in months if is_stale(month)]
