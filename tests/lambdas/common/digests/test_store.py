"""A digest is written by many at once, and no bulk action is lost or written twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import boto3
import pytest

from lambdas.common import clock
from lambdas.common.digests.digest import BulkAction, Digest
from lambdas.common.digests.store import DigestStore, UnknownDigestError
from lambdas.common.ledger.record import Status
from tests.harness.aws import TABLE
from tests.harness.events import finding
from tests.harness.harness import Harness
from tests.harness.strategies import record_with_status

RECORD = replace(record_with_status(Status.AWAITING_REVIEW, finding()), digest_id="digest#1")


@pytest.fixture
def digests(harness: Harness) -> DigestStore:
    """The digests as the functions make them, with one digest."""
    assert harness.is_quiet
    digests = DigestStore(boto3.resource("dynamodb").Table(TABLE))
    digests.mark_changed(RECORD, now=clock.now())
    return digests


def action(name: str = "dismiss_all") -> BulkAction:
    """Return a bulk action."""
    now = clock.now()
    return BulkAction(action=name, by="U1", at=now, reason="why", seen_count=3, seen_until=now)


def add(digest: Digest, bulk_action: BulkAction) -> Digest:
    """Return the digest with another bulk action."""
    return replace(digest, bulk_actions=(*digest.bulk_actions, bulk_action))


def test_a_bulk_action_is_written_once_if_the_response_is_lost(
    harness: Harness, digests: DigestStore
) -> None:
    bulk_action = action()
    harness.faults.lost_operation = "UpdateItem"
    digest = digests.update("digest#1", lambda latest: add(latest, bulk_action))
    assert harness.faults.lost_operation is None
    assert digest.bulk_actions == (bulk_action,)
    assert digests.get("digest#1") == digest


def test_changes_at_the_same_time_are_all_made(digests: DigestStore) -> None:
    def add_number(number: int) -> None:
        digests.update("digest#1", lambda latest: add(latest, action(f"{number}")))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(add_number, range(6)))
    names = [bulk_action.action for bulk_action in digests.get("digest#1").bulk_actions]
    assert sorted(names) == [f"{number}" for number in range(6)]


def test_a_changed_finding_does_not_undo_what_is_written_at_the_same_time(
    digests: DigestStore,
) -> None:
    def change(latest: Digest) -> Digest:
        digests.mark_changed(RECORD, now=clock.now())
        return add(latest, action())

    assert len(digests.update("digest#1", change).bulk_actions) == 1
    digest = digests.get("digest#1")
    assert (len(digest.bulk_actions), digest.changes) == (1, 2)


def test_a_digest_without_findings_is_unknown(digests: DigestStore) -> None:
    with pytest.raises(UnknownDigestError):
        digests.get("digest#2")


def test_a_record_without_a_digest_marks_none(harness: Harness) -> None:
    harness.faults.reset()
    harness.digests.mark_changed(replace(RECORD, digest_id=None), now=clock.now())
    assert harness.table.scan()["Items"] == []
