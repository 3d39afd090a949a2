"""Telling: the channel's message is a view of the record, posted once and redrawn at every step.

Slack may be busy or unwell for longer than a function can wait. Then the record keeps when to tell
it again, and the finding handler's agenda does: nothing is retried in a hurry and nothing is lost.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from lambdas.common.callback import Callback
from lambdas.common.digests import Digests
from lambdas.common.errors import BusyError, SlackError
from lambdas.common.ledger import Ledger
from lambdas.common.messages import render
from lambdas.common.record import Record, SlackMessage
from lambdas.common.remediator import Reply
from lambdas.common.slack import MessageGoneError, SlackChannel

_POSTING = timedelta(seconds=60)


class Announcer:
    """Shows records in Slack.

    Args:
        ledger: where the message's place is kept.
        digests: where findings are told that are too many to be told one by one.
        channel: where it is shown.
        clock: tells the time.
    """

    def __init__(
        self,
        ledger: Ledger,
        digests: Digests,
        channel: SlackChannel,
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._digests = digests
        self._channel = channel
        self._clock = clock

    def tell(self, record: Record, callback: Callback | None = None) -> bool:
        """Show `record` as it stands, by the callback URL of a click if there is one.

        Returns:
            Whether Slack took it; if not, the record says when it is to be told again.

        Raises:
            BusyError: another invocation is posting the message.
        """
        self._digests.mark(record, now=self._clock())
        if callback is not None and callback.replace(render(record)):
            return True
        if record.digest is not None and record.message is None:
            return True
        try:
            self._channel.check()
            if record.message is None:
                self._post(record)
            else:
                self._update(record, record.message)
        except SlackError as error:
            self._put_off(record, error)
            return False
        return True

    def show(self, record: Record, *, thread: SlackMessage) -> None:
        """Post a finding that a digest told of by itself, in the digest's thread.

        Raises:
            BusyError: another invocation is posting the message.
            SlackError: Slack is busy or unwell.
        """
        self._channel.check()
        try:
            self._post(record, thread)
        except SlackError as error:
            self._give_back(record, error)
            raise

    def whisper(self, reply: Reply, callback: Callback | None) -> None:
        """Tell the person who clicked, and nobody else.

        Raises:
            SlackError: Slack is busy or unwell.
        """
        if callback is None or not callback.whisper(reply.text):
            self._channel.whisper(reply.user, reply.text)

    def _put_off(self, record: Record, error: SlackError) -> None:
        later = self._clock() + error.retry_after
        self._ledger.change(
            record.finding.id,
            lambda now: replace(_given_back(now, record, error), tell_at=later),
        )

    def _give_back(self, record: Record, error: SlackError) -> None:
        self._ledger.change(record.finding.id, lambda now: _given_back(now, record, error))

    def _update(self, record: Record, message: SlackMessage) -> None:
        try:
            self._channel.update(message, render(record))
        except MessageGoneError:
            message = self._channel.post(render(record), subject=record.finding.id)
        if record.tell_at is not None or message != record.message:
            self._told(record, message)

    def _post(self, record: Record, thread: SlackMessage | None = None) -> None:
        finding_id = record.finding.id
        interrupted = record.posting_until
        claimed = self._ledger.change(finding_id, self._posting, known=record)
        posted = None
        if interrupted is not None:
            posted = self._channel.find(subject=finding_id, since=record.history[0].at)
        if posted is not None:
            self._channel.update(posted, render(claimed))
        else:
            posted = self._channel.post(render(claimed), subject=finding_id, thread=thread)
        self._told(claimed, posted)

    def _told(self, record: Record, message: SlackMessage) -> None:
        def told(now: Record) -> Record:
            # What happened meanwhile, and Slack did not take, is still to be told.
            tell_at = None if now.tell_at == record.tell_at else now.tell_at
            return replace(now, message=message, tell_at=tell_at)

        self._ledger.change(record.finding.id, told, known=record)

    def _posting(self, record: Record) -> Record:
        """Reserve the posting, so that two deliveries of one event post one message."""
        now = self._clock()
        if record.message is not None or (record.posting_until or now) > now:
            raise BusyError(f"the message of {record.finding.id} is being posted")
        return replace(record, posting_until=now + _POSTING)


def _given_back(now: Record, told: Record, error: SlackError) -> Record:
    """Let the next one post what Slack refused; what it did not answer to may stand there."""
    is_sure = error.is_refusal and told.posting_until is None
    return replace(now, posting_until=None) if is_sure else now
