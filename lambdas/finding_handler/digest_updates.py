"""Updates of a digest: bulk actions carried out for each finding, and the message in Slack."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from lambdas.common import clock
from lambdas.common.digests.digest import BulkAction, Digest
from lambdas.common.dispatch import RemediationRequest, start_remediation
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
from lambdas.common.slack.channel import MessageGoneError, SlackUnavailableError
from lambdas.common.slack.mrkdwn import pluralize
from lambdas.finding_handler.digest_counts import DigestCounts
from lambdas.finding_handler.digest_message import render_digest
from lambdas.finding_handler.digest_queries import (
    finding_summaries,
    findings_with_status,
    mark_updated,
)
from lambdas.finding_handler.services import Services

_REVIEWED_AT_ONCE = 10
_POSTING = timedelta(seconds=60)
_INDEX_DELAY = timedelta(seconds=5)
"""An index follows its table within a second, mostly."""

_FINDINGS_PER_SECOND = 25
_LONGEST_PAUSE_SECONDS = 30
"""In a large digest a single change matters less, and all messages share Slack's rate limit."""

_TRANSITIONS = {
    REMEDIATE_ALL: (Status.AWAITING_REVIEW, Status.REMEDIATING),
    DISMISS_ALL: (Status.AWAITING_REVIEW, Status.DISMISSED),
    REOPEN_ALL: (Status.DISMISSED, Status.AWAITING_REVIEW),
    RETRY_ALL: (Status.FAILED, None),
    RESTORE_ALL: (Status.QUARANTINED, Status.RESTORING),
}
"""From which status a bulk action leads to which; None: to the status that was decided before."""


def update_digest(digest_id: str, services: Services, *, until: datetime) -> bool:
    """Carry out the bulk action of a digest, as far as `until` allows, and update the message.

    Returns:
        Whether Slack accepted it; if not, the digest is due again when Slack allows it.
    """
    digest = services.digests.get(digest_id)
    try:
        if digest.pending is not None:
            digest = _carry_out(digest, digest.pending, services, until)
        elif clock.now().timestamp() < digest.next_update_at:
            next_update = datetime.fromtimestamp(digest.next_update_at, UTC)
            services.digests.postpone(digest.id, until=next_update)
            return True
        _update_message(digest, services)
    except SlackUnavailableError as error:
        services.digests.postpone(digest.id, until=clock.now() + error.retry_after)
        return False
    except ConflictError:
        services.digests.postpone(digest.id, until=clock.now() + _POSTING)
    return True


def _carry_out(digest: Digest, action: BulkAction, services: Services, until: datetime) -> Digest:
    """Apply a bulk action to each finding, and return the digest; the next run does the rest."""
    if action.action in _TRANSITIONS:
        status, _ = _TRANSITIONS[action.action]
        for finding_id in findings_with_status(services.digests.table, digest.id, status):
            if clock.now() >= until:
                return digest
            _apply(action, finding_id, services)
    elif digest.message is not None:
        action = _post_findings(digest, action, digest.message, services)
    return _replace_action(digest.id, action, replace(action, is_done=True), services)


def _apply(action: BulkAction, finding_id: str, services: Services) -> None:
    """Apply a bulk action to one finding, and start the remediator or notify people."""
    try:
        record = services.ledger.update(
            services.ledger.get(finding_id), lambda latest: _decided(latest, action)
        )
    except IllegalTransitionError:
        return
    if record.status in IN_PROGRESS:
        start_remediation(services.remediator, RemediationRequest(finding_id=finding_id))
    else:
        services.notifications.notify(record)


def _decided(record: Record, action: BulkAction) -> Record:
    """Return the record with the decision.

    Raises:
        IllegalTransitionError: the finding was decided singly, or reached its status after the
            bulk action, so that nobody saw it.
    """
    start, target = _TRANSITIONS[action.action]
    status = target or record.decision.status
    if record.status is not start or record.latest_transition.at > action.at:
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
        _replace_action(digest.id, action, counted, services)
        action = counted
    return action


