"""Telling: the channel's message is a view of the record, posted once and redrawn at every step."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from lambdas.common.callback import Callback
from lambdas.common.errors import BusyError
from lambdas.common.ledger import Ledger
from lambdas.common.messages import render
from lambdas.common.record import Record, SlackMessage
from lambdas.common.slack import MessageGoneError, SlackChannel

_POSTING = timedelta(seconds=60)


class Announcer:
    """Shows records in Slack.

    Args:
        ledger: where the message's place is kept.
        channel: where it is shown.
        clock: tells the time.
    """

    def __init__(
        self, ledger: Ledger, channel: SlackChannel, clock: Callable[[], datetime]
    ) -> None:
        self._ledger = ledger
        self._channel = channel
        self._clock = clock

    def tell(self, record: Record, callback: Callback | None = None) -> None:
        """Show `record` as it stands, by the callback URL of a click if there is one.

        Raises:
            BusyError: another invocation is posting the message.
            SlackError: Slack is busy or unwell.
        """
        if callback is not None and callback.replace(render(record)):
            return
        if record.message is None:
            self._post(record)
        else:
            self._update(record, record.message)

    def _update(self, record: Record, message: SlackMessage) -> None:
        try:
            self._channel.update(message, render(record))
        except MessageGoneError:
            anew = self._channel.post(render(record), finding_id=record.finding.id)
            self._ledger.change(record.finding.id, lambda now: replace(now, message=anew))

    def _post(self, record: Record) -> None:
        finding_id = record.finding.id
        interrupted = record.posting_until
        claimed = self._ledger.change(finding_id, self._posting)
        posted = None
        if interrupted is not None:
            posted = self._channel.find(finding_id=finding_id, since=interrupted - 2 * _POSTING)
        if posted is not None:
            self._channel.update(posted, render(claimed))
        else:
            posted = self._channel.post(render(claimed), finding_id=finding_id)
        self._ledger.change(finding_id, lambda now: replace(now, message=posted))

    def _posting(self, record: Record) -> Record:
        """Reserve the posting, so that two deliveries of one event post one message."""
        now = self._clock()
        if record.message is not None or (record.posting_until or now) > now:
            raise BusyError(f"the message of {record.finding.id} is being posted")
        return replace(record, posting_until=now + _POSTING)
