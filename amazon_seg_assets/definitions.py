"""What Dagster loads: assets, jobs and resources, for given settings."""

from collections.abc import Mapping
from typing import Any

from dagster import (
    Definitions,
    in_process_executor,
    load_asset_checks_from_modules,
    load_assets_from_modules,
)

from amazon_seg_assets.assets import (
    checks,
    cleaning,
    clustering,
    densities,
    exploration,
    export,
    ingestion,
    plots,
    report,
    rfm,
    segmentation,
    validation,
)
from amazon_seg_assets.automation import SCHEDULES, SENSORS
from amazon_seg_assets.jobs import JOBS
from amazon_seg_assets.resources import resources_for
from amazon_seg_assets.settings import Settings, load_settings

ASSET_MODULES = (
    ingestion,
    exploration,
    cleaning,
    rfm,
    clustering,
    densities,
    segmentation,
    validation,
    plots,
    report,
    export,
)


def build_definitions(
    settings: Settings, resources: Mapping[str, Any] | None = None
) -> Definitions:
    """All definitions for given settings.

    Args:
        settings: of the deployment.
        resources: take the place of those that follow from the settings, by name.
    """
    return Definitions(
        assets=load_assets_from_modules(ASSET_MODULES),
        asset_checks=load_asset_checks_from_modules([checks]),
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources={**resources_for(settings), **(resources or {})},
        # One process a run, and so one Spark session: each step of another executor starts its own.
        executor=in_process_executor,
    )


defs = build_definitions(load_settings())
