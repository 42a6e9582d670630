"""The command line, as a user types it."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pandas as pd
import pyarrow.parquet as pq
import pytest
from dagster._core.test_utils import create_run_for_test
from pyspark.sql import SparkSession
from rich.console import Console

from amazon_seg_assets.cli import main, parser
from amazon_seg_assets.commands.outcome import Done, summarize
from amazon_seg_assets.commands.run import PARTS as RUN_PARTS
from amazon_seg_assets.commands.run import _configuration
from amazon_seg_assets.dag.declaration import AssetDeclaration
from amazon_seg_assets.dag.resources import SourceResource, SparkResource, resources_for
from amazon_seg_assets.definitions import DECLARATIONS
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import month_range
from amazon_seg_assets.planning.jobs import EXPLORE, HISTORY, INGEST, PREPARE, SEGMENT, job_of
from amazon_seg_assets.planning.planner import A_YEAR_BEFORE, PARTS, assets_of, of_snapshot
from amazon_seg_assets.planning.staleness import Look
from amazon_seg_assets.run.console import segment_table
from amazon_seg_assets.run.headless import HeadlessRun, RunError
from amazon_seg_assets.settings import PREFIX, load_settings, parse_spark_conf
from amazon_seg_assets.spark import machine
from amazon_seg_assets.stages.overview.summary import by_cell
from amazon_seg_assets.stages.overview.tables import SEGMENT_SUMMARY
from amazon_seg_assets.stages.raw.manifest import FileRecord, Manifest, MonthCounts
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import read_small, write_small
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.ended_run import CATEGORY, MISSING, SNAPSHOT, EndedRun
from amazon_seg_assets_tests.raw_files import product, review, write_raw


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # A run starts Spark early, with settings that are not those of tests.
    assert spark is not None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    purchases = [review("somebody", "thing", "2023-03-01T12:00:00")]
    return write_raw(tmp_path / "source", "Toys", purchases, [product("thing", 10.0)])


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error.strip().splitlines()[-1]


def test_a_run_ends_with_segments_and_paths(ended_run: EndedRun) -> None:
    assert f"{CATEGORY}, snapshot {SNAPSHOT}: 12 customers" in ended_run.output
    assert re.search(r"^Done in \d+ s\.$", ended_run.output, re.M)
    stored = ended_run.storage / CATEGORY
    assert str(stored) in ended_run.output.replace("\n", "")
    report = stored / "executive_report/month=2023-03/executive_report.html"
    assert f"Report                {report}" in ended_run.output
    assert report.is_file()
    export = stored / "segment_export/month=2023-03"
    assert f"Customers by segment  {export}\n" in ended_run.output
    assert list(export.glob("*.csv"))
    assert "rfm_segments" in ended_run.log
    assert (stored / "rfm_segments/month=2023-03").is_dir()
    clusters = pq.read_table(stored / "customer_clusters/month=2023-03", partitioning=None)
    assert set(clusters["cluster"].to_pylist()) == {0, 1}  # --k 2
    assert (ended_run.home / "dagster.yaml").is_file()
    assert not (stored / "reviews_over_time_plot").exists()


def test_a_category_that_fails_stops_no_other_and_is_named_in_the_end(ended_run: EndedRun) -> None:
    """The one that fails comes first."""
    assert ended_run.status == 1
    assert (
        ended_run.log.strip()
        .splitlines()[-1]
        .startswith(f"Error: {MISSING}: There are no reviews of {MISSING} in {ended_run.source}")
    )
    assert re.findall(rf"^({CATEGORY}|{MISSING})$", ended_run.log, re.M) == [MISSING, CATEGORY]
    assert MISSING not in ended_run.output
    assert (ended_run.storage / CATEGORY / "executive_report").is_dir()
    assert not (ended_run.storage / MISSING).exists()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of runs of which nothing is executed."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def told(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Lets a run only plan: no Spark, no definitions; here stands what would have been done."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setattr(SparkResource, "start_in_background", lambda _: None)
    monkeypatch.setattr("amazon_seg_assets.definitions.build_definitions", Mock())
    monkeypatch.setattr(HeadlessRun, "_expect", lambda *_: None)
    summarized: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "amazon_seg_assets.commands.run.summarize",
        lambda done, _: summarized.extend((done.store.category, each) for each in done.snapshots),
    )
    return summarized


def failing(**errors: Exception) -> Callable[..., list[str]]:
    """A main job that fails for these categories."""

    def main_job(run: HeadlessRun, _: object) -> list[str]:
        if run.family.category in errors:
            raise errors[run.family.category]
        return ["2023-03"]

    return main_job


BROKEN = RunError("k_sweep", "ValueError: no", "the stack")


@pytest.mark.parametrize(
    ("options", "errors", "done", "message"),
    [
        ("--category A", {}, ["A"], None),
        ("--category A,B", {}, ["A", "B"], None),
        ("--category A,A", {}, ["A"], None),
        ("--category A", {"A": InputError("No files.")}, [], "Error: No files."),
        ("--category A,B", {"B": InputError("No files.")}, ["A"], "Error: B: No files."),
        (
            "--category A,B,C",
            {"A": BROKEN, "C": InputError("No files.")},
            ["B"],
            "Error: A: k_sweep failed: ValueError: no. Run again with --verbose for the stack "
            "trace.\n       C: No files.",
        ),
        (
            "--category A --verbose",
            {"A": BROKEN},
            [],
            "the stack\n\nError: k_sweep failed: ValueError: no.",
        ),
    ],
)
def test_the_exit_status_and_the_message_are_of_all_categories(
    told: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: str,
    errors: dict[str, Exception],
    done: list[str],
    message: str | None,
) -> None:
    monkeypatch.setattr(HeadlessRun, "main_job", failing(**errors))
    command = ["run", "--source", "sample", *options.split()]
    if message is None:
        main(command)
    else:
        with pytest.raises(SystemExit) as stopped:
            main(command)
        assert stopped.value.code == 1
    printed = capsys.readouterr()
    assert printed.err.rstrip().endswith(message or "")
    assert told == [(category, "2023-03") for category in done]
    assert bool(done) == ("Done in " in printed.out)


@pytest.mark.usefixtures("env_file")
def test_settings_come_from_the_environment_and_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / ".env").write_text(f"AMAZON_SEG_SOURCE={folder}\nAMAZON_SEG_CATEGORY=Games\n")
    assert "the categories there are: Toys" in fails(capsys, "run")
    monkeypatch.setenv("AMAZON_SEG_CATEGORY", "Puzzles")
    assert "of Puzzles in" in fails(capsys, "run")
    assert "of Cards in" in fails(capsys, "run", "--category", "Cards")


@pytest.mark.usefixtures("env_file")
@pytest.mark.parametrize("command", ["run", "ui"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_a_file_of_settings_that_is_not_utf_8_is_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    encoding: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("AMAZON_SEG_SOURCE=größe\n", encoding=encoding)
    assert fails(capsys, command) == (
        f"Error: {tmp_path}/.env is not text in UTF-8, but perhaps in UTF-16, as some editors and "
        "shells of Windows write it: save it in UTF-8."
    )


@pytest.mark.usefixtures("env_file")
def test_a_file_of_settings_may_begin_with_the_mark_of_its_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("AMAZON_SEG_CATEGORY=Books\n", encoding="utf-8-sig")
    assert load_settings().category == "Books"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "nowhere"], "nowhere does not exist"),
        (["--snapshot", "2999-01"], "outside the span 1996-05 … "),
        (["--snapshot", "march"], "'march' is not a month: write YYYY-MM"),
        (["--snapshot", "2023-05.."], "'2023-05..' is not a month: write YYYY-MM"),
        (["--snapshot", "2023-05..2031-01"], "2031-01 is outside the span 1996-05 … "),
        (["--snapshot", "2023-05..2023-04"], "2023-05..2023-04 ends before it begins"),
        (["--category", "../etc"], "AMAZON_SEG_CATEGORY ('../etc') is not valid"),
        (["--scheme", "modern"], "no RFM scheme modern"),
        (["--source", "hub", "--category", "Electroncs"], "did you mean Electronics"),
        (["--source", "sample", "--reviews", "5"], "too small"),
        (
            ["--source", "hub", "--reviews", "5"],
            "--reviews 5 is the size of the built-in sample, but the source is hub: leave it out, "
            "or give --source sample.",
        ),
        (
            ["--category", "Books,Electronic"],
            "The data set has no category Electronic: did you mean Electronics? To have customers "
            "of Electronic invented, give the source with it: --source sample or "
            "AMAZON_SEG_SOURCE=sample.",
        ),
        (["--k", "1"], "--k is 1: choose 2 to 50 clusters"),
        (["--k", "0"], "--k is 0: choose 2 to 50 clusters"),
        (["--k", "51"], "--k is 51: choose 2 to 50 clusters"),
        (["--algorithm", "hdbscan"], "give kmeans, kmeans_one_start, bisecting_kmeans or gauss"),
        (
            ["--skip", "history,report"],
            "--skip report: there is no such part, give exploration, history, value, "
            "churn, sentiment or comparison.",
        ),
        (["--master", "nonsense"], "AMAZON_SEG_SPARK_MASTER ('nonsense') is not valid"),
        (["--master", "local[many]"], "a Spark master is wanted, such as local[*]"),
    ],
)
def test_wrong_input_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert folder.is_dir()
    error = fails(capsys, "run", *arguments)
    assert error.startswith("Error: ")
    assert message in error


@pytest.mark.usefixtures("env_file")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("AMAZON_SEG_CATEGORY=Electronic", "Electronic: did you mean Electronics? To have"),
        ("AMAZON_SEG_CATEGORY=qqq", "has no category qqq: it has All_Beauty, Amazon_Fashion, "),
        (
            "AMAZON_SEG_SOURCEE=hub",
            "There is no setting AMAZON_SEG_SOURCEE: did you mean AMAZON_SEG_SOURCE?",
        ),
        (
            "amazon_seg_sourcee=hub",
            "There is no setting AMAZON_SEG_SOURCEE: did you mean AMAZON_SEG_SOURCE?",
        ),
        (
            "AMAZON_SEG_XYZZY=1",
            "There is no setting AMAZON_SEG_XYZZY: see docs/settings.md, or remove it.",
        ),
        ("AMAZON_SEG_SOURCEE=", None),
        ("AMAZON_SEG_PSEUDONYM_KEY=of-sixteen-and-more", None),
        ("AMAZON_SEG_CATEGORY=Electronic AMAZON_SEG_SOURCE=sample", None),
        ("AMAZON_SEG_CATEGORY=Electronic AMAZON_SEG_SOURCE=hub", None),
        ("HF_TOKEN=none", None),
        ("AMAZON_SEG_SPARK_CONF=a.secret=env:AMAZON_SEG_ABC AMAZON_SEG_ABC=x", None),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_a_setting_with_a_typo_is_told_with_the_near_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
    expected: str | None,
    in_file: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    if in_file:
        (tmp_path / ".env").write_text(given.replace(" ", "\n"))
    else:
        for name, _, value in (each.partition("=") for each in given.split()):
            monkeypatch.setenv(name, value)
    if expected is None:
        load_settings()
    else:
        with pytest.raises(InputError) as error:
            load_settings()
        assert expected in str(error.value)


def test_a_category_that_is_typed_may_be_a_typo_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AMAZON_SEG_SOURCE", "sample")
    assert "did you mean Electronics?" in fails(capsys, "run", "--category", "Electronic")
    assert load_settings(category="Electronic", source="sample").categories == ("Electronic",)


def test_options_of_a_run_reach_the_assets() -> None:
    options = parser().parse_args(["run", "--scheme", "notebook", "--k", "3", "--force"])
    assert _configuration(options) == {
        "raw_reviews": {"force": True},
        "raw_metadata": {"force": True},
        "review_profile": {"afresh": True},
        "rfm_segments": {"scheme": "notebook"},
        "k_sweep": {"k": 3},
    }
    assert _configuration(parser().parse_args(["run"])) == {}
    own = parser().parse_args(["run", "--scheme", "mine.yaml"])
    assert _configuration(own) == {"rfm_segments": {"scheme_file": "mine.yaml"}}


RAW_MONTHS = {
    "2020-05": MonthCounts(rows=1, verified=1),
    "2022-03": MonthCounts(rows=1, verified=1),
    "2023-03": MonthCounts(rows=2, verified=1),
    "2023-05": MonthCounts(rows=1, verified=0),
    "2023-10": MonthCounts(rows=1, verified=1),  # after the span
}


@dataclass
class Stored:
    """A state that a run finds, and the runs that follow, with their months and assets."""

    is_clean: bool = True
    is_explored: bool = True
    stale_months: set[str] = field(default_factory=set)
    stale_days: set[str] = field(default_factory=set)
    stale_snapshots: set[str] = field(default_factory=lambda: {"2022-02", "2022-03", "2023-03"})
    executed: list[str] = field(default_factory=list)
    failing: dict[str, Exception] = field(default_factory=dict)

    def reason(self, look: Any, declared: AssetDeclaration, month: str = "") -> str:
        stale = {
            INGEST: not self.is_clean,
            EXPLORE: not self.is_explored,
            HISTORY: month in self.stale_days,
            PREPARE: month in self.stale_months,
            SEGMENT: month in self.stale_snapshots,
        }
        return "It is." if look._is_forced or stale[job_of(declared)] else ""

    def execute(self, _: HeadlessRun, name: str, tags: Any = None, assets: Any = None) -> None:
        names = {each.name for each in assets}
        parts = {
            "a year before": A_YEAR_BEFORE,
            "without history": of_snapshot({"history"}),
            "": assets_of(name),
        }
        told = [of for of, part in parts.items() if names == {each.name for each in part}]
        run = " ".join(filter(None, [name, *(tags or {}).values(), *(told or sorted(names))]))
        self.executed.append(run)
        if run in self.failing:
            raise self.failing[run]


@pytest.fixture
def stored(told: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """A category whose raw tables are ingested, and all but snapshots up to date."""
    assert told == []
    note_reviews(tmp_path)
    found = Stored()
    monkeypatch.setattr(Look, "raw", lambda look, _: "forced" if look._is_forced else "")
    monkeypatch.setattr(Look, "reason", lambda *given: found.reason(*given))
    monkeypatch.setattr(HeadlessRun, "execute", lambda *of, **more: found.execute(*of, **more))
    return found


def note_reviews(folder: Path) -> None:
    files = {"file": FileRecord("print", 6, malformed=0, malformed_examples=[], months=RAW_MONTHS)}
    with Store(folder, "Toys").replacing("raw_reviews") as raw:
        Manifest("1-version", "a folder", files).write(raw)


def run_toys(folder: Path, options: str = "") -> None:
    what = ["--source", "sample", "--category", "Toys", "--storage", str(folder)]
    main(["run", *what, *options.split()])


@pytest.mark.parametrize("is_explored", [False, True])
@pytest.mark.parametrize(
    ("options", "done"),
    [
        (
            "--skip history",
            ["explore", "prepare_months 2022-12 2023-01", "segment_snapshot 2023-03"],
        ),
        (
            "--skip history --snapshot 2022-03",
            ["explore", "prepare_months 2021-12", "segment_snapshot 2022-03"],
        ),
        (
            "--skip history --snapshot 2022-03 --force --skip-exploration",
            [
                "ingest raw_metadata raw_reviews",
                "ingest clean_metadata sentiment_evaluation sentiment_model",
                "prepare_months 2021-03 2022-03",
                "segment_snapshot 2022-03",
            ],
        ),
        (
            "--skip exploration,history --all-months",
            [
                "prepare_months 2020-05",
                "prepare_months 2021-12",
                "prepare_months 2022-12 2023-01",
                "prepare_months 2023-05",
                "segment_snapshot 2023-03",
            ],
        ),
        (
            "--skip history, --all-months --force",
            [
                "ingest raw_metadata raw_reviews",
                "ingest clean_metadata sentiment_evaluation sentiment_model",
                "explore",
                "prepare_months 2020-05 2023-05",
                "segment_snapshot 2023-03",
            ],
        ),
    ],
)
def test_a_run_does_what_its_options_say(
    stored: Stored,
    told: list[tuple[str, str]],
    tmp_path: Path,
    options: str,
    done: list[str],
    is_explored: bool,
) -> None:
    """Nothing of history, although all of it would be made."""
    stored.is_explored = is_explored
    stored.stale_months = {"2020-05", "2021-12", "2022-12", "2023-01", "2023-05"}
    stored.stale_days = {*RAW_MONTHS}
    if is_explored and "--force" not in options:
        done = [each for each in done if each != "explore"]
    run_toys(tmp_path, options)
    assert told == [("Toys", done[-1].removeprefix("segment_snapshot "))]
    *before, last = done
    assert stored.executed == [*before, f"{last} without history"]


ALL_DAYS = {*month_range("2020-05", "2023-05")}
BEFORE, NOW = "segment_snapshot 2022-03 a year before", "segment_snapshot 2023-03"


@pytest.mark.parametrize(
    ("options", "found", "done"),
    [
        ("", Stored(stale_snapshots=set()), []),
        ("--snapshot 2022-03", Stored(stale_snapshots={"2023-03"}), []),
        ("", Stored(stale_snapshots={"2023-03"}), [NOW]),
        (
            "",
            Stored(is_clean=False),
            ["ingest clean_metadata sentiment_evaluation sentiment_model", BEFORE, NOW],
        ),
        ("", Stored(is_explored=False, stale_snapshots={"2023-03"}), ["explore", NOW]),
        ("", Stored(stale_days={"2023-05"}), ["history 2023-05", BEFORE, NOW]),
        ("", Stored(stale_months={"2021-04"}), ["prepare_months 2021-04", BEFORE, NOW]),
        (
            "",
            Stored(
                is_explored=False,
                stale_months={*month_range("2021-03", "2023-03")},
                stale_days=ALL_DAYS,
            ),
            [
                "explore",
                "history 2020-05 2023-05",
                "prepare_months 2021-03 2023-03",
                BEFORE,
                NOW,
            ],
        ),
        (
            "--force --skip-exploration",
            Stored(),
            [
                "ingest raw_metadata raw_reviews",
                "ingest clean_metadata sentiment_evaluation sentiment_model",
                "history 2020-05 2023-05",
                "prepare_months 2021-03 2023-03",
                BEFORE,
                NOW,
            ],
        ),
        # There is no snapshot of 2021-03.
        (
            "--snapshot 2022-03",
            Stored(stale_months={"2021-02", "2021-03"}, stale_days=ALL_DAYS),
            ["history 2020-05 2023-05", "prepare_months 2021-03", "segment_snapshot 2022-03"],
        ),
    ],
)
def test_a_run_makes_the_history_and_the_snapshot_of_a_year_before(
    stored: Stored, tmp_path: Path, options: str, found: Stored, done: list[str]
) -> None:
    vars(stored).update(vars(found) | {"executed": []})
    run_toys(tmp_path, options)
    assert stored.executed == done


def test_a_range_of_snapshots_is_made_in_order_with_what_each_needs(
    stored: Stored, told: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month in ("2023-02", "2023-04"):
        monkeypatch.setitem(RAW_MONTHS, month, MonthCounts(rows=1, verified=1))
    note_reviews(tmp_path)
    stored.stale_snapshots = {"2022-03", "2023-02", "2023-04"}
    stored.stale_months = {"2022-02", "2022-01", "2023-04"}
    run_toys(tmp_path, "--snapshot 2023-02..2023-04 --skip exploration")
    assert stored.executed == [
        "prepare_months 2022-01 2022-02",
        "prepare_months 2023-04",
        BEFORE,
        "segment_snapshot 2023-02",
        "segment_snapshot 2023-04",
    ]
    assert told == [("Toys", month) for month in ("2023-02", "2023-03", "2023-04")]


def test_a_run_with_nothing_to_do_starts_nothing_and_says_so(
    stored: Stored,
    told: list[tuple[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored.stale_snapshots = set()
    unwanted = Mock(side_effect=AssertionError)
    monkeypatch.setattr(SparkResource, "start_in_background", unwanted)
    monkeypatch.setattr("amazon_seg_assets.run.instance.open_instance", unwanted)
    monkeypatch.setattr("amazon_seg_assets.definitions.build_definitions", unwanted)
    run_toys(tmp_path)
    assert told == [("Toys", "2023-03")]
    assert "All is up to date: nothing was to be done" in capsys.readouterr().out


@pytest.mark.usefixtures("stored")
def test_a_snapshot_that_there_cannot_be_is_told_before_spark_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SparkResource, "start_in_background", Mock(side_effect=AssertionError))
    with pytest.raises(SystemExit):
        run_toys(tmp_path, "--snapshot 2023-05")
    assert capsys.readouterr().err.strip() == (
        "Error: There is no snapshot 2023-05 of Toys: the month has no reviews of verified "
        "purchases; choose one that has, such as 2023-03."
    )


def test_a_year_before_that_cannot_be_made_is_left_out_with_a_warning(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summarize = Mock()
    monkeypatch.setattr("amazon_seg_assets.commands.run.summarize", summarize)
    stored.failing = {BEFORE: InputError("Too few customers.")}
    run_toys(tmp_path)
    assert stored.executed[-2:] == [BEFORE, NOW]
    [(done, _)] = [call.args for call in summarize.call_args_list]
    assert done.cautions == ["The snapshot 2022-03 was left out. Too few customers."]


def test_a_year_before_for_which_the_data_did_not_suffice_is_not_tried_again(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Look, "worth_trying", lambda *_: [])
    run_toys(tmp_path)
    assert BEFORE not in stored.executed
    assert stored.executed[-1] == NOW


@pytest.mark.parametrize(
    ("run", "error"), [(BEFORE, BROKEN), ("history 2023-05", InputError("No days."))]
)
def test_what_else_fails_of_history_stops_the_run(
    stored: Stored, tmp_path: Path, run: str, error: Exception
) -> None:
    stored.stale_days, stored.failing = {"2023-05"}, {run: error}
    with pytest.raises(SystemExit):
        run_toys(tmp_path)
    assert stored.executed[-1] == run


def test_parts_of_a_snapshot_have_what_they_read() -> None:
    """But for the export, and what the report tells only where it is stored."""
    of_snapshots = {
        output.name: declared
        for declared in DECLARATIONS
        if job_of(declared) == SEGMENT
        for output in declared.stores
    }
    told_if_stored = {"segment_export", "sentiment_sums", "executive_report"}
    for part, optional in (
        (A_YEAR_BEFORE, set()),
        *((of_snapshot({skipped}), told_if_stored) for skipped in PARTS),
    ):
        for declared in part:
            read = {of_snapshots[name].name for name in declared.inputs if name in of_snapshots}
            if declared.name not in optional:
                assert read <= {each.name for each in part}, declared.name
    assert list(PARTS) == list(RUN_PARTS)
    every = {each.name: each.stage for each in of_snapshots.values()}
    for skipped, stages in PARTS.items():
        made = {each.name for each in of_snapshot({skipped})}
        left_out = {name for name, stage in every.items() if stage in stages}
        assert every.keys() - made == left_out - {"segment_export"}


@pytest.fixture
def summarized(tmp_path: Path) -> Store:
    """Eight customers: four Lost, in two clusters, and four Champions."""
    rows = [
        (0, "Churned", "Lost", 1, 1, 1, 3, 600, 3, 30.0),
        (1, "Loyal", "Lost", 1, 2, 1, 1, 100, 5, 50.0),
        (1, "Loyal", "Champions", 5, 5, 4, 4, 40, 12, 4000.0),
    ]
    store = Store(tmp_path / "[old]" / "out", "Toys")
    frame = pd.DataFrame(rows, columns=SEGMENT_SUMMARY.column_names)
    write_small(frame, store, SEGMENT_SUMMARY, "2023-03")
    with store.replacing("raw_reviews") as folder:
        Manifest("1-version", "a folder", files={}).write(folder)
    return store


def test_figures_of_segments_are_under_their_headings(summarized: Store) -> None:
    table = segment_table(summarized, "2023-03")
    assert table.title == "Toys, snapshot 2023-03: 8 customers"
    assert {column.header: [*column.cells] for column in table.columns} == {
        "Segment": ["Champions", "Lost"],
        "Customers": ["4", "4"],
        "Share": ["50.0%", "50.0%"],
        "Recency (days)": ["10", "175"],
        "Reviews": ["3.00", "2.00"],
        "Spend (USD)": ["1,000.00", "20.00"],
    }


@pytest.mark.parametrize("is_sample", [False, True])
def test_names_are_shown_as_they_are_and_invented_customers_are_told(
    tmp_path: Path, is_sample: bool
) -> None:
    store, segment = Store(tmp_path, "Toys"), "VIP [/gold] [x]"
    rows = [(0, "Loyal", segment, 5, 5, 5, 1_200, 3_840, 1_800, 1_481_400.0)]
    write_small(
        pd.DataFrame(rows, columns=SEGMENT_SUMMARY.column_names), store, SEGMENT_SUMMARY, "2023-03"
    )
    with store.replacing("raw_reviews") as folder:
        Manifest("1-version", "a source", files={}, is_sample=is_sample).write(folder)
    console = Console(width=120, file=StringIO(), record=True)
    console.print(segment_table(store, "2023-03"))
    title, *lines = [line.strip() for line in console.export_text().splitlines()]
    invented = ", invented (built-in sample)" if is_sample else ""
    assert title == f"Toys, snapshot 2023-03: 1,200 customers{invented}"
    assert any(line.startswith(f"│ {segment} │     1,200 │ 100.0% │") for line in lines)


def test_figures_of_cells_are_means_of_their_customers(summarized: Store) -> None:
    found = by_cell(read_small(summarized, SEGMENT_SUMMARY, "2023-03"))
    assert found.to_dict("list") == {
        "r_score": [1, 1, 5],
        "fm_score": [1, 2, 5],
        "customers": [3, 1, 4],
        "share": [0.375, 0.125, 0.5],
        "recency": [200, 100, 10],
        "frequency": [1, 5, 3],
        "monetary": [10, 50, 1000],
        "total_monetary": [30, 50, 4000],
        "segments": [["Lost"], ["Lost"], ["Champions"]],
    }


def test_warnings_and_paths_are_printed_as_they_are(
    summarized: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "[home]"
    cautions = ["k_sweep, x: y", "rfm_segments, x: [y]"]
    summarize(Done(summarized, ["2023-03"], cautions), home)
    lines = capsys.readouterr().out.splitlines()
    folder = f"{tmp_path}/[old]/out/Toys"
    for line in (
        "Warning: k_sweep, x: y",
        "Warning: rfm_segments, x: [y]",
        f"  Report                {folder}/executive_report/month=2023-03/executive_report.html",
        f"  Customers by segment  {folder}/segment_export/month=2023-03",
        f"  Tables and plots      {folder}",
        f"  Dagster's records     {home}",
        f"  Plots as PNG          {folder}/*_plot/month=2023-03/",
        "  Web UI                `make ui` or `amazon-seg ui`, then http://localhost:3000/asset-groups",
    ):
        assert line in lines


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("options", ["--quiet", "--json"])
def test_a_run_can_be_quiet_or_tell_programs(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    summarized: Store,
    options: str,
) -> None:
    monkeypatch.setattr(HeadlessRun, "main_job", failing(B=InputError("No files.")))
    for category in ("A", "B"):
        shutil.copytree(on_disk(summarized.folder), on_disk(summarized.root) / category)
    what = ["--source", "sample", "--category", "A,B", "--storage", str(summarized.root)]
    with pytest.raises(SystemExit):
        main(["run", *what, *options.split()])
    printed = capsys.readouterr()
    assert printed.err.strip() == "Error: B: No files."
    if options == "--quiet":
        assert printed.out == ""
        return
    told = json.loads(printed.out)
    assert told["failures"] == ["B: No files."]
    [category] = told["categories"]
    [snapshot] = category["snapshots"]
    assert (category["category"], category["is_invented"], category["is_new"]) == ("A", False, True)
    assert (snapshot["snapshot"], snapshot["customers"]) == ("2023-03", 8)
    assert [(each["segment"], each["customers"]) for each in snapshot["segments"]] == [
        ("Champions", 4),
        ("Lost", 4),
    ]
    report = summarized.root / "A/executive_report/month=2023-03/executive_report.html"
    assert snapshot["report"] == str(report)


def test_an_interrupted_command_says_what_is_stored(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amazon_seg_assets.commands.run.run", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(SystemExit) as stopped:
        main(["run"])
    assert stopped.value.code == 130
    assert capsys.readouterr().err.strip() == (
        "Error: Interrupted; the steps that had ended are stored, the rest is as before: run again "
        "to complete it."
    )


@pytest.mark.parametrize(
    "option",
    [
        *("--snapshot=march", "--scheme=modern", "--k=1", "--skip=history,report"),
        *("--source=nowhere", "--category=Electronic", "--source=hub --category=Electroncs"),
        *("--source=hub --reviews=5", "--master=nonsense"),
    ],
)
def test_what_is_wrong_is_told_before_dagster_is_even_imported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """Imports of what takes long, which a test's process has made, would fail."""
    for name in ("dagster", "pyspark", "pandas", "matplotlib", "huggingface_hub", "sklearn"):
        monkeypatch.setitem(sys.modules, name, None)
    assert fails(capsys, "run", *option.split()).startswith("Error: ")


