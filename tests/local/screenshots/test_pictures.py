"""docs/messages.md shows every picture that `make pictures` takes."""

import re

from local.aws.deployment import ROOT
from local.screenshots.pictures import IMAGES

MESSAGES = (ROOT / "docs" / "messages.md").read_text()


def test_the_page_shows_exactly_the_pictures_that_exist() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(images/([^)]+)\)", MESSAGES)
    assert sorted(shown) == sorted(path.name for path in IMAGES.glob("*.png"))
