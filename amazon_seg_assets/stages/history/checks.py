"""Checks of the history that do not follow from its tables."""

from amazon_seg_assets.dag.checks import check
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.quality.tables import MAX_MONEY_DIFFERENCE, one_each, totals_kept
from amazon_seg_assets.quality.verdict import Verdict
from amazon_seg_assets.schema import Table
from amazon_seg_assets.spark.sums import MICROS
from amazon_seg_assets.stages.cleaning.tables import CLEAN_REVIEWS, JOINED_REVIEWS
from amazon_seg_assets.stages.cleaning.versions import made_from_clean
from amazon_seg_assets.stages.history.tables import (
    COHORT_RETENTION,
    CUSTOMER_DAYS,
    CUSTOMER_LIFECYCLE,
    LIFECYCLE_SUMMARY,
    LIFECYCLES,
)
from amazon_seg_assets.stages.history.versions import PRODUCTS_VERSION, REVIEWS_VERSION
from amazon_seg_assets.stages.raw.tables import RAW_REVIEWS
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES
from amazon_seg_assets.storage.facts import MADE_FROM
from amazon_seg_assets.storage.parquet import count_values


@check(CUSTOMER_DAYS)
def reviews_as_clean(snapshot: Snapshot) -> Verdict:
    """The reviews, with those without a user, are as many as the month's clean reviews, if any."""
    facts = snapshot.facts(CUSTOMER_DAYS, REVIEWS_VERSION, "no_user")
    if not _is_comparable(snapshot, CLEAN_REVIEWS, facts[REVIEWS_VERSION]):
        return _nothing_to_compare(CLEAN_REVIEWS)
    found = _summed(snapshot, "reviews") + facts["no_user"]
    return totals_kept("reviews", snapshot.rows(CLEAN_REVIEWS), [found])


@check(CUSTOMER_DAYS)
def priced_reviews_as_joined(snapshot: Snapshot) -> Verdict:
    """The priced reviews are as many as among the month's joined reviews, if any."""
    facts = snapshot.facts(
        CUSTOMER_DAYS, REVIEWS_VERSION, PRODUCTS_VERSION, "no_user_priced", "min_price"
    )
    made = [{MADE_FROM: facts[name]} for name in (REVIEWS_VERSION, PRODUCTS_VERSION)]
    if not _is_comparable(snapshot, JOINED_REVIEWS, made_from_clean(*made)[MADE_FROM]):
        return _nothing_to_compare(JOINED_REVIEWS)
    prices = count_values(snapshot.folder(JOINED_REVIEWS), "price")
    joined = sum(
        reviews
        for price, reviews in prices.items()
        if price is not None and round(price * MICROS) / MICROS > facts["min_price"]
    )
    found = _summed(snapshot, "priced_reviews") + facts["no_user_priced"]
    return totals_kept("priced reviews", joined, [found])


def _is_comparable(snapshot: Snapshot, table: Table, made_from: str) -> bool:
    """Tells if a table has the month, made from the same."""
    there = snapshot.month in snapshot.storage.months(table.name)
    return there and snapshot.facts(table).get(MADE_FROM) == made_from


def _nothing_to_compare(table: Table) -> Verdict:
    return Verdict(0, 0, f"{table.name} has no such month, made from the same, to compare with.")


def _summed(snapshot: Snapshot, column: str) -> int:
    """The sum of a column of the days, which has few values."""
    values = count_values(snapshot.folder(CUSTOMER_DAYS), column)
    return sum(value * rows for value, rows in values.items())


@check(CUSTOMER_LIFECYCLE, blocking=False)
def no_month_before_is_missing(snapshot: Snapshot) -> Verdict:
    """All months of the span up to the snapshot's that have reviews have days, too."""
    storage, span = snapshot.storage, snapshot.family.span
    needed = {month for month in storage.months(RAW_REVIEWS.name) if month in span}
    missing = sorted(
        month for month in needed - {*storage.months(CUSTOMER_DAYS.name)} if month <= snapshot.month
    )
    sentence = f"{len(missing):,} months of {CUSTOMER_DAYS.name} are missing"
    if missing:
        sentence += f", {missing[0]} … {missing[-1]}: some who came back are taken for new"
    return Verdict(len(missing), 0, f"{sentence}.")


@check(CUSTOMER_LIFECYCLE)
def one_lifecycle_each(snapshot: Snapshot) -> Verdict:
    """Each customer has exactly one lifecycle."""
    customers = snapshot.read(RFM_FEATURES, ["user_id"])
    without = customers.exceptAll(snapshot.read(CUSTOMER_LIFECYCLE, ["user_id"])).count()
    rows = snapshot.rows(RFM_FEATURES)
    too_many = snapshot.rows(CUSTOMER_LIFECYCLE) - (rows - without)
    return one_each("lifecycle", without + too_many, rows)


@check(CUSTOMER_LIFECYCLE)
def window_as_features(snapshot: Snapshot) -> Verdict:
    """Priced reviews and spend of the window's days are those of the features, to the cent."""
    days = snapshot.facts(CUSTOMER_LIFECYCLE, "min_prices", "window_reviews", "window_spend")
    features = snapshot.facts(RFM_FEATURES, "min_price", "counted_reviews", "counted_usd")
    if days["min_prices"] != [features["min_price"]]:
        others = " and ".join(f"{price:g}" for price in days["min_prices"])
        return Verdict(
            0,
            MAX_MONEY_DIFFERENCE,
            f"Nothing to compare: prices above {others} USD count in the days, above "
            f"{features['min_price']:g} USD in the features.",
        )
    reviews = totals_kept("reviews", features["counted_reviews"], [days["window_reviews"]])
    spend = totals_kept("USD", features["counted_usd"], [days["window_spend"]])
    return Verdict(
        max(reviews.value, spend.value),
        MAX_MONEY_DIFFERENCE,
        f"{reviews.sentence} {spend.sentence}",
    )


@check(LIFECYCLE_SUMMARY)
def lifecycles_add_up(snapshot: Snapshot) -> Verdict:
    """New, returning and won back customers add up to all customers."""
    summary = snapshot.small(LIFECYCLE_SUMMARY)
    found = summary.loc[summary["status"].isin(LIFECYCLES), "customers"].sum()
    return totals_kept("customers", snapshot.rows(RFM_FEATURES), [found])


@check(COHORT_RETENTION)
def active_within_cohorts(snapshot: Snapshot) -> Verdict:
    """No more customers are active than a cohort has, and in its first quarter all of them."""
    table = snapshot.small(COHORT_RETENTION)
    active, customers = table["active_customers"], table["cohort_customers"]
    is_first = table["quarters_since"] == 0
    odd = int(((active > customers) | (is_first & (active != customers))).sum())
    return Verdict(odd, 0, f"{odd:,} of {len(table):,} rows have more or fewer active customers.")
