"""What a person sees, and what is left in both buckets, in every state of the world."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.common.errors import BusyError
from lambdas.common.record import Status
from lambdas.remediator import affected
from lambdas.remediator.copying import Source
from lambdas.remediator.objects import Objects, Place
from lambdas.remediator.s3_answers import S3Error
from tests.lambdas.botocore_calls import s3_through
from tests.lambdas.remediator.facts import facts
from tests.lambdas.remediator.world import ACCOUNT, QUARANTINE, SOURCE, World, finding_on, world

CARD = b"name,card\nJane,4111111111111111\n"
KEY = "pan data+1?.csv"


@pytest.fixture
def plain() -> Iterator[World]:
    with world(versioned=False) as one:
        yield one


@pytest.fixture
def versioned() -> Iterator[World]:
    with world(versioned=True) as one:
        yield one


def _body(world: World, bucket: str, key: str, version: str | None = None) -> bytes:
    more: Any = {"VersionId": version} if version else {}
    body: bytes = world.s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()
    return body


def _keys(world: World, bucket: str) -> list[str]:
    return [key for key, _ in world.versions(bucket)]


def test_older_versions_stay_and_none_becomes_current(versioned: World) -> None:
    older = versioned.put(b"older")
    record = versioned.remediated(versioned.put(CARD))
    assert versioned.versions(SOURCE) == [(KEY, older.object.version_id)]
    assert record.other_versions == 1
    with pytest.raises(versioned.s3.exceptions.NoSuchKey):
        _body(versioned, SOURCE, KEY)
    assert "1 other version remains in the bucket" in versioned.shown


def test_a_newer_version_is_neither_touched_nor_hidden(versioned: World) -> None:
    finding = versioned.put(CARD)
    versioned.put(b"newer")
    record = versioned.remediated(finding)
    assert record.status is Status.QUARANTINED
    assert _body(versioned, SOURCE, KEY) == b"newer"
    assert _body(versioned, QUARANTINE, record.copies[0].key) == CARD


def test_a_version_that_becomes_current_during_the_copy_uncovers_no_older_one(
    versioned: World,
) -> None:
    versioned.put(b"older")
    finding = versioned.put(CARD)
    newer = versioned.put(b"newer").object.version_id
    versioned.open(finding)

    def uncover(**_: Any) -> None:
        versioned.s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=newer)

    with versioned.before("CopyObject", uncover), pytest.raises(BusyError):
        versioned.run(finding)
    assert _body(versioned, SOURCE, KEY) == CARD

    versioned.run(finding)
    assert versioned.record(finding).status is Status.QUARANTINED
    assert (versioned.bodies(SOURCE), versioned.bodies(QUARANTINE)) == ([b"older"], [CARD])
    with pytest.raises(versioned.s3.exceptions.NoSuchKey):
        _body(versioned, SOURCE, KEY)


def test_a_second_object_under_the_same_key_does_not_overwrite_the_first(plain: World) -> None:
    first = plain.remediated(plain.put(CARD))
    second = plain.remediated(plain.put(b"another card"))
    for record, body in ((first, CARD), (second, b"another card")):
        (copy,) = record.copies
        assert _body(plain, QUARANTINE, copy.key, copy.version_id) == body


def test_a_changed_object_is_untouched(plain: World) -> None:
    finding = plain.put(CARD)
    plain.put(b"another")
    assert plain.remediated(finding).status is Status.CHANGED
    assert _body(plain, SOURCE, KEY) == b"another"
    assert plain.versions(QUARANTINE) == []
    assert "The object was replaced after the finding" in plain.shown


def test_an_object_that_is_gone_is_not_found(plain: World) -> None:
    finding = plain.put(CARD)
    plain.s3.delete_object(Bucket=SOURCE, Key=KEY)
    assert plain.remediated(finding).status is Status.NOT_FOUND
    assert "not there any more" in plain.shown


def test_a_bucket_that_is_gone_is_not_found(plain: World) -> None:
    finding = finding_on("a", "e" * 32, None, 1)
    place = replace(finding.object, bucket="acme-no-more")
    record = plain.remediated(replace(finding, object=place))
    assert record.status is Status.NOT_FOUND
    assert "not there any more" in plain.shown
    assert plain.versions(QUARANTINE) == []


@pytest.mark.parametrize("is_versioned", [False, True])
def test_a_second_finding_on_the_same_object_points_at_the_same_copy(*, is_versioned: bool) -> None:
    with world(versioned=is_versioned) as here:
        first = here.put(CARD)
        second = replace(first, id="another-job")
        one, other = here.remediated(first), here.remediated(second)
        assert other.status is Status.QUARANTINED
        assert other.copies == one.copies
        assert other.standing.reason == f"The object is in quarantine, by the finding {first.id}."
        assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], [CARD])
        for message in here.slack.posted.values():
            assert f"{QUARANTINE}/{SOURCE}/{KEY}" in message["text"]


def test_a_bucket_of_another_account_is_never_touched(plain: World) -> None:
    finding = replace(plain.put(CARD), account="999999999999")
    record = plain.remediated(finding)
    assert record.status is Status.FAILED
    assert _body(plain, SOURCE, KEY) == CARD
    assert "monitoredBuckets" in plain.shown


@pytest.mark.parametrize("denied", ["HeadObject", "CopyObject", "GetObjectAcl", "DeleteObject"])
def test_a_denial_leaves_the_object_and_no_copy_and_says_what_to_do(
    versioned: World, denied: str
) -> None:
    finding = versioned.put(CARD)
    # The source's owner denies; the quarantine bucket is ours.
    versioned.strict.deny = lambda name, asked: (
        name == denied and SOURCE in (asked["Bucket"], _source_bucket(asked))
    )
    record = versioned.remediated(finding)
    assert record.status is Status.FAILED
    assert versioned.versions(SOURCE) == [(KEY, finding.object.version_id)]
    assert versioned.versions(QUARANTINE) == []
    assert "sourceKmsKeyArns" in versioned.shown


def _source_bucket(asked: Any) -> str | None:
    named = asked.get("CopySource")
    return named["Bucket"] if named else None


def test_a_denied_version_deletion_takes_the_delete_marker_away_again(versioned: World) -> None:
    finding = versioned.put(CARD)
    versioned.strict.deny = lambda name, asked: (
        name == "DeleteObject" and asked.get("VersionId") == finding.object.version_id
    )
    assert versioned.remediated(finding).status is Status.FAILED
    assert _body(versioned, SOURCE, KEY) == CARD
    assert versioned.versions(QUARANTINE) == []


def test_a_marker_that_can_not_be_taken_away_is_told_as_with_mfa_delete(versioned: World) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html."""
    finding = versioned.put(CARD)
    versioned.strict.deny = lambda name, asked: (
        name == "DeleteObject" and asked["Bucket"] == SOURCE and "VersionId" in asked
    )
    record = versioned.remediated(finding)
    assert record.status is Status.FAILED
    (marker,) = versioned.s3.list_object_versions(Bucket=SOURCE)["DeleteMarkers"]
    assert f"the delete marker {marker['VersionId']} hides it now" in versioned.shown
    assert "Delete that marker" in versioned.shown
    assert "MFA Delete" in versioned.shown
    assert record.copies == ()
    assert (versioned.bodies(SOURCE), versioned.bodies(QUARANTINE)) == ([CARD], [])

    versioned.strict.deny = lambda *_: False
    assert versioned.retried(finding).status is Status.QUARANTINED
    assert (versioned.bodies(SOURCE), versioned.bodies(QUARANTINE)) == ([], [CARD])


