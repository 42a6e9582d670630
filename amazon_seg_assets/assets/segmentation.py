"""RFM segments, and the small table that sums up segments and clusters."""

from collections.abc import Sequence
from typing import Any

from dagster import AssetExecutionContext, Config, MetadataValue
from pydantic import Field
from pyspark.sql import DataFrame

from amazon_seg_assets.assets.declaration import seg_asset, table_spec
from amazon_seg_assets.assets.metadata import markdown_frame, report_table
from amazon_seg_assets.resources import SparkResource, StoreResource
from amazon_seg_assets.rules.scheme import Scheme, load_scheme
from amazon_seg_assets.settings import load_settings
from amazon_seg_assets.storage.footers import Stats
from amazon_seg_assets.storage.small_tables import read_small
from amazon_seg_assets.storage.spark_tables import read_table, write_snapshot
from amazon_seg_assets.tables.customers import (
    CUSTOMER_CLUSTERS,
    RFM_FEATURES,
    RFM_SEGMENTS,
    SEGMENT_SUMMARY,
)
from amazon_seg_assets.transforms import scoring, summary
from amazon_seg_assets.transforms.rfm import FEATURES


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
    store, scheme = storage.store, load_scheme(config.scheme)
    for snapshot in context.partition_keys:
        customers = read_table(
            spark.spark_session, store, RFM_FEATURES, [snapshot], ["user_id", *FEATURES]
        )
        [cuts] = cut_points([scheme], customers)
        segments = scoring.assign_segments(scoring.score(customers, cuts), scheme.cells)
        # The user's file of the scheme may change: the report tells the rules that were used.
        rules: dict[str, Any] = {
            "scheme": scheme.model_dump(mode="json", exclude_none=True),
            "thresholds": {feature: points.thresholds() for feature, points in cuts.items()},
        }

        def used(_: Stats, rules: dict[str, Any] = rules) -> dict[str, Any]:
            return rules

        stats = write_snapshot(segments, store, RFM_SEGMENTS, snapshot, used)
        context.add_asset_metadata(
            report_table(
                store,
                RFM_SEGMENTS,
                stats,
                snapshot,
                customers=stats.rows,
                scheme=scheme.name,
                scheme_fingerprint=scheme.fingerprint,
                unreachable_segments=scheme.unreachable,
                **{
                    f"thresholds_{feature}": MetadataValue.json(values)
                    for feature, values in rules["thresholds"].items()
                },
                **{
                    f"thresholds_{feature}_mean": points.say_thresholds()
                    for feature, points in cuts.items()
                },
            ),
            partition_key=snapshot,
        )


def cut_points(
    schemes: Sequence[Scheme], customers: DataFrame
) -> list[dict[str, scoring.CutPoints]]:
    """The cut points by which each scheme scores these customers."""
    ranked = [scheme.scoring for scheme in schemes if scheme.thresholds is None]
    found = iter(scoring.rank_cuts(customers, ranked))
    return [
        next(found)
        if scheme.thresholds is None
        else scoring.threshold_cuts(scheme.thresholds.model_dump())
        for scheme in schemes
    ]


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
        segments = read_table(session, store, RFM_SEGMENTS, [snapshot])
        clusters = read_table(session, store, CUSTOMER_CLUSTERS, [snapshot])
        stats = write_snapshot(
            summary.segment_summary(segments, clusters), store, SEGMENT_SUMMARY, snapshot
        )
        table = summary.by_segment(read_small(store, SEGMENT_SUMMARY, snapshot))
        context.add_asset_metadata(
            report_table(
                store,
                SEGMENT_SUMMARY,
                stats,
                snapshot,
                customers=int(table["customers"].sum()),
                segments=MetadataValue.md(markdown_frame(table)),
                **{
                    f"share_{name}": float(share)
                    for name, share in zip(table["segment"], table["share"], strict=True)
                },
            ),
            partition_key=snapshot,
        )
