"""Everything that Dagster loads: the declarations of all stages, bound once for each category."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from importlib import import_module
from importlib.util import find_spec
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
)

from amazon_seg_assets.dag.checks import Check, Checks, bind_checks
from amazon_seg_assets.dag.declaration import declared_in
from amazon_seg_assets.dag.family import Family, families
from amazon_seg_assets.dag.resources import resources_for
from amazon_seg_assets.dag.sqlite import do_not_wait_for_disk
from amazon_seg_assets.dag.steps import SOURCE_FILES, bind_asset, source_files
from amazon_seg_assets.planning.alerts import failure_alert
from amazon_seg_assets.planning.inputs import require_inputs
from amazon_seg_assets.planning.jobs import MAIN, jobs
from amazon_seg_assets.planning.retention import retention
from amazon_seg_assets.planning.sensors import schedules, sensors
from amazon_seg_assets.run.main_job import main_job
from amazon_seg_assets.settings import Settings, load_settings
from amazon_seg_assets.stages import STAGES

DECLARATIONS = [declared for stage in STAGES for declared in declared_in(stage)]


def build_definitions(
    settings: Settings, resources: Mapping[str, Any] | None = None
) -> Definitions:
    """All definitions for given settings.

    Args:
        settings: of the deployment.
        resources: take the place of those that follow from the settings, by name.
    """
    with warnings.catch_warnings():
        # Freshness and links to code are new in Dagster; it says so for each asset.
        warnings.simplefilter("ignore", BetaWarning)
        warnings.simplefilter("ignore", PreviewWarning)
        versions = [declared.version(settings) for declared in DECLARATIONS]
        again = partial(build_definitions, resources=resources)
        of_categories = (_of_category(family, versions, again) for family in families(settings))
        shared = Definitions(
            resources={**resources_for(settings), **(resources or {})},
            # One process a run, and so one Spark session: each step of another executor starts its
            # own.
            executor=in_process_executor,
            sensors=[failure_alert(settings), retention(settings)],
        )
        merged = Definitions.merge(*of_categories, shared)
        return _expected_fresh(merged, settings.fresh_days) if settings.fresh_days else merged


def _of_category(
    family: Family, versions: Sequence[str], again: Callable[[Settings], Definitions]
) -> Definitions:
    by_purpose = {**jobs(family, DECLARATIONS), MAIN: main_job(family, again)}
    require = partial(require_inputs, DECLARATIONS)
    assets = [
        bind_asset(declared, family, version, require)
        for declared, version in zip(DECLARATIONS, versions, strict=True)
    ]
    return Definitions(
        assets=[source_files(family), *_linked_to_git(assets, family.settings)],
        asset_checks=bind_checks(DECLARATIONS, own_checks(), family),
        jobs=[*by_purpose.values()],
        sensors=sensors(family, by_purpose),
        schedules=schedules(family, by_purpose),
    )


def own_checks() -> list[Check]:
    """The checks that stages declare."""
    names = (f"amazon_seg_assets.stages.{stage}.checks" for stage in STAGES)
    modules = [import_module(name) for name in names if find_spec(name)]
    values = (value for module in modules for value in vars(module).values())
    return [each for value in values if isinstance(value, Checks) for each in value]


def _expected_fresh(definitions: Definitions, days: int) -> Definitions:
    """Asks all assets to be fresh: what has missed one delivery is late, and two, wrong."""
    policy = FreshnessPolicy.time_window(
        warn_window=timedelta(days=days), fail_window=timedelta(days=2 * days)
    )

    def expected(spec: AssetSpec) -> AssetSpec:
        is_made_here = spec.key.path[-1] != SOURCE_FILES
        return apply_freshness_policy(spec, policy) if is_made_here else spec

    return definitions.map_asset_specs(func=expected)


def _linked_to_git(assets: list[Any], settings: Settings) -> Any:
    """Code references that lead to the repository on the web, if a setting says where it is."""
    if not settings.git_url:
        return assets
    return link_code_references_to_git(
        assets,
        settings.git_url.removesuffix("/"),
        settings.git_branch,
        AnchorBasedFilePathMapping(Path(__file__), "amazon_seg_assets/definitions.py"),
    )


# Here, as runs of the command and of the UI both load this.
do_not_wait_for_disk()

defs = build_definitions(load_settings())
