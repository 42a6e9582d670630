"""An alert of each failed run: an example that only needs an address, off until it is turned on."""

import json
from collections.abc import Sequence
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from dagster import (
    DagsterEvent,
    DefaultSensorStatus,
    RunFailureSensorContext,
    SensorDefinition,
    SkipReason,
    run_failure_sensor,
)

from amazon_seg_assets.dag.internals import months_of_run
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import said
from amazon_seg_assets.planning.jobs import MAIN_RUN_TAG
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.spark.failures import cause_in_one_line

NAME = "run_failed"

_PATIENCE_SECONDS = 10
"""An address that does not answer must not hold up the other sensors."""


def failure_alert(settings: Settings) -> SensorDefinition:
    """The sensor that posts each failed run of the deployment to `Settings.alert_url`."""

    @run_failure_sensor(
        name=NAME,
        default_status=DefaultSensorStatus.STOPPED,
        description=(
            'Posts job, months and reason of each run that fails, as `{"text": …}`, to the '
            "address AMAZON_SEG_ALERT_URL: chat programs take that as a message."
        ),
    )
    def run_failed(context: RunFailureSensorContext) -> SkipReason | None:
        if not settings.alert_url:
            return SkipReason("There is no address: set AMAZON_SEG_ALERT_URL, and restart.")
        run = context.dagster_run
        if MAIN_RUN_TAG in run.tags:
            return SkipReason("It is told as the failure of the main job, whose part it is.")
        months = months_of_run(run.tags)
        of = f" of {said(months)}" if months else ""
        reason = _reason(context.get_step_failure_events()) or context.failure_event.message
        post(settings.alert_url, f"{run.job_name}{of} failed: {reason} Run {run.run_id}.")
        return None

    return run_failed


def _reason(failed: Sequence[DagsterEvent]) -> str:
    """The sentence of the step that failed first; of an error that is none, its last cause."""
    for event in failed:
        data = event.step_failure_data
        if data.user_failure_data is not None:
            return str(data.user_failure_data.description)
        if (error := data.error) is not None:
            while error.cause is not None:
                error = error.cause
            return f"{event.step_key}: {cause_in_one_line(error.message)}."
    return ""


def post(address: str, text: str) -> None:
    """Posts a text as JSON.

    Raises:
        InputError: the address does not take it; names its host, as the rest may be a secret.
    """
    body, kind = json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}
    try:
        urlopen(Request(address, body, kind), timeout=_PATIENCE_SECONDS).close()
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"The alert could not be posted to {urlsplit(address).hostname} ({reason}): correct "
            "AMAZON_SEG_ALERT_URL."
        ) from None
