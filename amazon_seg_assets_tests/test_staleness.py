"""What is up to date is not made again: one new file makes its own months stale, and no others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance, MetadataValue
from dagster._core.definitions.data_version import CODE_VERSION_TAG
from pyspark.sql import SparkSession

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.planning import staleness
from amazon_seg_assets.planning.staleness import are_products_stale, is_up_to_date, stale_months
from amazon_seg_assets.stages.cleaning import transform as cleaning
from amazon_seg_assets.storage.facts import failed_checks, note_checks
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import url_of
from amazon_seg_assets_tests.graph import Graph
from amazon_seg_assets_tests.raw_files import product, review, write_raw

MONTHS = ["2022-12", "2023-01", "2023-02", "2023-03"]
PRODUCTS = [product("kite", 10.0), product("ball", 20.0)]
REVIEWS = [
    review("a", "kite", "2023-01-05T00:00:00"),
    review("b", "ball", "2023-02-05T00:00:00"),
]


@pytest.fixture
def graph(spark: SparkSession, tmp_path: Path) -> Iterator[Graph]:
    assert spark is not None
    with DagsterInstance.ephemeral() as instance:
        graph = Graph(write_raw(tmp_path, "Games", REVIEWS, PRODUCTS), "Games", instance)
        graph.run().execute("ingest")
        assert stale_months(graph.store, MONTHS) == MONTHS
        graph.run().prepare([MONTHS[0], MONTHS[-1]])
        yield graph


def test_only_what_has_changed_is_stale(graph: Graph) -> None:
    assert stale_months(graph.store, MONTHS) == []
    assert graph.run().are_products_clean(graph.store)

    more = [review("c", "ball", "2023-02-07T00:00:00"), review("c", "kite", "2023-03-07T00:00:00")]
    new = write_raw(graph.folder / "new", "Games", more, []) / "raw/review_categories/Games.jsonl"
    new.rename(graph.folder / "raw/review_categories/Games-2.jsonl")
    graph.run().ingest_raw()
    assert stale_months(graph.store, MONTHS) == ["2023-02", "2023-03"]
    assert graph.run().are_products_clean(graph.store)
    graph.run().prepare(["2023-02", "2023-03"])
    assert stale_months(graph.store, MONTHS) == []
    assert len(graph.read("joined_reviews", "2023-02")) == 2

    write_raw(graph.folder / "dearer", "Games", [], [product("kite", 30.0), *PRODUCTS[1:]])
    dearer = graph.folder / "dearer/raw/meta_categories/meta_Games.jsonl"
    dearer.rename(graph.folder / "raw/meta_categories/meta_Games.jsonl")
    graph.run().ingest_raw()
    assert not graph.run().are_products_clean(graph.store)
    graph.run().clean_products()
    assert stale_months(graph.store, MONTHS) == MONTHS


def test_what_failed_a_check_is_not_up_to_date(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = cleaning.clean_reviews
    with monkeypatch.context() as losing:
        losing.setattr(
            cleaning, "clean_reviews", lambda *given: honest(*given).where("user_id <> 'a'")
        )
        with pytest.raises(InputError, match="0 duplicate leave 1 unaccounted for"):
            graph.run().prepare(["2023-01"])
    assert stale_months(graph.store, MONTHS) == ["2023-01"]
    assert failed_checks(graph.store, "clean_reviews", "2023-01") == {"rows_accounted"}
    graph.run().prepare(["2023-01"])
    assert stale_months(graph.store, MONTHS) == []


def test_a_check_that_passes_after_all_is_no_longer_noted(tmp_path: Path) -> None:
    store, place = Store(tmp_path, "Games"), ("clean_reviews", "2023-01")
    store.path(*place).mkdir(parents=True)
    note_checks(store, *place, {"rows_accounted": False, "schema_as_declared": False, "no": True})
    assert failed_checks(store, *place) == {"rows_accounted", "schema_as_declared"}
    note_checks(store, *place, {"rows_accounted": True})
    assert failed_checks(store, *place) == {"schema_as_declared"}


def test_what_other_rules_or_other_code_made_is_stale(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.run(clean_metadata={"excluded_categories": ["Toys"]}).clean_products()
    assert not graph.run().are_products_clean(graph.store)
    with monkeypatch.context() as deployed:
        # The same categories, but for every run: what one run has left out stays out.
        deployed.setenv("AMAZON_SEG_RULES", str(tmp_path / "rules"))
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules/excluded_categories.yaml").write_text("excluded: {Games: [Toys]}")
        assert graph.run().are_products_clean(graph.store)
    graph.run().clean_products()
    assert graph.run().are_products_clean(graph.store)
    assert stale_months(graph.store, MONTHS) == []

    products = AssetKey("clean_metadata")
    assert not is_up_to_date(graph.instance, graph.store, products, code_version="other")
    monkeypatch.setattr(staleness, "CODE_VERSION", "next")
    assert are_products_stale(graph.store)
    assert stale_months(graph.store, MONTHS) == MONTHS


def test_what_other_categories_have_recorded_since_changes_nothing(tmp_path: Path) -> None:
    asset, own, other = AssetKey("rating_counts"), Store(tmp_path, "Games"), Store(tmp_path, "Toys")
    with DagsterInstance.ephemeral() as instance:

        def record(store: Store, code_version: str) -> None:
            folder = store.path("rating_counts")
            folder.mkdir(parents=True, exist_ok=True)
            uri = MetadataValue.path(url_of(folder))
            tags = {CODE_VERSION_TAG: code_version}
            made = AssetMaterialization(asset, metadata={"dagster/uri": uri}, tags=tags)
            instance.report_runless_asset_event(made)

        record(own, "1")
        for _ in range(25):
            record(other, "2")
        assert is_up_to_date(instance, own, asset, "1")
        assert is_up_to_date(instance, other, asset, "2")
        assert not is_up_to_date(instance, Store(tmp_path, "Books"), asset, "2")
        # Of its own, the last counts.
        record(own, "2")
        assert not is_up_to_date(instance, own, asset, "1")
