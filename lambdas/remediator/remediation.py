"""One remediation: told to be under way, carried out, written down, told (steps 7 and 8)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lambdas.common.announcer import Announcer
from lambdas.common.callback import Callback
from lambdas.common.errors import FailedMoveError
from lambdas.common.ledger import Ledger
from lambdas.common.messages import render
from lambdas.common.record import (
    REMEDIATOR,
    UNDER_WAY,
    IllegalTransitionError,
    Outcome,
    Record,
    Status,
)
from lambdas.common.remediator import Reply
from lambdas.remediator.claims import Claims
from lambdas.remediator.progress import Progress
from lambdas.remediator.quarantine import Quarantine
from lambdas.remediator.restoration import Restoration

_SAMPLE = Outcome(
    status=Status.NOT_FOUND, reason="This is a sample finding: there was nothing to move."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One run of the function.

    Attributes:
        finding_id: the finding whose record is acted on and shown, if any.
        callback: where the click that led here is answered, if one did.
        reply: what the person who clicked is told.
        holder: equal for the retries of one invocation.
        until: when Lambda will stop it at the latest.
    """

    finding_id: str | None
    callback: Callback | None
    reply: Reply | None
    holder: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Remediation:
    """Carries out what the ledger says was decided."""

    ledger: Ledger
    claims: Claims
    quarantine: Quarantine
    restoration: Restoration
    announcer: Announcer
    clock: Callable[[], datetime]

    def run(self, invocation: Invocation) -> Record | None:
        """Tell the person who clicked, act on the record if anything is left to do, and show it.

        Raises:
            BusyError: another invocation has the object or the message in hand.
            SlackError: Slack did not take the reply.
            UnknownFindingError: the ledger has no record of the finding.
        """
        if invocation.reply is not None:
            self.announcer.whisper(invocation.reply, invocation.callback)
        if invocation.finding_id is None:
            return None
        return self._acted(self.ledger.get(invocation.finding_id), invocation)

    def _acted(self, record: Record, invocation: Invocation) -> Record:
        if record.status in UNDER_WAY:
            if not self._claimed(record, invocation):
                return record
            if invocation.callback is not None:
                invocation.callback.replace(render(record))
            record = self._concluded(record.finding.id)
        self.claims.release(record, holder=invocation.holder)
        self.announcer.tell(record, invocation.callback)
        return record

    def _claimed(self, record: Record, invocation: Invocation) -> bool:
        return self.claims.take(
            record, holder=invocation.holder, now=self.clock(), until=invocation.until
        )

    def _concluded(self, finding_id: str) -> Record:
        """Carry the record to its end; whoever had the key before may have done so already."""
        progress = Progress(self.ledger, self.ledger.get(finding_id))
        if progress.record.status not in UNDER_WAY:
            return progress.record
        try:
            outcome = self._outcome(progress)
        except FailedMoveError as failure:
            outcome = _failed(failure)
        try:
            progress.step(lambda now: self._ended(now, outcome))
        except IllegalTransitionError as other:
            return other.record  # told as never ending meanwhile; Retry finds what was done
        return progress.record

    def _outcome(self, progress: Progress) -> Outcome:
        if progress.record.finding.is_sample:
            return _SAMPLE
        if progress.record.status is Status.RESTORING:
            return self.restoration.give_back(progress)
        return self.quarantine.take(progress)

    def _ended(self, record: Record, outcome: Outcome) -> Record:
        return record.with_status(
            outcome.status,
            by=REMEDIATOR,
            reason=outcome.reason,
            advice=outcome.advice,
            evidence=outcome.evidence,
            now=self.clock(),
        )


def _failed(failure: FailedMoveError) -> Outcome:
    said = (str(failure.__cause__),) if failure.__cause__ else ()
    return Outcome(status=Status.FAILED, reason=str(failure), advice=failure.advice, evidence=said)
