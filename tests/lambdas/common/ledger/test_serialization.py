"""A record is read from the ledger as it was written."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given

from lambdas.common.finding import Severity
from lambdas.common.ledger.record import Record, Status, Transition
from lambdas.common.ledger.serialization import decode, encode
from tests.harness.strategies import records


@given(record=records())
def test_every_record_can_be_read_from_json(record: Record) -> None:
    assert decode(Record, json.loads(json.dumps(encode(record)))) == record


@given(record=records())
def test_every_record_can_be_read_from_dynamodb(record: Record) -> None:
    stored = TypeSerializer().serialize(encode(record))
    assert decode(Record, TypeDeserializer().deserialize(stored)) == record


@dataclass(frozen=True, kw_only=True)
class Release1:
    """A record of an earlier release."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Release2:
    """The same record, later."""

    name: str
    notes: tuple[str, ...] = ()
    count: int | None = None


def test_a_field_that_an_earlier_release_did_not_write_has_its_default() -> None:
    assert decode(Release2, encode(Release1(name="first"))) == Release2(name="first")


def test_a_field_of_a_later_release_is_ignored() -> None:
    later = encode(Release2(name="first", notes=("a",), count=3))
    assert decode(Release1, later) == Release1(name="first")


def test_times_and_statuses_are_encoded_as_people_read_them() -> None:
    transition = Transition(
        at=datetime(2026, 11, 20, 22, 22, 5, tzinfo=UTC),
        status=Status.QUARANTINED,
        by="U1",
        reason="why",
    )
    plain: dict[str, Any] = encode(transition)
    assert plain["at"] == "2026-11-20T22:22:05+00:00"
    assert plain["status"] == "QUARANTINED"
    assert encode(Severity.HIGH) == 3


def test_a_number_from_dynamodb_is_an_integer() -> None:
    number = decode(int, Decimal(50_000_000_000_000))
    assert number == 50_000_000_000_000
    assert type(number) is int
    assert decode(Severity | None, Decimal(3)) is Severity.HIGH
