"""What is up to date is not made again: one new file makes its own months stale, and no others."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance, MetadataValue
from dagster._core.definitions.data_version import CODE_VERSION_TAG, get_input_data_version_tag
from pyspark.sql import SparkSession

from amazon_seg_assets.dag.declaration import declared_in
from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.dag.records import is_up_to_date
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.planning.jobs import INGEST, PREPARE
from amazon_seg_assets.planning.staleness import (
    are_products_stale,
    has_outcomes,
    stale_history,
    stale_months,
)
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.stages.cleaning import transform as cleaning
from amazon_seg_assets.stages.cleaning import versions
from amazon_seg_assets.stages.cleaning.assets import clean_metadata
from amazon_seg_assets.stages.history import versions as of_history
from amazon_seg_assets.stages.history.versions import made_from_days
from amazon_seg_assets.stages.raw.manifest import (
    FileRecord,
    Manifest,
    MonthCounts,
    require_manifest,
)
from amazon_seg_assets.storage.facts import (
    MADE_FROM,
    Facts,
    failed_checks,
    note_checks,
    write_facts,
)
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


def ingest(graph: Graph) -> None:
    graph.run().execute(INGEST, assets=declared_in("raw"))


def clean_products(graph: Graph, **config: object) -> None:
    graph.run(clean_metadata=config).execute(INGEST, assets=[clean_metadata])


def prepare(graph: Graph, first: str, last: str) -> None:
    graph.run().execute(PREPARE, range_tags(first, last))


@pytest.fixture(scope="module")
def prepared(
    spark: SparkSession, instance: DagsterInstance, tmp_path_factory: pytest.TempPathFactory
) -> Graph:
    assert spark is not None
    folder = write_raw(tmp_path_factory.mktemp("staleness"), "Games", REVIEWS, PRODUCTS)
    graph = Graph(folder, "Games", instance)
    graph.run().execute(INGEST)
    assert stale_months(graph.store, MONTHS) == MONTHS
    prepare(graph, MONTHS[0], MONTHS[-1])
    return graph


@pytest.fixture
def graph(prepared: Graph) -> Iterator[Graph]:
    """Of which all is up to date, before a test and after it."""

    def is_up_to_date() -> bool:
        return prepared.run().are_products_clean() and not stale_months(prepared.store, MONTHS)

    assert is_up_to_date()
    yield prepared
    assert is_up_to_date()


def test_only_what_has_changed_is_stale(graph: Graph) -> None:
    more = [review("c", "ball", "2023-02-07T00:00:00"), review("c", "kite", "2023-03-07T00:00:00")]
    new = write_raw(graph.folder / "new", "Games", more, []) / "raw/review_categories/Games.jsonl"
    new.rename(graph.folder / "raw/review_categories/Games-2.jsonl")
    ingest(graph)
    assert stale_months(graph.store, MONTHS) == ["2023-02", "2023-03"]
    assert graph.run().are_products_clean()
    prepare(graph, "2023-02", "2023-03")
    assert stale_months(graph.store, MONTHS) == []
    assert len(graph.read("joined_reviews", "2023-02")) == 2

    write_raw(graph.folder / "dearer", "Games", [], [product("kite", 30.0), *PRODUCTS[1:]])
    dearer = graph.folder / "dearer/raw/meta_categories/meta_Games.jsonl"
    dearer.rename(graph.folder / "raw/meta_categories/meta_Games.jsonl")
    ingest(graph)
    assert not graph.run().are_products_clean()
    clean_products(graph)
    assert stale_months(graph.store, MONTHS) == MONTHS
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
    assert stale_months(graph.store, MONTHS) == ["2023-01"]
    assert failed_checks(graph.store, "clean_reviews", "2023-01") == {"rows_accounted"}
    prepare(graph, "2023-01", "2023-01")
    assert stale_months(graph.store, MONTHS) == []


def test_what_other_rules_or_other_code_made_is_stale(
    graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean_products(graph, excluded_categories=["Toys"])
    assert not graph.run().are_products_clean()
    with monkeypatch.context() as deployed:
        # The same categories, but for every run: what one run has left out stays out. Only the
        # version of the rules is another.
        deployed.setenv("AMAZON_SEG_RULES", str(tmp_path))
        (tmp_path / "excluded_categories.yaml").write_text("excluded: {Games: [Toys]}")
        assert not are_products_stale(graph.family, graph.store)
        assert not graph.run().are_products_clean()
    clean_products(graph)
    assert graph.run().are_products_clean()
    assert stale_months(graph.store, MONTHS) == []

    key = graph.family.key("clean_metadata")
    version = clean_metadata.version(graph.family.settings)
    assert is_up_to_date(graph.instance, graph.store, key, version, {})
    assert not is_up_to_date(graph.instance, graph.store, key, "other", {})
    with monkeypatch.context() as deployed:
        deployed.setattr(versions, "CODE_VERSION", "next")
        assert are_products_stale(graph.family, graph.store)
        assert stale_months(graph.store, MONTHS) == MONTHS


@pytest.fixture
def stored(tmp_path: Path) -> Store:
    """Days of customers from 2022-12 to 2023-02, and snapshots of 2023-01 and 2023-02."""
    store, products = Store(tmp_path, "Games"), {MADE_FROM: "products"}
    counts = {month: MonthCounts(rows=1, verified=1) for month in ("2022-12", "2023-02")}
    note_reviews(store, "print", counts)
    facts: dict[tuple[str, str | None], Facts] = {("clean_metadata", None): products}
    manifest, scheme = require_manifest(store, "raw_reviews"), load_scheme("standard")
    for month in MONTHS[:3]:
        made = made_from_days(manifest, month, products, 0.5)
        facts["customer_days", month] = made | {"min_price": 0.5}
    for month in MONTHS[1:3]:
        used = scheme.model_dump(mode="json", exclude_none=True)
        facts["rfm_segments", month] = {"scheme": used}
    facts["segment_outcomes", "2023-02"] = {}
    for place, of_place in facts.items():
        store.path(*place).mkdir(parents=True)
        write_facts(store.path(*place), of_place)
    return store


def note_reviews(store: Store, fingerprint: str, months: Mapping[str, MonthCounts]) -> None:
    with store.replacing("raw_reviews") as folder:
        Manifest("1", "a folder", {"file": FileRecord(fingerprint, 1, 0, [], months)}).write(folder)


def test_days_of_customers_are_stale_where_something_behind_them_has_changed(
    stored: Store,
) -> None:
    assert stale_history(stored, MONTHS) == ["2023-03"]
    assert stale_history(stored, MONTHS[:3]) == []
    note_checks(stored, "customer_days", "2023-01", {"days_possible": False})
    assert stale_history(stored, MONTHS) == ["2023-01", "2023-03"]
    note_checks(stored, "customer_days", "2023-01", {"days_possible": True})
    # The file with reviews of two months has others now.
    months = {month: MonthCounts(rows=2) for month in ("2022-12", "2023-02")}
    note_reviews(stored, "other", months)
    assert stale_history(stored, MONTHS) == ["2022-12", "2023-02", "2023-03"]
    write_facts(stored.path("clean_metadata"), {MADE_FROM: "dearer products"})
    assert stale_history(stored, MONTHS) == MONTHS


def test_days_by_other_code_are_stale(stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_history, "CODE_VERSION", "next")
    assert stale_history(stored, MONTHS) == MONTHS


def test_a_snapshot_with_outcomes_has_both_by_the_same_rules(stored: Store) -> None:
    standard, notebook = map(load_scheme, ("standard", "notebook"))
    has = [month for month in MONTHS if has_outcomes(stored, month, standard)]
    assert has == ["2023-02"]
    assert not has_outcomes(stored, "2023-02", notebook)
    # As an earlier version has stored it.
    write_facts(stored.path("rfm_segments", "2023-02"), {"scheme": None})
    assert not has_outcomes(stored, "2023-02", standard)


def test_a_check_that_passes_after_all_is_no_longer_noted(tmp_path: Path) -> None:
    store, place = Store(tmp_path, "Games"), ("clean_reviews", "2023-01")
    store.path(*place).mkdir(parents=True)
    note_checks(store, *place, {"rows_accounted": False, "schema_as_declared": False, "no": True})
    assert failed_checks(store, *place) == {"rows_accounted", "schema_as_declared"}
    note_checks(store, *place, {"rows_accounted": True})
    assert failed_checks(store, *place) == {"schema_as_declared"}


def test_what_other_storages_have_recorded_since_changes_nothing(
    instance: DagsterInstance, tmp_path: Path
) -> None:
    asset, raw = AssetKey(["Games", "rating_counts"]), AssetKey(["Games", "raw_reviews"])
    own, other, empty = (Store(tmp_path / name, "Games") for name in ("own", "other", "empty"))

    def record(store: Store, code_version: str, read: str) -> None:
        folder = store.path("rating_counts")
        folder.mkdir(parents=True, exist_ok=True)
        uri = MetadataValue.path(url_of(folder))
        tags = {CODE_VERSION_TAG: code_version, get_input_data_version_tag(raw): read}
        made = AssetMaterialization(asset, metadata={"dagster/uri": uri}, tags=tags)
        instance.report_runless_asset_event(made)

    def is_made(store: Store, code_version: str, read: str | None) -> bool:
        return is_up_to_date(instance, store, asset, code_version, {raw: read})

    record(own, "1", "first")
    for _ in range(25):
        record(other, "2", "second")
    assert is_made(own, "1", "first")
    assert is_made(other, "2", "second")
    assert not is_made(empty, "2", "second")
    # What it was made from has changed since, or is gone.
    assert not is_made(own, "1", "second")
    assert not is_made(own, "1", None)
    # Of its own, the last counts.
    record(own, "2", "first")
    assert not is_made(own, "1", "first")
