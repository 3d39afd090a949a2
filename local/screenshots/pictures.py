"""`make pictures`: take a picture of every message in a real browser, for docs/images."""

from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser

from local.aws.deployment import ROOT
from local.sandbox import sandbox
from local.screenshots.browser import chromium, open_page
from local.screenshots.gallery import Scene, scenes

IMAGES = ROOT / "docs" / "images"

_WIDTH = 824


def main() -> None:
    """Take the pictures, and remove those that no scene has any more."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sandbox(report=print) as running, chromium() as browser:
        url = running.slack.url
        pictures = {path for scene in scenes(running) for path in _take(browser, url, scene)}
    for path in set(IMAGES.glob("*.png")) - pictures:
        path.unlink()


def _take(browser: Browser, url: str, scene: Scene) -> Iterator[Path]:
    print(scene.name, flush=True)
    yield _message(browser, url, scene)
    match scene.name:
        case "review":
            yield _phone(browser, url, scene)
        case "quarantined":
            yield _page(browser, url, scene)


def _message(browser: Browser, url: str, scene: Scene) -> Path:
    path = IMAGES / f"{scene.name}.png"
    with open_page(browser, url, width=_WIDTH) as page:
        page.locator(f'input[value="{scene.viewer}"]').check(force=True)
        # As printed: only the channel, and no mark on the selected finding.
        page.emulate_media(media="print")
        page.locator(f'article[data-ts="{scene.ts}"]').screenshot(path=path)
    return path


def _phone(browser: Browser, url: str, scene: Scene) -> Path:
    path = IMAGES / "phone.png"
    with open_page(browser, url, width=390, height=1020) as page:
        article = page.locator(f'article[data-ts="{scene.ts}"]')
        article.evaluate("article => article.scrollIntoView()")
        page.screenshot(path=path)
    return path


def _page(browser: Browser, url: str, scene: Scene) -> Path:
    path = IMAGES / "page.png"
    with open_page(browser, url) as page:
        page.locator(f'article[data-ts="{scene.ts}"] .header').click()
        page.locator("#ledger .QUARANTINED").wait_for()
        page.mouse.move(0, 0)
        page.screenshot(path=path)
    return path


if __name__ == "__main__":
    main()
