"""Leases on keys, in the ledger's table, so that two invocations never move one object."""

from datetime import datetime
from typing import TYPE_CHECKING

from lambdas.common.ledger.record import Record
from lambdas.common.ledger.table import ConflictError, delete, get_item, put, write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


def acquire_lease(
    table: "Table", record: Record, *, holder: str, now: datetime, until: datetime
) -> bool:
    """Acquire the sole right to move the key of the record's object, until `until`.

    Lambda retries an asynchronous invocation under the same request id, so the same `holder` gets
    the lease again at once after a crash.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html

    Returns:
        Whether it was free; if not, another invocation works on the same finding.

    Raises:
        ConflictError: another invocation works on another finding on the key.
    """
    item = {
        "id": _lease_id(record),
        "finding_id": record.finding.id,
        "holder": holder,
        "free_at": int(until.timestamp()),
    }
    lease = put(
        item,
        only_if="attribute_not_exists(id) OR holder = :holder OR free_at < :now",
        holder=holder,
        now=int(now.timestamp()),
    )
    if not write(table, lease):
        return True
    if get_item(table, _lease_id(record)).get("finding_id") == record.finding.id:
        return False
    raise ConflictError(f"{record.finding.object.uri} is being moved")


def release_lease(table: "Table", record: Record, *, holder: str) -> None:
    """Release the lease on the record's key; a holder that does not have it changes nothing."""
    write(table, delete(_lease_id(record), only_if="holder = :holder", holder=holder))


def _lease_id(record: Record) -> str:
    return f"lease#{record.finding.object.bucket}/{record.finding.object.key}"
