"""Ends and times of the steps of our runs, from the events that Dagster recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dagster import DagsterInstance


def run_ids(home: Path) -> set[str]:
    """The runs recorded so far in a ``DAGSTER_HOME``."""
    if not (home / "dagster.yaml").exists():
        return set()
    with DagsterInstance.from_config(str(home)) as instance:
        return {run.run_id for run in instance.get_runs()}


@dataclass(frozen=True)
class Steps:
    """Steps of some runs, in the order of their start.

    Attributes:
        seconds: that each took.
        ends: when each ended, in seconds since 1970.
    """

    seconds: dict[str, float]
    ends: dict[str, float]


def steps_since(home: Path, before: set[str]) -> Steps:
    """The steps of the runs that are not in ``before``, without the category in their names."""
    with DagsterInstance.from_config(str(home)) as instance:
        steps = sorted(
            (step.start_time, step.end_time, step.step_key.rpartition("__")[2])
            for run in instance.get_runs()
            if run.run_id not in before
            for step in instance.get_run_step_stats(run.run_id)
            if step.start_time and step.end_time
        )
    return Steps(
        {name: round(end - start, 2) for start, end, name in steps},
        {name: end for _, end, name in steps},
    )
