"""What the ledger is told comes back from it, as it was."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given

from lambdas.common.codec import decode, encode
from lambdas.common.finding import Severity
from lambdas.common.record import Entry, Record, Status
from tests.lambdas.strategies import records


@given(record=records())
def test_every_record_comes_back_from_json(record: Record) -> None:
    assert decode(Record, json.loads(json.dumps(encode(record)))) == record


@given(record=records())
def test_every_record_comes_back_from_dynamodb(record: Record) -> None:
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


def test_a_record_of_an_earlier_release_takes_the_defaults_of_what_it_does_not_know() -> None:
    assert decode(Release2, encode(Release1(name="one"))) == Release2(name="one")


def test_a_record_of_a_later_release_is_read_without_what_is_not_known_yet() -> None:
    later = encode(Release2(name="one", notes=("a",), count=3))
    assert decode(Release1, later) == Release1(name="one")


def test_what_is_encoded_can_be_read_by_people() -> None:
    entry = Entry(
        at=datetime(2026, 11, 20, 22, 22, 5, tzinfo=UTC),
        status=Status.QUARANTINED,
        by="U1",
        reason="why",
    )
    plain: dict[str, Any] = encode(entry)
    assert plain["at"] == "2026-11-20T22:22:05+00:00"
    assert plain["status"] == "QUARANTINED"
    assert encode(Severity.HIGH) == 3


def test_a_number_comes_back_from_dynamodb_as_an_integer() -> None:
    read = decode(int, Decimal(50_000_000_000_000))
    assert read == 50_000_000_000_000
    assert type(read) is int
    assert decode(Severity | None, Decimal(3)) is Severity.HIGH
