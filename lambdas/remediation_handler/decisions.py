"""What a click on a finding decides, in the ledger (step 6)."""

from dataclasses import replace

from lambdas.common import clock
from lambdas.common.ledger.audit import log_transition
from lambdas.common.ledger.record import (
    IN_PROGRESS,
    POLICY,
    IllegalTransitionError,
    Record,
    Status,
    Transition,
)
from lambdas.common.ledger.store import UnknownFindingError
from lambdas.common.slack.actions import DISMISS, REMEDIATE, REOPEN, RESTORE, RETRY
from lambdas.common.slack.mrkdwn import format_time, pluralize
from lambdas.remediation_handler.decision import Decision
from lambdas.remediation_handler.interaction import Interaction
from lambdas.remediation_handler.services import Services
from lambdas.remediation_handler.workspace import is_external

_TRANSITIONS = {
    REMEDIATE: ({Status.AWAITING_REVIEW, Status.DRY_RUN}, Status.REMEDIATING),
    DISMISS: ({Status.AWAITING_REVIEW, Status.FAILED}, Status.DISMISSED),
    REOPEN: ({Status.DISMISSED}, Status.AWAITING_REVIEW),
    RESTORE: ({Status.QUARANTINED}, Status.RESTORING),
    RETRY: ({Status.FAILED}, None),
}
"""From which statuses an action leads to which; None: to the status that was decided before."""


class _StaleClickError(Exception):
    """The message showed the finding as it is no more."""

    def __init__(self, record: Record) -> None:
        super().__init__(record.finding.id)
        self.record = record


class _RefusalNotKeptError(Exception):
    """The record keeps as many refused clicks as it can; `record` has one more, unwritten."""

    def __init__(self, record: Record) -> None:
        super().__init__(record.finding.id)
        self.record = record


def decide_for_finding(interaction: Interaction, services: Services) -> Decision:
    """Record the decision, if the message showed the finding as it is."""
    finding_id = interaction.subject_id
    if interaction.action_id not in _TRANSITIONS:
        return Decision(reply="Nothing was done: this button is not supported any more.")
    if "#" in finding_id:  # an item of the ledger that is no finding
        return Decision(reply="Nothing was done: this finding is not in the ledger.")
    try:
        return _record(interaction, services)
    except UnknownFindingError:
        return Decision(reply="Nothing was done: this finding is not in the ledger.")
    except (IllegalTransitionError, _StaleClickError) as error:
        # The message is shown again. If a start was lost, this makes it again.
        return Decision(finding_id=finding_id, reply=_status(error.record, interaction))


def _record(interaction: Interaction, services: Services) -> Decision:
    user, channel, is_guest = interaction.user, interaction.channel, is_external(interaction)
    is_approver = services.approvers.include(user, channel=channel, is_external=is_guest)
    change = _decided if is_approver else _refused
    record = services.ledger.get(interaction.subject_id)
    try:
        services.ledger.update(record, lambda latest: change(latest, interaction, services))
    except _RefusalNotKeptError as error:
        log_transition(error.record)
    if is_approver:
        return Decision(finding_id=interaction.subject_id, is_recorded=True)
    return Decision(reply=services.approvers.refusal(channel=channel, is_external=is_guest))


def _decided(record: Record, interaction: Interaction, services: Services) -> Record:
    if interaction.seen != record.seen_state:
        raise _StaleClickError(record)
    status = _target(record, interaction.action_id)
    now = clock.now()
    decided = record.transition_to(
        status,
        by=interaction.user,
        reason=interaction.reason,
        now=now,
        check_at=services.remind_at(now),
    )
    if status in IN_PROGRESS:
        return decided
    # Nothing else is due that would show the decision, if the remediator is not started.
    return replace(decided, notify_at=now + services.show_after)


def _target(record: Record, action_id: str) -> Status:
    """Return the status that the action leads to.

    Raises:
        IllegalTransitionError: it leads nowhere from the record's status.
    """
    starts, target = _TRANSITIONS[action_id]
    status = target or record.decision.status
    is_failed_restore = (
        record.status is Status.FAILED and record.decision.status is not Status.REMEDIATING
    )
    if record.status not in starts or (action_id == DISMISS and is_failed_restore):
        raise IllegalTransitionError(record, status)
    return status


def _refused(record: Record, interaction: Interaction, _: Services) -> Record:
    who = "somebody of another workspace" if is_external(interaction) else "somebody"
    reason = f"{interaction.action_id} in {interaction.channel} by {who} who is not an approver"
    now = clock.now()
    refused = record.add_refusal(by=interaction.user, reason=reason, now=now)
    if refused == record:
        refusal = Transition(
            at=now, status=record.status, by=interaction.user, reason=reason, is_refused=True
        )
        raise _RefusalNotKeptError(replace(record, history=(*record.history, refusal)))
    return refused


def _status(record: Record, interaction: Interaction) -> str:
    """Describe to a person why the click changed nothing."""
    starts, _ = _TRANSITIONS[interaction.action_id]
    if record.status in starts:
        return (
            f"Nothing was done: the finding has changed since this message: {_changes(record)}."
            " The message is updated; please decide again."
        )
    if record.status is Status.AWAITING_REVIEW:
        return "Nothing was done: this waits for a decision again; the message shows it now."
    decision = record.decision
    who = "automatically" if decision.by == POLICY else f"by <@{decision.by}>"
    return f"This was decided {who} already; its status is {record.status}."


def _changes(record: Record) -> str:
    since = format_time(record.latest_transition.at)
    duplicates = len(record.duplicates)
    others = f", with {pluralize(duplicates, 'more finding')} on the object" if duplicates else ""
    return f"its status is {record.status} since {since}{others}"
