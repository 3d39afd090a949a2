"""docs/moving.md says what happens: its tables against the requests, statuses and messages."""

import itertools
import re
from pathlib import Path

import pytest

from lambdas.common.record import TRANSITIONS, Status
from tests.lambdas.remediator.world import SOURCE, World, world

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "moving.md").read_text()
MIB = 1024 * 1024
CARD = b"name,card\nJane,4111111111111111\n"
LARGE = CARD * (3 * MIB // len(CARD))

Request = tuple[str, str]
"""An operation of S3, and the bucket it is asked of: source or quarantine."""


def _section(title: str) -> str:
    return re.split(r"^#+ ", DOCUMENT.split(f"# {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def _rows(text: str) -> list[list[str]]:
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines]


def _table(title: str, column: str | None = None) -> list[Request]:
    """Read the requests of a table, or those of its rows that say yes in `column`."""
    header, _, *rows = _rows(_section(title))
    request, place = header.index("request"), header.index("to")
    said = [row for row in rows if row[request]]
    if column is not None:
        said = [row for row in said if row[header.index(column)] == "yes"]
    return [(row[request], row[place]) for row in said]


def _in_parts(requests: list[Request]) -> list[Request]:
    """Put the requests of a copy in parts in the place of CopyObject, as the document says."""
    parts = _table("In parts")
    replaced = ([one] if one[0] != "CopyObject" else parts for one in requests)
    return list(itertools.chain.from_iterable(replaced))


def _asked(one: World) -> list[Request]:
    """What was asked of S3, the parts of a copy counted once."""
    asked = [
        (name, "source" if parameters["Bucket"] == SOURCE else "quarantine")
        for name, parameters in one.strict.asked
    ]
    one.strict.asked.clear()
    return [
        request
        for before, request in itertools.pairwise([None, *asked])
        if request is not None and (request[0] != "UploadPartCopy" or request != before)
    ]


@pytest.mark.parametrize("body", [CARD, LARGE], ids=["at once", "in parts"])
@pytest.mark.parametrize("column", ["without versions", "of a version"])
def test_a_move_and_its_way_back_make_the_requests_that_are_written_down(
    column: str, body: bytes
) -> None:
    into, back = _table("Into quarantine", column), _table("Back")
    with world(versioned=column == "of a version", threshold=MIB) as one:
        finding = one.put(body)
        one.remediated(finding)
        assert _asked(one) == (into if body is CARD else _in_parts(into))

        if body is CARD:
            one.restored(finding)
            assert _asked(one) == back


def test_every_status_that_a_move_ends_in_is_described_and_no_other() -> None:
    described = {row[0].strip("`") for row in _rows(_section("How it ends")) if row[0][0] == "`"}
    assert described == TRANSITIONS[Status.REMEDIATING] | TRANSITIONS[Status.RESTORING]


def test_every_message_that_is_quoted_is_the_remediators() -> None:
    sources = [path.read_text() for path in (ROOT / "lambdas" / "remediator").glob("*.py")]
    # A sentence may be broken over two lines of source, and has what varies in braces.
    said = re.sub(r'"\s*f?"', "", " ".join(sources))
    failures = _section("How it ends").split("Why a move fails")[1]
    quoted = [text for row in _rows(failures) for text in re.findall(r"\*([^*]+)\*", row[0])]
    assert len(quoted) > 10
    for text in quoted:
        assert text in said, text
