"""The raw data at a glance: profiles, counts and top lists, whatever the snapshot."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd
from dagster import Config, MetadataValue
from pydantic import Field

from amazon_seg_assets.dag import metadata
from amazon_seg_assets.dag.declaration import plot, whole_asset
from amazon_seg_assets.dag.handles import Stored, Whole
from amazon_seg_assets.dag.versions import WHOLE
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.plots.style import Picture, RawScope
from amazon_seg_assets.rules.categories import load_category_rules, load_excluded_categories
from amazon_seg_assets.schema import MONTH, Table
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA
from amazon_seg_assets.stages.exploration import plots, transform
from amazon_seg_assets.stages.exploration.parts import VERSION as PARTS_VERSION
from amazon_seg_assets.stages.exploration.parts import merged, profile_months
from amazon_seg_assets.stages.exploration.profiles import Profile, profile_metadata
from amazon_seg_assets.stages.exploration.tables import (
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
    REVIEW_PROFILE_PARTS,
    TOP_PRODUCTS,
)
from amazon_seg_assets.stages.raw.assets import raw_versions
from amazon_seg_assets.stages.raw.manifest import MonthCounts, require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS

KINDS = {"pyspark"}
CHECKS = "exploration_checks"

_TEXT_WIDTH = 300
_FORMATS = {"share": "{:.2%}", "rating": "{:g}", "value": "{:,.10g}"}
_TIME_FIGURES = ["min", "q1", "median", "q3", "max"]


class YearConfig(Config):
    """The year to look at."""

    year: int = Field(
        0, description="Year (UTC) of what counts a year; 0: the last with reviews.", ge=0
    )


class ProfileConfig(Config):
    """The months to profile."""

    afresh: bool = Field(
        False, description="Profile all months, not only those that have changed since."
    )

    def identity(self) -> dict[str, str]:
        """Nothing: the profile is the same."""
        return {}


@whole_asset(
    REVIEW_PROFILE,
    REVIEW_PROFILE_PARTS,
    reads=[RAW_REVIEWS],
    kinds=KINDS,
    code_version="3",
    check_step=CHECKS,
)
def review_profile(explored: Whole, config: ProfileConfig) -> list[Stored]:
    """Profiles the raw reviews of each month, and merges the months."""
    versions = _versions(explored)
    kept = pd.DataFrame() if config.afresh else _kept_parts(explored, versions)
    changed = sorted({*versions} - {*kept.get(MONTH, ())})
    of_months = [kept] if len(kept) else []
    if changed:
        of_months.append(profile_months(explored.read(RAW_REVIEWS, months=changed)))
    none = pd.DataFrame(columns=REVIEW_PROFILE_PARTS.column_names)
    parts = pd.concat(of_months).sort_values(MONTH, kind="stable") if of_months else none
    parts = parts.reset_index(drop=True)
    profile = merged(explored.spark, parts)
    shown = profile.columns.astype(object)
    times = shown["column"] == "timestamp"
    shown.loc[times, _TIME_FIGURES] = shown.loc[times, _TIME_FIGURES].map(transform.utc_day)
    covered = shown.loc[times, ["min", "max"]].iloc[0]
    counts = _months(explored).values()
    facts = {
        **profile.facts,
        "verified": sum(each.verified for each in counts),
        "zero_ratings": sum(each.zero_rating for each in counts),
        "negative_votes": sum(each.negative_vote for each in counts),
        "first_day": covered["min"],
        "last_day": covered["max"],
    }
    made = {"code": PARTS_VERSION, "months": versions}
    return [
        _profiled(explored, profile, facts, shown, REVIEW_PROFILE),
        explored.store(parts, REVIEW_PROFILE_PARTS, made).telling(months_profiled=len(changed)),
    ]


def _versions(explored: Whole) -> dict[str, str]:
    """Versions of the months of the raw reviews."""
    manifest = require_manifest(explored.storage, RAW_REVIEWS.name)
    versions = raw_versions(manifest, explored.family.span)
    return {month: version for month, version in versions.items() if month != WHOLE}


def _kept_parts(explored: Whole, versions: Mapping[str, str]) -> pd.DataFrame:
    """The stored parts of months that have not changed since, if they are stored and sound."""
    try:
        made = explored.facts(REVIEW_PROFILE_PARTS, "code", "months")
        parts = explored.small(REVIEW_PROFILE_PARTS)
    except InputError:
        return pd.DataFrame()
    if made["code"] != PARTS_VERSION:
        return pd.DataFrame()
    same = parts[MONTH].map(made["months"]) == parts[MONTH].map(versions)
    return parts[same]


@whole_asset(
    METADATA_PROFILE, reads=[RAW_METADATA], kinds=KINDS, code_version="3", check_step=CHECKS
)
def metadata_profile(explored: Whole) -> Stored:
    """Profiles the raw products."""
    profile = profile_metadata(explored.read(RAW_METADATA))
    return _profiled(explored, profile, profile.facts, profile.columns, METADATA_PROFILE)


@whole_asset(RATING_COUNTS, reads=[RAW_REVIEWS], kinds=KINDS, check_step=CHECKS)
def rating_counts(explored: Whole, config: YearConfig) -> Stored:
    """Counts ratings, of all time and of a year."""
    year = _year(explored, config.year)
    raw = explored.read(RAW_REVIEWS, ["rating", "verified_purchase", MONTH])
    table = transform.rating_counts(raw, year)
    shown = {
        f"ratings_of_{scope.replace(' ', '_')}": _shown(
            rows.drop(columns="scope").head(len(rows) if rows["reviews"].any() else 0),
            empty=f"No reviews in {scope}.",
        )
        for scope, rows in table.groupby("scope", sort=False)
    }
    return explored.store(table).telling(year=year, **shown)


@whole_asset(REVIEW_COUNTS, reads=[RAW_REVIEWS], kinds={"python"}, check_step=CHECKS)
def review_counts(explored: Whole) -> Stored:
    """Takes the reviews of each month from what the ingestion has counted."""
    rows = [(month, each.rows, each.verified) for month, each in _months(explored).items()]
    table = pd.DataFrame(rows, columns=REVIEW_COUNTS.column_names)
    years = table.assign(year=table["month"].str[:4]).groupby("year", as_index=False)
    return explored.store(table).telling(
        reviews_by_year=_shown(years[["reviews", "verified"]].sum()), reviews_by_month=_shown(table)
    )


def _with_category_rules(settings: Settings) -> str:
    return f"1-{load_category_rules(settings.rules).fingerprint}"


def _excluded(explored: Whole) -> tuple[str, ...]:
    return load_excluded_categories(explored.category, explored.family.settings.rules)


@whole_asset(
    MAIN_CATEGORY_COUNTS,
    reads=[RAW_METADATA],
    kinds=KINDS,
    code_version=_with_category_rules,
    check_step=CHECKS,
)
def main_category_counts(explored: Whole) -> Stored:
    """Counts products by main category."""
    raw = explored.read(RAW_METADATA, ["main_category"])
    table = transform.main_category_counts(raw, _excluded(explored))
    return explored.store(table).telling(
        products=int(table["products"].sum()),
        excluded_products=int(table.loc[table["is_excluded"], "products"].sum()),
        products_by_main_category=_shown(table.fillna({"main_category": "(none)"})),
    )


@whole_asset(HELPFUL_REVIEWS, reads=[RAW_REVIEWS], kinds=KINDS, check_step=CHECKS)
def helpful_reviews(explored: Whole) -> Stored:
    """Finds the most helpful reviews, then reads the months that hold them."""
    lean = ["helpful_vote", "verified_purchase"]
    votes = transform.enough_votes(explored.read(RAW_REVIEWS, lean))
    known = explored.read(RAW_REVIEWS, [*lean, "timestamp", "review_id", MONTH])
    first = transform.most_helpful(known, votes)
    if votes > 1 and not transform.are_all(first):  # there are many copies
        first = transform.most_helpful(known, votes := 1)
    ranks = dict(zip(first["review_id"], first["rank"], strict=True))
    raw = explored.read(RAW_REVIEWS, months=sorted(set(first[MONTH])))
    table = transform.helpful_reviews(raw, ranks, votes)
    verified = table["verified_purchase"]
    shown = {
        f"{name}_reviews": _shown(
            rows.drop(columns=["verified_purchase", "review_id"]),
            empty=f"No {name} review has a helpful vote.",
        )
        for name, rows in (("verified", table[verified]), ("unverified", table[~verified]))
    }
    return explored.store(table).telling(**shown)


@whole_asset(ODD_REVIEWS, reads=[RAW_REVIEWS], kinds=KINDS, check_step=CHECKS)
def odd_reviews(explored: Whole) -> Stored:
    """Reads the reviews whose values cannot be, from the first months that hold enough of them."""
    counts = _months(explored)
    zero = transform.first_months({month: of.zero_rating for month, of in counts.items()})
    negative = transform.first_months({month: of.negative_vote for month, of in counts.items()})
    raw = explored.read(RAW_REVIEWS, months=sorted({*zero, *negative}))
    table = transform.odd_reviews(raw)
    shown = {
        f"reviews_with_{reason.replace(' ', '_')}": _shown(
            table[table["reason"] == reason].drop(columns=["reason", "review_id"]),
            empty=f"No review has {reason}.",
        )
        for reason in transform.ODDITIES
    }
    return explored.store(table).telling(**shown)


@whole_asset(
    MISPLACED_PRODUCTS,
    reads=[RAW_METADATA],
    kinds=KINDS,
    code_version=_with_category_rules,
    check_step=CHECKS,
)
def misplaced_products(explored: Whole) -> Stored:
    """Shows products of the main categories that cleaning leaves out."""
    table = transform.misplaced_products(explored.read(RAW_METADATA), _excluded(explored))
    empty = "No product is of a main category that is left out."
    return explored.store(table).telling(products=_shown(table, empty=empty))


@whole_asset(
    TOP_PRODUCTS,
    reads=[RAW_METADATA, CLEAN_METADATA, RAW_REVIEWS],
    kinds=KINDS,
    code_version="2",
    check_step=CHECKS,
)
def top_products(explored: Whole, config: YearConfig) -> Stored:
    """Ranks products by their pages, and clean ones by the verified reviews of a year."""
    year = _year(explored, config.year)
    months = [month for month in _months(explored) if int(month[:4]) == year]
    columns = ["review_id", "parent_asin", "rating", "verified_purchase"]
    reviews = explored.read(RAW_REVIEWS, columns, months)
    clean = explored.read(CLEAN_METADATA, transform.PRODUCT_COLUMNS)
    table = transform.top_products(explored.read(RAW_METADATA), clean, reviews, year)
    shown = {
        re.sub(r"\W+", "_", name.lower()): _shown(
            table[table["list"] == name].drop(columns=["list", "year"]),
            empty=f"No such reviews in {year}."
            if name in transform.YEARLY_LISTS
            else "No such products.",
        )
        for name in (*transform.PRODUCT_LISTS, *transform.YEARLY_LISTS)
    }
    return explored.store(table).telling(year=year, **shown)


def _months(explored: Whole) -> Mapping[str, MonthCounts]:
    """Counts of each month that has reviews, in order."""
    return require_manifest(explored.storage, RAW_REVIEWS.name).months


def _year(explored: Whole, asked: int = 0) -> int:
    """The year asked for, or the last with reviews in the span of months."""
    if asked:
        return asked
    # A review of the year 9999 has a wrong date.
    months = [month for month in _months(explored) if month in explored.family.settings.span]
    if not months:
        raise InputError(f"{explored.category} has no reviews to explore; choose another category.")
    return int(max(months)[:4])


def _profiled(
    explored: Whole,
    profile: Profile,
    facts: Mapping[str, Any],
    shown: pd.DataFrame,
    table: Table,
) -> Stored:
    """Stores a profile, and the facts of the table as a whole beside it."""
    return explored.store(profile.columns, table, facts).telling(
        profile=_shown(shown),
        facts=_shown(pd.DataFrame(facts.items(), columns=["fact", "figure"])),
        distinct_relative_error=RELATIVE_ERROR,
        **facts,
    )


def _shown(frame: pd.DataFrame, empty: str = "No rows.") -> MetadataValue:
    """A table for the UI, or words if it is empty."""
    written = {
        name: frame[name].map(form.format, na_action="ignore")
        for name, form in _FORMATS.items()
        if name in frame and len(frame)
    }
    return metadata.shown(frame.assign(**written), empty, _TEXT_WIDTH)


def _draws(table: Table, caption: str) -> Any:
    return plot(reads=[table, RAW_REVIEWS], section="exploration", caption=caption, whole=True)


@_draws(TOP_PRODUCTS, "The clean products with most verified reviews in the year.")
def popular_products_plot(explored: Whole) -> Picture:
    """The 20 clean products with most verified reviews in the year."""
    table = explored.small(TOP_PRODUCTS)
    year = _year(explored) if table.empty else int(table["year"].iloc[0])
    popular = table[table["list"] == MOST_POPULAR]
    named = popular.assign(
        product_name=popular["product_name"].fillna(popular["parent_asin"]),
        reviews=popular["value"].astype("int64"),
    )
    return plots.popular_products(named, year, _scope(explored))


def _scope(explored: Whole) -> RawScope:
    """The category and the last day of its reviews in the span of months, for captions."""
    manifest = require_manifest(explored.storage, RAW_REVIEWS.name)
    months = [month for month in manifest.months if month in explored.family.settings.span]
    latest = explored.stats(RAW_REVIEWS, max(months)).maximum["timestamp"] if months else None
    day = transform.utc_day(latest)
    return RawScope(explored.category, date.fromisoformat(day) if day else None, manifest.is_sample)


def _ratings(explored: Whole, of_year: bool) -> Picture:
    table = explored.small(RATING_COUNTS)
    rated = table[((table["scope"] != ALL_TIME) == of_year) & table["rating"].notna()]
    year = int(rated["scope"].iloc[0]) if of_year else None
    return plots.ratings_by_verified(rated, year, _scope(explored))


@_draws(RATING_COUNTS, "Ratings of the year, with and without a verified purchase.")
def yearly_ratings_by_verified_plot(explored: Whole) -> Picture:
    """Ratings of verified purchases and of others, of the year."""
    return _ratings(explored, of_year=True)


@_draws(RATING_COUNTS, "Ratings of all time, with and without a verified purchase.")
def ratings_by_verified_plot(explored: Whole) -> Picture:
    """Ratings of verified purchases and of others, of all time."""
    return _ratings(explored, of_year=False)


@_draws(REVIEW_COUNTS, "Reviews of each month.")
def reviews_over_time_plot(explored: Whole) -> Picture:
    """Reviews of each month."""
    table = explored.small(REVIEW_COUNTS)
    shown = table[[month in explored.family.settings.span for month in table["month"]]]
    return plots.reviews_over_time(shown, _scope(explored))
