"""A copy in parts keeps all that a copy at once keeps, there and back."""

from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Status
from tests.harness.aws import CARD, KEY, MIB, QUARANTINE, SOURCE
from tests.harness.faults import Killed
from tests.harness.harness import Harness, start_harness

LARGE = CARD * (3 * MIB // len(CARD))
HEADERS: dict[str, Any] = {
    "Metadata": {"owner": "jane"},
    "ContentType": "text/csv",
    "ContentEncoding": "identity",
    "ContentLanguage": "en",
    "ContentDisposition": "attachment",
    "CacheControl": "no-store",
    "Expires": "Wed, 21 Oct 2026 07:28:00 GMT",
    "WebsiteRedirectLocation": "/elsewhere",
    "StorageClass": "STANDARD_IA",
}
TAGS = {"a": "b+c", "kind of": "card + more=1/2@home"}
BODIES = pytest.mark.parametrize("body", [CARD, LARGE], ids=["at once", "in parts"])


@pytest.fixture
def harness() -> Iterator[Harness]:
    with start_harness(versioning="Enabled", multipart_threshold=MIB) as harness:
        yield harness


def _headers(harness: Harness, bucket: str, key: str) -> dict[str, Any]:
    found = harness.s3.head_object(Bucket=bucket, Key=key)
    headers = {name: found.get(name) for name in HEADERS}
    return headers | {"Expires": found.get("ExpiresString")}


def _tags(harness: Harness, bucket: str, key: str) -> dict[str, str]:
    tags = harness.s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in tags}


@BODIES
def test_everything_about_the_object_goes_and_comes_back(harness: Harness, body: bytes) -> None:
    finding = harness.put_object(
        body, **HEADERS, Tagging="a=b%2Bc&kind%20of=card%20%2B%20more%3D1%2F2%40home"
    )
    (copy,) = harness.quarantine(finding).copies
    assert harness.bodies(QUARANTINE) == [body]
    assert _headers(harness, QUARANTINE, copy.key) == HEADERS
    assert _tags(harness, QUARANTINE, copy.key) == TAGS
    assert harness.bodies(SOURCE) == []
    harness.restore(finding)
    assert harness.bodies(SOURCE) == [body]
    assert _headers(harness, SOURCE, KEY) == HEADERS
    assert _tags(harness, SOURCE, KEY) == TAGS
    assert harness.bodies(QUARANTINE) == []


LARGEST_TAGS = {f"{number}{'ü' * 127}": "語" * 256 for number in range(10)}


@BODIES
def test_the_largest_tags_that_s3_takes_go_and_come_back(harness: Harness, body: bytes) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html."""
    finding = harness.put_object(body)
    tag_set = [{"Key": key, "Value": value} for key, value in LARGEST_TAGS.items()]
    harness.s3.put_object_tagging(Bucket=SOURCE, Key=KEY, Tagging={"TagSet": tag_set})
    (copy,) = harness.quarantine(finding).copies
    assert _tags(harness, QUARANTINE, copy.key) == LARGEST_TAGS
    assert harness.restore(finding).status is Status.RESTORED
    assert _tags(harness, SOURCE, KEY) == LARGEST_TAGS
    for operation, parameters in harness.strict_s3.requests:
        assert operation not in {"CreateMultipartUpload", "CopyObject"} or (
            "Tagging" not in parameters
        )


def test_a_copy_is_tagged_before_the_object_is_deleted_and_by_its_version(
    harness: Harness,
) -> None:
    (copy,) = harness.quarantine(harness.put_object(LARGE, Tagging="kind=card")).copies
    operations = harness.strict_s3.operations
    assert operations.index("PutObjectTagging") < operations.index("DeleteObject")
    (parameters,) = (
        parameters for name, parameters in harness.strict_s3.requests if name == "PutObjectTagging"
    )
    assert parameters["VersionId"] == copy.version_id


def test_a_copy_that_cannot_be_tagged_is_deleted_again(harness: Harness) -> None:
    finding = harness.put_object(LARGE, Tagging="kind=card")
    harness.strict_s3.deny = lambda operation, _: operation == "PutObjectTagging"
    assert harness.quarantine(finding).status is Status.FAILED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([LARGE], [])
    harness.strict_s3.deny = lambda *_: False
    assert harness.retry(finding).status is Status.QUARANTINED


def put_with_invalid_expires(harness: Harness, body: bytes) -> Finding:
    """Put an object with a header that boto3 would not send."""
    events = harness.s3.meta.events

    def add(request: Any, **_: Any) -> None:
        request.headers["Expires"] = "soon"

    events.register("before-sign.s3.PutObject", add)
    try:
        return harness.put_object(body)
    finally:
        events.unregister("before-sign.s3.PutObject", add)


@pytest.mark.parametrize(
    ("body", "losses"),
    [(CARD, ()), (LARGE, ("the Expires header 'soon', which is no date",))],
    ids=["at once", "in parts"],
)
def test_an_expires_header_that_is_no_date_is_lost_only_in_parts_and_in_the_ledger(
    harness: Harness, body: bytes, losses: tuple[str, ...]
) -> None:
    finding = put_with_invalid_expires(harness, body)
    (copy,) = harness.quarantine(finding).copies
    assert copy.lost_in_copy == losses
    expires = harness.s3.head_object(Bucket=QUARANTINE, Key=copy.key).get("ExpiresString")
    assert expires == (None if losses else "soon")


@BODIES
def test_the_identity_of_the_object_is_in_the_ledger(harness: Harness, body: bytes) -> None:
    """The ETag of a copy in parts is another one, so Macie's is recorded."""
    finding = harness.put_object(body)
    record = harness.quarantine(finding)
    (copy,) = record.copies
    assert copy.source_etag == finding.object.etag
    assert copy.source_version_id == finding.object.version_id
    assert copy.size == len(body)
    assert copy.checksum is not None
    assert copy.checksum.startswith("CRC")
    (evidence,) = record.latest_transition.evidence
    assert finding.object.etag in evidence
    assert copy.checksum in evidence


