"""The clean tables and their join."""

from typing import Any

from dagster import AssetExecutionContext, Config, MaterializeResult
from pydantic import Field
from pyspark.sql import Observation

from amazon_seg_assets.assets.declaration import seg_asset, table_spec
from amazon_seg_assets.assets.metadata import dropped, report_table
from amazon_seg_assets.ingestion.manifest import MonthCounts, require_manifest
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.rules.categories import load_category_rules, load_excluded_categories
from amazon_seg_assets.staleness import made_from_clean, made_from_products, made_from_raw
from amazon_seg_assets.storage.figures import read_figures
from amazon_seg_assets.storage.footers import Stats, read_stats
from amazon_seg_assets.storage.spark_tables import read_table, write_months, write_whole
from amazon_seg_assets.tables.clean import CLEAN_METADATA, CLEAN_REVIEWS, JOINED_REVIEWS
from amazon_seg_assets.tables.model import PLACE
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.transforms import cleaning
from amazon_seg_assets.transforms.cleaning import (
    CODE_VERSION,
    PRODUCT_DROP_REASONS,
    REVIEW_DROP_REASONS,
)

KINDS = {"pyspark"}


class CleanMetadataConfig(Config):
    """Which products to leave out."""

    excluded_categories: list[str] | None = Field(
        None,
        description=(
            "Main categories to leave out, and with them products without a category; an empty "
            "list keeps all. By default those of `excluded_categories.yaml` in the folder "
            "AMAZON_SEG_RULES, or else of `rules/excluded_categories.yaml`, which names some for "
            "Electronics alone."
        ),
    )


@seg_asset(
    table_spec(
        CLEAN_REVIEWS,
        group="cleaning",
        kinds=KINDS,
        deps=[RAW_REVIEWS.name],
        code_version=CODE_VERSION,
    )
)
def clean_reviews(
    context: AssetExecutionContext, spark: SparkResource, storage: StoreResource
) -> None:
    """Cleans the reviews of the months asked for."""
    store, months = storage.store, list(context.partition_keys)
    manifest = require_manifest(store, RAW_REVIEWS.name)
    raw_months = manifest.months
    there = [month for month in months if month in raw_months]
    raw = read_table(spark.spark_session, store, RAW_REVIEWS, there, with_place=True)
    duplicates = Observation()
    clean = cleaning.clean_reviews(raw, months, duplicates)

    def figures(month: str, _: Stats) -> dict[str, Any]:
        counts = raw_months.get(month, MonthCounts())
        return made_from_raw(manifest, month) | {
            "raw": counts.rows,
            "not_verified": counts.rows - counts.verified,
            "duplicate": duplicates.get[month],
        }

    written = write_months(clean, store, CLEAN_REVIEWS, months, figures)
    for month, stats in written.items():
        raw_counts, counts = raw_months.get(month, MonthCounts()), figures(month, stats)
        context.add_asset_metadata(
            report_table(
                store,
                CLEAN_REVIEWS,
                stats,
                month,
                raw_rows=raw_counts.rows,
                zero_ratings=raw_counts.zero_rating,
                negative_votes=raw_counts.negative_vote,
                **dropped({reason: counts[reason] for reason in REVIEW_DROP_REASONS}),
            ),
            partition_key=month,
        )


@seg_asset(
    table_spec(
        CLEAN_METADATA,
        group="cleaning",
        kinds=KINDS,
        deps=[RAW_METADATA.name],
        # Changed rules make the products out of date; so below, wherever rules are read.
        code_version=f"{CODE_VERSION}-{load_category_rules().fingerprint}",
    )
)
def clean_metadata(
    config: CleanMetadataConfig, spark: SparkResource, storage: StoreResource
) -> MaterializeResult:
    """Cleans the products."""
    store = storage.store
    excluded = config.excluded_categories
    if excluded is None:
        excluded = list(load_excluded_categories(store.category))
    columns = [*CLEAN_METADATA.column_names, *PLACE]
    raw = read_table(spark.spark_session, store, RAW_METADATA, columns=columns, with_place=True)
    observed, repeats = Observation(), Observation()
    products = cleaning.clean_metadata(raw, excluded, observed, repeats)

    version = made_from_products(require_manifest(store, RAW_METADATA.name), excluded)

    def figures(_: Stats) -> dict[str, Any]:
        counts = observed.get | repeats.get
        return version | {name: counts[name] for name in ("raw", *PRODUCT_DROP_REASONS)}

    stats = write_whole(products, store, CLEAN_METADATA, figures)
    counts = observed.get | repeats.get
    reasons = {reason: counts[reason] for reason in PRODUCT_DROP_REASONS}
    unpriced = stats.nulls["price"]
    return MaterializeResult(
        metadata=report_table(
            store,
            CLEAN_METADATA,
            stats,
            raw_rows=counts["raw"],
            excluded_categories=excluded,
            unpriced_products=unpriced,
            **{f"price_{form}": counts[f"price_{form}"] for form in cleaning.PRICE_FORMS},
            **dropped(reasons),
        )
    )


@seg_asset(
    table_spec(
        JOINED_REVIEWS,
        group="cleaning",
        kinds=KINDS,
        deps=[CLEAN_REVIEWS.name, CLEAN_METADATA.name],
        code_version=CODE_VERSION,
    )
)
def joined_reviews(
    context: AssetExecutionContext, spark: SparkResource, storage: StoreResource
) -> None:
    """Joins the reviews of the months asked for with their products."""
    store, months = storage.store, list(context.partition_keys)
    reviews = read_table(spark.spark_session, store, CLEAN_REVIEWS, months)
    products = read_table(spark.spark_session, store, CLEAN_METADATA)
    review_rows = sum(read_stats(store.path(CLEAN_REVIEWS.name, month)).rows for month in months)
    product_rows = read_stats(store.path(CLEAN_METADATA.name)).rows
    joined = cleaning.join_products(reviews, products, review_rows, product_rows)
    of_products = read_figures(store, CLEAN_METADATA.name)
    of_reviews = {month: read_figures(store, CLEAN_REVIEWS.name, month) for month in months}

    def figures(month: str, _: Stats) -> dict[str, str]:
        return made_from_clean(of_reviews[month], of_products)

    for month, stats in write_months(joined, store, JOINED_REVIEWS, months, figures).items():
        context.add_asset_metadata(
            report_table(
                store,
                JOINED_REVIEWS,
                stats,
                month,
                unpriced_reviews=stats.nulls.get("price", 0),
                reviews_without_product_name=stats.nulls.get("product_name", 0),
            ),
            partition_key=month,
        )
