"""What stops an automatic remediation is read as a whole, and written with the record."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from lambdas.common import clock
from lambdas.common.ledger.brakes import (
    AutomaticLimits,
    AutomaticRefusedError,
    LimitReachedError,
    RestoredObjectError,
)
from lambdas.common.ledger.record import Record, Status
from lambdas.common.ledger.store import Ledger, restored_id
from lambdas.common.ledger.table import ConflictError
from tests.harness.aws import TABLE, response
from tests.harness.events import finding
from tests.harness.harness import Harness

BOTH = AutomaticLimits(total=3, per_bucket=2)


def ledger(limits: AutomaticLimits = BOTH) -> Ledger:
    """Return the ledger as the finding handler makes it."""
    return Ledger(boto3.resource("dynamodb").Table(TABLE), limits=limits)


def automatic(number: int, status: Status = Status.REMEDIATING) -> Record:
    """Return the first record of a finding."""
    return Record.create(
        finding(id=f"finding-{number}"), status, reason="as configured", now=clock.now()
    )


@pytest.mark.usefixtures("harness")
def test_the_smaller_limit_of_a_bucket_is_reached_first() -> None:
    for number in range(2):
        ledger().create(automatic(number))
    with pytest.raises(LimitReachedError, match="in this bucket"):
        ledger().create(automatic(2))


def test_what_is_refused_is_not_counted(harness: Harness) -> None:
    for number in range(5):
        with contextlib.suppress(LimitReachedError):
            ledger(AutomaticLimits(total=5, per_bucket=2)).create(automatic(number))
    (item,) = (item for item in harness.table.scan()["Items"] if item["id"] == "limit#all")
    assert item["counted"] == 2


@pytest.mark.usefixtures("harness")
def test_a_record_that_waits_is_counted_when_the_policy_has_it_moved() -> None:
    records = [ledger().create(automatic(number, Status.AWAITING_REVIEW)) for number in range(3)]

    def approve(record: Record) -> Record:
        return record.transition_to(
            Status.REMEDIATING, by="remediation policy", reason="AUTO", now=clock.now()
        )

    for record in records[:2]:
        ledger().update(record, approve)
    with pytest.raises(LimitReachedError):
        ledger().update(records[2], approve)
    assert ledger().get("finding-2") == records[2]


@pytest.mark.usefixtures("harness")
def test_a_person_is_not_limited() -> None:
    for number in range(4):
        record = ledger().create(automatic(number, Status.AWAITING_REVIEW))
        after = ledger().update(
            record,
            lambda latest: latest.transition_to(
                Status.REMEDIATING, by="U1", reason="clicked", now=clock.now()
            ),
        )
        assert after.status is Status.REMEDIATING


@pytest.mark.usefixtures("harness")
def test_of_many_at_once_no_more_than_the_limit_are_recorded() -> None:
    limits = AutomaticLimits(total=3, per_bucket=9)

    def create(number: int) -> bool:
        try:
            ledger(limits).create(automatic(number))
        except (AutomaticRefusedError, ConflictError):
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert 1 <= sum(threads.map(create, range(16))) <= 3


def test_the_item_of_a_restored_object_is_read_until_dynamodb_returns_it(harness: Harness) -> None:
    """DynamoDB may leave keys out of a response, and name them as unprocessed."""
    affected, account = finding().object, finding().account
    item_id = restored_id(account, affected.bucket, affected.key, affected.etag)
    harness.table.put_item(Item={"id": item_id, "finding_id": "f"})

    def leave_out(params: Any, **_: Any) -> Any:
        harness.unregister("before-call.dynamodb.BatchGetItem", leave_out)
        unprocessed = {TABLE: {"Keys": [{"id": {"S": item_id}}], "ConsistentRead": True}}
        assert item_id in str(params["body"])
        return response({"Responses": {}, "UnprocessedKeys": unprocessed})

    harness.register("before-call.dynamodb.BatchGetItem", leave_out)
    with pytest.raises(RestoredObjectError):
        ledger().create(automatic(1))


def test_counters_that_dynamodb_does_not_return_are_a_conflict(harness: Harness) -> None:
    def leave_out(**_: Any) -> Any:
        unprocessed = {TABLE: {"Keys": [{"id": {"S": "limit#all"}}]}}
        return response({"Responses": {}, "UnprocessedKeys": unprocessed})

    harness.register("before-call.dynamodb.BatchGetItem", leave_out)
    with pytest.raises(ConflictError):
        ledger().create(automatic(1))
