"""Each check passes on what is right, and fails with figure and threshold on what is not."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from amazon_seg_assets.dag.partitions import snapshot_months
from amazon_seg_assets.stages.overview.small_checks import EXPLORED
from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetKey,
    AssetSelection,
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    define_asset_job,
)
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from pyspark.sql import SparkSession

from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.quality import customers, tables
from amazon_seg_assets.quality.control_totals import customer_totals, not_once_in_both, repeated
from amazon_seg_assets.quality.verdict import Verdict, worst
from amazon_seg_assets.run.headless import HeadlessRun
from amazon_seg_assets.sample.source import SampleSource
from amazon_seg_assets.schema import Column, Table
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.clusters.tables import CLUSTER_DENSITY
from amazon_seg_assets.stages.exploration.tables import ALL_TIME
from amazon_seg_assets.stages.overview.tables import CLUSTER_VALIDATION
from amazon_seg_assets.stages.raw import verdicts as raw
from amazon_seg_assets.stages.raw.manifest import MonthCounts, require_manifest
from amazon_seg_assets.stages.rfm.tables import RFM_HISTOGRAMS
from amazon_seg_assets.storage.facts import read_facts, write_facts
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location
from amazon_seg_assets.storage.parquet import Stats, count_values, parquet_files, write_small
from amazon_seg_assets.storage.spark_tables import FORMER
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.raw_files import product, review, write_raw

TABLE = Table(
    "pets",
    "Pets.",
    (
        Column("name", pa.string(), "Name.", nullable=False),
        Column("tags", pa.list_(pa.string()), "Tags."),
    ),
)
NAME, TAGS = pa.field("name", pa.string()), pa.field("tags", pa.list_(pa.string()))


def judged(verdict: Verdict) -> tuple[bool, float]:
    return verdict.passed, verdict.value


def test_a_threshold_is_the_most_or_the_least() -> None:
    assert Verdict(2, 2, "").passed
    assert not Verdict(3, 2, "").passed
    assert Verdict(2, 2, "", at_least=True).passed
    assert not Verdict(1, 2, "", at_least=True).passed


def test_the_worst_is_furthest_beyond_its_threshold() -> None:
    low, lower, fine = (Verdict(figure, 5, "", at_least=True) for figure in (4, 1, 9))
    assert worst({"a": fine, "b": lower, "c": low}) == ("b", lower)
    unknown = Verdict(float("nan"), 5, "", at_least=True)
    assert worst({"a": fine, "b": unknown}) == ("b", unknown)


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ([NAME, TAGS], "All 2 columns are as declared."),
        # Spark calls the elements of a list otherwise, and all columns nullable.
        ([NAME, pa.field("tags", pa.list_(pa.field("element", pa.string())))], "All 2 columns"),
        ([NAME], "tags is missing."),
        ([NAME, TAGS, pa.field("age", pa.int32())], "age is not declared."),
        ([pa.field("name", pa.int64()), TAGS], "name is int64 instead of string."),
        ([TAGS, NAME], "the order of the columns is another."),
    ],
)
def test_a_schema_that_drifted_is_told_by_column(schema: list[pa.Field], sentence: str) -> None:
    verdict = tables.schema_as_declared(TABLE, Stats(schemas=[pa.schema(schema)]))
    assert judged(verdict) == ((True, 0) if "All" in sentence else (False, 1))
    assert sentence in verdict.sentence


def test_one_file_of_another_schema_and_nulls_are_found() -> None:
    schemas = [pa.schema([NAME, TAGS]), pa.schema([NAME])]
    verdict = tables.schema_as_declared(TABLE, Stats(schemas=schemas, nulls={"name": 3}))
    assert judged(verdict) == (False, 2)
    assert "tags is missing; name is null in 3 rows" in verdict.sentence


def test_rows_are_kept_or_dropped_for_a_reason() -> None:
    dropped = {"not_verified": 2, "duplicate": 1}
    assert tables.rows_accounted(10, 7, dropped).passed
    lost = tables.rows_accounted(10, 6, dropped)
    assert judged(lost) == (False, 1)
    assert lost.sentence.startswith("Of 10 rows, 6 kept + 2 not verified + 1 duplicate leave 1 ")
    assert judged(tables.rows_accounted(10, 9, dropped)) == (False, 2)


def test_totals_are_the_same_after_an_aggregation() -> None:
    assert tables.totals_kept("customers", 5, [5, 5]).passed
    off = tables.totals_kept("customers", 5, [5, 7, 4])
    assert judged(off) == (False, 2)
    assert off.sentence == "7 customers after the step, 5 before."
    assert customers.frequency_kept(8, 8).passed
    assert judged(customers.frequency_kept(8, 9)) == (False, 1)
    assert customers.monetary_kept(10.004, 10.01).passed
    verdict = customers.monetary_kept(10.0, 10.25)
    assert (verdict.passed, verdict.value, verdict.threshold) == (False, 0.25, 0.01)


def test_shares_of_nulls_are_compared_with_the_former() -> None:
    former = Stats(rows=1_000, nulls={"price": 200, "title": 0, "unknown": None})
    assert tables.null_shares_steady(former, None).passed
    same = Stats(rows=2_000, nulls={"price": 500, "title": 0, "unknown": None, "new": 2_000})
    assert judged(tables.null_shares_steady(same, former)) == (True, pytest.approx(0.05))
    other = Stats(rows=1_000, nulls={"price": 210, "title": 150})
    verdict = tables.null_shares_steady(other, former)
    assert (verdict.passed, verdict.value, verdict.threshold) == (False, 0.15, 0.1)
    assert verdict.sentence.startswith("title is null in 15.0% of the rows, after 0.0%")
    unknown = tables.null_shares_steady(Stats(rows=1_000, nulls={"unknown": 1}), former)
    assert unknown.passed
    assert unknown.sentence == "No column has null counts to compare."
    few = tables.null_shares_steady(Stats(rows=999, nulls={"title": 999}), former)
    assert few.passed
    assert "too few" in few.sentence


def test_months_without_reviews_count_after_the_first_ones() -> None:
    rows = {"1997-01": 1, "1999-05": 3, "2000-01": 50, "2000-02": 50, "2000-03": 50}
    assert judged(raw.month_gaps(rows)) == (True, 0)
    gaps = raw.month_gaps(rows | {"2000-06": 50})
    assert judged(gaps) == (False, 2)
    assert "2000-04, 2000-05" in gaps.sentence
    assert raw.month_gaps(rows | {"2000-06": 50}, threshold=2).passed
    assert raw.month_gaps({}).passed
    assert judged(raw.month_gaps({"0998-11": 60, "0999-01": 50})) == (False, 1)


def test_many_duplicates_are_told() -> None:
    assert raw.few_duplicates(1_000, 100, 1_000).passed
    assert judged(raw.few_duplicates(1_000, 101, 1_000)) == (False, 0.101)
    assert raw.few_duplicates(999, 900, 1_000).passed


def test_the_sample_keeps_to_published_shares_as_near_as_chance_allows() -> None:
    shares = [("verified", 0.92, 0.924), ("of 5 stars", 0.60, 0.634)]
    verdict = raw.like_published(shares, 40_000)
    assert judged(verdict) == (False, pytest.approx(0.034))
    assert verdict.threshold == pytest.approx(0.02 + 2 / 200)
    assert raw.like_published(shares, 10_000).passed
    assert raw.not_the_sample("folder x").passed


def test_judgements_of_customers_and_clusters() -> None:
    assert customers.few_unpriced(5, 10).passed
    assert judged(customers.few_unpriced(6, 10)) == (False, 0.6)
    assert customers.few_unpriced(0, 0).passed
    assert judged(tables.none_repeated("user_id", 1, 9)) == (False, 1)
    assert customers.one_each("cluster", 0, 3).passed
    odd = customers.one_each("cluster", 1, 3)
    assert judged(odd) == (False, 1)
    assert odd.sentence == "1 of 3 customers are in no cluster or in more than one."
    assert customers.same_customers(5, 5, 0, 5).passed
    assert judged(customers.same_customers(5, 5, 2, 5)) == (False, 2)
    assert judged(customers.same_customers(5, 5, 0, 4)) == (False, 1)
    # The summary is a join, which might multiply customers.
    assert judged(customers.same_customers(10, 10, 0, 20)) == (False, 10)
    clusters = pd.DataFrame({"cluster_label": ["Big", "Small"], "customers": [99, 1]})
    tiny = customers.no_tiny_cluster(clusters)
    assert judged(tiny) == (False, 0.01)
    assert "Small" in tiny.sentence
    assert customers.no_tiny_cluster(clusters, threshold=0.01).passed
    assert customers.clusters_apart(0.45).passed
    assert not customers.clusters_apart(0.44).passed
    assert customers.equals_together(0, 10).passed
    assert judged(customers.equals_together(1, 10)) == (False, 0.1)


def test_one_aggregate_sums_up_tables_of_customers(spark: SparkSession) -> None:
    schema = "user_id string, recency int, frequency bigint, monetary double"
    right = [("a", 1, 1, 0.5), ("b", 367, 2, 10.25), ("c", 30, 3, 7.0)]
    wrong = [("c", 368, 1, 1.0), ("b", 1, 0, 1.0), ("a", 1, 1, float("nan")), ("a", None, 1, 0.0)]
    good = spark.createDataFrame(right, schema)
    bad = spark.createDataFrame(wrong, schema)
    again = spark.createDataFrame(right[::-1], schema)
    totals = customer_totals(good, bad, again)
    assert [(t.customers, t.outside) for t in totals] == [(3, 0), (4, 4), (3, 0)]
    assert (totals[0].frequency, totals[0].monetary) == (6, 17.75)
    assert totals[0] == totals[2]
    assert customers.features_in_range(totals[0]).passed
    assert judged(customers.features_in_range(totals[1])) == (False, 4)
    assert not_once_in_both(good, again, totals[0], totals[2]) == 0
    assert not_once_in_both(good, bad, *totals[:2]) == 1
    # As many rows, but one customer twice and another not at all.
    swapped = spark.createDataFrame([right[0], right[1], right[1]], schema)
    assert not_once_in_both(good, swapped, *customer_totals(good, swapped)) == 2
    assert [repeated(f, "user_id", n) for f, n in ((good, 3), (bad, 4))] == [0, 1]


MONTHS = ("2023-01", "2023-02")
LAST = MONTHS[-1]
SEGMENTED = {
    "rfm_features",
    "k_sweep",
    "cluster_centers",
    "cluster_model",
    "customer_clusters",
    "rfm_segments",
    "segment_summary",
    "scheme_comparison",
}


@pytest.fixture(scope="module")
def folder(
    spark: SparkSession, instance: DagsterInstance, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What a run over two months stores."""
    assert spark is not None
    folder = tmp_path_factory.mktemp("checks")
    reviews = [
        review(f"user-{user}", f"product-{user % 3}", f"2023-0{1 + user % 2}-1{user % 9}T12:00:00")
        for user in range(24)
    ]
    products = [product(f"product-{number}", 10.0 * 3**number) for number in range(3)]
    write_raw(folder, "Toys", reviews, products)
    given = definitions(folder, folder / "data")
    run = HeadlessRun(given, instance, lambda _: None)
    run.execute("ingest")
    run.prepare(snapshot_months(LAST))
    made = given.resolve_job_def("segment_snapshot").execute_in_process(
        instance=instance,
        partition_key=LAST,
        asset_selection=[AssetKey(name) for name in SEGMENTED],
        run_config={"ops": {"k_sweep": {"config": {"k": 2, "k_max": 2, "n_init": 2}}}},
    )
    evaluations = made.get_asset_check_evaluations()
    assert {each.asset_key.to_user_string() for each in evaluations} == SEGMENTED - {
        "cluster_model"
    }
    assert all(each.passed for each in evaluations)
    assert run.warnings == []
    return folder


