"""What the finding handler reads and writes of digests, besides what `DigestStore` does."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lambdas.common.digests.digest import Digest
from lambdas.common.digests.store import DUE_FOR_DIGEST
from lambdas.common.ledger.record import Status
from lambdas.common.ledger.serialization import decode
from lambdas.common.ledger.table import Write, query, update, write
from lambdas.finding_handler.digest_counts import FindingSummary

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


def due_digests(table: "Table", now: datetime) -> Iterator[str]:
    """Yield the ids of the digests whose update or reminder is due, the oldest first."""
    condition = "due_for = :due_for AND due_at <= :now"
    moment = int(now.timestamp())
    items = query(table, "byDueTime", condition, due_for=DUE_FOR_DIGEST, now=moment)
    return (item["id"] for item in items)


def finding_summaries(table: "Table", digest_id: str) -> Iterator[FindingSummary]:
    """Yield the findings of a digest."""
    return map(_summary, query(table, "byDigest", "digest_id = :digest", digest=digest_id))


def findings_with_status(
    table: "Table", digest_id: str, status: Status
) -> Iterator[FindingSummary]:
    """Yield the findings of a digest that have the status `status`."""
    condition = "digest_id = :digest AND digest_status = :status"
    items = query(table, "byDigest", condition, digest=digest_id, status=status.value)
    return map(_summary, items)


def mark_updated(table: "Table", digest: Digest, *, next_at: datetime | None) -> None:
    """Record that the message of `digest` was updated, and make it due again at `next_at`.

    A digest that has changed since it was read stays due.
    """
    values: dict[str, Any] = {"changes": digest.changes, "revision": digest.revision}
    due = " REMOVE due_for, due_at"
    if next_at is not None:
        values["next_at"] = int(next_at.timestamp())
        due = ", due_at = :next_at"
    updated = update(
        digest.id,
        "SET next_update_at = :next_update_at" + due,
        only_if="changes = :changes AND (attribute_not_exists(revision) OR revision = :revision)",
        next_update_at=digest.next_update_at,
        **values,
    )
    if write(table, updated):
        write(table, _stay_due(digest))


def _summary(item: Mapping[str, Any]) -> FindingSummary:
    content = {**item["summary"], "id": item["id"], "status": item["digest_status"]}
    summary: FindingSummary = decode(FindingSummary, content)
    return summary


def _stay_due(digest: Digest) -> Write:
    return update(
        digest.id,
        "SET next_update_at = :next_update_at",
        only_if="attribute_exists(id)",
        next_update_at=digest.next_update_at,
    )
