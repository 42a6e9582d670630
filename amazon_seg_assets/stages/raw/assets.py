"""The raw tables: what the source publishes, written once."""

from dataclasses import astuple
from typing import Any

from dagster import Config, MetadataValue
from pydantic import Field

from amazon_seg_assets.dag.declaration import whole_asset
from amazon_seg_assets.dag.handles import Stored, Whole
from amazon_seg_assets.dag.metadata import ROWS_READ, markdown_table
from amazon_seg_assets.dag.records import last_version
from amazon_seg_assets.dag.versions import WHOLE, digest
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import Span
from amazon_seg_assets.sources.base import Kind
from amazon_seg_assets.stages.raw.ingest import RAW_TABLES, READER_VERSION, ingest
from amazon_seg_assets.stages.raw.manifest import Manifest
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.texts import as_cell

KINDS = {"python", "pyarrow"}


class IngestConfig(Config):
    """Options of an ingestion."""

    force: bool = Field(
        False,
        description=(
            "Ingest even if the source has not changed, or if the sample would replace real data."
        ),
    )


@whole_asset(RAW_REVIEWS, kinds=KINDS, code_version=READER_VERSION)
def raw_reviews(reviews: Whole, config: IngestConfig) -> Stored:
    """Ingests the reviews of the category, if the source has changed."""
    stored, manifest, is_news = _ingest(Kind.REVIEWS, reviews, config)
    months = [[month, *astuple(counts)] for month, counts in manifest.months.items()]
    return stored.telling(
        rows_outside_span=_rows_outside(manifest, reviews.family.settings.span),
        first_month=min(manifest.months),
        last_month=max(manifest.months),
        months_changed=MetadataValue.json(manifest.months_changed if is_news else []),
        rows_by_month=MetadataValue.md(
            markdown_table(["month", "rows", "verified", "0 stars", "negative votes"], months)
        ),
    )


@whole_asset(RAW_METADATA, kinds=KINDS, code_version=READER_VERSION)
def raw_metadata(products: Whole, config: IngestConfig) -> Stored:
    """Ingests the products of the category, if the source has changed."""
    stored, *_ = _ingest(Kind.METADATA, products, config)
    return stored


def _ingest(kind: Kind, handle: Whole, config: IngestConfig) -> tuple[Stored, Manifest, bool]:
    """Ingests one kind, from a source that has both: with one alone a run would fail halfway.

    Returns:
        What is stored, its manifest, and whether it was written since the last record. It was
        not recorded where a step has published its table, and then failed.
    """
    assert handle.source is not None
    assert handle.instance is not None
    source = handle.source.open()
    for needed in Kind:
        source.files(needed, handle.category)
    manifest, renewed = ingest(
        kind,
        source,
        handle.storage,
        handle.source.max_malformed_share,
        force=config.force,
        progress=handle.say,
        check=lambda found: _require_in_span(found, handle.family.settings.span),
    )
    table = RAW_TABLES[kind]
    recorded = last_version(handle.instance, handle.storage, handle.family.key(table.name))
    is_news = renewed or recorded != manifest.version
    versions = raw_versions(manifest, handle.family.settings.span)
    stored = handle.described(table, manifest.version, versions)
    return stored.telling(**_figures(manifest, renewed, is_news)), manifest, is_news


def _figures(manifest: Manifest, renewed: bool, is_news: bool) -> dict[str, Any]:
    read = manifest.files_read if is_news else []
    files = (f"- {as_cell(name)} ({'read' if name in read else 'kept'})" for name in manifest.files)
    malformed = "\n".join(f"- {as_cell(example)}" for example in manifest.malformed_examples)
    return {
        "source": manifest.source,
        "source_files": MetadataValue.md("\n".join(files)),
        "source_changed": is_news,
        "files_read": len(read),
        "files_kept": len(manifest.files) - len(read),
        ROWS_READ: sum(manifest.files[name].rows for name in read) if renewed else 0,
        "dropped_malformed_lines": manifest.malformed,
        "malformed_examples": MetadataValue.md(malformed or "None."),
        "unknown_fields": MetadataValue.json(manifest.unknown_fields),
    }


def _require_in_span(manifest: Manifest, span: Span) -> None:
    if manifest.rows == _rows_outside(manifest, span):
        months = [*manifest.months]
        raise InputError(
            f"None of the {manifest.rows:,} reviews of {manifest.source} is within the months "
            f"{span.first} … {span.last}, but of {months[0]} … {months[-1]}: set "
            "AMAZON_SEG_FIRST_MONTH and AMAZON_SEG_LAST_MONTH; or correct the source, whose "
            "timestamps are milliseconds since 1970."
        )


def _rows_outside(manifest: Manifest, span: Span) -> int:
    return sum(manifest.rows_outside(span.first, span.last).values())


def raw_versions(manifest: Manifest, span: Span) -> dict[str, str]:
    """Versions of the months of a raw table, and of the whole: months of the span count there."""
    inside = [month for month in manifest.months if month in span]
    whole = digest(manifest.table_version(), *inside[:1], *inside[-1:])
    by_month = {month: digest(manifest.month_version(month)) for month in manifest.months}
    return {WHOLE: whole, **by_month}
