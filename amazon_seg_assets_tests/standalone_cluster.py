"""A real Spark standalone cluster on loopback, from the classes in the PySpark package."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pyspark

from amazon_seg_assets.spark.java import find_java
from amazon_seg_assets_tests.spark_conf import FAST_COMPILER

_SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
_DEPLOY = "org.apache.spark.deploy"
_PORTS = range(20_000, 32_768)  # below those that Linux gives to whoever asks for any


class StandaloneCluster:
    """A running cluster.

    Attributes:
        url: of the master, ``spark://…``.
        workers: the workers' processes.
    """

    def __init__(self, url: str, workers: list[subprocess.Popen[bytes]]) -> None:
        self.url = url
        self.workers = workers

    def kill_a_worker(self) -> None:
        """Kills a worker and its executors, as a machine that dies."""
        os.killpg(self.workers[0].pid, signal.SIGKILL)


@contextmanager
def standalone_cluster(folder: Path, workers: int = 2) -> Iterator[StandaloneCluster]:
    """Starts a master and workers of one core each; stops all of them in the end."""
    port, web_port = free_port(), free_port()
    url = f"spark://127.0.0.1:{port}"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYSPARK_PYTHON")
    } | {
        "JAVA_HOME": str(find_java(folder / "java").home),
        "SPARK_LOCAL_HOSTNAME": "localhost",
        "SPARK_DAEMON_JAVA_OPTS": FAST_COMPILER,
    }

    def start(stack: ExitStack, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        # Each in a folder and a process group of its own: nothing is shared but loopback.
        home = folder / name
        home.mkdir()
        log = stack.enter_context((folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(
            [str(_SPARK_CLASS), *arguments],
            env=environment | {"SPARK_WORKER_DIR": str(home)},
            cwd=home,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(_stop, process)
        return process

    with ExitStack() as stack:
        at = ["--host", "127.0.0.1"]
        start(
            stack, "master", f"{_DEPLOY}.master.Master", *at, "--port", str(port),
            "--webui-port", str(web_port),
        )  # fmt: skip

        def start_worker(number: int) -> subprocess.Popen[bytes]:
            return start(
                stack, f"worker-{number}", f"{_DEPLOY}.worker.Worker", *at, "-c", "1", "-m", "2g",
                "--webui-port", str(free_port()), url,
            )  # fmt: skip

        started = [start_worker(number) for number in range(workers)]
        _wait_for_workers(f"http://127.0.0.1:{web_port}/json/", workers)
        yield StandaloneCluster(url, started)


def free_port() -> int:
    """A port of loopback that nobody listens on, and hardly anybody takes before it is used."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_for_workers(status: str, workers: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(status, timeout=2) as answer:
                if json.load(answer)["aliveworkers"] == workers:
                    return
        except OSError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"the cluster has not got {workers} workers within {seconds:.0f} s")
