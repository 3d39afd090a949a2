"""The audit log: a line for each step of a finding and each order, under a schema that stays."""

from typing import Any

from lambdas.common.codec import encode
from lambdas.common.digest import Digest, Order
from lambdas.common.record import Record

SCHEMA = 1


def line(record: Record) -> dict[str, Any]:
    """Tell the latest step of `record` as docs/audit-log.md describes it."""
    affected, step = record.finding.object, record.history[-1]
    return {
        "schema": SCHEMA,
        "finding": record.finding.id,
        "type": record.finding.type,
        "severity": record.finding.severity.name if record.finding.severity else None,
        "policy": record.history[0].reason,
        "revision": record.revision,
        **encode(step),
        "source": {
            "account": record.finding.account,
            "region": record.finding.region,
            "bucket": affected.bucket,
            "key": affected.key,
            "version_id": affected.version_id,
            "etag": affected.etag,
        },
        "copies": encode(record.copies),
    }


def order_line(digest: Digest, order: Order, *, is_refused: bool) -> dict[str, Any]:
    """Tell what somebody ordered for all findings of `digest`; each then has lines of its own."""
    return {
        "schema": SCHEMA,
        "digest": digest.id,
        "subject": encode(digest.subject),
        "at": encode(order.at),
        "by": order.by,
        "action": order.action,
        "reason": order.reason,
        "is_refused": is_refused,
    }
