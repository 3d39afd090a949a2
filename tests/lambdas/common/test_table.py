"""The table's transactions, as DynamoDB cancels them where many write at once."""

from typing import Any

import pytest

from lambdas.common.aws import AwsError
from lambdas.common.errors import BusyError
from lambdas.common.table import Table, put

WRITES = tuple(put({"id": name}, only_if="attribute_not_exists(id)") for name in ("f1", "hour"))
PASSING = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")


class DynamoDB:
    """Cancels as many transactions as it is told, for what it is told."""

    def __init__(self, *codes: str, times: int) -> None:
        self.codes, self.times, self.asked = codes, times, 0

    def __call__(self, _: str, **__: Any) -> dict[str, Any]:
        """Answer an operation."""
        self.asked += 1
        if self.asked > self.times:
            return {}
        reasons = [{"Code": code} for code in self.codes]
        raise AwsError("TransactionCanceledException", {"CancellationReasons": reasons})


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, in seconds."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


@pytest.mark.parametrize("code", PASSING)
def test_a_transaction_that_others_are_in_the_way_of_is_made_a_moment_later(
    waits: list[float], code: str
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""
    dynamodb = DynamoDB("None", code, times=4)
    assert Table(dynamodb, "ledger").write(*WRITES) == frozenset()
    assert dynamodb.asked == 5
    assert len([seconds for seconds in waits if seconds > 0]) == 4
    assert sum(waits) < 5


def test_others_that_stay_in_the_way_are_called_so(waits: list[float]) -> None:
    with pytest.raises(BusyError):
        Table(DynamoDB("None", "TransactionConflict", times=100), "ledger").write(*WRITES)
    assert sum(waits) < 10


def test_a_condition_that_does_not_hold_is_answered_though_others_are_in_the_way(
    waits: list[float],
) -> None:
    dynamodb = DynamoDB("ConditionalCheckFailed", "TransactionConflict", times=1)
    assert Table(dynamodb, "ledger").write(*WRITES) == {0}
    assert waits == []


def test_what_does_not_pass_is_raised(waits: list[float]) -> None:
    with pytest.raises(AwsError):
        Table(DynamoDB("None", "ValidationError", times=1), "ledger").write(*WRITES)
    assert waits == []
