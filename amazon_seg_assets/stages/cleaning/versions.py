"""Versions of inputs, rules and code that clean tables are made from, kept among their facts.

A raw table that has changed has not changed in every month: equal versions need not be made again.
"""

from collections.abc import Iterable

from amazon_seg_assets.stages.raw.manifest import Manifest
from amazon_seg_assets.storage.facts import MADE_FROM, Facts, made_from

CODE_VERSION = "1"
"""Raised when the same raw rows would give other clean or joined rows."""


def made_from_raw(manifest: Manifest, month: str) -> dict[str, str]:
    """The version of the clean reviews of a month, given what the raw table holds."""
    return made_from(CODE_VERSION, manifest.month_version(month))


def made_from_products(manifest: Manifest, excluded_categories: Iterable[str]) -> dict[str, str]:
    """The version of the clean products, given what the raw table holds."""
    return made_from(CODE_VERSION, manifest.table_version(), *sorted(excluded_categories))


def made_from_clean(reviews: Facts, products: Facts) -> dict[str, str]:
    """The version of the joined reviews of a month, given the facts of what is joined."""
    return made_from(CODE_VERSION, reviews[MADE_FROM], products[MADE_FROM])
