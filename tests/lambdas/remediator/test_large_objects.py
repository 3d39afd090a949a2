"""What is copied in parts keeps all that a copy at once keeps, there and back."""

from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.common.record import Status
from lambdas.remediator import handler
from tests.lambdas.remediator.stand_ins import Killed
from tests.lambdas.remediator.world import QUARANTINE, SOURCE, World, world

MIB = 1024 * 1024
CARD = b"name,card\nJane,4111111111111111\n"
LARGE = CARD * (3 * MIB // len(CARD))
KEY = "pan data+1?.csv"
ABOUT: dict[str, Any] = {
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
def here() -> Iterator[World]:
    with world(versioned=True, threshold=MIB) as one:
        yield one


def _about(here: World, bucket: str, key: str) -> dict[str, Any]:
    found = here.s3.head_object(Bucket=bucket, Key=key)
    about = {name: found.get(name) for name in ABOUT}
    return about | {"Expires": found.get("ExpiresString")}


def _tags(here: World, bucket: str, key: str) -> dict[str, str]:
    tags = here.s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in tags}


@BODIES
def test_everything_about_the_object_goes_and_comes_back(here: World, body: bytes) -> None:
    finding = here.put(body, **ABOUT, Tagging="a=b%2Bc&kind%20of=card%20%2B%20more%3D1%2F2%40home")
    (copy,) = here.remediated(finding).copies
    assert here.bodies(QUARANTINE) == [body]
    assert _about(here, QUARANTINE, copy.key) == ABOUT
    assert _tags(here, QUARANTINE, copy.key) == TAGS
    assert here.bodies(SOURCE) == []
    here.restored(finding)
    assert here.bodies(SOURCE) == [body]
    assert _about(here, SOURCE, KEY) == ABOUT
    assert _tags(here, SOURCE, KEY) == TAGS
    assert here.bodies(QUARANTINE) == []


@BODIES
def test_the_identity_of_the_object_is_in_the_ledger(here: World, body: bytes) -> None:
    """The ETag of a copy in parts is another one, so Macie's is written down."""
    finding = here.put(body)
    record = here.remediated(finding)
    (copy,) = record.copies
    assert copy.source_etag == finding.object.etag
    assert copy.source_version_id == finding.object.version_id
    assert copy.size == len(body)
    assert copy.checksum is not None
    assert copy.checksum.startswith("CRC")
    (told,) = record.standing.evidence
    assert finding.object.etag in told
    assert copy.checksum in told


def test_a_copy_in_parts_gets_the_checksum_of_its_source_to_be_compared_by(here: World) -> None:
    finding = here.put(LARGE, ChecksumAlgorithm="CRC32")
    assert here.remediated(finding).status is Status.QUARANTINED
    (asked,) = (asked for name, asked in here.strict.asked if name == "CreateMultipartUpload")
    assert (asked["ChecksumAlgorithm"], asked["ChecksumType"]) == ("CRC32", "FULL_OBJECT")


def test_annotations_go_along_and_come_back(here: World) -> None:
    finding = here.put(LARGE)
    kept = {"class": b"secret", "origin": b"crm"}
    here.strict.annotations[SOURCE, KEY, finding.object.version_id] = dict(kept)
    (copy,) = here.remediated(finding).copies
    assert here.strict.annotations[QUARANTINE, copy.key, copy.version_id] == kept
    here.restored(finding)
    ((_, version),) = here.versions(SOURCE)
    assert here.strict.annotations[SOURCE, KEY, version] == kept


@pytest.mark.parametrize("denied", ["GetObjectAnnotation", "PutObjectAnnotation"])
def test_without_its_annotations_no_copy_is_left_and_retry_works(here: World, denied: str) -> None:
    finding = here.put(LARGE)
    here.strict.annotations[SOURCE, KEY, finding.object.version_id] = {"class": b"secret"}
    here.strict.deny = lambda name, _: name == denied
    record = here.remediated(finding)
    assert record.status is Status.FAILED
    assert "S3 did not let the remediator copy" in here.shown
    assert record.copies == ()
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([LARGE], [])
    here.strict.deny = lambda *_: False
    assert here.retried(finding).status is Status.QUARANTINED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [LARGE])


def test_a_copy_without_its_annotations_that_can_not_be_deleted_is_told_of(here: World) -> None:
    finding = here.put(LARGE)
    here.strict.annotations[SOURCE, KEY, finding.object.version_id] = {"class": b"secret"}
    here.strict.deny = lambda name, _: name in {"PutObjectAnnotation", "DeleteObject"}
    assert here.remediated(finding).status is Status.FAILED
    assert f"delete a version of an object in the bucket {QUARANTINE}" in here.shown
    assert "The object is where it was, and a bad copy of it is there as well" in here.shown
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([LARGE], [LARGE])

    here.strict.deny = lambda *_: False
    (copy,) = here.retried(finding).copies
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [LARGE])
    assert here.strict.annotations[QUARANTINE, copy.key, copy.version_id] == {"class": b"secret"}


def test_an_upload_goes_on_though_the_threshold_was_changed_meanwhile(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = here.put(LARGE)
    here.open(finding)
    here.killer.stop_after = "UploadPartCopy"
    with pytest.raises(Killed):
        here.run(finding)
    here.killer.stop_after = None
    monkeypatch.setenv("MULTIPART_THRESHOLD", str(7 * MIB))
    handler._settings.cache_clear()
    handler._remediation.cache_clear()
    here.run(finding)
    assert here.record(finding).status is Status.QUARANTINED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [LARGE])
    assert here.strict.calls.count("CreateMultipartUpload") == 1


PARTS = ["CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload", "GetObjectTagging"]


@pytest.mark.parametrize("denied", PARTS)
def test_a_copy_in_parts_that_is_denied_leaves_no_upload_behind(here: World, denied: str) -> None:
    finding = here.put(LARGE)
    here.strict.deny = lambda name, _: name == denied
    assert here.remediated(finding).status is Status.FAILED
    assert "monitoredBuckets" in here.shown
    assert here.s3.list_multipart_uploads(Bucket=QUARANTINE).get("Uploads", []) == []
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([LARGE], [])
