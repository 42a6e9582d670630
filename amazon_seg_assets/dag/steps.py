"""Steps of a run: failures in one sentence, one retry, and assets bound to a category."""

import inspect
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from dagster import (
    AssetDep,
    AssetExecutionContext,
    AssetsDefinition,
    AssetSpec,
    BackfillPolicy,
    CodeReferencesMetadataValue,
    Config,
    DagsterInstance,
    DataVersion,
    Failure,
    LocalFileCodeReference,
    MaterializeResult,
    MetadataValue,
    RetryRequested,
    multi_asset,
)

from amazon_seg_assets.dag.declaration import AssetDeclaration
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.handles import Handle, MonthRange, Output, Snapshot, Stored, Whole
from amazon_seg_assets.dag.internals import is_temporary, months_of_run
from amazon_seg_assets.dag.metadata import arranged, cost_metadata, declared_metadata, plain
from amazon_seg_assets.dag.resources import SourceResource, SparkResource, StoreResource
from amazon_seg_assets.dag.titles import give_title
from amazon_seg_assets.dag.versions import WHOLE, Note, Versions, write_notes
from amazon_seg_assets.errors import InputError, TooFewError
from amazon_seg_assets.months import said
from amazon_seg_assets.schema import Table
from amazon_seg_assets.spark.failures import remedy
from amazon_seg_assets.spark.progress import watching
from amazon_seg_assets.spark.session import java_exit_code
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.refusals import note_refusal

SOURCE_FILES = "source_files"
"""The external asset that all lineage begins with."""

DATA_SET = "https://amazon-reviews-2023.github.io"
OWNERS = ["team:customer-analytics"]

LAYERS = {
    "raw": "raw",
    "cleaning": "clean",
    "rfm": "features",
    "history": "features",
    "clusters": "model",
    "segments": "model",
    "overview": "model",
}
"""The kind of data that tables of a stage are, a tag to filter by; all else is insight."""

PRIORITY = "dagster/priority"
"""Of the steps that can be next, those with the highest come first."""

CHECKS_FIRST, DATA_FIRST = "2", "1"
"""Failed checks stop a run early; segments are there before pictures and comparisons."""

SPARK_POOL = "spark"
"""Assets that use Spark take a slot of it, so that local runs queue instead of filling memory."""

RETRIES, RETRY_AFTER_SECONDS = 1, 5
"""For what a network or a cluster does once. More would only put off the news of a real failure."""


Required = Callable[[Family, Store, Collection[str], Sequence[str]], None]
"""Raises an `InputError` if a run lacks inputs, given the assets that it makes and its months."""


def bind_asset(
    declaration: AssetDeclaration,
    family: Family,
    code_version: str | None = None,
    require: Required | None = None,
) -> AssetsDefinition:
    """The asset of a category; its code version, if known, need not be found again.

    A range of months is one run. What a user can mend fails with its sentence alone, and is not
    tried again; any other error of Spark or of the source is tried once more, and then keeps its
    stack trace. While a step lasts, its log tells how far Spark is; in the end, its metadata tells
    what it took.
    """
    tried_again = declaration.uses_spark or declaration.stage == "raw"
    version = code_version or declaration.version(family.settings)

    def step(
        context: AssetExecutionContext,
        storage: StoreResource,
        spark: SparkResource,
        source: SourceResource,
        **config: Config,
    ) -> Any:
        give_title(context)
        store = storage.of(family.category)
        with running(storage, tried_again, context.log.info) as cost:
            _require_records(context.instance)
            months = _months(context, declaration, family)
            keys = context.job_def.asset_layer.selected_asset_keys
            in_run = {key.path[-1] for key in keys if key.path[0] == family.category}
            # The first steps of a run look for what its later ones need.
            if require and not in_run.intersection(declaration.inputs):
                require(family, store, in_run, months or months_of_run(context.run.tags))
            versions, given = Versions(family, store), config.get("config")
            # Before: what changes meanwhile may not have been read.
            made = {month: versions.now(declaration, month, given) for month in months or [WHOLE]}
            handles = _handles(declaration, family, months, store, spark, source, context)
            stored = [
                each for handle in handles for each in run_body(declaration, handle, config, made)
            ]
            write_notes(store, stored, made)
        took = cost_metadata([each.metadata for each in stored], cost)
        told = [replace(each, metadata=arranged(each.metadata) | took) for each in stored]
        return _results(context, family, told)

    return multi_asset(
        name=family.name(declaration.name),
        specs=[_spec(declaration, output, family, version) for output in declaration.stores],
        # Also without partitions: a run of a range takes only assets that all have this policy.
        backfill_policy=BackfillPolicy.single_run(),
        pool=SPARK_POOL if declaration.uses_spark else None,
        op_tags={} if _comes_last(declaration) else {PRIORITY: DATA_FIRST},
    )(with_signature(step, config_of(declaration.body, family)))


