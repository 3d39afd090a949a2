"""Transactions on the ledger's table, as DynamoDB cancels them where many write at once."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lambdas.common.ledger.table import ConflictError, delete, get_item, put, update, write
from tests.harness.aws import TABLE, error_response
from tests.harness.harness import Harness

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

WRITES = tuple(put({"id": name}, only_if="attribute_not_exists(id)") for name in ("f1", "hour"))
TRANSIENT_CODES = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")


@pytest.fixture
def table(harness: Harness) -> "Table":
    """The ledger's table as the functions make it."""
    assert harness.is_quiet
    table: Table = boto3.resource("dynamodb").Table(TABLE)
    return table


@pytest.fixture
def cancel(harness: Harness) -> Callable[..., list[str]]:
    """Cancel the next transactions; return a list that counts the requests."""

    def cancel(*codes: str, times: int) -> list[str]:
        requests: list[str] = []

        def respond(model: Any, **_: Any) -> Any:
            requests.append(model.name)
            if len(requests) > times:
                return None
            status, parsed = error_response(400, "TransactionCanceledException")
            return status, parsed | {"CancellationReasons": [{"Code": code} for code in codes]}

        harness.register("before-call.dynamodb.TransactWriteItems", respond)
        return requests

    return cancel


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of the function, in seconds."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


@pytest.mark.parametrize("code", TRANSIENT_CODES)
def test_a_transaction_that_others_hinder_is_made_a_moment_later(
    table: "Table", cancel: Callable[..., list[str]], pauses: list[float], code: str
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""
    requests = cancel("None", code, times=4)
    assert write(table, *WRITES) == frozenset()
    assert len(requests) == 5
    assert len([seconds for seconds in pauses if seconds > 0]) == 4
    assert sum(pauses) < 5
    assert get_item(table, "f1") == {"id": "f1"}


def test_a_transaction_that_others_always_hinder_is_a_conflict(
    table: "Table", cancel: Callable[..., list[str]], pauses: list[float]
) -> None:
    cancel("None", "TransactionConflict", times=100)
    with pytest.raises(ConflictError):
        write(table, *WRITES)
    assert sum(pauses) < 10


def test_a_condition_that_does_not_hold_counts_though_others_hinder_too(
    table: "Table", cancel: Callable[..., list[str]], pauses: list[float]
) -> None:
    cancel("ConditionalCheckFailed", "TransactionConflict", times=1)
    assert write(table, *WRITES) == {0}
    assert pauses == []


def test_any_other_reason_is_an_error(
    table: "Table", cancel: Callable[..., list[str]], pauses: list[float]
) -> None:
    cancel("None", "ValidationError", times=1)
    with pytest.raises(ClientError):
        write(table, *WRITES)
    assert pauses == []


def test_all_writes_of_a_transaction_are_made_or_none(table: "Table") -> None:
    write(table, put({"id": "hour"}, only_if="attribute_not_exists(id)"))
    assert write(table, *WRITES) == {1}
    assert get_item(table, "f1") == {}


def test_a_single_write_has_a_condition_too(table: "Table") -> None:
    assert write(table, update("hour", "ADD automatic :one", one=1)) == frozenset()
    refused = delete("hour", only_if="automatic = :expected", expected=2)
    assert write(table, refused) == {0}
    assert get_item(table, "hour") == {"id": "hour", "automatic": 1}
    assert write(table, delete("hour", only_if="automatic = :expected", expected=1)) == frozenset()
    assert get_item(table, "hour") == {}
