"""The ledger: one item a finding, every write conditional, so that nobody acts twice."""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from lambdas.common.codec import decode, encode
from lambdas.common.digests import item_of
from lambdas.common.errors import BusyError
from lambdas.common.finding import Finding
from lambdas.common.record import UNDER_WAY, Record
from lambdas.common.table import Table, Write, put, update

_MOST_TRIES = 8
_HOURS_KEPT = timedelta(days=2)


class UnknownFindingError(Exception):
    """The ledger has no record of the finding."""


class TakenObjectError(Exception):
    """Another finding on the very same object came first: `lead` is its id."""

    def __init__(self, lead: str) -> None:
        super().__init__(lead)
        self.lead = lead


class SpentAllowanceError(Exception):
    """As many objects as may be were moved in this hour without a person's decision."""


class Ledger:
    """The records.

    Args:
        table: where they are.
        witness: is shown a record after each step of its history that was written.
        hourly_limit: how many automatic remediations there may be in an hour; None for any number.
    """

    def __init__(
        self, table: Table, witness: Callable[[Record], None], *, hourly_limit: int | None = None
    ) -> None:
        self._table = table
        self._witness = witness
        self._hourly_limit = hourly_limit

    def open(self, record: Record, *, leads: bool = False) -> Record:
        """Write the first record of a finding; answer it, or the one that was there before.

        Args:
            record: the record.
            leads: whether other findings on the same object are to join this one.

        Raises:
            TakenObjectError: it was to lead, and another finding on the object does.
            SpentAllowanceError: it is automatic, and the hour's allowance is spent.
            BusyError: others kept writing.
        """
        new = put(_item(record), only_if="attribute_not_exists(id)")
        leading = [_lead_item(record.finding)] if leads else []
        refused = self._table.write(new, *leading, *self._allowance(record))
        if not refused:
            self._witness(record)
            return record
        if 0 in refused:
            found = self.get(record.finding.id)
            if _was_taken(record, found):
                self._witness(record)
            return found
        if leads and 1 in refused:
            raise TakenObjectError(self._table.get(_lead_id(record.finding))["finding_id"])
        raise SpentAllowanceError(record.finding.id)

    def get(self, finding_id: str) -> Record:
        """Read a finding's record as it stands now.

        Raises:
            UnknownFindingError: there is none.
        """
        item = self._table.get(finding_id)
        if not item:
            raise UnknownFindingError(finding_id)
        record: Record = decode(Record, item)
        return record

    def known(self, finding_ids: Sequence[str]) -> set[str]:
        """Answer which of at most 100 findings have a record."""
        return self._table.known(finding_ids)

    def on_same_object(self, finding: Finding) -> Iterator[Record]:
        """Answer the records of other findings on the very same object."""
        object_id = _object_id(finding)
        for item in self._table.query("byObject", "object_id = :object", object=object_id):
            if item["id"] != finding.id:
                yield decode(Record, item)

    def note_along(self, finding: Finding, version_id: str) -> None:
        """Note that with the object of `finding` another version of its key goes the same way."""
        note = update(
            _along_id(finding, version_id), "SET finding_id = :finding", finding=finding.id
        )
        self._table.write(note)

    def took_along(self, finding: Finding) -> Record | None:
        """Answer the record of the finding with whose object that of `finding` went, if one did."""
        if finding.object.version_id is None:
            return None
        item = self._table.get(_along_id(finding, finding.object.version_id))
        return self.get(item["finding_id"]) if item else None

    def due_to_move(self, now: datetime) -> Iterator[str]:
        """Answer the ids of the findings that stand under way for too long, the oldest first."""
        return self._due(_MOVE, now)

    def due_to_tell(self, now: datetime) -> Iterator[str]:
        """Answer the ids of the findings about which people are to be told, the oldest first."""
        return self._due(_TELL, now)

    def _due(self, due_for: str, now: datetime) -> Iterator[str]:
        condition = "due_for = :due_for AND due_at <= :now"
        moment = int(now.timestamp())
        items = self._table.query("byDueTime", condition, due_for=due_for, now=moment)
        return (item["id"] for item in items)

    def change(
        self,
        finding_id: str,
        change: Callable[[Record], Record],
        *,
        known: Record | None = None,
    ) -> Record:
        """Apply `change` to the finding's record, however many others write at the same time.

        `change` sees the latest record each time it is tried, the first time `known` if there is
        one; what it raises is passed on and nothing is written. A write whose answer got lost is
        not made again.

        Raises:
            UnknownFindingError: there is no record.
            SpentAllowanceError: the step is automatic, and the hour's allowance is spent.
            BusyError: others kept writing.
        """
        after, is_step = None, False
        for _ in range(_MOST_TRIES):
            before, known = known or self.get(finding_id), None
            if after is not None and is_step and _was_taken(after, before):
                self._witness(after)
                return before
            if before == after:
                return before
            after = replace(change(before), revision=before.revision + 1)
            is_step = after.history != before.history
            new = put(_item(after), only_if="revision = :revision", revision=before.revision)
            refused = self._table.write(new, *(self._allowance(after) if is_step else ()))
            if not refused:
                if is_step:
                    self._witness(after)
                return after
            if 0 not in refused:
                raise SpentAllowanceError(finding_id)
        raise BusyError(f"{finding_id} is being written by others")

    def is_first_to_look(self, now: datetime, wait: timedelta) -> bool:
        """Reserve the look at what is due after `wait`, so that many runs have one successor."""
        at = math.ceil((now + wait).timestamp())
        reserved = update(
            "agenda",
            "SET next_look = :at",
            only_if="attribute_not_exists(next_look) OR next_look <= :now",
            at=at,
            now=int(now.timestamp()),
        )
        return not self._table.write(reserved)

    def count_told(self, now: datetime) -> int:
        """Count one more finding of this hour; answer how many there are to be told."""
        return self._table.count(_hour_id(now), "told", expires=_expiry(now))

    def _allowance(self, record: Record) -> list[Write]:
        """Count an automatic remediation, on the condition that there may be one more this hour."""
        if self._hourly_limit is None or not record.is_automatic:
            return []
        moment = record.history[-1].at
        one_more = update(
            _hour_id(moment),
            "SET expires = :expires ADD automatic :one",
            only_if="attribute_not_exists(automatic) OR automatic < :most",
            one=1,
            most=self._hourly_limit,
            expires=_expiry(moment),
        )
        return [one_more]