def _require_records(instance: DagsterInstance) -> None:
    """Checks that what is going to be changed stays on record.

    Raises:
        InputError: a command of Dagster has found no home, and would forget it.
    """
    if is_temporary(instance):
        raise InputError(
            "Dagster would keep no record of this run, as DAGSTER_HOME is not set: set it, here or "
            "in .env, to the whole path of the folder with its records, such as .dagster_home "
            "beside the data."
        )


def _months(
    context: AssetExecutionContext, declaration: AssetDeclaration, family: Family
) -> tuple[str, ...]:
    """The months of the run that the asset makes.

    Raises:
        InputError: one of them is no partition: what launched the run was loaded before the data
            had the months that it has now.
    """
    span = declaration.span(family)
    if span is None:
        return ()
    if outside := [month for month in months_of_run(context.run.tags) if month not in span]:
        raise InputError(
            f"{declaration.name} of {family.category} has no {said(outside)}: the data has given "
            f"it the months {span.first} … {span.last} since this page was loaded; reload the "
            "definitions (Deployment, Code locations, Reload) and choose among these."
        )
    return tuple(context.partition_keys)


def _handles(
    declaration: AssetDeclaration,
    family: Family,
    months: tuple[str, ...],
    store: Store,
    spark: SparkResource,
    source: SourceResource,
    context: AssetExecutionContext,
) -> Iterator[Whole | Snapshot | MonthRange]:
    common: dict[str, Any] = {
        "stores": declaration.stores,
        "reaches": {name: reach for name, reach in declaration.inputs.items() if reach},
        "spark_resource": spark,
        "source": source,
        "instance": context.instance,
        "say": context.log.info,
    }
    if declaration.handle is Whole:
        yield Whole(family, store, **common)
    elif declaration.handle is MonthRange:
        yield MonthRange(family, store, **common, months=months)
    else:
        yield from (Snapshot(family, store, month, **common) for month in months)


def run_body(
    declaration: AssetDeclaration,
    handle: Handle,
    config: Mapping[str, Any],
    made: Mapping[str, Note],
) -> Sequence[Stored]:
    """Runs the body; a month for which the data does not suffice is noted as such."""
    try:
        returned = declaration.body(handle, **config)
    except TooFewError:
        if handle.month:
            version = made[handle.month].versions[WHOLE]
            note_refusal(handle.storage, declaration.name, handle.month, version)
        raise
    return [returned] if isinstance(returned, Stored) else returned


def _results(
    context: AssetExecutionContext, family: Family, stored: Sequence[Stored]
) -> MaterializeResult | tuple[MaterializeResult, ...]:
    """Results for Dagster; those of months go by the context, as a result is of all months."""
    results: dict[str, MaterializeResult] = {}
    for each in stored:
        key, name = family.key(each.output.name), each.output.name
        if each.month is None:
            version = each.data_version and DataVersion(each.data_version)
            results[name] = MaterializeResult(
                key, metadata=each.metadata, data_version=version or None
            )
        else:
            context.add_asset_metadata(each.metadata, asset_key=key, partition_key=each.month)
            results[name] = MaterializeResult(key)
    one, *others = results.values()
    return (one, *others) if others else one


