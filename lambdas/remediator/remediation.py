"""One remediation: told to be under way, carried out, written down, told (steps 7 and 8)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lambdas.common.announcer import Announcer
from lambdas.common.callback import Callback
from lambdas.common.errors import FailedMoveError
from lambdas.common.ledger import Ledger
from lambdas.common.record import POLICY, Record, Status
from lambdas.remediator.quarantine import Outcome, Quarantine

_SAMPLE = Outcome(
    status=Status.NOT_FOUND, reason="This is a sample finding: there was nothing to move."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One run of the function.

    Attributes:
        finding_id: the finding whose record is acted on.
        callback: where the click that led here is answered, if one did.
        holder: equal for the retries of one invocation.
        until: when Lambda will stop it at the latest.
    """

    finding_id: str
    callback: Callback | None
    holder: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Remediation:
    """Carries out what the ledger says was decided."""

    ledger: Ledger
    quarantine: Quarantine
    announcer: Announcer
    clock: Callable[[], datetime]

    def run(self, invocation: Invocation) -> Record:
        """Act on the finding's record, if there is anything left to do, and show where it stands.

        Raises:
            BusyError: another invocation has the object or the message in hand.
            SlackError: Slack is busy or unwell.
            UnknownFindingError: the ledger has no record of the finding.
        """
        record = self.ledger.get(invocation.finding_id)
        if record.status is Status.REMEDIATING:
            record = self._remediated(record, invocation)
        self.announcer.tell(record, invocation.callback)
        return record

    def _remediated(self, record: Record, invocation: Invocation) -> Record:
        affected = record.finding.object
        self.ledger.claim(
            affected, holder=invocation.holder, now=self.clock(), until=invocation.until
        )
        if invocation.callback is not None:
            self.announcer.tell(record, invocation.callback)
        # The record is read again: whoever held the key before may have brought it further.
        done = self._concluded(self.ledger.get(invocation.finding_id))
        self.ledger.release(affected, holder=invocation.holder)
        return done

    def _concluded(self, record: Record) -> Record:
        if record.status is not Status.REMEDIATING:
            return record
        try:
            outcome, advice = self._outcome(record), ""
        except FailedMoveError as failure:
            outcome = Outcome(status=Status.FAILED, reason=str(failure))
            advice = failure.advice
        return self.ledger.change(
            record.finding.id,
            lambda now: now.moved_to(
                outcome.status, by=POLICY, reason=outcome.reason, advice=advice, now=self.clock()
            ),
        )

    def _outcome(self, record: Record) -> Outcome:
        return _SAMPLE if record.finding.is_sample else self.quarantine.take(record)
