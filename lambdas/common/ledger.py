"""The ledger: one item a finding, every write conditional, so that nobody acts twice."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from lambdas.common.codec import decode, encode
from lambdas.common.errors import BusyError
from lambdas.common.finding import Finding
from lambdas.common.record import Record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MOST_TRIES = 8
_BY_OBJECT = "byObject"


class UnknownFindingError(Exception):
    """The ledger has no record of the finding."""


class Ledger:
    """The table of records.

    Args:
        client: a DynamoDB client.
        table: the table's name; its partition key is `id`.
        witness: is shown a record after each step of its history that was written.
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, witness: Callable[[Record], None]
    ) -> None:
        self._client = client
        self._table = table
        self._witness = witness

    def open(self, record: Record) -> Record:
        """Write the first record of a finding; answer it, or the one that was there before."""
        try:
            self._put(record, ConditionExpression="attribute_not_exists(id)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return self.get(record.finding.id)
        self._witness(record)
        return record

    def get(self, finding_id: str) -> Record:
        """Read a finding's record as it stands now.

        Raises:
            UnknownFindingError: there is none.
        """
        item = self._item(finding_id)
        if not item:
            raise UnknownFindingError(finding_id)
        record: Record = decode(Record, item)
        return record

    def on_same_object(self, finding: Finding) -> Iterator[Record]:
        """Answer the records of other findings on the very same object."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=_BY_OBJECT,
            KeyConditionExpression="object_id = :object",
            ExpressionAttributeValues={":object": {"S": _object_id(finding)}},
        )
        for page in pages:
            for item in page["Items"]:
                if item["id"]["S"] != finding.id:
                    yield decode(Record, _plain(item))

    def change(self, finding_id: str, change: Callable[[Record], Record]) -> Record:
        """Apply `change` to the finding's record, however many others write at the same time.

        `change` sees the latest record each time it is tried; what it raises is passed on and
        nothing is written.

        Raises:
            UnknownFindingError: there is no record.
            BusyError: others kept writing.
        """
        for _ in range(_MOST_TRIES):
            before = self.get(finding_id)
            after = replace(change(before), revision=before.revision + 1)
            if self._replaced(after, before.revision):
                if after.history != before.history:
                    self._witness(after)
                return after
        raise BusyError(f"{finding_id} is being written by others")

    def claim(self, record: Record, *, holder: str, now: datetime, until: datetime) -> bool:
        """Take the sole right to move the key of the record's object, until `until`.

        Lambda retries an asynchronous invocation under the same request id, so the same `holder`
        gets in again at once after a crash.
        Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html

        Returns:
            Whether it was free; if not, another invocation is at work on the very same finding.

        Raises:
            BusyError: another invocation is at work on another finding on the key.
        """
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    "id": {"S": _claim_id(record)},
                    "finding": {"S": record.finding.id},
                    "holder": {"S": holder},
                    "until": {"N": str(int(until.timestamp()))},
                },
                ConditionExpression="attribute_not_exists(id) OR holder = :holder OR #until < :now",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues={
                    ":holder": {"S": holder},
                    ":now": {"N": str(int(now.timestamp()))},
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            if self._item(_claim_id(record)).get("finding") == record.finding.id:
                return False
            raise BusyError(f"{record.finding.object.uri} is being moved") from error
        return True

    def release(self, record: Record, *, holder: str) -> None:
        """Give the right to move the key back; who does not have it changes nothing."""
        try:
            self._client.delete_item(
                TableName=self._table,
                Key={"id": {"S": _claim_id(record)}},
                ConditionExpression="holder = :holder",
                ExpressionAttributeValues={":holder": {"S": holder}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def _item(self, item_id: str) -> dict[str, Any]:
        answer = self._client.get_item(
            TableName=self._table, Key={"id": {"S": item_id}}, ConsistentRead=True
        )
        return _plain(answer.get("Item", {}))

    def _replaced(self, record: Record, revision: int) -> bool:
        try:
            self._put(
                record,
                ConditionExpression="revision = :revision",
                ExpressionAttributeValues={":revision": {"N": str(revision)}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _put(self, record: Record, **condition: Any) -> None:
        serialize = TypeSerializer().serialize
        item = {
            "id": record.finding.id,
            "object_id": _object_id(record.finding),
            "status": record.status.value,
            **encode(record),
        }
        self._client.put_item(
            TableName=self._table,
            Item={name: serialize(value) for name, value in item.items()},
            **condition,
        )


def _plain(item: Any) -> dict[str, Any]:
    deserialize = TypeDeserializer().deserialize
    return {name: deserialize(value) for name, value in item.items()}


def _object_id(finding: Finding) -> str:
    """Hash what identifies the object, for an index takes no key as long as S3 does."""
    return hashlib.sha256(finding.object.identity.encode()).hexdigest()


def _claim_id(record: Record) -> str:
    return f"claim#{record.finding.object.bucket}/{record.finding.object.key}"
