"""The sole right to move a key, so that two invocations never work on one object."""

from datetime import datetime

from lambdas.common.errors import BusyError
from lambdas.common.record import Record
from lambdas.common.table import Table, delete, put


class Claims:
    """Claims on keys, in the ledger's table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, record: Record, *, holder: str, now: datetime, until: datetime) -> bool:
        """Take the sole right to move the key of the record's object, until `until`.

        Lambda retries an asynchronous invocation under the same request id, so the same `holder`
        gets in again at once after a crash.
        Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html

        Returns:
            Whether it was free; if not, another invocation is at work on the very same finding.

        Raises:
            BusyError: another invocation is at work on another finding on the key.
        """
        item = {
            "id": _claim_id(record),
            "finding_id": record.finding.id,
            "holder": holder,
            "free_at": int(until.timestamp()),
        }
        refused = self._table.write(
            put(
                item,
                only_if="attribute_not_exists(id) OR holder = :holder OR free_at < :now",
                holder=holder,
                now=int(now.timestamp()),
            )
        )
        if not refused:
            return True
        if self._table.get(_claim_id(record)).get("finding_id") == record.finding.id:
            return False
        raise BusyError(f"{record.finding.object.uri} is being moved")

    def release(self, record: Record, *, holder: str) -> None:
        """Give the right to move the key back; who does not have it changes nothing."""
        self._table.write(delete(_claim_id(record), only_if="holder = :holder", holder=holder))


def _claim_id(record: Record) -> str:
    return f"claim#{record.finding.object.bucket}/{record.finding.object.key}"
