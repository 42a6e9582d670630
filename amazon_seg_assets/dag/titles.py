"""Titles of runs: one tag that tells in a list of runs what each does, and for which months."""

from collections.abc import Mapping

from dagster import AssetCheckExecutionContext, AssetExecutionContext, DagsterRun

from amazon_seg_assets.dag.internals import months_of_run
from amazon_seg_assets.months import said

TITLE_TAG = "amazon_seg/run"

_FEW = 3  # assets that are named


def title(what: str, tags: Mapping[str, str]) -> dict[str, str]:
    """The tag of a run.

    Args:
        what: name of the job within the category, or of some assets.
        tags: of the run, which name its months.
    """
    months = months_of_run(tags)
    return {TITLE_TAG: f"{what} {said(months)}" if months else what}


def give_title(context: AssetExecutionContext | AssetCheckExecutionContext) -> None:
    """Gives a run its title, if it has none: the UI launches it without."""
    run = context.run
    if TITLE_TAG not in run.tags:
        context.instance.add_run_tags(run.run_id, title(_work(run), run.tags))


def _work(run: DagsterRun) -> str:
    if not run.asset_selection:
        checks = run.asset_check_selection
        return "checks" if checks else run.job_name.rpartition("__")[2]
    names = sorted(key.path[-1] for key in run.asset_selection)
    return ", ".join(names) if len(names) <= _FEW else f"{len(names)} assets"
