"""The graph on a category of its own, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from dagster import AssetRecordsFilter, DagsterInstance, EventLogRecord, ExecuteInProcessResult
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from amazon_seg_assets.dag.family import Family, families
from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.run.headless import HeadlessRun
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import name_below
from amazon_seg_assets.storage.parquet import parquet_files


def family_of(category: str = "Toys", **settings: Any) -> Family:
    """The family of a category under given settings."""
    [family] = families(Settings(category=category, **settings))
    return family


@dataclass
class Graph:
    """The graph on a category of its own, and what Dagster recorded."""

    folder: Path
    category: str
    instance: DagsterInstance
    ops: dict[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return Store(self.folder / "data", self.category)

    @property
    def family(self) -> Family:
        """Of a deployment whose months do not follow the data."""
        return family_of(
            self.category,
            source=str(self.folder),
            storage=self.folder / "data",
            first_snapshot="1996-05",
            last_month="2023-09",
        )

    def run(self, **ops: Any) -> HeadlessRun:
        definitions = build_definitions(self.family.settings)
        return HeadlessRun(
            definitions, self.family, self.instance, lambda _: None, ops=ops or self.ops
        )

    def snapshot(self, month: str) -> Snapshot:
        """A handle on what is stored of a month, without Spark."""
        return Snapshot(self.family, self.store, month, instance=self.instance)

    def read(self, asset: str, month: str | None = None) -> pd.DataFrame:
        return pq.read_table(self.store.path(asset, month), partitioning=None).to_pandas()

    def rows(self, asset: str, *months: str) -> list[dict[str, Any]]:
        """Rows as they are stored: without pandas, which makes numbers of nulls."""
        paths = [self.store.path(asset, month) for month in months]
        return [row for path in paths for row in pq.read_table(path, partitioning=None).to_pylist()]

    def materialize(
        self, snapshot: str, assets: list[str], **ops: dict[str, Any]
    ) -> ExecuteInProcessResult:
        """Only these assets of a snapshot, which spares the pictures."""
        run, family = self.run(**ops), self.family
        job = run.definitions.resolve_job_def(family.name("segment_snapshot"))
        config = {family.name(asset): {"config": given} for asset, given in run.ops.items()}
        return job.execute_in_process(
            instance=self.instance,
            partition_key=snapshot,
            asset_selection=[family.key(asset) for asset in assets],
            run_config={"ops": config},
        )

    def last_materialization(self, asset: str, month: str | None = None) -> EventLogRecord:
        asked = AssetRecordsFilter(self.family.key(asset), asset_partitions=month and [month])
        return self.instance.fetch_materializations(asked, limit=1).records[0]

    def metadata(self, asset: str, month: str | None = None) -> dict[str, Any]:
        materialization = self.last_materialization(asset, month).asset_materialization
        assert materialization is not None
        return {key: value.value for key, value in materialization.metadata.items()}

    def files(self) -> dict[str, tuple[int, bytes]]:
        return {
            name_below(path, self.folder): (path.stat().st_mtime_ns, path.read_bytes())
            for path in parquet_files(self.store.folder)
        }


def rfm_frame(spark: SparkSession, rows: list[tuple[str, int, int, float]]) -> DataFrame:
    """Columns of ``rfm_features`` from user, recency, frequency and monetary value."""
    schema = "user_id string, recency int, frequency bigint, monetary double"
    return spark.createDataFrame(rows, schema).withColumns(
        {"frequency_log": F.log1p("frequency"), "monetary_log": F.log1p("monetary")}
    )
