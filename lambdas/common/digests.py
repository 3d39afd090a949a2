"""The digests in the ledger's table: joined by many at once, and written by one at a time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from lambdas.common.codec import decode, encode
from lambdas.common.digest import Digest, Member, Subject
from lambdas.common.errors import BusyError
from lambdas.common.record import Record, Status
from lambdas.common.table import Table, update

_MOST_TRIES = 8
_DUE_FOR = "DIGEST"
_STATE = ("message", "posting_until", "orders", "refusals", "is_reminded")


class UnknownDigestError(Exception):
    """The ledger has no such digest."""


class Digests:
    """The digests."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def mark(self, record: Record, *, now: datetime) -> None:
        """Have the digest of `record` drawn again, and make it if there is none yet."""
        if record.digest is None:
            return
        self._table.write(
            update(
                record.digest,
                "SET subject = if_not_exists(subject, :subject), due_for = :due_for,"
                " due_at = :now, changed_at = :now ADD changed :one",
                subject=encode(Subject.of(record.finding, now=now)),
                due_for=_DUE_FOR,
                now=int(now.timestamp()),
                one=1,
            )
        )

    def get(self, digest_id: str) -> Digest:
        """Read a digest as it stands now.

        Raises:
            UnknownDigestError: there is none.
        """
        item = self._table.get(digest_id)
        if not item:
            raise UnknownDigestError(digest_id)
        digest: Digest = decode(Digest, item)
        return digest

    def change(self, digest_id: str, change: Callable[[Digest], Digest]) -> Digest:
        """Apply `change` to what only one writes at a time; what it raises is passed on.

        Raises:
            UnknownDigestError: there is no such digest.
            BusyError: others kept writing.
        """
        after = None
        for _ in range(_MOST_TRIES):
            before = self.get(digest_id)
            if after is not None and _is_written(after, before):
                return before  # the answer got lost
            after = change(before)
            state = {name: encode(getattr(after, name)) for name in _STATE}
            sets = ", ".join(f"{name} = :{name}" for name in state)
            refused = self._table.write(
                update(
                    digest_id,
                    f"SET {sets} ADD revision :one",
                    only_if="attribute_not_exists(revision) OR revision = :before",
                    before=before.revision,
                    one=1,
                    **state,
                )
            )
            if not refused:
                return replace(after, revision=before.revision + 1)
        raise BusyError(f"{digest_id} is being written by others")

    def due(self, now: datetime) -> Iterator[str]:
        """Answer the ids of the digests that are to be drawn again or reminded of."""
        condition = "due_for = :due_for AND due_at <= :now"
        moment = int(now.timestamp())
        items = self._table.query("byDueTime", condition, due_for=_DUE_FOR, now=moment)
        return (item["id"] for item in items)

    def drawn(self, digest: Digest, *, next_at: datetime | None) -> None:
        """Note that `digest` was drawn; what happened to it since it was read leaves it due."""
        rest = "SET rests_until = :rest"
        moment = {} if next_at is None else {"next": int(next_at.timestamp())}
        dues = " REMOVE due_for, due_at" if next_at is None else ", due_at = :next"
        refused = self._table.write(
            update(
                digest.id,
                rest + dues,
                only_if="changed = :changed"
                " AND (attribute_not_exists(revision) OR revision = :revision)",
                changed=digest.changed,
                revision=digest.revision,
                rest=digest.rests_until,
                **moment,
            )
        )
        if refused:
            self._table.write(
                update(digest.id, rest, only_if="attribute_exists(id)", rest=digest.rests_until)
            )

    def put_off(self, digest_id: str, *, until: datetime) -> None:
        """Have the digest drawn at `until`."""
        self._table.write(
            update(
                digest_id,
                "SET due_for = :due_for, due_at = :until",
                only_if="attribute_exists(id)",
                due_for=_DUE_FOR,
                until=int(until.timestamp()),
            )
        )

    def members(self, digest_id: str) -> Iterator[Member]:
        """Answer the findings of a digest."""
        for item in self._table.query("byDigest", "digest_id = :digest", digest=digest_id):
            yield decode(
                Member, {**item["gist"], "id": item["id"], "status": item["digest_status"]}
            )

    def standing_at(self, digest_id: str, status: Status) -> Iterator[str]:
        """Answer the ids of the findings of a digest that stand at `status`."""
        condition = "digest_id = :digest AND digest_status = :status"
        items = self._table.query("byDigest", condition, digest=digest_id, status=status.value)
        return (item["id"] for item in items)


def _is_written(wanted: Digest, there: Digest) -> bool:
    is_next = there.revision == wanted.revision + 1
    return is_next and all(getattr(wanted, name) == getattr(there, name) for name in _STATE)


def item_of(record: Record) -> dict[str, Any]:
    """Answer the attributes by which a record is found in its digest."""
    if record.digest is None:
        return {}
    finding = record.finding
    gist = {
        "severity": finding.severity.name if finding.severity else "none",
        "detections": [one.name for one in finding.detections[:5]],
        "problem": _problem(record),
    }
    return {"digest_id": record.digest, "digest_status": record.status.value, "gist": gist}


def _problem(record: Record) -> str:
    if record.status is not Status.FAILED:
        return ""
    return f"{record.standing.reason} {record.standing.advice}"
