"""How an asset of this project declares itself, from the declaration of its table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pyarrow as pa
from dagster import (
    AssetDep,
    AssetSpec,
    BackfillPolicy,
    Failure,
    MetadataValue,
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableSchema,
    multi_asset,
)

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.partitions import MONTHS
from amazon_seg_assets.tables.model import Column, Table
from amazon_seg_assets.tables.raw import RAW_REVIEWS

OWNERS = ["team:customer-analytics"]

GROUPS = {
    "ingestion": "raw files of the source into raw tables",
    "exploration": "what the raw tables hold, at a glance",
    "cleaning": "clean, lean reviews and products",
    "rfm": "recency, frequency and monetary value of each customer",
    "clustering": "K-Means clusters",
    "segmentation": "RFM segments",
    "validation": "how good clusters and segments are",
    "plots": "pictures for people",
    "report": "what people take away: the report, and customers by segment",
}
"""All groups, in the order of the data's way."""

Deps = Sequence[str | AssetDep]


def table_spec(
    table: Table,
    *,
    group: str,
    kinds: set[str],
    deps: Deps = (),
    code_version: str = "1",
) -> AssetSpec:
    """The specification of an asset that stores ``table``."""
    # The raw reviews lie in month folders, but come from the source as a whole.
    return _spec(
        table.name,
        description=table.description,
        group=group,
        kinds=kinds | {"parquet"},
        deps=deps,
        code_version=code_version,
        partitioned=table.by_month and table is not RAW_REVIEWS,
        metadata=table_metadata(table),
    )


def artifact_spec(
    name: str,
    *,
    description: str,
    group: str,
    kinds: set[str],
    deps: Deps,
    code_version: str = "1",
    partitioned: bool = True,
) -> AssetSpec:
    """The specification of an asset that is no table: a model or a picture."""
    return _spec(name, description, group, kinds, deps, code_version, partitioned, metadata={})


def _spec(
    name: str,
    description: str,
    group: str,
    kinds: set[str],
    deps: Deps,
    code_version: str,
    partitioned: bool,
    metadata: Mapping[str, Any],
) -> AssetSpec:
    if group not in GROUPS:
        raise ValueError(f"{group} is not one of the groups {list(GROUPS)}")
    return AssetSpec(
        name,
        deps=deps,
        description=description,
        group_name=group,
        kinds=kinds,
        owners=OWNERS,
        code_version=code_version,
        partitions_def=MONTHS if partitioned else None,
        metadata=metadata,
    )


def seg_asset(*specs: AssetSpec) -> Callable[[Callable[..., Any]], Any]:
    """Makes assets out of a function that stores what ``specs`` declare.

    A range of months is one run. What a user can mend fails with its sentence alone, and is not
    tried again; any other error keeps its stack trace.
    """
    make = multi_asset(
        name=specs[0].key.path[-1],
        specs=specs,
        # Also without partitions: a run of a range takes only assets that all have this policy.
        backfill_policy=BackfillPolicy.single_run(),
    )

    def decorate(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def asset(*args: Any, **kwargs: Any) -> Any:
            with failing_for_people():
                return function(*args, **kwargs)

        return make(asset)

    return decorate


@contextmanager
def failing_for_people() -> Iterator[None]:
    """Fails a step with the sentence alone where the user can mend it, and without a retry."""
    try:
        yield
    except InputError as error:
        raise Failure(description=str(error), allow_retries=False) from error


def table_metadata(table: Table) -> dict[str, Any]:
    """Column schema and lineage under Dagster's standard keys."""
    return {
        "dagster/column_schema": TableSchema([_column(column) for column in table.columns]),
        "dagster/column_lineage": MetadataValue.column_lineage(
            TableColumnLineage(
                {
                    column.name: [_column_dep(source) for source in column.sources]
                    for column in table.columns
                    if column.sources
                }
            )
        ),
        "dagster/storage_kind": "parquet",
    }


def _column(column: Column) -> TableColumn:
    unit = f" Unit: {column.unit}." if column.unit else ""
    return TableColumn(
        column.name,
        type=_type_name(column.type),
        description=column.description + unit,
        constraints=TableColumnConstraints(nullable=column.nullable),
    )


def _type_name(type_: pa.DataType) -> str:
    return str(type_).replace("element: ", "").replace("item: ", "")


def _column_dep(source: str) -> TableColumnDep:
    table, column = source.split(".")
    return TableColumnDep(asset_key=table, column_name=column)
