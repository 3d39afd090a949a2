"""With `quarantineVersions` ALL every version goes, each is in the ledger, all come back."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import REMEDIATOR, QuarantinedCopy, RestoredObject, Status
from lambdas.common.ledger.serialization import encode
from lambdas.common.ledger.table import ConflictError
from lambdas.remediator import source
from tests.harness.aws import KEY, QUARANTINE, SOURCE
from tests.harness.events import finding
from tests.harness.harness import Harness, start_harness
from tests.harness.strategies import record_with_status
from tests.lambdas.remediator.metadata import NOW

BODIES = [b"first", b"the second, with a card", b"third"]


@pytest.fixture
def harness() -> Iterator[Harness]:
    with start_harness(versioning="Enabled", quarantine_versions="ALL") as harness:
        yield harness


def _put_all(harness: Harness) -> list[Finding]:
    return [harness.put_object(body) for body in BODIES]


def test_every_version_goes_and_each_ones_identity_is_in_the_ledger(harness: Harness) -> None:
    findings = _put_all(harness)
    record = harness.quarantine(findings[1])
    assert record.status is Status.QUARANTINED
    assert [(copy.source_version_id, copy.source_etag, copy.size) for copy in record.copies] == [
        (finding.object.version_id, finding.object.etag, finding.object.size)
        for finding in findings
    ]
    assert all(copy.checksum is not None for copy in record.copies)
    for found, evidence in zip(findings, record.latest_transition.evidence, strict=True):
        assert f"source version {found.object.version_id}" in evidence
        assert found.object.etag in evidence
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], BODIES)
    assert record.other_versions == 0
    assert "3 versions, 33 bytes" in harness.message.text
    assert "remain" not in harness.message.text


@pytest.mark.parametrize("which", [0, 1, 2])
def test_all_come_back_in_their_order_whichever_version_the_finding_names(
    harness: Harness, which: int
) -> None:
    findings = _put_all(harness)
    harness.quarantine(findings[which])
    assert harness.restore(findings[which]).status is Status.RESTORED
    assert harness.bodies(SOURCE) == BODIES
    assert harness.s3.get_object(Bucket=SOURCE, Key=KEY)["Body"].read() == BODIES[-1]
    assert harness.bodies(QUARANTINE) == []


@pytest.mark.parametrize("which", [0, 2])
def test_a_finding_on_a_version_that_was_moved_with_another_points_at_its_copy(
    harness: Harness, which: int
) -> None:
    findings = _put_all(harness)
    first = harness.quarantine(findings[1])
    second = harness.quarantine(findings[which])
    assert second.status is Status.QUARANTINED
    assert second.copies == (first.copies[which],)
    assert (
        second.latest_transition.reason
        == f"The object is in quarantine, by the finding {findings[1].id}."
    )
    assert harness.bodies(QUARANTINE) == BODIES


def test_a_copy_that_was_made_with_another_and_is_gone_is_not_pointed_at(
    harness: Harness,
) -> None:
    findings = _put_all(harness)
    first = harness.quarantine(findings[1])
    place = {"Bucket": QUARANTINE, "Key": first.copies[0].key}
    harness.s3.delete_object(**place, VersionId=first.copies[0].version_id)
    assert harness.quarantine(findings[0]).status is Status.NOT_FOUND
    assert harness.restore(findings[1]).status is Status.RESTORED
    assert harness.bodies(SOURCE) == BODIES[1:]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_version_that_expires_during_the_move_is_left_out_unless_the_finding_names_it(
    harness: Harness, which: int
) -> None:
    findings = _put_all(harness)

    def expire(**_: Any) -> None:
        if harness.strict_s3.operations.count("CopyObject") == which:
            expired = findings[which].object
            harness.s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=expired.version_id)

    harness.create_record(findings[1])
    with harness.before("CopyObject", expire), suppress(ConflictError):
        harness.remediate(findings[1])
    harness.remediate(findings[1])
    record = harness.record(findings[1])
    left = [body for number, body in enumerate(BODIES) if number != which]
    assert record.attempt is None
    if which == 1:
        assert record.status is Status.CHANGED
        assert record.copies == ()
        assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == (left, [])
        return
    assert record.status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], left)
    assert harness.restore(findings[1]).status is Status.RESTORED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == (left, [])


def test_in_a_bucket_without_versions_the_object_goes() -> None:
    with start_harness(quarantine_versions="ALL") as harness:
        finding = harness.put_object(BODIES[0])
        assert harness.quarantine(finding).status is Status.QUARANTINED
        assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], BODIES[:1])


def test_an_archived_version_prevents_all_of_them_from_being_copied(harness: Harness) -> None:
    harness.put_object(b"old", StorageClass="GLACIER")
    record = harness.quarantine(harness.put_object(BODIES[1]))
    assert record.status is Status.FAILED
    assert "archived (GLACIER)" in harness.message.text
    assert record.copies == ()
    assert harness.bodies(QUARANTINE) == []
    assert len(harness.versions(SOURCE)) == 2


def test_where_a_deletion_is_denied_the_ledger_says_what_is_where(harness: Harness) -> None:
    findings = _put_all(harness)
    kept = findings[2].object.version_id

    def denied(operation: str, parameters: Any) -> bool:
        return operation == "DeleteObject" and parameters.get("VersionId") == kept

    harness.strict_s3.deny = denied
    record = harness.quarantine(findings[1])
    assert record.status is Status.FAILED
    assert (
        f"S3 did not let the remediator delete a version of an object in the bucket {SOURCE}"
        in harness.message.text
    )
    assert "Versions of it that are in quarantine already: 1." in harness.message.text
    assert [copy.source_version_id for copy in record.copies] == [findings[0].object.version_id]
    assert harness.bodies(QUARANTINE) == BODIES[:1]
    assert harness.bodies(SOURCE) == BODIES[1:]

    harness.strict_s3.deny = lambda *_: False
    record = harness.retry(findings[1])
    assert record.status is Status.QUARANTINED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], BODIES)


def _fail_restoring_from_the_second_on(harness: Harness) -> Finding:
    findings = _put_all(harness)
    harness.quarantine(findings[1])
    harness.strict_s3.requests.clear()
    harness.strict_s3.deny = lambda operation, _: (
        operation == "CopyObject" and harness.strict_s3.operations.count("CopyObject") > 1
    )
    assert harness.restore(findings[1]).status is Status.FAILED
    assert harness.bodies(SOURCE) == BODIES[:1]
    harness.strict_s3.deny = lambda *_: False
    return findings[1]


def test_a_restore_that_stopped_half_way_continues_where_it_stopped(harness: Harness) -> None:
    finding = _fail_restoring_from_the_second_on(harness)
    copies = harness.record(finding).copies
    record = harness.restore(finding)
    assert record.status is Status.RESTORED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == (BODIES, [])
    for (_, version), copy in zip(reversed(harness.versions(SOURCE)), copies, strict=True):
        restored = f"copy version {copy.version_id} restored as version {version}"
        assert any(restored in evidence for evidence in record.latest_transition.evidence)


def test_a_restore_that_stopped_half_way_overwrites_no_object_that_appeared_meanwhile(
    harness: Harness,
) -> None:
    finding = _fail_restoring_from_the_second_on(harness)
    newer = harness.put_object(b"appeared meanwhile")
    assert harness.restore(finding).status is Status.FAILED
    assert "Another object has this name now" in harness.message.text
    assert harness.s3.get_object(Bucket=SOURCE, Key=KEY)["Body"].read() == b"appeared meanwhile"
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == (
        [*BODIES[:1], b"appeared meanwhile"],
        BODIES,
    )

    harness.s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=newer.object.version_id)
    assert harness.restore(finding).status is Status.RESTORED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == (BODIES, [])


def test_what_was_restored_and_is_gone_again_is_restored_again_in_its_order(
    harness: Harness,
) -> None:
    finding = _fail_restoring_from_the_second_on(harness)
    for key, version in harness.versions(SOURCE):
        harness.s3.delete_object(Bucket=SOURCE, Key=key, VersionId=version)
    assert harness.restore(finding).status is Status.RESTORED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == (BODIES, [])


@pytest.mark.parametrize("which", [0, 2])
def test_a_copy_that_expired_does_not_prevent_the_others_from_coming_back(
    harness: Harness, which: int
) -> None:
    """Older copies expire sooner, for only the latest one is current in quarantine."""
    findings = _put_all(harness)
    gone = harness.quarantine(findings[1]).copies[which]
    harness.s3.delete_object(Bucket=QUARANTINE, Key=gone.key, VersionId=gone.version_id)
    record = harness.restore(findings[1])
    assert record.status is Status.RESTORED
    assert "Versions that were not in quarantine any more: 1." in harness.message.text
    left = [body for number, body in enumerate(BODIES) if number != which]
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == (left, [])


def test_without_versions_a_restore_of_several_would_lose_some_and_is_refused(
    harness: Harness,
) -> None:
    findings = _put_all(harness)
    harness.quarantine(findings[1])
    _set_versioning(harness, "Suspended")
    record = harness.restore(findings[1])
    assert record.status is Status.FAILED
    assert "makes no versions now, so one object would overwrite another" in harness.message.text
    assert "Enable versioning on the bucket, then press Retry" in harness.message.text
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([], BODIES)

    _set_versioning(harness, "Enabled")
    assert harness.restore(findings[1]).status is Status.RESTORED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == (BODIES, [])


def _set_versioning(harness: Harness, status: str) -> None:
    harness.s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": status})


def test_more_versions_than_the_ledger_has_room_for_stay_where_they_are(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "max_versions", lambda _: 2)
    record = harness.quarantine(_put_all(harness)[1])
    assert record.status is Status.FAILED
    assert "3 versions" in record.latest_transition.reason
    assert "FINDING" in record.latest_transition.advice
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == (BODIES, [])


@pytest.mark.parametrize("length", [10, 100, 960])
def test_a_record_of_as_many_versions_as_are_moved_is_no_larger_than_an_item(length: int) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html."""
    copies = (_copy("k" * length),) * source.max_versions("k" * length)
    record = replace(record_with_status(Status.REMEDIATING, finding()), copies=copies)
    record = record.transition_to(Status.QUARANTINED, by=REMEDIATOR, reason="so", now=NOW)
    record = record.transition_to(Status.RESTORING, by="U1", reason="so", now=NOW)
    restored = RestoredObject(copy_version_id="v" * 32, version_id="v" * 32, etag="e" * 38)
    record = replace(record, restored=(restored,) * len(copies))
    evidence = tuple(map(str, record.restored))
    record = record.transition_to(
        Status.RESTORED, by=REMEDIATOR, reason="so", evidence=evidence, now=NOW
    )
    assert len(json.dumps(encode(record))) < 400_000


def _copy(key: str) -> QuarantinedCopy:
    return QuarantinedCopy(
        bucket="q" * 63,
        key=f"{'1' * 12}/{'s' * 63}/{key}",
        version_id="v" * 32,
        source_version_id="v" * 32,
        source_etag="e" * 38,
        size=5 * 2**40,
        checksum=f"SHA256:{'c' * 44}",
        storage_class="INTELLIGENT_TIERING",
        verified_by="CRC64NVME and SHA256 checksum",
        locked_until=NOW,
        encryption="aws:kms:dsse",
        kms_key=f"arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-{'0' * 32}",
    )
