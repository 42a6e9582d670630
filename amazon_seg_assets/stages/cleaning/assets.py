"""The clean tables and their join."""

from dataclasses import replace
from typing import Any

from dagster import Config
from pydantic import Field, create_model
from pyspark.sql import Observation

from amazon_seg_assets.dag.declaration import months_asset, whole_asset
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.handles import MonthRange, Stored, Whole
from amazon_seg_assets.dag.metadata import dropped
from amazon_seg_assets.rules.categories import load_category_rules, load_excluded_categories
from amazon_seg_assets.schema import ROW_ID
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.cleaning import transform
from amazon_seg_assets.stages.cleaning.tables import (
    CLEAN_METADATA,
    CLEAN_REVIEWS,
    JOINED_REVIEWS,
    PRODUCT_DROP_REASONS,
    REVIEW_DROP_REASONS,
)
from amazon_seg_assets.stages.cleaning.versions import (
    CODE_VERSION,
    made_from_clean,
    made_from_products,
    made_from_raw,
)
from amazon_seg_assets.stages.raw.manifest import MonthCounts, require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.storage.facts import MADE_FROM, Facts
from amazon_seg_assets.storage.parquet import Stats

KINDS = {"pyspark"}


@months_asset(CLEAN_REVIEWS, reads=[RAW_REVIEWS], kinds=KINDS, code_version=CODE_VERSION)
def clean_reviews(months: MonthRange) -> list[Stored]:
    """Cleans the reviews of the months asked for."""
    manifest = require_manifest(months.storage, RAW_REVIEWS.name)
    counted = {month: manifest.months.get(month, MonthCounts()) for month in months.months}
    there = [month for month in months.months if month in manifest.months]
    raw = months.read(RAW_REVIEWS, months=there, with_row_id=True)
    duplicates = Observation()

    def facts(month: str, _: Stats) -> Facts:
        return made_from_raw(manifest, month) | {
            "raw": counted[month].rows,
            "not_verified": counted[month].rows - counted[month].verified,
            "duplicate": duplicates.get[month],
        }

    stored = months.store(transform.clean_reviews(raw, months.months, duplicates), facts)
    return [each.telling(**_of_month(each, counted[str(each.month)])) for each in stored]


def _of_month(stored: Stored, raw: MonthCounts) -> dict[str, Any]:
    return {
        "raw_rows": raw.rows,
        "zero_ratings": raw.zero_rating,
        "negative_votes": raw.negative_vote,
        **dropped({reason: stored.facts[reason] for reason in REVIEW_DROP_REASONS}),
    }


class CleanMetadataConfig(Config):
    """The products to leave out."""

    excluded_categories: list[str] = Field(
        [],
        description=(
            "Main categories to leave out, and with them products without a category; an empty "
            "list keeps all. By default those of `excluded_categories.yaml` in the folder "
            "AMAZON_SEG_RULES, or else of `rules/excluded_categories.yaml`, which names some for "
            "Electronics alone."
        ),
    )

    @classmethod
    def under(cls, family: Family) -> type[Config]:
        """The same with what the rules leave out of the category as the default."""
        field = cls.model_fields["excluded_categories"]
        excluded = load_excluded_categories(family.category, family.settings.rules)
        default = Field([*excluded], description=field.description)
        made: type[Config] = create_model(
            cls.__name__, __base__=cls, excluded_categories=(list[str], default)
        )
        return made


def _with_category_rules(settings: Settings) -> str:
    """Changed rules make the products out of date; so below, wherever rules are read."""
    return f"{CODE_VERSION}-{load_category_rules(settings.rules).fingerprint}"


@whole_asset(CLEAN_METADATA, reads=[RAW_METADATA], kinds=KINDS, code_version=_with_category_rules)
def clean_metadata(products: Whole, config: CleanMetadataConfig) -> Stored:
    """Cleans the products."""
    excluded = config.excluded_categories
    version = made_from_products(require_manifest(products.storage, RAW_METADATA.name), excluded)
    columns = [*CLEAN_METADATA.column_names, *ROW_ID]
    raw = products.read(RAW_METADATA, columns, with_row_id=True)
    observed, repeats = Observation(), Observation()
    clean = transform.clean_metadata(raw, excluded, observed, repeats)

    def facts(_: Stats) -> Facts:
        counts = observed.get | repeats.get
        return version | {name: counts[name] for name in ("raw", *PRODUCT_DROP_REASONS)}

    stored = products.store(clean, facts=facts)
    forms = {
        name: observed.get[name] for name in (f"price_{form}" for form in transform.PRICE_FORMS)
    }
    # Dagster's own version would not tell what was left out.
    return replace(stored, data_version=stored.facts[MADE_FROM]).telling(
        raw_rows=stored.facts["raw"],
        excluded_categories=excluded,
        unpriced_products=stored.stats.nulls["price"],
        **forms,
        **dropped({reason: stored.facts[reason] for reason in PRODUCT_DROP_REASONS}),
    )


@months_asset(
    JOINED_REVIEWS, reads=[CLEAN_REVIEWS, CLEAN_METADATA], kinds=KINDS, code_version=CODE_VERSION
)
def joined_reviews(months: MonthRange) -> list[Stored]:
    """Joins the reviews of the months asked for with their products."""
    of_products = months.facts(CLEAN_METADATA)
    of_reviews = {month: months.at(month).facts(CLEAN_REVIEWS) for month in months.months}
    joined = transform.join_products(
        months.read(CLEAN_REVIEWS),
        months.read(CLEAN_METADATA),
        sum(months.at(month).rows(CLEAN_REVIEWS) for month in months.months),
        months.rows(CLEAN_METADATA),
    )
    stored = months.store(joined, lambda month, _: made_from_clean(of_reviews[month], of_products))
    return [
        each.telling(
            unpriced_reviews=each.stats.nulls.get("price", 0),
            reviews_without_product_name=each.stats.nulls.get("product_name", 0),
        )
        for each in stored
    ]
