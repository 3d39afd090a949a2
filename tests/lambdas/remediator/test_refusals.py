"""What S3 refuses for good fails at once; what a retry can mend is left to Lambda's retry."""

from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Status
from lambdas.remediator.s3 import copy
from lambdas.remediator.s3.errors import UnknownOutcomeError
from tests.harness.aws import CARD, MIB, QUARANTINE, SOURCE, error_response
from tests.harness.harness import Harness, start_harness

LARGE = CARD * (2 * MIB // len(CARD))


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    """Deploy the functions; nobody waits between two tries of a copy."""
    monkeypatch.setattr(copy, "_PAUSES", (0, 0))
    with start_harness(versioning="Enabled", multipart_threshold=MIB) as harness:
        yield harness


def refuse_once(harness: Harness, operation: str, status: int, code: str) -> None:
    """Refuse the next request for `operation`."""
    event = f"before-call.s3.{operation}"

    def refuse(**_: Any) -> Any:
        harness.unregister(event, refuse)
        return error_response(status, code)

    harness.register(event, refuse)


def put_annotated(harness: Harness, body: bytes) -> Finding:
    """Put an object with an annotation."""
    finding = harness.put_object(body)
    version = SOURCE, finding.object.key, finding.object.version_id
    harness.strict_s3.annotations[version] = {"class": b"secret"}
    return finding


def assert_untouched(harness: Harness, body: bytes) -> None:
    """Check that the object is whole in its bucket, and that nothing is in quarantine."""
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([body], [])
    assert harness.s3.list_multipart_uploads(Bucket=QUARANTINE).get("Uploads", []) == []


AT_ONCE = ["ListObjectVersions", "GetObjectAcl", "CopyObject", "DeleteObject"]
IN_PARTS = [
    "GetObjectTagging",
    "CreateMultipartUpload",
    "ListMultipartUploads",
    "UploadPartCopy",
    "CompleteMultipartUpload",
    "ListObjectAnnotations",
    "GetObjectAnnotation",
    "PutObjectAnnotation",
]
REQUESTS = [(CARD, operation) for operation in AT_ONCE] + [(LARGE, name) for name in IN_PARTS]
OPERATIONS = [operation for _, operation in REQUESTS]


@pytest.mark.parametrize(("body", "operation"), REQUESTS, ids=OPERATIONS)
def test_a_refusal_that_no_retry_can_mend_fails_at_once_and_leaves_the_object(
    harness: Harness, body: bytes, operation: str
) -> None:
    finding = put_annotated(harness, body)
    refuse_once(harness, operation, 400, "InvalidRequest")
    record = harness.quarantine(finding)
    assert record.status is Status.FAILED
    assert record.latest_transition.reason.endswith(": InvalidRequest.")
    assert "press Retry" in record.latest_transition.advice
    assert any(operation in line for line in record.latest_transition.evidence)
    assert "S3 refused to" in harness.message.text
    assert_untouched(harness, body)

    assert harness.retry(finding).status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [body])


@pytest.mark.parametrize(("body", "operation"), REQUESTS, ids=OPERATIONS)
@pytest.mark.parametrize(("status", "code"), [(400, "ExpiredToken"), (503, "SlowDown")])
def test_a_refusal_that_a_retry_can_mend_fails_nothing(
    harness: Harness, body: bytes, operation: str, status: int, code: str
) -> None:
    finding = put_annotated(harness, body)
    harness.create_record(finding)
    refuse_once(harness, operation, status, code)
    # A copy is tried again in the same run; anything else by Lambda.
    with suppress(ClientError):
        harness.remediate(finding)
    assert harness.record(finding).status is not Status.FAILED
    harness.remediate(finding)
    assert harness.record(finding).status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [body])
    assert harness.s3.list_multipart_uploads(Bucket=QUARANTINE).get("Uploads", []) == []


def test_a_copy_that_s3_has_no_time_for_is_left_to_the_retry_of_lambda(harness: Harness) -> None:
    finding = harness.put_object()
    harness.create_record(finding)

    attempts = []

    def refuse(**_: Any) -> Any:
        attempts.append(1)
        return error_response(503, "SlowDown")

    harness.register("before-call.s3.CopyObject", refuse)
    with pytest.raises(UnknownOutcomeError, match="SlowDown"):
        harness.remediate(finding)
    harness.unregister("before-call.s3.CopyObject", refuse)
    assert len(attempts) == 3
    assert_untouched(harness, CARD)
    harness.remediate(finding)
    assert harness.record(finding).status is Status.QUARANTINED


def refuse_to_read(harness: Harness, bucket: str) -> None:
    """Respond to HEAD for objects in `bucket` as S3 does where they are encrypted with SSE-C."""

    def refuse(context: Any, **_: Any) -> Any:
        is_here = context["parameters"]["Bucket"] == bucket
        return error_response(400, "400") if is_here else None

    harness.register("before-call.s3.HeadObject", refuse)


def test_an_object_that_was_replaced_by_an_unreadable_one_fails_with_advice(
    harness: Harness,
) -> None:
    finding = harness.put_object()
    refuse_to_read(harness, SOURCE)
    record = harness.quarantine(finding)
    assert record.status is Status.FAILED
    assert "SSE-C" in harness.message.text
    assert "by hand" in harness.message.text
    assert "HeadObject" in record.latest_transition.evidence[0]
    assert_untouched(harness, CARD)


def test_a_restore_over_an_unreadable_object_fails_with_advice(harness: Harness) -> None:
    finding = harness.put_object()
    harness.quarantine(finding)
    refuse_to_read(harness, SOURCE)
    assert harness.restore(finding).status is Status.FAILED
    assert "SSE-C" in harness.message.text
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])


def test_an_object_with_more_headers_than_python_reads_fails_with_advice(harness: Harness) -> None:
    finding = harness.put_object()

    def break_off(**_: Any) -> None:
        limit = HTTPException("got more than 100 headers")
        raise ConnectionClosedError(endpoint_url="https://s3.amazonaws.com") from limit

    harness.register("before-send.s3.HeadObject", break_off)
    record = harness.quarantine(finding)
    assert record.status is Status.FAILED
    assert "more metadata entries than can be read" in harness.message.text
    assert record.latest_transition.evidence == ("got more than 100 headers",)
    assert_untouched(harness, CARD)