def definitions(source: Path, storage: Path) -> Definitions:
    return build_definitions(Settings(source=str(source), category="Toys", storage=storage))


@pytest.fixture
def store(folder: Path, tmp_path: Path) -> Store:
    """A copy to spoil."""
    shutil.copytree(folder / "data/Toys", tmp_path / "data/Toys")
    return Store(tmp_path / "data", "Toys")


def spoil(folder: Location, change: Callable[[pa.Table], pa.Table]) -> None:
    """Changes the content of the stored files that have any."""
    for path in map(on_disk, parquet_files(folder)):
        table = pq.ParquetFile(path).read()
        if table.num_rows:
            pq.write_table(change(table), path)
            # Spark would notice by its checksum that the file is not the one it wrote.
            path.with_name(f".{path.name}.crc").unlink(missing_ok=True)


def edit(**changed: Callable[[pd.Series], Any]) -> Callable[[pa.Table], pa.Table]:
    """Changes columns of a table, and not its schema."""

    def change(table: pa.Table) -> pa.Table:
        frame = table.to_pandas()
        for name, value in changed.items():
            frame[name] = value(frame[name])
        return pa.Table.from_pandas(frame, table.schema, preserve_index=False)

    return change


def first_row_only(table: pa.Table) -> pa.Table:
    return table.slice(0, 1)


