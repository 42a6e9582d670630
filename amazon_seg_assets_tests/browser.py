"""A headless Chromium that shows the web UI, and clicks in it as a person does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as NotSeen

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
_SOON, _AT_LAST, _FADING = 15_000, 60_000, 1_000  # milliseconds


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
        with suppress(NotSeen):
            # The first visit is offered a newsletter.
            page.get_by_role("button", name="Skip").click(timeout=_SOON)
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
