"""Publishing where nothing can be renamed: what readers see, whenever the writer dies."""

from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from amazon_seg_assets import processes
from amazon_seg_assets.storage.contents import CONTENTS
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.locations import parse_location
from amazon_seg_assets_tests.death import Death, die_at

JANUARY, FEBRUARY = "2023-01", "2023-02"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(parse_location(f"memory:/{tmp_path}"), "Toys")


def put(store: Store, content: str, *months: str) -> None:
    """Writes two files a month, or two in all; those of every version have the same names."""
    with store.replacing("reviews", months or None) as folder:
        for target in [folder / month_folder(month) for month in months] or [folder]:
            target.mkdir(exist_ok=True)
            for name in ("a", "b"):
                (target / name).write_text(content)


def get(store: Store, month: str | None = None) -> set[str]:
    return {path.read_text() for path in store.path("reviews", month).glob("[!_]*")}


def stored(store: Store) -> list[str]:
    """The content of all files of the category, but for what is kept about them."""
    folder = store.folder
    assert isinstance(folder, UPath)
    about = ("/_current/", CONTENTS)
    files = [
        name for name in folder.fs.find(folder.path) if not any(each in name for each in about)
    ]
    return sorted(folder.fs.cat(name).decode() for name in files)


def commits(store: Store) -> int:
    return len(list((store.base("reviews") / "_current").iterdir()))


CHANGES = [(MemoryFileSystem, name) for name in ("pipe_file", "put_file", "rm")]


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        ([], {("old",), ("new",)}),
        ([JANUARY, FEBRUARY], {("old", "old"), ("new", "old"), ("new", "new")}),
    ],
)
def test_death_at_any_moment_leaves_what_was_or_what_is_new(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    months: list[str],
    expected: set[tuple[str, ...]],
) -> None:
    def seen() -> tuple[str, ...]:
        found = [get(store, month) for month in months] or [get(store)]
        assert {len(each) for each in found} == {1}  # never two versions, never none
        return tuple(each.pop() for each in found)

    outcomes: list[tuple[str, ...]] = []
    is_dead = True
    while is_dead:
        put(store, "old", *months)
        with monkeypatch.context() as patch:
            die_at(patch, len(outcomes), CHANGES)
            try:
                put(store, "new", *months)
                is_dead = False
            except Death:
                pass
        outcomes.append(seen())
        # The next process removes all that does not count and was not published.
        monkeypatch.setattr(processes, "_PROCESS", f"{len(outcomes):08x}")
        store.remove_abandoned()
        assert seen() == outcomes[-1]
        assert not list((store.folder / ".staging").glob("*"))
        # And the next write removes what has been superseded.
        put(store, "last", *months)
        assert stored(store) == ["last", "last"] * len(seen())
        assert commits(store) == len(seen())
    assert len(outcomes) > 6
    assert (outcomes[0], outcomes[-1]) == (min(expected, key=rank), max(expected, key=rank))
    assert set(outcomes) == expected


def rank(outcome: tuple[str, ...]) -> int:
    return outcome.count("new")


def test_a_reader_sees_the_former_version_until_the_end(store: Store) -> None:
    put(store, "old", JANUARY)
    with store.replacing_in_place("reviews", [JANUARY]) as folder:
        (folder / month_folder(JANUARY) / "a").write_text("new")
        assert get(store, JANUARY) == {"old"}
        reading = store.path("reviews", JANUARY)
    assert get(store, JANUARY) == {"new"}
    with pytest.raises(FileNotFoundError):  # not the rows of another version
        (reading / "a").read_text()


def test_writers_of_different_months_do_not_disturb_each_other(store: Store) -> None:
    with store.replacing_in_place("reviews", [JANUARY]) as folder:
        (folder / month_folder(JANUARY) / "a").write_text("one")
        put(store, "two", FEBRUARY)
    assert (get(store, JANUARY), get(store, FEBRUARY)) == ({"one"}, {"two"})


def test_of_two_writers_of_a_month_the_later_to_end_wins(store: Store) -> None:
    with store.replacing_in_place("reviews", [JANUARY]) as folder:
        (folder / month_folder(JANUARY) / "a").write_text("slow")
        put(store, "quick", JANUARY)
    assert get(store, JANUARY) == {"slow"}
    assert stored(store) == ["slow"]


def test_months_of_one_write_are_replaced_one_by_one(store: Store) -> None:
    put(store, "both", JANUARY, FEBRUARY)
    for number in range(11):  # 10 comes after 9
        put(store, f"number {number}", FEBRUARY)
    assert get(store, JANUARY) == {"both"}
    assert get(store, FEBRUARY) == {"number 10"}
    assert stored(store) == ["both", "both", "number 10", "number 10"]
    assert [path.name for path in store.paths("reviews")] == ["month=2023-01", "month=2023-02"]


def test_months_inside_a_whole_artifact_are_found(store: Store) -> None:
    with store.replacing("reviews") as folder:
        (folder / month_folder(JANUARY)).mkdir()
        (folder / month_folder(JANUARY) / "a").write_text("one")
        (folder / "_manifest.json").write_text("{}")
    assert store.months("reviews") == [JANUARY]
    assert get(store, JANUARY) == {"one"}


@pytest.mark.parametrize(("limit", "is_removed"), [(3600, False), (-1, True)])
def test_a_write_of_another_machine_is_given_time(
    store: Store, monkeypatch: pytest.MonkeyPatch, limit: int, is_removed: bool
) -> None:
    monkeypatch.setattr(processes, "_ABANDONED_AFTER_SECONDS", limit)
    (store.base("reviews") / "version=0a" / "a").write_text("half")
    (store.folder / ".staging" / "reviews-other-machine-1-0b-0a").write_text("")
    store.remove_abandoned()
    assert stored(store) == ([] if is_removed else ["", "half"])