def test_a_copy_in_parts_gets_the_checksum_of_its_source_to_be_compared_by(
    harness: Harness,
) -> None:
    finding = harness.put_object(LARGE, ChecksumAlgorithm="CRC32")
    assert harness.quarantine(finding).status is Status.QUARANTINED
    (parameters,) = (
        parameters
        for operation, parameters in harness.strict_s3.requests
        if operation == "CreateMultipartUpload"
    )
    checksum = parameters["ChecksumAlgorithm"], parameters["ChecksumType"]
    assert checksum == ("CRC32", "FULL_OBJECT")


def test_annotations_go_along_and_come_back(harness: Harness) -> None:
    finding = harness.put_object(LARGE)
    kept = {"class": b"secret", "origin": b"crm"}
    harness.strict_s3.annotations[SOURCE, KEY, finding.object.version_id] = dict(kept)
    (copy,) = harness.quarantine(finding).copies
    assert harness.strict_s3.annotations[QUARANTINE, copy.key, copy.version_id] == kept
    harness.restore(finding)
    ((_, version),) = harness.versions(SOURCE)
    assert harness.strict_s3.annotations[SOURCE, KEY, version] == kept


@pytest.mark.parametrize("denied", ["GetObjectAnnotation", "PutObjectAnnotation"])
def test_without_its_annotations_no_copy_is_left_and_retry_works(
    harness: Harness, denied: str
) -> None:
    finding = harness.put_object(LARGE)
    harness.strict_s3.annotations[SOURCE, KEY, finding.object.version_id] = {"class": b"secret"}
    harness.strict_s3.deny = lambda operation, _: operation == denied
    record = harness.quarantine(finding)
    assert record.status is Status.FAILED
    assert "S3 did not let the remediator copy" in harness.message.text
    assert record.copies == ()
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([LARGE], [])
    harness.strict_s3.deny = lambda *_: False
    assert harness.retry(finding).status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [LARGE])


def test_a_copy_without_annotations_that_cannot_be_deleted_is_in_the_message(
    harness: Harness,
) -> None:
    finding = harness.put_object(LARGE)
    harness.strict_s3.annotations[SOURCE, KEY, finding.object.version_id] = {"class": b"secret"}
    harness.strict_s3.deny = lambda operation, _: (
        operation in {"PutObjectAnnotation", "DeleteObject"}
    )
    assert harness.quarantine(finding).status is Status.FAILED
    assert f"delete a version of an object in the bucket {QUARANTINE}" in harness.message.text
    assert (
        "The object is where it was, and a bad copy of it is there as well" in harness.message.text
    )
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([LARGE], [LARGE])

    harness.strict_s3.deny = lambda *_: False
    (copy,) = harness.retry(finding).copies
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [LARGE])
    assert harness.strict_s3.annotations[QUARANTINE, copy.key, copy.version_id] == {
        "class": b"secret"
    }


def test_an_upload_continues_though_the_threshold_was_changed_meanwhile(
    harness: Harness,
) -> None:
    finding = harness.put_object(LARGE)
    harness.create_record(finding)
    harness.faults.kill_after = "UploadPartCopy"
    with pytest.raises(Killed):
        harness.remediate(finding)
    harness.faults.kill_after = None
    harness.change_settings(multipart_threshold=7 * MIB)
    harness.remediate(finding)
    assert harness.record(finding).status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [LARGE])
    assert harness.strict_s3.operations.count("CreateMultipartUpload") == 1


PARTS = ["CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload", "GetObjectTagging"]


@pytest.mark.parametrize("denied", PARTS)
def test_a_copy_in_parts_that_is_denied_leaves_no_upload_behind(
    harness: Harness, denied: str
) -> None:
    finding = harness.put_object(LARGE)
    harness.strict_s3.deny = lambda operation, _: operation == denied
    assert harness.quarantine(finding).status is Status.FAILED
    advice = "monitoredBuckets" if denied == "GetObjectTagging" else "quarantine bucket's policy"
    assert advice in harness.message.text
    assert harness.s3.list_multipart_uploads(Bucket=QUARANTINE).get("Uploads", []) == []
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([LARGE], [])
