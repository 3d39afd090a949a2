"""A record that is about anything but the object of its finding has nothing moved or deleted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common.finding import Finding
from lambdas.common.ledger.record import (
    CopyAttempt,
    QuarantinedCopy,
    Record,
    RestoredObject,
    Status,
)
from lambdas.common.ledger.store import object_id
from lambdas.remediator.rules import (
    InconsistentRecordError,
    check_consistency,
    quarantine_key,
)
from tests.harness.aws import ACCOUNT, CARD, KEY, QUARANTINE, SOURCE
from tests.harness.events import finding_on
from tests.harness.harness import Harness, start_harness
from tests.harness.strategies import record_with_status

FINDING = finding_on(etag="e" * 32, size=10, version_id="v1")
UNPINNED = replace(FINDING, object=replace(FINDING.object, version_id=None))
REFUSED = "The ledger's record does not match the finding"


def copy_of(found: Finding, **changes: Any) -> QuarantinedCopy:
    """Return the copy that the remediator makes of the object of a finding."""
    plain = QuarantinedCopy(
        bucket=QUARANTINE,
        key=quarantine_key(found),
        version_id="q1",
        source_version_id=found.object.version_id,
        source_etag=found.object.etag,
        size=10,
        checksum=None,
        storage_class="STANDARD",
    )
    return replace(plain, **changes)


def record_of(found: Finding, *copies: QuarantinedCopy, **changes: Any) -> Record:
    """Return the record of a finding whose object is being restored."""
    return replace(record_with_status(Status.RESTORING, found), copies=copies, **changes)


def is_consistent(record: Record, *, is_every_version: bool = False) -> bool:
    """Return whether the remediator acts on the record."""
    try:
        check_consistency(record, quarantine_bucket=QUARANTINE, is_every_version=is_every_version)
    except InconsistentRecordError:
        return False
    return True


HONEST = copy_of(FINDING)
OTHER_VERSION = copy_of(FINDING, version_id="q2", source_version_id="v2", source_etag="f" * 32)
RESTORED = RestoredObject(copy_version_id="q1", version_id="v9", etag="e" * 32)
ATTEMPT = CopyAttempt(source="q1", replaced="")
CONSISTENT = {
    "without a copy": record_of(FINDING),
    "with its copy": record_of(FINDING, HONEST),
    "of a finding without a version": record_of(UNPINNED, HONEST),
    "half restored": record_of(FINDING, HONEST, restored=(RESTORED,), attempt=ATTEMPT),
    "whose copies are deleted": record_of(FINDING, restored=(RESTORED,)),
}
FORGED = {
    "a copy in another bucket": record_of(FINDING, copy_of(FINDING, bucket=SOURCE)),
    "a copy of another key": record_of(FINDING, copy_of(FINDING, key=f"{ACCOUNT}/{SOURCE}/x")),
    "a copy under the old key": record_of(FINDING, copy_of(FINDING, key=f"{SOURCE}/{KEY}")),
    "another account": record_of(replace(FINDING, account="999999999999"), HONEST),
    "another bucket": record_of(
        replace(FINDING, object=replace(FINDING.object, bucket="acme-other")), HONEST
    ),
    "another ETag": record_of(FINDING, copy_of(FINDING, source_etag="f" * 32)),
    "another version": record_of(FINDING, copy_of(FINDING, source_version_id="v2")),
    "another ETag without versions": record_of(UNPINNED, copy_of(UNPINNED, source_etag="f" * 32)),
    "two copies of one version": record_of(FINDING, HONEST, HONEST),
    "a copy without a version": record_of(FINDING, copy_of(FINDING, version_id="")),
    "another copy that was restored": record_of(
        FINDING, HONEST, restored=(replace(RESTORED, copy_version_id="q9"),)
    ),
    "another copy that is being restored": record_of(
        FINDING, HONEST, attempt=replace(ATTEMPT, source="q9")
    ),
    "an object in quarantine": record_of(
        replace(FINDING, object=replace(FINDING.object, bucket=QUARANTINE))
    ),
}


@pytest.mark.parametrize("record", CONSISTENT.values(), ids=CONSISTENT)
@pytest.mark.parametrize("is_every_version", [False, True])
def test_what_the_remediator_writes_is_consistent(
    record: Record, *, is_every_version: bool
) -> None:
    assert is_consistent(record, is_every_version=is_every_version)


@pytest.mark.parametrize("record", FORGED.values(), ids=FORGED)
def test_a_record_about_anything_else_is_not(record: Record) -> None:
    assert not is_consistent(record)


def test_other_versions_are_consistent_only_where_every_version_is_moved() -> None:
    record = record_of(FINDING, HONEST, OTHER_VERSION)
    assert is_consistent(record, is_every_version=True)
    assert not is_consistent(record)
    same_version = replace(OTHER_VERSION, source_version_id="v1")
    forged = record_of(FINDING, HONEST, same_version)
    assert not is_consistent(forged, is_every_version=True)


def test_people_read_that_nothing_was_moved_and_an_alarm_is_raised(
    versioned_harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    harness = versioned_harness
    first = harness.quarantine(harness.put_object(key="payroll.csv"))
    second = harness.put_object()
    harness.create_record(second, Status.REMEDIATING)
    harness.ledger.update(
        harness.record(second), lambda record: replace(record, copies=first.copies)
    )
    harness.strict_s3.requests.clear()
    harness.remediate(second)
    record = harness.record(second)
    assert record.status is Status.FAILED
    assert "Nothing was moved. See InconsistentRecords" in record.latest_transition.advice
    assert '"InconsistentRecords":[1.0]' in capsys.readouterr().out
    assert harness.strict_s3.requests == []
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([CARD], [CARD])


def test_the_copies_of_another_record_are_not_taken_over_unless_they_are_of_the_object(
    versioned_harness: Harness,
) -> None:
    harness = versioned_harness
    evidence = harness.quarantine(harness.put_object(key="payroll.csv"))
    found = harness.put_object()
    harness.s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=found.object.version_id)
    forged = replace(record_with_status(Status.QUARANTINED, found), copies=evidence.copies)
    forged = replace(forged, finding=replace(found, id="forged"))
    harness.ledger.create(forged)
    assert object_id(forged.finding) == object_id(found)
    record = harness.quarantine(found)
    assert record.status is Status.FAILED
    assert REFUSED in record.latest_transition.reason
    assert record.copies == ()


def test_the_record_of_another_finding_in_the_place_of_a_record_is_not_acted_on(
    versioned_harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    harness = versioned_harness
    found = harness.put_object()
    harness.create_record(found)
    item = harness.table.get_item(Key={"id": found.id})["Item"]
    harness.table.put_item(Item=item | {"id": "another"})
    with pytest.raises(InconsistentRecordError):
        harness.remediate(replace(found, id="another"))
    assert harness.strict_s3.requests == []
    assert harness.record(found).status is Status.REMEDIATING
    assert "InconsistentRecords" in capsys.readouterr().out


def test_a_forged_record_of_a_restore_has_no_evidence_deleted() -> None:
    """It says that the copies of another object are due to be deleted."""
    with start_harness(versioning="Enabled", restored_copy_days=7) as harness:
        evidence = harness.quarantine(harness.put_object(key="payroll.csv"))
        found = harness.put_object()
        restored = RestoredObject(
            copy_version_id=evidence.copies[0].version_id, version_id=None, etag="e" * 32
        )
        forged = replace(
            record_with_status(Status.RESTORED, found),
            copies=evidence.copies,
            restored=(restored,),
            check_at=harness.clock.now(),
        )
        harness.ledger.create(forged)
        harness.clock.ahead = timedelta(days=365)
        harness.strict_s3.requests.clear()
        harness.remediate(found)
        assert harness.strict_s3.requests == []
        assert harness.bodies(QUARANTINE) == [CARD]
        assert harness.record(found).check_at is None


def test_what_a_forged_record_says_was_restored_does_not_have_the_evidence_deleted(
    versioned_harness: Harness,
) -> None:
    """It names an innocent object of the same name as what the restore put back."""
    harness = versioned_harness
    found = harness.put_object()
    (copy,) = harness.quarantine(found).copies
    innocent = harness.put_object(b"innocent").object
    restored = RestoredObject(
        copy_version_id=copy.version_id, version_id=innocent.version_id, etag=innocent.etag
    )
    harness.decide(found, Status.RESTORING)
    harness.ledger.update(harness.record(found), lambda it: replace(it, restored=(restored,)))
    harness.remediate(found)
    assert harness.record(found).status is Status.FAILED
    assert (harness.bodies(SOURCE), harness.bodies(QUARANTINE)) == ([b"innocent"], [CARD])
