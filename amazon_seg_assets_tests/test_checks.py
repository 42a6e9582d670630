"""Each check passes on what is right, and fails with value and threshold on what is not."""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetSelection,
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    JobDefinition,
    define_asset_job,
)
from pyspark.sql import SparkSession

from amazon_seg_assets.dag.checks import Check
from amazon_seg_assets.dag.declaration import declared_in
from amazon_seg_assets.dag.derived import derived_verdicts
from amazon_seg_assets.dag.handles import Handle, Snapshot, Whole
from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.dag.metadata import rounded
from amazon_seg_assets.definitions import DECLARATIONS, build_definitions
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import Span
from amazon_seg_assets.planning.jobs import INGEST, PREPARE, SEGMENT
from amazon_seg_assets.planning.planner import PARTS
from amazon_seg_assets.quality import tables
from amazon_seg_assets.quality.control_totals import (
    Totals,
    customer_totals,
    not_once_in_both,
    repeated,
)
from amazon_seg_assets.quality.verdict import Verdict, worst
from amazon_seg_assets.run.headless import HeadlessRun
from amazon_seg_assets.schema import Column, Table
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.cleaning import checks as of_reviews
from amazon_seg_assets.stages.cleaning.tables import CLEAN_METADATA, CLEAN_REVIEWS, JOINED_REVIEWS
from amazon_seg_assets.stages.clusters import checks as of_clusters
from amazon_seg_assets.stages.clusters.tables import (
    CLUSTER_CENTERS,
    CLUSTER_DENSITY,
    CUSTOMER_CLUSTERS,
    K_SWEEP,
)
from amazon_seg_assets.stages.exploration.tables import ALL_TIME
from amazon_seg_assets.stages.overview import checks as of_summary
from amazon_seg_assets.stages.overview.tables import CLUSTER_VALIDATION
from amazon_seg_assets.stages.raw import checks as raw
from amazon_seg_assets.stages.raw.manifest import (
    FileRecord,
    Manifest,
    MonthCounts,
    require_manifest,
)
from amazon_seg_assets.stages.raw.tables import RAW_METADATA, RAW_REVIEWS
from amazon_seg_assets.stages.rfm import checks as of_features
from amazon_seg_assets.stages.rfm.assets import rfm_features
from amazon_seg_assets.stages.rfm.tables import RFM_FEATURES, RFM_HISTOGRAMS
from amazon_seg_assets.stages.segments.tables import RFM_SEGMENTS
from amazon_seg_assets.storage.contents import CONTENTS, keep_contents
from amazon_seg_assets.storage.facts import read_facts, write_facts
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.locations import Location
from amazon_seg_assets.storage.parquet import Stats, count_values, parquet_files, write_small
from amazon_seg_assets.storage.spark_tables import FORMER
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.graph import Graph, family_of
from amazon_seg_assets_tests.raw_files import product, review, write_raw

MONTHS = ("1996-05", "1996-06")
"""The first of the span, before which a snapshot needs none."""
LAST = MONTHS[-1]
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
    assert tables.totals_kept("USD", 10.004, [10.01]).passed
    verdict = tables.totals_kept("USD", 10.0, [10.25])
    assert (verdict.passed, verdict.value, verdict.threshold) == (False, 0.25, 0.01)
    assert verdict.sentence == "10.25 USD after the step, 10.00 before."


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


def of_facts(folder: Path, table: Table, facts: Mapping[str, Any]) -> Snapshot:
    """A handle on a month of a table with such facts."""
    store = Store(folder, "Toys")
    write_small(pd.DataFrame(columns=table.column_names), store, table, LAST, facts)
    return Snapshot(family_of(), store, LAST)


def of_source(folder: Path, rows: int, span: Span | None = None, **told: Any) -> Any:
    """A handle on raw tables from a source of one file."""
    months = {month: MonthCounts(n) for month, n in told.pop("months", {}).items()}
    file = FileRecord("1", rows, 0, [], months)
    store = Store(folder, "Toys")
    for table in (RAW_REVIEWS, RAW_METADATA):
        path = on_disk(store.path(table.name))
        path.mkdir(parents=True, exist_ok=True)
        Manifest("1", "folder x", {"file": file}, **told).write(path)
    settings = SimpleNamespace(span=span or Settings().span)
    return SimpleNamespace(storage=store, family=SimpleNamespace(settings=settings))


