"""One invocation works on a key at a time, and a crash frees it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lambdas.common import clock
from lambdas.common.errors import BusyError
from lambdas.common.ledger import Ledger
from lambdas.common.record import Record, Status
from lambdas.common.table import Table
from lambdas.remediator.claims import Claims
from tests.lambdas.botocore_calls import through
from tests.lambdas.deployment import TABLE, Deployment, plain
from tests.lambdas.events import finding

MINUTE = timedelta(minutes=1)


@pytest.fixture
def claims(here: Deployment) -> Claims:
    """Claims in the deployment's table."""
    assert here.is_quiet
    return Claims(Table(through(plain("dynamodb")), TABLE))


@pytest.fixture
def ledger(here: Deployment) -> Ledger:
    """The deployment's ledger."""
    return here.ledger


def opened(finding_id: str = "one") -> Record:
    """Make a first record."""
    on = finding(id=finding_id)
    return Record.opened(on, Status.REMEDIATING, reason="as configured", now=clock.now())


def test_a_key_is_claimed_by_one_and_again_by_the_same(ledger: Ledger, claims: Claims) -> None:
    record, now = ledger.open(opened()), clock.now()
    assert claims.take(record, holder="one", now=now, until=now + MINUTE)
    assert claims.take(record, holder="one", now=now, until=now + MINUTE)
    assert not claims.take(record, holder="two", now=now, until=now + MINUTE)


def test_another_finding_on_the_key_waits(ledger: Ledger, claims: Claims) -> None:
    record, now = ledger.open(opened()), clock.now()
    other = ledger.open(opened("other"))
    assert claims.take(record, holder="one", now=now, until=now + MINUTE)
    with pytest.raises(BusyError):
        claims.take(other, holder="two", now=now, until=now + MINUTE)


def test_a_claim_ends_by_itself_or_when_its_holder_gives_it_back(
    ledger: Ledger, claims: Claims
) -> None:
    record, now = ledger.open(opened()), clock.now()
    assert claims.take(record, holder="one", now=now, until=now + MINUTE)
    later = now + 2 * MINUTE
    assert claims.take(record, holder="two", now=later, until=later + MINUTE)
    claims.release(record, holder="one")
    assert not claims.take(record, holder="three", now=later, until=later + MINUTE)
    claims.release(record, holder="two")
    assert claims.take(record, holder="three", now=later, until=later + MINUTE)


def test_a_claim_is_no_record(ledger: Ledger, claims: Claims) -> None:
    record, now = ledger.open(opened()), clock.now()
    claims.take(record, holder="one", now=now, until=now + MINUTE)
    assert list(ledger.on_same_object(replace(record.finding, id="other"))) == [record]
