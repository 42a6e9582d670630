"""Whether what is stored of an asset still follows from the raw tables as they now are."""

from __future__ import annotations

from dagster import AssetKey, DagsterInstance
from dagster._core.definitions.data_version import CODE_VERSION_TAG, get_input_data_version_tag

from amazon_seg_assets.ingestion.manifest import read_manifest
from amazon_seg_assets.locations import is_below
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.tables.raw import RAW_METADATA, RAW_REVIEWS


def is_up_to_date(
    instance: DagsterInstance, store: Store, asset: AssetKey, code_version: str | None
) -> bool:
    """Whether an asset without partitions was last made from the raw tables that are stored.

    Dagster records with each materialization which version of its inputs it read, and which
    version of the code read them. One into another storage, or of another category, says nothing
    about this one.

    Args:
        instance: where materializations are recorded.
        store: the storage of the category.
        asset: depends on raw tables, directly or not.
        code_version: that the asset has now.
    """
    event = instance.get_latest_materialization_event(asset)
    materialization = event.asset_materialization if event is not None else None
    if materialization is None:
        return False
    tags = materialization.tags or {}
    uri = materialization.metadata.get("dagster/uri")
    folder = store.path(asset.path[-1])
    if uri is None or not folder.is_dir() or not is_below(str(uri.value), folder):
        return False
    for table in (RAW_REVIEWS, RAW_METADATA):
        read = tags.get(get_input_data_version_tag(AssetKey(table.name)))
        manifest = read_manifest(store, table.name)
        if read is not None and (manifest is None or manifest.version != read):
            return False
    return tags.get(CODE_VERSION_TAG) == code_version
