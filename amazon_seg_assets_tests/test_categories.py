"""Several categories in one code location: each has a family of assets of its own."""

import time
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, DagsterInstance, Definitions

from amazon_seg_assets.categories import CATEGORIES
from amazon_seg_assets.dag.declaration import declared_in
from amazon_seg_assets.dag.family import families
from amazon_seg_assets.dag.records import last_version
from amazon_seg_assets.dag.steps import SOURCE_FILES
from amazon_seg_assets.definitions import DECLARATIONS, build_definitions
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.months import month_range
from amazon_seg_assets.planning.jobs import DESCRIPTIONS, INGEST, MAIN
from amazon_seg_assets.run.headless import HeadlessRun
from amazon_seg_assets.settings import Settings, load_settings
from amazon_seg_assets.stages.raw.manifest import require_manifest
from amazon_seg_assets_tests.raw_files import product, review, write_raw

TWO = ("Toys", "Gift_Cards")
MADE = {output.name for each in DECLARATIONS for output in each.stores}
NAMES = {SOURCE_FILES, *MADE}


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return build_definitions(Settings(category="Toys, Gift_Cards,Toys", source="hub"))


def nodes(definitions: Definitions) -> dict[tuple[str, str], Any]:
    """Assets by category and name."""
    graph = definitions.resolve_asset_graph()
    return {(key.path[0], key.path[1]): graph.get(key) for key in graph.get_all_asset_keys()}


