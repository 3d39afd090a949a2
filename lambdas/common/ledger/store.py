"""The ledger: one item for each finding; every write is conditional, so that nobody acts twice."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lambdas.common.finding import Finding
from lambdas.common.ledger.audit import log_transition
from lambdas.common.ledger.brakes import AutomaticLimits, count_automatic
from lambdas.common.ledger.record import IN_PROGRESS, Record, Status
from lambdas.common.ledger.serialization import decode, encode
from lambdas.common.ledger.table import ConflictError, Write, get_item, put, write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_MOST_TRIES = 8
_MOST_DETECTIONS_IN_SUMMARY = 5


class UnknownFindingError(Exception):
    """The ledger has no record of the finding."""


class DuplicateFindingError(Exception):
    """Another finding on the same object came first; `primary` is its id."""

    def __init__(self, primary: str) -> None:
        super().__init__(primary)
        self.primary = primary


class Ledger:
    """The records.

    Args:
        table: the DynamoDB table.
        limits: those of automatic remediations; None for a function that decides none.
    """

    def __init__(self, table: "Table", *, limits: AutomaticLimits | None = None) -> None:
        self.table = table
        self._limits = limits

    def create(self, record: Record, *, is_primary: bool = False) -> Record:
        """Write the first record of a finding, and return it, or the record that was there before.

        Args:
            record: the record.
            is_primary: whether other findings on the same object become duplicates of this one.

        Raises:
            DuplicateFindingError: it is to be primary, and another finding on the object is.
            AutomaticRefusedError: it is automatic, and a person has to decide instead.
            ConflictError: others kept writing.
        """
        first = put(_item(record), only_if="attribute_not_exists(id)")
        primary = [_primary_item(record.finding)] if is_primary else []
        refused = self._write_counted(record, first, *primary)
        if not refused:
            log_transition(record)
            return record
        if 0 in refused:
            found = self.get(record.finding.id)
            if _includes(found, record):
                log_transition(record)
            return found
        raise DuplicateFindingError(get_item(self.table, _primary_id(record.finding))["finding_id"])

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
            AutomaticRefusedError: the transition is automatic, and a person has to decide instead.
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
        refused = self._write_counted(after, record) if is_transition else write(self.table, record)
        if not refused and is_transition:
            log_transition(after)
        return not refused

    def _write_counted(self, record: Record, *writes: Write) -> frozenset[int]:
        """Make all of `writes` or none, and count `record` if it is automatic.

        Returns:
            The indexes of those among `writes` whose condition did not hold.

        Raises:
            AutomaticRefusedError: `record` is automatic, and a person has to decide instead.
            ConflictError: others kept writing.
        """
        for _ in range(_MOST_TRIES):
            refused = write(self.table, *writes, *self._count_automatic(record))
            if not refused or min(refused) < len(writes):
                return frozenset(index for index in refused if index < len(writes))
        raise ConflictError("other invocations are counting automatic remediations")

    def _count_automatic(self, record: Record) -> list[Write]:
        if self._limits is None or not record.is_automatic:
            return []
        affected = record.finding.object
        return count_automatic(
            self.table,
            self._limits,
            bucket=affected.bucket,
            restored_id=restored_id(
                record.finding.account, affected.bucket, affected.key, affected.etag
            ),
            at=record.history[-1].at,
        )


def object_id(finding: Finding) -> str:
    """Return a hash of the object's identity: an index key may not be as long as an S3 key."""
    return hashlib.sha256(finding.object.identity.encode()).hexdigest()


def restored_id(account: str, bucket: str, key: str, etag: str) -> str:
    """Return the id of the item that says that a restore put this very object back.

    Its attribute `finding_id` is the finding whose object was restored.
    """
    restored = json.dumps([account, bucket, key, etag])
    return f"restored#{hashlib.sha256(restored.encode()).hexdigest()}"


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
    is_for_remediator = record.status in IN_PROGRESS | {Status.RESTORED}
    is_remediation = is_for_remediator and record.notify_at is None
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
        "at": encode(record.latest_transition.at),
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
