"""The job `main` of the UI and of sensors: one run that starts those of the other jobs in turn."""

from collections.abc import Callable
from typing import Any

from dagster import (
    Config,
    DagsterEventType,
    Definitions,
    EventLogEntry,
    Failure,
    JobDefinition,
    OpExecutionContext,
    job,
    op,
)
from pydantic import Field

from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.steps import SPARK_POOL
from amazon_seg_assets.dag.titles import title
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.planning.jobs import MAIN, MAIN_DESCRIPTION, MAIN_RUN_TAG, run_tags
from amazon_seg_assets.planning.planner import PARTS, MainJob
from amazon_seg_assets.run.headless import HeadlessRun, RunError
from amazon_seg_assets.settings import Settings

NEWEST = "newest"


class MainConfig(Config):
    """The scope of the main job, as the options of ``amazon-seg run``."""

    snapshot: str = Field(
        NEWEST,
        description=f"Month as whose end to segment, YYYY-MM; {NEWEST}: the last with reviews.",
    )
    all_months: bool = Field(
        False, description="Clean and join all months, not only those that the snapshot needs."
    )
    exploration: bool = Field(True, description="Make tables and plots of the raw data.")
    history: bool = Field(
        True, description="Make the history of all months, and what needs it: moves, outcomes."
    )
    value: bool = Field(True, description="Make the value of customers, and churn with it.")
    churn: bool = Field(True, description="Make the model and scores of churn.")
    sentiment: bool = Field(True, description="Make what texts say of customers.")
    comparison: bool = Field(True, description="Compare other ways to cluster with K-Means.")
    ops: dict[str, Any] = Field(
        {}, description="Run configuration by asset, such as `{k_sweep: {k: 3}}`."
    )


def main_job(family: Family, build: Callable[[Settings], Definitions]) -> JobDefinition:
    """The main job of a category.

    Args:
        family: of the category.
        build: makes the definitions whose jobs it runs.
    """

    # Its runs are in this process, and so take no turn of their own.
    @op(name=family.name("run_all"), pool=SPARK_POOL, description=MAIN_DESCRIPTION)
    def run_all(context: OpExecutionContext, config: MainConfig) -> None:
        def tell(entry: EventLogEntry) -> None:
            event = entry.dagster_event
            if event and event.event_type is DagsterEventType.STEP_SUCCESS:
                context.log.info(f"{event.step_key} is done.")

        alone = family.renewed()
        run = HeadlessRun(
            build(alone.settings),
            alone,
            context.instance,
            tell,
            ops=config.ops,
            tags={MAIN_RUN_TAG: context.run_id},
            build=build,
        )
        skip = frozenset(part for part in PARTS if not getattr(config, part))
        chosen = () if config.snapshot == NEWEST else (config.snapshot,)
        asked = MainJob(chosen, config.all_months, skip)
        try:
            for month in chosen:
                family.settings.span.require(month)
            snapshots = run.main_job(asked)
        except (InputError, RunError) as error:
            # The run that failed has the stack trace, if one is of use.
            raise Failure(str(error), allow_retries=False) from None
        for warning in run.warnings:
            context.log.warning(warning)
        context.log.info(f"The customers as of the end of {snapshots[-1]} are segmented.")

    tags = {**run_tags(family), **title(MAIN, {})}

    @job(name=family.name(MAIN), description=MAIN_DESCRIPTION, tags=tags)
    def everything() -> None:
        run_all()

    return everything