@pytest.mark.parametrize(
    ("given", "categories"),
    [
        ("Toys", ("Toys",)),
        ("Toys,Gift_Cards", TWO),
        (" Toys ,  Gift_Cards ", TWO),
        ("Toys,Gift_Cards,Toys", TWO),
        ("Gift_Cards,Toys", TWO[::-1]),
        ("", ("Electronics",)),
    ],
)
def test_categories_are_names_with_commas_each_counted_once(
    monkeypatch: pytest.MonkeyPatch, given: str, categories: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AMAZON_SEG_SOURCE", "hub")
    monkeypatch.setenv("AMAZON_SEG_CATEGORY", given)
    settings = load_settings()
    assert settings.categories == categories
    assert [family.category for family in families(settings)] == [*categories]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        *(
            (given, "an entry is empty, write names with one comma in between")
            for given in (",", "Toys,", ",Toys", "Toys,,Gift_Cards", "Toys, ,Gift_Cards", " ")
        ),
        ("Toys,../etc", "a category consists of letters, digits and underscores"),
        ("Toys;Gift_Cards", "a category consists of letters, digits and underscores"),
    ],
)
def test_what_names_no_categories_is_told(given: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        load_settings(category=given)
    assert str(error.value) == (
        f"The setting AMAZON_SEG_CATEGORY ({given!r}) is not valid: {message}."
    )


def test_each_category_has_all_assets_and_checks_made_from_its_own_alone(
    definitions: Definitions,
) -> None:
    every = nodes(definitions)
    assert set(every) == {(category, name) for category in TWO for name in NAMES}
    for (category, name), node in every.items():
        assert node.tags["amazon_seg/category"] == category
        assert {parent.path[0] for parent in node.parent_keys} <= {category}, name
        assert {key.path[0] for key in node.partition_mappings} <= {category}, name
        assert {key.asset_key for key in node.check_keys} <= {node.key}
        lineage = node.metadata.get("dagster/column_lineage")
        cited = lineage.value.deps_by_column.values() if lineage else ()
        assert {dep.asset_key.path[0] for deps in cited for dep in deps} <= {category}, name
    for name in NAMES:
        one, other = (every[category, name] for category in TWO)
        assert [key.name for key in sorted(one.check_keys)] == [
            key.name for key in sorted(other.check_keys)
        ]
        assert {key.path[1] for key in one.parent_keys} == {
            key.path[1] for key in other.parent_keys
        }
        assert one.partitions_def == other.partitions_def


def test_each_category_has_jobs_sensors_and_a_schedule_of_its_own(
    definitions: Definitions,
) -> None:
    repository = definitions.get_repository_def()
    jobs = {job.name: job for job in repository.get_all_jobs() if job.name[:2] != "__"}
    of_each = (*DESCRIPTIONS, MAIN)
    assert set(jobs) == {f"{category}__{job}" for category in TWO for job in of_each}
    for category in TWO:
        made: set[AssetKey] = set()
        for name in DESCRIPTIONS:
            job = jobs[f"{category}__{name}"]
            made |= job.asset_layer.selected_asset_keys
            assert {key.path[0] for key in job.asset_layer.selected_asset_keys} == {category}
            assert {node.name.partition("__")[0] for node in job.graph.nodes} == {category}
            assert (job.tags["amazon_seg/category"], job.tags["amazon_seg/source"]) == (
                category,
                "hub",
            )
        assert made == {AssetKey([category, name]) for name in MADE}
    targets = {
        each.name: {target.job_name for target in each.targets}
        for each in repository.sensor_defs
        if each.name not in ("run_failed", "old_runs_removed")
    } | {each.name: {each.job_name} for each in repository.schedule_defs}
    assert targets == {
        f"{category}__{name}": {f"{category}__{job}" for job in asked}
        for category in TWO
        for name, asked in (
            ("source_changed", ["ingest"]),
            (
                "months_changed",
                ["prepare_months", "history", "explore", "segment_snapshot", "main"],
            ),
            ("last_complete_month", ["segment_snapshot"]),
        )
    }


def test_a_second_category_renames_nothing_and_changes_no_version(definitions: Definitions) -> None:
    def told(given: Definitions) -> dict[tuple[str, str], tuple[Any, ...]]:
        return {
            key: (node.key, node.code_version, node.group_name, sorted(node.check_keys))
            for key, node in nodes(given).items()
            if key[0] == TWO[0]
        }

    assert told(build_definitions(Settings(category=TWO[0]))) == told(definitions)


def test_categories_share_a_source_a_storage_and_dagster_s_records(
    tmp_path: Path, instance: DagsterInstance
) -> None:
    for number, category in enumerate(TWO, 1):
        reviews = [review(f"u{n}", "p", "2023-03-01T00:00:00") for n in range(number)]
        write_raw(tmp_path, category, reviews, [product("p", 1.0)])
    settings = Settings(category=",".join(TWO), source=str(tmp_path), storage=tmp_path / "data")
    definitions, versions = build_definitions(settings), []
    for number, family in enumerate(families(settings), 1):
        run = HeadlessRun(definitions, family, instance, lambda _: None)
        run.execute(INGEST, assets=declared_in("raw"))
        assert run.store.folder == tmp_path / "data" / family.category
        manifest = require_manifest(run.store, "raw_reviews")
        assert manifest.rows == number
        versions.append(last_version(instance, run.store, family.key("raw_reviews")))
        assert versions[-1] == manifest.version
        # Of another category there is no record in this storage.
        others = {key.path[0] for key in instance.get_asset_keys()}
        assert others == set(TWO[:number])
    assert versions[0] != versions[1]
    tags = [run.tags["amazon_seg/category"] for run in instance.get_runs()]
    assert tags == [*reversed(TWO)]


def deployed(settings: Settings) -> dict[str, Any]:
    """Definitions by the settings of a deployment with one category."""
    definitions = build_definitions(settings)
    every = {name: node for (_, name), node in nodes(definitions).items()}
    job = definitions.resolve_job_def(f"{settings.category}__segment_snapshot")
    config: Any = job.graph.node_named(f"{settings.category}__rfm_segments").definition
    mapping = every["rfm_features"].partition_mappings[
        AssetKey([settings.category, "joined_reviews"])
    ]
    months, joined = (every[name].partitions_def for name in ("rfm_features", "joined_reviews"))
    needed = mapping.get_upstream_mapped_partitions_result_for_partitions(
        months.subset_with_partition_keys(["2022-03"]), months, joined
    )
    return {
        "category": {category for category, _ in nodes(definitions)},
        "months": months.get_partition_keys(),
        "look back": [*needed.partitions_subset.get_partition_keys()],
        "scheme": config.config_schema.config_type.fields["scheme"].default_value,
        "versions": {name: node.code_version for name, node in every.items()},
    }


def test_deployments_with_other_settings_can_be_built_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "excluded_categories.yaml").write_text("excluded: {Toys: [Baby]}")
    before = deployed(Settings())
    toys = deployed(
        Settings(
            category="Toys",
            first_month="2022-01",
            last_month="2022-06",
            scheme="notebook",
            rules=tmp_path,
        )
    )
    assert (toys["category"], before["category"]) == ({"Toys"}, {"Electronics"})
    assert toys["months"] == month_range("2022-01", "2022-06")
    assert before["months"] == month_range("2020-10", "2023-09")
    assert toys["look back"] == month_range("2022-01", "2022-03")
    assert before["look back"] == month_range("2021-03", "2022-03")
    assert (toys["scheme"], before["scheme"]) == ("notebook", "standard")
    assert {
        name for name, version in toys["versions"].items() if version != before["versions"][name]
    } == {"clean_metadata", "main_category_counts", "misplaced_products", "rfm_segments"}
    assert deployed(Settings()) == before


def test_all_categories_of_the_hub_load_and_are_valid(capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    definitions = build_definitions(Settings(category=",".join(CATEGORIES), source="hub"))
    Definitions.validate_loadable(definitions)
    with capsys.disabled():
        print(f"\n{len(CATEGORIES)} categories loaded in {time.monotonic() - started:.1f} s")
    assert len(CATEGORIES) == 34
    keys = definitions.resolve_asset_graph().get_all_asset_keys()
    assert {tuple(key.path) for key in keys} == {
        (category, name) for category in CATEGORIES for name in NAMES
    }
