"""Staleness: stored data held against the raw tables as they now are.

A month of clean and joined reviews tells what it was made from, and so does the table of products:
a raw table that has changed has not changed in every month. Of other assets Dagster's records tell.
What has failed a check that stopped a run stops the next one too, as it is made again.
"""

from collections.abc import Iterable

from dagster import DagsterInstance

from amazon_seg_assets.dag.declaration import AssetDeclaration
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.records import is_up_to_date
from amazon_seg_assets.rules.categories import load_excluded_categories
from amazon_seg_assets.rules.scheme import Scheme
from amazon_seg_assets.stages.cleaning.assets import stored_inputs
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA, CLEAN_REVIEWS, JOINED_REVIEWS
from amazon_seg_assets.stages.cleaning.versions import (
    made_from_clean,
    made_from_products,
    made_from_raw,
)
from amazon_seg_assets.stages.history.tables import CUSTOMER_DAYS
from amazon_seg_assets.stages.history.versions import made_from_days
from amazon_seg_assets.stages.movement.tables import SEGMENT_OUTCOMES
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.storage.facts import MADE_FROM, failed_checks, read_facts
from amazon_seg_assets.storage.layout import Store


def are_up_to_date(
    instance: DagsterInstance,
    family: Family,
    store: Store,
    declarations: Iterable[AssetDeclaration],
) -> bool:
    """True if assets without months were last made from what is stored."""
    versions = stored_inputs(instance, family, store)
    return all(
        is_up_to_date(
            instance, store, family.key(each.name), each.version(family.settings), versions
        )
        for each in declarations
    )


def are_products_stale(family: Family, store: Store) -> bool:
    """True if the clean products are missing, or were made by other rules or from other rows."""
    if not store.path(CLEAN_METADATA.name).is_dir():
        return True
    manifest = require_manifest(store, RAW_METADATA.name)
    excluded = load_excluded_categories(store.category, family.settings.rules)
    fresh = made_from_products(manifest, excluded)
    return read_facts(store, CLEAN_METADATA.name).get(MADE_FROM) != fresh[MADE_FROM]


def stale_months(store: Store, months: Iterable[str]) -> list[str]:
    """Of some months those whose reviews are not there, made from something else, or at fault.

    The products must have been cleaned.
    """
    manifest = require_manifest(store, RAW_REVIEWS.name)
    products = read_facts(store, CLEAN_METADATA.name)
    there = {*store.months(CLEAN_REVIEWS.name)} & {*store.months(JOINED_REVIEWS.name)}

    def is_stale(month: str) -> bool:
        if month not in there or MADE_FROM not in products:
            return True
        tables = (CLEAN_REVIEWS.name, JOINED_REVIEWS.name)
        if any(failed_checks(store, table, month) for table in tables):
            return True
        clean, joined = (read_facts(store, table, month) for table in tables)
        raw = made_from_raw(manifest, month)
        return (
            clean.get(MADE_FROM) != raw[MADE_FROM]
            or joined.get(MADE_FROM) != made_from_clean(clean, products)[MADE_FROM]
        )

    return [month for month in months if is_stale(month)]


def stale_history(store: Store, months: Iterable[str]) -> list[str]:
    """Of some months those whose days of customers are missing, outdated or at fault.

    The products must have been cleaned.
    """
    manifest = require_manifest(store, RAW_REVIEWS.name)
    products, there = read_facts(store, CLEAN_METADATA.name), {*store.months(CUSTOMER_DAYS.name)}

    def is_stale(month: str) -> bool:
        if month not in there or MADE_FROM not in products:
            return True
        if failed_checks(store, CUSTOMER_DAYS.name, month):
            return True
        facts = read_facts(store, CUSTOMER_DAYS.name, month)
        fresh = made_from_days(manifest, month, products, facts["min_price"])
        return bool(facts[MADE_FROM] != fresh[MADE_FROM])

    return [month for month in months if is_stale(month)]


def has_outcomes(store: Store, month: str, scheme: Scheme) -> bool:
    """True if a snapshot is stored with its outcomes, segmented by a scheme of the same rules."""
    if not all(month in store.months(name) for name in (RFM_SEGMENTS.name, SEGMENT_OUTCOMES.name)):
        return False
    used = read_facts(store, RFM_SEGMENTS.name, month).get("scheme")
    try:
        return Scheme.model_validate(used).fingerprint == scheme.fingerprint
    except ValueError:
        return False
