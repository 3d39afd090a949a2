"""Evidence stays evidence: copies are locked once they are verified, and kept after a restore."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.s3.models import s3_backends

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import Record, Status
from lambdas.common.ledger.store import restored_id
from lambdas.common.ledger.table import get_item
from tests.harness.aws import (
    ACCOUNT,
    CARD,
    KEY,
    MIB,
    QUARANTINE,
    QUARANTINE_KEY,
    SOURCE,
    error_response,
)
from tests.harness.harness import Harness, start_harness

LARGE = CARD * (2 * MIB // len(CARD))
LOCK = {"mode": "COMPLIANCE", "days": 30}
WEEK, MINUTE = timedelta(days=7), timedelta(minutes=1)
BODIES = pytest.mark.parametrize("body", [CARD, LARGE], ids=["at once", "in parts"])


@pytest.fixture
def locking() -> Iterator[Harness]:
    """Deploy the functions with a lock on evidence."""
    with start_harness(versioning="Enabled", evidence_lock=LOCK, multipart_threshold=MIB) as here:
        yield here


@pytest.fixture
def keeping() -> Iterator[Harness]:
    """Deploy the functions so that a restore keeps the copies for a week."""
    with start_harness(versioning="Enabled", restored_copy_days=7) as here:
        yield here


def head(harness: Harness, record: Record) -> Any:
    """Return what S3 says about the one copy of a record."""
    (copy,) = record.copies
    return harness.s3.head_object(
        Bucket=QUARANTINE, Key=copy.key, VersionId=copy.version_id, ChecksumMode="ENABLED"
    )


# Locks.


@BODIES
def test_a_copy_is_locked_after_it_is_verified_and_before_the_object_is_deleted(
    locking: Harness, body: bytes
) -> None:
    record = locking.quarantine(locking.put_object(body))
    assert record.status is Status.QUARANTINED
    found, (copy,) = head(locking, record), record.copies
    assert found["ObjectLockMode"] == "COMPLIANCE"
    assert found["ObjectLockRetainUntilDate"] == copy.locked_until
    left = found["ObjectLockRetainUntilDate"] - locking.clock.now()
    assert timedelta(days=30) - MINUTE < left < timedelta(days=30) + MINUTE
    operations = [
        operation
        for operation, parameters in locking.strict_s3.requests
        if operation in {"PutObjectRetention", "DeleteObject"}
        or (operation == "HeadObject" and parameters.get("VersionId") == copy.version_id)
    ]
    assert operations[:3] == ["HeadObject", "PutObjectRetention", "DeleteObject"]
    assert f"locked until {copy.locked_until.isoformat()}" in str(record.history[-1].evidence)


def test_without_the_setting_nothing_is_locked(versioned_harness: Harness) -> None:
    record = versioned_harness.quarantine(versioned_harness.put_object())
    assert "PutObjectRetention" not in versioned_harness.strict_s3.operations
    assert record.copies[0].locked_until is None


def test_a_bad_copy_is_deleted_though_copies_are_locked(locking: Harness) -> None:
    finding = locking.put_object(LARGE)
    locking.strict_s3.annotations[SOURCE, KEY, finding.object.version_id] = {"class": b"secret"}
    locking.strict_s3.deny = lambda operation, _: operation == "PutObjectAnnotation"
    assert locking.quarantine(finding).status is Status.FAILED
    assert (locking.bodies(SOURCE), locking.bodies(QUARANTINE)) == ([LARGE], [])


def test_a_copy_that_cannot_be_locked_is_deleted_again(locking: Harness) -> None:
    locking.strict_s3.deny = lambda operation, _: operation == "PutObjectRetention"
    finding = locking.put_object()
    assert locking.quarantine(finding).status is Status.FAILED
    assert f"lock a version of an object in the bucket {QUARANTINE}" in locking.message.text
    assert "s3:PutObjectRetention is denied" in locking.message.text
    assert (locking.bodies(SOURCE), locking.bodies(QUARANTINE)) == ([CARD], [])
    locking.strict_s3.deny = lambda *_: False
    assert locking.retry(finding).status is Status.QUARANTINED


def test_a_locked_copy_whose_original_cannot_be_deleted_is_kept_and_used_by_retry(
    locking: Harness,
) -> None:
    finding = locking.put_object()
    locking.strict_s3.deny = lambda operation, parameters: (
        operation == "DeleteObject" and parameters["Bucket"] == SOURCE
    )
    record = locking.quarantine(finding)
    assert record.status is Status.FAILED
    assert "a copy of it is in quarantine, locked until" in record.latest_transition.reason
    assert (locking.bodies(SOURCE), locking.bodies(QUARANTINE)) == ([CARD], [CARD])
    locking.strict_s3.deny = lambda *_: False
    assert locking.retry(finding).copies == record.copies
    assert (locking.bodies(SOURCE), locking.bodies(QUARANTINE)) == ([], [CARD])


def test_a_locked_copy_stays_until_the_end_of_its_lock_though_none_are_to_be_kept(
    locking: Harness,
) -> None:
    finding = locking.put_object()
    (copy,) = locking.quarantine(finding).copies
    record = locking.restore(finding)
    assert record.status is Status.RESTORED
    assert record.check_at is not None
    assert copy.locked_until is not None
    assert record.check_at >= copy.locked_until
    assert locking.bodies(QUARANTINE) == [CARD]
    assert "kept in quarantine until" in locking.message.text

    locking.clock.ahead = timedelta(days=31)
    place = {"Bucket": QUARANTINE, "Key": copy.key, "VersionId": copy.version_id}
    # For the emulator the lock ends now.
    retention = {"Mode": "COMPLIANCE", "RetainUntilDate": datetime(2020, 1, 1, tzinfo=UTC)}
    locking.s3.put_object_retention(**place, Retention=retention)
    locking.remediate(finding)
    assert locking.bodies(QUARANTINE) == []
    assert locking.record(finding).copies == ()


# What a restore keeps.


def restored(harness: Harness) -> tuple[Finding, Record]:
    """Take an object into quarantine and back."""
    finding = harness.put_object()
    harness.quarantine(finding)
    return finding, harness.restore(finding)


def test_a_restore_keeps_the_copy_and_says_until_when(keeping: Harness) -> None:
    _, record = restored(keeping)
    assert record.status is Status.RESTORED
    assert record.check_at == record.latest_transition.at + WEEK
    assert (keeping.bodies(SOURCE), keeping.bodies(QUARANTINE)) == ([CARD], [CARD])
    until = f"the copies are kept in quarantine until {record.check_at:%Y-%m-%d}"
    assert record.latest_transition.evidence[-1].startswith(until)
    assert "kept in quarantine until" in keeping.message.text


def test_the_copy_is_deleted_by_its_version_once_it_is_due_and_not_before(
    keeping: Harness,
) -> None:
    finding, record = restored(keeping)
    (copy,) = record.copies
    again = keeping.put_object(key="again")
    evidence = keeping.quarantine(again)
    keeping.clock.ahead = WEEK - MINUTE
    keeping.strict_s3.requests.clear()
    keeping.remediate(finding)
    assert keeping.strict_s3.requests == []

    keeping.clock.ahead = WEEK + MINUTE
    keeping.slack.requests.clear()
    keeping.remediate(finding)
    ((operation, parameters),) = keeping.strict_s3.requests
    assert (operation, parameters["VersionId"]) == ("DeleteObject", copy.version_id)
    after = keeping.record(finding)
    assert (after.copies, after.check_at, after.due_at) == ((), None, None)
    assert after.history == record.history
    assert keeping.versions(QUARANTINE) == [(evidence.copies[0].key, evidence.copies[0].version_id)]
    assert keeping.slack.requests == []

    keeping.strict_s3.requests.clear()
    keeping.remediate(finding)
    assert keeping.strict_s3.requests == []


def test_evidence_under_the_same_key_outlives_the_copy_of_what_was_restored(
    keeping: Harness,
) -> None:
    finding, _ = restored(keeping)
    newer = keeping.quarantine(keeping.put_object(b"another card"))
    keeping.clock.ahead = WEEK + MINUTE
    keeping.remediate(finding)
    assert keeping.bodies(QUARANTINE) == [b"another card"]
    assert keeping.restore(newer.finding).status is Status.RESTORED


def test_scheduled_tasks_that_put_the_check_off_do_not_keep_the_copy(keeping: Harness) -> None:
    finding, _ = restored(keeping)
    keeping.clock.ahead = WEEK + MINUTE
    put_off = keeping.clock.now() + timedelta(minutes=20)
    keeping.ledger.update(keeping.record(finding), lambda it: replace(it, check_at=put_off))
    keeping.remediate(finding)
    assert keeping.bodies(QUARANTINE) == []


def test_a_copy_is_kept_for_as_long_as_the_setting_says_now(keeping: Harness) -> None:
    finding, record = restored(keeping)
    keeping.change_settings(restored_copy_days=30)
    keeping.clock.ahead = WEEK + MINUTE
    keeping.slack.requests.clear()
    keeping.remediate(finding)
    assert keeping.bodies(QUARANTINE) == [CARD]
    expected = record.latest_transition.at + timedelta(days=30)
    assert keeping.record(finding).check_at == expected
    assert keeping.slack.requests == []


def test_a_dry_run_deletes_nothing(keeping: Harness) -> None:
    finding, _ = restored(keeping)
    keeping.change_settings(mode="DRY_RUN")
    keeping.clock.ahead = WEEK + MINUTE
    keeping.remediate(finding)
    assert keeping.bodies(QUARANTINE) == [CARD]
    assert keeping.record(finding).check_at == pytest.approx(
        keeping.clock.now() + timedelta(days=1), abs=MINUTE
    )


def test_a_deletion_that_is_refused_is_tried_again_the_next_day(
    keeping: Harness, log: Callable[[], list[dict[str, Any]]]
) -> None:
    finding, record = restored(keeping)
    keeping.clock.ahead = WEEK + MINUTE
    keeping.strict_s3.deny = lambda operation, _: operation == "DeleteObject"
    log()
    keeping.remediate(finding)
    assert any(line["message"] == "copies of a restored object not deleted" for line in log())
    after = keeping.record(finding)
    assert after.copies == record.copies
    assert after.check_at is not None
    keeping.strict_s3.deny = lambda *_: False
    keeping.clock.ahead += timedelta(days=1)
    keeping.remediate(finding)
    assert keeping.bodies(QUARANTINE) == []


def test_with_no_days_to_keep_it_a_copy_is_deleted_with_the_restore(
    versioned_harness: Harness,
) -> None:
    _, record = restored(versioned_harness)
    assert (record.check_at, versioned_harness.bodies(QUARANTINE)) == (None, [])
    assert record.copies == ()
    assert record.latest_transition.evidence[-1] == "the copies are deleted from quarantine"
    assert "kept in quarantine" not in versioned_harness.message.text


def test_a_restore_notes_the_object_so_that_it_is_recognized_when_it_is_found_again(
    versioned_harness: Harness,
) -> None:
    finding, record = restored(versioned_harness)
    (back,) = record.restored
    item = get_item(versioned_harness.table, restored_id(ACCOUNT, SOURCE, KEY, back.etag))
    assert item["finding_id"] == finding.id


# Checksums, and what a comparison rests on.


def remove_checksums() -> None:
    """Make S3 forget the checksums of what is in the source bucket, as of an old object."""
    for key in s3_backends[ACCOUNT]["aws"].buckets[SOURCE].keys.values():
        key.checksum_algorithm = key.checksum_value = None


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_a_copy_keeps_the_algorithm_of_its_source(
    versioned_harness: Harness, algorithm: str
) -> None:
    harness = versioned_harness
    record = harness.quarantine(harness.put_object(ChecksumAlgorithm=algorithm))
    (parameters,) = (
        parameters for name, parameters in harness.strict_s3.requests if name == "CopyObject"
    )
    assert "ChecksumAlgorithm" not in parameters
    assert f"Checksum{algorithm}" in head(harness, record)
    assert record.copies[0].verified_by == f"{algorithm} checksum"
    assert f"verified by {algorithm} checksum" in record.latest_transition.evidence[0]


def test_only_the_copy_of_an_object_without_a_checksum_gets_a_sha256(
    versioned_harness: Harness,
) -> None:
    harness = versioned_harness
    finding = harness.put_object()
    remove_checksums()
    record = harness.quarantine(finding)
    assert record.status is Status.QUARANTINED
    (copy,) = record.copies
    assert copy.checksum == f"SHA256:{head(harness, record)['ChecksumSHA256']}"
    # The copy is under KMS, so its ETag is no MD5.
    assert copy.verified_by == "size"


def test_a_copy_with_another_checksum_is_deleted(versioned_harness: Harness) -> None:
    harness = versioned_harness
    finding = harness.put_object(ChecksumAlgorithm="SHA256")

    def corrupt(parsed: Any, **_: Any) -> None:
        if "CopyObject" in harness.strict_s3.operations:
            parsed["ChecksumSHA256"] = "AAAA"

    harness.register("after-call.s3.HeadObject", corrupt)
    assert harness.quarantine(finding).status is Status.FAILED
    assert "The copy is not the same" in harness.message.text
    assert harness.bodies(SOURCE) == [CARD]


# Encryption.


@BODIES
def test_a_copy_into_quarantine_names_the_key_of_the_quarantine(
    locking: Harness, body: bytes
) -> None:
    locking.quarantine(locking.put_object(body))
    created = {"CopyObject", "CreateMultipartUpload"}
    (parameters,) = (
        parameters for name, parameters in locking.strict_s3.requests if name in created
    )
    assert parameters["ServerSideEncryption"] == "aws:kms"
    assert parameters["SSEKMSKeyId"] == QUARANTINE_KEY
    assert parameters["BucketKeyEnabled"] is True


SOURCE_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ENCRYPTIONS: list[dict[str, Any]] = [
    {"ServerSideEncryption": "AES256"},
    {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": SOURCE_KEY},
]


@pytest.mark.parametrize("encryption", ENCRYPTIONS, ids=["SSE-S3", "KMS"])
@pytest.mark.parametrize("body", [CARD, LARGE], ids=["at once", "in parts"])
def test_a_restore_names_the_encryption_of_the_original(
    encryption: dict[str, Any], body: bytes
) -> None:
    with start_harness(multipart_threshold=MIB) as harness:
        finding = harness.put_object(body, **encryption)
        (copy,) = harness.quarantine(finding).copies
        assert copy.encryption == encryption["ServerSideEncryption"]
        assert copy.kms_key == encryption.get("SSEKMSKeyId")
        assert harness.restore(finding).status is Status.RESTORED
        found = harness.s3.head_object(Bucket=SOURCE, Key=KEY)
        assert {name: found.get(name) for name in encryption} == encryption


def test_an_organization_that_demands_the_header_lets_a_copy_be_made(
    versioned_harness: Harness,
) -> None:
    """As a policy does that denies s3:PutObject without x-amz-server-side-encryption."""
    harness = versioned_harness

    def demand(context: Any, **_: Any) -> Any:
        is_named = "ServerSideEncryption" in context["parameters"]
        return None if is_named else error_response(403, "AccessDenied")

    harness.register("before-call.s3.CopyObject", demand)
    assert harness.quarantine(harness.put_object()).status is Status.QUARANTINED


def test_a_lost_response_to_a_lock_locks_once_and_fails_nothing(locking: Harness) -> None:
    finding = locking.put_object()
    locking.create_record(finding)
    locking.faults.lost_operation = "PutObjectRetention"
    with suppress(ClientError):
        locking.remediate(finding)
    assert locking.record(finding).status is Status.QUARANTINED
    assert locking.bodies(QUARANTINE) == [CARD]