def test_a_wrong_option_is_told_within_two_seconds(tmp_path: Path) -> None:
    """Of a processor, as others may be at work on this machine."""
    command = [str(Path(sys.executable).with_name("amazon-seg")), "run", "--snapshot", "march"]
    before = os.times()
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    after = os.times()
    assert ended.stderr.strip().startswith("Error: 'march' is not a month")
    taken = after.children_user + after.children_system
    assert taken - before.children_user - before.children_system < 2


def test_options_are_not_abbreviated(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--snap", "2023-03"])
    assert "unrecognized arguments: --snap 2023-03" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_can_complete_commands_and_options(
    capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--print-completion", shell])
    assert stopped.value.code == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("status", "report", "--all-months", "--snapshot"))


OTHER_HOME = "make room there, or set DAGSTER_HOME to a folder that can be written to."


@pytest.mark.parametrize("home", ["file", "~nobody-here/home"])
def test_a_home_of_dagster_that_cannot_be_used_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DAGSTER_HOME", home)
    error = fails(capsys, "run")
    assert error.startswith(f"Error: Dagster cannot keep its records in {home} (")
    assert error.endswith(f"): {OTHER_HOME}")


@pytest.mark.parametrize(
    ("record", "reason"),
    [("history", "File exists"), ("history/runs.db/folder", "unable to open database file")],
)
def test_records_of_dagster_that_cannot_be_written_are_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    record: str,
    reason: str,
) -> None:
    """As in a folder that is read-only, which is none for who runs tests as root."""
    (tmp_path / record).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / record).write_text("")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert fails(capsys, "run") == (
        f"Error: Dagster cannot keep its records in {tmp_path} ({reason}): {OTHER_HOME}"
    )


