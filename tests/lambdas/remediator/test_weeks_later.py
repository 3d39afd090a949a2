"""Retry and restore, weeks later: the cause is gone, or something else has changed meanwhile."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.record import Status
from tests.lambdas import deployment
from tests.lambdas.null_versions import NullVersions
from tests.lambdas.remediator.world import QUARANTINE, SOURCE, World, finding_on, world

CARD = b"name,card\nJane,4111111111111111\n"
MIB = 1024 * 1024
LARGE = CARD * (2 * MIB // len(CARD))
KEY = "pan data+1?.csv"
WEEKS = timedelta(weeks=6)


@pytest.fixture(params=[False, True], ids=["unversioned", "versioned"])
def here(request: pytest.FixtureRequest) -> Iterator[World]:
    with world(versioned=request.param) as one:
        yield one


def _deny(operation: str, bucket: str | None = None) -> Callable[[str, Any], bool]:
    return lambda name, asked: name == operation and bucket in (None, asked["Bucket"])


def _expire(here: World) -> None:
    """Have the quarantine's retention delete what is in it."""
    for key, version in here.versions(QUARANTINE):
        here.s3.delete_object(Bucket=QUARANTINE, Key=key, VersionId=version)


@pytest.mark.parametrize("click", ["restore", "retry"])
def test_a_click_is_answered_though_its_callback_expired_long_ago(click: str) -> None:
    with deployment.deployed() as one:
        one.deliver(one.put(deployment.AUTO))
        if click == "retry":
            one.strict.deny = _deny("CopyObject")
        one.remediate()
        one.strict.deny = lambda *_: False
        assert one.click(click) == 200
        one.slack.limit_response_urls(0)
        one.clock.ahead = WEEKS
        one.remediate()
        end, place = {
            "restore": ("Object restored", deployment.SOURCE),
            "retry": ("Object quarantined", deployment.QUARANTINE),
        }[click]
        assert end in one.message.text
        assert f"by <@{deployment.APPROVER}>" in one.message.text
        assert one.slack.requests[-1] == "chat.update"
        assert one.bodies(place) == [CARD]


OPERATIONS = ["HeadObject", "GetObjectAcl", "CopyObject", "DeleteObject"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_retry_works_once_nothing_is_denied_any_more(here: World, operation: str) -> None:
    finding = here.put(CARD)
    here.strict.deny = _deny(operation)
    assert here.remediated(finding).status is Status.FAILED
    here.strict.deny = lambda *_: False
    here.clock.ahead = WEEKS
    record = here.retried(finding)
    assert record.status is Status.QUARANTINED
    assert [copy.source_etag for copy in record.copies] == [finding.object.etag]
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])
    assert "Object quarantined" in here.shown


def test_a_retry_does_not_take_the_copy_of_another_version_with_the_same_content_for_its_own() -> (
    None
):
    with world(versioned=True) as here:
        one = here.put(CARD)
        here.strict.deny = _deny("CopyObject")
        assert here.remediated(one).status is Status.FAILED
        here.strict.deny = lambda *_: False
        other = here.put(CARD)
        assert here.remediated(other).status is Status.QUARANTINED
        assert here.retried(one).status is Status.QUARANTINED
        assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD, CARD])
        assert here.record(one).copies != here.record(other).copies
        assert here.restored(other).status is Status.RESTORED
        assert here.bodies(QUARANTINE) == [CARD]


def test_a_retry_does_not_take_an_object_that_was_uploaded_again_for_what_it_put_back(
    here: World,
) -> None:
    finding = here.put(CARD, Tagging="kind=card")
    here.remediated(finding)
    here.strict.deny = _deny("CopyObject")
    assert here.restored(finding).status is Status.FAILED
    here.strict.deny = lambda *_: False
    here.put(CARD)
    assert here.restored(finding).status is Status.FAILED
    assert "both were left alone" in here.shown
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([CARD], [CARD])


