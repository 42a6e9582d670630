"""The days of all customers, and who is new, came back or stayed away as of a snapshot."""

from datetime import date

from pyspark.sql import DataFrame, Observation

from amazon_seg_assets.dag.declaration import AllBefore, months_asset, plot, snapshot_asset
from amazon_seg_assets.dag.handles import MonthRange, Snapshot, Stored
from amazon_seg_assets.dag.metadata import shown
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA
from amazon_seg_assets.stages.history import cohorts, lifecycle, plots, transform
from amazon_seg_assets.stages.history.tables import (
    COHORT_RETENTION,
    CUSTOMER_DAYS,
    CUSTOMER_LIFECYCLE,
    LIFECYCLE_SUMMARY,
)
from amazon_seg_assets.stages.history.versions import CODE_VERSION, made_from_days
from amazon_seg_assets.stages.raw.manifest import MonthCounts, require_manifest
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm.assets import RfmConfig, scope
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.storage.facts import Facts, require_facts
from amazon_seg_assets.storage.parquet import Stats

KINDS = {"pyspark"}


@months_asset(
    CUSTOMER_DAYS,
    reads=[RAW_REVIEWS, CLEAN_METADATA],
    kinds=KINDS,
    code_version=CODE_VERSION,
    checked_as_one=True,
    from_begin=True,
)
def customer_days(months: MonthRange, config: RfmConfig) -> list[Stored]:
    """Sums up the clean reviews of each customer and day, of the months asked for."""
    manifest = require_manifest(months.storage, RAW_REVIEWS.name)
    of_products = months.facts(CLEAN_METADATA)
    there = [month for month in months.months if month in manifest.months]
    counts = Observation()
    days = transform.customer_days(
        months.read(RAW_REVIEWS, transform.RAW_COLUMNS, there),
        _products(months),
        transform.tasks_for([manifest.months[month].rows for month in there]),
        config.min_price,
        counts,
    )

    def facts(month: str, stats: Stats) -> Facts:
        nobody = transform.without_user(counts.get).get(month, transform.WithoutUser())
        ends = [day for day in (stats.maximum.get("day"), nobody.last_day) if day]
        return made_from_days(manifest, month, of_products, config.min_price) | {
            "min_price": config.min_price,
            "raw": manifest.months.get(month, MonthCounts()).rows,
            "no_user": nobody.reviews,
            "no_user_priced": nobody.priced,
            "last_day": str(max(ends)) if ends else None,
        }

    return [
        each.telling(
            raw_rows=each.facts["raw"],
            reviews_without_user=each.facts["no_user"],
            last_day=each.facts["last_day"] or "none",
            min_price_usd=each.facts["min_price"],
        )
        for each in months.store(days, facts)
    ]


def _products(months: MonthRange) -> DataFrame:
    products = months.read(CLEAN_METADATA, transform.PRODUCT_COLUMNS)
    stats = months.stats(CLEAN_METADATA)
    return transform.few_to_each_task(products, stats.rows - (stats.nulls.get("price") or 0))


def last_day_of(snapshot: Snapshot) -> date:
    """L, with which the window of the features ends."""
    return date.fromisoformat(snapshot.facts(RFM_FEATURES, "window_end")["window_end"])


@snapshot_asset(
    CUSTOMER_LIFECYCLE,
    LIFECYCLE_SUMMARY,
    reads=[RFM_FEATURES, AllBefore(CUSTOMER_DAYS)],
    kinds=KINDS,
)
def customer_lifecycle(snapshot: Snapshot) -> list[Stored]:
    """Tells new customers from those who came back, and counts those who stayed away."""
    counts = Observation()
    customers = lifecycle.customer_lifecycle(
        snapshot.read(CUSTOMER_DAYS, lifecycle.DAY_COLUMNS),
        snapshot.read(RFM_FEATURES, ["user_id"]),
        last_day_of(snapshot),
        counts,
    )

    def facts(_: Stats) -> Facts:
        if unknown := counts.get["unknown"]:
            raise InputError(
                f"{unknown:,} customers of {RFM_FEATURES.name} {snapshot.month} of "
                f"{snapshot.category} have no day in {CUSTOMER_DAYS.name}: materialize all "
                "months of it up to the snapshot's first."
            )
        return {
            "min_prices": min_prices(snapshot),
            "window_reviews": counts.get["window_reviews"],
            "window_spend": counts.get["window_spend"],
        }

    stored = snapshot.store(customers, CUSTOMER_LIFECYCLE, facts)
    summary = lifecycle.lifecycle_summary(counts.get)
    figures = dict(zip(summary["status"], summary["customers"].tolist(), strict=True))
    return [
        stored.telling(**{f"customers_{status}": number for status, number in figures.items()}),
        snapshot.store(summary, LIFECYCLE_SUMMARY).telling(statuses=shown(summary)),
    ]


def min_prices(snapshot: Snapshot) -> list[float]:
    """The smallest prices, in USD, that count in the days of the window: one, if all is well."""
    stored = {*snapshot.storage.months(CUSTOMER_DAYS.name)}
    window = stored.intersection(snapshot.family.span.look_back(snapshot.month))
    found = (require_facts(snapshot.storage, CUSTOMER_DAYS.name, m, "min_price") for m in window)
    return sorted({facts["min_price"] for facts in found})


@snapshot_asset(
    COHORT_RETENTION, reads=[RFM_FEATURES, AllBefore(CUSTOMER_DAYS)], kinds=KINDS, comes_last=True
)
def cohort_retention(snapshot: Snapshot) -> Stored:
    """Counts the active customers of each cohort, quarter by quarter."""
    days = snapshot.read(CUSTOMER_DAYS, cohorts.DAY_COLUMNS)
    table = cohorts.cohort_retention(days, last_day_of(snapshot))
    return snapshot.store(table).telling(
        cohorts=table["cohort"].nunique(),
        customers=int(table.loc[table["quarters_since"] == 0, "cohort_customers"].sum()),
    )


@plot(
    reads=[LIFECYCLE_SUMMARY, RFM_FEATURES],
    section="history",
    caption="Customers and their spend: new, returning after a review in the year before, won back "
    "after a longer time; and customers of the year before who did not come back.",
)
def lifecycle_plot(snapshot: Snapshot) -> Picture:
    """Customers and spend by what customers did before the window."""
    return plots.lifecycle(snapshot.small(LIFECYCLE_SUMMARY), scope(snapshot))


@plot(
    reads=[COHORT_RETENTION, RFM_FEATURES],
    section="history",
    caption="Each row holds the customers whose first review is of that quarter; the darker, the "
    "more of them have a review so many quarters later.",
)
def cohort_retention_plot(snapshot: Snapshot) -> Picture:
    """Share of each cohort that is active, by quarters since its first; the last 20 cohorts."""
    return plots.cohort_retention(snapshot.small(COHORT_RETENTION), scope(snapshot))