def first_row_twice(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table.slice(0, 1), table])


def evaluate(
    store: Store,
    instance: DagsterInstance,
    *assets: str,
    months: tuple[str, ...] = (LAST,),
    **configured: Any,
) -> tuple[bool, dict[str, AssetCheckEvaluation]]:
    """Runs the checks of assets alone."""
    checks = AssetSelection.checks_for_assets(*(AssetKey(name) for name in assets))
    partitioned = assets[0] not in ("raw_reviews", "raw_metadata", "clean_metadata")
    result = run_checks(store, instance, checks, months if partitioned else None, **configured)
    return result.success, {e.check_name: e for e in result.get_asset_check_evaluations()}


def run_checks(
    store: Store,
    instance: DagsterInstance,
    checks: AssetSelection,
    months: tuple[str, ...] | None,
    **configured: Any,
) -> ExecuteInProcessResult:
    given = definitions(on_disk(store.root), on_disk(store.root))
    job = define_asset_job("checks_alone", selection=checks)
    return (
        Definitions.merge(given, Definitions(jobs=[job]))
        .resolve_job_def("checks_alone")
        .execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={
                ASSET_PARTITION_RANGE_START_TAG: months[0],
                ASSET_PARTITION_RANGE_END_TAG: months[-1],
            }
            if months
            else {},
            run_config={"ops": {name: {"config": config} for name, config in configured.items()}},
        )
    )


