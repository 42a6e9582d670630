"""RFM segments, and the small table that sums up segments and clusters."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from dagster import AssetExecutionContext, Config, MetadataValue
from pydantic import Field

from amazon_seg_assets.assets.declaration import seg_asset, table_spec
from amazon_seg_assets.assets.metadata import markdown_frame, report_table
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.rules.scheme import Scheme, load_scheme
from amazon_seg_assets.settings import load_settings
from amazon_seg_assets.storage.figures import require_figures
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.small_tables import read_small
from amazon_seg_assets.storage.spark_tables import read_table, write_snapshot
from amazon_seg_assets.tables.customers import (
    CUSTOMER_CLUSTERS,
    RFM_FEATURES,
    RFM_SEGMENTS,
    SEGMENT_SUMMARY,
)
from amazon_seg_assets.tables.features import FEATURES
from amazon_seg_assets.transforms import scoring, summary


def default_scheme() -> str:
    """The scheme of the deployment: a name, or a file that users edit."""
    return load_settings().scheme


def code_version() -> str:
    """Follows the rules, so that segments by former ones show as out of date."""
    return f"1-{load_scheme(default_scheme()).fingerprint}"


class SegmentConfig(Config):
    """Which rules make the segments."""

    scheme: str = Field(
        default_scheme(),
        description="RFM scheme: `standard`, `notebook`, or the path of a YAML file.",
    )


@seg_asset(
    table_spec(
        RFM_SEGMENTS,
        group="segmentation",
        kinds={"pyspark"},
        deps=[RFM_FEATURES.name],
        code_version=code_version(),
    )
)
def rfm_segments(
    context: AssetExecutionContext,
    config: SegmentConfig,
    spark: SparkResource,
    storage: StoreResource,
) -> None:
    """Scores each customer and assigns the segment."""
    scheme = load_scheme(config.scheme)
    for snapshot in context.partition_keys:
        context.add_asset_metadata(
            _segment(spark, storage.store, snapshot, scheme), partition_key=snapshot
        )


def _segment(spark: SparkResource, store: Store, snapshot: str, scheme: Scheme) -> dict[str, Any]:
    """Stores the segments of a snapshot; returns metadata."""
    customers = read_table(
        spark.spark_session, store, RFM_FEATURES, [snapshot], ["user_id", *FEATURES]
    )
    [cuts] = scoring.cut_points([scheme], customers)
    segments = scoring.assign_segments(scoring.score(customers, cuts), scheme.cells)
    thresholds = {feature: points.thresholds() for feature, points in cuts.items()}
    frozen = scoring.frozen_thresholds(cuts)
    # The user's file of the scheme may change: the report tells the rules that were used.
    used = {
        "scheme": scheme.model_dump(mode="json", exclude_none=True),
        "thresholds": thresholds,
    }
    stats = write_snapshot(segments, store, RFM_SEGMENTS, snapshot, lambda _: used)
    return report_table(
        store,
        RFM_SEGMENTS,
        stats,
        snapshot,
        customers=stats.rows,
        scheme=scheme.name,
        scheme_fingerprint=scheme.fingerprint,
        unreachable_segments=scheme.unreachable,
        **{f"thresholds_{name}": MetadataValue.json(values) for name, values in thresholds.items()},
        **{f"thresholds_{name}_mean": points.say_thresholds() for name, points in cuts.items()},
        **({"thresholds_frozen": _entries_of_a_scheme(frozen)} if frozen else {}),
    )


def _entries_of_a_scheme(thresholds: Mapping[str, Sequence[float]]) -> MetadataValue:
    """Thresholds as a scheme's file has them, to be copied: in place of its ``scoring``."""
    entries = {"scoring": "thresholds", "thresholds": thresholds}
    text = yaml.safe_dump(entries, default_flow_style=None, sort_keys=False)
    return MetadataValue.md(f"```yaml\n{text}```")


@seg_asset(
    table_spec(
        SEGMENT_SUMMARY,
        group="segmentation",
        kinds={"pyspark"},
        deps=[RFM_SEGMENTS.name, CUSTOMER_CLUSTERS.name],
    )
)
def segment_summary(
    context: AssetExecutionContext, spark: SparkResource, storage: StoreResource
) -> None:
    """Sums up customers by cluster, segment and scores."""
    store, session = storage.store, spark.spark_session
    for snapshot in context.partition_keys:
        used = require_figures(store, RFM_SEGMENTS.name, snapshot, "scheme")
        segments = read_table(session, store, RFM_SEGMENTS, [snapshot])
        clusters = read_table(session, store, CUSTOMER_CLUSTERS, [snapshot])
        stats = write_snapshot(
            summary.segment_summary(segments, clusters), store, SEGMENT_SUMMARY, snapshot
        )
        table = summary.by_segment(read_small(store, SEGMENT_SUMMARY, snapshot))
        of_segments = zip(table["segment"], table["share"].tolist(), strict=True)
        shares = dict.fromkeys(used["scheme"]["segments"], 0.0) | dict(of_segments)
        context.add_asset_metadata(
            report_table(
                store,
                SEGMENT_SUMMARY,
                stats,
                snapshot,
                customers=int(table["customers"].sum()),
                segments=MetadataValue.md(markdown_frame(table)),
                **{f"share_{name}": share for name, share in shares.items()},
            ),
            partition_key=snapshot,
        )
