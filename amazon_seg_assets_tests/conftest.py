"""Fixtures that all tests share: above all, the one Spark session of the whole suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from amazon_seg_assets.engine.session import start_session
from amazon_seg_assets.settings import load_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SPARK_CONF = {"spark.sql.shuffle.partitions": "4", "spark.driver.memory": "2g"}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    session = start_session("local[2]", SPARK_CONF, load_settings().cache)
    yield session
    session.stop()
