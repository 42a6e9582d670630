"""Makes the pictures of the README anew: ``make screenshots``.

Runs the demo into a temporary folder, opens the web UI over it in a headless Chromium, and writes
pictures of its pages, of the report and of some plots to ``docs/images``. It needs the extra
``browser`` and a Chromium on the path; ``--reviews`` makes it faster, ``--folder`` keeps the demo
and uses it again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets_tests.browser import browse, show_plot
from amazon_seg_assets_tests.disk import on_disk
from amazon_seg_assets_tests.web_ui import CATEGORY, LOCATION, WebUI, named, web_ui

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SNAPSHOT = "2023-09"
PLOTS = ("segment_counts_plot", "segment_treemap_plot", "elbow_plot", "cluster_profile_plot")
_COLORS = 256
_PLOT_WIDTH = 1000
_MOST_CLICKS = 8
_STILL = 1500  # milliseconds after which the graph has moved to its place


def main() -> None:
    """Makes all pictures."""
    parser = argparse.ArgumentParser(description="Makes the pictures of the README anew.")
    parser.add_argument("--reviews", type=int, default=200_000, help="of the demo")
    parser.add_argument("--folder", type=Path, help="of the demo; default: a temporary one")
    options = parser.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="amazon-seg-") as temporary:
        folder = options.folder or Path(temporary)
        home, storage = folder / "home", folder / "data"
        store = Store(storage, CATEGORY)
        if not home.exists():
            _run_demo(home, storage, options.reviews)
        with web_ui(storage, home, "--reviews", str(options.reviews)) as ui:
            _picture_pages(ui, store)
        for name in PLOTS:
            source = on_disk(store.path(name, SNAPSHOT)) / f"{name}.png"
            _save(source, IMAGES / f"{name}.png", width=_PLOT_WIDTH)
    for image in sorted(IMAGES.glob("*.png")):
        print(f"{image.stat().st_size:>9,} bytes  {image.relative_to(IMAGES.parents[1])}")


def _run_demo(home: Path, storage: Path, reviews: int) -> None:
    command = [sys.executable, "-m", "amazon_seg_assets", "run", "--source", "sample"]
    subprocess.run(
        [*command, "--category", CATEGORY, "--reviews", str(reviews), "--storage", str(storage)],
        env=os.environ | {"DAGSTER_HOME": str(home)},
        check=True,
    )


def _picture_pages(ui: WebUI, store: Store) -> None:
    assets = f"{ui.url}/assets/{CATEGORY}"
    upstream = "view=lineage&lineageScope=upstream&lineageDepth=20"
    report = on_disk(store.path("executive_report", SNAPSHOT)) / "executive_report.html"
    with browse(ui.url) as page:
        # It is kept in the browser: all pages have more room.
        page.get_by_text("Hide navigation").click()
        _picture(
            page, "ui-graph", f"{assets}/segment_treemap_plot?{upstream}", _seen("segment_summary")
        )
        _picture(page, "ui-lineage", f"{assets}/rfm_segments?{upstream}", _zoomed, width=1650)
        _picture(page, "ui-asset", f"{assets}/rfm_segments", _seen("monetary"))
        _picture(page, "ui-plot", f"{assets}/segment_counts_plot", show_plot)
        job = f"{ui.url}/locations/{LOCATION}/jobs/{named('segment_snapshot')}"
        _picture(page, "ui-backfill", job, _four_months, height=760)
        _picture(page, "ui-checks", f"{assets}/rfm_features?view=checks", _seen("threshold"))
        _picture(page, "report", report.absolute().as_uri(), _seen("In brief"), width=1100)


def _seen(text: str) -> Callable[[Page], object]:
    """Waits until a page shows a text."""
    return lambda page: page.get_by_text(text).first.wait_for()


def _four_months(page: Page) -> None:
    """Opens the dialog of a backfill, and types a range of months."""
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_placeholder("ex:").fill("[2023-05...2023-08]")
    page.keyboard.press("Enter")


def _zoomed(page: Page) -> None:
    """Comes so near to a graph that it shows the state of each asset."""
    _seen("raw_reviews")(page)
    page.wait_for_timeout(_STILL)
    for _ in range(_MOST_CLICKS):
        if page.get_by_text("Asset checks").count():
            return
        page.get_by_role("img", name="zoom_in").click()
        page.wait_for_timeout(_STILL)
    raise RuntimeError("the graph does not show the state of its assets, however near one comes")


def _picture(
    page: Page,
    name: str,
    url: str,
    ready: Callable[[Page], object],
    width: int = 1400,
    height: int = 800,
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(url)
    ready(page)
    page.wait_for_timeout(_STILL)
    raw = IMAGES / f"{name}.raw.png"
    page.screenshot(path=raw)
    _save(raw, IMAGES / f"{name}.png")
    raw.unlink()


def _save(source: Path, target: Path, width: int | None = None) -> None:
    """A copy in few colours, no wider than asked, which is a third of the size."""
    with Image.open(source) as picture:
        image = picture.convert("RGB")
    if width and image.width > width:
        image = image.resize((width, image.height * width // image.width), Image.Resampling.LANCZOS)
    image.quantize(_COLORS, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main()
