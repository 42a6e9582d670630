"""Versions of what the days of a month are made from, kept among their facts."""

from amazon_seg_assets.stages.cleaning.versions import made_from_raw
from amazon_seg_assets.stages.raw.manifest import Manifest
from amazon_seg_assets.storage.facts import MADE_FROM, Facts, made_from

CODE_VERSION = "1"
"""Raised when the same raw rows would give other days."""

REVIEWS_VERSION, PRODUCTS_VERSION = "reviews_version", "products_version"


def made_from_days(
    manifest: Manifest, month: str, products: Facts, min_price: float
) -> dict[str, str]:
    """The version of the days of a month, and those of the clean reviews and products behind it.

    Args:
        manifest: of the raw reviews.
        month: of the days.
        products: facts beside the clean products.
        min_price: in USD, above which a price counts.
    """
    reviews = made_from_raw(manifest, month)[MADE_FROM]
    version = made_from(CODE_VERSION, reviews, products[MADE_FROM], repr(float(min_price)))
    return version | {REVIEWS_VERSION: reviews, PRODUCTS_VERSION: products[MADE_FROM]}