def _spec(
    declaration: AssetDeclaration, output: Output, family: Family, code_version: str
) -> AssetSpec:
    is_table = isinstance(output, Table)
    of_pictures = "matplotlib" in declaration.kinds
    return AssetSpec(
        family.key(output.name),
        deps=[
            AssetDep(
                family.key(name), partition_mapping=reach.mapping(family.span) if reach else None
            )
            for name, reach in declaration.inputs.items()
        ]
        or [AssetDep(family.key(SOURCE_FILES))],
        description=plain(
            f"{output.description}\n\nMade from {', '.join(declaration.inputs) or SOURCE_FILES}."
        ),
        group_name=declaration.stage,
        kinds={*declaration.kinds, *({"parquet"} if is_table else ())},
        owners=OWNERS,
        code_version=code_version,
        partitions_def=declaration.partitions(family),
        metadata=_code_reference(declaration.body)
        | (declared_metadata(family, output) if isinstance(output, Table) else {}),
        tags=_tags(
            family,
            layer="insight" if of_pictures else LAYERS.get(declaration.stage, "insight"),
            cost="high" if declaration.uses_spark or declaration.stage == "raw" else "low",
        ),
    )


def source_files(family: Family) -> AssetSpec:
    """The raw files of a category, which this graph reads and does not make."""
    return AssetSpec(
        family.key(SOURCE_FILES),
        description="The files of the category at the source: Amazon Reviews 2023, or files in "
        "its form.",
        group_name="raw",
        kinds={"json"},
        owners=OWNERS,
        metadata={"source": family.settings.source, "data_set": MetadataValue.url(DATA_SET)},
        tags=_tags(family, layer="source", cost="low"),
    )


def _tags(family: Family, layer: str, cost: str) -> dict[str, str]:
    return {
        "domain": "customer-analytics",
        "amazon_seg/category": family.category,
        "layer": layer,
        "cost": cost,
    }


def _comes_last(declaration: AssetDeclaration) -> bool:
    return declaration.comes_last or declaration.stage not in LAYERS


def _code_reference(body: Callable[..., Any]) -> dict[str, Any]:
    function = body.args[0] if isinstance(body, partial) else body
    file, line = inspect.getsourcefile(function), function.__code__.co_firstlineno
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dagster calls it beta, and says so each time.
        reference = LocalFileCodeReference(file_path=str(file), line_number=line)
        references = CodeReferencesMetadataValue(code_references=[reference])
    return {"dagster/code_references": references}


def config_of(body: Callable[..., Any], family: Family) -> type[Config] | None:
    """The run configuration of a body, with the defaults of the deployment and the category."""
    if isinstance(body, partial):
        return None
    kind = inspect.signature(body, eval_str=True).parameters.get("config")
    if kind is None:
        return None
    config: type[Config] = kind.annotation
    under = getattr(config, "under", None)
    return under(family) if under else config


def with_signature(step: Callable[..., Any], config: type[Config] | None) -> Callable[..., Any]:
    """A step with a parameter for its run configuration, by which Dagster finds it."""
    signature = inspect.signature(step, eval_str=True)
    parameters = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    if config is not None:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters.append(inspect.Parameter("config", kind, annotation=config))
    step.__signature__ = signature.replace(parameters=parameters, return_annotation=signature.empty)  # type: ignore[attr-defined]
    step.__annotations__ = {each.name: each.annotation for each in parameters}
    return step


@contextmanager
def running(storage: StoreResource, tried_again: bool, say: Callable[[str], None]) -> Iterator[Any]:
    """Runs a step: measured, tried again or not, and its failure told in a sentence if possible."""
    with trying_again(tried_again), failing_for_people(storage), watching(say) as cost:
        yield cost


@contextmanager
def trying_again(tried_again: bool) -> Iterator[None]:
    """Retries a failed step once, unless the failure forbids it.

    A retry policy of Dagster would begin an interrupted step again too, and so a run that somebody
    has ended would go on.
    """
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        if not tried_again:
            raise
        raise RetryRequested(RETRIES, RETRY_AFTER_SECONDS) from error


@contextmanager
def failing_for_people(storage: StoreResource) -> Iterator[None]:
    """Fails a step with a sentence alone where the user can mend it, and without a retry."""
    try:
        yield
    except Exception as error:
        message = str(error)
        if isinstance(error, InputError):
            # The sentence says it all: the way to it would hide it in the UI.
            raise Failure(description=message, allow_retries=False) from None
        sentence = remedy(message, java_exit_code(message), storage.root)
        if sentence is None:
            raise
        raise Failure(description=sentence, allow_retries=False) from error
