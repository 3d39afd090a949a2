"""docs/moving.md says what happens: its tables against the requests, statuses and messages."""

import itertools
import re
from pathlib import Path

import pytest

from lambdas.common.ledger.record import TRANSITIONS, Status
from tests.harness.aws import CARD, MIB, SOURCE
from tests.harness.harness import Harness, start_harness

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "moving.md").read_text()
LARGE = CARD * (3 * MIB // len(CARD))

Request = tuple[str, str]
"""An operation of S3, and the bucket to which it is sent: source or quarantine."""


def _section(title: str) -> str:
    return re.split(r"^#+ ", DOCUMENT.split(f"# {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def _rows(text: str) -> list[list[str]]:
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines]


def _table(title: str, column: str | None = None) -> list[Request]:
    """Read the requests of a table, or those of its rows with yes in `column`."""
    header, _, *rows = _rows(_section(title))
    request, place = header.index("request"), header.index("to")
    requests = [row for row in rows if row[request]]
    if column is not None:
        requests = [row for row in requests if row[header.index(column)] == "yes"]
    return [(row[request], row[place]) for row in requests]


def _in_parts(requests: list[Request]) -> list[Request]:
    """Put the requests of a copy in parts in the place of two others, as the document says."""
    copy = next(index for index, request in enumerate(requests) if request[0] == "CopyObject")
    return [*requests[:copy], *_table("In parts"), *requests[copy + 2 :]]


def _take_requests(harness: Harness) -> list[Request]:
    """Return the requests to S3 so far and forget them, the parts of a copy counted once."""
    requests = [
        (operation, "source" if parameters["Bucket"] == SOURCE else "quarantine")
        for operation, parameters in harness.strict_s3.requests
    ]
    harness.strict_s3.requests.clear()
    return [
        request
        for before, request in itertools.pairwise([None, *requests])
        if request is not None and (request[0] != "UploadPartCopy" or request != before)
    ]


@pytest.mark.parametrize("body", [CARD, LARGE], ids=["at once", "in parts"])
@pytest.mark.parametrize("column", ["without versions", "of a version"])
def test_a_move_and_its_way_back_make_the_requests_in_the_document(
    column: str, body: bytes
) -> None:
    quarantining, restoring = _table("Into quarantine", column), _table("Back")
    versioning = "Enabled" if column == "of a version" else None
    with start_harness(versioning=versioning, multipart_threshold=MIB) as harness:
        finding = harness.put_object(body)
        harness.quarantine(finding)
        expected = quarantining if body is CARD else _in_parts(quarantining)
        assert _take_requests(harness) == expected

        if body is CARD:
            harness.restore(finding)
            assert _take_requests(harness) == restoring


def test_every_status_that_a_move_ends_in_is_described_and_no_other() -> None:
    described = {row[0].strip("`") for row in _rows(_section("How it ends")) if row[0][0] == "`"}
    assert described == TRANSITIONS[Status.REMEDIATING] | TRANSITIONS[Status.RESTORING]


def test_every_message_in_the_document_is_a_message_of_the_remediator() -> None:
    sources = [path.read_text() for path in (ROOT / "lambdas" / "remediator").rglob("*.py")]
    # A sentence may be broken over two lines of source, and has what varies in braces.
    messages = re.sub(r'"\s*f?"', "", " ".join(sources))
    failures = _section("How it ends").split("Why a move fails")[1]
    quoted = [text for row in _rows(failures) for text in re.findall(r"\*([^*]+)\*", row[0])]
    assert len(quoted) > 10
    for text in quoted:
        assert text in messages, text
