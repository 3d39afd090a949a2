"""What becomes of a digest: orders carried out for each finding, the message drawn again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from lambdas.common.actions import (
    DISMISS_ALL,
    REMEDIATE_ALL,
    REOPEN_ALL,
    RESTORE_ALL,
    RETRY_ALL,
)
from lambdas.common.announcer import Announcer
from lambdas.common.approvers import Approvers
from lambdas.common.digest import Digest, Order, Tally
from lambdas.common.digests import Digests
from lambdas.common.errors import BusyError, SlackError
from lambdas.common.ledger import Ledger
from lambdas.common.record import (
    UNDER_WAY,
    IllegalTransitionError,
    Record,
    SlackMessage,
    Status,
)
from lambdas.common.remediator import Remediator
from lambdas.common.slack import MessageGoneError, SlackChannel
from lambdas.common.text import counted
from lambdas.finding_handler.digest_message import render_digest

_AT_A_TIME = 10
_POSTING = timedelta(seconds=60)
_SETTLED = timedelta(seconds=5)
"""An index follows its table within a second, mostly."""

_FINDINGS_A_SECOND = 25
_LONGEST_REST = 30
"""Seconds. The more there is to count, the less one more changes it, and Slack is for all."""

_STEPS = {
    REMEDIATE_ALL: (Status.AWAITING_REVIEW, Status.REMEDIATING),
    DISMISS_ALL: (Status.AWAITING_REVIEW, Status.DISMISSED),
    REOPEN_ALL: (Status.DISMISSED, Status.AWAITING_REVIEW),
    RETRY_ALL: (Status.FAILED, None),
    RESTORE_ALL: (Status.QUARANTINED, Status.RESTORING),
}
"""Which findings an order is about, and where it leads: a retry, to what was decided before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digesting:
    """Works on digests, with all that it acts through.

    Attributes:
        reminder_after: how long findings may wait before the approvers are reminded of them.
    """

    ledger: Ledger
    digests: Digests
    announcer: Announcer
    channel: SlackChannel
    remediator: Remediator
    approvers: Approvers
    reminder_after: timedelta | None
    clock: Callable[[], datetime]

    def work(self, digest_id: str, *, until: datetime) -> bool:
        """Carry out what was decided, as far as `until` allows, and show how far that is.

        Returns:
            Whether Slack took it; if not, the digest is due again when Slack wants it.
        """
        digest = self.digests.get(digest_id)
        try:
            if digest.pending is not None:
                digest = self._carried_out(digest, digest.pending, until)
            elif self.clock().timestamp() < digest.rests_until:
                self.digests.put_off(
                    digest.id, until=datetime.fromtimestamp(digest.rests_until, UTC)
                )
                return True
            self._draw(digest)
        except SlackError as error:
            self.digests.put_off(digest.id, until=self.clock() + error.retry_after)
            return False
        except BusyError:
            self.digests.put_off(digest.id, until=self.clock() + _POSTING)
        return True

    def _carried_out(self, digest: Digest, order: Order, until: datetime) -> Digest:
        """Do for each finding what was decided about all; the next run does the rest."""
        if order.action in _STEPS:
            start, target = _STEPS[order.action]
            for finding_id in self.digests.standing_at(digest.id, start):
                if self.clock() >= until:
                    return digest
                self._decide(finding_id, order, start, target)
        elif digest.message is not None:
            order = self._shown(digest, order, digest.message)
        return self._replaced(digest.id, order, replace(order, is_done=True))

    def _shown(self, digest: Digest, order: Order, thread: SlackMessage) -> Order:
        """Post the next findings; each is counted, for Slack may not take all of them at once."""
        for record in islice(self._unseen(digest), max(0, _AT_A_TIME - order.shown)):
            self.announcer.show(record, thread=thread)
            one_more = replace(order, shown=order.shown + 1)
            self._replaced(digest.id, order, one_more)
            order = one_more
        return order

    def _replaced(self, digest_id: str, order: Order, by: Order) -> Digest:
        return self.digests.change(digest_id, lambda now: now.with_order(by, instead_of=order))

    def _decide(self, finding_id: str, order: Order, start: Status, target: Status | None) -> None:
        def decided(record: Record) -> Record:
            status = target or record.decision.status
            is_meant = record.standing.at <= order.at
            if record.status is not start or not is_meant:
                raise IllegalTransitionError(record, status)
            return record.with_status(status, by=order.by, reason=order.reason, now=self.clock())

        try:
            record = self.ledger.change(finding_id, decided)
        except IllegalTransitionError:
            return  # it was decided by itself, or came there after the order: nobody saw it
        if record.status in UNDER_WAY:
            self.remediator.start(finding_id)
        else:
            self.announcer.tell(record)

    def _unseen(self, digest: Digest) -> Iterator[Record]:
        for finding_id in self.digests.standing_at(digest.id, Status.AWAITING_REVIEW):
            record = self.ledger.get(finding_id)
            if record.message is None:
                yield record

    def _draw(self, digest: Digest) -> None:
        changed, settled = digest.changed, digest.changed_at + _SETTLED.total_seconds()
        tally = Tally.of(self.digests.members(digest.id))
        if not tally.total:
            self.digests.put_off(digest.id, until=self.clock() + _SETTLED)
            return
        if digest.message is None:
            digest = self._post(digest, tally)
        else:
            try:
                self.channel.update(digest.message, render_digest(digest, tally))
            except MessageGoneError:
                digest = self._post(digest, tally)
        digest, next_at = self._reminded(digest, tally)
        if digest.pending is not None or self.clock().timestamp() < settled:
            next_at = self.clock() + _SETTLED
        rest = min(tally.total // _FINDINGS_A_SECOND, _LONGEST_REST)
        rests_until = int(self.clock().timestamp()) + rest if rest else 0
        drawn = replace(digest, changed=changed, rests_until=rests_until)
        self.digests.drawn(drawn, next_at=next_at)

    def _post(self, digest: Digest, tally: Tally) -> Digest:
        self.channel.check()
        self.digests.change(digest.id, self._posting)
        try:
            place = self._place(digest) or self.channel.post(
                render_digest(digest, tally), subject=digest.id
            )
        except SlackError as error:
            if error.is_refusal and digest.posting_until is None:
                self.digests.change(digest.id, lambda now: replace(now, posting_until=None))
            raise
        return self.digests.change(
            digest.id, lambda now: replace(now, message=place, posting_until=None)
        )

    def _place(self, digest: Digest) -> SlackMessage | None:
        """Look for the message, if whoever was to post it may have done so."""
        if digest.posting_until is None:
            return None
        return self.channel.find(subject=digest.id, since=digest.subject.opened_at)

    def _posting(self, digest: Digest) -> Digest:
        now = self.clock()
        if (digest.posting_until or now) > now:
            raise BusyError(f"the message of {digest.id} is being posted")
        return replace(digest, posting_until=now + _POSTING)

    def _reminded(self, digest: Digest, tally: Tally) -> tuple[Digest, datetime | None]:
        """Remind the approvers once of what has waited for too long; answer when to look again."""
        if self.reminder_after is None or digest.is_reminded or not tally.waiting:
            return digest, None
        due = digest.subject.opened_at + self.reminder_after
        if self.clock() < due or digest.message is None:
            return digest, due
        waiting = counted(tally.waiting, "finding")
        text = f"⏰ {self.approvers.named()}: {waiting} waiting for a decision."
        self.channel.reply(digest.message, text)
        return self.digests.change(digest.id, lambda now: replace(now, is_reminded=True)), None
