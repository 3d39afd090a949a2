"""Where `quarantineVersions` is ALL: every version goes, each is in the ledger, all come back."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from lambdas.common.codec import encode
from lambdas.common.errors import BusyError
from lambdas.common.finding import Finding
from lambdas.common.record import REMEDIATOR, PutBack, QuarantinedCopy, Status
from lambdas.remediator import affected
from tests.lambdas.events import finding
from tests.lambdas.remediator.facts import NOW
from tests.lambdas.remediator.world import QUARANTINE, SOURCE, World, world
from tests.lambdas.strategies import record_at

BODIES = [b"first", b"the second, with a card", b"third"]
KEY = "pan data+1?.csv"


@pytest.fixture
def here() -> Iterator[World]:
    with world(versioned=True, wanted="ALL") as one:
        yield one


def _put_all(here: World) -> list[Finding]:
    return [here.put(body) for body in BODIES]


def test_every_version_goes_and_each_ones_identity_is_in_the_ledger(here: World) -> None:
    findings = _put_all(here)
    record = here.remediated(findings[1])
    assert record.status is Status.QUARANTINED
    assert [(copy.source_version_id, copy.source_etag, copy.size) for copy in record.copies] == [
        (finding.object.version_id, finding.object.etag, finding.object.size)
        for finding in findings
    ]
    assert all(copy.checksum is not None for copy in record.copies)
    for one, told in zip(findings, record.standing.evidence, strict=True):
        assert f"source version {one.object.version_id}" in told
        assert one.object.etag in told
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], BODIES)
    assert record.other_versions == 0
    assert "3 versions, 33 bytes" in here.shown
    assert "remain" not in here.shown


@pytest.mark.parametrize("which", [0, 1, 2])
def test_all_come_back_in_their_order_whichever_macie_saw(here: World, which: int) -> None:
    findings = _put_all(here)
    here.remediated(findings[which])
    assert here.restored(findings[which]).status is Status.RESTORED
    assert here.bodies(SOURCE) == BODIES
    assert here.s3.get_object(Bucket=SOURCE, Key=KEY)["Body"].read() == BODIES[-1]
    assert here.bodies(QUARANTINE) == []


@pytest.mark.parametrize("which", [0, 2])
def test_a_finding_on_a_version_that_another_took_along_points_at_its_copy(
    here: World, which: int
) -> None:
    findings = _put_all(here)
    first = here.remediated(findings[1])
    second = here.remediated(findings[which])
    assert second.status is Status.QUARANTINED
    assert second.copies == (first.copies[which],)
    assert (
        second.standing.reason == f"The object is in quarantine, by the finding {findings[1].id}."
    )
    assert here.bodies(QUARANTINE) == BODIES


def test_a_copy_that_another_took_along_and_that_is_gone_is_not_pointed_at(here: World) -> None:
    findings = _put_all(here)
    first = here.remediated(findings[1])
    place = {"Bucket": QUARANTINE, "Key": first.copies[0].key}
    here.s3.delete_object(**place, VersionId=first.copies[0].version_id)
    assert here.remediated(findings[0]).status is Status.NOT_FOUND
    assert here.restored(findings[1]).status is Status.RESTORED
    assert here.bodies(SOURCE) == BODIES[1:]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_version_that_expires_during_the_move_is_left_out_unless_macie_saw_it(
    here: World, which: int
) -> None:
    findings = _put_all(here)

    def expire(**_: Any) -> None:
        if here.strict.calls.count("CopyObject") == which:
            expired = findings[which].object
            here.s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=expired.version_id)

    here.open(findings[1])
    with here.before("CopyObject", expire), suppress(BusyError):
        here.run(findings[1])
    here.run(findings[1])
    record = here.record(findings[1])
    left = [body for number, body in enumerate(BODIES) if number != which]
    assert record.attempt is None
    if which == 1:
        assert record.status is Status.CHANGED
        assert record.copies == ()
        assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == (left, [])
        return
    assert record.status is Status.QUARANTINED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], left)
    assert here.restored(findings[1]).status is Status.RESTORED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == (left, [])


def test_in_a_bucket_without_versions_the_object_goes() -> None:
    with world(versioned=False, wanted="ALL") as one:
        finding = one.put(BODIES[0])
        assert one.remediated(finding).status is Status.QUARANTINED
        assert (one.bodies(SOURCE), one.bodies(QUARANTINE)) == ([], BODIES[:1])


def test_one_archived_version_keeps_all_of_them_from_being_copied(here: World) -> None:
    here.put(b"old", StorageClass="GLACIER")
    record = here.remediated(here.put(BODIES[1]))
    assert record.status is Status.FAILED
    assert "archived (GLACIER)" in here.shown
    assert record.copies == ()
    assert here.bodies(QUARANTINE) == []
    assert len(here.versions(SOURCE)) == 2


def test_where_one_deletion_is_denied_the_ledger_says_what_lies_where(here: World) -> None:
    findings = _put_all(here)
    kept = findings[2].object.version_id

    def denied(name: str, asked: Any) -> bool:
        return name == "DeleteObject" and asked.get("VersionId") == kept

    here.strict.deny = denied
    record = here.remediated(findings[1])
    assert record.status is Status.FAILED
    assert (
        f"S3 did not let the remediator delete a version of an object in the bucket {SOURCE}"
        in here.shown
    )
    assert "Versions of it that are in quarantine already: 1." in here.shown
    assert [copy.source_version_id for copy in record.copies] == [findings[0].object.version_id]
    assert here.bodies(QUARANTINE) == BODIES[:1]
    assert here.bodies(SOURCE) == BODIES[1:]

    here.strict.deny = lambda *_: False
    record = here.retried(findings[1])
    assert record.status is Status.QUARANTINED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], BODIES)


def _fail_restoring_from_the_second_on(here: World) -> Finding:
    findings = _put_all(here)
    here.remediated(findings[1])
    here.strict.calls.clear()
    here.strict.deny = lambda name, _: (
        name == "CopyObject" and here.strict.calls.count("CopyObject") > 1
    )
    assert here.restored(findings[1]).status is Status.FAILED
    assert here.bodies(SOURCE) == BODIES[:1]
    here.strict.deny = lambda *_: False
    return findings[1]


def test_a_restore_that_stopped_half_way_goes_on_where_it_stopped(here: World) -> None:
    finding = _fail_restoring_from_the_second_on(here)
    record = here.restored(finding)
    assert record.status is Status.RESTORED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == (BODIES, [])
    for (_, version), copy in zip(reversed(here.versions(SOURCE)), record.copies, strict=True):
        told = f"copy version {copy.version_id} put back as version {version}"
        assert any(told in one for one in record.standing.evidence)


def test_a_restore_that_stopped_half_way_covers_no_object_that_appeared_meanwhile(
    here: World,
) -> None:
    finding = _fail_restoring_from_the_second_on(here)
    newer = here.put(b"appeared meanwhile")
    assert here.restored(finding).status is Status.FAILED
    assert "Another object stands under this name by now" in here.shown
    assert here.s3.get_object(Bucket=SOURCE, Key=KEY)["Body"].read() == b"appeared meanwhile"
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == (
        [*BODIES[:1], b"appeared meanwhile"],
        BODIES,
    )

    here.s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=newer.object.version_id)
    assert here.restored(finding).status is Status.RESTORED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == (BODIES, [])


def test_what_was_put_back_and_is_gone_again_is_put_back_again_in_its_order(here: World) -> None:
    finding = _fail_restoring_from_the_second_on(here)
    for key, version in here.versions(SOURCE):
        here.s3.delete_object(Bucket=SOURCE, Key=key, VersionId=version)
    assert here.restored(finding).status is Status.RESTORED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == (BODIES, [])


@pytest.mark.parametrize("which", [0, 2])
def test_a_copy_that_expired_does_not_keep_the_others_from_coming_back(
    here: World, which: int
) -> None:
    """Older copies expire sooner, for only the latest one is current in quarantine."""
    findings = _put_all(here)
    gone = here.remediated(findings[1]).copies[which]
    here.s3.delete_object(Bucket=QUARANTINE, Key=gone.key, VersionId=gone.version_id)
    record = here.restored(findings[1])
    assert record.status is Status.RESTORED
    assert "Versions that were not in quarantine any more: 1." in here.shown
    left = [body for number, body in enumerate(BODIES) if number != which]
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == (left, [])


def test_without_versions_a_restore_of_several_would_lose_some_and_is_refused(here: World) -> None:
    findings = _put_all(here)
    here.remediated(findings[1])
    _set_versioning(here, "Suspended")
    record = here.restored(findings[1])
    assert record.status is Status.FAILED
    assert "makes no versions now, so one object would overwrite another" in here.shown
    assert "Enable versioning on the bucket, then press Retry" in here.shown
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == ([], BODIES)

    _set_versioning(here, "Enabled")
    assert here.restored(findings[1]).status is Status.RESTORED
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == (BODIES, [])


def _set_versioning(here: World, status: str) -> None:
    here.s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": status})


def test_more_versions_than_the_ledger_can_tell_of_stay_where_they_are(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(affected, "most_versions", lambda _: 2)
    record = here.remediated(_put_all(here)[1])
    assert record.status is Status.FAILED
    assert "3 versions" in record.standing.reason
    assert "FINDING" in record.standing.advice
    assert (here.bodies(SOURCE), here.bodies(QUARANTINE)) == (BODIES, [])


@pytest.mark.parametrize("length", [10, 100, 960])
def test_a_record_of_as_many_versions_as_are_moved_is_no_larger_than_an_item(length: int) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html."""
    copies = (_copy("k" * length),) * affected.most_versions("k" * length)
    record = replace(record_at(Status.REMEDIATING, finding()), copies=copies)
    record = record.with_status(Status.QUARANTINED, by=REMEDIATOR, reason="so", now=NOW)
    record = record.with_status(Status.RESTORING, by="U1", reason="so", now=NOW)
    back = (PutBack(copy="v" * 32, version_id="v" * 32, etag="e" * 38),) * len(copies)
    record = replace(record, put_back=back)
    told = tuple(map(str, back))
    record = record.with_status(Status.RESTORED, by=REMEDIATOR, reason="so", evidence=told, now=NOW)
    assert len(json.dumps(encode(record))) < 400_000


def _copy(key: str) -> QuarantinedCopy:
    return QuarantinedCopy(
        bucket="q" * 63,
        key=f"{'s' * 63}/{key}",
        version_id="v" * 32,
        source_version_id="v" * 32,
        source_etag="e" * 38,
        size=5 * 2**40,
        checksum=f"SHA256:{'c' * 44}",
        storage_class="INTELLIGENT_TIERING",
    )
