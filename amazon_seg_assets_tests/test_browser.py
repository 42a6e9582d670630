"""A person at the web UI: looks at the graph, clicks, sees the plot.

Opt-in, as it needs the extra ``browser`` and a Chromium on the path: ``pytest -m browser``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetMaterialization, DagsterInstance, MetadataValue

pytest.importorskip("playwright", reason="the extra `browser` is not installed")

from amazon_seg_assets.planning.jobs import MAIN, SEGMENT
from amazon_seg_assets.planning.staleness import DECLARED
from amazon_seg_assets.sample import write_sample
from amazon_seg_assets.stages import STAGES
from amazon_seg_assets.stages.report.render import to_html
from amazon_seg_assets_tests.browser import (
    browse,
    find_chromium,
    requests_beyond,
    show_metadata,
    show_plot,
)
from amazon_seg_assets_tests.made_up import of_a_hundred
from amazon_seg_assets_tests.spark_conf import SPARK_CONF, in_environment
from amazon_seg_assets_tests.web_ui import (
    CATEGORY,
    LOCATION,
    WebUI,
    named,
    ui_over_a_sample,
    wait_for,
    web_ui,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium on this machine"),
]

SNAPSHOT, PLOT = "2023-09", "segment_counts_plot"


@pytest.fixture
def ui(tmp_path: Path) -> Iterator[WebUI]:
    with ui_over_a_sample(tmp_path, ("2022-09", SNAPSHOT), 5_000) as running:
        yield running


def test_a_snapshot_is_materialized_by_clicking(ui: WebUI, tmp_path: Path) -> None:
    with browse(f"{ui.url}/asset-groups") as page:
        for group in STAGES:
            page.get_by_text(group, exact=True).first.wait_for()
        page.screenshot(path=tmp_path / "graph.png")

        page.goto(f"{ui.url}/locations/{LOCATION}/jobs/{named(SEGMENT)}")
        page.get_by_role("button", name="Materialize all").click()
        # What the report would tell of the raw tables has not been explored here.
        page.get_by_role("button", name="Confirm").click()
        page.get_by_role("button", name="Latest").click()
        page.screenshot(path=tmp_path / "dialog.png")
        page.get_by_role("button", name="Launch 1 run").click()
        run_id = wait_for(lambda: ui.runs(SEGMENT), "the run to be launched", 30)[0]
        assert ui.wait_for_run(run_id)["status"] == "SUCCESS"

        page.goto(f"{ui.url}/runs/{run_id}")
        page.get_by_text("Success", exact=True).first.wait_for()
        page.get_by_text(f"partition: {SNAPSHOT}").first.wait_for()
        page.screenshot(path=tmp_path / "run.png")

        page.goto(f"{ui.url}/assets/{CATEGORY}/{PLOT}?partition={SNAPSHOT}")
        assert show_plot(page) > 800
        page.screenshot(path=tmp_path / "plot.png")


def test_the_main_job_is_pressed_and_its_report_read(ui: WebUI, tmp_path: Path) -> None:
    """Made is the snapshot alone, of what was prepared; the report is shown in the UI."""
    with browse(f"{ui.url}/locations/{LOCATION}/jobs/{named(MAIN)}/playground") as page:
        page.get_by_text("newest").first.wait_for()
        page.screenshot(path=tmp_path / "launchpad.png")
        page.get_by_role("button", name="Launch Run").click()
        run_id = wait_for(lambda: ui.runs(MAIN), "the run to be launched", 30)[0]
        assert ui.wait_for_run(run_id, 600)["status"] == "SUCCESS"
        assert len(ui.runs(SEGMENT)) > 0

        page.goto(f"{ui.url}/assets/{CATEGORY}/executive_report?partition={SNAPSHOT}")
        assert show_plot(page) == 640
        assert page.locator("img[src^='data:image/png']").count() > 4
        page.get_by_role("heading", name="In brief").wait_for()
        page.screenshot(path=tmp_path / "report.png")


def test_the_report_fits_a_phone_and_decisions_two_printed_pages(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    lists = {"Champions": f"/storage/{'a-folder/' * 20}champions.csv"}
    report.write_text(to_html(replace(of_a_hundred(), lists=lists)), encoding="utf-8")
    with browse(report.as_uri(), width=390, height=844) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.emulate_media(media="print")
        # A4 without its margins, at 96 pixels an inch.
        page.set_viewport_size({"width": 680, "height": 994})
        details = page.locator("main > h2").nth(1).bounding_box()
        assert details is not None
        assert details["y"] < 2 * 994


LEAK = "http://leak.invalid"
CONTROL = "control"


def hostile(value: Any, place: str) -> Any:
    """The same with a picture, a script and a link in each of its texts."""
    if isinstance(value, str):
        address = f"{LEAK}/{place}"
        tags = f"<img src={address}><script src={address}></script>"
        return f"{value} ![a]({address}){tags} <{address}>"
    if isinstance(value, list):
        return [hostile(each, place) for each in value]
    if isinstance(value, dict):
        return {hostile(name, place): hostile(each, place) for name, each in value.items()}
    return value


@pytest.fixture(scope="module")
def hostile_ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebUI]:
    """The UI over a run of the main job on reviews and products whose texts are all hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    source, storage, home = folder / "source", folder / "data", folder / "home"
    write_sample(source, CATEGORY, 5_000)
    for path in source.rglob("*.jsonl"):
        records = [json.loads(line) for line in path.read_text().splitlines()]
        records = [{name: hostile(of[name], name) for name in of} for of in records]
        records[0] |= {hostile("field", "field"): 1}
        lines = [*map(json.dumps, records), hostile("no record", "broken")]
        path.write_text("\n".join(lines) + "\n")
    environment = in_environment(SPARK_CONF) | {"AMAZON_SEG_MAX_MALFORMED_SHARE": "0.1"}
    options = ["--source", str(source)]
    subprocess.run(
        [sys.executable, "-m", "amazon_seg_assets", "run", *options, "--storage", str(storage)],
        env=os.environ | environment | {"DAGSTER_HOME": str(home)},
        check=True,
        cwd=folder,
    )
    with DagsterInstance.from_config(str(home)) as instance:
        shown = MetadataValue.md(f"![a]({LEAK}/{CONTROL})")
        instance.report_runless_asset_event(AssetMaterialization(CONTROL, metadata={"a": shown}))
    with web_ui(storage, home, *options, environment=environment) as ui:
        yield ui