def test_months_without_reviews_count_after_the_first_ones(tmp_path: Path) -> None:
    [check] = raw.no_month_gaps

    def gaps(months: dict[str, int], span: Span | None = None, **thresholds: int) -> Verdict:
        handle = of_source(tmp_path, sum(months.values()), span, months=months)
        return check.judge(handle, **thresholds)

    rows = {"1997-01": 1, "1999-05": 3, "2000-01": 50, "2000-02": 50, "2000-03": 50}
    assert judged(gaps(rows)) == (True, 0)
    missing = gaps(rows | {"2000-06": 50})
    assert judged(missing) == (False, 2)
    assert "2000-04, 2000-05" in missing.sentence
    assert gaps(rows | {"2000-06": 50}, max_month_gaps=2).passed
    assert gaps({}).passed
    # A wrong date is outside the span, where no gap counts.
    assert judged(gaps(rows | {"9999-12": 50})) == (True, 0)
    early = {"0998-11": 60, "0999-01": 50}
    assert judged(gaps(early, Span("0001-01", "9999-12"))) == (False, 1)


def test_many_duplicates_are_told(tmp_path: Path) -> None:
    [check] = of_reviews.few_duplicates

    def verdict(verified: int, duplicate: int, **thresholds: float) -> Verdict:
        facts = {"raw": verified + 500, "not_verified": 500, "duplicate": duplicate}
        return check.judge(of_facts(tmp_path, CLEAN_REVIEWS, facts), **thresholds)

    assert verdict(1_000, 100).passed
    assert judged(verdict(1_000, 101)) == (False, 0.101)
    assert verdict(1_000, 101, max_duplicate_share=0.2).passed
    assert verdict(999, 900).passed


def test_the_sample_keeps_to_published_shares_as_near_as_chance_allows(tmp_path: Path) -> None:
    _, check = raw.sample_as_published

    def verdict(rows: int, **told: Any) -> Verdict:
        handle = of_source(tmp_path, rows, **told)
        handle.stats = lambda _: Stats(nulls={"price": round((0.673 - 0.034) * rows)})
        return check.judge(handle)

    off = verdict(40_000, is_sample=True)
    assert judged(off) == (False, pytest.approx(0.034))
    assert off.threshold == pytest.approx(0.02 + 2 / 200)
    assert verdict(10_000, is_sample=True).passed
    other = verdict(40_000)
    assert other.passed
    assert other.sentence == "Not the sample, but folder x: nothing to compare with."


def test_reviews_without_a_price_are_few(tmp_path: Path) -> None:
    [check] = of_features.few_unpriced_reviews

    def verdict(no_price: int, in_window: int, **thresholds: float) -> Verdict:
        facts = {"no_price": no_price, "in_window": in_window}
        return check.judge(of_facts(tmp_path, RFM_FEATURES, facts), **thresholds)

    assert verdict(5, 10).passed
    assert judged(verdict(6, 10)) == (False, 0.6)
    assert verdict(6, 10, max_unpriced_share=0.6).passed
    assert verdict(0, 0).passed


OFF_BY_ONE = 25
"""One more than there are customers, and reviews; of products there are three."""


def off_by_one(type_: pa.DataType) -> Any:
    """The count as a value of a type."""
    if pa.types.is_list(type_):
        return [off_by_one(type_.value_type)]
    if pa.types.is_binary(type_):
        return str(OFF_BY_ONE).encode()
    whole = pa.scalar(OFF_BY_ONE, pa.int64() if pa.types.is_timestamp(type_) else pa.int32())
    return whole.cast(type_).as_py()


def one_row(table: Table) -> pd.DataFrame:
    """A row of the declared types, whose counts are all the same."""
    row = {
        column.name: pa.array([off_by_one(column.type)], column.type) for column in table.columns
    }
    return pa.table(row).to_pandas().assign(**{"scope": ALL_TIME} if "scope" in row else {})