@pytest.mark.usefixtures("told")
def test_a_full_disk_for_dagster_s_records_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's files may grow no more, once they are there."""
    limits, home = resource.getrlimit(resource.RLIMIT_FSIZE), tmp_path / "home"

    def record_a_run(run: HeadlessRun, _: object) -> list[str]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
        try:
            create_run_for_test(run.instance)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        return []

    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setattr(HeadlessRun, "main_job", record_a_run)
    assert fails(capsys, "run", "--source", "sample") == (
        f"Error: Dagster cannot keep its records in {home} (disk I/O error): {OTHER_HOME}"
    )


@pytest.mark.parametrize("command", ["run", "ui --port 0"])
@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("nonsense: 1", 'Received unexpected config entry "nonsense" at the root'),
        ("storage: [", "while parsing a flow node"),
    ],
)
def test_a_configuration_of_dagster_that_is_not_valid_is_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    config: str,
    reason: str,
) -> None:
    (tmp_path / "dagster.yaml").write_text(config)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    error = fails(capsys, *command.split())
    assert error.startswith(f"Error: Dagster cannot use {tmp_path}/dagster.yaml ({reason}")
    assert error.endswith("): correct the file, or remove it to have the default one written.")


def test_too_little_memory_is_told_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(machine, "available_bytes", lambda: 1500 * 1024**2)
    assert fails(capsys, "run") == (
        "Error: Spark with spark.driver.memory=1g and Python beside it need 2,048 MiB of memory on "
        "this machine, where 1,500 MiB are free: end other programs, give it more memory, or set a "
        "lower spark.driver.memory in AMAZON_SEG_SPARK_CONF."
    )
    assert not (tmp_path / "data").exists()


