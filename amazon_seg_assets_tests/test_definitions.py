"""What an operator finds in the UI: labels, code, lineage, policies, and the graph's shape."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from inspect import isfunction
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import (
    AssetKey,
    DagsterInstance,
    Definitions,
    MetadataValue,
    TimeWindowPartitionMapping,
)
from dagster._core.instance.config import dagster_instance_config
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from amazon_seg_assets.dag.family import families
from amazon_seg_assets.dag.metadata import arranged, markdown_table, sizes
from amazon_seg_assets.dag.steps import SPARK_POOL
from amazon_seg_assets.definitions import DECLARATIONS, build_definitions
from amazon_seg_assets.months import Span, month_range
from amazon_seg_assets.planning.jobs import DESCRIPTIONS, MAIN
from amazon_seg_assets.planning.snapshots import (
    default_snapshot,
    months_of_history,
    segmentable_months,
    year_before,
)
from amazon_seg_assets.rules.categories import load_category_rules
from amazon_seg_assets.rules.files import Rules, load_rules
from amazon_seg_assets.rules.labels import load_label_rules
from amazon_seg_assets.rules.recommendations import default_recommendations
from amazon_seg_assets.rules.scheme import load_scheme
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.cleaning.versions import CODE_VERSION
from amazon_seg_assets.stages.raw.manifest import (
    FileRecord,
    Manifest,
    MonthCounts,
    require_manifest,
)
from amazon_seg_assets.stages.segments.assets import rfm_segments
from amazon_seg_assets.stages.segments.ties import COMPARED
from amazon_seg_assets.storage.layout import Store

SHAPE = Path(__file__).with_name("graph_shape.json")
CATEGORY = "Electronics"
"""The category of the deployment without settings."""

RENEW = "AMAZON_SEG_RENEW=1 python -m pytest amazon_seg_assets_tests/test_definitions.py"


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return build_definitions(Settings())


def test_the_graph_loads_without_what_only_few_steps_need() -> None:
    slow = ["datasets", "kneed", "scipy.optimize", "sklearn"]
    script = f"import sys, amazon_seg_assets.definitions; print({{*{slow}}} & {{*sys.modules}})"
    told = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert told.strip() == "set()"


def test_the_tools_of_dagster_load_the_same_module() -> None:
    tools = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["tool"]
    project = tools["dg"]["project"]
    assert project["code_location_target_module"] == tools["dagster"]["module_name"]
    assert project["code_location_name"] == tools["dagster"]["code_location_name"]


def nodes(definitions: Definitions) -> dict[str, Any]:
    """Assets by name; all of them are of the only category."""
    graph = definitions.resolve_asset_graph()
    keys = {key.path[-1]: key for key in graph.get_all_asset_keys()}
    assert {tuple(key.path) for key in keys.values()} == {(CATEGORY, name) for name in keys}
    return {name: graph.get(key) for name, key in keys.items()}


def test_checks_come_first_and_pictures_last(definitions: Definitions) -> None:
    job = definitions.resolve_job_def(f"{CATEGORY}__segment_snapshot")
    priority = {
        node.name.removeprefix(f"{CATEGORY}__"): int(
            node.definition.tags.get("dagster/priority", 0)
        )
        for node in job.graph.nodes
    }
    later = (
        "rfm_histograms",
        "scheme_comparison",
        "segment_export",
        "cohort_retention",
        "segment_transitions",
        "segment_outcomes",
        "elbow_plot",
        "executive_report",
    )
    assert {priority[name] for name in later} == {0}
    first = ("k_sweep", "customer_clusters", "rfm_segments", "segment_summary")
    for name in (*first, "customer_lifecycle"):
        assert (priority[name], priority[f"{name}_checks"]) == (1, 2)


def test_the_graph_has_the_shape_that_is_committed(
    definitions: Definitions, is_renewing: bool
) -> None:
    """Renewed by the command in ``RENEW``; review the difference as you review code."""
    repository = definitions.get_repository_def()
    shape = {
        "assets": {
            node.key.to_user_string(): {
                "after": sorted(parent.to_user_string() for parent in node.parent_keys),
                "checks": sorted(check.name for check in node.check_keys),
                "group": node.group_name,
                "kinds": sorted(node.kinds),
                "partitions": node.partitions_def.fmt if node.partitions_def else None,
            }
            for _, node in sorted(nodes(definitions).items())
        },
        "jobs": {
            job.name: sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys)
            for job in sorted(repository.get_all_jobs(), key=lambda job: job.name)
            if not job.name.startswith("__")
        },
        "schedules": {each.name: each.cron_schedule for each in repository.schedule_defs},
        "sensors": sorted(each.name for each in repository.sensor_defs),
    }
    written = json.dumps(shape, indent=1) + "\n"
    if is_renewing:
        SHAPE.write_text(written)
    assert written == SHAPE.read_text(), f"if this is meant: {RENEW}"


def test_every_asset_says_whose_it_is_and_what_it_is(definitions: Definitions) -> None:
    for name, node in nodes(definitions).items():
        assert node.owners, name
        assert node.kinds, name
        assert {"domain", "layer", "cost"} <= set(node.tags), name
        assert node.tags["amazon_seg/category"] == CATEGORY, name
        assert node.description, name
        # Lists of assets show the marks of Markdown as they are.
        assert not re.search(r"[`*\[]", node.description), name
        assert node.code_version or node.is_external, name


def test_checks_are_recorded_by_month_but_for_those_of_the_whole_history(
    definitions: Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    as_one = {
        name
        for name, node in nodes(definitions).items()
        for key in node.check_keys
        if graph.get(key).partitions_def != node.partitions_def
    }
    assert as_one == {"customer_days"}


def test_lineage_begins_with_the_files_of_the_source(definitions: Definitions) -> None:
    every = nodes(definitions)
    external = {name for name, node in every.items() if node.is_external}
    assert external == {name for name, node in every.items() if not node.parent_keys}
    [source] = external
    assert {key.path[-1] for key in every[source].child_keys} == {"raw_reviews", "raw_metadata"}


def test_assets_are_expected_to_be_fresh_where_the_data_can_still_change(
    definitions: Definitions,
) -> None:
    every = nodes(definitions).values()
    assert {node.freshness_policy for node in every} == {None}
    for node in nodes(build_definitions(Settings(fresh_days=35))).values():
        assert (node.freshness_policy is None) == node.is_external
        if policy := node.freshness_policy:
            assert (policy.warn_window.to_timedelta().days) == 35
            assert (policy.fail_window.to_timedelta().days) == 70


def test_columns_say_where_they_come_from(definitions: Definitions) -> None:
    """The UI shows no lineage of columns; their descriptions are texts, not Markdown."""
    columns = nodes(definitions)["rfm_segments"].metadata["dagster/column_schema"].columns
    told = {column.name: column.description for column in columns}
    assert told["f_score"].endswith(" From rfm_features.frequency.")
    assert not [text for text in told.values() if "`" in text]


def test_code_references_open_the_asset_s_own_function(definitions: Definitions) -> None:
    made_with = {
        "cluster_centers": "k_sweep", "lifecycle_summary": "customer_lifecycle",
        "clustering_alternative": "clustering_comparison",
        "value_model": "customer_value", "value_backtest": "customer_value",
        **dict.fromkeys(
            ("churn_calibration", "churn_curves", "churn_importance"), "churn_evaluation"
        ),
        "sentiment_by_stars": "sentiment_sums", "review_profile_parts": "review_profile",
    }  # fmt: skip
    made_here = {n: node for n, node in nodes(definitions).items() if not node.is_external}
    for name, node in made_here.items():
        [reference] = node.metadata["dagster/code_references"].code_references
        first, *rest = (
            Path(reference.file_path).read_text().splitlines()[reference.line_number - 1 :]
        )
        assert first.startswith("@"), name
        [function] = re.findall(r"^def (\w+)\(", "\n".join(rest), re.M)[:1]
        assert function == made_with.get(name, name)
        assert Path(reference.file_path).parts[-2:] == (node.group_name, "assets.py")


def test_code_references_can_lead_to_the_repository_on_the_web(definitions: Definitions) -> None:
    settings = Settings(git_url="https://github.com/somebody/something/", git_branch="v1")
    on_web, here = (
        nodes(each)["k_sweep"].metadata["dagster/code_references"].code_references[0]
        for each in (build_definitions(settings), definitions)
    )
    assert on_web.url == (
        "https://github.com/somebody/something/tree/v1/amazon_seg_assets/stages/clusters/assets.py"
        f"#L{here.line_number}"
    )


def test_column_lineage_leads_from_segment_to_the_raw_time(definitions: Definitions) -> None:
    every = nodes(definitions)
    schemas = {
        name: {column.name for column in node.metadata["dagster/column_schema"].columns}
        for name, node in every.items()
        if "dagster/column_schema" in node.metadata
    }

    def sources(table: str, column: str) -> set[tuple[str, str]]:
        lineage = every[table].metadata["dagster/column_lineage"].value.deps_by_column
        return {(dep.asset_key.path[-1], dep.column_name) for dep in lineage.get(column, [])}

    for score, feature in (("r", "recency"), ("f", "frequency"), ("m", "monetary")):
        assert sources("rfm_segments", f"{score}_score") == {("rfm_features", feature)}
    seen, front = set(), {("rfm_segments", "segment")}
    while front:
        seen |= front
        front = {source for each in front for source in sources(*each)} - seen
    assert ("raw_reviews", "timestamp") in seen
    assert ("raw_metadata", "price") in seen
    # A list of a year takes clean products, the others what their pages say.
    assert sources("top_products", "price") == {
        ("raw_metadata", "price"),
        ("clean_metadata", "price"),
    }
    # Every column cited by any table is there, in a table that the asset is made of.
    graph = definitions.resolve_asset_graph()
    for table in schemas:
        made_of = graph.get_ancestor_asset_keys(AssetKey([CATEGORY, table]))
        for column in schemas[table]:
            for source, name in sources(table, column):
                assert name in schemas[source], f"{table}.{column} cites {source}.{name}"
                assert AssetKey([CATEGORY, source]) in made_of, f"{table}.{column} cites {source}"


@pytest.mark.parametrize(
    ("asset", "source", "snapshot", "first", "last"),
    [
        ("rfm_features", "joined_reviews", "2023-03", "2022-03", "2023-03"),
        ("rfm_features", "joined_reviews", "2020-10", "2019-10", "2020-10"),
        ("executive_report", "clean_reviews", "2023-03", "2022-03", "2023-03"),
        ("customer_lifecycle", "customer_days", "2023-03", "1996-05", "2023-03"),
        ("segment_outcomes", "customer_days", "2021-03", "2021-03", "2022-04"),
        ("segment_outcomes", "customer_days", "2023-03", "2023-03", "2023-09"),
        ("segment_outcomes", "rfm_segments", "2023-03", "2023-03", "2023-03"),
    ],
)
def test_a_snapshot_needs_its_month_and_others_as_far_as_they_are_in_the_span(
    definitions: Definitions, asset: str, source: str, snapshot: str, first: str, last: str
) -> None:
    every = nodes(definitions)
    mapping = every[asset].partition_mappings.get(
        AssetKey([CATEGORY, source]), TimeWindowPartitionMapping()
    )
    months = every[asset].partitions_def
    needed = mapping.get_upstream_mapped_partitions_result_for_partitions(
        months.subset_with_partition_keys([snapshot]), months, every[source].partitions_def
    )
    assert [*needed.partitions_subset.get_partition_keys()] == month_range(first, last)
    assert needed.required_but_nonexistent_subset.is_empty


def test_partitions_of_different_spans_depend_on_each_other_exactly(
    definitions: Definitions,
) -> None:
    """Dagster's way from snapshots to what they read, and back, is the one that bodies take."""
    every, [family] = nodes(definitions), families(Settings())
    for declaration in DECLARATIONS:
        reader = every[declaration.name]
        for name, reach in declaration.inputs.items():
            source = every[name]
            if reader.partitions_def is None or source.partitions_def is None:
                continue
            mapping = reader.partition_mappings.get(source.key, TimeWindowPartitionMapping())
            stored = source.partitions_def.get_partition_keys()
            read = {
                month: {*reach.months(family.span, month, stored)} if reach else {month}
                for month in reader.partitions_def.get_partition_keys()
            }
            # Of tables that are made before, the first snapshot has all that it looks back at.
            is_cut = source.partitions_def == reader.partitions_def
            for month in (min(read), max(read)):
                upstream = mapping.get_upstream_mapped_partitions_result_for_partitions(
                    reader.partitions_def.subset_with_partition_keys([month]),
                    reader.partitions_def,
                    source.partitions_def,
                )
                assert upstream.required_but_nonexistent_subset.is_empty
                there = read[month] & {*stored} if is_cut else read[month]
                assert {*upstream.partitions_subset.get_partition_keys()} == there, name
            for month in (stored[0], stored[len(stored) // 2], stored[-1]):
                downstream = mapping.get_downstream_partitions_for_partitions(
                    source.partitions_def.subset_with_partition_keys([month]),
                    source.partitions_def,
                    reader.partitions_def,
                )
                readers = {snapshot for snapshot, months in read.items() if month in months}
                assert {*downstream.get_partition_keys()} == readers, (name, month)


def reviewed(folder: Path, months: Mapping[str, MonthCounts]) -> Store:
    """A storage whose raw reviews have these months."""
    store = Store(folder, CATEGORY)
    files = {"file": FileRecord("print", 6, malformed=0, malformed_examples=[], months=months)}
    with store.replacing("raw_reviews") as written:
        Manifest("1-version", "a folder", files).write(written)
    return store


def test_a_month_is_segmentable_with_a_verified_review_in_the_span(tmp_path: Path) -> None:
    months = {
        "1996-01": MonthCounts(rows=1, verified=1),
        "2022-07": MonthCounts(rows=2, verified=1),
        "2022-08": MonthCounts(rows=1, verified=0),
        "2023-07": MonthCounts(rows=2, verified=1),
        "2023-08": MonthCounts(rows=2, verified=0),
        "2023-10": MonthCounts(rows=2, verified=2),
    }
    store, span = reviewed(tmp_path, months), Span("1996-05", "2023-09")
    manifest = require_manifest(store, "raw_reviews")
    assert segmentable_months(manifest, span) == ["2022-07", "2023-07"]
    assert default_snapshot(store, span) == "2023-07"
    # Those without a review between count in the history, and those without a verified one.
    assert months_of_history(store, span) == month_range("2022-07", "2023-08")
    assert months_of_history(store, Span("1996-05", "2022-06")) == []
    before = {month: year_before(store, span, month) for month in months}
    assert {month: year for month, year in before.items() if year} == {"2023-07": "2022-07"}
    assert year_before(store, Span("2022-08", "2023-09"), "2023-07") is None


def test_metadata_begins_with_what_matters() -> None:
    told = {
        "dagster/uri": "x",
        "bytes": 1,
        "dagster/row_count": 2,
        "preview": "| a |",
        "customers": 3,
    }
    assert [*arranged(told)] == [
        "dagster/row_count",
        "customers",
        "preview",
        "bytes",
        "dagster/uri",
    ]


def test_figures_have_the_digits_that_people_read() -> None:
    told = {
        "share": 1 / 3,
        "small": 1.23456e-9,
        "usd": 12.000000001,
        "large": 1234567.891,
        "rows": 1_234_567,
        "flag": True,
        "none": float("nan"),
        "cuts": MetadataValue.json({"recency": [2 / 3, 100.126], "of": "f"}),
        "table": MetadataValue.md("| 0.3333333333 |"),
    }
    found = arranged(told)
    assert str(found.pop("none")) == "nan"
    assert found == {
        "share": 0.3333,
        "small": 1.235e-9,
        "usd": 12.0,
        "large": 1234567.89,
        "rows": 1_234_567,
        "flag": True,
        "cuts": MetadataValue.json({"recency": [0.6667, 100.13], "of": "f"}),
        "table": MetadataValue.md("| 0.3333333333 |"),
    }


def test_sizes_of_groups_are_a_table_and_a_share_each() -> None:
    found = sizes("segment", {"Champions": 1_500, "Lost": 500, "Nobody": 0})
    assert [*found] == ["segments", "share_Champions", "share_Lost", "share_Nobody"]
    assert found["segments"].value.splitlines()[2:] == [
        "| Champions | 1,500 | 75.0 % |",
        "| Lost | 500 | 25.0 % |",
        "| Nobody | 0 | 0.0 % |",
    ]
    assert (found["share_Champions"], found["share_Nobody"]) == (0.75, 0)


def test_markdown_of_values_is_text() -> None:
    *_, row = markdown_table(["a"], [["<b> | [x](y)"]]).splitlines()
    assert row == r"| &lt;b&gt; \| \[x\](y) |"


def uses_spark(function: Any) -> bool:
    """True if it reads rows or names the session, itself or by functions beside it."""
    names = {*function.__code__.co_names}
    called = (function.__globals__.get(name) for name in names)
    beside = (f for f in called if isfunction(f) and f.__module__ == function.__module__)
    return bool({"read", "spark"} & names) or any(map(uses_spark, beside))


def test_what_uses_spark_takes_turns(definitions: Definitions) -> None:
    every = nodes(definitions)
    for declaration in DECLARATIONS:
        body = declaration.body
        function = body.args[0] if isinstance(body, partial) else body
        pools = {SPARK_POOL} if uses_spark(function) else set()
        for output in declaration.stores:
            assert every[output.name].pools == pools, output.name
    jobs = [definitions.resolve_job_def(f"{CATEGORY}__{name}") for name in (*DESCRIPTIONS, MAIN)]
    takes_turns = {
        step.name.removeprefix(f"{CATEGORY}__"): bool(getattr(step.definition, "pool", None))
        for job in jobs
        for step in job.graph.nodes
    }
    assert takes_turns["run_all"]
    read_rows = ("clean_metadata", "rfm_features", "customer_clusters", "rfm_segments")
    for name in (*read_rows, "segment_summary"):
        assert takes_turns[f"{name}_checks"], name
    read_footers = ("raw_reviews", "clean_reviews", "joined_reviews", "k_sweep", "customer_counts")
    for name in (*read_footers, "exploration"):
        assert not takes_turns[f"{name}_checks"], name


@pytest.mark.parametrize(
    "path",
    [
        files("amazon_seg_assets.run").joinpath("dagster.yaml"),
        Path(__file__).parents[1] / "deploy/dagster.sqlite.yaml",
        Path(__file__).parents[1] / "deploy/dagster.postgres.yaml",
        Path(__file__).parents[1] / "deploy/dagster.compose.yaml",
    ],
    ids=lambda path: path.name,
)
def test_instances_are_valid_and_let_spark_take_turns(tmp_path: Path, path: Path) -> None:
    text = path.read_text()
    (tmp_path / "dagster.yaml").write_text(text)
    config, _ = dagster_instance_config(str(tmp_path))
    assert config["concurrency"]["pools"]["granularity"] == "run"
    assert config["telemetry"]["enabled"] is False
    assert config["nux"]["enabled"] is False
    secret = yaml.safe_load(text).get("storage", {}).get("postgres", {}).get("postgres_db", {})
    assert all("env" in secret[name] for name in ("hostname", "username", "password") if secret)


class Example(Rules):
    words: list[str]


def test_a_fingerprint_follows_the_rules_and_not_their_layout(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    prints = []
    for text in ("words: [a, b]", "# why\nwords:\n  - a\n  - b\n", "words: [b, a]"):
        file.write_text(text)
        prints.append(load_rules(Example, file).fingerprint)
    assert prints[0] == prints[1] != prints[2]


def test_an_edited_scheme_shows_segments_as_out_of_date(tmp_path: Path) -> None:
    built_in = files("amazon_seg_assets").joinpath("rules/schemes/standard.yaml").read_text()
    mine = tmp_path / "mine.yaml"
    mine.write_text(built_in)
    settings = Settings(scheme=str(mine))
    before = rfm_segments.version(settings)
    assert before == f"4-{load_scheme('standard').fingerprint}"
    mine.write_text(built_in.replace("scoring: percent_rank", "scoring: ntile"))
    assert rfm_segments.version(settings) != before


@pytest.mark.parametrize(
    ("asset", "rules"),
    [
        ("clean_metadata", [load_category_rules()]),
        ("main_category_counts", [load_category_rules()]),
        ("cluster_centers", [load_label_rules()]),
        ("scheme_comparison", [load_scheme(name) for name in COMPARED]),
        ("executive_report", [default_recommendations()]),
    ],
)
def test_rules_are_part_of_the_version_of_what_reads_them(
    definitions: Definitions, asset: str, rules: list[Rules]
) -> None:
    version, *prints = nodes(definitions)[asset].code_version.split("-")
    assert version.isdigit()
    assert prints == [each.fingerprint for each in rules]


def test_the_code_s_version_is_part_of_that_of_clean_tables(definitions: Definitions) -> None:
    for name in ("clean_reviews", "clean_metadata", "joined_reviews"):
        version = nodes(definitions)[name].code_version
        assert version.partition("-")[0] == CODE_VERSION, name


def test_the_instance_written_out_finds_the_records_of_the_default_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    places = set()
    for path in (
        files("amazon_seg_assets.run").joinpath("dagster.yaml"),
        Path(__file__).parents[1] / "deploy/dagster.sqlite.yaml",
    ):
        (tmp_path / "dagster.yaml").write_text(path.read_text())
        with DagsterInstance.get() as instance:
            storage, logs = instance.get_ref().storage, instance.compute_log_manager
            assert isinstance(storage, DagsterSqliteStorage)
            assert isinstance(logs, LocalComputeLogManager)
            places.add((storage.base_dir, logs.get_captured_local_path(["step"], "out")))
    assert len(places) == 1
