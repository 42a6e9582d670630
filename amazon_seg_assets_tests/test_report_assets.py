"""The report as an asset: stored with and without the exploration, and with rules of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, DagsterInstance, ExecuteInProcessResult

from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.settings import Settings
from amazon_seg_assets.stages.report.assets import PICTURES, explored_now
from amazon_seg_assets.stages.report.gather import gather
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.ended_run import CATEGORY, SNAPSHOT, EndedRun
from amazon_seg_assets_tests.page import check_page

ALWAYS = [picture.name for picture in PICTURES if picture.stage != "exploration"]
"""Plots of every report."""


@pytest.fixture(scope="module")
def instance(ended_run: EndedRun) -> Iterator[DagsterInstance]:
    with DagsterInstance.from_config(str(ended_run.home)) as instance:
        yield instance


@pytest.fixture(scope="module")
def settings(ended_run: EndedRun) -> Settings:
    """A snapshot of twelve customers, with all that the main job makes of it."""
    return Settings(source=str(ended_run.source), category=CATEGORY, storage=ended_run.storage)


def materialize(
    settings: Settings, instance: DagsterInstance, job: str, assets: list[str], **ops: Any
) -> ExecuteInProcessResult:
    return (
        build_definitions(settings)
        .resolve_job_def(job)
        .execute_in_process(
            {"ops": {asset: {"config": given} for asset, given in ops.items()}},
            instance=instance,
            partition_key=SNAPSHOT if job == "segment_snapshot" else None,
            asset_selection=[AssetKey(name) for name in assets],
            raise_on_error=False,
        )
    )


def stored(settings: Settings) -> tuple[bytes, bytes]:
    folder = Store(settings.storage, CATEGORY).path("executive_report", SNAPSHOT)
    html, markdown = (folder / f"executive_report.{form}" for form in ("html", "md"))
    return html.read_bytes(), markdown.read_bytes()


@contextmanager
def other_source(store: Store, table: str) -> Iterator[None]:
    """Within it, a raw table passes for one of another source."""
    manifest = store.path(table) / "_manifest.json"
    content = manifest.read_text()
    manifest.write_text(content.replace(json.loads(content)["version"], "of another source"))
    try:
        yield
    finally:
        manifest.write_text(content)


def test_the_report_is_stored_with_and_without_the_exploration(
    settings: Settings, instance: DagsterInstance
) -> None:
    html, markdown = stored(settings)
    page = check_page(html.decode())
    assert page.tags.count("img") == len(ALWAYS)
    assert "12 customers" in page.text
    assert "Not shown: materialize rating_counts and top_products first" in page.text
    again = materialize(settings, instance, "segment_snapshot", ["executive_report"])
    assert stored(settings) == (html, markdown)
    [event] = again.asset_materializations_for_node("executive_report")
    metadata = {key: value.value for key, value in event.metadata.items()}
    assert metadata["report"] == markdown.decode()
    assert (metadata["customers"], metadata["one_review_share"]) == (12, 1.0)
    assert metadata["bytes"] == len(html)

    explored = ["rating_counts", "top_products", "popular_products_plot"]
    assert materialize(settings, instance, "explore", explored).success
    assert materialize(settings, instance, "segment_snapshot", ["executive_report"]).success
    page = check_page(stored(settings)[0].decode())
    assert page.tags.count("img") == len(ALWAYS) + 1
    assert "Not shown" not in page.text
    assert "“<script>alert(1)</script>" in page.text

    # What is of other raw data, such as those of a demo before them, is not shown.
    store = Store(settings.storage, CATEGORY)
    assert explored_now(instance, store) == {*explored}
    with other_source(store, "raw_reviews"):
        found = gather(store, SNAPSHOT, explored_now(instance, store))
    assert (found.ratings, found.top_products) == (None, None)
    assert [one.name for one in found.illustrations] == ALWAYS
    with other_source(store, "raw_metadata"):
        # The picture shows names of products.
        assert explored_now(instance, store) == {"rating_counts"}


def test_recommendations_of_one_s_own(
    settings: Settings, instance: DagsterInstance, tmp_path: Path
) -> None:
    before, own = stored(settings), tmp_path / "own.yaml"
    own.write_text("segments: {}\ngeneral: []\n")
    failed = materialize(
        settings, instance, "segment_snapshot", ["executive_report"],
        executive_report={"recommendations": str(own)},
    )  # fmt: skip
    [failure] = failed.get_step_failure_events()
    assert "Champions of the scheme standard is missing" in str(failure.step_failure_data)
    assert stored(settings) == before


def test_a_table_of_an_earlier_version_is_told(settings: Settings) -> None:
    store = Store(settings.storage, CATEGORY)
    figures = store.path("k_sweep", SNAPSHOT) / "_figures.json"
    content = figures.read_text()
    figures.unlink()
    try:
        with pytest.raises(InputError, match=r"k_sweep of Toys lacks figures of 2023-03"):
            gather(store, SNAPSHOT)
    finally:
        figures.write_text(content)
