"""Retry and restore, weeks later: the cause is gone, or something else has changed meanwhile."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.ledger.record import Status
from tests.harness.aws import APPROVER, AUTO, CARD, KEY, MIB, QUARANTINE, SOURCE
from tests.harness.events import finding_on
from tests.harness.harness import Harness, start_harness
from tests.harness.null_versions import NullVersions

LARGE = CARD * (2 * MIB // len(CARD))
WEEKS = timedelta(weeks=6)


@pytest.fixture(params=[None, "Enabled"], ids=["unversioned", "versioned"])
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    with start_harness(versioning=request.param) as harness:
        yield harness


def _deny(operation: str, bucket: str | None = None) -> Callable[[str, Any], bool]:
    return lambda name, parameters: name == operation and bucket in (None, parameters["Bucket"])


def _expire(harness: Harness) -> None:
    """Delete what is in quarantine, as its lifecycle rule does."""
    for key, version in harness.versions(QUARANTINE):
        harness.s3.delete_object(Bucket=QUARANTINE, Key=key, VersionId=version)


@pytest.mark.parametrize("action_id", ["restore", "retry"])
def test_a_click_is_shown_though_its_response_url_expired_long_ago(
    harness: Harness, action_id: str
) -> None:
    harness.deliver(harness.report_object(AUTO))
    if action_id == "retry":
        harness.strict_s3.deny = _deny("CopyObject")
    harness.run_remediator()
    harness.strict_s3.deny = lambda *_: False
    assert harness.click(action_id) == 200
    harness.slack.limit_response_urls(0)
    harness.clock.ahead = WEEKS
    harness.run_remediator()
    headline, bucket = {
        "restore": ("Object restored", SOURCE),
        "retry": ("Object quarantined", QUARANTINE),
    }[action_id]
    assert headline in harness.message.text
    assert f"by <@{APPROVER}>" in harness.message.text
    assert harness.slack.requests[-1] == "chat.update"
    assert harness.bodies(bucket) == [CARD]


OPERATIONS = ["HeadObject", "GetObjectAcl", "CopyObject", "DeleteObject"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_retry_works_once_nothing_is_denied(harness: Harness, operation: str) -> None:
    finding = harness.put_object(CARD)
    harness.strict_s3.deny = _deny(operation)
    assert harness.quarantine(finding).status is Status.FAILED
    harness.strict_s3.deny = lambda *_: False
    harness.clock.ahead = WEEKS
    record = harness.retry(finding)
    assert record.status is Status.QUARANTINED
    assert [copy.source_etag for copy in record.copies] == [finding.object.etag]
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])
    assert "Object quarantined" in harness.message.text


def test_a_retry_does_not_take_the_copy_of_another_version_with_the_same_content_for_its_own() -> (
    None
):
    with start_harness(versioning="Enabled") as harness:
        first = harness.put_object(CARD)
        harness.strict_s3.deny = _deny("CopyObject")
        assert harness.quarantine(first).status is Status.FAILED
        harness.strict_s3.deny = lambda *_: False
        second = harness.put_object(CARD)
        assert harness.quarantine(second).status is Status.QUARANTINED
        assert harness.retry(first).status is Status.QUARANTINED
        assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD, CARD])
        assert harness.record(first).copies != harness.record(second).copies
        assert harness.restore(second).status is Status.RESTORED
        assert harness.bodies(QUARANTINE) == [CARD]


def test_a_retry_does_not_take_an_object_that_was_uploaded_again_for_what_it_restored(
    harness: Harness,
) -> None:
    finding = harness.put_object(CARD, Tagging="kind=card")
    harness.quarantine(finding)
    harness.strict_s3.deny = _deny("CopyObject")
    assert harness.restore(finding).status is Status.FAILED
    harness.strict_s3.deny = lambda *_: False
    harness.put_object(CARD)
    assert harness.restore(finding).status is Status.FAILED
    assert "both were left alone" in harness.message.text
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([CARD], [CARD])


def test_a_retry_works_once_the_object_is_out_of_the_archive(harness: Harness) -> None:
    finding = harness.put_object(CARD, StorageClass="DEEP_ARCHIVE")
    assert harness.quarantine(finding).status is Status.FAILED
    assert "archived (DEEP_ARCHIVE), so it cannot be copied" in harness.message.text
    assert "Restore it from the archive in S3, then press Retry" in harness.message.text
    assert (len(harness.versions(SOURCE)), harness.versions(QUARANTINE)) == (1, [])

    harness.s3.restore_object(Bucket=SOURCE, Key=KEY, RestoreRequest={"Days": 1})
    record = harness.retry(finding)
    assert record.status is Status.QUARANTINED
    assert [copy.storage_class for copy in record.copies] == ["DEEP_ARCHIVE"]
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])


def test_a_retry_works_once_the_legal_hold_is_removed(harness: Harness) -> None:
    harness.s3.create_bucket(Bucket="acme-locked", ObjectLockEnabledForBucket=True)
    place: Any = {"Bucket": "acme-locked", "Key": KEY}
    put = harness.s3.put_object(**place, Body=CARD, ObjectLockLegalHoldStatus="ON")
    finding = finding_on(etag=put["ETag"].strip('"'), version_id=put["VersionId"], size=len(CARD))
    finding = replace(finding, object=replace(finding.object, bucket="acme-locked"))
    assert harness.quarantine(finding).status is Status.FAILED
    assert "under a legal hold" in harness.message.text
    assert "Have the hold removed, then press Retry" in harness.message.text

    harness.s3.put_object_legal_hold(**place, LegalHold={"Status": "OFF"})
    assert harness.retry(finding).status is Status.QUARANTINED
    assert (harness.bodies("acme-locked"), harness.bodies(QUARANTINE)) == ([], [CARD])


def test_a_retry_after_the_object_changed_leaves_the_new_one_alone(harness: Harness) -> None:
    finding = replace(harness.put_object(CARD), id="unpinned")
    finding = replace(finding, object=replace(finding.object, version_id=None))
    harness.strict_s3.deny = _deny("CopyObject")
    assert harness.quarantine(finding).status is Status.FAILED
    harness.strict_s3.deny = lambda *_: False
    harness.put_object(b"innocent")
    assert harness.retry(finding).status is Status.CHANGED
    assert b"innocent" in harness.bodies(SOURCE)
    assert harness.bodies(QUARANTINE) == []
    assert "Nothing was moved or deleted" in harness.message.text


def _fail_with_both(harness: Harness) -> Any:
    """Deny the deletion of the object, and of the copy as well."""
    finding = harness.put_object(CARD)
    harness.strict_s3.deny = _deny("DeleteObject")
    record = harness.quarantine(finding)
    assert record.status is Status.FAILED
    assert "It is still there, and a copy of it is in quarantine" in harness.message.text
    assert len(record.copies) == 1
    evidence = record.latest_transition.evidence
    assert any(record.copies[0].version_id in line for line in evidence)
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([CARD], [CARD])
    harness.strict_s3.deny = lambda *_: False
    harness.clock.ahead = WEEKS
    return finding


def test_where_both_exist_a_retry_deletes_the_object_and_makes_no_copy(harness: Harness) -> None:
    finding = _fail_with_both(harness)
    harness.strict_s3.requests.clear()
    assert harness.retry(finding).status is Status.QUARANTINED
    assert "CopyObject" not in harness.strict_s3.operations
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])


def test_a_copy_that_expired_meanwhile_is_made_again_before_anything_is_deleted(
    harness: Harness,
) -> None:
    finding = _fail_with_both(harness)
    _expire(harness)
    record = harness.retry(finding)
    assert record.status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])
    assert [(copy.key, copy.version_id) for copy in record.copies] == harness.versions(QUARANTINE)


def test_where_object_and_copy_are_both_gone_by_now_nothing_is_claimed(harness: Harness) -> None:
    finding = _fail_with_both(harness)
    _expire(harness)
    for key, version in harness.versions(SOURCE):
        harness.s3.delete_object(Bucket=SOURCE, Key=key, **_version_args(version))
    record = harness.retry(finding)
    assert record.status is Status.NOT_FOUND
    assert record.copies == ()
    assert "not there any more" in harness.message.text


def test_a_copy_that_expired_cannot_be_restored_and_the_message_says_so(harness: Harness) -> None:
    finding = harness.put_object(CARD)
    harness.quarantine(finding)
    _expire(harness)
    harness.clock.ahead = WEEKS
    assert harness.restore(finding).status is Status.FAILED
    assert "The quarantined copy is not there any more" in harness.message.text
    assert "Check in the ledger whether it expired" in harness.message.text


def test_of_two_findings_on_one_object_the_second_restore_says_that_the_copy_is_gone(
    harness: Harness,
) -> None:
    first = harness.put_object(CARD)
    second = replace(first, id="another-job")
    harness.quarantine(first)
    assert harness.quarantine(second).status is Status.QUARANTINED
    assert harness.restore(first).status is Status.RESTORED
    assert harness.restore(second).status is Status.FAILED
    assert harness.bodies(SOURCE) == [CARD]


def test_an_expired_copy_of_another_finding_is_no_quarantine(harness: Harness) -> None:
    first = harness.put_object(CARD)
    harness.quarantine(first)
    _expire(harness)
    assert harness.quarantine(replace(first, id="another-job")).status is Status.NOT_FOUND


def test_a_restore_that_is_denied_keeps_the_copy_and_works_on_retry(harness: Harness) -> None:
    finding = harness.put_object(CARD)
    harness.quarantine(finding)
    harness.strict_s3.deny = _deny("CopyObject", SOURCE)
    record = harness.restore(finding)
    assert record.status is Status.FAILED
    assert "S3 did not let the remediator copy" in harness.message.text
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], [CARD])
    harness.strict_s3.deny = lambda *_: False
    harness.clock.ahead = WEEKS
    assert harness.restore(finding).status is Status.RESTORED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([CARD], [])


@pytest.mark.parametrize("is_gone", [False, True], ids=["still there", "gone again"])
def test_a_restored_object_whose_copy_cannot_be_deleted_is_shown_in_both_places(
    harness: Harness, *, is_gone: bool
) -> None:
    finding = harness.put_object(CARD)
    harness.quarantine(finding)
    harness.strict_s3.deny = _deny("DeleteObject", QUARANTINE)
    record = harness.restore(finding)
    assert record.status is Status.FAILED
    assert (
        "It is back in its bucket, and a copy of it is still in quarantine" in harness.message.text
    )
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([CARD], [CARD])

    harness.strict_s3.deny = lambda *_: False
    harness.clock.ahead = WEEKS
    if is_gone:
        harness.s3.delete_object(
            Bucket=SOURCE, Key=KEY, **_version_args(record.restored[0].version_id)
        )
    assert harness.restore(finding).status is Status.RESTORED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([CARD], [])


def _version_args(version_id: str | None) -> Any:
    return {} if version_id in (None, "null") else {"VersionId": version_id}


@pytest.mark.parametrize(
    ("body", "operation"),
    [(CARD, "HeadObject"), (LARGE, "HeadObject"), (LARGE, "PutObjectAnnotation")],
    ids=["before it is verified", "in parts", "before it is annotated"],
)
def test_what_replaces_a_restored_object_is_left_alone(body: bytes, operation: str) -> None:
    with start_harness(multipart_threshold=MIB) as harness:
        finding = harness.put_object(body)
        (copy,) = harness.quarantine(finding).copies
        harness.strict_s3.annotations[QUARANTINE, copy.key, copy.version_id] = {"class": b"secret"}

        def replace_object(params: Any, **_: Any) -> None:
            copies = {"CopyObject", "CompleteMultipartUpload"}
            is_made = copies & set(harness.strict_s3.operations)
            if is_made and params["Bucket"] == SOURCE:
                harness.s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"innocent")

        harness.strict_s3.requests.clear()
        with harness.before(operation, replace_object):
            assert harness.restore(finding).status is Status.FAILED
        assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([b"innocent"], [body])
        if operation == "PutObjectAnnotation":
            assert not harness.strict_s3.annotations.get((SOURCE, KEY, None))
        assert "both were left alone" in harness.message.text


def test_a_restore_never_destroys_a_null_version_under_a_marker() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html."""
    with start_harness(versioning="Enabled") as harness:
        nulls = NullVersions(harness.s3, SOURCE, is_suspended=False)
        nulls.register(harness)
        nulls.put(KEY, b"older and innocent")
        found = harness.report_object(AUTO)
        harness.deliver(found)
        harness.run_remediator()
        nulls.is_suspended = True
        harness.click("restore")
        harness.run_remediator()
        assert harness.record(found).status is Status.FAILED
        assert "one object would overwrite another" in harness.message.text
        assert harness.bodies(SOURCE) == [b"older and innocent"]
        assert harness.bodies(QUARANTINE) == [CARD]

        nulls.is_suspended = False
        harness.click("retry")
        harness.run_remediator()
        assert harness.record(found).status is Status.RESTORED
        assert sorted(harness.bodies(SOURCE)) == sorted([CARD, b"older and innocent"])
