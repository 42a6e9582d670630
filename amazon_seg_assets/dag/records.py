"""Dagster's records of what has been materialized, and whether it is up to date."""

from collections.abc import Iterator, Mapping

from dagster import AssetKey, AssetRecordsFilter, DagsterInstance, EventLogRecord

from amazon_seg_assets.dag.internals import code_version_of, data_version_of, input_version
from amazon_seg_assets.storage.facts import failed_checks
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


def is_up_to_date(
    instance: DagsterInstance,
    store: Store,
    asset: AssetKey,
    code_version: str,
    inputs: Mapping[AssetKey, str | None],
) -> bool:
    """True if an asset without partitions was last made from inputs of the versions given.

    Dagster records with each materialization which version of its inputs it read, and which
    version of the code read them.

    Args:
        instance: where materializations are recorded.
        store: the storage of the category.
        asset: depends on inputs, directly or not.
        code_version: that the asset has now.
        inputs: versions that are stored; None of what is not.
    """
    name = asset.path[-1]
    last = next(materializations(instance, store, asset), None)
    folder = store.path(name)
    if (
        last is None
        or not folder.is_dir()
        or not _is_into(last, folder)
        or failed_checks(store, name)
    ):
        return False
    for key, version in inputs.items():
        read = input_version(last, key)
        if read is not None and read != version:
            return False
    return code_version_of(last) == code_version
