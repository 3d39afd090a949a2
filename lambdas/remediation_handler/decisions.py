"""What a click does: decided in the ledger first, then set going; a refusal says why (step 6)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lambdas.common.callback import Callback
from lambdas.common.ledger import Ledger, UnknownFindingError
from lambdas.common.messages import REMEDIATE, RESTORE, RETRY
from lambdas.common.record import POLICY, IllegalTransitionError, Record, Status
from lambdas.common.remediator import Remediator
from lambdas.remediation_handler.approvers import Approvers
from lambdas.remediation_handler.interaction import Interaction

_STEPS = {
    REMEDIATE: (Status.AWAITING_REVIEW, Status.REMEDIATING),
    RESTORE: (Status.QUARANTINED, Status.RESTORING),
    RETRY: (Status.FAILED, None),
}
"""Where each button is offered, and where it leads to: a retry, to what was decided before."""


class RefusedError(Exception):
    """The click changes nothing; the text is for the person who clicked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Takes decisions, with all that it acts through.

    `hooks_url` is what every callback URL must start with.
    """

    approvers: Approvers
    ledger: Ledger
    remediator: Remediator
    hooks_url: str
    clock: Callable[[], datetime]

    def take(self, interaction: Interaction) -> None:
        """Do what the button says, or tell the person privately why not."""
        if interaction.action_id not in _STEPS:
            return
        callback = Callback.allowed(interaction.response_url, hooks_url=self.hooks_url)
        try:
            self._decide(interaction, callback)
        except RefusedError as refusal:
            if callback is not None:
                callback.whisper(str(refusal))

    def _decide(self, interaction: Interaction, callback: Callback | None) -> None:
        response_url = callback.url if callback else None
        may_decide = self.approvers.include(interaction)
        step = self._approved if may_decide else self._refused
        try:
            self.ledger.change(interaction.finding_id, lambda now: step(now, interaction))
        except UnknownFindingError as error:
            raise RefusedError("This finding is not in the ledger; nothing was done.") from error
        except IllegalTransitionError as error:
            # Harmless when it runs, the cure if its start was lost, and an old message is redrawn.
            self.remediator.start(interaction.finding_id, response_url=response_url)
            raise RefusedError(_decided(error.record)) from error
        if not may_decide:
            raise RefusedError(f"You may not decide about findings. {self.approvers.named()} may.")
        self.remediator.start(interaction.finding_id, response_url=response_url)

    def _approved(self, record: Record, interaction: Interaction) -> Record:
        start, target = _STEPS[interaction.action_id]
        status = target or record.decision.status
        if record.status is not start:
            raise IllegalTransitionError(record, status)
        reason = f"{interaction.action_id} in Slack"
        return record.moved_to(status, by=interaction.user, reason=reason, now=self.clock())

    def _refused(self, record: Record, interaction: Interaction) -> Record:
        reason = f"{interaction.action_id} in {interaction.channel} by one who may not"
        return record.refused(by=interaction.user, reason=reason, now=self.clock())


def _decided(record: Record) -> str:
    decision = record.decision
    who = "automatically" if decision.by == POLICY else f"by <@{decision.by}>"
    return f"This was decided {who} already; it stands at {record.status}."
