"""What a person sees, and what is in both buckets, whatever happened to the object before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.common.ledger.record import Status
from lambdas.common.ledger.table import ConflictError
from lambdas.remediator.s3.clients import s3_access
from lambdas.remediator.s3.parameters import SourceObject
from lambdas.remediator.source import lost_in_copy, source_key
from tests.harness.aws import ACCOUNT, CARD, KEY, QUARANTINE, REGION, SOURCE, error_response
from tests.harness.events import finding_on
from tests.harness.harness import Harness, start_harness
from tests.lambdas.remediator.metadata import metadata


def read(harness: Harness, bucket: str, key: str, version: str | None = None) -> bytes:
    """Return the content of a version, or of the current object."""
    arguments: Any = {"VersionId": version} if version else {}
    body: bytes = harness.s3.get_object(Bucket=bucket, Key=key, **arguments)["Body"].read()
    return body


def test_older_versions_stay_and_none_becomes_current(versioned_harness: Harness) -> None:
    older = versioned_harness.put_object(b"older")
    record = versioned_harness.quarantine(versioned_harness.put_object())
    assert versioned_harness.versions(SOURCE) == [(KEY, older.object.version_id)]
    assert record.other_versions == 1
    with pytest.raises(versioned_harness.s3.exceptions.NoSuchKey):
        read(versioned_harness, SOURCE, KEY)
    assert "1 other version remains in the bucket" in versioned_harness.message.text


def test_a_newer_version_is_neither_touched_nor_hidden(versioned_harness: Harness) -> None:
    finding = versioned_harness.put_object()
    versioned_harness.put_object(b"newer")
    record = versioned_harness.quarantine(finding)
    assert record.status is Status.QUARANTINED
    assert read(versioned_harness, SOURCE, KEY) == b"newer"
    assert read(versioned_harness, QUARANTINE, record.copies[0].key) == CARD


def test_a_version_that_becomes_current_during_the_copy_uncovers_no_older_one(
    versioned_harness: Harness,
) -> None:
    versioned_harness.put_object(b"older")
    finding = versioned_harness.put_object()
    newer = versioned_harness.put_object(b"newer").object.version_id
    versioned_harness.create_record(finding)

    def uncover(**_: Any) -> None:
        versioned_harness.s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=newer)

    with versioned_harness.before("CopyObject", uncover), pytest.raises(ConflictError):
        versioned_harness.remediate(finding)
    assert read(versioned_harness, SOURCE, KEY) == CARD

    versioned_harness.remediate(finding)
    assert versioned_harness.record(finding).status is Status.QUARANTINED
    assert (versioned_harness.bodies(SOURCE), versioned_harness.bodies(QUARANTINE)) == (
        [b"older"],
        [CARD],
    )
    with pytest.raises(versioned_harness.s3.exceptions.NoSuchKey):
        read(versioned_harness, SOURCE, KEY)


def test_a_second_object_under_the_same_key_does_not_overwrite_the_first(harness: Harness) -> None:
    first = harness.quarantine(harness.put_object())
    second = harness.quarantine(harness.put_object(b"another card"))
    for record, body in ((first, CARD), (second, b"another card")):
        (copy,) = record.copies
        assert read(harness, QUARANTINE, copy.key, copy.version_id) == body


def test_a_changed_object_is_untouched(harness: Harness) -> None:
    finding = harness.put_object()
    harness.put_object(b"another")
    assert harness.quarantine(finding).status is Status.CHANGED
    assert read(harness, SOURCE, KEY) == b"another"
    assert harness.versions(QUARANTINE) == []
    assert "The object was replaced after the finding" in harness.message.text


def test_an_object_that_is_gone_is_not_found(harness: Harness) -> None:
    finding = harness.put_object()
    harness.s3.delete_object(Bucket=SOURCE, Key=KEY)
    assert harness.quarantine(finding).status is Status.NOT_FOUND
    assert "not there any more" in harness.message.text


def test_a_bucket_that_is_gone_is_not_found(harness: Harness) -> None:
    finding = finding_on(key="a", etag="e" * 32, size=1)
    place = replace(finding.object, bucket="acme-no-more")
    record = harness.quarantine(replace(finding, object=place))
    assert record.status is Status.NOT_FOUND
    assert "not there any more" in harness.message.text
    assert harness.versions(QUARANTINE) == []


@pytest.mark.parametrize("versioning", [None, "Enabled"])
def test_a_second_finding_on_the_same_object_points_at_the_same_copy(
    versioning: str | None,
) -> None:
    with start_harness(versioning=versioning) as harness:
        first = harness.put_object()
        record, other = harness.quarantine(first), harness.quarantine(replace(first, id="other"))
        assert other.status is Status.QUARANTINED
        assert other.copies == record.copies
        reason = f"The object is in quarantine, by the finding {first.id}."
        assert other.latest_transition.reason == reason
        assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])
        assert len(harness.slack.messages) == 2
        for message in harness.slack.messages:
            assert f"{QUARANTINE}/{ACCOUNT}/{SOURCE}/{KEY}" in message.text


def test_a_bucket_of_another_account_is_never_touched(harness: Harness) -> None:
    finding = replace(harness.put_object(), account="999999999999")
    record = harness.quarantine(finding)
    assert record.status is Status.FAILED
    assert read(harness, SOURCE, KEY) == CARD
    assert "monitoredBuckets" in harness.message.text


@pytest.mark.parametrize("denied", ["HeadObject", "GetObjectAcl", "DeleteObject"])
def test_a_denial_leaves_the_object_and_no_copy_and_says_what_to_do(
    versioned_harness: Harness, denied: str
) -> None:
    finding = versioned_harness.put_object()
    # The source's owner denies; the quarantine bucket is ours.
    versioned_harness.strict_s3.deny = lambda operation, parameters: (
        operation == denied and parameters["Bucket"] == SOURCE
    )
    record = versioned_harness.quarantine(finding)
    assert record.status is Status.FAILED
    assert versioned_harness.versions(SOURCE) == [(KEY, finding.object.version_id)]
    assert versioned_harness.versions(QUARANTINE) == []
    assert "monitoredBuckets" in versioned_harness.message.text


def test_where_deleting_the_version_is_denied_the_delete_marker_is_deleted_again(
    versioned_harness: Harness,
) -> None:
    finding = versioned_harness.put_object()
    versioned_harness.strict_s3.deny = lambda operation, parameters: (
        operation == "DeleteObject" and parameters.get("VersionId") == finding.object.version_id
    )
    assert versioned_harness.quarantine(finding).status is Status.FAILED
    assert read(versioned_harness, SOURCE, KEY) == CARD
    assert versioned_harness.versions(QUARANTINE) == []


def test_a_marker_that_cannot_be_deleted_is_in_the_message_as_with_mfa_delete(
    versioned_harness: Harness,
) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html."""
    finding = versioned_harness.put_object()
    versioned_harness.strict_s3.deny = lambda operation, parameters: (
        operation == "DeleteObject" and parameters["Bucket"] == SOURCE and "VersionId" in parameters
    )
    record = versioned_harness.quarantine(finding)
    assert record.status is Status.FAILED
    (marker,) = versioned_harness.s3.list_object_versions(Bucket=SOURCE)["DeleteMarkers"]
    assert f"the delete marker {marker['VersionId']} hides it now" in versioned_harness.message.text
    assert "Delete that marker" in versioned_harness.message.text
    assert "MFA Delete" in str(versioned_harness.message.blocks)
    assert record.copies == ()
    assert (versioned_harness.bodies(SOURCE), versioned_harness.bodies(QUARANTINE)) == ([CARD], [])

    versioned_harness.strict_s3.deny = lambda *_: False
    assert versioned_harness.retry(finding).status is Status.QUARANTINED
    assert (versioned_harness.bodies(SOURCE), versioned_harness.bodies(QUARANTINE)) == ([], [CARD])


