"""A headless Chromium that shows the web UI, and clicks in it as a person does."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Route, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# It stays on this machine: no updates, no accounts.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_AT_LAST, _FADING = 60_000, 1_000  # milliseconds

_TOLD_OF_EACH = re.compile(r"^(step_)?seconds$")


def find_chromium() -> str | None:
    """The Chromium of this machine, None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def browse(url: str, width: int = 1600, height: int = 900) -> Iterator[Page]:
    """A page at the web UI's address, in a window of a size in pixels."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=_FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(_AT_LAST)
        page.goto(url)
        yield page
        browser.close()


def show_plot(page: Page) -> int:
    """Opens the picture of the plot whose asset page is shown; returns its width in pixels."""
    page.get_by_text("[Show Markdown]").first.click()
    picture = page.locator("img[src^='data:image/png']").first
    picture.wait_for(state="visible")
    page.wait_for_timeout(_FADING)
    width: int = picture.evaluate("image => image.naturalWidth")
    return width


def show_metadata(page: Page, address: str) -> int:
    """Shows an asset with all that its metadata tells, in a window that is high enough for it.

    Returns the number of Markdown texts that had to be opened; short ones are shown at once.
    """
    page.goto(address)
    page.get_by_text(_TOLD_OF_EACH).first.wait_for()
    texts = page.get_by_text("[Show Markdown]").all()
    for text in texts:
        text.click()
        page.wait_for_timeout(_FADING)
        page.keyboard.press("Escape")
        page.wait_for_timeout(_FADING)
    return len(texts)


@contextmanager
def requests_beyond(page: Page, url: str) -> Iterator[list[str]]:
    """Collects, and refuses, what the page asks of others than the web UI."""
    asked: list[str] = []

    def look_at(route: Route) -> None:
        if route.request.url.startswith((url, "data:", "blob:", "file:")):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    page.route("**/*", look_at)
    yield asked
    page.unroute("**/*")