SPOILED: dict[str, tuple[str, Callable[[pa.Table], pa.Table], dict[str, Any]]] = {
    # What is done to which table, and the figures of the checks that must fail.
    "raw_reviews lose rows": ("raw_reviews", first_row_only, {"rows_as_read": 22}),
    "raw_metadata repeat": ("raw_metadata", first_row_twice, {"rows_as_read": 1}),
    "a product is there twice": (
        "clean_metadata",
        first_row_twice,
        {"parent_asin_unique": 1, "rows_accounted": 1},
    ),
    "clean reviews lose rows": (
        f"clean_reviews/month={LAST}",
        first_row_only,
        {"rows_accounted": 11},
    ),
    "joined reviews are doubled": (
        f"joined_reviews/month={LAST}",
        first_row_twice,
        {"rows_as_clean": 1},
    ),
    "a column is gone": (
        f"joined_reviews/month={LAST}",
        lambda table: table.drop_columns(["price"]),
        {"schema_as_declared": 1},
    ),
    "a customer is gone from the clusters": (
        f"customer_clusters/month={LAST}",
        lambda table: table.slice(1),
        {"one_cluster_each": None, "frequency_kept": None, "monetary_kept": None},
    ),
    "a customer is gone from the segments": (
        f"rfm_segments/month={LAST}",
        lambda table: table.slice(1),
        {"one_segment_each": None, "frequency_kept": None, "monetary_kept": None},
    ),
    "a segment is null": (
        f"rfm_segments/month={LAST}",
        edit(segment=lambda column: None),
        {"schema_as_declared": 1},
    ),
    "equals in other segments": (
        f"rfm_segments/month={LAST}",
        edit(segment=lambda column: [f"s{n}" for n in range(len(column))], recency=lambda c: 1),
        {"equal_customers_get_equal_segments": 1.0},
    ),
    "features cannot be": (
        f"rfm_features/month={LAST}",
        edit(recency=lambda column: 0, frequency=lambda c: c + 1, monetary=lambda c: c + 1),
        {"features_in_range": 24, "frequency_kept": 24, "monetary_kept": 24.0},
    ),
    "customers are all the same": (
        f"rfm_features/month={LAST}",
        edit(user_id=lambda column: "me"),
        {"user_id_unique": 23},
    ),
    "clusters count other customers": (
        f"cluster_centers/month={LAST}",
        edit(customers=lambda column: column + 1),
        {"customers_kept": 2},
    ),
    "the sweep found nothing": (
        f"k_sweep/month={LAST}",
        edit(silhouette=lambda column: 0.1),
        {"silhouette_high_enough": 0.1},
    ),
    "the summary misses customers": (
        f"segment_summary/month={LAST}",
        edit(
            customers=lambda column: column - (column.index == 0),
            total_frequency=lambda column: column - (column.index == 0),
            total_monetary=lambda column: column - (column.index == 0),
        ),
        {
            "segments_and_clusters_cover_the_same_customers": 1,
            "frequency_kept": 1,
            "monetary_kept": 1.0,
        },
    ),
    "a picture's table counts other customers": (
        f"scheme_comparison/month={LAST}",
        edit(notebook_customers=lambda column: column + (column.index == 0)),
        {"customers_kept": 1},
    ),
}
JUDGEMENTS = {"silhouette_high_enough", "equal_customers_get_equal_segments"}