def test_a_retry_works_once_the_object_is_out_of_the_archive(here: World) -> None:
    finding = here.put(CARD, StorageClass="DEEP_ARCHIVE")
    assert here.remediated(finding).status is Status.FAILED
    assert "archived (DEEP_ARCHIVE), so it can not be copied" in here.shown
    assert "Restore it from the archive in S3, then press Retry" in here.shown
    assert (len(here.versions(SOURCE)), here.versions(QUARANTINE)) == (1, [])

    here.s3.restore_object(Bucket=SOURCE, Key=KEY, RestoreRequest={"Days": 1})
    record = here.retried(finding)
    assert record.status is Status.QUARANTINED
    assert [copy.storage_class for copy in record.copies] == ["DEEP_ARCHIVE"]
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])


def test_a_retry_works_once_the_legal_hold_is_removed(here: World) -> None:
    here.s3.create_bucket(Bucket="acme-locked", ObjectLockEnabledForBucket=True)
    place: Any = {"Bucket": "acme-locked", "Key": KEY}
    put = here.s3.put_object(**place, Body=CARD, ObjectLockLegalHoldStatus="ON")
    finding = finding_on(KEY, put["ETag"].strip('"'), put["VersionId"], len(CARD))
    finding = replace(finding, object=replace(finding.object, bucket="acme-locked"))
    assert here.remediated(finding).status is Status.FAILED
    assert "under a legal hold" in here.shown
    assert "Have the hold removed, then press Retry" in here.shown

    here.s3.put_object_legal_hold(**place, LegalHold={"Status": "OFF"})
    assert here.retried(finding).status is Status.QUARANTINED
    assert (here.bodies("acme-locked"), here.bodies(QUARANTINE)) == ([], [CARD])


def test_a_retry_after_the_object_changed_leaves_the_new_one_alone(here: World) -> None:
    finding = replace(here.put(CARD), id="unpinned")
    finding = replace(finding, object=replace(finding.object, version_id=None))
    here.strict.deny = _deny("CopyObject")
    assert here.remediated(finding).status is Status.FAILED
    here.strict.deny = lambda *_: False
    here.put(b"innocent")
    assert here.retried(finding).status is Status.CHANGED
    assert b"innocent" in here.bodies(SOURCE)
    assert here.bodies(QUARANTINE) == []
    assert "Nothing was moved or deleted" in here.shown


def _fail_with_both(here: World) -> Any:
    """Have the deletion denied, and that of the copy as well."""
    finding = here.put(CARD)
    here.strict.deny = _deny("DeleteObject")
    record = here.remediated(finding)
    assert record.status is Status.FAILED
    assert "It is still there, and a copy of it is in quarantine" in here.shown
    assert len(record.copies) == 1
    assert any(record.copies[0].version_id in told for told in record.standing.evidence)
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([CARD], [CARD])
    here.strict.deny = lambda *_: False
    here.clock.ahead = WEEKS
    return finding


def test_where_both_exist_a_retry_deletes_the_object_and_copies_no_more(here: World) -> None:
    finding = _fail_with_both(here)
    here.strict.calls.clear()
    assert here.retried(finding).status is Status.QUARANTINED
    assert "CopyObject" not in here.strict.calls
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])


def test_a_copy_that_expired_meanwhile_is_made_again_before_anything_is_deleted(
    here: World,
) -> None:
    finding = _fail_with_both(here)
    _expire(here)
    record = here.retried(finding)
    assert record.status is Status.QUARANTINED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])
    assert [(copy.key, copy.version_id) for copy in record.copies] == here.versions(QUARANTINE)


def test_where_object_and_copy_are_both_gone_by_now_nothing_is_claimed(here: World) -> None:
    finding = _fail_with_both(here)
    _expire(here)
    for key, version in here.versions(SOURCE):
        more = {} if version == "null" else {"VersionId": version}
        here.s3.delete_object(Bucket=SOURCE, Key=key, **more)
    record = here.retried(finding)
    assert record.status is Status.NOT_FOUND
    assert record.copies == ()
    assert "not there any more" in here.shown


def test_a_copy_that_expired_can_not_be_restored_and_that_is_told(here: World) -> None:
    finding = here.put(CARD)
    here.remediated(finding)
    _expire(here)
    here.clock.ahead = WEEKS
    assert here.restored(finding).status is Status.FAILED
    assert "The quarantined copy is not there any more" in here.shown
    assert "See in the ledger whether it expired" in here.shown


