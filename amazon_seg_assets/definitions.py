"""What Dagster loads: assets, jobs and resources, for given settings."""

import warnings
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from dagster import (
    AnchorBasedFilePathMapping,
    AssetSpec,
    BetaWarning,
    Definitions,
    FreshnessPolicy,
    PreviewWarning,
    apply_freshness_policy,
    in_process_executor,
    link_code_references_to_git,
    load_asset_checks_from_package_module,
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

MONTHLY_FRESHNESS = FreshnessPolicy.time_window(
    warn_window=timedelta(days=35), fail_window=timedelta(days=70)
)
"""A month of data at a time: what has missed one month is late, what has missed two is wrong."""


def build_definitions(
    settings: Settings, resources: Mapping[str, Any] | None = None
) -> Definitions:
    """All definitions for given settings.

    The span of months, the default scheme and the tags of jobs are those of the environment.

    Args:
        settings: of the deployment.
        resources: take the place of those that follow from the settings, by name.
    """
    with warnings.catch_warnings():
        # Freshness and links to code are new in Dagster; it says so for each asset.
        warnings.simplefilter("ignore", BetaWarning)
        warnings.simplefilter("ignore", PreviewWarning)
        return _definitions(settings, resources or {})


def _definitions(settings: Settings, resources: Mapping[str, Any]) -> Definitions:
    return Definitions(
        assets=_linked_to_git(load_assets_from_modules(ASSET_MODULES), settings),
        asset_checks=load_asset_checks_from_package_module(checks),
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources={**resources_for(settings), **resources},
        # One process a run, and so one Spark session: each step of another executor starts its own.
        executor=in_process_executor,
    ).map_asset_specs(func=_expected_fresh)


def _expected_fresh(spec: AssetSpec) -> AssetSpec:
    return apply_freshness_policy(spec, MONTHLY_FRESHNESS)


def _linked_to_git(assets: Sequence[Any], settings: Settings) -> Sequence[Any]:
    """Code references that lead to the repository on the web, if a setting says where it is."""
    if not settings.git_url:
        return assets
    return link_code_references_to_git(
        assets,
        settings.git_url.removesuffix("/"),
        settings.git_branch,
        AnchorBasedFilePathMapping(Path(__file__), "amazon_seg_assets/definitions.py"),
    )


defs = build_definitions(load_settings())
