"""The one Spark session of a process."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import TimeoutExpired
from threading import Lock, Thread
from typing import TYPE_CHECKING

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.spark import internals, machine
from amazon_seg_assets.spark.class_archive import archive_options, without_writing
from amazon_seg_assets.spark.failures import cause_in_one_line, tells_of_an_end
from amazon_seg_assets.spark.java import find_java, require_addresses
from amazon_seg_assets.spark.temporary import temporary_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_MIB, _GIB = 1024**2, 1024**3
_APP_NAME = "amazon-seg"  # shown by Spark's own UI
_LOGGING = Path(__file__).with_name("log4j2.properties")
_LARGEST_LOCAL_HEAP_GIB = 6
# At its peak, the built-in sample takes 1.2 GiB beside the heap, 0.9 of Python, 0.3 of Java itself.
# Rounded down, so that no machine is refused on which it would just do.
_BESIDE_THE_HEAP = _GIB
_HEAP = "spark.driver.memory"
_SPARK_S_DEFAULT_HEAP = "1g"
_SIZE = re.compile(r"(\d+)([bkmgtp]?)b?", re.IGNORECASE)
_PYTHON = "spark.pyspark.python"
_ENDING_SECONDS = 5
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"
_EXECUTOR_JAVA_OPTIONS = "spark.executor.extraJavaOptions"
# On few processors the collector that stops all of them wastes the least of their time.
_COLLECTOR = "-XX:+UseParallelGC"
_ANY_COLLECTOR = re.compile(r"-XX:\+Use\w+GC\b")
_ONE_AT_A_TIME = Lock()
_FAILED: list[Exception] = []  # why Spark did not start in the background, until it is told


def local_heap_gib() -> int:
    """Heap of a local driver in GiB: a third of the memory, as Python and the page cache need some.

    Less where other programs leave less, as a Java that grows beyond it is killed. More than 6 GiB
    was not seen to help, whatever the number of reviews.
    """
    left = machine.available_bytes() - _BESIDE_THE_HEAP
    return max(1, min(_LARGEST_LOCAL_HEAP_GIB, machine.memory_bytes() // 3 // _GIB, left // _GIB))


def default_conf(master: str) -> dict[str, str]:
    """Settings that the transformations rely on, then those that follow the machine."""
    conf = {
        # Days and months are UTC everywhere, whatever the machine's time zone.
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.parquet.compression.codec": "zstd",
        # Higher levels, and looking for repeated values, take more time than the bytes are worth.
        "spark.hadoop.parquet.compression.codec.zstd.level": "1",
        "spark.hadoop.parquet.enable.dictionary": "false",
        # Each page has its sum in the file, wherever that lies.
        "spark.hadoop.parquet.page.verify-checksum.enabled": "true",
        # A folder month=2023-03 is a string, not the first of March.
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
        # A text that is not a number is an unknown price, not an error.
        "spark.sql.ansi.enabled": "false",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName": "true",
        # It would drop the observed counts of rows together with an empty result.
        "spark.sql.adaptive.optimizer.excludedRules": (
            "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation"
        ),
        # A table has a folder a month; by default, listing them is a task each.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "16",
        # Months are written side by side: sorting whole rows by month would cost more.
        "spark.sql.maxConcurrentOutputFileWriters": "64",
        "spark.ui.showConsoleProgress": "false",
        # Smaller pieces than the default of 128 MiB keep all cores busy to the end.
        "spark.sql.files.maxPartitionBytes": "32m",
        "spark.sql.files.openCostInBytes": "1m",
        # Else each task of a shuffle opens a file for each of up to 200 partitions.
        "spark.shuffle.sort.bypassMergeThreshold": "16",
        _JAVA_OPTIONS: f"{_COLLECTOR} -Dlog4j2.configurationFile={_LOGGING.as_uri()}",
        _EXECUTOR_JAVA_OPTIONS: _COLLECTOR,
    }
    if master.startswith("local"):
        conf |= {
            _HEAP: f"{local_heap_gib()}g",
            "spark.sql.shuffle.partitions": str(max(8, 2 * machine.cores())),
            # A disk lists all months in less time than a job takes.
            "spark.sql.sources.parallelPartitionDiscovery.threshold": "2000",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
        }
    return conf


def session_conf(
    master: str, conf: Mapping[str, str], archive: Sequence[str], temporary: Path | None = None
) -> dict[str, str]:
    """All settings of a session; the user's win.

    The user's options of Java are added to those there are; Java refuses to have two collectors.

    Args:
        master: of Spark.
        conf: the user's settings.
        archive: options by which the driver's Java uses or makes an archive of classes.
        temporary: folder for the temporary files of the driver's Java.
    """
    settings = default_conf(master)
    own = [*archive, *([shlex.quote(f"-Djava.io.tmpdir={temporary}")] if temporary else [])]
    # Executors use it that find the file and have the same Java.
    options = {_JAVA_OPTIONS: own, _EXECUTOR_JAVA_OPTIONS: without_writing(archive)}
    for key, added in options.items():
        ours, theirs = settings[key], conf.get(key, "")
        if _ANY_COLLECTOR.search(theirs):
            ours = ours.removeprefix(_COLLECTOR)
        settings[key] = " ".join([ours, *added, theirs]).strip()
    return settings | {key: value for key, value in conf.items() if key not in options}


def require_memory(master: str, conf: Mapping[str, str]) -> None:
    """Checks that there is memory for the driver's heap, and for Python beside it.

    Raises:
        InputError: there is too little, so that Java would be killed in the middle of the work.
    """
    heap = {_HEAP: _SPARK_S_DEFAULT_HEAP, **default_conf(master), **conf}[_HEAP]
    size = _SIZE.fullmatch(heap.strip())
    if size is None:
        return  # Spark tells what is wrong with it
    needed = int(size[1]) * 1024 ** "bkmgtp".index(size[2].lower() or "m") + _BESIDE_THE_HEAP
    free = machine.available_bytes()
    if free < needed:
        raise InputError(
            f"Spark with {_HEAP}={heap} and Python beside it need {needed // _MIB:,} MiB of memory "
            f"on this machine, where {free // _MIB:,} MiB are free: end other programs, give it "
            f"more memory, or set a lower {_HEAP} in AMAZON_SEG_SPARK_CONF."
        )


def start_session(master: str, conf: Mapping[str, str], cache_directory: Path) -> SparkSession:
    """Starts Spark, or returns the session that this process has already, or is just starting.

    A session that a cluster has ended is replaced by a new one. ``cache_directory`` keeps files
    that a later start can use again.

    Raises:
        InputError: there is no usable Java, too little memory, no place for temporary files, or
            Spark does not start with this master.
    """
    with _ONE_AT_A_TIME:
        if _FAILED:
            raise _FAILED.pop()
        session = _running_session()
        if session is None:
            if not internals.has_java():  # which has its memory already
                require_memory(master, conf)
            session = _new_session(master, conf, cache_directory)
        return session


def start_in_background(master: str, conf: Mapping[str, str], cache_directory: Path) -> Thread:
    """Starts Spark while something else is done; arguments as `start_session`.

    If that fails, the next `start_session` raises why.

    Raises:
        InputError: there is too little memory. That is looked at once only, as what is done
            meanwhile takes some too.
    """
    require_memory(master, conf)

    def start() -> None:
        with _ONE_AT_A_TIME:
            try:
                if _running_session() is None:
                    _new_session(master, conf, cache_directory)
            except Exception as error:
                _FAILED.append(error)

    thread = Thread(target=start, name="spark-start", daemon=True)
    thread.start()
    return thread


def java_exit_code(message: str) -> int | None:
    """The exit code of the Java that this process has started for Spark; None while it lives.

    None too if the message of an error does not tell of its end. That is waited for, as Java takes
    a second.
    """
    process = internals.java_process()
    if process is None or not tells_of_an_end(message):
        return None
    with suppress(TimeoutExpired):
        process.wait(_ENDING_SECONDS)
    return process.returncode


def _running_session() -> SparkSession | None:
    context = internals.active_context()
    if context is None:
        return None
    if internals.is_stopped(context):
        context.stop()
        return None
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate()


def _new_session(master: str, conf: Mapping[str, str], cache_directory: Path) -> SparkSession:
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    java = find_java(cache_directory / "java")
    os.environ["JAVA_HOME"] = str(java.home)
    archive = archive_options(java, cache_directory / "class-archives")
    settings = session_conf(master, conf, archive, temporary_folder())
    if master.startswith("local"):
        # Elsewhere there need be neither this Python, nor a way to this machine by that name.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_HOSTNAME", "localhost")
    if _PYTHON in settings:
        # PySpark reads the variable alone, where Spark's own commands prefer the setting.
        os.environ["PYSPARK_PYTHON"] = settings[_PYTHON]
    builder = SparkSession.builder.master(master).appName(_APP_NAME)
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except (PySparkRuntimeError, Py4JJavaError) as error:
        if not internals.has_java():
            require_addresses()
        raise InputError(
            f"Spark does not start with master {master} ({cause_in_one_line(str(error))}): check "
            "AMAZON_SEG_SPARK_MASTER and AMAZON_SEG_SPARK_CONF, and that the master can be reached."
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    internals.without_checksum_files(session)
    return session
