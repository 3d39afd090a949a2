"""The system's Chromium, for the pictures and the tests of the channel's page."""

from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which

from playwright.sync_api import Browser, Page, sync_playwright

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium; stop it when the context ends.

    Raises:
        FileNotFoundError: Chromium is not installed.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(which, names)), None)
    if path is None:
        raise FileNotFoundError("Chromium is missing; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def open_page(
    browser: Browser, url: str, *, width: int = 1360, height: int = 900
) -> Iterator[Page]:
    """Open a page in its own window, in English and UTC on every machine."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="en-US", timezone_id="UTC"
    )
    page = context.new_page()
    page.goto(url)
    yield page
    context.close()