@pytest.mark.parametrize("what", SPOILED)
def test_spoiled_tables_are_found(store: Store, instance: DagsterInstance, what: str) -> None:
    place, change, expected = SPOILED[what]
    asset = place.split("/")[0]
    spoil(store.folder / place, change)
    success, found = evaluate(store, instance, asset)
    failed = {name: evaluation for name, evaluation in found.items() if not evaluation.passed}
    assert failed.keys() == expected.keys()
    for name, evaluation in failed.items():
        figures = {key: value.value for key, value in evaluation.metadata.items()}
        if expected[name] is not None:
            assert figures["value"] == pytest.approx(expected[name])
        assert "threshold" in figures
        assert evaluation.blocking == (name not in JUDGEMENTS)
        assert evaluation.severity.value == ("ERROR" if evaluation.blocking else "WARN")
        assert evaluation.description
    assert success == (failed.keys() <= JUDGEMENTS)


def test_a_range_tells_its_worst_month_and_needs_no_other(
    store: Store, instance: DagsterInstance
) -> None:
    spoil(store.path("joined_reviews", MONTHS[0]), first_row_only)
    success, found = evaluate(store, instance, "joined_reviews", months=MONTHS)
    rows = found["rows_as_clean"]
    assert not success
    assert rows.description is not None
    assert rows.description.startswith("2023-01: Of 12 rows, 1 kept leave 11")
    assert rows.metadata["month"].value == "2023-01"
    assert rows.metadata["months_failed"].value == ["2023-01"]
    shutil.rmtree(on_disk(store.path("joined_reviews", MONTHS[0])))
    success, found = evaluate(store, instance, "joined_reviews")
    assert success
    assert found["rows_as_clean"].metadata["months_checked"].value == 1


def test_thresholds_of_judgement_are_configuration(store: Store, instance: DagsterInstance) -> None:
    strict = {"min_cluster_share": 0.9, "min_silhouette": -1.0}
    success, found = evaluate(store, instance, "k_sweep", "cluster_centers", k_sweep_checks=strict)
    assert success
    tiny = found["no_tiny_cluster"]
    assert not tiny.passed
    assert tiny.metadata["threshold"].value == 0.9
    assert found["silhouette_high_enough"].passed


SAMPLE = SampleSource(Path()).description


def change_manifest(store: Store, asset: str, source: str = "", **changed: Any) -> None:
    """Changes what is known of a raw table's source, and of the one file of it."""
    manifest = require_manifest(store, asset)
    files = {name: replace(file, **changed) for name, file in manifest.files.items()}
    replace(manifest, source=source, files=files).write(store.path(asset))


def failures(found: dict[str, AssetCheckEvaluation]) -> dict[str, Any]:
    """The figures of the checks that failed."""
    return {
        name: evaluation.metadata["value"].value
        for name, evaluation in found.items()
        if not evaluation.passed
    }


