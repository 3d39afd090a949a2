"""One remediation: shown in progress, carried out, recorded, shown again (steps 7 and 8)."""

from dataclasses import replace
from datetime import datetime

from lambdas.common import clock
from lambdas.common.dispatch import RemediationRequest
from lambdas.common.ledger.record import (
    IN_PROGRESS,
    REMEDIATOR,
    IllegalTransitionError,
    Outcome,
    Record,
    Status,
)
from lambdas.common.metrics import emit_metric
from lambdas.common.slack.messages import render
from lambdas.common.slack.response_url import ResponseUrl, allowed_response_url
from lambdas.remediator.checkpoint import Checkpoint
from lambdas.remediator.kept_copies import (
    copies_kept_until,
    delete_kept_copies,
    deletion_time,
)
from lambdas.remediator.leases import acquire_lease, release_lease
from lambdas.remediator.quarantine import quarantine_object
from lambdas.remediator.restoration import restore_object
from lambdas.remediator.rules import InconsistentRecordError, MoveError
from lambdas.remediator.services import Services

_SAMPLE = Outcome(
    status=Status.NOT_FOUND, reason="This is a sample finding: there was nothing to move."
)


def remediate(
    request: RemediationRequest, services: Services, *, holder: str, until: datetime
) -> Record | None:
    """Reply to the person who clicked, act on the record if anything is left to do, and show it.

    Args:
        request: the finding, the click's response URL, and the reply; each may be missing.
        services: what it works with.
        holder: equal for the retries of one invocation.
        until: when Lambda will stop it at the latest.

    Returns:
        The record as it was shown; None if there was only a reply.

    Raises:
        ConflictError: another invocation works on the object or the message.
        SlackUnavailableError: Slack did not accept the reply.
        UnknownFindingError: the ledger has no record of the finding.
        InconsistentRecordError: the ledger has the record of another finding in its place.
        UnknownOutcomeError: S3 did not say, several times, whether it made a copy.
        ClientError: S3 refuses for now; this and a lost connection are mended by a later retry.
    """
    hooks_url = services.settings.slack_hooks_url
    response_url = allowed_response_url(request.response_url, hooks_url=hooks_url)
    if request.reply is not None:
        services.notifications.reply_to_user(request.reply, response_url)
    if request.finding_id is None:
        return None
    record = _get_record(request.finding_id, services)
    return _process(record, services, response_url, holder=holder, until=until)


def _process(
    record: Record,
    services: Services,
    response_url: ResponseUrl | None,
    *,
    holder: str,
    until: datetime,
) -> Record:
    """Do what is left to do about the record, and show it if that is of interest to people."""
    before = record.latest_transition
    deletion_at = deletion_time(record, services)
    is_deletion = deletion_at is not None and deletion_at <= clock.now()
    if record.status in IN_PROGRESS or is_deletion:
        if not acquire_lease(
            services.ledger.table, record, holder=holder, now=clock.now(), until=until
        ):
            return record
        record = _act(record, services, response_url)
    release_lease(services.ledger.table, record, holder=holder)
    if is_deletion:
        return record
    if deletion_at is not None and record.check_at is not None and record.check_at < deletion_at:
        # The copies are to be kept for longer than was set when they were restored.
        return services.ledger.update(record, lambda latest: replace(latest, check_at=deletion_at))
    is_notified = services.notifications.notify(record, response_url)
    is_new_failure = record.status is Status.FAILED and record.latest_transition != before
    if is_notified and is_new_failure:
        # It is announced once; a run that dies before leaves it to the reminders.
        services.notifications.announce_failure(services.ledger.get(record.finding.id))
    return record


def _get_record(finding_id: str, services: Services) -> Record:
    """Return the record of a finding.

    Raises:
        InconsistentRecordError: the item is the record of another finding. That cannot be recorded
            in the item, so the invocation fails.
    """
    record = services.ledger.get(finding_id)
    if record.finding.id != finding_id:
        emit_metric("InconsistentRecords")
        raise InconsistentRecordError(f"it is the record of {record.finding.id}.")
    return record


def _act(record: Record, services: Services, response_url: ResponseUrl | None) -> Record:
    """Carry the record to its end; whoever had the lease before may have done so already."""
    if response_url is not None:
        response_url.replace_message(render(record))
    checkpoint = Checkpoint(services.ledger, _get_record(record.finding.id, services))
    if checkpoint.record.status not in IN_PROGRESS:
        delete_kept_copies(checkpoint, services)
        return checkpoint.record
    outcome = _outcome(checkpoint, services)
    try:
        checkpoint.apply(lambda latest: _end(latest, outcome, services))
    except IllegalTransitionError as error:
        # The finding handler gave up waiting for an end; Retry finds what was done.
        return error.record
    return checkpoint.record


def _outcome(checkpoint: Checkpoint, services: Services) -> Outcome:
    if checkpoint.record.finding.is_sample:
        return _SAMPLE
    move = restore_object if checkpoint.record.status is Status.RESTORING else quarantine_object
    try:
        services.check_consistency(checkpoint.record)
        return move(checkpoint, services)
    except MoveError as failure:
        if isinstance(failure, InconsistentRecordError):
            emit_metric("InconsistentRecords")
        cause = (str(failure.__cause__),) if failure.__cause__ else ()
        return Outcome(
            status=Status.FAILED, reason=str(failure), advice=failure.advice, evidence=cause
        )


def _end(record: Record, outcome: Outcome, services: Services) -> Record:
    now = clock.now()
    check_at = _check_at(record, outcome.status, services, now)
    ended = record.transition_to(
        outcome.status,
        by=REMEDIATOR,
        reason=outcome.reason,
        advice=outcome.advice,
        evidence=outcome.evidence,
        now=now,
        check_at=check_at,
    )
    are_deleted = outcome.status is Status.RESTORED and check_at is None
    return replace(ended, copies=()) if are_deleted else ended


def _check_at(record: Record, status: Status, services: Services, now: datetime) -> datetime | None:
    """Return when to remind the approvers of a failure, or to delete what a restore has kept."""
    if status is Status.RESTORED:
        return copies_kept_until(record, services, restored_at=now)
    remind_after = services.settings.remind_after
    is_to_remind = status is Status.FAILED and remind_after is not None
    return now + remind_after if is_to_remind and remind_after else None
