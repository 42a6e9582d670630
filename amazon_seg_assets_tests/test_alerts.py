"""The alert of a failed run, as its receiver gets it."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from dagster import (
    DagsterInstance,
    Failure,
    RunFailureSensorContext,
    SensorDefinition,
    build_run_status_sensor_context,
    job,
    op,
)

from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.planning import alerts
from amazon_seg_assets.planning.jobs import MAIN_RUN_TAG
from amazon_seg_assets.settings import Settings, load_settings


@pytest.fixture
def received() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address on loopback, and what was posted to it."""
    posted: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path == "/broken" else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", posted
        server.shutdown()


@op
def prepares() -> None:
    raise Failure("Toys has no reviews.")


@op
def breaks() -> None:
    raise ValueError("it broke\nin the middle")


@job
def prepare_months() -> None:
    prepares()


@job
def explore() -> None:
    breaks()


def sensor(address: str) -> SensorDefinition:
    repository = build_definitions(Settings(alert_url=address)).get_repository_def()
    return repository.get_sensor_def(alerts.NAME)


def tick(address: str, failing: Any, tags: dict[str, str]) -> tuple[Any, str]:
    """The outcome of a look at a run that has failed, and its id."""
    with DagsterInstance.ephemeral() as instance:
        result = failing.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
        context: Any = build_run_status_sensor_context(
            sensor_name=alerts.NAME,
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        )
        of_failure: RunFailureSensorContext = context.for_run_failure()
        return sensor(address)(of_failure), result.run_id


@pytest.mark.parametrize(
    ("failing", "tags", "text"),
    [
        (
            prepare_months,
            range_tags("2022-05", "2022-08"),
            "prepare_months of 2022-05 to 2022-08 failed: Toys has no reviews. Run {}.",
        ),
        (explore, {}, "explore failed: breaks: ValueError: it broke. Run {}."),
    ],
)
def test_a_failed_run_is_posted_with_its_reason(
    received: tuple[str, list[dict[str, Any]]], failing: Any, tags: dict[str, str], text: str
) -> None:
    address, posted = received
    _, run_id = tick(address, failing, tags)
    assert posted == [{"text": text.format(run_id)}]


def test_a_part_of_the_main_job_is_told_with_the_whole(
    received: tuple[str, list[dict[str, Any]]],
) -> None:
    address, posted = received
    skipped, _ = tick(address, explore, {MAIN_RUN_TAG: "1"})
    assert "the failure of the main job" in skipped.skip_message
    assert posted == []


def test_without_an_address_the_setting_is_named() -> None:
    skipped, _ = tick("", explore, {})
    assert "set AMAZON_SEG_ALERT_URL" in skipped.skip_message


def test_an_address_that_does_not_take_it_is_told_without_its_secret(
    received: tuple[str, list[dict[str, Any]]],
) -> None:
    address, _ = received
    for wrong in (f"{address}/broken", "http://127.0.0.1:9/secret"):
        with pytest.raises(InputError, match=r"posted to 127\.0\.0\.1 \(.*: correct") as told:
            alerts.post(wrong, "x")
        assert "secret" not in str(told.value)
    with pytest.raises(InputError, match="a web address is wanted"):
        load_settings(alert_url="somebody@example.org")
