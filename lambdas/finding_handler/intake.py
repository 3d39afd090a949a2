"""What happens to a finding as it comes in: decided, written down, then started or asked about."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lambdas.common.announcer import Announcer
from lambdas.common.finding import Finding
from lambdas.common.ledger import Ledger
from lambdas.common.policy import Action, RemediationPolicy
from lambdas.common.record import Record, Status
from lambdas.common.remediator import Remediator


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Step 3, with all that it acts through."""

    policy: RemediationPolicy
    ledger: Ledger
    remediator: Remediator
    announcer: Announcer
    clock: Callable[[], datetime]

    def take(self, finding: Finding) -> Record:
        """Handle `finding`; a second delivery goes on where the first one stopped.

        Raises:
            BusyError: another delivery has the same finding in hand.
            SlackError: Slack is busy or unwell.
        """
        decision = self.policy.decide(finding)
        opened = Record.opened(
            finding, _STATUS[decision.action], reason=decision.reason, now=self.clock()
        )
        record = self.ledger.open(opened)
        self._go_on(record)
        return record

    def _go_on(self, record: Record) -> None:
        """Do what follows from where `record` stands, unless it was done before."""
        if record.status is Status.REMEDIATING and len(record.history) == 1:
            self.remediator.start(record.finding.id)
        if record.status is Status.AWAITING_REVIEW and record.message is None:
            self.announcer.tell(record)


_STATUS = {
    Action.AUTO: Status.REMEDIATING,
    Action.REVIEW: Status.AWAITING_REVIEW,
    Action.IGNORE: Status.IGNORED,
}
