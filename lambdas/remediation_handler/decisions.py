"""What a click does: decided in the ledger first, then set going; a refusal says why (step 6)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdas.common.actions import (
    DISMISS,
    FOR_ALL,
    OPEN_IN_MACIE,
    REMEDIATE,
    REOPEN,
    RESTORE,
    RETRY,
)
from lambdas.common.approvers import Approvers
from lambdas.common.ledger import Ledger, UnknownFindingError
from lambdas.common.record import POLICY, IllegalTransitionError, Record, Status
from lambdas.common.remediator import Remediator, Reply
from lambdas.remediation_handler.digest_decisions import DigestDecisions
from lambdas.remediation_handler.interaction import Interaction

_STEPS = {
    REMEDIATE: ({Status.AWAITING_REVIEW, Status.DRY_RUN}, Status.REMEDIATING),
    DISMISS: ({Status.AWAITING_REVIEW}, Status.DISMISSED),
    REOPEN: ({Status.DISMISSED}, Status.AWAITING_REVIEW),
    RESTORE: ({Status.QUARANTINED}, Status.RESTORING),
    RETRY: ({Status.FAILED}, None),
}
"""Where each action is offered, and where it leads to: a retry, to what was decided before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Takes decisions, with all that it acts through.

    Attributes:
        for_all: takes those about digests.
        reminder_after: how long a finding that was reopened may wait for the next decision.
    """

    approvers: Approvers
    ledger: Ledger
    remediator: Remediator
    for_all: DigestDecisions
    reminder_after: timedelta | None
    clock: Callable[[], datetime]

    def take(self, interaction: Interaction) -> None:
        """Do what the click says and have it shown, or have the person told why not."""
        if interaction.action_id == OPEN_IN_MACIE:
            return
        if interaction.action_id in FOR_ALL:
            finding_id, text = None, self.for_all.decide(interaction)
        else:
            finding_id, text = self._decided(interaction)
        self.remediator.start(
            finding_id,
            response_url=interaction.response_url,
            reply=Reply(user=interaction.user, text=text) if text else None,
        )

    def _decided(self, interaction: Interaction) -> tuple[str | None, str]:
        """Decide; answer which finding is to be shown, and what the person is to be told."""
        if interaction.action_id not in _STEPS:
            return None, "Nothing was done: this button is not supported any more."
        may_decide = self.approvers.include(interaction.user, channel=interaction.channel)
        step = self._approved if may_decide else self._refused
        try:
            self.ledger.change(interaction.subject, lambda now: step(now, interaction))
        except UnknownFindingError:
            return None, "Nothing was done: this finding is not in the ledger."
        except IllegalTransitionError as error:
            # Shown again: the message was outdated, and if the start was lost, this is the cure.
            return interaction.subject, _standing(error.record)
        if may_decide:
            return interaction.subject, ""
        return None, self.approvers.refusal(channel=interaction.channel)

    def _approved(self, record: Record, interaction: Interaction) -> Record:
        starts, target = _STEPS[interaction.action_id]
        status = target or record.decision.status
        if record.status not in starts:
            raise IllegalTransitionError(record, status)
        now = self.clock()
        return record.with_status(
            status,
            by=interaction.user,
            reason=interaction.reason,
            now=now,
            look_at=now + self.reminder_after if self.reminder_after else None,
        )

    def _refused(self, record: Record, interaction: Interaction) -> Record:
        reason = f"{interaction.action_id} in {interaction.channel} by one who may not"
        return record.refused(by=interaction.user, reason=reason, now=self.clock())


def _standing(record: Record) -> str:
    decision = record.decision
    if record.status is Status.AWAITING_REVIEW:
        return "This waits for a decision again; the message shows it now."
    who = "automatically" if decision.by == POLICY else f"by <@{decision.by}>"
    return f"This was decided {who} already; its status is {record.status}."
