"""Publishing, on a disk and where nothing can be renamed: whole partitions or none."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from amazon_seg_assets import processes
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.storage import publishing, renaming
from amazon_seg_assets.storage.contents import CONTENTS
from amazon_seg_assets.storage.exchange import exchange
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location, children, parse_location
from amazon_seg_assets_tests.death import Death, die_at
from amazon_seg_assets_tests.disk import on_disk


@pytest.fixture(params=["disk", "memory"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    url = f"memory:/{tmp_path}" if request.param == "memory" else str(tmp_path / "storage")
    return Store(parse_location(url), "Toys")


@pytest.fixture
def disk(tmp_path: Path) -> Store:
    return Store(tmp_path / "storage", "Toys")


def put(store: Store, asset: str, month: str | None, content: str) -> None:
    with store.replacing(asset, None if month is None else [month]) as folder:
        target = folder if month is None else folder / f"month={month}"
        target.mkdir(exist_ok=True)
        (target / "part").write_text(content)


def test_only_the_named_months_are_replaced(store: Store) -> None:
    put(store, "reviews", "2023-01", "one")
    put(store, "reviews", "2023-02", "two")
    put(store, "reviews", "2023-01", "new")
    assert store.months("reviews") == ["2023-01", "2023-02"]
    assert (store.path("reviews", "2023-01") / "part").read_text() == "new"
    assert (store.path("reviews", "2023-02") / "part").read_text() == "two"


def test_a_whole_artifact_is_replaced(store: Store) -> None:
    put(store, "model", None, "old")
    put(store, "model", None, "new")
    assert children(store.path("model")) == {"part", CONTENTS}
    assert (store.path("model") / "part").read_text() == "new"


def test_a_write_that_fails_leaves_the_former_data(store: Store) -> None:
    put(store, "reviews", "2023-01", "one")
    with pytest.raises(RuntimeError), store.replacing("reviews", ["2023-01"]) as folder:
        (folder / "month=2023-01").mkdir()
        raise RuntimeError
    assert (store.path("reviews", "2023-01") / "part").read_text() == "one"
    assert children(store.folder / ".staging") == set()


def test_a_block_that_did_not_write_its_month_leaves_the_former_data(store: Store) -> None:
    put(store, "reviews", "2023-01", "one")
    with pytest.raises(FileNotFoundError), store.replacing("reviews", ["2023-01"]):
        pass
    assert (store.path("reviews", "2023-01") / "part").read_text() == "one"


KILLED_BETWEEN_THE_RENAMES = """
import os, pathlib, sys
from amazon_seg_assets.storage import renaming
from amazon_seg_assets.storage.layout import Store
store = Store(pathlib.Path(sys.argv[1]), "Toys")
renaming.exchange = lambda *_: False
rename = pathlib.Path.rename
def rename_once(self, target):
    if "new" in self.parts:
        os._exit(9)
    return rename(self, target)
pathlib.Path.rename = rename_once
with store.replacing("reviews", ["2023-01"]) as folder:
    (folder / "month=2023-01").mkdir()