@pytest.mark.parametrize(
    ("rating", "verified", "furthest"),
    [(1.0, 12, 1 - 0.122), (5.0, 0, 0.924)],
)
def test_missing_months_and_what_is_not_like_the_sample_are_told(
    store: Store, instance: DagsterInstance, rating: float, verified: int, furthest: float
) -> None:
    counts = MonthCounts(12, verified)
    change_manifest(store, "raw_reviews", SAMPLE, months={"2022-11": counts, LAST: counts})
    spoil(store.path("raw_reviews"), edit(rating=lambda column: rating))
    success, found = evaluate(store, instance, "raw_reviews")
    assert success
    assert failures(found) == {
        "no_month_gaps": 2,
        "sample_as_published": pytest.approx(furthest),
    }


def test_products_with_more_prices_than_those_of_the_sample_are_told(
    store: Store, instance: DagsterInstance
) -> None:
    # Of three products any share might be chance.
    spoil(store.path("raw_metadata"), lambda table: pa.concat_tables([table] * 10))
    change_manifest(store, "raw_metadata", SAMPLE, rows=30)
    success, found = evaluate(store, instance, "raw_metadata")
    assert success
    assert failures(found) == {"sample_as_published": pytest.approx(0.673)}


@pytest.mark.parametrize(
    ("asset", "former", "change"),
    [
        ("clean_metadata", {"rows": 3, "nulls": {"title": 0}}, 1.0),
        # The same month counts, as it was; only else the month before.
        ("clean_reviews", {"rows": 12, "nulls": {"title": 9}}, 0.25),
        ("joined_reviews", None, 1.0),
    ],
)
def test_a_column_that_is_no_longer_filled_is_told(
    store: Store,
    instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    asset: str,
    former: dict[str, Any] | None,
    change: float,
) -> None:
    monkeypatch.setattr(tables, "MIN_ROWS_FOR_SHARES", 1)
    month = None if asset == "clean_metadata" else LAST
    folder = store.path(asset, month)
    spoil(folder, edit(title=lambda column: None))
    write_facts(folder, read_facts(store, asset, month) | {FORMER: former})
    success, found = evaluate(store, instance, asset)
    assert success
    assert failures(found) == {"null_shares_steady": change}


