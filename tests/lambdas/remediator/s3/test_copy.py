"""S3 does not say whether it made a copy: the copy is looked for, and never made twice."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from lambdas.common.ledger.record import Status
from lambdas.remediator.s3 import copy
from lambdas.remediator.s3.errors import UnknownOutcomeError
from tests.harness.aws import ACCOUNT, CARD, KEY, QUARANTINE, SOURCE, error_response
from tests.harness.harness import Harness

TIMEOUT = ReadTimeoutError(endpoint_url="https://s3.amazonaws.com")


@pytest.fixture
def harness(versioned_harness: Harness, monkeypatch: pytest.MonkeyPatch) -> Harness:
    """Deploy the functions; nobody waits between two tries."""
    monkeypatch.setattr(copy, "_PAUSES", (0, 0))
    return versioned_harness


def test_a_copy_whose_response_never_comes_is_made_once_by_the_next_run(harness: Harness) -> None:
    finding = harness.put_object()
    harness.create_record(finding)
    attempts = []

    def drop(**_: Any) -> None:
        attempts.append(1)
        raise TIMEOUT

    harness.register("before-send.s3.CopyObject", drop)
    with pytest.raises(UnknownOutcomeError):
        harness.remediate(finding)
    harness.unregister("before-send.s3.CopyObject", drop)
    assert harness.record(finding).status is Status.REMEDIATING
    assert harness.bodies(SOURCE) == [CARD]
    assert len(attempts) == 3
    harness.remediate(finding)
    assert harness.record(finding).status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])


@pytest.mark.parametrize(
    ("status", "code"), [(409, "ConditionalRequestConflict"), (412, "PreconditionFailed")]
)
def test_a_copy_of_ours_that_is_made_late_is_the_copy(
    harness: Harness, status: int, code: str
) -> None:
    """An earlier request of ours was still being carried out when the next one was sent."""
    finding = harness.put_object()
    harness.create_record(finding)

    def copy_late(**_: Any) -> Any:
        harness.unregister("before-call.s3.CopyObject", copy_late)
        source = {"Bucket": SOURCE, "Key": KEY}
        harness.s3.copy_object(
            Bucket=QUARANTINE, Key=f"{ACCOUNT}/{SOURCE}/{KEY}", CopySource=source
        )
        return error_response(status, code)

    harness.register("before-call.s3.CopyObject", copy_late)
    harness.remediate(finding)
    assert harness.record(finding).status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])
