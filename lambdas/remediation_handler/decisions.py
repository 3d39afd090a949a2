"""What a click does: decided in the ledger first, then set going; a refusal says why (step 6)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lambdas.common.callback import Callback
from lambdas.common.ledger import Ledger, UnknownFindingError
from lambdas.common.messages import REMEDIATE
from lambdas.common.record import POLICY, IllegalTransitionError, Record, Status
from lambdas.common.remediator import Remediator
from lambdas.remediation_handler.approvers import Approvers
from lambdas.remediation_handler.interaction import Interaction


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
        if interaction.action_id != REMEDIATE:
            return
        callback = Callback.allowed(interaction.response_url, hooks_url=self.hooks_url)
        try:
            self._remediate(interaction, callback)
        except RefusedError as refusal:
            if callback is not None:
                callback.whisper(str(refusal))

    def _remediate(self, interaction: Interaction, callback: Callback | None) -> None:
        if not self.approvers.include(interaction):
            raise RefusedError(f"You may not decide about findings. {self.approvers.named()} may.")
        response_url = callback.url if callback else None
        try:
            self.ledger.change(interaction.finding_id, lambda now: self._approved(now, interaction))
        except UnknownFindingError as error:
            raise RefusedError("This finding is not in the ledger; nothing was done.") from error
        except IllegalTransitionError as error:
            # Harmless when it runs, the cure if its start was lost, and an old message is redrawn.
            self.remediator.start(interaction.finding_id, response_url=response_url)
            raise RefusedError(_decided(error.record)) from error
        self.remediator.start(interaction.finding_id, response_url=response_url)

    def _approved(self, record: Record, interaction: Interaction) -> Record:
        reason = "approved in Slack"
        return record.moved_to(
            Status.REMEDIATING, by=interaction.user, reason=reason, now=self.clock()
        )


def _decided(record: Record) -> str:
    decision = record.decision
    who = "automatically" if decision.by == POLICY else f"by <@{decision.by}>"
    return f"This was decided {who} already; it stands at {record.status}."
