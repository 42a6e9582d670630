"""What a step took, as metadata of what it stored."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagster import AssetExecutionContext, AssetKey, MaterializeResult

from amazon_seg_assets.engine.progress import Cost

ROWS = ("dagster/row_count", "dagster/partition_row_count")
_ROWS_READ = "rows_read"
_MIB = 1024**2


def report_cost(
    context: AssetExecutionContext, keys: Sequence[AssetKey], cost: Cost, returned: Any
) -> None:
    """Adds seconds, rows a second and peak memory to the metadata of a step's assets.

    Rows are those that the step tells it has read, else those it stored; without any there is no
    speed. Where a step stored several partitions or assets, the figures are of all together, and
    their names begin with ``step_``.

    Args:
        context: of the step, with the metadata that it has added.
        keys: assets that the step stored.
        cost: what it took.
        returned: what its function returned.
    """
    # A run of months may also make assets that have none.
    months = context.partition_keys if context.assets_def.partitions_def else [None]
    added = [_added(context, key, month) for key in keys for month in months]
    rows = sum(_rows([*added, *_results(returned)]))
    prefix = "step_" if len(months) * len(keys) > 1 else ""
    figures: dict[str, Any] = {
        f"{prefix}seconds": round(cost.seconds, 3),
        f"{prefix}peak_memory_mb": round(cost.peak_memory_bytes / _MIB),
    }
    if rows:
        figures[f"{prefix}rows_per_second"] = round(rows / max(cost.seconds, 0.001))
    for key in keys:
        context.add_asset_metadata(figures, asset_key=key)


def _added(context: AssetExecutionContext, key: AssetKey, month: str | None) -> Mapping[str, Any]:
    step = context.op_execution_context.get_step_execution_context()
    return step.get_asset_metadata(key, month) or {}


def _results(returned: Any) -> list[Mapping[str, Any]]:
    # A result is a tuple itself, with names.
    several = (returned,) if isinstance(returned, MaterializeResult) else returned or ()
    return [each.metadata or {} for each in several if isinstance(each, MaterializeResult)]


def _rows(metadata: Iterable[Mapping[str, Any]]) -> Iterable[int]:
    for each in metadata:
        # What is kept of a former run is stored too, but took no time.
        counted = (_ROWS_READ,) if _ROWS_READ in each else ROWS
        yield from (int(each[name]) for name in counted if name in each)
