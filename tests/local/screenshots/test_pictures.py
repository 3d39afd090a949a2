"""The document that shows every message, and the pictures that `make pictures` takes for it."""

import re

from local.aws.deployment import ROOT
from local.screenshots.pictures import IMAGES

MESSAGES = (ROOT / "docs" / "messages.md").read_text()


def test_every_picture_is_shown_and_every_one_shown_is_taken() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(images/([^)]+)\)", MESSAGES)
    assert sorted(shown) == sorted(path.name for path in IMAGES.glob("*.png"))