def test_the_sample_s_files_can_be_written_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["sample", str(tmp_path), "--category", "Toys", "--reviews", "1000"])
    assert "1,000 reviews of Toys" in capsys.readouterr().out
    assert (tmp_path / "raw/review_categories/Toys.jsonl").read_text().count("\n") == 1000


def test_spark_settings_are_pairs() -> None:
    assert parse_spark_conf("a.b=1 'c.d=x y'") == {"a.b": "1", "c.d": "x y"}
    message = r"^The setting AMAZON_SEG_SPARK_CONF is not valid: its entry 2 is not of the form "
    with pytest.raises(InputError, match=message):
        load_settings(spark_conf="a=b nonsense")


@pytest.mark.parametrize(
    "master",
    [
        "local",
        "local[*]",
        "local[2, 3]",
        "local-cluster[2,1,1024]",
        "yarn",
        "spark://a:7077,b:7077",
        "k8s://https://host:443",
    ],
)
def test_spark_s_own_forms_of_masters_are_taken(master: str) -> None:
    assert load_settings(spark_master=master).spark_master == master


def test_settings_reach_the_resources() -> None:
    resources = resources_for(
        load_settings(
            max_malformed_share=0.5, spark_master="local[3]", spark_conf="a=b", source="hub@v1"
        )
    )
    source, spark = resources["source"], resources["spark"]
    assert isinstance(source, SourceResource)
    assert isinstance(spark, SparkResource)
    assert source.max_malformed_share == 0.5
    assert source.open().description.endswith("@v1")
    assert (spark.master, spark.spark_config) == ("local[3]", {"a": "b"})


