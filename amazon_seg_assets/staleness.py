"""Whether what is stored of an asset still follows from the raw tables as they now are.

A month of clean and joined reviews tells what it was made from, and so does the table of products:
a raw table that has changed has not changed in every month. Of other assets Dagster's records tell.
What has failed a check that stopped a run stops the next one too, as it is made again.
"""

from __future__ import annotations

from collections.abc import Iterable

from dagster import AssetKey, DagsterInstance
from dagster._core.definitions.data_version import CODE_VERSION_TAG, get_input_data_version_tag

from amazon_seg_assets.ingestion.manifest import Manifest, read_manifest, require_manifest
from amazon_seg_assets.locations import is_below
from amazon_seg_assets.rules.categories import load_excluded_categories
from amazon_seg_assets.storage.faults import failed_checks
from amazon_seg_assets.storage.figures import MADE_FROM, Figures, made_from, read_figures
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.tables.clean import CLEAN_METADATA, CLEAN_REVIEWS, JOINED_REVIEWS
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.transforms.cleaning import CODE_VERSION


def made_from_raw(manifest: Manifest, month: str) -> dict[str, str]:
    """What the clean reviews of a month are made from, given what the raw table holds."""
    return made_from(CODE_VERSION, manifest.month_version(month))


def made_from_products(manifest: Manifest, excluded_categories: Iterable[str]) -> dict[str, str]:
    """What the clean products are made from, given what the raw table holds."""
    return made_from(CODE_VERSION, manifest.table_version(), *sorted(excluded_categories))


def made_from_clean(reviews: Figures, products: Figures) -> dict[str, str]:
    """What the joined reviews of a month are made from, given the figures of what is joined."""
    return made_from(CODE_VERSION, reviews[MADE_FROM], products[MADE_FROM])


def is_up_to_date(
    instance: DagsterInstance, store: Store, asset: AssetKey, code_version: str | None
) -> bool:
    """Whether an asset without partitions was last made from the raw tables that are stored.

    Dagster records with each materialization which version of its inputs it read, and which
    version of the code read them. One into another storage, or of another category, says nothing
    about this one.

    Args:
        instance: where materializations are recorded.
        store: the storage of the category.
        asset: depends on raw tables, directly or not.
        code_version: that the asset has now.
    """
    event = instance.get_latest_materialization_event(asset)
    materialization = event.asset_materialization if event is not None else None
    if materialization is None:
        return False
    tags = materialization.tags or {}
    uri = materialization.metadata.get("dagster/uri")
    folder = store.path(asset.path[-1])
    if uri is None or not folder.is_dir() or not is_below(str(uri.value), folder):
        return False
    if failed_checks(store, asset.path[-1]):
        return False
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
