"""The report as an asset: stored with and without the exploration, and with rules of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, ExecuteInProcessResult

from amazon_seg_assets.dag.handles import Snapshot
from amazon_seg_assets.dag.versions import NOTE, WHOLE
from amazon_seg_assets.definitions import build_definitions
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.planning.jobs import EXPLORE, SEGMENT
from amazon_seg_assets.stages.report.assets import PICTURES, SEEN, explored_now
from amazon_seg_assets.stages.report.gather import MAY_LACK, gather
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.ended_run import CATEGORY, SNAPSHOT, EndedRun
from amazon_seg_assets_tests.graph import family_of
from amazon_seg_assets_tests.page import check_page

LEFT_OUT = {"exploration", *MAY_LACK}
ALWAYS = [picture.name for picture in PICTURES if picture.stage not in LEFT_OUT]
"""Plots of every report."""


@pytest.fixture(scope="module")
def instance(ended_run: EndedRun) -> Iterator[DagsterInstance]:
    with DagsterInstance.from_config(str(ended_run.home)) as instance:
        yield instance


@pytest.fixture(scope="module")
def snapshot(ended_run: EndedRun, instance: DagsterInstance) -> Snapshot:
    """Of twelve customers, with all that the main job makes of it."""
    family = family_of(CATEGORY, source=str(ended_run.source), storage=ended_run.storage)
    return Snapshot(family, Store(ended_run.storage, CATEGORY), SNAPSHOT, instance=instance)


def materialize(
    snapshot: Snapshot, job: str, assets: list[str], **ops: Any
) -> ExecuteInProcessResult:
    family = snapshot.family
    return (
        build_definitions(family.settings)
        .resolve_job_def(family.name(job))
        .execute_in_process(
            {"ops": {family.name(asset): {"config": given} for asset, given in ops.items()}},
            instance=snapshot.instance,
            partition_key=SNAPSHOT if job == SEGMENT else None,
            asset_selection=[family.key(name) for name in assets],
            raise_on_error=False,
        )
    )


def stored(snapshot: Snapshot) -> tuple[bytes, bytes]:
    folder = snapshot.storage.path("executive_report", SNAPSHOT)
    html, markdown = (folder / f"executive_report.{form}" for form in ("html", "md"))
    return html.read_bytes(), markdown.read_bytes()


@contextmanager
def other_source(store: Store, table: str) -> Iterator[None]:
    """Within it, a raw table passes for one of another source."""
    note = store.path(table) / NOTE
    content = note.read_text()
    note.write_text(json.dumps(json.loads(content) | {"versions": {WHOLE: "of another source"}}))
    try:
        yield
    finally:
        note.write_text(content)


def test_the_report_is_stored_with_and_without_the_exploration(snapshot: Snapshot) -> None:
    html, markdown = stored(snapshot)
    page = check_page(html.decode())
    assert page.tags.count("img") == len(ALWAYS)
    assert "12 customers" in page.text
    assert "Not shown: materialize rating_counts and top_products first" in page.text
    again = materialize(snapshot, SEGMENT, ["executive_report"])
    assert stored(snapshot) == (html, markdown)
    [event] = again.asset_materializations_for_node(f"{CATEGORY}__executive_report")
    metadata = {key: value.value for key, value in event.metadata.items()}
    shown = str(metadata["report"])
    assert shown.splitlines()[:3] == markdown.decode().splitlines()[:3]
    # It lies in Dagster's records, of each month and each time, so appendices are without pictures.
    seen = [one.name for one in PICTURES if one.name in ALWAYS and one.section in SEEN]
    assert shown.count("](data:image/png;base64,") == len(seen) > 1
    assert len(shown) < len(markdown) + 30_000 * len(seen)
    assert (metadata["customers"], metadata["one_review_share"]) == (12, 1.0)
    assert metadata["bytes"] == len(html)

    explored = ["rating_counts", "top_products", "popular_products_plot"]
    assert materialize(snapshot, EXPLORE, explored).success
    assert materialize(snapshot, SEGMENT, ["executive_report"]).success
    page = check_page(stored(snapshot)[0].decode())
    assert page.tags.count("img") == len(ALWAYS) + 1
    assert "Not shown" not in page.text
    assert "“<script>alert(1)</script>" in page.text

    # What is of other raw data, such as those of a demo before them, is not shown.
    store = snapshot.storage
    assert explored_now(snapshot) == {*explored}
    with other_source(store, "raw_reviews"):
        found = gather(snapshot, PICTURES, explored_now(snapshot))
    assert (found.ratings, found.top_products) == (None, None)
    assert [one.name for one in found.illustrations] == ALWAYS
    with other_source(store, "raw_metadata"):
        # The picture shows names of products.
        assert explored_now(snapshot) == {"rating_counts"}


def test_recommendations_of_one_s_own(snapshot: Snapshot, tmp_path: Path) -> None:
    before, own = stored(snapshot), tmp_path / "own.yaml"
    own.write_text("segments: {}\ngeneral: []\n")
    configured = {"recommendations": str(own)}
    failed = materialize(snapshot, SEGMENT, ["executive_report"], executive_report=configured)
    [failure] = failed.get_step_failure_events()
    assert "Champions of the scheme standard is missing" in str(failure.step_failure_data)
    assert stored(snapshot) == before


def test_a_table_of_an_earlier_version_is_told(snapshot: Snapshot) -> None:
    facts = snapshot.storage.path("k_sweep", SNAPSHOT) / "_figures.json"
    content = facts.read_text()
    facts.unlink()
    try:
        with pytest.raises(InputError, match=r"k_sweep of Toys lacks facts of 2023-03"):
            gather(snapshot, PICTURES)
    finally:
        facts.write_text(content)
