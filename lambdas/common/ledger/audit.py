"""The audit log and the metrics: a line for each transition, in a schema that stays.

docs/audit-log.md describes the lines.
"""

from typing import Any

from aws_lambda_powertools import Logger

from lambdas.common.digests.digest import BulkAction, Digest
from lambdas.common.ledger.record import IN_PROGRESS, REMEDIATOR, Record, Status
from lambdas.common.ledger.serialization import encode
from lambdas.common.metrics import emit_metric

SCHEMA = 1

logger = Logger()


def log_transition(record: Record) -> None:
    """Log the latest transition of `record`, which has just been written, and emit its metrics."""
    line = transition_line(record)
    logger.info("transition", extra={"finding_id": record.finding.id, "audit": line})
    _emit_metrics(record)


def log_bulk_action(digest: Digest, action: BulkAction, *, is_refused: bool) -> None:
    """Log what somebody decided about all findings of `digest`, or was not allowed to decide.

    Each finding then has lines of its own.
    """
    line = {
        "schema": SCHEMA,
        "digest": digest.id,
        "scope": encode(digest.scope),
        "at": encode(action.at),
        "by": action.by,
        "action": action.action,
        "reason": action.reason,
        "is_refused": is_refused,
    }
    logger.info("bulk action", extra={"audit": line})
    if is_refused:
        emit_metric("RefusedClicks")


def transition_line(record: Record) -> dict[str, Any]:
    """Return the audit line of the latest transition of `record`."""
    finding, affected = record.finding, record.finding.object
    return {
        "schema": SCHEMA,
        "finding": finding.id,
        "type": finding.type,
        "severity": finding.severity.name if finding.severity else None,
        "policy": record.history[0].reason,
        "revision": record.revision,
        **encode(record.history[-1]),
        "source": {
            "account": finding.account,
            "region": finding.region,
            "bucket": affected.bucket,
            "key": affected.key,
            "version_id": affected.version_id,
            "etag": affected.etag,
        },
        "copies": encode(record.copies),
    }


def _emit_metrics(record: Record) -> None:
    transition, finding = record.history[-1], record.finding
    if transition.is_refused:
        emit_metric("RefusedClicks")
        return
    seconds = max(0.0, (transition.at - finding.created_at).total_seconds())
    if len(record.history) == 1:
        emit_metric("Findings", Type=finding.type, Decision=transition.status.value)
    else:
        emit_metric("Transitions", Status=transition.status.value)
    if transition.by != REMEDIATOR and transition.status in IN_PROGRESS | {Status.DISMISSED}:
        emit_metric("TimeToDecision", seconds, "Seconds")
    if transition.status is Status.FAILED:
        emit_metric("FailedRemediations")
    if transition.status is Status.QUARANTINED:
        emit_metric("TimeToQuarantine", seconds, "Seconds")
