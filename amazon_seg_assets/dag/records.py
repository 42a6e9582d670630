"""Dagster's records of what has been materialized."""

from collections.abc import Iterator

from dagster import AssetKey, AssetRecordsFilter, DagsterInstance, EventLogRecord

from amazon_seg_assets.dag.internals import data_version_of
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location, is_below

_FIRST_PAGE, _PAGE = 20, 1000  # records read at once; mostly the first one tells


def materializations(
    instance: DagsterInstance, store: Store, asset: AssetKey, after: int | None = None
) -> Iterator[EventLogRecord]:
    """Records of an asset without partitions, the last first.

    Materializations into other storages are left out.

    Args:
        instance: where they are recorded.
        store: the storage of the category.
        asset: without partitions.
        after: number of a record; only those after it are given.
    """
    asked = AssetRecordsFilter(asset, after_storage_id=after)
    folder = store.base(asset.path[-1])
    cursor, page = None, _FIRST_PAGE
    while True:
        result = instance.fetch_materializations(asked, page, cursor)
        yield from (record for record in result.records if _is_into(record, folder))
        if not result.has_more:
            return
        cursor, page = result.cursor, _PAGE


def _is_into(record: EventLogRecord, folder: Location) -> bool:
    materialization = record.asset_materialization
    uri = materialization and materialization.metadata.get("dagster/uri")
    return uri is not None and is_below(str(uri.value), folder)


def last_version(instance: DagsterInstance, store: Store, asset: AssetKey) -> str | None:
    """The data version last recorded of an asset; None if there is no record."""
    last = next(materializations(instance, store, asset), None)
    version = last and data_version_of(last)
    return version.value if version else None
