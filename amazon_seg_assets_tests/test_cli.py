"""The command line, as a user types it."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from amazon_seg_assets.cli import main
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.resources import SparkResource
from amazon_seg_assets.settings import load_settings, parse_spark_conf
from amazon_seg_assets_tests.ended_run import EndedRun
from amazon_seg_assets_tests.raw_files import product, review, write_raw

PURCHASES = [
    review(f"user-{user}", f"product-{user % 3}", f"2023-0{1 + user % 3}-1{user % 9}T12:00:00")
    for user in range(12)
]
PRODUCTS = [product(f"product-{number}", 10.0 * 3**number) for number in range(3)]


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # A run starts Spark early, with settings that are not those of tests.
    assert spark is not None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return write_raw(tmp_path / "source", "Toys", PURCHASES, PRODUCTS)


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error.strip().splitlines()[-1]


def test_a_run_ends_with_segments_and_paths(ended_run: EndedRun) -> None:
    assert "Toys, snapshot 2023-03: 12 customers" in ended_run.output
    stored = ended_run.storage / "Toys"
    assert str(stored) in ended_run.output.replace("\n", "")
    report = stored / "executive_report/month=2023-03/executive_report.html"
    assert f"Report             {report}" in ended_run.output
    assert report.is_file()
    assert "rfm_segments" in ended_run.log
    assert (stored / "rfm_segments/month=2023-03").is_dir()
    clusters = pq.read_table(stored / "customer_clusters/month=2023-03", partitioning=None)
    assert set(clusters["cluster"].to_pylist()) == {0, 1}  # --k 2
    assert (ended_run.home / "dagster.yaml").is_file()
    assert not (stored / "reviews_over_time_plot").exists()


def test_settings_come_from_the_environment_and_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / ".env").write_text(f"AMAZON_SEG_SOURCE={folder}\nAMAZON_SEG_CATEGORY=Games\n")
    assert "the categories there are: Toys" in fails(capsys, "run")
    monkeypatch.setenv("AMAZON_SEG_CATEGORY", "Puzzles")
    assert "of Puzzles in" in fails(capsys, "run")
    assert "of Cards in" in fails(capsys, "run", "--category", "Cards")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "nowhere"], "nowhere does not exist"),
        (["--snapshot", "2031-01"], "outside the span 1996-05 … 2023-09"),
        (["--snapshot", "march"], "'march' is not a month: write YYYY-MM"),
        (["--category", "../etc"], "AMAZON_SEG_CATEGORY ('../etc') is not valid"),
        (["--scheme", "modern"], "no RFM scheme modern"),
        (["--source", "hub", "--category", "Electroncs"], "did you mean Electronics"),
        (["--source", "sample", "--reviews", "5"], "too small"),
        (["--k", "1"], "--k is 1: choose 2 clusters or more"),
        (["--k", "0"], "--k is 0: choose 2 clusters or more"),
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


@pytest.mark.parametrize("option", ["--snapshot=march", "--scheme=modern", "--k=1"])
def test_spark_is_not_started_for_a_wrong_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    started: list[str] = []
    monkeypatch.setattr(SparkResource, "start_in_background", lambda _: started.append(option))
    assert fails(capsys, "run", option).startswith("Error: ")
    assert started == []


@pytest.mark.parametrize("home", ["file", "~nobody-here/home"])
def test_a_home_of_dagster_that_cannot_be_used_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DAGSTER_HOME", home)
    error = fails(capsys, "run")
    assert error.startswith(f"Error: Dagster cannot keep its records in {home} (")
    assert error.endswith("): set DAGSTER_HOME to a folder that can be written to.")


def test_the_sample_s_files_can_be_written_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["sample", str(tmp_path), "--category", "Toys", "--reviews", "1000"])
    assert "1,000 reviews of Toys" in capsys.readouterr().out
    assert (tmp_path / "raw/review_categories/Toys.jsonl").read_text().count("\n") == 1000


def test_spark_settings_are_pairs() -> None:
    assert parse_spark_conf("a.b=1 'c.d=x y'") == {"a.b": "1", "c.d": "x y"}
    with pytest.raises(InputError, match=r"AMAZON_SEG_SPARK_CONF .*'nonsense' is not of the form"):
        load_settings(spark_conf="nonsense")


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
