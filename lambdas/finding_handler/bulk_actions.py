"""Bulk actions: what was decided about a digest is done for each finding that was counted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from aws_lambda_powertools import Logger

from lambdas.common import clock
from lambdas.common.digests.digest import BulkAction, Digest
from lambdas.common.dispatch import RemediationRequest, enqueue_remediation
from lambdas.common.ledger.record import (
    IN_PROGRESS,
    IllegalTransitionError,
    MessageRef,
    Record,
    Status,
)
from lambdas.common.ledger.table import ConflictError
from lambdas.common.slack.actions import (
    DISMISS_ALL,
    REMEDIATE_ALL,
    REOPEN_ALL,
    RESTORE_ALL,
    RETRY_ALL,
)
from lambdas.common.slack.channel import SlackRequestError
from lambdas.finding_handler.digest_queries import findings_with_status
from lambdas.finding_handler.services import Services

logger = Logger()

_REVIEWED_AT_ONCE = 10
_BATCH_SIZE = 50

_TRANSITIONS = {
    REMEDIATE_ALL: (Status.AWAITING_REVIEW, Status.REMEDIATING),
    DISMISS_ALL: (Status.AWAITING_REVIEW, Status.DISMISSED),
    REOPEN_ALL: (Status.DISMISSED, Status.AWAITING_REVIEW),
    RETRY_ALL: (Status.FAILED, None),
    RESTORE_ALL: (Status.QUARANTINED, Status.RESTORING),
}
"""From which status a bulk action leads to which; None: to the status that was decided before."""

_STALE = (
    "Nothing was done: the findings have changed since this message. "
    "It is updated; please decide again."
)


def carry_out(digest: Digest, action: BulkAction, services: Services, until: datetime) -> Digest:
    """Apply a bulk action to its findings, as far as `until` allows, and return the digest.

    The next run does the rest.

    Raises:
        ConflictError: another run carries out the same action.
        SlackUnavailableError: Slack did not accept a message or a reply.
    """
    if action.action in _TRANSITIONS:
        return _decide_findings(digest, action, services, until)
    if digest.message is not None:
        action = _post_findings(digest, action, digest.message, services)
    return _replace_action(digest, action, replace(action, is_done=True), services)


def _decide_findings(
    digest: Digest, action: BulkAction, services: Services, until: datetime
) -> Digest:
    """Apply a bulk action to the findings that its dialog counted, or to none if there are more.

    The index may show a finding late that was there before the dialog. So each batch is counted in
    the digest before it is begun: all batches together are never more than the dialog counted.
    """
    remaining = [*_counted_findings(digest, action, services)]
    if not action.begun and len(remaining) > action.seen_count:
        return _refuse(digest, action, services)
    while True:
        for finding_id in action.batch:
            if clock.now() >= until:
                return digest
            _apply(action, finding_id, services)
        size = min(_BATCH_SIZE, action.seen_count - action.begun)
        batch, remaining = tuple(remaining[:size]), remaining[size:]
        begun = replace(action, batch=batch, begun=action.begun + len(batch), is_done=not batch)
        digest = _replace_action(digest, action, begun, services)
        if not batch:
            return digest
        action = begun


def _counted_findings(digest: Digest, action: BulkAction, services: Services) -> Iterator[str]:
    """Yield the ids of the findings that the dialog counted, without those that are begun."""
    start, _ = _TRANSITIONS[action.action]
    for summary in findings_with_status(services.digests.table, digest.id, start):
        if summary.at <= action.seen_until and summary.id not in action.batch:
            yield summary.id


def _refuse(digest: Digest, action: BulkAction, services: Services) -> Digest:
    """Do nothing, for the dialog has shown something else, and reply to the person."""
    stale = replace(action, is_done=True, is_stale=True)
    digest = _replace_action(digest, action, stale, services)
    logger.warning("stale bulk action", extra={"digest": digest.id, "action": action.action})
    try:
        services.channel.post_ephemeral(action.by, _STALE)
    except SlackRequestError as error:
        # The person is not in the channel any more; the message shows that nothing was done.
        logger.warning("no reply to the person", extra={"reason": str(error)})
    return digest


def _apply(action: BulkAction, finding_id: str, services: Services) -> None:
    """Apply a bulk action to one finding, and start the remediator or notify people."""
    try:
        record = services.ledger.update(
            services.ledger.get(finding_id), lambda latest: _decided(latest, action)
        )
    except IllegalTransitionError:
        return
    if record.status in IN_PROGRESS:
        request = RemediationRequest(finding_id=finding_id)
        enqueue_remediation(services.remediation_queue, request)
    else:
        services.notifications.notify(record)


def _decided(record: Record, action: BulkAction) -> Record:
    """Return the record with the decision.

    Raises:
        IllegalTransitionError: the finding was decided singly, or reached its status after the
            dialog was made, so that nobody saw it.
    """
    start, target = _TRANSITIONS[action.action]
    status = target or record.decision.status
    if record.status is not start or record.latest_transition.at > action.seen_until:
        raise IllegalTransitionError(record, status)
    return record.transition_to(status, by=action.by, reason=action.reason, now=clock.now())


def _post_findings(
    digest: Digest, action: BulkAction, thread: MessageRef, services: Services
) -> BulkAction:
    """Post the next findings singly, and count each: Slack may not accept all of them at once."""
    remaining = max(0, _REVIEWED_AT_ONCE - action.posted)
    for record in islice(_findings_without_message(digest, services), remaining):
        services.notifications.post_in_thread(record, thread=thread)
        counted = replace(action, posted=action.posted + 1)
        digest = _replace_action(digest, action, counted, services)
        action = counted
    return action


def _findings_without_message(digest: Digest, services: Services) -> Iterator[Record]:
    waiting = findings_with_status(services.digests.table, digest.id, Status.AWAITING_REVIEW)
    records = (services.ledger.get(summary.id) for summary in waiting)
    return (record for record in records if record.message is None)


def _replace_action(digest: Digest, old: BulkAction, new: BulkAction, services: Services) -> Digest:
    """Record how far a bulk action has got, and return the digest.

    Raises:
        ConflictError: another run carries out the same action, and has got elsewhere.
    """
    replaced = services.digests.update(digest.id, lambda latest: latest.replace_action(old, new))
    if new not in replaced.bulk_actions:
        raise ConflictError(f"another run carries out {old.action} for {digest.id}")
    return replaced
