"""The digests in the ledger's table: many findings mark a digest, one invocation updates it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from lambdas.common.digests.digest import Digest, DigestScope
from lambdas.common.ledger.record import Record
from lambdas.common.ledger.serialization import decode, encode
from lambdas.common.ledger.table import ConflictError, get_item, update, write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

DUE_FOR_DIGEST = "DIGEST"
"""The value of `due_for` by which the index byDueTime finds the digests."""

_MOST_TRIES = 8
_STATE = ("message", "posting_until", "bulk_actions", "refusals", "reminded_at")


class UnknownDigestError(Exception):
    """The ledger has no such digest."""


class DigestStore:
    """The digests.

    Args:
        table: the ledger's table.
    """

    def __init__(self, table: "Table") -> None:
        self.table = table

    def mark_changed(self, record: Record, *, now: datetime) -> None:
        """Mark the digest of `record` for an update in Slack; create it if there is none."""
        if record.digest_id is None:
            return
        mark = update(
            record.digest_id,
            "SET #scope = if_not_exists(#scope, :scope), due_for = :due_for,"
            " due_at = :now, changed_at = :now ADD changes :one",
            names={"#scope": "scope"},
            scope=encode(DigestScope.from_finding(record.finding, now=now)),
            due_for=DUE_FOR_DIGEST,
            now=int(now.timestamp()),
            one=1,
        )
        write(self.table, mark)

    def get(self, digest_id: str) -> Digest:
        """Return the latest state of a digest.

        Raises:
            UnknownDigestError: there is none.
        """
        item = get_item(self.table, digest_id)
        if not item:
            raise UnknownDigestError(digest_id)
        digest: Digest = decode(Digest, item)
        return digest

    def update(
        self, digest_id: str, change: Callable[[Digest], Digest], *, due_at: datetime | None = None
    ) -> Digest:
        """Apply `change` to the digest; what `change` raises is passed on.

        If `due_at` is given, the digest is due then, as after `postpone`.

        Raises:
            UnknownDigestError: there is no such digest.
            ConflictError: others kept writing.
        """
        before = self.get(digest_id)
        for _ in range(_MOST_TRIES):
            after = change(before)
            if self._write(after, before, due_at):
                return replace(after, revision=before.revision + 1)
            found = self.get(digest_id)
            if _was_written(after, found):
                return found
            before = found
        raise ConflictError(f"other invocations are writing {digest_id}")

    def postpone(self, digest_id: str, *, until: datetime) -> None:
        """Postpone the next update of the digest to `until`."""
        postponed = update(
            digest_id,
            "SET due_for = :due_for, due_at = :until",
            only_if="attribute_exists(id)",
            due_for=DUE_FOR_DIGEST,
            until=int(until.timestamp()),
        )
        write(self.table, postponed)

    def _write(self, after: Digest, before: Digest, due_at: datetime | None) -> bool:
        state = {name: encode(getattr(after, name)) for name in _STATE}
        if due_at is not None:
            state |= {"due_for": DUE_FOR_DIGEST, "due_at": int(due_at.timestamp())}
        assignments = ", ".join(f"{name} = :{name}" for name in state)
        change = update(
            after.id,
            f"SET {assignments} ADD revision :one",
            only_if="attribute_not_exists(revision) OR revision = :before",
            before=before.revision,
            one=1,
            **state,
        )
        return not write(self.table, change)


def _was_written(after: Digest, found: Digest) -> bool:
    """Return whether a refused write is in the ledger all the same: its response was lost."""
    is_next = found.revision == after.revision + 1
    return is_next and all(getattr(after, name) == getattr(found, name) for name in _STATE)
