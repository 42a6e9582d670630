"""Faults of the machine under the command: full disks, read-only folders, limits of memory, kills.

They are real, in a mount namespace where they need one. Each starts Spark, so that only
`make chaos` asks for them.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.drawn import SEED, STARTS_SPARK
from amazon_seg_assets_tests.ended_run import SKIPPED
from amazon_seg_assets_tests.spark_conf import SPARK_CONF, in_environment

IN_A_NAMESPACE = ["unshare", "--map-root-user", "--mount", "sh", "-c"]


def has_namespaces() -> bool:
    """Tells whether this user may mount what only a process of its own sees."""
    command = [*IN_A_NAMESPACE, "mount -t tmpfs tmpfs /mnt"]
    is_there = bool(shutil.which("unshare"))
    return is_there and subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.skipif(not STARTS_SPARK, reason="`make chaos` asks for it"),
    pytest.mark.skipif(
        bool(STARTS_SPARK) and not has_namespaces(), reason="needs mount namespaces"
    ),
]

CATEGORY, SNAPSHOT, PATIENCE_SECONDS = "Electronics", "2023-09", 600
DRAW = random.Random(SEED)

# Of shells, in which $1 is the folder that has the fault.
WITH_ROOM = """
kib=$(du -sk "$1" | cut -f 1); cp -r "$1" "$1.copy"
mount -t tmpfs -o size=$((kib + {room}))k tmpfs "$1"; cp -r "$1.copy/." "$1"; rm -r "$1.copy"
"""
READ_ONLY = 'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"'
FAULTS = [
    *(
        pytest.param(
            folder, WITH_ROOM.strip().format(room=room), id=f"{folder} with room for {room} KiB"
        )
        for folder, most in (("home", 6_000), ("storage", 6_000), ("temporary", 3_000))
        for room in (4, DRAW.randrange(most), DRAW.randrange(most))
    ),
    *(
        pytest.param(folder, READ_ONLY, id=f"{folder} is read-only")
        for folder in ("home", "storage", "temporary", "cache")
    ),
    *(
        pytest.param("home", f"ulimit -S -v {mib * 1024}", id=f"{mib} MiB of addresses")
        for mib in (1_000, DRAW.randrange(2_000, 8_000), DRAW.randrange(4_000, 12_000))
    ),
]

DAMAGED = """
import sys
from pathlib import Path
from amazon_seg_assets.planning.staleness import DECLARED
from amazon_seg_assets.storage.damage import damage
from amazon_seg_assets.storage.layout import Store
store = Store(Path(sys.argv[1]), sys.argv[2])
names = [output.name for declared in DECLARED for output in declared.stores]
print("damaged:", [name for name in names if store.has(name) and damage(store, name)])
"""


class Place:
    """A storage with a run in it, and the other folders that the command uses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("home", "storage", "temporary", "cache"):
            (folder / name).mkdir()
        self.storage = folder / "storage"
        self.environment = (
            os.environ
            | in_environment(SPARK_CONF | {"spark.driver.memory": "1g"})
            | {"DAGSTER_HOME": str(folder / "home"), "TMPDIR": str(folder / "temporary")}
            | {"AMAZON_SEG_CACHE": str(folder / "cache")}
        )

    def command(self, *options: str) -> list[str]:
        what = ["--source", "sample", "--reviews", "2000", "--storage", str(self.storage)]
        less = ["--skip", SKIPPED, "--k", "2", "--quiet"]
        return [sys.executable, "-m", "amazon_seg_assets", "run", *what, *less, *options]

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Exit status, output and errors of a command."""
        process = self.start(command)
        try:
            output, errors = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, output, errors

    def segments(self) -> list[dict[str, Any]]:
        path = Store(self.storage, CATEGORY).path("rfm_segments", SNAPSHOT)
        return sorted(pq.read_table(path, partitioning=None).to_pylist(), key=str)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = Place(tmp_path_factory.mktemp("machine"))
    assert made.run(made.command())[0] == 0
    return made


@pytest.fixture(scope="module")
def segments(place: Place) -> list[dict[str, Any]]:
    return place.segments()


def sentence(errors: str) -> str:
    """The one sentence that errors end with."""
    assert "Traceback" not in errors, errors
    [*_, last] = errors.strip().splitlines()
    assert last.startswith("Error: "), errors
    return last


@pytest.mark.parametrize(("folder", "fault"), FAULTS)
def test_a_run_ends_well_or_with_a_sentence_and_damages_nothing(
    place: Place, segments: list[dict[str, Any]], folder: str, fault: str
) -> None:
    assert segments
    look = f'{sys.executable} -c "$look" "$storage" {CATEGORY}'
    shell = (
        f'set -e; {fault}; shift; set +e; "$@"; code=$?; ulimit -v unlimited; {look}; exit $code'
    )
    place.environment |= {"look": DAMAGED, "storage": str(place.storage)}
    arguments = ["sh", str(place.folder / folder), *place.command("--force")]
    code, output, errors = place.run([*IN_A_NAMESPACE, shell, *arguments])
    assert output.strip() == "damaged: []", errors
    print(f"{code}: {sentence(errors) if code else 'it had enough'}")


@pytest.mark.parametrize("seconds", [DRAW.uniform(2, 40) for _ in range(3)], ids="{:.0f} s".format)
def test_a_killed_run_leaves_nothing_behind_for_long(
    place: Place, segments: list[dict[str, Any]], seconds: float
) -> None:
    process = place.start(place.command("--force"))
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    temporary = place.folder / "temporary"
    left = {path.name for path in temporary.iterdir()}
    # Else there may be nothing to do for Spark, whose start it is that tidies up.
    code, _, errors = place.run(place.command("--force"))
    assert (code, errors) == (0, "")
    assert place.segments() == segments
    print(f"killed after {seconds:.0f} s, {len(left)} temporary folders were left")
    assert not left & {path.name for path in temporary.iterdir()}
    assert [*(place.storage / CATEGORY / ".staging").iterdir()] == []


def test_what_faults_have_left_undone_is_made_by_the_next_run(
    place: Place, segments: list[dict[str, Any]]
) -> None:
    code, _, errors = place.run(place.command())
    assert (code, errors) == (0, "")
    assert place.segments() == segments
