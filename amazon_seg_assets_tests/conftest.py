"""Fixtures that all tests share: above all, the one Spark session of the whole suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from dagster import DagsterInstance

from amazon_seg_assets.engine.session import start_session
from amazon_seg_assets.settings import load_settings
from amazon_seg_assets_tests.ended_run import EndedRun, run_in
from amazon_seg_assets_tests.spark_conf import SPARK_CONF

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of several processes, one gets all that needs the session; any, each other file."""
    for item in items:
        needs_session = "spark" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("spark" if needs_session else item.path.stem))


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    session = start_session("local[2]", SPARK_CONF, load_settings().cache)
    yield session
    session.stop()


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