def test_a_deletion_that_conflicts_with_another_request_brings_no_older_version_forward(
    versioned: World,
) -> None:
    versioned.put(b"older")
    finding = versioned.put(CARD)
    versioned.open(finding)

    def conflict(context: Any, **_: Any) -> Any:
        if "IfMatch" not in context["asked"]:
            return None
        error = {"Code": "ConditionalRequestConflict", "Message": "at the same time"}
        return SimpleNamespace(status_code=409), {"Error": error}

    events = versioned.guarded.meta.events
    events.register("before-call.s3.DeleteObject", conflict)
    try:
        with pytest.raises(S3Error):
            versioned.run(finding)
    finally:
        events.unregister("before-call.s3.DeleteObject", conflict)
    assert _body(versioned, SOURCE, KEY) == CARD

    versioned.run(finding)
    assert versioned.record(finding).status is Status.QUARANTINED
    assert versioned.bodies(SOURCE) == [b"older"]
    with pytest.raises(versioned.s3.exceptions.NoSuchKey):
        _body(versioned, SOURCE, KEY)
    assert versioned.bodies(QUARANTINE) == [CARD]


def test_two_copies_are_told_of_where_the_copy_can_not_be_deleted_either(plain: World) -> None:
    finding = plain.put(CARD)
    plain.strict.deny = lambda name, _: name == "DeleteObject"
    assert plain.remediated(finding).status is Status.FAILED
    assert "still there, and a copy of it is in quarantine" in plain.shown