"""


def test_a_partition_that_a_killed_process_moved_aside_comes_back(disk: Store) -> None:
    put(disk, "reviews", "2023-01", "one")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BETWEEN_THE_RENAMES, str(disk.root)], check=False
    )
    assert killed.returncode == 9
    assert not disk.path("reviews", "2023-01").exists()
    put(disk, "reviews", "2023-02", "two")
    assert (disk.path("reviews", "2023-01") / "part").read_text() == "one"
    assert children(disk.folder / ".staging") == set()


def put_months(store: Store, by_month: bool, content: str, *months: str) -> None:
    """Replaces months, or all of an artifact that has months and a manifest, as raw tables have."""
    with store.replacing("reviews", months if by_month else None) as folder:
        for month in months:
            (folder / f"month={month}").mkdir()
            (folder / f"month={month}" / "part").write_text(content)
        if not by_month:
            (folder / "_manifest.json").write_text(content)


def files(store: Store) -> dict[str, str]:
    folder = on_disk(store.base("reviews"))
    return {
        str(p.relative_to(folder)): p.read_text()
        for p in folder.rglob("*")
        if p.is_file() and p.name != CONTENTS
    }


CHANGES = [(renaming, "exchange"), (Path, "rename"), (Path, "rmdir"), (shutil, "rmtree")]


@pytest.fixture(params=["one exchange", "two renames"])
def exchanges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> bool:
    """Exchanges folders in one step, as where that is possible, or by two renames."""
    if request.param == "two renames":
        monkeypatch.setattr(renaming, "exchange", lambda *_: False)
        return False
    one, other = tmp_path / "one", tmp_path / "other"
    for place in (one, other):
        place.mkdir()
    if not exchange(one, other):
        pytest.skip("this system, or file system, cannot exchange")
    return True


@pytest.mark.parametrize("by_month", [False, True])
def test_death_at_any_moment_leaves_what_was_or_what_is_new(
    disk: Store, monkeypatch: pytest.MonkeyPatch, by_month: bool, exchanges: bool
) -> None:
    before, after = ("2023-01", "2023-02"), ("2023-02", "2023-03")
    put_months(disk, by_month, "old", *before)
    old = files(disk)
    outcomes: list[dict[str, str]] = []
    is_dead = True
    while is_dead:
        shutil.rmtree(on_disk(disk.base("reviews")))
        put_months(disk, by_month, "old", *before)
        with monkeypatch.context() as patch:
            die_at(patch, len(outcomes), CHANGES)
            try:
                put_months(disk, by_month, "new", *after)
                is_dead = False
            except Death:
                pass
        if exchanges:  # at no moment a month was away
            assert {"month=2023-02/part", *(() if by_month else old)} & files(disk).keys()
        # The next process puts things right, before it writes.
        monkeypatch.setattr(processes, "_PROCESS", f"{len(outcomes):08x}")
        disk.remove_abandoned()
        assert children(disk.folder / ".staging") == set()
        outcomes.append(files(disk))
    assert len(outcomes) > 3
    assert (outcomes[0], outcomes[-1]["month=2023-03/part"]) == (old, "new")
    if by_month:  # the one, then the other
        between = {**old, "month=2023-02/part": "new"}
        assert between in outcomes
        assert all(outcome in (old, between, outcomes[-1]) for outcome in outcomes)
    else:
        assert all(outcome in (old, outcomes[-1]) for outcome in outcomes)
        assert set(outcomes[-1].values()) == {"new"}


def test_a_reader_finds_files_of_one_version_at_every_moment(
    disk: Store, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    monkeypatch.setattr(renaming, "_A_MOMENT_SECONDS", 0)
    target, seen, is_over = on_disk(disk.path("model")), Counter[int](), threading.Event()

    def read() -> None:
        while not is_over.is_set():
            try:
                versions = {path.name[-4:] for path in target.glob("part*")}
            except FileNotFoundError:
                versions = set("neither")
            seen[len(versions)] += 1

    def write_version(number: int) -> None:
        with disk.replacing("model") as folder:
            for part in ("a", "b"):
                (folder / f"part-{part}-{number:04}").touch()

    write_version(0)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 100):
            write_version(number)
    finally:
        is_over.set()
        reader.join()
    if exchanges:  # else there is a moment with neither
        # None where all are removed just then from the former folder, which was opened before.
        assert {*seen} <= {0, 1}
    assert seen[1] > 0


@pytest.mark.usefixtures("exchanges")
def test_who_has_opened_a_folder_that_is_replaced_has_a_moment_to_list_it(
    disk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = []

    def list_it(_: float) -> None:
        listed.append(sorted(entry.name for entry in os.scandir(opened)))

    put(disk, "model", None, "old")
    opened = os.open(on_disk(disk.path("model")), os.O_RDONLY)
    monkeypatch.setattr(time, "sleep", list_it)
    put(disk, "model", None, "new")
    assert listed == [[CONTENTS, "part"]]
    assert list(os.scandir(opened)) == []
    os.close(opened)


def test_an_interrupt_between_the_renames_leaves_the_former_data(
    disk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renaming, "exchange", lambda *_: False)
    put(disk, "model", None, "old")
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> None:
        rename(path, target)
        if path == disk.path("model"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            put(disk, "model", None, "new")
    assert (disk.path("model") / "part").read_text() == "old"
    assert children(disk.folder / ".staging") == set()


def test_what_another_layout_of_staging_moved_aside_is_kept(disk: Store) -> None:
    former = disk.folder / ".staging" / f"model-{processes._machine()}-{os.getpid()}-0b-0a"
    (former / "old" / "model").mkdir(parents=True)
    (former / "old" / "model" / "part").write_text("the only copy")
    put(disk, "reviews", "2023-01", "one")
    put(disk, "reviews", "2023-02", "two")
    assert [path.read_text() for path in former.parent.glob("*/old/model/part")] == [
        "the only copy"
    ]


# Other processes


def test_the_staging_of_a_living_process_stays(store: Store) -> None:
    with store.replacing("reviews", None) as folder:
        store.remove_abandoned()
        assert folder.is_dir()
        (folder / "part").write_text("one")
    assert (store.path("reviews") / "part").exists()


def write(folder: Location, name: str) -> None:
    """As Parquet writers do, in folders that are made where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(name)


