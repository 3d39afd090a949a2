"""What is to be done without anybody's asking: digests drawn, Slack told again, people reminded."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from lambdas.common.announcer import Announcer
from lambdas.common.approvers import Approvers
from lambdas.common.digests import Digests
from lambdas.common.errors import BusyError, SlackError
from lambdas.common.ledger import Ledger
from lambdas.common.queues import AgendaQueue
from lambdas.common.record import REMEDIATOR, UNDER_WAY, Record, Status
from lambdas.common.remediator import Remediator
from lambdas.common.slack import SlackChannel
from lambdas.common.wording import reminder
from lambdas.finding_handler.digesting import Digesting

_AGAIN, _LONGER = timedelta(minutes=5), timedelta(minutes=20)
_LONGEST = timedelta(hours=2)
_A_MINUTE = timedelta(seconds=60)
_MOST_FAILURES = 10
_UNFINISHED = "The remediator did not come to an end, however often it was started."
_ADVICE = "See its log and its dead-letter queue, as docs/runbook.md says; then press Retry."


class _NotDueError(Exception):
    """Another run of the agenda was faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Goes through the findings that are due, with all that it acts through.

    `about` names the finding or digest in the log as long as it is looked at.
    """

    ledger: Ledger
    digests: Digests
    digesting: Digesting
    announcer: Announcer
    remediator: Remediator
    channel: SlackChannel
    queue: AgendaQueue
    approvers: Approvers
    about: Callable[[str], AbstractContextManager[None]]
    clock: Callable[[], datetime]

    def run(self, *, until: datetime) -> int:
        """Do what is due, most urgent first, until `until` or until Slack wants to be left alone.

        Returns:
            How many findings and digests were looked at; the next run does the rest.

        Raises:
            ExceptionGroup: some failed; those behind them were looked at all the same.
        """
        now = self.clock()
        # What is to be moved first: that needs no Slack, which may be unwell for a day.
        moves = ((self._looked_at, finding_id) for finding_id in self.ledger.due_to_move(now))
        digests = ((self._drawn, digest_id) for digest_id in self.digests.due(now))
        findings = ((self._looked_at, finding_id) for finding_id in self.ledger.due_to_tell(now))
        done, failures = 0, list[Exception]()
        for look, subject in chain(moves, digests, findings):
            try:
                with self.about(subject):
                    goes_on = self.clock() < until and look(subject, until)
            except Exception as error:  # noqa: BLE001 - it is raised below
                error.add_note(f"while looking at {subject}")
                failures.append(error)
                goes_on = len(failures) < _MOST_FAILURES
            if not goes_on:
                if not failures:
                    self._go_on_soon()
                break
            done += 1
        if failures:
            raise ExceptionGroup("not all that was due could be done", failures)
        return done

    def _go_on_soon(self) -> None:
        """Have the rest looked at when Slack wants, if that is before the next minute."""
        wait = self.channel.wait
        if wait < _A_MINUTE and self.ledger.is_first_to_look(self.clock(), wait):
            self.queue.look_again(after=wait)

    def _drawn(self, digest_id: str, until: datetime) -> bool:
        # First moved on, so that one which fails does not stand before the others for ever.
        self.digests.put_off(digest_id, until=self.clock() + _AGAIN)
        return self.digesting.work(digest_id, until=until)

    def _looked_at(self, finding_id: str, _: datetime) -> bool:
        """Do what is due about the finding; answer whether Slack took it."""
        try:
            record = self.ledger.change(finding_id, self._reserved)
            if record.tell_at is not None:
                return self.announcer.tell(record)
            if record.status in UNDER_WAY:
                self.remediator.start(finding_id)
                return True
            return self._reminded(record)
        except (_NotDueError, BusyError):
            return True

    def _reserved(self, record: Record) -> Record:
        """Move what is due on, so that two runs at a time do it once, and a lost one is redone."""
        now = self.clock()
        if record.due is None or record.due > now:
            raise _NotDueError
        if record.tell_at is not None:
            return replace(record, tell_at=now + _AGAIN)
        if record.status in UNDER_WAY and now - record.standing.at > _LONGEST:
            return record.with_status(
                Status.FAILED, by=REMEDIATOR, reason=_UNFINISHED, advice=_ADVICE, now=now
            )
        return replace(record, look_at=now + (_LONGER if record.status in UNDER_WAY else _AGAIN))

    def _reminded(self, record: Record) -> bool:
        # Drawn again, the message is posted anew if it is out of reach: a reply needs its thread.
        if not self.announcer.tell(record):
            return False
        record = self.ledger.get(record.finding.id)
        if record.status is not Status.AWAITING_REVIEW or record.message is None:
            return True
        try:
            self.channel.reply(record.message, reminder(record, self.approvers.named()))
        except SlackError:
            return False
        self.ledger.change(record.finding.id, lambda now: _after_reminder(now, record))
        return True


def _after_reminder(now: Record, reminded: Record) -> Record:
    """Look no more whether it waits; what was decided meanwhile is watched on its own."""
    return replace(now, look_at=None) if now.standing == reminded.standing else now
