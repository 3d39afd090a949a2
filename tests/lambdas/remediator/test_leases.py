"""One invocation works on a key at a time, and a crash frees the key."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lambdas.common import clock
from lambdas.common.ledger.record import Record, Status
from lambdas.common.ledger.table import ConflictError
from lambdas.remediator.leases import acquire_lease, release_lease
from lambdas.remediator.same_object import findings_on_same_object
from tests.harness.events import finding
from tests.harness.harness import Harness

MINUTE = timedelta(minutes=1)


def create_record(harness: Harness, finding_id: str = "first") -> Record:
    """Create the record of a finding on one and the same object."""
    return harness.create_record(finding(id=finding_id), Status.REMEDIATING)


def test_a_key_is_leased_to_a_single_holder_who_gets_it_again(harness: Harness) -> None:
    record, now = create_record(harness), clock.now()
    until = now + MINUTE
    assert acquire_lease(harness.table, record, holder="first", now=now, until=until)
    assert acquire_lease(harness.table, record, holder="first", now=now, until=until)
    assert not acquire_lease(harness.table, record, holder="second", now=now, until=until)


def test_another_finding_on_the_key_waits(harness: Harness) -> None:
    record, now = create_record(harness), clock.now()
    other, until = create_record(harness, "other"), now + MINUTE
    assert acquire_lease(harness.table, record, holder="first", now=now, until=until)
    with pytest.raises(ConflictError):
        acquire_lease(harness.table, other, holder="second", now=now, until=until)


def test_a_lease_ends_by_itself_or_when_its_holder_releases_it(harness: Harness) -> None:
    table, record, now = harness.table, create_record(harness), clock.now()
    assert acquire_lease(table, record, holder="first", now=now, until=now + MINUTE)
    later = now + 2 * MINUTE
    assert acquire_lease(table, record, holder="second", now=later, until=later + MINUTE)
    release_lease(table, record, holder="first")
    assert not acquire_lease(table, record, holder="third", now=later, until=later + MINUTE)
    release_lease(table, record, holder="second")
    assert acquire_lease(table, record, holder="third", now=later, until=later + MINUTE)


def test_a_lease_is_not_a_record(harness: Harness) -> None:
    record, now = create_record(harness), clock.now()
    acquire_lease(harness.table, record, holder="first", now=now, until=now + MINUTE)
    other = replace(record.finding, id="other")
    assert list(findings_on_same_object(harness.ledger, other)) == [record]
