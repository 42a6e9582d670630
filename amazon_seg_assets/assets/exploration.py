"""The raw data at a glance: profiles, counts and top lists, whatever the snapshot."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from dagster import AssetsDefinition, Config, MaterializeResult, MetadataValue
from pydantic import Field

from amazon_seg_assets.assets.declaration import artifact_spec, seg_asset, table_spec
from amazon_seg_assets.assets.metadata import markdown_frame, report_table
from amazon_seg_assets.assets.plots import store_picture
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.ingestion.manifest import require_manifest
from amazon_seg_assets.partitions import in_span
from amazon_seg_assets.plots import exploration as draw
from amazon_seg_assets.plots.picture import Picture
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.rules.categories import load_category_rules, load_excluded_categories
from amazon_seg_assets.storage.figures import Figures
from amazon_seg_assets.storage.footers import read_stats
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.small_tables import read_small, write_small
from amazon_seg_assets.storage.spark_tables import read_table
from amazon_seg_assets.tables.exploration import (
    ALL_TIME,
    HELPFUL_REVIEWS,
    MAIN_CATEGORY_COUNTS,
    METADATA_PROFILE,
    MISPLACED_PRODUCTS,
    MOST_POPULAR,
    ODD_REVIEWS,
    RATING_COUNTS,
    RELATIVE_ERROR,
    REVIEW_COUNTS,
    REVIEW_PROFILE,
    TOP_PRODUCTS,
)
from amazon_seg_assets.tables.model import MONTH, Table
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.transforms import exploration
from amazon_seg_assets.transforms.profiles import profile_metadata, profile_reviews

GROUP = "exploration"
KINDS = {"pyspark"}

_TEXT_WIDTH = 300
_FORMATS = {"share": "{:.2%}", "rating": "{:g}", "value": "{:,.10g}"}
_TIME_FIGURES = ["min", "q1", "median", "q3", "max"]


class YearConfig(Config):
    """Which year to look at."""

    year: int | None = Field(
        None, description="Year (UTC) of what counts a year; by default the last with reviews."
    )


@seg_asset(table_spec(REVIEW_PROFILE, group=GROUP, kinds=KINDS, deps=[RAW_REVIEWS.name]))
def review_profile(spark: SparkResource, storage: StoreResource) -> MaterializeResult:
    """Profiles the raw reviews."""
    store = storage.store
    months = require_manifest(store, RAW_REVIEWS.name).months.values()
    raw = read_table(spark.spark_session, store, RAW_REVIEWS, columns=RAW_REVIEWS.column_names)
    profile = profile_reviews(raw)
    shown = profile.columns.astype(object)
    times = shown["column"] == "timestamp"
    shown.loc[times, _TIME_FIGURES] = shown.loc[times, _TIME_FIGURES].map(utc_day)
    covered = shown.loc[times, ["min", "max"]].iloc[0]
    facts = {
        **profile.facts,
        "verified": sum(counts.verified for counts in months),
        "zero_ratings": sum(counts.zero_rating for counts in months),
        "negative_votes": sum(counts.negative_vote for counts in months),
        "first_day": covered["min"],
        "last_day": covered["max"],
    }
    return _profiled(store, REVIEW_PROFILE, profile.columns, facts, shown)


@seg_asset(table_spec(METADATA_PROFILE, group=GROUP, kinds=KINDS, deps=[RAW_METADATA.name]))
def metadata_profile(spark: SparkResource, storage: StoreResource) -> MaterializeResult:
    """Profiles the raw products."""
    store = storage.store
    profile = profile_metadata(read_table(spark.spark_session, store, RAW_METADATA))
    return _profiled(store, METADATA_PROFILE, profile.columns, profile.facts, profile.columns)


@seg_asset(table_spec(RATING_COUNTS, group=GROUP, kinds=KINDS, deps=[RAW_REVIEWS.name]))
def rating_counts(
    config: YearConfig, spark: SparkResource, storage: StoreResource
) -> MaterializeResult:
    """Counts ratings, of all time and of a year."""
    store, year = storage.store, _year(storage.store, config.year)
    columns = ["rating", "verified_purchase", MONTH]
    raw = read_table(spark.spark_session, store, RAW_REVIEWS, columns=columns)
    table = exploration.rating_counts(raw, year)
    return _stored(
        store,
        RATING_COUNTS,
        table,
        year=year,
        **{
            f"ratings_of_{scope.replace(' ', '_')}": _shown(
                rows.drop(columns="scope").head(len(rows) if rows["reviews"].any() else 0),
                empty=f"No reviews in {scope}.",
            )
            for scope, rows in table.groupby("scope", sort=False)
        },
    )


@seg_asset(table_spec(REVIEW_COUNTS, group=GROUP, kinds={"python"}, deps=[RAW_REVIEWS.name]))
def review_counts(storage: StoreResource) -> MaterializeResult:
    """Takes the reviews of each month from what the ingestion has counted."""
    months = require_manifest(storage.store, RAW_REVIEWS.name).months
    rows = [(month, months[month].rows, months[month].verified) for month in sorted(months)]
    table = pd.DataFrame(rows, columns=REVIEW_COUNTS.column_names)
    years = table.assign(year=table["month"].str[:4]).groupby("year", as_index=False)
    return _stored(
        storage.store,
        REVIEW_COUNTS,
        table,
        reviews_by_year=_shown(years[["reviews", "verified"]].sum()),
        reviews_by_month=_shown(table),
    )


@seg_asset(
    table_spec(
        MAIN_CATEGORY_COUNTS,
        group=GROUP,
        kinds=KINDS,
        deps=[RAW_METADATA.name],
        code_version=f"1-{load_category_rules().fingerprint}",
    )
)
def main_category_counts(spark: SparkResource, storage: StoreResource) -> MaterializeResult:
    """Counts products by main category."""
    store = storage.store
    raw = read_table(spark.spark_session, store, RAW_METADATA, columns=["main_category"])
    table = exploration.main_category_counts(raw, load_excluded_categories(store.category))
    return _stored(
        store,
        MAIN_CATEGORY_COUNTS,
        table,
        products=int(table["products"].sum()),
        excluded_products=int(table.loc[table["is_excluded"], "products"].sum()),
        products_by_main_category=_shown(table.fillna({"main_category": "(none)"})),
    )


@seg_asset(table_spec(HELPFUL_REVIEWS, group=GROUP, kinds=KINDS, deps=[RAW_REVIEWS.name]))
def helpful_reviews(spark: SparkResource, storage: StoreResource) -> MaterializeResult:
    """Finds the most helpful reviews, then reads the months that hold them."""
    store, session = storage.store, spark.spark_session
    lean = ["helpful_vote", "verified_purchase", "timestamp", "review_id", MONTH]
    first = exploration.most_helpful(read_table(session, store, RAW_REVIEWS, columns=lean))
    ranks = dict(zip(first["review_id"], first["rank"], strict=True))
    raw = read_table(session, store, RAW_REVIEWS, sorted(set(first[MONTH])))
    table = exploration.helpful_reviews(raw, ranks)
    verified = table["verified_purchase"]
    return _stored(
        store,
        HELPFUL_REVIEWS,
        table,
        **{
            f"{name}_reviews": _shown(
                rows.drop(columns=["verified_purchase", "review_id"]),
                empty=f"No {name} review has a helpful vote.",
            )
            for name, rows in (("verified", table[verified]), ("unverified", table[~verified]))
        },
    )


@seg_asset(table_spec(ODD_REVIEWS, group=GROUP, kinds=KINDS, deps=[RAW_REVIEWS.name]))
def odd_reviews(spark: SparkResource, storage: StoreResource) -> MaterializeResult:
    """Reads the reviews whose values cannot be, from the first months that hold enough of them."""
    store, counts = storage.store, require_manifest(storage.store, RAW_REVIEWS.name).months
    zero = exploration.first_months({month: of.zero_rating for month, of in counts.items()})
    negative = exploration.first_months({month: of.negative_vote for month, of in counts.items()})
    months = sorted({*zero, *negative})
    table = exploration.odd_reviews(read_table(spark.spark_session, store, RAW_REVIEWS, months))
    return _stored(
        store,
        ODD_REVIEWS,
        table,
        **{
            f"reviews_with_{reason.replace(' ', '_')}": _shown(
                table[table["reason"] == reason].drop(columns=["reason", "review_id"]),
                empty=f"No review has {reason}.",
            )
            for reason in exploration.ODDITIES
        },
    )


@seg_asset(
    table_spec(
        MISPLACED_PRODUCTS,
        group=GROUP,
        kinds=KINDS,
        deps=[RAW_METADATA.name],
        code_version=f"1-{load_category_rules().fingerprint}",
    )
)
def misplaced_products(spark: SparkResource, storage: StoreResource) -> MaterializeResult:
    """Shows products of the main categories that cleaning leaves out."""
    store = storage.store
    raw = read_table(spark.spark_session, store, RAW_METADATA)
    table = exploration.misplaced_products(raw, load_excluded_categories(store.category))
    return _stored(
        store,
        MISPLACED_PRODUCTS,
        table,
        products=_shown(table, empty="No product is of a main category that is left out."),
    )


@seg_asset(
    table_spec(TOP_PRODUCTS, group=GROUP, kinds=KINDS, deps=[RAW_METADATA.name, RAW_REVIEWS.name])
)
def top_products(
    config: YearConfig, spark: SparkResource, storage: StoreResource
) -> MaterializeResult:
    """Ranks products by their pages, and by the reviews of a year."""
    store, session, year = storage.store, spark.spark_session, _year(storage.store, config.year)
    columns = ["review_id", "parent_asin", "rating", "verified_purchase"]
    months = _months(store, year)
    reviews = read_table(session, store, RAW_REVIEWS, months, columns)
    metadata = read_table(session, store, RAW_METADATA)
    table = exploration.top_products(metadata, reviews, year)
    lists = (*exploration.PRODUCT_LISTS, *exploration.YEARLY_LISTS)
    return _stored(
        store,
        TOP_PRODUCTS,
        table,
        year=year,
        **{
            re.sub(r"\W+", "_", name.lower()): _shown(
                table[table["list"] == name].drop(columns=["list", "year"]),
                empty=f"No such reviews in {year}."
                if name in exploration.YEARLY_LISTS
                else "No such products.",
            )
            for name in lists
        },
    )


def _year(store: Store, asked: int | None) -> int:
    """The year asked for, or the last with reviews in the span of months."""
    if asked is not None:
        return asked
    # A review of the year 9999 has a wrong date.
    months = [*filter(in_span, require_manifest(store, RAW_REVIEWS.name).months)]
    if not months:
        raise InputError(f"{store.category} has no reviews to explore; choose another category.")
    return int(max(months)[:4])


def _months(store: Store, year: int) -> list[str]:
    """The months of a year that have reviews."""
    months = require_manifest(store, RAW_REVIEWS.name).months
    return sorted(month for month in months if int(month[:4]) == year)


def _profiled(
    store: Store, table: Table, columns: pd.DataFrame, facts: Figures, shown: pd.DataFrame
) -> MaterializeResult:
    """Stores a profile, and the facts of the table as a whole beside it."""
    stats = write_small(columns, store, table, figures=facts)
    metadata = report_table(
        store,
        table,
        stats,
        profile=_shown(shown),
        facts=_shown(pd.DataFrame(facts.items(), columns=["fact", "figure"])),
        distinct_relative_error=RELATIVE_ERROR,
        **facts,
    )
    return MaterializeResult(metadata=metadata)


def _stored(store: Store, table: Table, frame: pd.DataFrame, **figures: Any) -> MaterializeResult:
    stats = write_small(frame, store, table)
    return MaterializeResult(metadata=report_table(store, table, stats, **figures))


def _shown(frame: pd.DataFrame, empty: str = "No rows.") -> MetadataValue:
    """A table for the UI, or words if it is empty."""
    if frame.empty:
        return MetadataValue.md(empty)
    written = {
        name: frame[name].map(form.format, na_action="ignore")
        for name, form in _FORMATS.items()
        if name in frame
    }
    return MetadataValue.md(markdown_frame(frame.assign(**written), _TEXT_WIDTH))


def utc_day(time_ms: float | None) -> str | None:
    """The date of a time in ms, UTC."""
    if time_ms is None or pd.isna(time_ms):
        return None
    return str(datetime.fromtimestamp(time_ms / 1000, UTC).date())


def _plot_asset(
    name: str, description: str, table: Table, picture_of: Callable[[Store, pd.DataFrame], Picture]
) -> AssetsDefinition:
    """An asset that draws one picture from one small table."""
    spec = artifact_spec(
        name,
        description=description,
        group=GROUP,
        kinds={"matplotlib"},
        deps=[table.name, RAW_REVIEWS.name],
        partitioned=False,
    )

    def plot(storage: StoreResource) -> MaterializeResult:
        store = storage.store
        picture = picture_of(store, read_small(store, table))
        return MaterializeResult(metadata=store_picture(store, name, None, picture))

    asset: AssetsDefinition = seg_asset(spec, source=picture_of)(plot)
    return asset


def _popular_products(store: Store, table: pd.DataFrame) -> Picture:
    year = _year(store, None) if table.empty else int(table["year"].iloc[0])
    popular = table[table["list"] == MOST_POPULAR]
    named = popular.assign(
        product_name=popular["product_name"].fillna(popular["parent_asin"]),
        reviews=popular["value"].astype("int64"),
    )
    return draw.popular_products(named, year)


def _ratings(is_of_year: bool) -> Callable[[Store, pd.DataFrame], Picture]:
    def picture_of(_: Store, table: pd.DataFrame) -> Picture:
        rated = table[((table["scope"] != ALL_TIME) == is_of_year) & table["rating"].notna()]
        return draw.ratings_by_verified(rated, rated["scope"].iloc[0])

    return picture_of


def _reviews_over_time(store: Store, table: pd.DataFrame) -> Picture:
    shown = table[table["month"].map(in_span)]
    latest = read_stats(store.path(RAW_REVIEWS.name, max(shown["month"], default=None)))
    return draw.reviews_over_time(shown, str(utc_day(latest.maximum.get("timestamp"))))


popular_products_plot = _plot_asset(
    "popular_products_plot",
    "The 20 products with most reviews in the year.",
    TOP_PRODUCTS,
    _popular_products,
)
ratings_by_verified_plot = _plot_asset(
    "ratings_by_verified_plot",
    "Ratings of verified purchases and of others, of all time.",
    RATING_COUNTS,
    _ratings(is_of_year=False),
)
yearly_ratings_by_verified_plot = _plot_asset(
    "yearly_ratings_by_verified_plot",
    "Ratings of verified purchases and of others, of the year.",
    RATING_COUNTS,
    _ratings(is_of_year=True),
)
reviews_over_time_plot = _plot_asset(
    "reviews_over_time_plot", "Reviews of each month.", REVIEW_COUNTS, _reviews_over_time
)
