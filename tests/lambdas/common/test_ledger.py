"""The ledger is written by many at once, and nobody's write is lost or made twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.common import clock
from lambdas.common.aws import Call
from lambdas.common.digest import Order
from lambdas.common.digests import Digests
from lambdas.common.errors import BusyError
from lambdas.common.ledger import Ledger, UnknownFindingError
from lambdas.common.record import IllegalTransitionError, PutBack, Record, Status
from lambdas.common.table import Table
from tests.lambdas.botocore_calls import through
from tests.lambdas.deployment import TABLE, Deployment, plain
from tests.lambdas.events import CLASSIFICATION, finding
from tests.lambdas.strategies import record_at

MINUTE = timedelta(minutes=1)


@pytest.fixture
def witnessed() -> list[Record]:
    """What the ledger's witness saw."""
    return []


@pytest.fixture
def ledger(here: Deployment, witnessed: list[Record]) -> Ledger:
    """A ledger on the deployment's table."""
    assert here.is_quiet
    return Ledger(Table(through(plain("dynamodb")), TABLE), witnessed.append)


def opened(status: Status = Status.AWAITING_REVIEW, **changes: Any) -> Record:
    """Make a first record."""
    return Record.opened(finding(**changes), status, reason="as configured", now=clock.now())


def approved(by: str) -> Any:
    """Make the step of an approval."""
    return lambda record: record.with_status(
        Status.REMEDIATING, by=by, reason="remediate", now=clock.now()
    )


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_a_record_is_read_as_it_was_written(ledger: Ledger, name: str) -> None:
    record = record_at(Status.QUARANTINED, finding(name))
    assert ledger.open(record) == record
    assert ledger.get(record.finding.id) == record


def test_a_finding_is_opened_once_and_the_first_record_stays(ledger: Ledger) -> None:
    first = ledger.open(opened())
    assert ledger.open(opened(Status.REMEDIATING)) == first
    assert ledger.get(first.finding.id) == first


def test_an_unknown_finding_is_called_so(ledger: Ledger) -> None:
    with pytest.raises(UnknownFindingError):
        ledger.get("unheard-of")
    with pytest.raises(UnknownFindingError):
        ledger.change("unheard-of", lambda record: record)


def test_every_write_counts_in_the_revision(ledger: Ledger) -> None:
    finding_id = ledger.open(opened()).finding.id
    assert ledger.change(finding_id, lambda record: record).revision == 1
    assert ledger.change(finding_id, approved("U1")).revision == 2


def test_of_many_approvals_at_once_one_is_written(ledger: Ledger) -> None:
    finding_id = ledger.open(opened()).finding.id

    def approve(user: str) -> str | None:
        try:
            return ledger.change(finding_id, approved(user)).decision.by
        except IllegalTransitionError:
            return None

    with ThreadPoolExecutor() as threads:
        deciders = [by for by in threads.map(approve, [f"U{n}" for n in range(6)]) if by]
    assert deciders == [ledger.get(finding_id).decision.by]
    assert len(ledger.get(finding_id).history) == 2


def test_changes_at_the_same_time_are_all_made(ledger: Ledger) -> None:
    finding_id = ledger.open(opened()).finding.id

    def add(number: int) -> None:
        one = PutBack(copy=f"{number}", version_id=None, etag="e1")
        ledger.change(finding_id, lambda record: replace(record, put_back=(*record.put_back, one)))

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(add, range(6)))
    added = [one.copy for one in ledger.get(finding_id).put_back]
    assert sorted(added) == [f"{number}" for number in range(6)]


def test_who_never_gets_through_is_told_to_come_again(ledger: Ledger) -> None:
    finding_id = ledger.open(opened()).finding.id

    def overtaken(record: Record) -> Record:
        other = Ledger(Table(through(plain("dynamodb")), TABLE), lambda _: None)
        other.change(
            finding_id,
            lambda latest: replace(latest, other_versions=(latest.other_versions or 0) + 1),
        )
        return record

    with pytest.raises(BusyError):
        ledger.change(finding_id, overtaken)


