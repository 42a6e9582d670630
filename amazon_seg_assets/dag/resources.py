"""Resources: Spark, the storage, the source. Tests put in their own."""

import os
from pathlib import Path
from typing import Any

from dagster import ConfigurableResource
from dagster_pyspark import LazyPySparkResource
from pydantic import Field

from amazon_seg_assets.origin import open_source, samples_folder
from amazon_seg_assets.settings import SAMPLE, Settings, parse_spark_conf, with_secrets
from amazon_seg_assets.sources.base import Source
from amazon_seg_assets.spark.session import start_in_background, start_session
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import parse_location, url_of


class SparkResource(LazyPySparkResource):
    """Dagster's lazy PySpark resource, started with this package's Java and settings."""

    spark_config: dict[str, Any] = Field({}, description="Further Spark settings.")
    master: str = Field("local[*]", description="Spark master URL.")
    cache_directory: str = Field(description="Folder for files that a later start can use again.")

    def start_in_background(self) -> None:
        """Starts Spark while something else is done, for whoever knows that it will be needed."""
        start_in_background(*self._how_to_start())

    def _init_session(self) -> None:
        # Each time, as a cluster may have ended the session that was there before.
        self._spark_session = start_session(*self._how_to_start())

    def _how_to_start(self) -> tuple[str, dict[str, str], Path]:
        # Dagster shows and records the configuration, which has no more than names of secrets.
        conf = {key: str(value) for key, value in self.spark_config.items()}
        return self.master, with_secrets(conf, os.environ), Path(self.cache_directory)


class StoreResource(ConfigurableResource):
    """The storage of all categories."""

    root: str = Field(description="Folder or URL of all tables and plots.")

    def of(self, category: str) -> Store:
        """The place of a category's artifacts."""
        return Store(parse_location(self.root), category)


class SourceResource(ConfigurableResource):
    """The source of raw files."""

    name: str = Field(SAMPLE, description="`sample`, `hub`, or the path of a folder.")
    sample_directory: str = Field(description="Folder for the files of the built-in sample.")
    sample_reviews: int = Field(200_000, description="Reviews of the built-in sample.")
    max_malformed_share: float = Field(
        0.001, description="Share of broken lines that is tolerated in a file."
    )

    def open(self) -> Source:
        """The source itself.

        Raises:
            InputError: there is no such source.
        """
        return open_source(self.name, Path(self.sample_directory), self.sample_reviews)


def spark_resource(settings: Settings) -> SparkResource:
    """Spark as a deployment has it."""
    return SparkResource(
        spark_config=parse_spark_conf(settings.spark_conf),
        master=settings.spark_master,
        cache_directory=str(settings.cache.absolute()),
    )


def resources_for(settings: Settings) -> dict[str, ConfigurableResource]:
    """The resources of a deployment."""
    return {
        "spark": spark_resource(settings),
        "storage": StoreResource(root=url_of(settings.storage.absolute())),
        "source": SourceResource(
            name=settings.source,
            sample_directory=str(samples_folder(settings)),
            sample_reviews=settings.sample_reviews,
            max_malformed_share=settings.max_malformed_share,
        ),
    }