def test_nothing_that_the_data_says_makes_the_browser_ask_elsewhere(hostile_ui: WebUI) -> None:
    """In the metadata of all assets, in checks of what is read, in logs of runs, in the report."""
    ui, opened = hostile_ui, 0
    [report] = ui.storage.rglob(f"executive_report/*={SNAPSHOT}/*.html")
    with browse(ui.url, height=6000) as page, requests_beyond(page, ui.url) as asked:
        for name in [output.name for declared in DECLARED for output in declared.stores]:
            opened += show_metadata(page, f"{ui.url}/assets/{CATEGORY}/{name}")
        for name in ("raw_reviews", "raw_metadata"):
            for check in ui.checks(name):
                page.goto(f"{ui.url}/assets/{CATEGORY}/{name}?view=checks&checkDetail={check}")
                page.get_by_text("Latest execution").wait_for()
        for run_id in ui.runs():
            page.goto(f"{ui.url}/runs/{run_id}")
            page.get_by_text("Success", exact=True).first.wait_for()
        page.goto(report.as_uri())
        assert asked == []
        assert opened > 20
        # Known to be seen, were it so.
        page.goto(f"{ui.url}/assets/{CONTROL}?view=events")
        page.wait_for_timeout(5_000)
    assert asked == [f"{LEAK}/{CONTROL}"]
