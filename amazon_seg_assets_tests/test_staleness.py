"""What is up to date is not made again: one new file makes its own months stale, and no others."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from dagster import DagsterInstance
from pyspark.sql import SparkSession

from amazon_seg_assets.cli import main
from amazon_seg_assets.dag.declaration import AssetDeclaration, declared_in
from amazon_seg_assets.dag.family import Family
from amazon_seg_assets.dag.handles import Snapshot, Stored
from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.dag.resources import SparkResource
from amazon_seg_assets.dag.steps import run_body
from amazon_seg_assets.dag.versions import Note, Versions
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.errors import InputError, TooFewError
from amazon_seg_assets.origin import source_of
from amazon_seg_assets.planning.jobs import INGEST, PREPARE
from amazon_seg_assets.planning.planner import assets_of, of_snapshot
from amazon_seg_assets.planning.staleness import Look
from amazon_seg_assets.run.headless import HeadlessRun
from amazon_seg_assets.stages.cleaning import transform as cleaning
from amazon_seg_assets.stages.cleaning.assets import clean_metadata, clean_reviews, joined_reviews
from amazon_seg_assets.stages.clusters.assets import SweepConfig, cluster_model, k_sweep
from amazon_seg_assets.stages.history.assets import customer_lifecycle
from amazon_seg_assets.stages.rfm.assets import rfm_features
from amazon_seg_assets.stages.sentiment.assets import sentiment_model
from amazon_seg_assets.storage.facts import failed_checks, fault, note_checks
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import parquet_files
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.ended_run import CATEGORY, SKIPPED, SNAPSHOT, EndedRun
from amazon_seg_assets_tests.graph import Graph, family_of
from amazon_seg_assets_tests.raw_files import product, review, write_raw

MONTHS = ["2022-12", "2023-01", "2023-02", "2023-03"]
PRODUCTS = [product("kite", 10.0), product("ball", 20.0)]
REVIEWS = [
    # Not verified: the months are there, and nothing of them is clean.
    review("z", "kite", "2022-12-05T00:00:00", verified_purchase=False),
    review("z", "kite", "2023-03-05T00:00:00", verified_purchase=False),
    review("a", "kite", "2023-01-05T00:00:00"),
    review("b", "ball", "2023-02-05T00:00:00"),
]


def ingest(graph: Graph) -> None:
    graph.run().execute(INGEST, assets=declared_in("raw"))


def clean_products(graph: Graph, **config: object) -> None:
    graph.run(clean_metadata=config).execute(INGEST, assets=[clean_metadata, sentiment_model])


def prepare(graph: Graph, first: str, last: str) -> None:
    graph.run().execute(PREPARE, range_tags(first, last))


def stale_months(graph: Graph) -> list[str]:
    """Months that are to be prepared again, products included where they are."""
    look = Look(graph.family)
    look.due([clean_metadata, sentiment_model])
    return look.stale_months(assets_of(PREPARE), MONTHS)


def are_products_clean(graph: Graph) -> bool:
    return not Look(graph.family).due([clean_metadata])


def why(graph: Graph) -> str:
    """The reason to ingest."""
    return Look(graph.family).raw(source_of(graph.family.settings))


def test_what_the_data_did_not_suffice_for_is_not_tried_again(tmp_path: Path) -> None:
    """Until something of it has changed: what it is made from, or the run configuration."""
    family, month = family_of("Games", storage=tmp_path), "2022-09"
    due = [rfm_features, k_sweep, cluster_model, customer_lifecycle]
    made = Versions(family, family.store).now(k_sweep, month, SweepConfig.model_validate({}))

    def body(*_: object) -> Stored:
        raise TooFewError("There are only 1 distinct customers.")

    handle = Snapshot(family, family.store, month)
    with pytest.raises(TooFewError):
        run_body(replace(k_sweep, body=body), handle, {}, {month: made})
    assert family.store.months("k_sweep") == []

    def tried(*due: AssetDeclaration, **given: Any) -> list[str]:
        look = Look(family, **given)
        return [each.name for each in look.worth_trying(due, month)]

    assert tried(*due[1:]) == ["customer_lifecycle"]
    assert tried(*due) == [each.name for each in due]
    assert tried(*due[1:], ops={"k_sweep": {"k_min": 3}})[0] == "k_sweep"
    assert tried(*due[1:], is_forced=True)[0] == "k_sweep"
    assert len(Look(family).worth_trying(due[1:], "2022-10")) == 3


@pytest.fixture(scope="module")
def prepared(
    spark: SparkSession, instance: DagsterInstance, tmp_path_factory: pytest.TempPathFactory
) -> Graph:
    assert spark is not None
    folder = write_raw(tmp_path_factory.mktemp("staleness"), "Games", REVIEWS, PRODUCTS)
    graph = Graph(folder, "Games", instance)
    assert why(graph) == "raw_reviews: not stored"
    graph.run().execute(INGEST)
    assert stale_months(graph) == MONTHS
    prepare(graph, MONTHS[0], MONTHS[-1])
    return graph


@pytest.fixture
def graph(prepared: Graph) -> Iterator[Graph]:
    """Of which all is up to date, before a test and after it."""

    def is_up_to_date() -> bool:
        return not why(prepared) and are_products_clean(prepared) and not stale_months(prepared)

    assert is_up_to_date()
    yield prepared
    assert is_up_to_date()


@pytest.mark.parametrize("table", ["clean_reviews", "joined_reviews"])
def test_a_month_that_is_damaged_is_not_up_to_date(graph: Graph, table: str) -> None:
    rows = len(graph.read("joined_reviews", "2023-02"))
    [file, *_] = parquet_files(graph.store.path(table, "2023-02"))
    file.write_bytes(file.read_bytes()[:-10])
    assert stale_months(graph) == ["2023-02"]
    assert "bytes instead of" in Look(graph.family).reason(
        clean_reviews if table == "clean_reviews" else joined_reviews, "2023-02"
    )
    prepare(graph, "2023-02", "2023-02")
    assert len(graph.read("joined_reviews", "2023-02")) == rows


def test_products_that_are_damaged_are_not_up_to_date(graph: Graph) -> None:
    [file, *_] = parquet_files(graph.store.path("clean_metadata"))
    file.unlink()
    assert not are_products_clean(graph)
    clean_products(graph)


@pytest.mark.parametrize("name", ["*.parquet", "_manifest.json"])
def test_a_raw_table_that_is_damaged_is_not_up_to_date(graph: Graph, name: str) -> None:
    [file, *_] = on_disk(graph.store.path("raw_metadata")).rglob(name)
    file.write_bytes(file.read_bytes()[:-10])
    assert why(graph).startswith("raw_metadata: ")
    ingest(graph)


def test_months_after_those_that_a_process_has_loaded_are_ingested_once(
    instance: DagsterInstance, tmp_path: Path
) -> None:
    folder = write_raw(tmp_path, "Kites", [review("a", "kite", "2024-02-05T00:00:00")], PRODUCTS)
    family = family_of("Kites", source=str(folder), storage=tmp_path / "data")
    assert family.span.last == "2023-09"
    run = HeadlessRun(build_definitions(family.settings), family, instance, lambda _: None)
    run.execute(INGEST, assets=declared_in("raw"))
    renewed = family.renewed()
    assert renewed.span.last == "2024-02"
    assert Look(renewed).raw(source_of(family.settings)) == ""


def test_only_what_has_changed_is_stale(graph: Graph) -> None:
    more = [review("c", "ball", "2023-02-07T00:00:00"), review("c", "kite", "2023-03-07T00:00:00")]
    new = write_raw(graph.folder / "new", "Games", more, []) / "raw/review_categories/Games.jsonl"
    new.rename(graph.folder / "raw/review_categories/Games-2.jsonl")
    assert why(graph) == "raw_reviews: the source has changed"
    ingest(graph)
    assert stale_months(graph) == ["2023-02", "2023-03"]
    assert are_products_clean(graph)
    look = Look(graph.family)
    assert look.reason(clean_reviews, "2023-02") == "made from another raw_reviews"
    assert look.reason(joined_reviews, "2023-02") == (
        "made from clean_reviews 2023-02, which is stale"
    )
    prepare(graph, "2023-02", "2023-03")
    assert stale_months(graph) == []
    assert len(graph.read("joined_reviews", "2023-02")) == 2

    write_raw(graph.folder / "dearer", "Games", [], [product("kite", 30.0), *PRODUCTS[1:]])
    dearer = graph.folder / "dearer/raw/meta_categories/meta_Games.jsonl"
    dearer.rename(graph.folder / "raw/meta_categories/meta_Games.jsonl")
    ingest(graph)
    assert not are_products_clean(graph)
    assert stale_months(graph) == MONTHS
    clean_products(graph)
    assert stale_months(graph) == MONTHS
    prepare(graph, MONTHS[0], MONTHS[-1])


def test_what_failed_a_check_is_not_up_to_date(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = cleaning.clean_reviews
    with monkeypatch.context() as losing:
        losing.setattr(
            cleaning, "clean_reviews", lambda *given: honest(*given).where("user_id <> 'a'")
        )
        with pytest.raises(InputError, match="0 duplicate leave 1 unaccounted for"):
            prepare(graph, "2023-01", "2023-01")
    assert stale_months(graph) == ["2023-01"]
    reason = Look(graph.family).reason(clean_reviews, "2023-01")
    assert reason == "the check rows_accounted has failed"
    assert failed_checks(graph.store, "clean_reviews", "2023-01") == {"rows_accounted"}
    prepare(graph, "2023-01", "2023-01")
    assert stale_months(graph) == []


def test_what_other_rules_or_another_span_made_is_stale(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_products(graph, excluded_categories=["Toys"])
    reason = Look(graph.family).reason(clean_metadata)
    assert reason == "made with another excluded_categories"
    clean_products(graph)
    assert are_products_clean(graph)
    assert stale_months(graph) == []
    with monkeypatch.context() as deployed:
        deployed.setenv("AMAZON_SEG_RULES", str(tmp_path))
        (tmp_path / "excluded_categories.yaml").write_text("excluded: {Games: [Toys]}")
        assert not are_products_clean(graph)
        assert stale_months(graph) == MONTHS
    for last_month, reason in (
        ("2023-01", "raw_reviews: the span of months has changed"),
        ("2031-01", ""),
    ):
        family = graph.family.renewed(last_month=last_month)
        assert Look(family).raw(source_of(family.settings)) == reason


@pytest.mark.parametrize(
    ("now", "difference"),
    [
        (
            Note(
                "1", {"k": 2, "n": 3}, {"days": {"2023-01": "a", "2023-02": "b"}, "raw": {"": "c"}}
            ),
            "",
        ),
        (Note("2", {}, {}), "by code and rules of version 1, which is 2 now"),
        (Note("1", {"k": 3, "m": 4}, {}), "with another k and m and n"),
        (
            Note(
                "1", {"k": 2, "n": 3}, {"days": {"2023-01": "b", "2023-02": "c"}, "raw": {"": "d"}}
            ),
            "from another days 2023-01 to 2023-02, raw",
        ),
        # A month has come, or an input.
        (
            Note(
                "1", {"k": 2, "n": 3}, {"days": {"2023-01": "a", "2023-03": "b"}, "new": {"": "a"}}
            ),
            "from another days 2023-02 to 2023-03, new",
        ),
    ],
)
def test_a_difference_is_said(now: Note, difference: str) -> None:
    days = {"2023-01": "a", "2023-02": "b"}
    assert (
        Note("1", {"k": 2, "n": 3}, {"days": days, "raw": {"": "c"}}).difference(now) == difference
    )


@pytest.fixture
def moved(ended_run: EndedRun, tmp_path: Path) -> Family:
    """The storage of a run that has ended, in another place."""
    shutil.copytree(ended_run.storage, tmp_path / "moved")
    return family_of(CATEGORY, source=str(ended_run.source), storage=tmp_path / "moved")


def due(family: Family, **ops: dict[str, Any]) -> set[str]:
    """Assets of the snapshot that a run of this configuration makes again."""
    return {each.name for each in Look(family, ops).due(of_snapshot(SKIPPED.split(",")), SNAPSHOT)}


def test_a_run_again_does_nothing_also_where_the_storage_was_moved_and_records_are_lost(
    moved: Family,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(SparkResource, "start_in_background", Mock(side_effect=AssertionError))
    settings = moved.settings
    what = ["--source", settings.source, "--category", CATEGORY, "--storage", str(settings.storage)]
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("moved/**/*")}
    main(["run", *what, "--k", "2", "--skip", SKIPPED])
    printed = capsys.readouterr().out
    assert f"{CATEGORY}, snapshot {SNAPSHOT}: 12 customers" in printed
    assert "All is up to date: nothing was to be done" in printed
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("moved/**/*")} == files


def test_only_what_another_configuration_changes_is_made_again(moved: Family) -> None:
    two: dict[str, Any] = {"k": 2}
    assert due(moved, k_sweep=two) == set()
    of_segments = due(moved, k_sweep=two, rfm_segments={"scheme": "notebook"})
    of_clusters = due(moved, k_sweep={"k": 3})
    assert {"rfm_segments", "segment_summary", "executive_report"} <= of_segments
    assert {"k_sweep", "cluster_model", "segment_summary", "executive_report"} <= of_clusters
    assert of_segments.isdisjoint({"rfm_features", "k_sweep", "customer_clusters", "elbow_plot"})
    assert of_clusters.isdisjoint({"rfm_features", "rfm_segments", "scheme_comparison"})


def test_a_scheme_s_file_counts_by_its_rules(moved: Family, tmp_path: Path) -> None:
    import amazon_seg_assets.rules as rules

    text = (Path(rules.__file__).parent / "schemes/standard.yaml").read_text()
    (tmp_path / "standard.yaml").write_text(f"# The same.\n{text}")
    given = {"scheme_file": str(tmp_path / "standard.yaml")}
    assert due(moved, k_sweep={"k": 2}, rfm_segments=given) == set()


def test_what_is_missing_or_not_checked_is_made_again_with_what_is_made_of_it(
    moved: Family,
) -> None:
    shutil.rmtree(on_disk(moved.store.path("elbow_plot", SNAPSHOT)))
    assert due(moved, k_sweep={"k": 2}) == {"elbow_plot", "executive_report"}
    (moved.store.path("rfm_features", SNAPSHOT) / "_checked").unlink()
    assert fault(moved.store, "rfm_features", SNAPSHOT) == "not checked yet"
    assert due(moved, k_sweep={"k": 2}) == {each.name for each in of_snapshot(SKIPPED.split(","))}


def test_a_check_that_passes_after_all_is_no_longer_noted(tmp_path: Path) -> None:
    store, place = Store(tmp_path, "Games"), ("clean_reviews", "2023-01")
    store.path(*place).mkdir(parents=True)
    note_checks(store, *place, {"rows_accounted": False, "schema_as_declared": False, "no": True})
    assert failed_checks(store, *place) == {"rows_accounted", "schema_as_declared"}
    note_checks(store, *place, {"rows_accounted": True})
    assert failed_checks(store, *place) == {"schema_as_declared"}
