"""Configuration as the launchpad shows it, and runs that are taken up again."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from dagster import (
    AssetKey,
    Config,
    DagsterInstance,
    DagsterInvalidConfigError,
    Failure,
    JobDefinition,
    ReexecutionOptions,
    execute_job,
    reconstructable,
    validate_run_config,
)
from pydantic import ValidationError
from pyspark.sql import SparkSession

from amazon_seg_assets.dag.internals import range_tags
from amazon_seg_assets.dag.titles import give_title, title
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.months import said
from amazon_seg_assets.planning.jobs import DESCRIPTIONS, MAIN
from amazon_seg_assets.rules.categories import load_excluded_categories
from amazon_seg_assets.rules.files import built_in
from amazon_seg_assets.rules.scheme import BUILT_IN_SCHEMES
from amazon_seg_assets.settings import Settings, load_settings
from amazon_seg_assets.stages.cleaning import transform as cleaning
from amazon_seg_assets.stages.clusters.assets import SweepConfig
from amazon_seg_assets.stages.overview.assets import EvaluationConfig
from amazon_seg_assets.stages.rfm.assets import RfmConfig
from amazon_seg_assets_tests.raw_files import product, review, write_raw

WRONG = [
    ("raw_reviews", "force", "sometimes"),
    ("clean_metadata", "excluded_categories", "Books"),
    ("rfm_features", "min_price", "cheap"),
    ("k_sweep", "k_max", "many"),
    ("rfm_segments", "scheme", "modern"),
    ("rfm_segments", "scheme_file", 3),
    ("cluster_validation", "resamples", 1.5),
    ("rating_counts", "year", "last"),
    ("k_sweep_checks", "min_silhouette", "high"),
    ("run_all", "history", "yes"),
]


@pytest.fixture(scope="module")
def jobs() -> list[JobDefinition]:
    definitions = build_definitions(Settings())
    return [definitions.resolve_job_def(f"Electronics__{name}") for name in (*DESCRIPTIONS, MAIN)]


def test_a_run_has_a_title_that_names_its_work_and_its_months(jobs: list[JobDefinition]) -> None:
    [job] = [job for job in jobs if job.name == "Electronics__segment_snapshot"]
    few, many = (
        [AssetKey(["Electronics", name]) for name in names]
        for names in (("rfm_segments", "k_sweep"), "abcd")
    )
    a_range, one = range_tags("2023-01", "2023-03"), range_tags("2023-03", "2023-03")
    with DagsterInstance.ephemeral() as instance:
        for assets, tags, expected in (
            (few, a_range, f"k_sweep, rfm_segments {said(['2023-01', '2023-02', '2023-03'])}"),
            (many, one, "4 assets 2023-03"),
            ([], {}, "segment_snapshot"),
            ([], title("ingest", {}), "ingest"),
        ):
            run = instance.create_run_for_job(job, tags=tags)
            chosen = SimpleNamespace(
                run_id=run.run_id,
                job_name=run.job_name,
                tags=run.tags,
                asset_selection=assets,
                asset_check_selection=None,
            )
            give_title(SimpleNamespace(run=chosen, instance=instance))  # type: ignore[arg-type]
            known = instance.get_run_by_id(run.run_id)
            assert known is not None
            assert known.tags.get("amazon_seg/run") == expected


@pytest.mark.parametrize(("step", "field", "value"), WRONG)
def test_a_wrong_value_is_told_with_its_field(
    jobs: list[JobDefinition], step: str, field: str, value: Any
) -> None:
    name = f"Electronics__{step}"
    [job] = [job for job in jobs if name in job.graph.node_dict]
    with pytest.raises(DagsterInvalidConfigError, match=f"ops:{name}:config:{field}"):
        validate_run_config(job, {"ops": {name: {"config": {field: value}}}})


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (RfmConfig, "min_price", -1),
        (SweepConfig, "k_max", 51),
        (SweepConfig, "k_min", 1),
        (SweepConfig, "k", 51),
        (SweepConfig, "n_init", 0),
        (SweepConfig, "random_state", -1),
        (EvaluationConfig, "resamples", 0),
    ],
)
def test_a_value_beyond_its_limits_is_told_with_its_field(
    kind: type[Config], field: str, value: float
) -> None:
    with pytest.raises(ValidationError, match=f"\n{field}\n"):
        kind(**{field: value})


def test_every_field_is_described_and_has_a_default_that_the_launchpad_shows(
    jobs: list[JobDefinition],
) -> None:
    config = [validate_run_config(job, {}) for job in jobs]
    fields = [
        (node.name, name, field)
        for job in jobs
        for node in job.all_node_defs
        for name, field in _fields(node).items()
    ]
    assert len(fields) > 10
    for asset, name, field in fields:
        assert field.description, f"{asset}.{name}"
        # The launchpad leaves out a default that is null.
        assert field.default_value is not None, f"{asset}.{name}"
    assert all(each is not None for each in config)


@pytest.mark.parametrize("default", ["notebook", "mine.yaml"])
def test_the_scheme_is_a_choice_whose_default_is_that_of_the_deployment(
    tmp_path: Path, default: str
) -> None:
    chosen = default
    if default not in BUILT_IN_SCHEMES:
        chosen = str(tmp_path / default)
        shutil.copy(str(built_in("schemes/standard.yaml")), chosen)
    definitions = build_definitions(Settings(scheme=chosen))
    job = definitions.resolve_job_def("Electronics__segment_snapshot")
    scheme = _fields(job.graph.node_named("Electronics__rfm_segments").definition)["scheme"]
    assert scheme.default_value == chosen
    choices = [value.config_value for value in scheme.config_type.enum_values]
    assert choices == [*dict.fromkeys([*BUILT_IN_SCHEMES, chosen])]


def test_what_is_left_out_of_the_category_is_shown(jobs: list[JobDefinition]) -> None:
    [job] = [job for job in jobs if job.name == "Electronics__ingest"]
    shown = _fields(job.graph.node_named("Electronics__clean_metadata").definition)
    excluded = shown["excluded_categories"].default_value
    assert excluded == [*load_excluded_categories("Electronics")]
    assert "Books" in excluded


def test_the_examples_of_the_docs_can_be_launched(jobs: list[JobDefinition]) -> None:
    text = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    single = re.findall(r"`(Electronics__\w+: \{.*?\})`", text.replace("\n", " "))
    assert len(single) == 3
    for given in (yaml.safe_load(example), *({"ops": yaml.safe_load(each)} for each in single)):
        [job] = [job for job in jobs if given["ops"].keys() <= job.graph.node_dict.keys()]
        assert validate_run_config(job, given)


def _fields(node: Any) -> dict[str, Any]:
    return dict(getattr(node.config_schema.config_type, "fields", None) or {})


def prepare_job() -> JobDefinition:
    return build_definitions(load_settings()).resolve_job_def("Toys__prepare_months")


def test_a_run_that_died_goes_on_from_where_it_failed(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert spark is not None
    days = ("2023-02-01T00:00:00", "2023-03-01T00:00:00")
    write_raw(tmp_path, "Toys", [review("a", "p", day) for day in days], [product("p", 1.0)])
    monkeypatch.setenv("AMAZON_SEG_SOURCE", str(tmp_path))
    monkeypatch.setenv("AMAZON_SEG_CATEGORY", "Toys")
    monkeypatch.setenv("AMAZON_SEG_STORAGE", str(tmp_path / "data"))
    join = cleaning.join_products

    def dies(*_: Any) -> Any:
        raise Failure("the cluster is away", allow_retries=False)

    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        ingest = build_definitions(load_settings()).resolve_job_def("Toys__ingest")
        assert ingest.execute_in_process(instance=instance).success
        monkeypatch.setattr(cleaning, "join_products", dies)
        tags = range_tags("2023-02", "2023-03")
        job = reconstructable(prepare_job)
        with execute_job(job, instance, tags=tags) as first:
            assert not first.success
        monkeypatch.setattr(cleaning, "join_products", join)
        options = ReexecutionOptions.from_failure(first.run_id, instance)
        with execute_job(job, instance, tags=tags, reexecution_options=options) as second:
            assert second.success
            made = [
                (event.asset_key.path[-1], event.partition)
                for event in second.get_asset_materialization_events()
                if event.asset_key is not None
            ]
    # The clean reviews were stored before; they are not made again.
    assert made == [("joined_reviews", "2023-02"), ("joined_reviews", "2023-03")]