def test_of_two_findings_on_one_object_the_second_restore_says_that_the_copy_is_gone(
    here: World,
) -> None:
    first = here.put(CARD)
    second = replace(first, id="another-job")
    here.remediated(first)
    assert here.remediated(second).status is Status.QUARANTINED
    assert here.restored(first).status is Status.RESTORED
    assert here.restored(second).status is Status.FAILED
    assert here.bodies(SOURCE) == [CARD]


def test_an_expired_copy_of_another_finding_is_no_quarantine(here: World) -> None:
    first = here.put(CARD)
    here.remediated(first)
    _expire(here)
    assert here.remediated(replace(first, id="another-job")).status is Status.NOT_FOUND


def test_a_restore_that_is_denied_keeps_the_copy_and_works_on_retry(here: World) -> None:
    finding = here.put(CARD)
    here.remediated(finding)
    here.strict.deny = _deny("CopyObject", SOURCE)
    record = here.restored(finding)
    assert record.status is Status.FAILED
    assert "S3 did not let the remediator copy" in here.shown
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])
    here.strict.deny = lambda *_: False
    here.clock.ahead = WEEKS
    assert here.restored(finding).status is Status.RESTORED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([CARD], [])


@pytest.mark.parametrize("is_gone", [False, True], ids=["still there", "gone again"])
def test_a_restored_object_whose_copy_can_not_be_deleted_is_told_to_be_in_both_places(
    here: World, *, is_gone: bool
) -> None:
    finding = here.put(CARD)
    here.remediated(finding)
    here.strict.deny = _deny("DeleteObject", QUARANTINE)
    record = here.restored(finding)
    assert record.status is Status.FAILED
    assert "It is back in its bucket, and a copy of it is still in quarantine" in here.shown
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([CARD], [CARD])

    here.strict.deny = lambda *_: False
    here.clock.ahead = WEEKS
    if is_gone:
        here.s3.delete_object(Bucket=SOURCE, Key=KEY, **_named(record.put_back[0].version_id))
    assert here.restored(finding).status is Status.RESTORED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([CARD], [])


def _named(version_id: str | None) -> Any:
    return {"VersionId": version_id} if version_id else {}


@pytest.mark.parametrize(
    ("body", "operation"),
    [(CARD, "HeadObject"), (LARGE, "HeadObject"), (LARGE, "PutObjectAnnotation")],
    ids=["before it is verified", "in parts", "before it is annotated"],
)
def test_what_takes_the_place_of_a_restored_object_is_left_alone(
    body: bytes, operation: str
) -> None:
    with world(versioned=False, threshold=MIB) as here:
        finding = here.put(body)
        (copy,) = here.remediated(finding).copies
        here.strict.annotations[QUARANTINE, copy.key, copy.version_id] = {"class": b"secret"}

        def replaced(params: Any, **_: Any) -> None:
            is_made = {"CopyObject", "CompleteMultipartUpload"} & set(here.strict.calls)
            if is_made and params["Bucket"] == SOURCE:
                here.s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"innocent")

        here.strict.calls.clear()
        with here.before(operation, replaced):
            assert here.restored(finding).status is Status.FAILED
        assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([b"innocent"], [body])
        if operation == "PutObjectAnnotation":
            assert not here.strict.annotations.get((SOURCE, KEY, None))
        assert "both were left alone" in here.shown


def test_a_restore_never_destroys_a_null_version_that_lies_under_a_marker() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html."""
    with deployment.deployed(versioning="Enabled") as one:
        nulls = NullVersions(one.s3, deployment.SOURCE, is_suspended=False)
        nulls.guard(one.session)
        nulls.put(deployment.KEY, b"older and innocent")
        found = one.put(deployment.AUTO)
        one.deliver(found)
        one.remediate()
        nulls.is_suspended = True
        one.click("restore")
        one.remediate()
        assert one.record(found).status is Status.FAILED
        assert "one object would overwrite another" in one.message.text
        assert one.bodies(deployment.SOURCE) == [b"older and innocent"]
        assert one.bodies(deployment.QUARANTINE) == [CARD]

        nulls.is_suspended = False
        one.click("retry")
        one.remediate()
        assert one.record(found).status is Status.RESTORED
        assert sorted(one.bodies(deployment.SOURCE)) == sorted([CARD, b"older and innocent"])