def test_a_change_that_raises_writes_nothing(ledger: Ledger) -> None:
    before = ledger.open(opened(Status.IGNORED))
    with pytest.raises(IllegalTransitionError):
        ledger.change(before.finding.id, approved("U1"))
    assert ledger.get(before.finding.id) == before


def test_the_witness_sees_each_step_once(ledger: Ledger, witnessed: list[Record]) -> None:
    finding_id = ledger.open(opened()).finding.id
    ledger.open(opened())
    ledger.change(finding_id, lambda record: replace(record, other_versions=2))
    ledger.change(finding_id, approved("U1"))
    assert [record.status for record in witnessed] == [Status.AWAITING_REVIEW, Status.REMEDIATING]


def twice(call: Call) -> Call:
    """Ask for each write twice, as one does whose first answer got lost."""

    def asked(operation: str, **request: Any) -> dict[str, Any]:
        if operation in {"PutItem", "UpdateItem"}:
            call(operation, **request)
        return call(operation, **request)

    return asked


def test_an_order_whose_answer_got_lost_is_written_once(here: Deployment) -> None:
    record = replace(here.ledger.open(opened()), digest="digest#1")
    here.digests.mark(record, now=clock.now())
    order = Order(action="dismiss_all", by="U1", at=clock.now(), reason="so")
    digests = Digests(Table(twice(through(plain("dynamodb"))), TABLE))
    ordered = digests.change(
        "digest#1", lambda digest: replace(digest, orders=(*digest.orders, order))
    )
    assert ordered.orders == (order,)
    assert here.digests.get("digest#1") == ordered


@pytest.fixture
def losing(witnessed: list[Record]) -> Ledger:
    """A ledger to which the answer of each write gets lost, so that it is asked for again."""
    plainly = through(plain("dynamodb"))

    def call(operation: str, **request: Any) -> dict[str, Any]:
        if operation == "PutItem":
            plainly(operation, **request)
        return plainly(operation, **request)

    return Ledger(Table(call, TABLE), witnessed.append)


def test_the_witness_sees_a_step_though_the_answer_to_its_write_got_lost(
    here: Deployment, losing: Ledger, witnessed: list[Record]
) -> None:
    assert here.is_quiet
    record = losing.open(opened())
    assert losing.open(opened()) == record
    after = losing.change(record.finding.id, approved("U1"))
    losing.change(record.finding.id, lambda record: replace(record, other_versions=2))
    assert here.ledger.get(record.finding.id) == replace(after, revision=2, other_versions=2)
    assert [record.status for record in witnessed] == [Status.AWAITING_REVIEW, Status.REMEDIATING]


def test_a_step_whose_answer_got_lost_is_not_made_again_though_others_wrote_since(
    ledger: Ledger, witnessed: list[Record]
) -> None:
    finding_id = ledger.open(opened()).finding.id
    plainly = through(plain("dynamodb"))

    def call(operation: str, **request: Any) -> dict[str, Any]:
        if operation == "PutItem":
            plainly(operation, **request)
            ledger.change(finding_id, lambda record: replace(record, other_versions=2))
        return plainly(operation, **request)

    after = Ledger(Table(call, TABLE), witnessed.append).change(finding_id, approved("U1"))
    assert after == ledger.get(finding_id)
    assert (after.status, after.other_versions, after.revision) == (Status.REMEDIATING, 2, 2)
    assert [record.status for record in witnessed] == [Status.AWAITING_REVIEW, Status.REMEDIATING]


def test_findings_on_the_same_object_are_found_without_the_one_that_asks(ledger: Ledger) -> None:
    one, other = ledger.open(opened(id="one")), ledger.open(opened(id="other"))
    ledger.open(record_at(Status.IGNORED, finding("sample-financial.json")))
    assert list(ledger.on_same_object(one.finding)) == [other]
