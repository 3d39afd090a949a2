"""One remediation: shown in progress, carried out, recorded, shown again (steps 7 and 8)."""

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
from lambdas.common.slack.messages import render
from lambdas.common.slack.response_url import ResponseUrl, allowed_response_url
from lambdas.remediator.checkpoint import Checkpoint
from lambdas.remediator.leases import acquire_lease, release_lease
from lambdas.remediator.quarantine import quarantine_object
from lambdas.remediator.restoration import restore_object
from lambdas.remediator.rules import MoveError
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
        UnknownOutcomeError: S3 did not say, several times, whether it made a copy.
        ClientError: S3 refuses for now; this and a lost connection are mended by a later retry.
    """
    hooks_url = services.settings.slack_hooks_url
    response_url = allowed_response_url(request.response_url, hooks_url=hooks_url)
    if request.reply is not None:
        services.notifications.reply_to_user(request.reply, response_url)
    if request.finding_id is None:
        return None
    record = services.ledger.get(request.finding_id)
    if record.status in IN_PROGRESS:
        if not acquire_lease(
            services.ledger.table, record, holder=holder, now=clock.now(), until=until
        ):
            return record
        record = _act(record, services, response_url)
    release_lease(services.ledger.table, record, holder=holder)
    services.notifications.notify(record, response_url)
    return record


def _act(record: Record, services: Services, response_url: ResponseUrl | None) -> Record:
    """Carry the record to its end; whoever had the lease before may have done so already."""
    if response_url is not None:
        response_url.replace_message(render(record))
    checkpoint = Checkpoint(services.ledger, services.ledger.get(record.finding.id))
    if checkpoint.record.status not in IN_PROGRESS:
        return checkpoint.record
    outcome = _outcome(checkpoint, services)
    try:
        checkpoint.apply(lambda latest: _end(latest, outcome))
    except IllegalTransitionError as error:
        # The finding handler gave up waiting for an end; Retry finds what was done.
        return error.record
    return checkpoint.record


def _outcome(checkpoint: Checkpoint, services: Services) -> Outcome:
    if checkpoint.record.finding.is_sample:
        return _SAMPLE
    move = restore_object if checkpoint.record.status is Status.RESTORING else quarantine_object
    try:
        return move(checkpoint, services)
    except MoveError as failure:
        cause = (str(failure.__cause__),) if failure.__cause__ else ()
        return Outcome(
            status=Status.FAILED, reason=str(failure), advice=failure.advice, evidence=cause
        )


def _end(record: Record, outcome: Outcome) -> Record:
    return record.transition_to(
        outcome.status,
        by=REMEDIATOR,
        reason=outcome.reason,
        advice=outcome.advice,
        evidence=outcome.evidence,
        now=clock.now(),
    )
