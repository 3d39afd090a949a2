"""The ledger's table: items as plain values, conditional writes that tell which was refused."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lambdas.common.aws import AwsError, Call
from lambdas.common.errors import BusyError

_MOST_TRIES = 8
_PASSING = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"})
"""Why a transaction is canceled that can be done a moment later.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

Write = Mapping[str, Any]
"""What `put`, `update` and `delete` make, for `Table.write`."""


def put(item: Mapping[str, Any], *, only_if: str, **values: Any) -> Write:
    """Put `item`, on the condition `only_if`, in which `:name` is the value `name`."""
    return {"Put": {"Item": _typed(item), **_condition(only_if, values)}}


def update(item_id: str, expression: str, *, only_if: str | None = None, **values: Any) -> Write:
    """Update an item, or make it, on the condition `only_if`."""
    parts = {"UpdateExpression": expression, **_condition(only_if, values)}
    return {"Update": {"Key": {"id": {"S": item_id}}, **parts}}


def delete(item_id: str, *, only_if: str, **values: Any) -> Write:
    """Delete an item, on the condition `only_if`."""
    return {"Delete": {"Key": {"id": {"S": item_id}}, **_condition(only_if, values)}}


class Table:
    """A DynamoDB table with the partition key `id`.

    Args:
        call: asks DynamoDB.
        name: the table's name.
    """

    def __init__(self, call: Call, name: str) -> None:
        self._call = call
        self._name = name

    def get(self, item_id: str) -> dict[str, Any]:
        """Read an item as it stands now; one that is not there is empty."""
        answer = self._call(
            "GetItem", TableName=self._name, Key={"id": {"S": item_id}}, ConsistentRead=True
        )
        return _plain(answer.get("Item", {}))

    def known(self, item_ids: Sequence[str]) -> set[str]:
        """Answer which of at most 100 items are there; one that DynamoDB left out is not.

        Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
        """
        keys = [{"id": {"S": item_id}} for item_id in item_ids]
        wanted = {"Keys": keys, "ProjectionExpression": "id", "ConsistentRead": True}
        answer = self._call("BatchGetItem", RequestItems={self._name: wanted}) if keys else {}
        found = answer.get("Responses", {}).get(self._name, [])
        return {item["id"]["S"] for item in found}

    def query(self, index: str, condition: str, **values: Any) -> Iterator[dict[str, Any]]:
        """Answer the items of `index` on which `condition` holds, a page at a time."""
        more: dict[str, Any] = {}
        while True:
            page = self._call(
                "Query",
                TableName=self._name,
                IndexName=index,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=_named(values),
                **more,
            )
            yield from map(_plain, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def write(self, *writes: Write) -> frozenset[int]:
        """Do all of `writes` or none; answer the numbers of those whose condition did not hold.

        Raises:
            BusyError: others kept writing to the same items, or to very many.
        """
        if len(writes) == 1:
            return self._write_alone(writes[0])
        request = [{kind: self._here(body) for kind, body in one.items()} for one in writes]
        for tries in range(_MOST_TRIES):
            try:
                self._call("TransactWriteItems", TransactItems=request)
            except AwsError as error:
                if error.code != "TransactionCanceledException":
                    raise
                codes = [reason["Code"] for reason in error.details["CancellationReasons"]]
                if refused := _places(codes, "ConditionalCheckFailed"):
                    return refused
                if not _PASSING.intersection(codes):
                    raise
            else:
                return frozenset()
            time.sleep(random.uniform(0, min(1, 0.02 * 2**tries)))  # noqa: S311 - jitter
        raise BusyError("the ledger is being written by others")

    def count(self, item_id: str, counter: str, *, expires: int) -> int:
        """Add one to a counter of an item that is deleted after `expires`; answer the sum."""
        answer = self._call(
            "UpdateItem",
            TableName=self._name,
            Key={"id": {"S": item_id}},
            UpdateExpression=f"SET expires = :expires ADD {counter} :one",
            ExpressionAttributeValues=_named({"expires": expires, "one": 1}),
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"][counter]["N"])

    def _write_alone(self, write: Write) -> frozenset[int]:
        ((kind, body),) = write.items()
        try:
            self._call(f"{kind}Item", **self._here(body))
        except AwsError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            return frozenset({0})
        return frozenset()

    def _here(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"TableName": self._name, **body}


def _condition(only_if: str | None, values: Mapping[str, Any]) -> dict[str, Any]:
    named = {"ExpressionAttributeValues": _named(values)} if values else {}
    return named if only_if is None else {"ConditionExpression": only_if, **named}


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    return _typed({f":{name}": value for name, value in values.items()})


def _typed(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _type(value) for name, value in item.items()}


def _type(value: Any) -> dict[str, Any]:
    """Write a value with its type, as DynamoDB wants it.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case Mapping():
            return {"M": _typed(value)}
        case list() | tuple():
            return {"L": [_type(each) for each in value]}
        case _:
            raise TypeError(f"{type(value).__name__} is in no item")


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _untype(value) for name, value in item.items()}


def _untype(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return int(value)
        case "M":
            return _plain(value)
        case "L":
            return [_untype(each) for each in value]
        case _:
            return value


def _places(codes: Sequence[str], wanted: str) -> frozenset[int]:
    return frozenset(number for number, code in enumerate(codes) if code == wanted)