def test_a_deletion_that_conflicts_with_another_request_makes_no_older_version_current(
    versioned_harness: Harness,
) -> None:
    versioned_harness.put_object(b"older")
    finding = versioned_harness.put_object()
    versioned_harness.create_record(finding)

    def conflict(context: Any, **_: Any) -> Any:
        if "IfMatch" not in context["parameters"]:
            return None
        return error_response(409, "ConditionalRequestConflict")

    versioned_harness.register("before-call.s3.DeleteObject", conflict)
    with pytest.raises(ClientError, match="ConditionalRequestConflict"):
        versioned_harness.remediate(finding)
    versioned_harness.unregister("before-call.s3.DeleteObject", conflict)
    assert read(versioned_harness, SOURCE, KEY) == CARD

    versioned_harness.remediate(finding)
    assert versioned_harness.record(finding).status is Status.QUARANTINED
    assert versioned_harness.bodies(SOURCE) == [b"older"]
    with pytest.raises(versioned_harness.s3.exceptions.NoSuchKey):
        read(versioned_harness, SOURCE, KEY)
    assert versioned_harness.bodies(QUARANTINE) == [CARD]


def test_where_the_copy_cannot_be_deleted_either_the_message_names_both(harness: Harness) -> None:
    finding = harness.put_object()
    harness.strict_s3.deny = lambda operation, _: operation == "DeleteObject"
    assert harness.quarantine(finding).status is Status.FAILED
    assert "still there, and a copy of it is in quarantine" in harness.message.text


