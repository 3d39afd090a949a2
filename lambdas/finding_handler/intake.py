"""What happens to a finding as it comes in: decided, written down, then started or asked about."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdas.common.announcer import Announcer
from lambdas.common.digest import digest_id
from lambdas.common.finding import Finding
from lambdas.common.ledger import Ledger, SpentAllowanceError, TakenObjectError
from lambdas.common.record import Record, Status
from lambdas.common.remediator import Remediator
from lambdas.finding_handler.joining import joined_by
from lambdas.finding_handler.policy import Action, Decision, RemediationPolicy

_STATUS = {
    Action.AUTO: Status.REMEDIATING,
    Action.REVIEW: Status.AWAITING_REVIEW,
    Action.IGNORE: Status.IGNORED,
}
_SPENT = Decision(
    action=Action.REVIEW,
    reason="this hour's number of automatic remediations is reached",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Step 3, with all that it acts through.

    Attributes:
        digest_threshold: how many findings of an hour are told one by one; None for all.
        reminder_after: how long a finding may wait for a decision before the approvers are
            reminded; None for ever.
    """

    policy: RemediationPolicy
    ledger: Ledger
    remediator: Remediator
    announcer: Announcer
    digest_threshold: int | None
    reminder_after: timedelta | None
    clock: Callable[[], datetime]

    def take(self, finding: Finding) -> Record:
        """Handle `finding`; a second delivery goes on where the first one stopped.

        Raises:
            BusyError: another delivery has the same finding in hand.
        """
        decision = self.policy.decide(finding)
        record = self._opened(finding, decision)
        if record.lead is not None:
            self._go_on(self._joined(record.lead, finding, decision))
        else:
            self._go_on(record)
        return record

    def _opened(self, finding: Finding, decision: Decision) -> Record:
        """Write the finding down, unless that was done before."""
        leads = decision.action is not Action.IGNORE and not finding.is_sample
        now, digest = self.clock(), self._digest(finding) if leads else None
        record = Record.opened(
            finding,
            _STATUS[decision.action],
            reason=decision.reason,
            now=now,
            look_at=self._remind_at(now) if digest is None else None,
            digest=digest,
        )
        try:
            return self.ledger.open(record, leads=leads)
        except SpentAllowanceError:
            return self._opened(finding, _SPENT)
        except TakenObjectError as taken:
            reason = f"the same object as the finding {taken.lead}"
            joining = Record.opened(
                finding, Status.JOINED, reason=reason, now=self.clock(), lead=taken.lead
            )
            return self.ledger.open(joining)

    def _digest(self, finding: Finding) -> str | None:
        """Name the digest that is to tell of the finding, if there are too many of them."""
        if self.digest_threshold is None:
            return None
        now = self.clock()
        is_crowded = self.ledger.count_told(now) > self.digest_threshold
        return digest_id(finding, now=now) if is_crowded else None

    def _joined(self, lead: str, finding: Finding, decision: Decision) -> Record:
        def join(by: Decision) -> Record:
            return self.ledger.change(lead, lambda now: self._with(now, finding, by))

        try:
            return join(decision)
        except SpentAllowanceError:
            return join(_SPENT)

    def _with(self, lead: Record, finding: Finding, decision: Decision) -> Record:
        now = self.clock()
        # Of what only a digest tells, the digest reminds.
        is_told = lead.digest is None or lead.message is not None
        look_at = self._remind_at(now) if is_told else None
        return joined_by(lead, finding, decision, now=now, look_at=look_at)

    def _remind_at(self, now: datetime) -> datetime | None:
        return now + self.reminder_after if self.reminder_after else None

    def _go_on(self, record: Record) -> None:
        """Do what follows from where `record` stands, unless it was done before."""
        is_new = record.status is Status.AWAITING_REVIEW and record.message is None
        if record.is_automatic:
            self.remediator.start(record.finding.id)
        if record.digest or is_new or (record.joined and record.message is not None):
            self.announcer.tell(record)