def _findings_without_message(digest: Digest, services: Services) -> Iterator[Record]:
    waiting = findings_with_status(services.digests.table, digest.id, Status.AWAITING_REVIEW)
    records = (services.ledger.get(finding_id) for finding_id in waiting)
    return (record for record in records if record.message is None)


def _replace_action(digest_id: str, old: BulkAction, new: BulkAction, services: Services) -> Digest:
    return services.digests.update(digest_id, lambda latest: latest.replace_action(old, new))


def _update_message(digest: Digest, services: Services) -> None:
    """Show the digest's findings as the index has them, and record when to do so again."""
    counts = DigestCounts.from_summaries(finding_summaries(services.digests.table, digest.id))
    if not counts.total:
        services.digests.postpone(digest.id, until=clock.now() + _INDEX_DELAY)
        return
    # Read before Slack is called: what changes meanwhile is not in the message.
    changes, changed_at = digest.changes, digest.changed_at
    digest = _show(digest, counts, services)
    digest, next_at = _remind(digest, counts, services)
    index_current_at = changed_at + _INDEX_DELAY.total_seconds()
    if digest.pending is not None or clock.now().timestamp() < index_current_at:
        next_at = clock.now() + _INDEX_DELAY
    updated = replace(digest, changes=changes, next_update_at=_next_update_at(counts))
    mark_updated(services.digests.table, updated, next_at=next_at)


def _next_update_at(counts: DigestCounts) -> int:
    """Return until when a large digest is not updated again, as a Unix time; 0 for no pause."""
    pause = min(counts.total // _FINDINGS_PER_SECOND, _LONGEST_PAUSE_SECONDS)
    return int(clock.now().timestamp()) + int(pause) if pause else 0


def _show(digest: Digest, counts: DigestCounts, services: Services) -> Digest:
    """Update the message, or post it, and return the digest with it."""
    if digest.message is not None:
        try:
            services.channel.update(digest.message, render_digest(digest, counts))
        except MessageGoneError:
            return _post(digest, counts, services)
        return digest
    return _post(digest, counts, services)


def _post(digest: Digest, counts: DigestCounts, services: Services) -> Digest:
    services.channel.check_available()
    services.digests.update(digest.id, _reserve_posting)
    try:
        message = _find_message(digest, services) or services.channel.post(
            render_digest(digest, counts), subject_id=digest.id
        )
    except SlackUnavailableError as error:
        if error.was_rejected and digest.posting_until is None:
            services.digests.update(digest.id, lambda latest: replace(latest, posting_until=None))
        raise
    return services.digests.update(
        digest.id, lambda latest: replace(latest, message=message, posting_until=None)
    )


def _find_message(digest: Digest, services: Services) -> MessageRef | None:
    """Find the message, if an earlier invocation may have posted it."""
    if digest.posting_until is None:
        return None
    return services.channel.find_message(subject_id=digest.id, since=digest.scope.opened_at)


def _reserve_posting(digest: Digest) -> Digest:
    now = clock.now()
    if (digest.posting_until or now) > now:
        raise ConflictError(f"the message of {digest.id} is being posted")
    return replace(digest, posting_until=now + _POSTING)


def _remind(
    digest: Digest, counts: DigestCounts, services: Services
) -> tuple[Digest, datetime | None]:
    """Remind the approvers once of findings that wait, and return when to check again."""
    if services.reminder_after is None or digest.is_reminded or not counts.waiting:
        return digest, None
    due_at = digest.scope.opened_at + services.reminder_after
    if clock.now() < due_at or digest.message is None:
        return digest, due_at
    waiting = pluralize(counts.waiting, "finding")
    text = f"⏰ {services.approvers.mention()}: {waiting} waiting for a decision."
    services.channel.reply(digest.message, text)
    reminded = services.digests.update(digest.id, lambda latest: replace(latest, is_reminded=True))
    return reminded, None
