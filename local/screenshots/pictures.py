"""`make pictures`: every message that a person may see, photographed in a real browser."""

from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser

from local.aws.deployment import ROOT
from local.sandbox import sandbox
from local.screenshots.browser import chromium, opened
from local.screenshots.gallery import Scene, scenes

IMAGES = ROOT / "docs" / "images"

_WIDE = 824


def main() -> None:
    """Take the pictures; those that are no more are removed."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sandbox(tell=print) as one, chromium() as browser:
        taken = {path for scene in scenes(one) for path in _take(browser, one.slack.url, scene)}
    for path in set(IMAGES.glob("*.png")) - taken:
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
    with opened(browser, url, width=_WIDE) as page:
        page.locator(f'input[value="{scene.viewer}"]').check(force=True)
        # As printed: the channel alone, with no mark of what is chosen.
        page.emulate_media(media="print")
        page.locator(f'article[data-ts="{scene.ts}"]').screenshot(path=path)
    return path


def _phone(browser: Browser, url: str, scene: Scene) -> Path:
    path = IMAGES / "phone.png"
    with opened(browser, url, width=390, height=1020) as page:
        page.locator(f'article[data-ts="{scene.ts}"]').evaluate("one => one.scrollIntoView()")
        page.screenshot(path=path)
    return path


def _page(browser: Browser, url: str, scene: Scene) -> Path:
    path = IMAGES / "page.png"
    with opened(browser, url) as page:
        page.locator(f'article[data-ts="{scene.ts}"] .header').click()
        page.locator("#ledger .QUARANTINED").wait_for()
        page.mouse.move(0, 0)
        page.screenshot(path=path)
    return path


if __name__ == "__main__":
    main()
