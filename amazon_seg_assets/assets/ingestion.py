"""The raw tables: what the source publishes, written once."""

from dataclasses import asdict
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetKey,
    Config,
    DagsterInstance,
    DataVersion,
    MaterializeResult,
    MetadataValue,
)
from dagster._core.definitions.data_version import extract_data_version_from_entry
from pydantic import Field

from amazon_seg_assets.assets.declaration import seg_asset, table_spec
from amazon_seg_assets.assets.metadata import markdown_table, report_table
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.ingestion.ingest import READER_VERSION, ingest
from amazon_seg_assets.ingestion.manifest import Manifest
from amazon_seg_assets.partitions import FIRST_MONTH, LAST_MONTH
from amazon_seg_assets.resources import SourceResource, StoreResource
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.staleness import materializations
from amazon_seg_assets.storage.footers import read_stats
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.tables.model import Table
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS

KINDS = {"python", "pyarrow"}


class IngestConfig(Config):
    """How to ingest."""

    force: bool = Field(
        False,
        description=(
            "Ingest even if the source has not changed, or if the sample would replace real data."
        ),
    )


@seg_asset(table_spec(RAW_REVIEWS, group="ingestion", kinds=KINDS, code_version=READER_VERSION))
def raw_reviews(
    context: AssetExecutionContext,
    config: IngestConfig,
    source: SourceResource,
    storage: StoreResource,
) -> MaterializeResult:
    """Ingests the reviews of the category, if the source has changed."""
    manifest, renewed = _ingest(Kind.REVIEWS, context, config, source, storage.store)
    is_news = renewed or not _is_recorded(context.instance, storage.store, RAW_REVIEWS, manifest)
    months = [[month, *asdict(counts).values()] for month, counts in manifest.months.items()]
    return _result(
        storage.store,
        RAW_REVIEWS,
        manifest,
        renewed,
        is_news,
        rows_outside_span=_rows_outside_span(manifest),
        first_month=min(manifest.months),
        last_month=max(manifest.months),
        months_changed=MetadataValue.json(manifest.months_changed if is_news else []),
        rows_by_month=MetadataValue.md(
            markdown_table(["month", "rows", "verified", "0 stars", "negative votes"], months)
        ),
    )


@seg_asset(table_spec(RAW_METADATA, group="ingestion", kinds=KINDS, code_version=READER_VERSION))
def raw_metadata(
    context: AssetExecutionContext,
    config: IngestConfig,
    source: SourceResource,
    storage: StoreResource,
) -> MaterializeResult:
    """Ingests the products of the category, if the source has changed."""
    manifest, renewed = _ingest(Kind.METADATA, context, config, source, storage.store)
    is_news = renewed or not _is_recorded(context.instance, storage.store, RAW_METADATA, manifest)
    return _result(storage.store, RAW_METADATA, manifest, renewed, is_news)


def _ingest(
    kind: Kind,
    context: AssetExecutionContext,
    config: IngestConfig,
    source: SourceResource,
    store: Store,
) -> tuple[Manifest, bool]:
    """Ingests one kind, from a source that has both: with one alone a run would fail halfway."""
    opened = source.open()
    for needed in Kind:
        opened.files(needed, store.category)
    return ingest(
        kind,
        opened,
        store,
        source.max_malformed_share,
        force=config.force,
        progress=lambda message: context.log.info(message),
        check=_require_in_span,
    )


def _require_in_span(manifest: Manifest) -> None:
    if manifest.rows == _rows_outside_span(manifest):
        months = [*manifest.months]
        raise InputError(
            f"None of the {manifest.rows:,} reviews of {manifest.source} is within the months "
            f"{FIRST_MONTH} … {LAST_MONTH}, but of {months[0]} … {months[-1]}: set "
            "AMAZON_SEG_FIRST_MONTH and AMAZON_SEG_LAST_MONTH; or correct the source, whose "
            "timestamps are milliseconds since 1970."
        )


def _rows_outside_span(manifest: Manifest) -> int:
    return sum(manifest.rows_outside(FIRST_MONTH, LAST_MONTH).values())


def _is_recorded(instance: DagsterInstance, store: Store, table: Table, manifest: Manifest) -> bool:
    """Whether the last record is of what is stored.

    It is not where a step has published its table, and then failed.
    """
    last = next(materializations(instance, store, AssetKey(table.name)), None)
    version = last and extract_data_version_from_entry(last.event_log_entry)
    return version == DataVersion(manifest.version)


def _result(
    store: Store, table: Table, manifest: Manifest, renewed: bool, is_news: bool, **figures: Any
) -> MaterializeResult:
    """What is recorded of a raw table.

    Args:
        store: the storage of the category.
        table: the raw table.
        manifest: what it holds.
        renewed: whether this step has written it.
        is_news: whether it has been written since the last record.
        figures: further ones.
    """
    read = manifest.files_read if is_news else []
    malformed = "\n".join(f"- {example}" for example in manifest.malformed_examples)
    return MaterializeResult(
        asset_key=table.name,
        data_version=DataVersion(manifest.version),
        metadata=report_table(
            store,
            table,
            read_stats(store.path(table.name)),
            source=manifest.source,
            source_files=MetadataValue.md(
                "\n".join(
                    f"- `{name}` ({'read' if name in read else 'kept'})" for name in manifest.files
                )
            ),
            source_changed=is_news,
            files_read=len(read),
            files_kept=len(manifest.files) - len(read),
            rows_read=sum(manifest.files[name].rows for name in read) if renewed else 0,
            dropped_malformed_lines=manifest.malformed,
            malformed_examples=MetadataValue.md(malformed or "None."),
            unknown_fields=MetadataValue.json(manifest.unknown_fields),
            **figures,
        ),
    )
