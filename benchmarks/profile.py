"""Seconds of each asset of our runs, from the events that Dagster recorded."""

from __future__ import annotations

from pathlib import Path

from dagster import DagsterInstance


def run_ids(home: Path) -> set[str]:
    """The runs recorded so far in a ``DAGSTER_HOME``."""
    if not (home / "dagster.yaml").exists():
        return set()
    with DagsterInstance.from_config(str(home)) as instance:
        return {run.run_id for run in instance.get_runs()}


def asset_seconds(home: Path, before: set[str]) -> dict[str, float]:
    """Seconds of each step of the runs that are not in ``before``, in the order of their start."""
    with DagsterInstance.from_config(str(home)) as instance:
        steps = [
            (step.start_time, step.end_time - step.start_time, step.step_key)
            for run in instance.get_runs()
            if run.run_id not in before
            for step in instance.get_run_step_stats(run.run_id)
            if step.start_time and step.end_time
        ]
    return {name: round(seconds, 2) for _, seconds, name in sorted(steps)}
