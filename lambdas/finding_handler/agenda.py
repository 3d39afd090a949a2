"""What is to be done without anybody's asking: telling Slack again, and reminding people."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lambdas.common.announcer import Announcer
from lambdas.common.approvers import Approvers
from lambdas.common.errors import BusyError, SlackError
from lambdas.common.ledger import Ledger
from lambdas.common.record import Record, Status
from lambdas.common.slack import SlackChannel
from lambdas.common.wording import reminder

_AGAIN = timedelta(minutes=5)


class _NotDueError(Exception):
    """Another run of the agenda was faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Goes through the findings that are due, with all that it acts through."""

    ledger: Ledger
    announcer: Announcer
    channel: SlackChannel
    approvers: Approvers
    clock: Callable[[], datetime]

    def run(self, *, until: datetime) -> int:
        """Do what is due, most urgent first, until `until` or until Slack wants to be left alone.

        Returns:
            How many findings were told or reminded of; the rest is done by the next run.
        """
        done = 0
        for finding_id in self.ledger.due(self.clock()):
            if self.clock() >= until or not self._is_done(finding_id):
                break
            done += 1
        return done

    def _is_done(self, finding_id: str) -> bool:
        """Do what is due about the finding; answer whether Slack took it."""
        try:
            record = self.ledger.change(finding_id, self._reserved)
            if record.tell_at is not None:
                return self.announcer.tell(record)
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
        return replace(record, remind_at=now + _AGAIN)

    def _reminded(self, record: Record) -> bool:
        if record.status is not Status.AWAITING_REVIEW:
            return True
        if record.message is None:
            return self.announcer.tell(record)
        try:
            self.channel.reply(record.message, reminder(record, self.approvers.named()))
        except SlackError:
            return False
        self.ledger.change(record.finding.id, lambda now: replace(now, remind_at=None))
        return True