def test_an_archived_object_is_recognized_before_copying(harness: Harness) -> None:
    record = harness.quarantine(harness.put_object(CARD, StorageClass="GLACIER"))
    assert record.status is Status.FAILED
    assert "archived (GLACIER)" in harness.message.text
    assert "CopyObject" not in harness.strict_s3.operations


@pytest.mark.parametrize("lock", ["retention", "hold"])
def test_a_locked_object_is_recognized_before_copying(
    versioned_harness: Harness, lock: str
) -> None:
    versioned_harness.s3.create_bucket(Bucket="acme-locked", ObjectLockEnabledForBucket=True)
    until = datetime.now(UTC) + timedelta(days=30)
    locks: dict[str, Any] = {
        "retention": {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until},
        "hold": {"ObjectLockLegalHoldStatus": "ON"},
    }
    put = versioned_harness.s3.put_object(Bucket="acme-locked", Key="a", Body=CARD, **locks[lock])
    finding = finding_on(
        key="a", etag=put["ETag"].strip('"'), version_id=put["VersionId"], size=len(CARD)
    )
    finding = replace(finding, object=replace(finding.object, bucket="acme-locked"))
    record = versioned_harness.quarantine(finding)
    assert record.status is Status.FAILED
    lock_words = f"locked until {until:%Y-%m-%d}" if lock == "retention" else "legal hold"
    assert lock_words in versioned_harness.message.text
    assert "Retry" in versioned_harness.message.text
    assert (versioned_harness.bodies("acme-locked"), versioned_harness.bodies(QUARANTINE)) == (
        [CARD],
        [],
    )
    assert "CopyObject" not in versioned_harness.strict_s3.operations


def test_grants_that_no_copy_keeps_are_in_the_ledger(harness: Harness) -> None:
    finding = harness.put_object(CARD, ACL="public-read")
    (copy,) = harness.quarantine(finding).copies
    assert len(copy.lost_in_copy) == 1
    assert "READ to http://acs.amazonaws.com/groups/global/AllUsers" in copy.lost_in_copy[0]


def test_everything_else_that_no_copy_keeps_is_in_the_ledger_too(harness: Harness) -> None:
    """Moto neither loses metadata nor lets a lock end."""
    finding = harness.put_object()
    ended = datetime(2026, 11, 1, tzinfo=UTC)
    found = metadata(retained_until=ended, lost_metadata=2, encryption="aws:kms", kms_key="arn:key")
    source = SourceObject(s3=s3_access(ACCOUNT, REGION), key=source_key(finding), metadata=found)
    assert tuple(lost_in_copy(source, threshold=100)) == (
        "2 metadata entries that S3 cannot show",
        "aws:kms encryption with the key arn:key",
        "Object Lock retention until 2026-11-01T00:00:00+00:00",
    )


def test_a_restored_object_is_as_it_was_weeks_later(harness: Harness) -> None:
    finding = harness.put_object(CARD, Metadata={"owner": "jane"}, StorageClass="STANDARD_IA")
    harness.quarantine(finding)
    harness.clock.ahead = timedelta(weeks=6)
    assert harness.restore(finding).status is Status.RESTORED
    back = harness.s3.get_object(Bucket=SOURCE, Key=KEY)
    assert (back["Body"].read(), back["Metadata"]) == (CARD, {"owner": "jane"})
    assert back["StorageClass"] == "STANDARD_IA"
    assert harness.versions(QUARANTINE) == []
    assert "Back in its bucket" in harness.message.text


def test_a_restore_never_lands_on_another_object_and_can_be_retried(harness: Harness) -> None:
    finding = harness.put_object()
    harness.quarantine(finding)
    harness.put_object(b"appeared meanwhile")
    assert harness.restore(finding).status is Status.FAILED
    assert read(harness, SOURCE, KEY) == b"appeared meanwhile"
    assert len(harness.versions(QUARANTINE)) == 1
    assert "both were left alone" in harness.message.text

    harness.s3.delete_object(Bucket=SOURCE, Key=KEY)
    assert harness.restore(finding).status is Status.RESTORED
    assert read(harness, SOURCE, KEY) == CARD


def test_a_sample_finding_causes_no_request_to_s3(harness: Harness) -> None:
    finding = replace(finding_on(key="a", etag="e" * 32, size=1), is_sample=True)
    record = harness.quarantine(finding)
    assert record.status is Status.NOT_FOUND
    assert harness.strict_s3.operations == []
    assert "SAMPLE" in harness.message.text
    assert "nothing to move" in harness.message.text
