"""What a click does: it is decided in the ledger, then the remediator starts (step 6)."""

from lambdas.common import clock
from lambdas.common.dispatch import RemediationRequest, Reply, start_remediation
from lambdas.common.ledger.record import POLICY, IllegalTransitionError, Record, Status
from lambdas.common.ledger.store import UnknownFindingError
from lambdas.common.slack.actions import (
    BULK_ACTIONS,
    DISMISS,
    OPEN_IN_MACIE,
    REMEDIATE,
    REOPEN,
    RESTORE,
    RETRY,
)
from lambdas.remediation_handler.bulk_decisions import apply_bulk_decision
from lambdas.remediation_handler.interaction import Interaction
from lambdas.remediation_handler.services import Services

_TRANSITIONS = {
    REMEDIATE: ({Status.AWAITING_REVIEW, Status.DRY_RUN}, Status.REMEDIATING),
    DISMISS: ({Status.AWAITING_REVIEW}, Status.DISMISSED),
    REOPEN: ({Status.DISMISSED}, Status.AWAITING_REVIEW),
    RESTORE: ({Status.QUARANTINED}, Status.RESTORING),
    RETRY: ({Status.FAILED}, None),
}
"""From which statuses an action leads to which; None: to the status that was decided before."""


def apply_decision(interaction: Interaction, services: Services) -> None:
    """Record what the person decided, and start the remediator, which acts on it and replies."""
    if interaction.action_id == OPEN_IN_MACIE:
        return
    if interaction.action_id in BULK_ACTIONS:
        finding_id, text = None, apply_bulk_decision(interaction, services)
    else:
        finding_id, text = _decide(interaction, services)
    request = RemediationRequest(
        finding_id=finding_id,
        response_url=interaction.response_url,
        reply=Reply(user=interaction.user, text=text) if text else None,
    )
    start_remediation(services.remediator, request)


def _decide(interaction: Interaction, services: Services) -> tuple[str | None, str]:
    """Record the decision; return the finding to show, if any, and a reply to the person."""
    if interaction.action_id not in _TRANSITIONS:
        return None, "Nothing was done: this button is not supported any more."
    is_approver = services.approvers.include(interaction.user, channel=interaction.channel)
    change = _decided if is_approver else _refused
    try:
        record = services.ledger.get(interaction.subject_id)
        services.ledger.update(record, lambda latest: change(latest, interaction, services))
    except UnknownFindingError:
        return None, "Nothing was done: this finding is not in the ledger."
    except IllegalTransitionError as error:
        # The message was outdated, so it is shown again. If a start was lost, this makes it again.
        return interaction.subject_id, _status(error.record)
    if is_approver:
        return interaction.subject_id, ""
    return None, services.approvers.refusal(channel=interaction.channel)


def _decided(record: Record, interaction: Interaction, services: Services) -> Record:
    starts, target = _TRANSITIONS[interaction.action_id]
    status = target or record.decision.status
    if record.status not in starts:
        raise IllegalTransitionError(record, status)
    now = clock.now()
    return record.transition_to(
        status,
        by=interaction.user,
        reason=interaction.reason,
        now=now,
        check_at=services.remind_at(now),
    )


def _refused(record: Record, interaction: Interaction, _: Services) -> Record:
    reason = f"{interaction.action_id} in {interaction.channel} by somebody who is not an approver"
    return record.add_refusal(by=interaction.user, reason=reason, now=clock.now())


def _status(record: Record) -> str:
    decision = record.decision
    if record.status is Status.AWAITING_REVIEW:
        return "This waits for a decision again; the message shows it now."
    who = "automatically" if decision.by == POLICY else f"by <@{decision.by}>"
    return f"This was decided {who} already; its status is {record.status}."
