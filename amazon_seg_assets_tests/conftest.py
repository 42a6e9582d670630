"""Fixtures that all tests share: above all, the one Spark session of the whole suite."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from dagster import DagsterInstance

from amazon_seg_assets.settings import PREFIX, Settings, load_settings
from amazon_seg_assets.spark.session import start_session
from amazon_seg_assets_tests.ended_run import EndedRun, run_in
from amazon_seg_assets_tests.spark_conf import SPARK_CONF

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Days and months are UTC everywhere. On a machine that is in UTC itself, nothing would tell
# whether that comes from the machine.
os.environ["TZ"] = "America/New_York"
if hasattr(time, "tzset"):  # not on Windows
    time.tzset()

# What a developer has set, in the environment or in `.env`, is not meant for tests. Modules that
# read settings when they are imported are imported after this.
_GIVEN = {_name: os.environ.pop(_name) for _name in [*os.environ] if _name.startswith(PREFIX)}
_ENV_FILE = Settings.model_config["env_file"]
Settings.model_config["env_file"] = None


_LONGEST = ("spark", "test_cluster", "test_web", "test_hub", "test_categories")
"""Groups of tests that begin first, so that no process is left with one of them in the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of several processes, one gets all that needs the session; any, each other file."""
    groups = {}
    for item in items:
        needs_session = "spark" in getattr(item, "fixturenames", ())
        groups[item] = "spark" if needs_session else item.path.stem
        item.add_marker(pytest.mark.xdist_group(groups[item]))
    if hasattr(config, "workerinput"):  # one of several processes
        order = {group: place for place, group in enumerate(_LONGEST)}
        items.sort(key=lambda item: order.get(groups[item], len(order)))


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    session = start_session("local[2]", SPARK_CONF, load_settings().cache)
    yield session
    session.stop()


@pytest.fixture
def is_renewing() -> bool:
    """True if files of expectations are to be written anew: a setting of tests alone."""
    return bool(_GIVEN.get(f"{PREFIX}RENEW"))


@pytest.fixture
def env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has settings read from the file of the current folder too, as outside of tests."""
    monkeypatch.setitem(Settings.model_config, "env_file", _ENV_FILE)


@pytest.fixture(scope="module")
def instance() -> Iterator[DagsterInstance]:
    """Where Dagster records the runs of a file of tests."""
    with DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture(scope="session")
def ended_run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> EndedRun:
    """The main job as typed, which several files of tests look at."""
    # Else it would start Spark, with settings that are not those of tests.
    assert spark is not None
    return run_in(tmp_path_factory.mktemp("run"))
