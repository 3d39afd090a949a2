"""What stops a remediation that no person decided: the limits of an hour, and what was restored.

The counters of a limit are in one item, so that they are read with one request, and are raised in
the transaction that records the decision: who is counted is recorded, and who is not is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lambdas.common.ledger.table import ConflictError, Write, update
from lambdas.common.ledger.window import Window, slot_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_MOST_TRIES = 8
_COUNTERS_KEPT = timedelta(days=2)
_LIMIT = "the hourly limit of automatic remediations"


class AutomaticRefusedError(Exception):
    """The object may not be moved without a person's decision; the text says why, as a reason."""


class LimitReachedError(AutomaticRefusedError):
    """As many objects as an hour may have were moved in the last hour."""


class RestoredObjectError(AutomaticRefusedError):
    """An approver restored the object, so that moving it again needs an approver too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticLimits:
    """How many objects may be moved within an hour without a person's decision; None for any.

    Attributes:
        total: in all buckets together.
        per_bucket: in each bucket, so that one bucket cannot use up the total of all.
    """

    total: int | None = None
    per_bucket: int | None = None

    def counters(self, bucket: str) -> list["_Counter"]:
        """Return what counts a remediation in `bucket`."""
        texts = {
            f"limit#bucket#{bucket}": (self.per_bucket, " in this bucket"),
            "limit#all": (self.total, ""),
        }
        return [
            _Counter(id=item_id, most=most, reason=f"{_LIMIT}{where} is reached")
            for item_id, (most, where) in texts.items()
            if most is not None
        ]


def count_automatic(
    table: "Table", limits: AutomaticLimits, *, bucket: str, restored_id: str, at: datetime
) -> list[Write]:
    """Return the writes that count an automatic remediation; where one is refused, call again.

    Args:
        table: the ledger's table.
        limits: the limits.
        bucket: of the object.
        restored_id: the id of the item that is there if an approver restored the object.
        at: when it was decided.

    Raises:
        LimitReachedError: a limit is reached.
        RestoredObjectError: the object was restored.
        ConflictError: DynamoDB did not return the counters.
    """
    counters = limits.counters(bucket)
    items = _get_items(table, {restored_id, *(counter.id for counter in counters)})
    if restored_id in items:
        raise RestoredObjectError("an approver restored this object before")
    return [counter.write(items.get(counter.id), at) for counter in counters]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counter:
    """Counts what happens within an hour in an item, whose `slots` are by number."""

    id: str
    most: int
    reason: str

    def write(self, item: Mapping[str, Any] | None, at: datetime) -> Write:
        """Return the write that counts, based on the `item` that was read."""
        before = _window(item) if item else Window(latest_slot=slot_of(at), slots={})
        now = before.advance(at)
        if now.total >= self.most:
            raise LimitReachedError(self.reason)
        is_current = item is not None and now.latest_slot == before.latest_slot
        return self._count(now, at) if is_current else self._begin_slot(now.count(), item, at)

    def _count(self, window: Window, at: datetime) -> Write:
        """Count in the latest slot; others may count there at the same time, up to the limit."""
        return update(
            self.id,
            "SET counted = counted + :one, #slots.#slot = #slots.#slot + :one, expires = :expires",
            only_if="latest_slot = :slot AND counted < :most",
            names={"#slots": "slots", "#slot": str(window.latest_slot)},
            one=1,
            slot=window.latest_slot,
            most=self.most,
            expires=counter_expiry(at),
        )

    def _begin_slot(self, window: Window, item: Mapping[str, Any] | None, at: datetime) -> Write:
        """Begin a slot; only one of those that read the same `item` does so."""
        is_unchanged = "latest_slot = :before AND counted = :counted"
        before = {"before": item["latest_slot"], "counted": item["counted"]} if item else {}
        return update(
            self.id,
            "SET latest_slot = :slot, slots = :slots, counted = :total, expires = :expires",
            only_if=is_unchanged if item else "attribute_not_exists(id)",
            slot=window.latest_slot,
            slots={str(slot): count for slot, count in window.slots.items()},
            total=window.total,
            expires=counter_expiry(at),
            **before,
        )


def counter_expiry(moment: datetime) -> int:
    """Return when DynamoDB may delete a counter of `moment`, as a Unix time."""
    return int((moment + _COUNTERS_KEPT).timestamp())


def _window(item: Mapping[str, Any]) -> Window:
    slots = {int(slot): int(count) for slot, count in item["slots"].items()}
    return Window(latest_slot=int(item["latest_slot"]), slots=slots)


def _get_items(table: "Table", item_ids: set[str]) -> dict[str, dict[str, Any]]:
    """Return the latest state of items by id, without those that are not there.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
    """
    items: dict[str, dict[str, Any]] = {}
    keys: Any = {
        table.name: {"Keys": [{"id": item_id} for item_id in sorted(item_ids)]}
        | {"ConsistentRead": True}
    }
    for _ in range(_MOST_TRIES):
        response = table.meta.client.batch_get_item(RequestItems=keys)
        items |= {str(item["id"]): item for item in response["Responses"].get(table.name, [])}
        keys = response.get("UnprocessedKeys")
        if not keys:
            return items
    raise ConflictError("DynamoDB did not return the counters")
