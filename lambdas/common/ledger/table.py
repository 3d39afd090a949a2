"""Conditional writes to the ledger's table, one at a time or as a transaction.

The table's partition key is `id`. boto3's Table resource takes and returns plain Python values; the
numbers that it returns are Decimals.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_MOST_TRIES = 8
_TRANSIENT_CODES = frozenset(
    {"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
"""Why DynamoDB cancels a transaction that succeeds a moment later.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

Write = Mapping[str, Mapping[str, Any]]
"""One write, as `put`, `update` and `delete` return it: its kind, and its arguments."""


class ConflictError(Exception):
    """Another invocation works on the same object, message or item; a later retry succeeds."""


def put(item: Mapping[str, Any], *, only_if: str, **values: Any) -> Write:
    """Return a write that puts `item` if the condition `only_if` holds.

    In the condition, `:name` is the value `name`.
    """
    return {"Put": {"Item": item, **_condition(only_if, values)}}


def update(
    item_id: str,
    expression: str,
    *,
    only_if: str | None = None,
    names: Mapping[str, str] | None = None,
    **values: Any,
) -> Write:
    """Return a write that updates an item, or creates it, if the condition `only_if` holds.

    `names` are placeholders for attributes whose names are reserved words.
    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
    """
    arguments = {"UpdateExpression": expression, **_condition(only_if, values)}
    if names:
        arguments["ExpressionAttributeNames"] = names
    return {"Update": {"Key": {"id": item_id}, **arguments}}


def delete(item_id: str, *, only_if: str, **values: Any) -> Write:
    """Return a write that deletes an item if the condition `only_if` holds."""
    return {"Delete": {"Key": {"id": item_id}, **_condition(only_if, values)}}


def get_item(table: "Table", item_id: str) -> dict[str, Any]:
    """Return the latest state of an item; an empty dict where there is none."""
    return table.get_item(Key={"id": item_id}, ConsistentRead=True).get("Item", {})


def query(table: "Table", index: str, condition: str, **values: Any) -> Iterator[dict[str, Any]]:
    """Yield the items of `index` for which `condition` holds, page by page."""
    arguments: dict[str, Any] = {
        "IndexName": index,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": _placeholders(values),
    }
    while True:
        page = table.query(**arguments)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def write(table: "Table", *writes: Write) -> frozenset[int]:
    """Make all of `writes` or none, and return the indexes of those whose condition did not hold.

    Raises:
        ConflictError: others kept writing to the same items.
    """
    if len(writes) == 1:
        return _write_single(table, writes[0])
    items = [_transaction_item(table, write) for write in writes]
    for attempt in range(_MOST_TRIES):
        try:
            table.meta.client.transact_write_items(TransactItems=items)
        except table.meta.client.exceptions.TransactionCanceledException as error:
            codes = [reason.get("Code", "") for reason in error.response["CancellationReasons"]]
            if refused := _indexes(codes, "ConditionalCheckFailed"):
                return refused
            if not _TRANSIENT_CODES.intersection(codes):
                raise
        else:
            return frozenset()
        time.sleep(random.uniform(0, min(1, 0.02 * 2**attempt)))  # noqa: S311 - jitter
    raise ConflictError("other invocations are writing to the ledger")


def _write_single(table: "Table", write: Write) -> frozenset[int]:
    ((kind, arguments),) = write.items()
    operations: dict[str, Any] = {
        "Put": table.put_item,
        "Update": table.update_item,
        "Delete": table.delete_item,
    }
    try:
        operations[kind](**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return frozenset({0})
    return frozenset()


def _transaction_item(table: "Table", write: Write) -> "TransactWriteItemTypeDef":
    item: Any = {kind: {"TableName": table.name, **body} for kind, body in write.items()}
    typed: TransactWriteItemTypeDef = item
    return typed


def _condition(only_if: str | None, values: Mapping[str, Any]) -> dict[str, Any]:
    named = {"ExpressionAttributeValues": _placeholders(values)} if values else {}
    return named if only_if is None else {"ConditionExpression": only_if, **named}


def _placeholders(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f":{name}": value for name, value in values.items()}


def _indexes(codes: Sequence[str], code: str) -> frozenset[int]:
    return frozenset(index for index, found in enumerate(codes) if found == code)
