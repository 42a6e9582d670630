"""A person at the web UI: looks at the graph, clicks, sees the plot.

Opt-in, as it needs the extra ``browser`` and a Chromium on the path: ``pytest -m browser``.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="the extra `browser` is not installed")

from amazon_seg_assets.planning.jobs import MAIN, SEGMENT
from amazon_seg_assets.stages import STAGES
from amazon_seg_assets.stages.report.render import to_html
from amazon_seg_assets_tests.browser import browse, find_chromium, show_plot
from amazon_seg_assets_tests.made_up import of_a_hundred
from amazon_seg_assets_tests.web_ui import (
    CATEGORY,
    LOCATION,
    WebUI,
    named,
    ui_over_a_sample,
    wait_for,
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
    """What it finds prepared it leaves, and makes the snapshot; the report is shown in the UI."""
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
