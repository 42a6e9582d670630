"""Dagster's records in SQLite files: not waited for at each event, and none lost by a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from dagster import AssetKey, AssetMaterialization, DagsterInstance
from sqlalchemy import create_engine, text

import amazon_seg_assets.definitions  # noqa: F401  what runs of the command and of the UI load

RECORD = """
import os, signal, sys
from dagster import AssetMaterialization, DagsterInstance
import amazon_seg_assets.definitions
instance = DagsterInstance.local_temp(sys.argv[1])
instance.report_runless_asset_event(AssetMaterialization("last"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_is_killed_loses_no_record(tmp_path: Path) -> None:
    environment = os.environ | {"DAGSTER_HOME": str(tmp_path)}
    killed = subprocess.run([sys.executable, "-c", RECORD, str(tmp_path)], env=environment)
    assert killed.returncode == -signal.SIGKILL
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert instance.get_latest_materialization_event(AssetKey("last"))


def test_an_event_waits_for_the_disk_neither_in_its_commit_nor_as_the_database_closes(
    tmp_path: Path,
) -> None:
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        for name in ("first", "second"):
            instance.report_runless_asset_event(AssetMaterialization(name))
        [index] = tmp_path.rglob("index.db")
        # The last connection that closes would have removed it.
        assert index.with_name("index.db-wal").exists()
        engine = create_engine(f"sqlite:///{index}")
        with engine.connect() as connection:
            normal = 1
            assert connection.execute(text("PRAGMA synchronous")).scalar() == normal
        engine.dispose()