def _was_taken(step: Record, found: Record) -> bool:
    """Answer whether a step is in the ledger though its write was refused: the answer got lost.

    Then it was written the first time it was asked for, and others may have written since.
    """
    return found.history[: len(step.history)] == step.history


_MOVE, _TELL = "REMEDIATION", "FINDING"


def _item(record: Record) -> dict[str, Any]:
    due_for = _MOVE if record.status in UNDER_WAY and record.tell_at is None else _TELL
    due = {"due_for": due_for, "due_at": int(record.due.timestamp())} if record.due else {}
    return {
        "id": record.finding.id,
        "object_id": _object_id(record.finding),
        "status": record.status.value,
        **due,
        **item_of(record),
        **encode(record),
    }


def _hour_id(moment: datetime) -> str:
    return f"hour#{moment:%Y-%m-%dT%H}"


def _expiry(moment: datetime) -> int:
    return int((moment + _HOURS_KEPT).timestamp())


def _lead_item(finding: Finding) -> Write:
    item = {"id": _lead_id(finding), "finding_id": finding.id}
    return put(item, only_if="attribute_not_exists(id)")


def _lead_id(finding: Finding) -> str:
    return f"object#{_object_id(finding)}"


def _along_id(finding: Finding, version_id: str) -> str:
    version = f"{finding.object.uri}@{version_id}"
    return f"version#{hashlib.sha256(version.encode()).hexdigest()}"


def _object_id(finding: Finding) -> str:
    """Hash what identifies the object, for an index takes no key as long as S3 does."""
    return hashlib.sha256(finding.object.identity.encode()).hexdigest()
