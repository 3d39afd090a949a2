"""The ledger: one item for each finding; every write is conditional, so that nobody acts twice."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lambdas.common.finding import Finding
from lambdas.common.ledger.audit import log_transition
from lambdas.common.ledger.record import IN_PROGRESS, Record, Status
from lambdas.common.ledger.serialization import decode, encode
from lambdas.common.ledger.table import ConflictError, Write, get_item, put, update, write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_MOST_TRIES = 8
_COUNTERS_KEPT = timedelta(days=2)
_MOST_DETECTIONS_IN_SUMMARY = 5


class UnknownFindingError(Exception):
    """The ledger has no record of the finding."""


class DuplicateFindingError(Exception):
    """Another finding on the same object came first; `primary` is its id."""

    def __init__(self, primary: str) -> None:
        super().__init__(primary)
        self.primary = primary


class HourlyLimitReachedError(Exception):
    """No more objects may be moved in this hour without a person's decision."""


class Ledger:
    """The records.

    Args:
        table: the DynamoDB table.
        hourly_limit: how many automatic remediations an hour may have; None for any number.
    """

    def __init__(self, table: "Table", *, hourly_limit: int | None = None) -> None:
        self.table = table
        self._hourly_limit = hourly_limit

    def create(self, record: Record, *, is_primary: bool = False) -> Record:
        """Write the first record of a finding, and return it, or the record that was there before.

        Args:
            record: the record.
            is_primary: whether other findings on the same object become duplicates of this one.

        Raises:
            DuplicateFindingError: it is to be primary, and another finding on the object is.
            HourlyLimitReachedError: it is automatic, and the hourly limit is reached.
            ConflictError: others kept writing.
        """
        first = put(_item(record), only_if="attribute_not_exists(id)")
        primary = [_primary_item(record.finding)] if is_primary else []
        refused = write(self.table, first, *primary, *self._count_automatic(record))
        if not refused:
            log_transition(record)
            return record
        if 0 in refused:
            found = self.get(record.finding.id)
            if _includes(found, record):
                log_transition(record)
            return found
        if is_primary and 1 in refused:
            raise DuplicateFindingError(
                get_item(self.table, _primary_id(record.finding))["finding_id"]
            )
        raise HourlyLimitReachedError(record.finding.id)

    def get(self, finding_id: str) -> Record:
        """Return the latest record of a finding.

        Raises:
            UnknownFindingError: there is none.
        """
        item = get_item(self.table, finding_id)
        if not item:
            raise UnknownFindingError(finding_id)
        record: Record = decode(Record, item)
        return record

    def update(self, record: Record, change: Callable[[Record], Record]) -> Record:
        """Apply `change` to a record, however many others write at the same time.

        `change` is applied to `record` first; where that is not the latest one any more, the latest
        one is read and `change` is applied to that. What `change` raises is passed on, and nothing
        is written. A write whose response was lost is not made again.

        Raises:
            UnknownFindingError: there is no record.
            HourlyLimitReachedError: the transition is automatic, and the hourly limit is reached.
            ConflictError: others kept writing.
        """
        before = record
        for _ in range(_MOST_TRIES):
            after = replace(change(before), revision=before.revision + 1)
            if self._write(after, before):
                return after
            found = self.get(record.finding.id)
            if found == after or _was_written(after, before, found):
                if _is_transition(after, before):
                    log_transition(after)
                return found
            before = found
        raise ConflictError(f"other invocations are writing the record of {record.finding.id}")

    def _write(self, after: Record, before: Record) -> bool:
        """Write `after` in the place of `before`; return False if that is not the latest record."""
        is_transition = _is_transition(after, before)
        record = put(_item(after), only_if="revision = :revision", revision=before.revision)
        limit = self._count_automatic(after) if is_transition else ()
        refused = write(self.table, record, *limit)
        if refused and 0 not in refused:
            raise HourlyLimitReachedError(after.finding.id)
        if not refused and is_transition:
            log_transition(after)
        return not refused

    def _count_automatic(self, record: Record) -> list[Write]:
        """Return a write that counts an automatic remediation, if the hour has room for it."""
        if self._hourly_limit is None or not record.is_automatic:
            return []
        moment = record.history[-1].at
        count = update(
            hour_id(moment),
            "SET expires = :expires ADD automatic :one",
            only_if="attribute_not_exists(automatic) OR automatic < :most",
            one=1,
            most=self._hourly_limit,
            expires=counter_expiry(moment),
        )
        return [count]


def hour_id(moment: datetime) -> str:
    """Return the id of the item that counts what happens in the hour of `moment`."""
    return f"hour#{moment:%Y-%m-%dT%H}"


def counter_expiry(moment: datetime) -> int:
    """Return when DynamoDB may delete a counter of `moment`, as a Unix time."""
    return int((moment + _COUNTERS_KEPT).timestamp())


def object_id(finding: Finding) -> str:
    """Return a hash of the object's identity: an index key may not be as long as an S3 key."""
    return hashlib.sha256(finding.object.identity.encode()).hexdigest()


def _is_transition(after: Record, before: Record) -> bool:
    return after.history != before.history


def _was_written(after: Record, before: Record, found: Record) -> bool:
    """Return whether a refused write is in the ledger all the same: its response was lost.

    botocore then sent it again, and others may have written since.
    """
    return _is_transition(after, before) and _includes(found, after)


def _includes(found: Record, written: Record) -> bool:
    return found.history[: len(written.history)] == written.history


def _item(record: Record) -> dict[str, Any]:
    is_remediation = record.status in IN_PROGRESS and record.notify_at is None
    due_for = "REMEDIATION" if is_remediation else "NOTIFICATION"
    due_at = record.due_at
    due = {"due_for": due_for, "due_at": int(due_at.timestamp())} if due_at else {}
    return {
        "id": record.finding.id,
        "object_id": object_id(record.finding),
        "status": record.status.value,
        **due,
        **_digest_attributes(record),
        # An index key may not be null, so what is None is left out.
        **{name: value for name, value in encode(record).items() if value is not None},
    }


def _digest_attributes(record: Record) -> dict[str, Any]:
    """Return the attributes by which a digest finds its records, and what it shows of them."""
    if record.digest_id is None:
        return {}
    finding = record.finding
    summary = {
        "severity": finding.severity.name if finding.severity else "none",
        "detections": [
            detection.name for detection in finding.detections[:_MOST_DETECTIONS_IN_SUMMARY]
        ],
        "problem": _problem(record),
    }
    return {"digest_status": record.status.value, "summary": summary}


def _problem(record: Record) -> str:
    if record.status is not Status.FAILED:
        return ""
    return f"{record.latest_transition.reason} {record.latest_transition.advice}"


def _primary_item(finding: Finding) -> Write:
    item = {"id": _primary_id(finding), "finding_id": finding.id}
    return put(item, only_if="attribute_not_exists(id)")


def _primary_id(finding: Finding) -> str:
    return f"object#{object_id(finding)}"
