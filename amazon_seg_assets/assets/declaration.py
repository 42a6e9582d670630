"""How an asset of this project declares itself, from the declaration of its table."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import pyarrow as pa
from dagster import (
    AssetDep,
    AssetExecutionContext,
    AssetSpec,
    BackfillPolicy,
    CodeReferencesMetadataValue,
    Failure,
    LocalFileCodeReference,
    MetadataValue,
    RetryRequested,
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableSchema,
    multi_asset,
)

from amazon_seg_assets.assets.cost import report_cost
from amazon_seg_assets.engine.failures import remedy
from amazon_seg_assets.engine.progress import watching
from amazon_seg_assets.engine.session import java_exit_code
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.partitions import MONTHS
from amazon_seg_assets.resources import StoreResource
from amazon_seg_assets.tables.model import Column, Table
from amazon_seg_assets.tables.raw import RAW_REVIEWS

DATA_SET = "[Amazon Reviews 2023](https://amazon-reviews-2023.github.io), or files in its form"

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

LAYERS = {
    "ingestion": "raw",
    "exploration": "insight",
    "cleaning": "clean",
    "rfm": "features",
    "clustering": "model",
    "segmentation": "model",
    "validation": "insight",
    "plots": "insight",
    "report": "insight",
}
"""What kind of data each group holds; a tag to filter by."""

PRIORITY = "dagster/priority"
"""Of the steps that can be next, those with the highest come first."""

CHECKS_FIRST, DATA_FIRST = "2", "1"
"""What fails a check stops a run early; segments are there before pictures and comparisons."""

SPARK_POOL = "spark"
"""Assets that use Spark take a slot of it, so that local runs queue instead of filling memory."""

RETRIES, RETRY_AFTER_SECONDS = 1, 5
"""For what a network or a cluster does once. More would only put off the news of a real failure."""

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
        description=f"{description}\n\n**Made from** {_named(deps)}.",
        group_name=group,
        kinds=kinds,
        owners=OWNERS,
        code_version=code_version,
        partitions_def=MONTHS if partitioned else None,
        metadata=metadata,
        tags={
            "domain": "customer-analytics",
            "layer": LAYERS[group],
            "cost": "high" if "pyspark" in kinds or group == "ingestion" else "low",
        },
    )


def _named(deps: Deps) -> str:
    names = [dep if isinstance(dep, str) else dep.asset_key.to_user_string() for dep in deps]
    return ", ".join(f"`{name}`" for name in names) or f"the source: {DATA_SET}"


def seg_asset(
    *specs: AssetSpec, source: Callable[..., Any] | None = None, for_pictures: bool = False
) -> Callable[[Callable[..., Any]], Any]:
    """Makes assets out of a function that stores what ``specs`` declare.

    A range of months is one run. What a user can mend fails with its sentence alone, and is not
    tried again; any other error is tried once more, and then keeps its stack trace. While a step
    lasts, its log tells how far Spark is; in the end, its metadata tells what it took.

    Args:
        specs: of the assets.
        source: what to open for whoever wants to read the code, if not the function itself.
        for_pictures: whether nothing but pictures is made of it, which come last.
    """
    comes_last = for_pictures or specs[0].tags["layer"] == "insight"
    is_tried_again = _uses_spark(specs) or _uses_network(specs)

    def decorate(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def asset(*args: Any, **kwargs: Any) -> Any:
            context = AssetExecutionContext.get()
            log = context.log.info
            explained = failing_for_people(kwargs.get("storage"))
            with trying_again(is_tried_again), explained, watching(log) as cost:
                returned = function(*args, **kwargs)
            report_cost(context, [spec.key for spec in specs], cost, returned)
            return returned

        reference = _code_reference(source or function)
        make = multi_asset(
            name=specs[0].key.path[-1],
            specs=[spec.merge_attributes(metadata=reference) for spec in specs],
            # Also without partitions: a run of a range takes only assets that all have this policy.
            backfill_policy=BackfillPolicy.single_run(),
            pool=SPARK_POOL if _uses_spark(specs) else None,
            op_tags={} if comes_last else {PRIORITY: DATA_FIRST},
        )
        return make(asset)

    return decorate


def _uses_spark(specs: Sequence[AssetSpec]) -> bool:
    return any("pyspark" in spec.kinds for spec in specs)


def _uses_network(specs: Sequence[AssetSpec]) -> bool:
    return any(spec.group_name == "ingestion" for spec in specs)


def _code_reference(function: Callable[..., Any]) -> dict[str, Any]:
    while isinstance(function, partial):
        function = function.func
    file, line = inspect.getsourcefile(function), inspect.getsourcelines(function)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dagster calls it beta, and says so each time.
        reference = LocalFileCodeReference(file_path=str(file), line_number=line)
        references = CodeReferencesMetadataValue(code_references=[reference])
    return {"dagster/code_references": references}


@contextmanager
def trying_again(is_tried_again: bool) -> Iterator[None]:
    """Has a step that fails begun once more, unless the failure says that it is no use.

    A retry policy of Dagster would begin an interrupted step again too, and so a run that somebody
    has ended would go on.
    """
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        if not is_tried_again:
            raise
        raise RetryRequested(RETRIES, RETRY_AFTER_SECONDS) from error


@contextmanager
def failing_for_people(storage: StoreResource | None) -> Iterator[None]:
    """Fails a step with a sentence alone where the user can mend it, and without a retry.

    Args:
        storage: where the step stores, if it does.
    """
    try:
        yield
    except Exception as error:
        message = str(error)
        where = storage.root if storage else "the storage"
        sentence = (
            message
            if isinstance(error, InputError)
            else remedy(message, java_exit_code(message), where)
        )
        if sentence is None:
            raise
        raise Failure(description=sentence, allow_retries=False) from error


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
