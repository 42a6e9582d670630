"""The graph from end to end on a few invented rows, whose outcome is worked out by hand.

Jobs and backfills are real runs: each changes what was asked for, and nothing else.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster import AssetRecordsFilter, AssetSelection, DagsterEventType, DagsterInstance
from pyspark.sql import SparkSession

from amazon_seg_assets.dag.declaration import declared_in
from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.dag.metadata import preview, rounded
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.planning.jobs import EXPLORE, HISTORY, INGEST, PREPARE, SEGMENT
from amazon_seg_assets.planning.snapshots import default_snapshot
from amazon_seg_assets.planning.staleness import Look
from amazon_seg_assets.stages.clusters.assets import k_sweep
from amazon_seg_assets.stages.clusters.choice_of_k import clusters_of_chosen_k
from amazon_seg_assets.stages.report.assets import PICTURES
from amazon_seg_assets.stages.report.gather import gather
from amazon_seg_assets.stages.rfm.assets import rfm_features
from amazon_seg_assets.stages.segments.assets import rfm_segments
from amazon_seg_assets.storage.locations import children
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.graph import Graph
from amazon_seg_assets_tests.raw_files import product, review, write_raw

PRODUCTS = [
    product("cheap", 10.0),
    product("dear", "200.5"),
    product("unpriced", None),
    product("from", "from 14.99"),
    product("cent", 0.01),
    product("cheap", None, rating_number=99),
]
REVIEWS = [
    # Once a year ago, on the first day that counts; and one day too early.
    review("early", "cheap", "2022-03-20T00:00:00"),
    review("too-early", "cheap", "2022-03-19T23:59:59"),
    # Three times, the last on the last day.
    review("often", "cheap", "2022-12-01T10:00:00"),
    review("often", "dear", "2023-01-31T23:59:59"),
    review("often", "cheap", "2023-03-20T23:59:59"),
    # Twice the same review, but for the pictures.
    review("twice", "dear", "2023-02-14T08:00:00"),
    review("twice", "dear", "2023-02-14T08:00:00", images=[{"attachment_type": "IMAGE"}]),
    # Does not count: not verified, no price, a price of a cent, unknown product, no user.
    review("unverified", "dear", "2022-12-02T08:00:00", verified_purchase=False),
    review("unverified", "dear", "2023-02-02T08:00:00", verified_purchase=False),
    review("unpriced", "unpriced", "2023-02-03T08:00:00"),
    review("unpriced", "from", "2023-02-03T08:00:00"),
    review("unpriced", "cent", "2023-02-03T08:00:00"),
    review("unpriced", "unknown", "2023-02-03T08:00:00"),
    review("", "cheap", "2023-02-03T08:00:00"),
    # In a spreadsheet this user would be a formula.
    review("=1+1", "cheap", "2023-02-28T23:59:59", rating=0.0, helpful_vote=-3),
    review("before-the-span", "cheap", "1990-01-01T00:00:00"),
]

MONTHS = ["2023-01", "2023-02", "2023-03"]
OF_MARCH = range_tags("2023-03", "2023-03")
OPS = {
    "k_sweep": {"k_max": 3},
    "cluster_validation": {"resamples": 1},
    "clustering_comparison": {"resamples": 1},
}


def launch(graph: Graph, selection: AssetSelection, first: str, last: str) -> set[tuple[str, str]]:
    """Materializes a range in one run, as the UI does; returns the partitions it recorded."""
    definitions, family = graph.run().definitions, graph.family
    keys = selection.resolve(definitions.resolve_asset_graph())
    given = graph.ops.items()
    ops = {family.name(name): {"config": c} for name, c in given if family.key(name) in keys}
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        run_config={
            "ops": ops,
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        instance=graph.instance,
        asset_selection=list(keys),
        tags=range_tags(first, last),
    )
    assert result.success
    return {
        (event.asset_key.path[-1], event.partition or "")
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def assets(graph: Graph, *names: str) -> AssetSelection:
    return AssetSelection.assets(*map(graph.family.key, names))


def contents(graph: Graph) -> dict[str, tuple[int, bytes]]:
    """Time of change and bytes of every file of the category."""
    return {
        str(path.relative_to(on_disk(graph.store.folder))): (
            path.stat().st_mtime_ns,
            path.read_bytes(),
        )
        for path in sorted(on_disk(graph.store.folder).rglob("*"))
        if path.is_file()
    }


def touched(before: dict[str, Any], after: dict[str, Any]) -> set[tuple[str, str]]:
    """Asset and month of each file that is not, byte for byte and in its time, what it was."""
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    parts = [Path(name).parts for name in names]
    return {(asset, rest[0].removeprefix("month=")) for asset, *rest in parts}


@pytest.fixture(scope="module")
def graph(
    spark: SparkSession, instance: DagsterInstance, tmp_path_factory: pytest.TempPathFactory
) -> Graph:
    """A category of which a snapshot was made, after the jobs before it.

    Of two snapshots before, made in one run, there are customers and segments alone.
    """
    assert spark is not None
    folder = write_raw(tmp_path_factory.mktemp("graph"), "Toys", REVIEWS, PRODUCTS)
    graph = Graph(folder, "Toys", instance, OPS)
    run = graph.run()
    for job in (INGEST, EXPLORE):
        run.execute(job)
    for job in (PREPARE, HISTORY):
        run.execute(job, range_tags("2022-01", MONTHS[2]))
    run.execute(SEGMENT, range_tags(MONTHS[0], MONTHS[1]), [rfm_features, rfm_segments])
    run.execute(SEGMENT, OF_MARCH)
    return graph


def test_the_jobs_make_all_assets_and_several_snapshots_in_one_run(graph: Graph) -> None:
    made: dict[str, set[tuple[str, str]]] = {}
    for run in graph.instance.get_runs():
        for entry in graph.instance.all_logs(run.run_id, DagsterEventType.ASSET_MATERIALIZATION):
            if (asset := entry.asset_materialization) is not None:
                partition = (asset.asset_key.path[-1], asset.partition or "")
                made.setdefault(run.job_name, set()).add(partition)
    defined = graph.run().definitions.resolve_asset_graph().materializable_asset_keys
    assert {asset for of in made.values() for asset, _ in of} == {key.path[-1] for key in defined}
    snapshots = made[graph.family.name(SEGMENT)]
    assert {("rfm_segments", snapshot) for snapshot in MONTHS} < snapshots
    for snapshot, customers in zip(MONTHS, (3, 5, 4), strict=True):
        assert graph.metadata("rfm_segments", snapshot)["customers"] == customers


def test_raw_rows_are_all_kept_and_counted(graph: Graph) -> None:
    metadata = graph.metadata("raw_reviews")
    assert metadata["dagster/row_count"] == len(REVIEWS)
    assert metadata["rows_outside_span"] == 1
    assert graph.store.months("raw_reviews")[0] == "1990-01"
    assert graph.metadata("raw_metadata")["dagster/row_count"] == len(PRODUCTS)


def test_months_tell_their_own_figures(graph: Graph) -> None:
    february = graph.metadata("clean_reviews", "2023-02")
    assert february["dagster/partition_row_count"] == 7
    assert (february["dropped_not_verified"], february["dropped_duplicate"]) == (1, 1)
    assert (february["zero_ratings"], february["negative_votes"]) == (1, 1)
    assert graph.metadata("clean_reviews", "2022-05")["dagster/partition_row_count"] == 0
    joined = graph.metadata("joined_reviews", "2023-02")
    assert joined["dagster/partition_row_count"] == 7
    assert joined["unpriced_reviews"] == 3  # unpriced, from, unknown
    assert joined["reviews_without_product_name"] == 1
    assert graph.metadata("joined_reviews", "2023-03")["dagster/partition_row_count"] == 1


OF_RAW: dict[str, type] = {"dropped_malformed_lines": int, "malformed_examples": str}
TOLD: dict[str, dict[str, type]] = {
    # What an asset tells beside what each of its kind tells.
    "raw_reviews": OF_RAW,
    "raw_metadata": OF_RAW,
    "clean_reviews": {"rows_dropped": str, "dropped_not_verified": int, "dropped_duplicate": int},
    "clean_metadata": {
        "rows_dropped": str,
        "dropped_excluded_category": int,
        "dropped_no_category": int,
        "dropped_listed_again": int,
    },
    "joined_reviews": {"unpriced_reviews": int, "reviews_without_product_name": int},
    "rfm_features": {
        "rows_dropped": str,
        "dropped_no_user": int,
        "dropped_no_price": int,
        "dropped_low_price": int,
        "unpriced_share": float,
        "skewness_recency": float,
        "skewness_frequency": float,
        "skewness_monetary": float,
    },
    "k_sweep": {"chosen_k": int, "wcss": float, "silhouette": float, "silhouette_plain": float},
    "cluster_centers": {"smallest_share": float},
    "customer_clusters": {"clusters": str, "share_cluster_0": float, "share_cluster_1": float},
    "rfm_segments": {"segments": str, "share_Champions": float, "share_Lost": float},
    "segment_summary": {"share_Champions": float, "share_Lost": float},
    "segment_export": {"dagster/partition_row_count": int, "rows_by_segment": dict},
}


def test_every_asset_tells_the_figures_of_its_kind(graph: Graph) -> None:
    nodes = graph.run().definitions.resolve_asset_graph()
    missing = []
    for key in nodes.materializable_asset_keys:
        name, node = key.path[-1], nodes.get(key)
        required: dict[str, type] = {"dagster/uri": str, "bytes": int}
        metadata = graph.metadata(name, "2023-03" if node.is_partitioned else None)
        if "dagster/column_schema" in node.metadata:
            rows = "partition_row_count" if node.is_partitioned else "row_count"
            required |= {f"dagster/{rows}": int, "files": int, "preview": str}
            assert metadata["dagster/table_name"] == f"Toys.{name}"
            assert metadata["dagster/column_schema"].columns, name
            for column in metadata["dagster/column_schema"].columns:
                assert column.description, f"{name}.{column.name}"
        if name.endswith("_plot"):
            required |= {"plot": str, "alternative_text": str}
        # Of a step that stores several partitions or assets, the figures are of all together.
        step = "" if "seconds" in metadata else "step_"
        required |= {f"{step}seconds": float, f"{step}peak_memory_mb": int}
        missing += [
            f"{name}: {figure}"
            for figure, type_ in (required | TOLD.get(name, {})).items()
            if not isinstance(metadata.get(figure), type_)
        ]
        unrounded = [each for each in metadata if rounded(metadata[each]) != metadata[each]]
        assert unrounded == [], name
    assert missing == []


def test_a_preview_goes_on_in_the_next_files(tmp_path: Path) -> None:
    for number in range(4):
        numbers = range(3 * number, 3 * number + 3)
        pq.write_table(pa.table({"n": [*numbers]}), tmp_path / f"{number}.parquet")
    pq.write_table(pa.table({"n": pa.array([], pa.int64())}), tmp_path / "0-empty.parquet")
    assert preview(tmp_path).splitlines()[2:] == [f"| {number} |" for number in range(10)]


def test_products_are_told_apart(graph: Graph) -> None:
    metadata = graph.metadata("clean_metadata")
    assert metadata["dagster/row_count"] == 5
    assert metadata["dropped_listed_again"] == 1
    assert (metadata["price_number"], metadata["price_from"], metadata["price_missing"]) == (
        3,
        1,
        2,
    )


def test_features_are_as_worked_out_by_hand(graph: Graph) -> None:
    features = graph.read("rfm_features", "2023-03").set_index("user_id")
    assert features[["recency", "frequency", "monetary"]].to_dict("index") == {
        "early": {"recency": 366, "frequency": 1, "monetary": 10.0},
        "often": {"recency": 1, "frequency": 3, "monetary": 220.5},
        "twice": {"recency": 35, "frequency": 1, "monetary": 200.5},
        "=1+1": {"recency": 21, "frequency": 1, "monetary": 10.0},
    }
    metadata = graph.metadata("rfm_features", "2023-03")
    assert metadata["dagster/partition_row_count"] == 4
    assert metadata["reviews_in_window"] == 11
    assert {key: metadata[f"dropped_{key}"] for key in ("no_user", "no_price", "low_price")} == {
        "no_user": 1,
        "no_price": 3,
        "low_price": 1,
    }


def test_each_customer_has_a_segment_by_the_grid(graph: Graph) -> None:
    segments = graph.read("rfm_segments", "2023-03").set_index("user_id")
    # Four customers: below 0, 1, 2, 3 of three, times five, gives scores 1, 2, 4, 5.
    assert segments["rfm_score"].to_dict() == {
        "early": "111",
        "twice": "214",
        "=1+1": "411",
        "often": "525",
    }
    assert segments["segment"].to_dict() == {
        "early": "Lost",
        "twice": "About to Sleep",  # fm = 2.5, rounded up to 3
        "=1+1": "Promising",
        "often": "Champions",  # fm = 3.5, rounded up to 4
    }


def test_clusters_and_segments_cover_the_same_customers(graph: Graph) -> None:
    clusters = graph.read("customer_clusters", "2023-03")
    assert set(clusters["user_id"]) == set(graph.read("rfm_segments", "2023-03")["user_id"])
    sweep = graph.read("k_sweep", "2023-03")
    assert sweep["k"].tolist() == [2, 3]
    assert sweep["chosen"].sum() == 1
    chosen = sweep.loc[sweep["chosen"], "k"].item()
    assert clusters["cluster"].nunique() == chosen
    assert clusters.groupby("cluster")["cluster_label"].nunique().tolist() == [1] * chosen
    summary = graph.read("segment_summary", "2023-03")
    assert summary["customers"].sum() == 4
    assert summary["total_monetary"].sum() == 441.0


def test_customers_have_the_labels_of_their_clusters_centers(graph: Graph) -> None:
    centers = graph.read("cluster_centers", "2023-03")
    chosen = clusters_of_chosen_k(graph.read("k_sweep", "2023-03"), centers)
    clusters = graph.read("customer_clusters", "2023-03")
    both = clusters.merge(chosen, on="cluster", suffixes=("", "_of_center"))
    assert len(both) == 4
    assert both["cluster_label"].tolist() == both["cluster_label_of_center"].tolist()
    # The first rule for labels, which holds for some of each k.
    is_loyal = centers["cluster_label"].str.startswith("Loyal Customer")
    assert is_loyal.tolist() == (centers["frequency"] >= 1.5).tolist()
    assert set(centers.loc[is_loyal, "k"]) == {2, 3}


def test_customers_are_counted_in_the_bins_that_hold_their_values(graph: Graph) -> None:
    bins = graph.read("rfm_histograms", "2023-03")
    recency = bins.query("feature == 'recency' and customers > 0")
    # 1 to 366 days in forty bins at most, so in bins of ten.
    assert recency[["bin_left", "bin_right", "customers"]].to_numpy().tolist() == [
        [1, 11, 1],
        [21, 31, 1],
        [31, 41, 1],
        [361, 371, 1],
    ]
    # From log 11 to log 221.5, which the last bin holds too; log 201.5 is 38.7 bins further on.
    spend = bins.query("feature == 'monetary' and transformed")
    assert spend["customers"].tolist() == [2, *[0] * 37, 1, 1]


def test_files_for_campaigns_hold_each_customer_and_no_formula(graph: Graph) -> None:
    metadata = graph.metadata("segment_export", "2023-03")
    rows = {name: count for name, count in metadata["rows_by_segment"].items() if count}
    assert rows == dict.fromkeys(("Lost", "About to Sleep", "Promising", "Champions"), 1)
    assert metadata["dagster/partition_row_count"] == 4
    assert metadata["ids_that_would_open_a_formula"] == 1
    promising = graph.store.path("segment_export", "2023-03") / "promising.csv"
    [row] = promising.read_text().splitlines()[1:]
    begin = ("'=1+1", "Promising", 4, 1, 1, 21, 1, "10.00", "New Customers", "2023-03")
    assert row.startswith(",".join(f'"{cell}"' for cell in begin))
    # Too few customers for a model of churn or value.
    assert row.endswith(',"new","Computers","false","","","",""')


def test_the_report_tells_the_way_from_raw_reviews_to_those_that_count(graph: Graph) -> None:
    findings = gather(graph.snapshot("2023-03"), PICTURES)
    window, origin = findings.window, findings.origin
    assert window.raw == len(REVIEWS) - 1  # but for that of 1990
    assert [(step.reason.split(",")[0], step.rows) for step in window.left_out] == [
        ("not of a verified purchase", 2),
        ("exact duplicates", 1),
        ("before the window", 1),
        ("without a user", 1),
        ("of products without a price", 3),
        ("of products whose price is too low to count", 1),
    ]
    assert window.counted == 6
    assert (origin.reviews, origin.verified) == (len(REVIEWS), len(REVIEWS) - 2)
    assert (origin.first_day, origin.last_day) == ("1990-01-01", "2023-03-20")
    assert (origin.products, origin.products_kept, origin.products_priced) == (6, 5, 3)


TITLES = {
    "elbow_plot": "Elbow: within-cluster sum of squares (WCSS) by k",
    "silhouette_plot": "Mean silhouette by k",
    "rfm_distributions_plot": "Distributions before and after the transformation",
    "cluster_shares_plot": "Share of customers by cluster",
    "cluster_profile_plot": "Profiles of the clusters",
    "recency_frequency_plot": "Recency and frequency by cluster",
    "recency_monetary_plot": "Recency and monetary by cluster",
    "frequency_monetary_plot": "Frequency and monetary by cluster",
    "segment_counts_plot": "Customers by RFM segment",
    "segment_shares_plot": "Share of customers and of spend by RFM segment",
    "segment_money_plot": "Monetary value by RFM segment",
    "segment_treemap_plot": "RFM segments inside the clusters",
    "rfm_heatmap_plot": "Customers by recency (R) and frequency-monetary (FM) score",
    "scheme_comparison_plot": "Segments under the standard and the notebook scheme",
    "lifecycle_plot": "New, returning, won back and lapsed customers",
    "cohort_retention_plot": "Customers who come back, by the quarter they came",
    "segment_transitions_plot": "Customers of a year ago, and where they are now",
    "segment_outcomes_plot": "Customers who came back after the snapshot",
    "segment_products_plot": "The categories that tell segments apart",
    "value_backtest_plot": "What the model of purchases expected a year ago, and what came",
    "churn_calibration_plot": "Churn as predicted, and as it came",
    "churn_models_plot": "How well churn is told: ROC AUC",
    "churn_curves_plot": "Churners found, and the lift of addressing the likeliest first",
    "churn_importance_plot": "What the model of churn leans on",
    "segment_sentiment_plot": "How negative texts are, by segment",
    "star_gap_plot": "What texts say, by their stars",
    "segment_words_plot": "What the negative texts of each segment are about",
    "clustering_comparison_plot": "Ways to cluster",
}
EMPTY = {
    "segment_transitions_plot", "segment_outcomes_plot", "segment_products_plot",
    "value_backtest_plot", "churn_calibration_plot", "churn_models_plot", "churn_curves_plot",
    "churn_importance_plot", "segment_sentiment_plot", "star_gap_plot", "segment_words_plot",
}  # fmt: skip
"""No year before is stored, no day after, too few customers bought the same kind, and too few texts
teach a model."""


def test_each_plot_is_its_own_picture_in_the_ui(graph: Graph) -> None:
    stored = {name for name in children(graph.store.folder) if name.endswith("_plot")}
    assert {name for name in stored if graph.store.months(name)} == {*TITLES}
    for name, title in TITLES.items():
        png = graph.store.path(name, "2023-03") / f"{name}.png"
        assert png.read_bytes().startswith(b"\x89PNG")
        metadata = graph.metadata(name, "2023-03")
        assert "](data:image/png;base64," in metadata["plot"]
        told = "Toys · snapshot 2023-03 · 4 customers. "
        assert metadata["alternative_text"].startswith(title)
        assert f". {told}" in metadata["alternative_text"]
        assert ("No data: " in metadata["alternative_text"]) == (name in EMPTY)


def test_the_last_snapshots_are_one_run(graph: Graph) -> None:
    before = contents(graph)
    made = launch(graph, assets(graph, "rfm_features", "rfm_segments"), "2023-02", "2023-03")
    expected = {
        (asset, month)
        for asset in ("rfm_features", "rfm_segments")
        for month in ("2023-02", "2023-03")
    }
    assert made == expected
    assert touched(before, contents(graph)) == expected
    for month, customers in (("2023-02", 5), ("2023-03", 4)):
        metadata = graph.metadata("rfm_features", month)
        assert metadata["dagster/partition_row_count"] == metadata["customers"] == customers
        assert metadata["window_end"] == {"2023-02": "2023-02-28", "2023-03": "2023-03-20"}[month]
        # What the step took is of both months together.
        assert metadata["step_seconds"] > 0
        assert metadata["step_rows_per_second"] == pytest.approx(
            9 / metadata["step_seconds"], abs=1
        )
        assert "seconds" not in metadata


def test_a_range_of_months_is_one_run(graph: Graph) -> None:
    before = contents(graph)
    names = ("clean_reviews", "joined_reviews")
    made = launch(graph, assets(graph, *names), "2022-12", "2023-01")
    assert made == {(name, month) for name in names for month in ("2022-12", "2023-01")}
    assert touched(before, contents(graph)) == made
    rows = [
        graph.metadata("joined_reviews", month)["dagster/partition_row_count"]
        for month in ("2022-12", "2023-01", "2023-02")
    ]
    assert rows == [1, 1, 7]
    clean, joined = (sorted(graph.read(name, "2022-12")["review_id"]) for name in names)
    assert clean == joined


def test_only_the_plots_of_one_snapshot_are_drawn_again(graph: Graph) -> None:
    before = contents(graph)
    plots = AssetSelection.kind("matplotlib") - AssetSelection.groups("exploration")
    made = launch(graph, plots, "2023-03", "2023-03")
    after = contents(graph)
    assert {month for _, month in made} == {"2023-03"}
    assert len(made) > 10
    assert touched(before, after) == made
    pictures = [
        name
        for name in before
        if name.startswith("elbow_plot/month=2023-03/") and not Path(name).name.startswith("_")
    ]
    # Drawn anew, and the same to the byte.
    assert [before[name][1] for name in pictures] == [after[name][1] for name in pictures]
    metadata = graph.metadata("elbow_plot", "2023-03")
    assert "2023-03" in metadata["dagster/uri"]
    assert metadata["seconds"] > 0
    assert metadata["peak_memory_mb"] > 100


def test_an_unchanged_source_is_known_as_unchanged(graph: Graph) -> None:
    before = graph.files()
    graph.run().execute(INGEST)
    raw = {name for name in before if "raw_" in name}
    assert {name: before[name] for name in raw} == {name: graph.files()[name] for name in raw}
    of_reviews = AssetRecordsFilter(graph.family.key("raw_reviews"))
    told = [
        record.asset_materialization.metadata["source_changed"].value
        for record in graph.instance.fetch_materializations(of_reviews, limit=9).records
        if record.asset_materialization is not None
    ]
    assert told == [False, True]  # the last first


def test_the_notebook_scheme_is_a_choice_of_configuration(graph: Graph) -> None:
    former = graph.read("rfm_segments", "2023-03")
    made_of_segments = ["segment_summary", "segment_treemap_plot", "cluster_validation"]
    names = ["rfm_segments", *made_of_segments, "executive_report"]
    quick = OPS["cluster_validation"]
    notebook = {"scheme": "notebook"}
    graph.materialize("2023-03", names, rfm_segments=notebook, cluster_validation=quick)
    segments = graph.read("rfm_segments", "2023-03").set_index("user_id")
    # Four customers in five tiles: 1 to 4 in order; equal frequency: the less recent first.
    assert segments["rfm_score"].to_dict() == {
        "early": "111",
        "twice": "223",
        "=1+1": "332",
        "often": "444",
    }
    assert len(former) == len(segments)


@pytest.mark.parametrize(
    ("month", "message"),
    [
        ("2022-05", "no snapshot 2022-05 of Toys: the month has no reviews"),
        ("2023-04", "run prepare_months for 2023-04 and history for 2023-04, or the job main"),
    ],
)
def test_a_month_without_reviews_has_no_snapshot(graph: Graph, month: str, message: str) -> None:
    before = graph.files()
    with pytest.raises(InputError, match=message):
        graph.run().execute(SEGMENT, range_tags(month, month))
    assert graph.files() == before


def test_the_default_snapshot_is_the_last_month_with_reviews(graph: Graph) -> None:
    assert default_snapshot(graph.store, graph.family.span) == "2023-03"


def test_nobody_to_segment_is_told_and_leaves_former_results(graph: Graph) -> None:
    before = graph.files()
    with pytest.raises(
        InputError, match=r"Nobody in Toys can be segmented as of 2023-03-20: of the 11"
    ):
        graph.run(rfm_features={"min_price": 500.0}).execute(SEGMENT, OF_MARCH)
    assert graph.files() == before


def test_fewer_customers_than_clusters_is_told(graph: Graph) -> None:
    with pytest.raises(InputError, match="only 4 distinct customers, fewer than 5 clusters"):
        graph.run(k_sweep={"k_min": 5, "k_max": 6}).execute(SEGMENT, OF_MARCH, [k_sweep])


def test_what_has_been_explored_is_known(graph: Graph) -> None:
    """The last of the module, as it changes the source."""
    assert not Look(graph.family).due(declared_in("exploration"))
    late = review("late", "cheap", "2023-03-30T00:00:00")
    write_raw(graph.folder, graph.category, [*REVIEWS, late], PRODUCTS)
    graph.run().execute(INGEST)
    assert Look(graph.family).due(declared_in("exploration"))
