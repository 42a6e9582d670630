"""The parts of the benchmark, and the data of each."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from amazon_seg_assets.dag.declaration import declared_in
from amazon_seg_assets.planning.planner import PARTS
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
_PEER_LACKS = [part for part in PARTS if part != "exploration"]
_EXPLORATION = {
    "exploration_checks",
    *(made.name for each in declared_in("exploration") for made in each.stores),
}
_REPEATED_BELOW_SECONDS = 180
_DAGSTER_YAML = "telemetry:\n  enabled: false\n"


@dataclass
class Benchmark:
    """The parts, and what they have measured so far.

    Attributes:
        reviews: size of the data.
        work: folder of data, storages and logs; data that is there is used again.
        pairs: of session starts.
        plain_k_max: largest k of plain Spark.
        repeats: of runs of less than three minutes; the one with the median time counts.
        say: is told what is being done.
        runs: what each measured run took.
        findings: what the other parts found.
        agreement: of the peer's results with ours, once compared.
    """

    reviews: int
    work: Path
    pairs: int
    plain_k_max: int
    repeats: int
    say: Callable[[str], None]
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: dict[str, Any] = field(default_factory=dict)
    agreement: dict[str, Any] = field(default_factory=dict)

    def pipeline(self) -> None:
        """Ours with the exploration, from JSON Lines to an empty storage."""
        self._ours(
            "ours",
            self._data(self.reviews),
            prepare=partial(_remove, self._storage),
            compared_with="peer",
            skipped=_PEER_LACKS,
        )

    def history(self) -> None:
        """Ours with history and movement, from JSON Lines to an empty storage, beside `ours`."""
        if "ours" not in self.runs:
            self.pipeline()
        storage, without = self._folder("storage-history"), self.runs["ours"]["seconds"]
        run = self._ours(
            "ours, with history and all that stands on it",
            self._data(self.reviews),
            storage,
            prepare=partial(_remove, storage),
            skipped=[],
        )
        shutil.rmtree(storage)
        self.findings["history and all that stands on it over the run without them"] = {
            "seconds": {"with": run["seconds"], "without": without},
            "ratio": ratio(run["seconds"] - without, without),
        }

    def raw(self) -> None:
        """Ours again without the exploration, from the raw Parquet that is there."""
        self._need_storage()
        self._ours(
            "ours, from raw",
            self._data(self.reviews),
            prepare=partial(_keep_raw, self._storage / CATEGORY),
            compared_with="peer, from raw",
        )

    def peer(self) -> None:
        """DuckDB and scikit-learn by hand, from JSON Lines and from raw; compared with ours."""
        data, results = self._data(self.reviews), self._folder("peer")
        command = [sys.executable, "-m", "benchmarks.peer", data, results, "--category", CATEGORY]
        for name, extra in (("peer", ["--explore"]), ("peer, from raw", ["--from-raw"])):
            self._other(name, [*command, *extra], results)
        self._compare_exploration()
        ours = self._storage / CATEGORY
        if (ours / "rfm_segments").is_dir():
            self.agreement = compare(ours, results)
            self.findings["the peer's results equal ours"] = self.agreement["agrees"]

    def _compare_exploration(self) -> None:
        """The steps of the exploration, checks and pictures included, over the peer's."""
        if "ours" not in self.runs:
            return
        ours = {
            name: seconds
            for name, seconds in self.runs["ours"]["steps"].items()
            if name in _EXPLORATION
        }
        peers = self.runs["peer"]["steps"]["explore"]
        self.findings["exploration over the peer's"] = {
            "seconds": {"ours": sum(ours.values()), "peer": peers},
            "ratio": ratio(sum(ours.values()), peers),
        }

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
        name = "ours, one new month"
        skipped = _PEER_LACKS
        run = self._ours(name, source, environment=environment, reviews=rows, skipped=skipped)
        from_raw = self.runs.get("ours, from raw")
        self.findings["one new month, with the exploration"] = {
            "rows": rows,
            "over_a_run_from_raw": ratio(run["seconds"], from_raw["seconds"] if from_raw else None),
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
        """Ours and the peer from JSON Lines at several sizes: how time grows, where they meet."""
        parts = (200_000, self.reviews // 40, self.reviews // 10, self.reviews)
        sizes = [_SMALLEST, *sorted({size for size in parts if size > _SMALLEST})]
        ours = {size: self._ours_at(size)["seconds"] for size in sizes}
        peers = {size: self._peer_at(size)["seconds"] for size in sizes}
        fixed = ours.pop(_SMALLEST)
        self.findings["time over size"] = {
            "seconds": ours,
            "all_seconds": {_SMALLEST: fixed, **ours},
            "peer_seconds": peers,
            "fixed_seconds": fixed,
            "slope": slope(ours),
            "slope_beyond_fixed": slope(ours, fixed),
        }

    def _ours_at(self, size: int) -> dict[str, Any]:
        if size == self.reviews and "ours" in self.runs:
            return self.runs["ours"]
        storage = self._folder(f"storage-{size}")
        run = self._ours(
            f"ours, {size:,} reviews",
            self._data(size),
            storage,
            prepare=partial(_remove, storage),
            compared_with=f"peer, {size:,} reviews",
            reviews=size,
            skipped=_PEER_LACKS,
        )
        shutil.rmtree(storage)
        return run

    def _peer_at(self, size: int) -> dict[str, Any]:
        if size == self.reviews and "peer" in self.runs:
            return self.runs["peer"]
        results = self._folder(f"peer-{size}")
        command = [sys.executable, "-m", "benchmarks.peer", self._data(size), results]
        name, options = f"peer, {size:,} reviews", ["--category", CATEGORY, "--explore"]
        run = self._other(name, [*command, *options], results, reviews=size)
        shutil.rmtree(results)
        return run

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
        prepare: Callable[[], None] | None = None,
        master: str | None = None,
        environment: dict[str, str] | None = None,
        compared_with: str = "",
        reviews: int | None = None,
        skipped: Sequence[str] = tuple(PARTS),
    ) -> dict[str, Any]:
        storage = storage or self._storage
        home = self._folder("dagster-home")
        home.mkdir(exist_ok=True)
        (home / "dagster.yaml").write_text(_DAGSTER_YAML)
        command: list[str | Path] = [
            sys.executable, "-m", "amazon_seg_assets", "run", "--source", source,
            "--category", CATEGORY, "--storage", storage,
            *(["--skip", ",".join(skipped)] if skipped else []),
            *(["--master", master] if master else []),
        ]  # fmt: skip
        self.say(name)
        variables = {"DAGSTER_HOME": str(home)} | (environment or {})

        def once() -> tuple[Measured, dict[str, Any]]:
            if prepare is not None:
                prepare()
            before, started = run_ids(home), time.time()
            taken = measure(command, self._log(name), variables)
            steps = steps_since(home, before)
            segmented = max(steps.ends.get(step, started) for step in _SEGMENTED) - started
            return taken, {"steps": steps.seconds, "segmented_after_seconds": segmented}

        # What is up to date would not be made again, so that only what is prepared can be repeated.
        taken, told = once() if prepare is None else self._repeated(once)
        return self._keep(
            name,
            reviews or self.reviews,
            taken,
            told,
            table_bytes(storage / CATEGORY),
            compared_with,
        )

    def _other(
        self,
        name: str,
        command: list[Any],
        results: Path,
        environment: dict[str, str] | None = None,
        reviews: int | None = None,
    ) -> dict[str, Any]:
        self.say(name)

        def once() -> tuple[Measured, dict[str, Any]]:
            taken = measure(command, self._log(name), environment)
            return taken, {"steps": json.loads((results / "steps.json").read_text())}

        taken, told = self._repeated(once)
        return self._keep(name, reviews or self.reviews, taken, told, table_bytes(results), "peer")

    def _repeated(
        self, once: Callable[[], tuple[Measured, dict[str, Any]]]
    ) -> tuple[Measured, dict[str, Any]]:
        """The run of median time of several; the only one where one takes long."""
        taken = [once()]
        if taken[0][0].seconds < _REPEATED_BELOW_SECONDS:
            taken += [once() for _ in range(self.repeats - 1)]
        return sorted(taken, key=lambda each: each[0].seconds)[len(taken) // 2]

    def _keep(
        self,
        name: str,
        reviews: int,
        taken: Measured,
        told: dict[str, Any],
        tables: dict[str, int],
        compared_with: str,
    ) -> dict[str, Any]:
        run = {
            "reviews": reviews,
            "seconds": taken.seconds,
            "cpu_seconds": taken.cpu_seconds,
            "peak_bytes": taken.peak_bytes,
            "stored_bytes": sum(tables.values()),
            "stored_bytes_by_table": tables,
            "compared_with": compared_with,
            **told,
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


def _remove(storage: Path) -> None:
    shutil.rmtree(storage, ignore_errors=True)


def _keep_raw(tables: Path) -> None:
    """Removes what a run makes of raw data, but for the exploration, which it may leave out."""
    for folder in tables.iterdir():
        if not folder.name.startswith("raw_") and folder.name not in _EXPLORATION:
            shutil.rmtree(folder)
