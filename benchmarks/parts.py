"""The parts of the benchmark, and the data of each."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from amazon_seg_assets.sample.writer import write_sample
from amazon_seg_assets.spark.java import find_java
from amazon_seg_assets_tests.spark_conf import EXECUTORS_HERE, in_environment
from amazon_seg_assets_tests.standalone_cluster import standalone_cluster
from benchmarks.agreement import compare
from benchmarks.figures import folder_bytes, ratio, slope, table_bytes
from benchmarks.measure import Measured, measure
from benchmarks.profile import run_ids, steps_since

CATEGORY = "Electronics"
_REVIEWS_FILE = Path(f"raw/review_categories/{CATEGORY}.jsonl")
_METADATA_FILE = Path(f"raw/meta_categories/meta_{CATEGORY}.jsonl")
_SMALLEST = 20_000
"""Reviews of the run whose time counts as the fixed cost of any."""

_NEXT = "2023-10"
_A_YEAR_EARLIER, _SHIFT_MS = "2022-09", 395 * 86_400_000
_SEGMENTED = ("customer_clusters_checks", "rfm_segments_checks")
"""Steps after which each customer's cluster and segment are stored and checked."""
_DAGSTER_YAML = "telemetry:\n  enabled: false\n"


@dataclass
class Benchmark:
    """The parts, and what they have measured so far.

    Attributes:
        reviews: size of the data.
        work: folder of data, storages and logs; data that is there is used again.
        pairs: of session starts.
        plain_k_max: largest k of plain Spark.
        say: is told what is being done.
        runs: what each measured run took.
        findings: what the other parts found.
        agreement: of the peer's results with ours, once compared.
    """

    reviews: int
    work: Path
    pairs: int
    plain_k_max: int
    say: Callable[[str], None]
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: dict[str, Any] = field(default_factory=dict)
    agreement: dict[str, Any] = field(default_factory=dict)

    def pipeline(self) -> None:
        """Ours, from JSON Lines to an empty storage."""
        self._ours("ours", self._data(self.reviews), fresh=True, compared_with="peer")

    def history(self) -> None:
        """Ours with history and movement, from JSON Lines to an empty storage, beside `ours`."""
        if "ours" not in self.runs:
            self.pipeline()
        storage, without = self._folder("storage-history"), self.runs["ours"]["seconds"]
        name, skipped = "ours, with history and movement", ["--skip", "exploration"]
        run = self._ours(name, self._data(self.reviews), storage, fresh=True, skipped=skipped)
        shutil.rmtree(storage)
        self.findings["history and movement over the run without them"] = {
            "seconds": {"with": run["seconds"], "without": without},
            "ratio": ratio(run["seconds"] - without, without),
        }

    def raw(self) -> None:
        """Ours again, from the raw Parquet that is there."""
        self._need_storage()
        # What is up to date would not be made again.
        for folder in (self._storage / CATEGORY).iterdir():
            if not folder.name.startswith("raw_"):
                shutil.rmtree(folder)
        self._ours("ours, from raw", self._data(self.reviews), compared_with="peer, from raw")

    def peer(self) -> None:
        """DuckDB and scikit-learn by hand, from JSON Lines and from raw; compared with ours."""
        data, results = self._data(self.reviews), self._folder("peer")
        command = [sys.executable, "-m", "benchmarks.peer", data, results, "--category", CATEGORY]
        for name, extra in (("peer", []), ("peer, from raw", ["--from-raw"])):
            self._other(name, [*command, *extra], results)
        ours = self._storage / CATEGORY
        if (ours / "rfm_segments").is_dir():
            self.agreement = compare(ours, results)
            self.findings["the peer's results equal ours"] = self.agreement["agrees"]

    def plain(self) -> None:
        """Plain Spark."""
        results = self._folder("plain")
        command = [
            sys.executable,
            "-m",
            "benchmarks.plain_spark",
            self._data(self.reviews),
            results,
        ]
        options = ["--category", CATEGORY, "--k-max", str(self.plain_k_max)]
        name = f"plain Spark, k = 2…{self.plain_k_max}"
        self._other(name, [*command, *options], results, self._stock_environment)

    def session(self) -> None:
        """Session starts, ours and plain in turn; one before them is not counted."""
        seconds: dict[str, list[float]] = {"ours": [], "plain": []}
        module = [sys.executable, "-m", "benchmarks.session_start"]
        # The same Java for both; the first start of ours may make files that later ones use.
        for number in range(self.pairs + 1):
            self.say(f"session starts, pair {number} of {self.pairs}")
            for way, taken in seconds.items():
                log = self._log(f"session-{way}")
                measure([*module, way, self._folder("engine")], log, self._stock_environment)
                match = re.search(r"^seconds ([\d.]+)$", log.read_text(), re.MULTILINE)
                assert match is not None
                taken.append(float(match[1]))
        medians = {way: statistics.median(taken[1:]) for way, taken in seconds.items()}
        self.findings["session start, first action done"] = {
            "median_seconds": medians,
            "ratio": ratio(medians["ours"], medians["plain"]),
            "first_seconds": {way: taken[0] for way, taken in seconds.items()},
            "seconds": {way: taken[1:] for way, taken in seconds.items()},
        }

    def incremental(self) -> None:
        """A file with one more month is added to the source, and its snapshot segmented."""
        self._need_storage()
        source = self._folder("source-and-new-month")
        shutil.rmtree(source, ignore_errors=True)
        for path in (_REVIEWS_FILE, _METADATA_FILE):
            (source / path).parent.mkdir(parents=True)
            os.link(self._data(self.reviews) / path, source / path)
        rows = self._write_next_month(source)
        environment = {"AMAZON_SEG_LAST_MONTH": _NEXT}
        run = self._ours("ours, one new month", source, environment=environment, reviews=rows)
        self.findings["one new month"] = {
            "rows": rows,
            "segmented_after_seconds": run["segmented_after_seconds"],
            "seconds": run["seconds"],
        }
        # The snapshot of the data itself is what is compared and run again.
        for folder in (self._storage / CATEGORY).glob(f"*/month={_NEXT}"):
            shutil.rmtree(folder)

    def _write_next_month(self, source: Path) -> int:
        """A file of reviews of the month after the last, made of those of a year before."""
        month = self._storage / CATEGORY / "raw_reviews" / f"month={_A_YEAR_EARLIER}"
        rows = 0
        path = (source / _REVIEWS_FILE).with_name(f"{CATEGORY}-{_NEXT}.jsonl")
        with path.open("w", encoding="ascii") as file:
            for part in sorted(month.glob("*.parquet")):
                for batch in pq.ParquetFile(part).iter_batches():
                    position = batch.schema.get_field_index("timestamp")
                    later = pc.add(batch["timestamp"], _SHIFT_MS)
                    table = batch.set_column(position, "timestamp", later).drop_columns("review_id")
                    file.writelines(json.dumps(row) + "\n" for row in table.to_pylist())
                    rows += len(batch)
        return rows

    def sizes(self) -> None:
        """Ours from JSON Lines at several sizes: how time grows."""
        parts = (self.reviews // 16, self.reviews // 4, self.reviews)
        sizes = [_SMALLEST, *(size for size in parts if size > _SMALLEST)]
        seconds = {}
        for size in sizes:
            if size == self.reviews and "ours" in self.runs:
                seconds[size] = self.runs["ours"]["seconds"]
                continue
            storage = self._folder(f"storage-{size}")
            run = self._ours(
                f"ours, {size:,} reviews", self._data(size), storage, fresh=True, reviews=size
            )
            seconds[size] = run["seconds"]
            shutil.rmtree(storage)
        fixed = seconds.pop(_SMALLEST)
        self.findings["time over size"] = {
            "seconds": seconds,
            "fixed_seconds": fixed,
            "slope": slope(seconds),
            "slope_beyond_fixed": slope(seconds, fixed),
        }

    def cluster(self) -> None:
        """From raw Parquet on ``local[2]`` and on a standalone cluster of two workers."""
        self._need_storage()
        data, seconds = self._data(self.reviews), {}
        local, remote = self._folder("storage-local"), self._folder("storage-cluster")
        for storage in (local, remote):
            shutil.rmtree(storage, ignore_errors=True)
            for table in ("raw_reviews", "raw_metadata"):
                shutil.copytree(
                    self._storage / CATEGORY / table,
                    storage / CATEGORY / table,
                    copy_function=os.link,
                )
        run = self._ours("ours, local[2]", data, local, master="local[2]")
        seconds["local[2]"] = run["seconds"]
        folder = self._folder("cluster")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with standalone_cluster(folder) as running:
            environment = in_environment(EXECUTORS_HERE, {"spark.executor.memory": "2g"})
            name = "ours, cluster of 2 x 1"
            run = self._ours(name, data, remote, master=running.url, environment=environment)
        seconds["cluster"] = run["seconds"]
        self.findings["cluster over local[2], from raw"] = {
            "seconds": seconds,
            "ratio": ratio(seconds["cluster"], seconds["local[2]"]),
        }

    def _need_storage(self) -> None:
        if not (self._storage / CATEGORY / "raw_reviews").is_dir():
            self.pipeline()

    def _ours(
        self,
        name: str,
        source: Path,
        storage: Path | None = None,
        *,
        fresh: bool = False,
        master: str | None = None,
        environment: dict[str, str] | None = None,
        compared_with: str = "",
        reviews: int | None = None,
        skipped: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        storage = storage or self._storage
        if fresh:
            shutil.rmtree(storage, ignore_errors=True)
        home = self._folder("dagster-home")
        home.mkdir(exist_ok=True)
        (home / "dagster.yaml").write_text(_DAGSTER_YAML)
        before = run_ids(home)
        command: list[str | Path] = [
            sys.executable, "-m", "amazon_seg_assets", "run", "--source", source,
            "--category", CATEGORY, "--storage", storage,
            *(self._skipped if skipped is None else skipped),
            *(["--master", master] if master else []),
        ]  # fmt: skip
        self.say(name)
        variables = {"DAGSTER_HOME": str(home)} | (environment or {})
        started = time.time()
        taken = measure(command, self._log(name), variables)
        tables = table_bytes(storage / CATEGORY)
        steps = steps_since(home, before)
        run = self._keep(name, reviews or self.reviews, taken, steps.seconds, tables, compared_with)
        run["segmented_after_seconds"] = max(steps.ends[step] for step in _SEGMENTED) - started
        return run

    def _other(
        self,
        name: str,
        command: list[Any],
        results: Path,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.say(name)
        taken = measure(command, self._log(name), environment)
        steps = json.loads((results / "steps.json").read_text())
        self._keep(name, self.reviews, taken, steps, table_bytes(results), "peer")

    def _keep(
        self,
        name: str,
        reviews: int,
        taken: Measured,
        steps: dict[str, float],
        tables: dict[str, int],
        compared_with: str,
    ) -> dict[str, Any]:
        run = {
            "reviews": reviews,
            "seconds": taken.seconds,
            "cpu_seconds": taken.cpu_seconds,
            "peak_bytes": taken.peak_bytes,
            "stored_bytes": sum(tables.values()),
            "steps": steps,
            "stored_bytes_by_table": tables,
            "compared_with": compared_with,
        }
        self.runs[name] = run
        return run

    def _data(self, reviews: int) -> Path:
        """Raw files of this size; generated if they are not there."""
        folder = self._folder(f"sample-{reviews}")
        if not (folder / _REVIEWS_FILE).exists():
            self.say(f"generating {reviews:,} reviews")
            started = time.monotonic()
            write_sample(folder, CATEGORY, reviews)
            seconds = time.monotonic() - started
            self.findings[f"generated {reviews:,} reviews"] = {
                "seconds": seconds,
                "reviews_a_second": reviews / seconds,
                "bytes": folder_bytes(folder),
            }
        return folder

    @property
    def _storage(self) -> Path:
        return self._folder(f"storage-{self.reviews}")

    @cached_property
    def _skipped(self) -> list[str]:
        """The option that leaves out what the peer does not do either; older versions have less."""
        command = [sys.executable, "-m", "amazon_seg_assets", "run", "--help"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if "--skip A,B" in told:
            return ["--skip", "exploration,history"]
        return ["--skip-exploration"] if "--skip-exploration" in told else []

    @cached_property
    def _stock_environment(self) -> dict[str, str]:
        """The environment of plain Spark: a Java, this Python, and UTC."""
        return {
            "JAVA_HOME": str(find_java(self._folder("engine") / "java").home),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_HOSTNAME": "localhost",
            "TZ": "UTC",
        }

    def _folder(self, name: str) -> Path:
        return self.work / name

    def _log(self, name: str) -> Path:
        return self.work / "logs" / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.log"