def test_an_archived_object_is_seen_before_copying(plain: World) -> None:
    record = plain.remediated(plain.put(CARD, StorageClass="GLACIER"))
    assert record.status is Status.FAILED
    assert "archived (GLACIER)" in plain.shown
    assert "CopyObject" not in plain.strict.calls


@pytest.mark.parametrize("lock", ["retention", "hold"])
def test_a_locked_object_is_seen_before_copying(versioned: World, lock: str) -> None:
    versioned.s3.create_bucket(Bucket="acme-locked", ObjectLockEnabledForBucket=True)
    until = datetime.now(UTC) + timedelta(days=30)
    locks: dict[str, Any] = {
        "retention": {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until},
        "hold": {"ObjectLockLegalHoldStatus": "ON"},
    }
    put = versioned.s3.put_object(Bucket="acme-locked", Key="a", Body=CARD, **locks[lock])
    finding = finding_on("a", put["ETag"].strip('"'), put["VersionId"], len(CARD))
    finding = replace(finding, object=replace(finding.object, bucket="acme-locked"))
    record = versioned.remediated(finding)
    assert record.status is Status.FAILED
    wanted = f"locked until {until:%Y-%m-%d}" if lock == "retention" else "legal hold"
    assert wanted in versioned.shown
    assert "Retry" in versioned.shown
    assert (versioned.bodies("acme-locked"), versioned.bodies(QUARANTINE)) == ([CARD], [])
    assert "CopyObject" not in versioned.strict.calls


def test_grants_that_no_copy_keeps_are_in_the_ledger(plain: World) -> None:
    finding = plain.put(CARD, ACL="public-read")
    (copy,) = plain.remediated(finding).copies
    assert len(copy.not_kept) == 1
    assert "READ to http://acs.amazonaws.com/groups/global/AllUsers" in copy.not_kept[0]


def test_all_else_that_no_copy_keeps_is_in_the_ledger_too(plain: World) -> None:
    """Moto neither loses metadata nor lets a lock end."""
    finding = plain.put(CARD)
    ended = datetime(2026, 11, 1, tzinfo=UTC)
    found = facts(retained_until=ended, lost_metadata=2, encryption="aws:kms", kms_key="arn:key")
    source = Source(
        objects=Objects(s3_through(plain.guarded), owner=ACCOUNT),
        place=Place(bucket=SOURCE, key=finding.object.key),
        facts=found,
    )
    assert tuple(affected.not_kept(source)) == (
        "2 metadata entries that S3 can not show",
        "aws:kms encryption with the key arn:key",
        "Object Lock retention until 2026-11-01T00:00:00+00:00",
    )


def test_a_restored_object_is_as_it_was_weeks_later(plain: World) -> None:
    finding = plain.put(CARD, Metadata={"owner": "jane"}, StorageClass="STANDARD_IA")
    plain.remediated(finding)
    plain.clock.ahead = timedelta(weeks=6)
    plain.decide(finding, Status.RESTORING)
    plain.run(finding)
    assert plain.record(finding).status is Status.RESTORED
    back = plain.s3.get_object(Bucket=SOURCE, Key=KEY)
    assert (back["Body"].read(), back["Metadata"]) == (CARD, {"owner": "jane"})
    assert back["StorageClass"] == "STANDARD_IA"
    assert plain.versions(QUARANTINE) == []
    assert "Back in its bucket" in plain.shown


def test_a_restore_never_lands_on_another_object_and_can_be_retried(plain: World) -> None:
    finding = plain.put(CARD)
    plain.remediated(finding)
    plain.put(b"appeared meanwhile")
    plain.decide(finding, Status.RESTORING)
    plain.run(finding)
    assert plain.record(finding).status is Status.FAILED
    assert _body(plain, SOURCE, KEY) == b"appeared meanwhile"
    assert len(plain.versions(QUARANTINE)) == 1
    assert "both were left alone" in plain.shown

    plain.s3.delete_object(Bucket=SOURCE, Key=KEY)
    plain.decide(finding, Status.RESTORING)
    plain.run(finding)
    assert plain.record(finding).status is Status.RESTORED
    assert _body(plain, SOURCE, KEY) == CARD


def test_a_sample_finding_never_causes_an_s3_call(plain: World) -> None:
    finding = replace(finding_on("a", "e" * 32, None, 1), is_sample=True)
    record = plain.remediated(finding)
    assert record.status is Status.NOT_FOUND
    assert plain.strict.calls == []
    assert "SAMPLE" in plain.shown
    assert "nothing to move" in plain.shown
