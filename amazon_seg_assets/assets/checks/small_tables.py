"""The checks of small tables that count customers or raw rows."""

from collections.abc import Callable, Iterable

import pandas as pd
from dagster import AssetCheckExecutionContext

from amazon_seg_assets.assets.checks.common import (
    customers_check,
    judge_schemas,
    schema_check,
    stats_of,
)
from amazon_seg_assets.assets.checks.declaration import (
    WHOLE,
    Check,
    Verdicts,
    asked_assets,
    seg_checks,
)
from amazon_seg_assets.ingestion.manifest import require_manifest
from amazon_seg_assets.quality import tables
from amazon_seg_assets.resources import StoreResource
from amazon_seg_assets.storage.small_tables import read_small
from amazon_seg_assets.tables.customers import RFM_FEATURES
from amazon_seg_assets.tables.densities import CLUSTER_DENSITY, RFM_HISTOGRAMS
from amazon_seg_assets.tables.exploration import (
    ALL_TIME,
    HELPFUL_REVIEWS,
    MAIN_CATEGORY_COUNTS,
    METADATA_PROFILE,
    MISPLACED_PRODUCTS,
    ODD_REVIEWS,
    RATING_COUNTS,
    REVIEW_COUNTS,
    REVIEW_PROFILE,
    TOP_PRODUCTS,
)
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.tables.validation import CLUSTER_VALIDATION, SCHEME_COMPARISON


def _raw_rows(table: Table) -> Check:
    return Check(table.name, "rows_kept", "The counts add up to the rows of the raw table.")


CUSTOMER_COUNTS: dict[Table, Callable[[pd.DataFrame], Iterable[int]]] = {
    CLUSTER_DENSITY: lambda table: [table["customers"].sum()],
    RFM_HISTOGRAMS: lambda table: table.groupby(["feature", "transformed"])["customers"].sum(),
    CLUSTER_VALIDATION: lambda table: [table["customers"].sum()],
    SCHEME_COMPARISON: lambda table: (
        table[f"{scheme}_customers"].sum() for scheme in ("standard", "notebook", "notebook_rules")
    ),
}
"""Small tables of which no other depends on another, and the totals of customers in them."""


@seg_checks(
    "customer_counts_checks",
    [check for table in CUSTOMER_COUNTS for check in (schema_check(table), customers_check(table))],
)
def customer_counts_checks(
    context: AssetCheckExecutionContext, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges small tables that count customers, against the customers that there are."""
    store, asked = storage.store, asked_assets(context)
    return {
        snapshot: {
            check: verdict
            for table, totals in CUSTOMER_COUNTS.items()
            if table.name in asked
            for check, verdict in (
                *judge_schemas(store, [table], snapshot).items(),
                (
                    customers_check(table),
                    tables.totals_kept(
                        "customers",
                        stats_of(store, RFM_FEATURES, snapshot).rows,
                        totals(read_small(store, table, snapshot)),
                    ),
                ),
            )
        }
        for snapshot in context.partition_keys
    }


ROW_COUNTS: dict[Table, tuple[Table, Callable[[pd.DataFrame], int]]] = {
    RATING_COUNTS: (
        RAW_REVIEWS,
        lambda table: table.loc[table["scope"] == ALL_TIME, "reviews"].sum(),
    ),
    REVIEW_COUNTS: (RAW_REVIEWS, lambda table: table["reviews"].sum()),
    MAIN_CATEGORY_COUNTS: (RAW_METADATA, lambda table: table["products"].sum()),
}
"""Small tables that count rows: of which raw table, and the total in them."""

EXPLORED = (
    REVIEW_PROFILE,
    METADATA_PROFILE,
    HELPFUL_REVIEWS,
    ODD_REVIEWS,
    TOP_PRODUCTS,
    MISPLACED_PRODUCTS,
    *ROW_COUNTS,
)


@seg_checks(
    "exploration_checks",
    [*map(schema_check, EXPLORED), *map(_raw_rows, ROW_COUNTS)],
    partitioned=False,
)
def exploration_checks(
    context: AssetCheckExecutionContext, storage: StoreResource
) -> dict[str, Verdicts]:
    """Judges the small tables that show what the raw tables hold."""
    store, asked = storage.store, asked_assets(context)
    counts = {
        _raw_rows(table): tables.total_kept(
            "rows", require_manifest(store, of.name).rows, int(total(read_small(store, table)))
        )
        for table, (of, total) in ROW_COUNTS.items()
        if table.name in asked
    }
    return {WHOLE: {**judge_schemas(store, [t for t in EXPLORED if t.name in asked]), **counts}}
