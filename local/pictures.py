"""`make pictures`: what a person sees, photographed in a real browser for the README."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from local.deployment import ROOT
from local.macie import event_about
from local.sandbox import APPROVER, Sandbox, sandbox, wait_for

IMAGES = ROOT / "docs" / "images"

_CALM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def channel_page(url: str, *, width: int = 1100) -> Iterator[Page]:
    """Open the channel's page in the system's Chromium.

    Raises:
        FileNotFoundError: there is no Chromium.
    """
    chromium = which("chromium") or which("chromium-browser") or which("google-chrome")
    if chromium is None:
        raise FileNotFoundError("Chromium is needed, on Debian: apt-get install chromium")
    with sync_playwright() as playwright, TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium,
            args=list(_CALM),
            viewport={"width": width, "height": 900},
        )
        page = context.pages[0]
        page.goto(url)
        yield page
        context.close()


def main() -> None:
    """Take the pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sandbox(tell=print) as one, channel_page(one.slack.url) as page:
        _take(one, page)


def _take(one: Sandbox, page: Page) -> None:
    finding_id = _found(one)
    message = wait_for(lambda: one.message_about(finding_id))
    _photograph(page, message.ts, "please decide", IMAGES / "review.png")
    one.slack.click(message.ts, "remediate", APPROVER)
    _photograph(page, message.ts, "Object quarantined", IMAGES / "quarantined.png")


def _found(one: Sandbox) -> str:
    s3 = one.client("s3")
    s3.create_bucket(Bucket="acme-hr-uploads")
    key = "onboarding/new hires 2026.csv"
    s3.put_object(Bucket="acme-hr-uploads", Key=key, Body=b"name,ssn\nJane Doe,078-05-1120\n")
    return one.deliver(
        event_about(s3, fixture="multiple-high-public", bucket="acme-hr-uploads", key=key)
    )


def _photograph(page: Page, ts: str, wanted: str, path: Path) -> None:
    message = page.locator(f'article[data-ts="{ts}"]').filter(has_text=wanted)
    message.wait_for()
    message.screenshot(path=path)


if __name__ == "__main__":
    main()
