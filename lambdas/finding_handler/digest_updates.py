"""Updates of a digest: the bulk action that is due, and the message in Slack."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lambdas.common import clock
from lambdas.common.digests.digest import Digest
from lambdas.common.ledger.record import MessageRef, Status
from lambdas.common.ledger.table import ConflictError
from lambdas.common.slack.channel import MessageGoneError, SlackUnavailableError
from lambdas.common.slack.mrkdwn import pluralize
from lambdas.finding_handler.bulk_actions import carry_out
from lambdas.finding_handler.digest_counts import DigestCounts
from lambdas.finding_handler.digest_message import render_digest
from lambdas.finding_handler.digest_queries import finding_summaries, mark_updated
from lambdas.finding_handler.services import Services

_POSTING = timedelta(seconds=60)
_INDEX_DELAY = timedelta(seconds=5)
"""An index follows its table within a second, mostly."""

_FINDINGS_PER_SECOND = 25
_LONGEST_PAUSE_SECONDS = 30
"""In a large digest a single change matters less, and all messages share Slack's rate limit."""


def update_digest(digest_id: str, services: Services, *, until: datetime) -> bool:
    """Carry out the bulk action of a digest, as far as `until` allows, and update the message.

    Returns:
        Whether Slack accepted it; if not, the digest is due again when Slack allows it.
    """
    digest = services.digests.get(digest_id)
    try:
        if digest.pending is not None:
            digest = carry_out(digest, digest.pending, services, until)
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
    """Remind the approvers of findings that wait or failed, and return when to check again."""
    due_at = _reminder_due_at(digest, counts, services.reminder_after)
    if due_at is None or clock.now() < due_at or digest.message is None:
        return digest, due_at
    services.channel.reply(digest.message, _reminder(counts, services.approvers.mention()))
    now = clock.now()
    reminded = services.digests.update(digest.id, lambda latest: replace(latest, reminded_at=now))
    return reminded, None


def _reminder_due_at(
    digest: Digest, counts: DigestCounts, after: timedelta | None
) -> datetime | None:
    """Return when to remind the approvers: once, and again of what has failed since."""
    failed_at = counts.latest.get(Status.FAILED)
    if after is None or not (counts.waiting or failed_at):
        return None
    if digest.reminded_at is None:
        return digest.scope.opened_at + after
    return failed_at + after if failed_at and failed_at > digest.reminded_at else None


def _reminder(counts: DigestCounts, mention: str) -> str:
    numbers = {
        "waiting for a decision": counts.waiting,
        "failed": counts.statuses[Status.FAILED],
    }
    texts = (f"{pluralize(count, 'finding')} {name}" for name, count in numbers.items() if count)
    return f"⏰ {mention}: {', '.join(texts)}."
