"""The web UI as ``amazon-seg ui`` starts it, driven over GraphQL as the browser does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import psutil
from dagster import DagsterInstance

from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.planning.jobs import HISTORY, INGEST, PREPARE
from amazon_seg_assets.run.headless import HeadlessRun
from amazon_seg_assets.run.instance import ensure_dagster_home
from amazon_seg_assets_tests.graph import family_of
from amazon_seg_assets_tests.spark_conf import SPARK_CONF, in_environment
from amazon_seg_assets_tests.standalone_cluster import free_port

CATEGORY = "Electronics"
LOCATION = "amazon_seg_assets"
_REPOSITORY = "__repository__"
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
_BACKFILL_ENDED = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED"}

_LOADED = """{ workspaceOrError { ... on Workspace { locationEntries {
    name loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
_ASSETS = """{ assetNodes { assetKey { path } groupName kinds isPartitioned
    owners { ... on TeamAssetOwner { team } } } }"""
_LAUNCH = """mutation ($parameters: ExecutionParams!) { launchRun(executionParams: $parameters) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } } } }"""
_RUN = """query ($id: ID!) { runOrError(runId: $id) { ... on Run { status jobName startTime endTime
    tags { key value } } } }"""
_RUNS = "{ runsOrError { ... on Runs { results { runId jobName status } } } }"
_JOB_RUNS = """query ($selector: PipelineSelector!) { pipelineOrError(params: $selector) {
    ... on Pipeline { runs(limit: 100) { runId repositoryOrigin { repositoryName
    repositoryLocationName } } } } }"""
_BACKFILL = """mutation ($parameters: LaunchBackfillParams!) {
    launchPartitionBackfill(backfillParams: $parameters) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
_BACKFILL_STATE = """query ($id: String!) { partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status runs(limit: 100) { id } error { message } } } }"""
_MATERIALIZATION = """query ($path: [String!]!, $partitions: [String!]) {
    assetOrError(assetKey: {path: $path}) { ... on Asset {
    assetMaterializations(partitions: $partitions, limit: 1) { runId metadataEntries {
    __typename label
    ... on IntMetadataEntry { intValue } ... on FloatMetadataEntry { floatValue }
    ... on TextMetadataEntry { text } ... on MarkdownMetadataEntry { mdStr }
    ... on BoolMetadataEntry { boolValue } ... on PathMetadataEntry { path }
    ... on JsonMetadataEntry { jsonString } } } } } }"""
_CHECKS = """query ($path: [String!]!) { assetNodeOrError(assetKey: {path: $path}) {
    ... on AssetNode { assetChecksOrError { ... on AssetChecks { checks { name blocking jobNames
    executionForLatestMaterialization { status runId evaluation { severity description
    targetMaterialization { runId } metadataEntries { label } } }
    partitionStatuses { ... on AssetCheckTimePartitionStatuses {
    ranges { startKey endKey status } } } } } } } } }"""
_VALUES = ("intValue", "floatValue", "text", "mdStr", "boolValue", "path", "jsonString")

Found = TypeVar("Found")


def named(of: str) -> str:
    """The name of a job or an op of the category."""
    return f"{CATEGORY}__{of}"


def path(asset: str) -> list[str]:
    """The key of an asset of the category."""
    return [CATEGORY, asset]


class WebUI:
    """A running web server with its daemon.

    Attributes:
        url: of the web server.
        storage: folder of the tables and plots.
        home: Dagster's records.
        process: the first of its processes, and leader of their group.
    """

    def __init__(
        self, url: str, storage: Path, home: Path, process: subprocess.Popen[bytes]
    ) -> None:
        self.url = url
        self.storage = storage
        self.home = home
        self.process = process

    def query(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data that answers a GraphQL document.

        Raises:
            RuntimeError: the answer is an error.
        """
        request = urllib.request.Request(
            f"{self.url}/graphql",
            json.dumps({"query": document, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        if answer.get("errors"):
            raise RuntimeError(str(answer["errors"]))
        data: dict[str, Any] = answer["data"]
        return data

    def is_loaded(self) -> bool:
        """Whether the code location is there.

        Raises:
            RuntimeError: it cannot be loaded.
        """
        try:
            entries = self.query(_LOADED)["workspaceOrError"]["locationEntries"]
        except OSError:
            return False
        loaded = [entry for entry in entries if entry["loadStatus"] == "LOADED"]
        for entry in loaded:
            if entry["locationOrLoadError"]["__typename"] != "RepositoryLocation":
                raise RuntimeError(f"{entry['name']} does not load: {entry['locationOrLoadError']}")
        return bool(loaded)

    def assets(self) -> dict[str, dict[str, Any]]:
        """What the graph shows of each asset, by name."""
        nodes = self.query(_ASSETS)["assetNodes"]
        return {node["assetKey"]["path"][-1]: node for node in nodes}

    def launch(
        self,
        job: str,
        tags: Mapping[str, str] | None = None,
        ops: Mapping[str, Mapping[str, Any]] | None = None,
        assets: Sequence[str] | None = None,
    ) -> str:
        """Launches a job, or only some assets of it; returns the run's id.

        Args:
            job: name within the category.
            tags: of the run; the partitions among them.
            ops: configuration, by asset.
            assets: those to materialize; all by default.

        Raises:
            RuntimeError: Dagster refuses; tells what it says.
        """
        config = {"ops": {named(asset): {"config": given} for asset, given in (ops or {}).items()}}
        chosen = [{"path": path(asset)} for asset in assets] if assets else None
        selector = {"jobName": named(job), "assetSelection": chosen}
        return self._launch(selector, config, tags or {})

    def execute_checks(self, asset: str) -> str:
        """Presses "Execute all" of the checks of an asset; returns the run's id."""
        checks = self.checks(asset)
        chosen = [{"assetKey": {"path": path(asset)}, "name": name} for name in checks]
        # As the button does: the first of the jobs that have them.
        job = next(iter(checks.values()))["jobNames"][0]
        selector = {"jobName": job, "assetSelection": [], "assetCheckSelection": chosen}
        return self._launch(selector, {}, {})

    def _launch(
        self, selector: Mapping[str, Any], config: Mapping[str, Any], tags: Mapping[str, str]
    ) -> str:
        parameters = {
            "selector": {
                "repositoryLocationName": LOCATION, "repositoryName": _REPOSITORY, **selector
            },
            "runConfigData": config,
            "executionMetadata": {
                "tags": [{"key": key, "value": value} for key, value in tags.items()]
            },
        }  # fmt: skip
        launched = self.query(_LAUNCH, parameters=parameters)["launchRun"]
        if "run" not in launched:
            raise RuntimeError(str(launched))
        return str(launched["run"]["runId"])

    def run(self, run_id: str) -> dict[str, Any]:
        """The state of a run: status, job, times in seconds since 1970, tags."""
        run: dict[str, Any] = self.query(_RUN, id=run_id)["runOrError"]
        return run | {"tags": {tag["key"]: tag["value"] for tag in run["tags"]}}

    def runs(self, job: str | None = None) -> list[str]:
        """The runs, of a job or of all, the latest first."""
        runs = self.query(_RUNS)["runsOrError"]["results"]
        return [run["runId"] for run in runs if job is None or run["jobName"] == named(job)]

    def job_runs(self, job: str) -> dict[str, tuple[str, str] | None]:
        """The runs that the page of a job lists, with what the timeline puts them beside.

        That is the repository and the code location; runs without them it leaves out.
        """
        selector = {
            "pipelineName": named(job), "repositoryName": _REPOSITORY,
            "repositoryLocationName": LOCATION,
        }  # fmt: skip
        runs = self.query(_JOB_RUNS, selector=selector)["pipelineOrError"]["runs"]
        return {
            run["runId"]: (origin := run["repositoryOrigin"])
            and (origin["repositoryName"], origin["repositoryLocationName"])
            for run in runs
        }

    def wait_for_run(self, run_id: str, seconds: float = 180) -> dict[str, Any]:
        """The run, once it has ended."""

        def ended() -> dict[str, Any] | None:
            run = self.run(run_id)
            return run if run["status"] in _ENDED else None

        return wait_for(ended, f"run {run_id} to end", seconds)

    def backfill(self, assets: Sequence[str], partitions: Sequence[str]) -> str:
        """Launches a backfill; returns its id."""
        parameters = {
            "assetSelection": [{"path": path(asset)} for asset in assets],
            "partitionNames": list(partitions),
        }
        launched = self.query(_BACKFILL, parameters=parameters)["launchPartitionBackfill"]
        if "backfillId" not in launched:
            raise RuntimeError(str(launched))
        return str(launched["backfillId"])

    def wait_for_backfill(self, backfill_id: str, seconds: float = 180) -> dict[str, Any]:
        """The backfill with its runs, once it has ended."""

        def ended() -> dict[str, Any] | None:
            state = self.query(_BACKFILL_STATE, id=backfill_id)
            backfill: dict[str, Any] = state["partitionBackfillOrError"]
            return backfill if backfill["status"] in _BACKFILL_ENDED else None

        return wait_for(ended, f"backfill {backfill_id} to end", seconds)

    def metadata(self, asset: str, partition: str | None = None) -> dict[str, Any]:
        """Metadata of the latest materialization, by label, and the ``run`` that made it."""
        found = self.query(
            _MATERIALIZATION,
            path=path(asset),
            partitions=None if partition is None else [partition],
        )["assetOrError"]["assetMaterializations"]
        if not found:
            return {}
        values = {
            entry["label"]: next((entry[value] for value in _VALUES if value in entry), None)
            for entry in found[0]["metadataEntries"]
        }
        return values | {"run": found[0]["runId"]}

    def checks(self, asset: str) -> dict[str, dict[str, Any]]:
        """The checks of an asset, by name, with their latest results."""
        checks = self.query(_CHECKS, path=path(asset))["assetNodeOrError"]["assetChecksOrError"]
        return {check["name"]: check for check in checks.get("checks", [])}


@contextmanager
def web_ui(
    storage: Path, home: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[WebUI]:
    """Starts ``amazon-seg ui`` on a free port, and ends all its processes.

    Args:
        storage: folder of the tables and plots.
        home: for Dagster's records and the log.
        options: further options of the command.
        environment: further settings.

    Raises:
        RuntimeError: it ends by itself, or the code location cannot be loaded; tells the log.
    """
    home.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), home / "ui.log"
    with log.open("wb") as printed:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "amazon_seg_assets", "ui",
                "--port", str(port), "--storage", str(storage), *options,
            ],
            env=os.environ | {"DAGSTER_HOME": str(home)} | dict(environment or {}),
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell has what it starts in the background ignore it, and so would all of these.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
    ui = WebUI(f"http://127.0.0.1:{port}", storage, home, process)

    def loaded() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"the UI ended by itself:\n{log.read_text()}")
        return ui.is_loaded()

    try:
        wait_for(loaded, "the UI to show the code location", 120)
        yield ui
    finally:
        interrupt(process)


@contextmanager
def ui_over_a_sample(folder: Path, months: tuple[str, str], reviews: int) -> Iterator[WebUI]:
    """The UI over a small sample, whose months a headless run has prepared, with their history.

    Args:
        folder: for the tables and Dagster's records.
        months: the first and the last to prepare.
        reviews: of the sample.
    """
    # A process of its own ends with its Spark session.
    preparation = get_context("spawn").Process(target=_prepare, args=(folder, months, reviews))
    preparation.start()
    preparation.join()
    assert preparation.exitcode == 0, "the months could not be prepared; see above"
    options, conf = ["--reviews", str(reviews)], in_environment(SPARK_CONF)
    with web_ui(folder / "data", folder / "home", *options, environment=conf) as ui:
        yield ui


def _prepare(folder: Path, months: tuple[str, str], reviews: int) -> None:
    os.environ["DAGSTER_HOME"] = str(folder / "home")
    ensure_dagster_home()
    os.environ.update(in_environment(SPARK_CONF))
    family = family_of(CATEGORY, storage=folder / "data", sample_reviews=reviews)
    with DagsterInstance.get() as instance:
        run = HeadlessRun(build_definitions(family.settings), family, instance, lambda _: None)
        run.execute(INGEST)
        for job in (PREPARE, HISTORY):
            run.execute(job, range_tags(*months))


def interrupt(process: subprocess.Popen[bytes], seconds: float = 30) -> bool:
    """Ends a process and all of its group, as Ctrl-C does; by force what is left after a time.

    Returns:
        whether all ended of themselves.
    """
    deadline = time.monotonic() + seconds
    _signal_group(process, signal.SIGINT)
    while time.monotonic() < deadline:
        process.poll()
        if not members(process.pid):
            return True
        time.sleep(0.2)
    _signal_group(process, signal.SIGKILL)
    process.wait()
    return False


def members(group: int) -> list[int]:
    """Processes of a group that have not ended; those nobody has waited for do not count."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def _signal_group(process: subprocess.Popen[bytes], what: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, what)


def wait_for(probe: Callable[[], Found | None], what: str, seconds: float) -> Found:
    """What ``probe`` returns, once that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.5)
    raise TimeoutError(f"waited {seconds:.0f} s for {what}")