def test_clusters_are_neither_tiny_nor_close(tmp_path: Path) -> None:
    store = Store(tmp_path, "Toys")
    month = Snapshot(family_of(), store, LAST)
    tried = pd.concat([one_row(K_SWEEP)] * 2)
    write_small(
        tried.assign(k=[2, 3], chosen=[True, False], silhouette=[0.45, 0.1]), store, K_SWEEP, LAST
    )
    of_each = pd.concat([one_row(CLUSTER_CENTERS)] * 3)
    sizes = of_each.assign(k=[2, 2, 3], cluster_label=["Big", "Small", "No"], customers=[99, 1, 0])
    write_small(sizes, store, CLUSTER_CENTERS, LAST)
    [check] = of_clusters.no_tiny_cluster
    tiny = check.judge(month)
    assert judged(tiny) == (False, 0.01)
    assert "Small" in tiny.sentence
    assert check.judge(month, min_cluster_share=0.01).passed
    [check] = of_clusters.silhouette_high_enough
    assert judged(check.judge(month)) == (True, 0.45)
    assert not check.judge(month, min_silhouette=0.46).passed


def test_customers_are_judged_by_their_totals() -> None:
    def found(segmented: int, clustered: int, in_summary: int) -> Verdict:
        totals = {
            RFM_SEGMENTS.name: Totals(segmented, 0, 0, 0.0, (7, 7)),
            CUSTOMER_CLUSTERS.name: Totals(clustered, 0, 0, 0.0, (7, 7)),
        }
        summary = pd.DataFrame({"customers": [in_summary]})
        handle = SimpleNamespace(memory=totals, read=lambda _: None, small=lambda _: summary)
        [check] = of_summary.segments_and_clusters_cover_the_same_customers
        return check.judge(handle)

    assert found(5, 5, 5).passed
    assert judged(found(5, 5, 4)) == (False, 1)
    # The summary is a join, which might multiply customers.
    assert judged(found(10, 10, 20)) == (False, 10)
    odd = tables.one_each("cluster", 1, 3)
    assert judged(odd) == (False, 1)
    assert odd.sentence == "1 of 3 customers are in no cluster or in more than one."
    assert tables.one_each("cluster", 0, 3).passed


def handle_on(store: Store, table: Table) -> Handle:
    """A handle on a table, or on the last month of it, without Spark."""
    return Snapshot(family_of(), store, LAST) if table.by_month else Whole(family_of(), store)


def derived(table: Table, name: str) -> Check:
    """A check that follows from a table."""
    [found] = [Check(table, *each) for each in derived_verdicts(table) if each[0] == name]
    return found


def name_of_unique(table: Table) -> str:
    return f"{table.key[0] if len(table.key) == 1 else 'key'}_unique"


TABLES = [table for declared in DECLARATIONS for table in declared.tables]
KEYED = [table for table in TABLES if table.key and table.is_small]


@pytest.mark.parametrize("table", KEYED, ids=lambda table: table.name)
def test_a_key_of_a_small_table_is_not_there_twice(tmp_path: Path, table: Table) -> None:
    """Rows that differ in one column of the key, whichever, are not the same."""
    one, store = one_row(table), Store(tmp_path, "Toys")
    different: dict[str, Any] = {
        column: {"object": "another", "bool": False}.get(str(one[column].dtype), OFF_BY_ONE + 1)
        for column in table.key
    }
    check = derived(table, name_of_unique(table))
    for others, repeats in (*(({k: v}, 0) for k, v in different.items()), ({}, 1)):
        rows = pd.concat([one, one.assign(**others)])
        write_small(rows, store, table, LAST if table.by_month else None)
        verdict = check.judge(handle_on(store, table))
        assert judged(verdict) == (not repeats, repeats)
        assert verdict.sentence == f"{repeats} of 2 rows repeat a {', '.join(table.key)}."
    assert check.blocking


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
    [in_range] = of_features.features_in_range
    verdicts = [
        in_range.judge(SimpleNamespace(memory={RFM_FEATURES.name: each})) for each in totals[:2]
    ]
    assert [judged(verdict) for verdict in verdicts] == [(True, 0), (False, 4)]
    assert not_once_in_both(good, again, totals[0], totals[2]) == 0
    assert not_once_in_both(good, bad, *totals[:2]) == 1
    # As many rows, but one customer twice and another not at all.
    swapped = spark.createDataFrame([right[0], right[1], right[1]], schema)
    assert not_once_in_both(good, swapped, *customer_totals(good, swapped)) == 2
    assert [repeated(f, ["user_id"], n) for f, n in ((good, 3), (bad, 4))] == [0, 1]