@pytest.mark.parametrize(
    ("place", "name", "answer"),
    [
        pytest.param(
            Path,
            "readlink",
            Path("pid:[1]"),
            id="another container of the same name",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's"),
        ),
        pytest.param(
            socket, "gethostname", socket.gethostname()[1:], id="a host whose name ends alike"
        ),
    ],
)
def test_the_staging_of_a_process_elsewhere_with_the_same_number_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch, place: object, name: str, answer: object
) -> None:
    with store.replacing_in_place("reviews", None) as folder:
        write(folder, "a")
        with monkeypatch.context() as patch:
            patch.setattr(processes, "_PROCESS", "0b")
            patch.setattr(place, name, lambda *_: answer)
            store.remove_abandoned()
        write(folder, "b")
    assert children(store.path("reviews")) == {"a", "b", CONTENTS}


def test_a_write_that_was_removed_meanwhile_is_not_published(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, "reviews", None, "old")
    message = r"write of reviews to .*Toys was taken for abandoned .*: run it again"
    with (
        pytest.raises(InputError, match=message),
        store.replacing_in_place("reviews", None) as folder,
    ):
        write(folder, "a")
        with monkeypatch.context() as patch:
            patch.setattr(processes, "_PROCESS", "0b")
            store.remove_abandoned()
        write(folder, "b")
    assert children(store.path("reviews")) == {"part", CONTENTS}
    assert children(store.folder / ".staging") == set()


@pytest.mark.parametrize("is_seen", [False, True])
def test_another_process_that_removes_it_first_does_not_disturb(
    disk: Store, monkeypatch: pytest.MonkeyPatch, is_seen: bool
) -> None:
    dead = disk.folder / ".staging" / f"reviews-{processes._machine()}-{os.getpid()}-0b-0a"
    dead.mkdir(parents=True)

    def is_abandoned(_: str, started: Callable[[], float]) -> bool:
        dead.rmdir()
        return is_seen or bool(started())

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "is_abandoned", is_abandoned)
        disk.remove_abandoned()
    assert not dead.exists()


@pytest.mark.parametrize("name", [".DS_Store", "notes", "a-b-c-d-e"])
def test_files_in_staging_that_are_no_writes_stay(store: Store, name: str) -> None:
    staging = store.folder / ".staging"
    write(staging, name)
    put(store, "reviews", None, "one")
    assert (store.path("reviews") / "part").read_text() == "one"
    assert children(staging) == {name}


@pytest.mark.usefixtures("exchanges")
@pytest.mark.parametrize("former", [[], ["old"]], ids=["first", "replaced"])
def test_of_two_writers_of_a_month_the_later_to_end_wins(disk: Store, former: list[str]) -> None:
    for content in former:
        put(disk, "reviews", "2023-01", content)
    with disk.replacing("reviews", ["2023-01"]) as folder:
        (folder / "month=2023-01").mkdir()
        (folder / "month=2023-01" / "part").write_text("slow")
        put(disk, "reviews", "2023-01", "quick")
    assert (disk.path("reviews", "2023-01") / "part").read_text() == "slow"
    assert children(disk.folder / ".staging") == set()


def test_a_writer_that_is_first_just_then_is_replaced(
    disk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both see that there is no such month yet."""
    exists = Path.exists

    def then_another(path: Path) -> bool:
        found = exists(path)
        if path == disk.path("reviews", "2023-01") and not found:
            monkeypatch.undo()
            put(disk, "reviews", "2023-01", "quick")
        return found

    monkeypatch.setattr(Path, "exists", then_another)
    put(disk, "reviews", "2023-01", "slow")
    assert (disk.path("reviews", "2023-01") / "part").read_text() == "slow"


# Errors


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second disk")
@pytest.mark.parametrize("former", [False, True])
def test_a_link_to_another_disk_is_told(disk: Store, former: bool) -> None:
    with TemporaryDirectory(dir="/dev/shm") as elsewhere:
        if Path(elsewhere).stat().st_dev == on_disk(disk.root).parent.stat().st_dev:
            pytest.skip("it is the same disk")
        on_disk(disk.folder).mkdir(parents=True)
        on_disk(disk.base("reviews")).symlink_to(elsewhere)
        if former:
            (Path(elsewhere) / "month=2023-01").mkdir()
        with pytest.raises(
            InputError, match=r"reviews leads to another disk, .*AMAZON_SEG_STORAGE"
        ):
            put(disk, "reviews", "2023-01", "one")
        assert children(disk.folder / ".staging") == set()


def test_what_is_missing_is_named(store: Store) -> None:
    with pytest.raises(InputError, match="reviews of Toys is not in"):
        store.require("reviews")
    put(store, "reviews", "2023-01", "one")
    store.require("reviews", ["2023-01"])
    with pytest.raises(InputError, match=r"no 2023-02 … 2023-03 .*2 missing"):
        store.require("reviews", ["2023-01", "2023-03", "2023-02"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_storage_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(InputError, match="cannot be written"):
        put(Store(locked, "Toys"), "reviews", None, "one")


def test_a_storage_below_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        put(Store(tmp_path / "file", "Toys"), "reviews", None, "one")
