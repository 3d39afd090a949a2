"""Many write to the ledger at once, and no write is lost or made twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import boto3
import pytest

from lambdas.common import clock
from lambdas.common.ledger import store
from lambdas.common.ledger.record import (
    IllegalTransitionError,
    Record,
    RestoredObject,
    Status,
)
from lambdas.common.ledger.store import Ledger, UnknownFindingError
from lambdas.common.ledger.table import ConflictError
from tests.harness.aws import TABLE
from tests.harness.events import CLASSIFICATION_FINDINGS, finding
from tests.harness.harness import Harness
from tests.harness.strategies import record_with_status


@pytest.fixture
def ledger(harness: Harness) -> Ledger:
    """The ledger as the functions make it."""
    assert harness.is_quiet
    return Ledger(boto3.resource("dynamodb").Table(TABLE))


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[Status]:
    """The statuses of the transitions in the audit log, in order."""
    statuses: list[Status] = []
    monkeypatch.setattr(store, "log_transition", lambda record: statuses.append(record.status))
    return statuses


def new_record(status: Status = Status.AWAITING_REVIEW, **changes: Any) -> Record:
    """Return a first record."""
    return Record.create(finding(**changes), status, reason="as configured", now=clock.now())


def approval(by: str) -> Callable[[Record], Record]:
    """Return the change that an approval makes."""
    return lambda record: record.transition_to(
        Status.REMEDIATING, by=by, reason="remediate", now=clock.now()
    )


def count_versions(record: Record) -> Record:
    """Make a change that is no transition."""
    return replace(record, other_versions=(record.other_versions or 0) + 1)


@pytest.mark.parametrize("name", CLASSIFICATION_FINDINGS)
def test_a_record_is_read_as_it_was_written(ledger: Ledger, name: str) -> None:
    record = record_with_status(Status.QUARANTINED, finding(name))
    assert ledger.create(record) == record
    assert ledger.get(record.finding.id) == record


def test_a_record_is_created_once_and_the_first_one_stays(ledger: Ledger) -> None:
    first = ledger.create(new_record())
    assert ledger.create(new_record(Status.REMEDIATING)) == first
    assert ledger.get(first.finding.id) == first


def test_a_finding_without_a_record_is_unknown(ledger: Ledger) -> None:
    with pytest.raises(UnknownFindingError):
        ledger.get("unknown")
    with pytest.raises(UnknownFindingError):
        ledger.update(new_record(), lambda record: record)


def test_every_write_counts_in_the_revision(ledger: Ledger) -> None:
    record = ledger.update(ledger.create(new_record()), lambda record: record)
    assert record.revision == 1
    assert ledger.update(record, approval("U1")).revision == 2


def test_a_record_that_is_not_the_latest_is_read_again(ledger: Ledger) -> None:
    first = ledger.create(new_record())
    ledger.update(first, count_versions)
    after = ledger.update(first, approval("U1"))
    assert (after.status, after.other_versions) == (Status.REMEDIATING, 1)
    assert ledger.get(first.finding.id) == after


def test_the_latest_record_is_changed_without_another_read(
    harness: Harness, ledger: Ledger
) -> None:
    record = ledger.create(new_record())
    harness.faults.reset()
    ledger.update(record, approval("U1"))
    assert harness.faults.calls == ["PutItem"]


def test_of_many_approvals_at_once_one_is_written(ledger: Ledger) -> None:
    record = ledger.create(new_record())

    def approve(user: str) -> str | None:
        try:
            return ledger.update(record, approval(user)).decision.by
        except IllegalTransitionError:
            return None

    with ThreadPoolExecutor() as threads:
        deciders = [by for by in threads.map(approve, [f"U{n}" for n in range(6)]) if by]
    after = ledger.get(record.finding.id)
    assert deciders == [after.decision.by]
    assert len(after.history) == 2


def test_changes_at_the_same_time_are_all_made(ledger: Ledger) -> None:
    record = ledger.create(new_record())

    def add(number: int) -> None:
        restored = RestoredObject(copy_version_id=f"{number}", version_id=None, etag="e1")
        ledger.update(record, lambda latest: replace(latest, restored=(*latest.restored, restored)))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(add, range(6)))
    added = [restored.copy_version_id for restored in ledger.get(record.finding.id).restored]
    assert sorted(added) == [f"{number}" for number in range(6)]


def test_a_change_that_others_always_overtake_is_a_conflict(ledger: Ledger) -> None:
    record = ledger.create(new_record())

    def be_overtaken(latest: Record) -> Record:
        ledger.update(latest, count_versions)
        return latest

    with pytest.raises(ConflictError):
        ledger.update(record, be_overtaken)


def test_a_change_that_raises_writes_nothing(ledger: Ledger) -> None:
    before = ledger.create(new_record(Status.IGNORED))
    with pytest.raises(IllegalTransitionError):
        ledger.update(before, approval("U1"))
    assert ledger.get(before.finding.id) == before


def test_each_transition_is_logged_once(ledger: Ledger, logged: list[Status]) -> None:
    record = ledger.create(new_record())
    ledger.create(new_record())
    record = ledger.update(record, count_versions)
    ledger.update(record, approval("U1"))
    assert logged == [Status.AWAITING_REVIEW, Status.REMEDIATING]


def test_a_transition_is_logged_once_if_the_response_to_its_write_is_lost(
    harness: Harness, ledger: Ledger, logged: list[Status]
) -> None:
    harness.faults.lost_operation = "PutItem"
    record = ledger.create(new_record())
    harness.faults.lost_operation = "PutItem"
    after = ledger.update(record, approval("U1"))
    harness.faults.lost_operation = "PutItem"
    ledger.update(after, count_versions)
    assert harness.faults.lost_operation is None
    assert ledger.get(record.finding.id) == replace(after, revision=2, other_versions=1)
    assert logged == [Status.AWAITING_REVIEW, Status.REMEDIATING]


def test_a_lost_response_is_found_in_the_ledger_after_others_wrote(
    harness: Harness, ledger: Ledger, logged: list[Status]
) -> None:
    record = ledger.create(new_record())

    def write_in_between(**_: Any) -> None:
        harness.unregister("needs-retry.dynamodb.PutItem", write_in_between)
        harness.ledger.update(harness.ledger.get(record.finding.id), count_versions)

    harness.register("needs-retry.dynamodb.PutItem", write_in_between)
    harness.faults.lost_operation = "PutItem"
    after = ledger.update(record, approval("U1"))
    assert after == ledger.get(record.finding.id)
    assert (after.status, after.other_versions, after.revision) == (Status.REMEDIATING, 1, 2)
    assert logged == [Status.AWAITING_REVIEW, Status.REMEDIATING]