def test_duplicates_and_unpriced_reviews_are_told(
    store: Store, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MIN_ROWS_FOR_SHARES", 1)
    change_manifest(store, "raw_reviews", months={LAST: MonthCounts(13, 13)})
    for asset, further in (
        ("clean_reviews", {"duplicate": 1}),
        ("rfm_features", {"in_window": 25, "no_price": 1}),
    ):
        figures = read_facts(store, asset, LAST) | further
        write_facts(store.path(asset, LAST), figures)
    success, found = evaluate(
        store,
        instance,
        "clean_reviews",
        "rfm_features",
        clean_reviews_checks={"max_duplicate_share": 0.0},
        rfm_features_checks={"max_unpriced_share": 0.0},
    )
    assert success
    assert failures(found) == {"few_duplicates": 1 / 13, "few_unpriced_reviews": 1 / 25}


def test_equal_customers_of_other_names_are_told(store: Store, instance: DagsterInstance) -> None:
    # In all sums but those of users, one is as good as the other.
    spoil(store.path("customer_clusters", LAST), edit(user_id=lambda c: c.replace("user-3", "x")))
    success, found = evaluate(store, instance, "segment_summary")
    assert not success
    assert failures(found) == {"segments_and_clusters_cover_the_same_customers": 2}


CUSTOMERS_COUNTED = (CLUSTER_DENSITY, RFM_HISTOGRAMS, CLUSTER_VALIDATION)
UNMADE = (*CUSTOMERS_COUNTED, *EXPLORED)
"""Tables that the run of these tests does not make, as it would take long."""

OFF_BY_ONE = 25
"""One more than there are customers, and reviews; of products there are three."""

MISCOUNTED = {
    **{(table.name, "customers_kept"): 1 for table in CUSTOMERS_COUNTED},
    ("rating_counts", "rows_kept"): 1,
    ("review_counts", "rows_kept"): 1,
    ("main_category_counts", "rows_kept"): 22,
}

TOLD_ELSEWHERE = {
    # By the other tests of this file.
    ("raw_reviews", "no_month_gaps"),
    ("raw_reviews", "sample_as_published"),
    ("raw_metadata", "sample_as_published"),
    ("clean_metadata", "null_shares_steady"),
    ("clean_reviews", "null_shares_steady"),
    ("joined_reviews", "null_shares_steady"),
    ("clean_reviews", "few_duplicates"),
    ("rfm_features", "few_unpriced_reviews"),
    ("cluster_centers", "no_tiny_cluster"),
    # By those of the assets of raw tables.
    ("raw_reviews", "all_lines_read"),
    ("raw_metadata", "all_lines_read"),
    ("raw_reviews", "no_unknown_fields"),
    ("raw_metadata", "no_unknown_fields"),
    ("raw_reviews", "rows_in_span"),
}
SCHEMA = "schema_as_declared"


def all_checks() -> set[tuple[str, str]]:
    """Asset and name of each check of the graph."""
    keys = build_definitions(Settings()).resolve_asset_graph().asset_check_keys
    return {(key.asset_key.to_user_string(), key.name) for key in keys}


def one_row(table: Table) -> pd.DataFrame:
    """A row of the declared types, whose counts are all the same."""
    row = {
        column.name: pa.array([OFF_BY_ONE], pa.int32()).cast(column.type)
        for column in table.columns
    }
    return pa.table(row).to_pandas().assign(**{"scope": ALL_TIME} if "scope" in row else {})


def test_undeclared_columns_and_wrong_counts_are_found_in_every_table(
    store: Store, instance: DagsterInstance
) -> None:
    for table in UNMADE:
        write_small(one_row(table), store, table, LAST if table.by_month else None)
    schemas = {each for each in all_checks() if each[1] == SCHEMA}
    for asset, _ in schemas:
        spoil(store.folder / asset, lambda table: table.append_column("x", table.columns[0]))
    result = run_checks(store, instance, AssetSelection.all_asset_checks(), (LAST,))
    failed = {
        (each.asset_key.to_user_string(), each.check_name): each.metadata["value"].value
        for each in result.get_asset_check_evaluations()
        if not each.passed
    }
    assert failed == MISCOUNTED | dict.fromkeys(schemas, 1)


def test_each_check_of_the_graph_has_data_that_makes_it_fail() -> None:
    spoiled = {
        (place.split("/")[0], check) for place, _, figures in SPOILED.values() for check in figures
    }
    checks = all_checks()
    schemas = {each for each in checks if each[1] == SCHEMA}
    assert checks == spoiled | schemas | MISCOUNTED.keys() | TOLD_ELSEWHERE


def headless(store: Store, instance: DagsterInstance, asset: str, **ops: Any) -> HeadlessRun:
    """A run whose job has the checks of one asset alone."""
    given = definitions(on_disk(store.root), on_disk(store.root))
    alone = AssetSelection.checks_for_assets(AssetKey(asset))
    job = define_asset_job("segment_snapshot", selection=alone)
    reduced = Definitions(
        given.assets, jobs=[job], resources=given.resources, asset_checks=given.asset_checks
    )
    return HeadlessRun(reduced, instance, lambda _: None, ops)


def test_a_headless_run_ends_at_a_blocking_check(store: Store, instance: DagsterInstance) -> None:
    spoil(store.path("rfm_features", LAST), edit(user_id=lambda column: "me"))
    run = headless(store, instance, "rfm_features")
    with pytest.raises(InputError, match=r"rfm_features, user_id_unique: 2023-02: 23 of 24 rows"):
        run.segment(LAST)
    assert run.warnings == []


def test_a_headless_run_goes_on_after_a_judgement(store: Store, instance: DagsterInstance) -> None:
    run = headless(store, instance, "k_sweep", k_sweep_checks={"min_silhouette": 0.999})
    run.segment(LAST)
    [warning] = run.warnings
    record = instance.event_log_storage.get_asset_check_execution_history(
        AssetCheckKey(AssetKey("k_sweep"), "silhouette_high_enough"), limit=1
    )[0]
    assert record.partition == LAST
    assert warning.startswith("k_sweep, silhouette_high_enough: 2023-02: The mean silhouette is 0.")


def test_values_of_a_column_are_counted(tmp_path: Path) -> None:
    for name, values in (("a", [1.0, 1.0, None]), ("b", [1.0, 2.0])):
        pq.write_table(pa.table({"x": values}), tmp_path / f"{name}.parquet", row_group_size=2)
    assert count_values(tmp_path, "x") == {1.0: 3, 2.0: 1, None: 1}