AS_MADE = "as_made"
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
def made(
    spark: SparkSession, instance: DagsterInstance, tmp_path_factory: pytest.TempPathFactory
) -> Graph:
    """The storage after a run over two months."""
    assert spark is not None
    reviews = [
        review(f"user-{user}", f"product-{user % 3}", f"{MONTHS[user % 2]}-1{user % 9}T12:00:00")
        for user in range(24)
    ]
    products = [product(f"product-{number}", 10.0 * 3**number) for number in range(3)]
    folder = write_raw(tmp_path_factory.mktemp("checks"), "Toys", reviews, products)
    graph = Graph(folder, "Toys", instance)
    run = graph.run()
    run.execute(INGEST)
    run.execute(PREPARE, range_tags(*MONTHS))
    sweep = {"k": 2, "k_max": 2, "n_init": 2}
    evaluations = graph.materialize(
        LAST, sorted(SEGMENTED), k_sweep=sweep
    ).get_asset_check_evaluations()
    assert {each.asset_key.path[-1] for each in evaluations} == SEGMENTED - {"cluster_model"}
    assert all(each.passed for each in evaluations)
    assert run.warnings == []
    shutil.copytree(on_disk(graph.store.folder), folder / AS_MADE)
    return graph


@pytest.fixture(scope="module")
def definitions(made: Graph) -> Definitions:
    return build_definitions(made.family.settings)


@pytest.fixture
def graph(made: Graph) -> Graph:
    """The same as it was made, to spoil."""
    folder = on_disk(made.store.folder)
    shutil.rmtree(folder)
    shutil.copytree(made.folder / AS_MADE, folder)
    return made


def spoil(folder: Location, change: Callable[[pa.Table], pa.Table]) -> None:
    """Changes the content of the stored files that have any."""
    for path in map(on_disk, parquet_files(folder)):
        table = pq.ParquetFile(path).read()
        if table.num_rows:
            pq.write_table(change(table), path)
    # And each reader by what was kept of the files; here they are as if they had been written so.
    place = on_disk(folder)
    for kept in (*place.rglob(CONTENTS), place.parent / CONTENTS):
        if kept.exists():
            keep_contents(kept.parent)


def edit(**changed: Callable[[pd.Series], Any]) -> Callable[[pa.Table], pa.Table]:
    """Changes columns of a table, and not its schema."""

    def change(table: pa.Table) -> pa.Table:
        frame = table.to_pandas()
        for name, value in changed.items():
            frame[name] = value(frame[name])
        return pa.Table.from_pandas(frame, table.schema, preserve_index=False)

    return change


def users_of(table: pa.Table) -> list[str]:
    users: list[str] = table["user_id"].to_pylist()
    return users


def first_row_only(table: pa.Table) -> pa.Table:
    return table.slice(0, 1)


def first_row_twice(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table.slice(0, 1), table])


def job_of(definitions: Definitions, checks: AssetSelection) -> Definitions:
    """The definitions, and a job that has some checks alone."""
    job = define_asset_job("Toys__checks", selection=checks)
    return Definitions.merge(definitions, Definitions(jobs=[job]))


def checks_for(graph: Graph, *assets: str) -> AssetSelection:
    return AssetSelection.checks_for_assets(*map(graph.family.key, assets))


def evaluate(
    graph: Graph, definitions: Definitions, asset: str
) -> tuple[bool, dict[str, AssetCheckEvaluation]]:
    """Runs the checks of an asset alone."""
    partitioned = asset not in ("raw_reviews", "raw_metadata", "clean_metadata")
    tags = range_tags(LAST, LAST) if partitioned else {}
    success, found = evaluate_months(graph, definitions, asset, tags)
    return success, {name: evaluation for (name, _), evaluation in found.items()}


def evaluate_months(
    graph: Graph, definitions: Definitions, asset: str, tags: dict[str, str]
) -> tuple[bool, dict[tuple[str, str | None], AssetCheckEvaluation]]:
    """Runs the checks of an asset over the partitions that tags name; by check and month."""
    job = job_of(definitions, checks_for(graph, asset)).resolve_job_def("Toys__checks")
    result = run_checks(graph, job, tags)
    found = result.get_asset_check_evaluations()
    return result.success, {(each.check_name, each.partition): each for each in found}


