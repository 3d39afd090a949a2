"""S3 does not say whether it made a copy: the copy is looked for, and never made twice."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from lambdas.common.http import NoAnswerError
from lambdas.common.record import Status
from lambdas.remediator import copying
from tests.lambdas.remediator.world import QUARANTINE, SOURCE, World, world

CARD = b"name,card\nJane,4111111111111111\n"
TIMEOUT = ReadTimeoutError(endpoint_url="https://s3.amazonaws.com")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world in which nobody waits between two tries."""
    monkeypatch.setattr(copying, "_PAUSES", (0, 0))
    with world(versioned=True) as one:
        yield one


def test_a_copy_that_s3_never_answers_about_is_made_once_by_the_next_run(here: World) -> None:
    finding = here.put(CARD)
    here.open(finding)
    tries = []

    def drop(**_: Any) -> None:
        tries.append(1)
        raise TIMEOUT

    events = here.guarded.meta.events
    events.register("before-send.s3.CopyObject", drop)
    try:
        with pytest.raises(NoAnswerError):
            here.run(finding)
    finally:
        events.unregister("before-send.s3.CopyObject", drop)
    assert here.record(finding).status is Status.REMEDIATING
    assert here.bodies(SOURCE) == [CARD]
    assert len(tries) > 1
    here.run(finding)
    assert here.record(finding).status is Status.QUARANTINED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])


@pytest.mark.parametrize(
    ("status", "code"), [(409, "ConditionalRequestConflict"), (412, "PreconditionFailed")]
)
def test_a_copy_of_ours_that_arrives_late_is_the_copy(here: World, status: int, code: str) -> None:
    """An earlier request of ours was still under way when the next one was sent."""
    finding = here.put(CARD)
    here.open(finding)

    def late(**_: Any) -> Any:
        here.guarded.meta.events.unregister("before-call.s3.CopyObject", late)
        _copy(here)
        error = {"Code": code, "Message": "another copy was faster"}
        return SimpleNamespace(status_code=status), {
            "Error": error,
            "ResponseMetadata": {"HTTPStatusCode": status},
        }

    here.guarded.meta.events.register("before-call.s3.CopyObject", late)
    here.run(finding)
    assert here.record(finding).status is Status.QUARANTINED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])


def _copy(here: World) -> None:
    ((key, _),) = here.versions(SOURCE)
    here.s3.copy_object(
        Bucket=QUARANTINE, Key=f"{SOURCE}/{key}", CopySource={"Bucket": SOURCE, "Key": key}
    )