def test_the_ui_has_the_settings_of_its_options_and_stays_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    became = Mock()
    monkeypatch.setattr(os, "execv", became)
    monkeypatch.chdir(tmp_path)
    options = (
        "--source sample --category Toys,Games --storage out --reviews 7 --master local[3] --port 0"
    )
    with patch.dict(os.environ, {"DAGSTER_HOME": str(tmp_path / "home")}):
        main(["ui", *options.split()])
        given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    assert given == {
        "AMAZON_SEG_SOURCE": "sample",
        "AMAZON_SEG_CATEGORY": "Toys,Games",
        "AMAZON_SEG_STORAGE": "out",
        "AMAZON_SEG_SAMPLE_REVIEWS": "7",
        "AMAZON_SEG_SPARK_MASTER": "local[3]",
    }
    [_, arguments] = became.call_args.args
    assert " ".join(arguments).endswith(" --host 127.0.0.1 --port 0")


@pytest.mark.parametrize(("first", "last"), [("2023-13", "2023-09"), ("2023-05", "2023-04")])
def test_a_span_of_months_is_checked(first: str, last: str) -> None:
    with pytest.raises(InputError, match="is not valid"):
        load_settings(first_month=first, last_month=last)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    default = load_settings().cache
    for name in ("STORAGE", "CACHE", "SAMPLE_REVIEWS"):
        monkeypatch.setenv(f"AMAZON_SEG_{name}", "")
    assert load_settings().storage == Path("data")
    assert load_settings().cache == default
    assert load_settings().sample_reviews == 200_000


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("storage", "", "a folder or a URL is wanted"),
        ("storage", "s3:/bucket/x", "a URL has two slashes or more, such as s3://bucket/folder"),
        ("storage", "~nobody-here/x", "its home folder cannot be found, give the whole path"),
        ("cache", "~nobody-here/x", "its home folder cannot be found, give the whole path"),
    ],
)
def test_what_names_no_folder_is_told(name: str, value: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        load_settings(**{name: value})
    expected = f"The setting AMAZON_SEG_{name.upper()} ({value!r}) is not valid: {message}."
    assert str(error.value) == expected


def test_folders_are_of_a_home_or_a_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert load_settings(storage="~/data").storage == Path("/home/me/data")
    assert load_settings(storage="C:/data").storage == Path("C:/data")