def run_checks(graph: Graph, job: JobDefinition, tags: dict[str, str]) -> ExecuteInProcessResult:
    return job.execute_in_process(instance=graph.instance, raise_on_error=False, tags=tags)


SPOILED: dict[str, tuple[str, Callable[[pa.Table], pa.Table], dict[str, Any]]] = {
    # What is done to which table, and the values of the checks that must fail.
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
        {"one_cluster_each": 1, "frequency_kept": None, "monetary_kept": None},
    ),
    "a customer is gone from the segments": (
        f"rfm_segments/month={LAST}",
        lambda table: table.slice(1),
        {"one_segment_each": 1, "frequency_kept": None, "monetary_kept": None},
    ),
    "a segment is null": (
        f"rfm_segments/month={LAST}",
        edit(segment=lambda column: None),
        {"schema_as_declared": 1},
    ),
    "an equal in another segment": (
        f"rfm_segments/month={LAST}",
        lambda table: edit(
            segment=lambda _: ["x" if user == "user-3" else "y" for user in users_of(table)],
            recency=lambda _: 1,
        )(table),
        # Of the 24 customers 8 have bought the same product.
        {"equal_customers_get_equal_segments": 8 / 24},
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
def test_spoiled_tables_are_found(graph: Graph, definitions: Definitions, what: str) -> None:
    place, change, expected = SPOILED[what]
    spoil(graph.store.folder / place, change)
    success, found = evaluate(graph, definitions, place.split("/")[0])
    failed = {name: evaluation for name, evaluation in found.items() if not evaluation.passed}
    assert failed.keys() == expected.keys()
    for name, evaluation in failed.items():
        if expected[name] is not None:
            assert evaluation.metadata["value"].value == rounded(float(expected[name]))
        assert "threshold" in evaluation.metadata
        assert evaluation.blocking == (name not in JUDGEMENTS)
        assert evaluation.severity.value == ("ERROR" if evaluation.blocking else "WARN")
        assert evaluation.description
    assert success == (failed.keys() <= JUDGEMENTS)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize("harm", [Path.unlink, cut], ids=["deleted", "cut"])
def test_nothing_is_made_of_a_month_that_is_damaged_until_it_is_made_again(
    graph: Graph, harm: Callable[[Path], None]
) -> None:
    run, months = graph.run(), range_tags(LAST, LAST)
    features = graph.files()
    files = parquet_files(graph.store.path("joined_reviews", LAST))
    file = on_disk(max(files, key=lambda each: on_disk(each).stat().st_size))
    harm(file)
    message = rf"^joined_reviews of Toys is damaged: {re.escape(file.name)} .*{LAST}; materialize"
    with pytest.raises(InputError, match=message):
        run.execute(SEGMENT, months, [rfm_features])
    stored = "Toys/rfm_features"
    assert {k: v for k, v in graph.files().items() if stored in k} == {
        k: v for k, v in features.items() if stored in k
    }
    # What is damaged is not read to be replaced.
    run.execute(PREPARE, months)
    run.execute(SEGMENT, months, [rfm_features])
    assert sum(graph.read("rfm_features", LAST)["frequency"]) == 24


def test_equal_customers_of_other_names_are_told(graph: Graph, definitions: Definitions) -> None:
    # In all sums but those of users, one is as good as the other.
    change = edit(user_id=lambda column: column.replace("user-3", "x"))
    spoil(graph.store.path("customer_clusters", LAST), change)
    success, found = evaluate(graph, definitions, "segment_summary")
    assert not success
    values = {name: each.metadata["value"].value for name, each in found.items() if not each.passed}
    assert values == {"segments_and_clusters_cover_the_same_customers": 2}


def test_each_month_of_a_range_has_its_own_evaluation_and_needs_no_other(
    graph: Graph, definitions: Definitions
) -> None:
    first = graph.store.path("joined_reviews", MONTHS[0])
    spoil(first, first_row_only)
    tags = range_tags(*MONTHS)
    success, found = evaluate_months(graph, definitions, "joined_reviews", tags)
    assert not success
    assert {month for _, month in found} == {*MONTHS}
    failed = {each: told for each, told in found.items() if not told.passed}
    assert [*failed] == [("rows_as_clean", "1996-05")]
    [told] = failed.values()
    assert told.description is not None
    assert told.description.startswith("1996-05: Of 12 rows, 1 kept leave 11")
    # The UI counts a check only where it is of what was materialized last.
    targets = {month: each.target_materialization_data for (_, month), each in found.items()}
    assert {month: target and target.storage_id for month, target in targets.items()} == {
        month: graph.last_materialization("joined_reviews", month).storage_id for month in MONTHS
    }
    shutil.rmtree(on_disk(first))
    assert evaluate(graph, definitions, "joined_reviews")[0]


def test_checks_without_a_month_are_of_all_that_are_stored(
    graph: Graph, definitions: Definitions
) -> None:
    """As "Execute all" starts them in the UI."""
    spoil(graph.store.path("joined_reviews", MONTHS[0]), first_row_only)
    success, found = evaluate_months(graph, definitions, "joined_reviews", {})
    assert not success
    assert {month for _, month in found} == {*MONTHS, None}
    told = found["rows_as_clean", None]
    assert not told.passed
    assert told.metadata["months_checked"].value == [*MONTHS]
    assert told.metadata["months_failed"].value == [MONTHS[0]]
    assert told.description is not None
    assert f"the worst is {MONTHS[0]}: " in told.description
    shutil.rmtree(on_disk(graph.store.base("joined_reviews")))
    job = job_of(definitions, checks_for(graph, "joined_reviews")).resolve_job_def("Toys__checks")
    [failure] = [e for e in run_checks(graph, job, {}).all_events if e.is_step_failure]
    assert "No month of joined_reviews is stored" in str(failure.step_failure_data)


def change_manifest(store: Store, asset: str, **changed: Any) -> None:
    """Changes what is known of the one file of a raw table, which becomes one of the sample."""
    manifest = require_manifest(store, asset)
    files = {name: replace(file, **changed) for name, file in manifest.files.items()}
    replace(manifest, files=files, is_sample=True).write(store.path(asset))


@pytest.mark.parametrize(
    ("rating", "verified", "furthest"),
    [(1.0, 12, 1 - 0.122), (5.0, 0, 0.924)],
)
def test_reviews_that_are_not_like_the_sample_are_told(
    graph: Graph, rating: float, verified: int, furthest: float
) -> None:
    change_manifest(graph.store, "raw_reviews", months={LAST: MonthCounts(24, 2 * verified)})
    spoil(graph.store.path("raw_reviews"), edit(rating=lambda column: rating))
    check, _ = raw.sample_as_published
    verdict = check.judge(Whole(graph.family, graph.store))
    assert judged(verdict) == (False, pytest.approx(furthest))


def test_products_with_more_prices_than_those_of_the_sample_are_told(graph: Graph) -> None:
    # Of three products any share might be chance.
    spoil(graph.store.path("raw_metadata"), lambda table: pa.concat_tables([table] * 10))
    change_manifest(graph.store, "raw_metadata", rows=30)
    _, check = raw.sample_as_published
    verdict = check.judge(Whole(graph.family, graph.store))
    assert judged(verdict) == (False, pytest.approx(0.673))


@pytest.mark.parametrize(
    ("table", "former", "change"),
    [
        (CLEAN_METADATA, {"rows": 3, "nulls": {"title": 0}}, 1.0),
        # The same month counts, as it was; only else the month before.
        (CLEAN_REVIEWS, {"rows": 12, "nulls": {"title": 9}}, 0.25),
        (JOINED_REVIEWS, None, 1.0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_column_that_is_no_longer_filled_is_told(
    graph: Graph,
    monkeypatch: pytest.MonkeyPatch,
    table: Table,
    former: dict[str, Any] | None,
    change: float,
) -> None:
    monkeypatch.setattr(tables, "MIN_ROWS_FOR_SHARES", 1)
    store, month = graph.store, LAST if table.by_month else None
    folder = store.path(table.name, month)
    spoil(folder, edit(title=lambda column: None))
    write_facts(folder, read_facts(store, table.name, month) | {FORMER: former})
    check, handle = derived(table, "null_shares_steady"), handle_on(store, table)
    assert judged(check.judge(handle)) == (False, change)
    assert check.judge(handle, max_null_share_change=change).passed
    assert not check.blocking


CUSTOMERS_COUNTED = (CLUSTER_DENSITY, RFM_HISTOGRAMS, CLUSTER_VALIDATION)
EXPLORED = [table for declared in declared_in("exploration") for table in declared.tables]
LATER = [
    table
    for stage in (*PARTS["history"], *PARTS["sentiment"], *PARTS["comparison"])
    for declared in declared_in(stage)
    for table in declared.tables
]
UNMADE = (*CUSTOMERS_COUNTED, *EXPLORED, *LATER)
"""Tables that the run of these tests does not make, as it would take long."""

FACTS_OF_UNMADE: dict[str, dict[str, Any]] = {
    # By these there is nothing to compare with.
    "customer_days": {
        "reviews_version": "other",
        "products_version": "other",
        "no_user": 0,
        "no_user_priced": 0,
        "min_price": 0.25,
    },
    "customer_lifecycle": {"min_prices": [], "window_reviews": 0, "window_spend": 0.0},
    "segment_transitions": {"compared": {}},
    "review_sentiment": {"no_model": 0},
    "clustering_comparison": {
        "recommendation": "Keep it.",
        "recommended": [f"{OFF_BY_ONE}", OFF_BY_ONE],
        "parts_of_customers": 1,
    },
    "clustering_alternative": {"customers": OFF_BY_ONE - 1},
    # Without a model there is nothing to judge.
    **{name: {"reason": "None."} for name in ("value_model", "value_backtest", "churn_evaluation")},
}

MISCOUNTED = {
    **{(table.name, "customers_kept"): 1 for table in CUSTOMERS_COUNTED},
    ("rating_counts", "rows_kept"): 1,
    ("review_counts", "rows_kept"): 1,
    ("main_category_counts", "rows_kept"): 22,
    ("customer_lifecycle", "no_month_before_is_missing"): 1,
    # One customer twice who is none of the 24.
    ("customer_lifecycle", "one_lifecycle_each"): 26,
    ("customer_lifecycle", "user_id_unique"): 1,
    ("lifecycle_summary", "lifecycles_add_up"): 24,
    ("segment_outcomes", "customers_kept"): 1,
    ("segment_outcomes", "shares_possible"): 1,
    ("segment_products", "shares_possible"): 1,
    ("customer_value", "customers_kept"): 22,
    ("churn_features", "customers_kept"): 22,
    ("churn_scores", "customers_kept"): 22,
    ("churn_summary", "customers_kept"): 23,
    ("churn_scores", "probabilities_possible"): 1,
    # Two of the twelve clean reviews of the month.
    ("review_sentiment", "rows_as_clean"): 10,
    ("review_sentiment", "sentiment_possible"): 2,
    ("sentiment_sums", "customers_kept"): 1,
    ("segment_sentiment", "customers_kept"): 1,
    ("segment_sentiment", "intervals_possible"): 3,
    ("customer_value", "figures_possible"): 2,
    ("clustering_alternative", "customers_kept"): 1,
    ("clustering_comparison", "comparison_figures_possible"): 1,
    ("clustering_comparison", "measured_as_in_the_sweep"): 1,
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
    *((table.name, name_of_unique(table)) for table in KEYED),
    # By those of the assets of raw tables.
    ("raw_reviews", "all_lines_read"),
    ("raw_metadata", "all_lines_read"),
    ("raw_reviews", "no_unknown_fields"),
    ("raw_metadata", "no_unknown_fields"),
    ("raw_reviews", "rows_in_span"),
    # By those of the history and of the movement.
    ("customer_days", "reviews_as_clean"),
    ("customer_days", "priced_reviews_as_joined"),
    ("customer_lifecycle", "window_as_features"),
    ("cohort_retention", "active_within_cohorts"),
    ("segment_transitions", "customers_of_both_snapshots_kept"),
    ("segment_transitions", "spend_of_both_snapshots_kept"),
    ("segment_outcomes", "outcomes_known_or_null"),
    # By those of judgements.
    ("clustering_comparison", "clusters_hold_up"),
    ("customer_value", "figures_possible"),
    ("value_model", "starts_agree"),
    ("value_model", "spend_independent"),
    ("value_backtest", "expectations_met"),
    ("value_backtest", "better_than_last_year"),
    ("churn_features", "features_steady"),
    ("churn_evaluation", "no_leak"),
    ("churn_evaluation", "base_rate_plausible"),
    ("churn_evaluation", "better_than_recency_alone"),
    ("churn_calibration", "calibrated"),
    ("churn_scores", "probabilities_possible"),
    ("churn_scores", "scores_steady"),
    # By those of sentiment.
    ("sentiment_evaluation", "better_than_always_positive"),
    ("sentiment_evaluation", "as_good_as_a_lexicon"),
    ("sentiment_evaluation", "sentiment_calibrated"),
    ("review_sentiment", "mostly_english"),
    ("segment_sentiment", "intervals_possible"),
    ("segment_words", "words_of_many"),
}
SCHEMA = "schema_as_declared"


def all_checks() -> set[tuple[str, str]]:
    """Asset and name of each check of the graph."""
    keys = build_definitions(Settings()).resolve_asset_graph().asset_check_keys
    return {(key.asset_key.path[-1], key.name) for key in keys}


def test_undeclared_columns_and_wrong_counts_are_found_in_every_table(
    graph: Graph, definitions: Definitions
) -> None:
    store = graph.store
    for table in UNMADE:
        row, month = one_row(table), LAST if table.by_month else None
        content = row if table.is_small else pd.concat([row] * 2)
        write_small(content, store, table, month, FACTS_OF_UNMADE.get(table.name))
    schemas = {each for each in all_checks() if each[1] == SCHEMA}
    for asset, _ in schemas:
        spoil(store.folder / asset, lambda table: table.append_column("x", table.columns[0]))
    job = job_of(definitions, AssetSelection.all_asset_checks()).resolve_job_def("Toys__checks")
    result = run_checks(graph, job, range_tags(LAST, LAST))
    failed = {
        (each.asset_key.path[-1], each.check_name): each.metadata["value"].value
        for each in result.get_asset_check_evaluations()
        if not each.passed
    }
    assert failed == MISCOUNTED | dict.fromkeys(schemas, 1)


def test_each_check_of_the_graph_has_data_that_makes_it_fail() -> None:
    spoiled = {
        (place.split("/")[0], check) for place, _, values in SPOILED.values() for check in values
    }
    checks = all_checks()
    schemas = {each for each in checks if each[1] == SCHEMA}
    assert checks == spoiled | schemas | MISCOUNTED.keys() | TOLD_ELSEWHERE


def headless(
    graph: Graph, definitions: Definitions, *assets: str, **ops: dict[str, Any]
) -> HeadlessRun:
    """A run whose job ``checks`` has the checks of some assets alone."""
    alone = job_of(definitions, checks_for(graph, *assets))
    return HeadlessRun(alone, graph.family, graph.instance, lambda _: None, ops)


def test_a_headless_run_ends_at_a_blocking_check(graph: Graph, definitions: Definitions) -> None:
    spoil(graph.store.path("rfm_features", LAST), edit(user_id=lambda column: "me"))
    run = headless(graph, definitions, "rfm_features")
    with pytest.raises(InputError, match=r"rfm_features, user_id_unique: 1996-06: 23 of 24 rows"):
        run.execute("checks", range_tags(LAST, LAST))
    assert run.warnings == []


def test_a_headless_run_goes_on_after_judgements_whose_thresholds_are_configuration(
    graph: Graph, definitions: Definitions
) -> None:
    strict = {"min_cluster_share": 0.9, "min_silhouette": 0.999}
    run = headless(graph, definitions, "k_sweep", "cluster_centers", k_sweep_checks=strict)
    run.execute("checks", range_tags(LAST, LAST))
    silhouette, tiny = run.warnings
    assert silhouette.startswith(
        "k_sweep, silhouette_high_enough: 1996-06: The mean silhouette is 0."
    )
    assert tiny.startswith("cluster_centers, no_tiny_cluster: 1996-06: The smallest cluster, ")
    key = AssetCheckKey(graph.family.key("cluster_centers"), "no_tiny_cluster")
    [record] = graph.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.partition == LAST
    assert record.event is not None
    assert record.event.dagster_event is not None
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    assert evaluation.metadata["threshold"].value == 0.9


def test_values_of_a_column_are_counted(tmp_path: Path) -> None:
    for name, values in (("a", [1.0, 1.0, None]), ("b", [1.0, 2.0])):
        pq.write_table(pa.table({"x": values}), tmp_path / f"{name}.parquet", row_group_size=2)
    assert count_values(tmp_path, "x") == {1.0: 3, 2.0: 1, None: 1}
