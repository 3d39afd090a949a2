"""Notifications: the channel's message shows the record, and is updated at every transition.

Slack may be unavailable for longer than a function can wait. Then the record keeps when to try
again, and the finding handler's scheduled tasks do: nothing is retried in a hurry, nothing is lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from lambdas.common import clock
from lambdas.common.digests.store import DigestStore
from lambdas.common.dispatch import Reply
from lambdas.common.ledger.record import POLICY, MessageRef, Record, Status
from lambdas.common.ledger.store import Ledger
from lambdas.common.ledger.table import ConflictError
from lambdas.common.slack.channel import MessageGoneError, SlackChannel, SlackUnavailableError
from lambdas.common.slack.messages import failure, render
from lambdas.common.slack.response_url import ResponseUrl

_POSTING = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """Shows records in the Slack channel.

    Attributes:
        ledger: keeps where a finding's message is.
        digests: the messages for findings that are too many to be shown singly.
        channel: the Slack channel.
    """

    ledger: Ledger
    digests: DigestStore
    channel: SlackChannel

    def notify(self, record: Record, response_url: ResponseUrl | None = None) -> bool:
        """Show `record` in its current status, by the callback URL of a click if there is one.

        Returns:
            Whether Slack accepted it; if not, the record says when to try again.

        Raises:
            ConflictError: another invocation is posting the message.
        """
        self.digests.mark_changed(record, now=clock.now())
        if response_url is not None and response_url.replace_message(render(record)):
            if record.notify_at is not None and record.message is not None:
                self._save_message(record, record.message)
            return True
        if record.digest_id is not None and record.message is None:
            return True
        try:
            self.channel.check_available()
            if record.message is None:
                self._post(record)
            else:
                self._update(record, record.message)
        except SlackUnavailableError as error:
            self._notify_later(record, error)
            return False
        return True

    def post_in_thread(self, record: Record, *, thread: MessageRef) -> None:
        """Post a finding of a digest as a message of its own, in the digest's thread.

        Raises:
            ConflictError: another invocation is posting the message.
            SlackUnavailableError: Slack did not accept it.
        """
        self.channel.check_available()
        try:
            self._post(record, thread)
        except SlackUnavailableError as error:
            self._release(record, error)
            raise

    def mention_in_thread(self, record: Record, user: str, text: str) -> bool:
        """Reply in the thread of the record's message, and mention `user`.

        Args:
            record: of the finding.
            user: a Slack user id.
            text: in Slack's mrkdwn, with every name escaped.

        Returns:
            Whether Slack accepted it; the message itself shows the same, so it is not tried again.
        """
        return self._reply(record, f"<@{user}>: {text}")

    def announce_failure(self, record: Record) -> bool:
        """Mention the person whose decision failed, in the thread of the finding's message.

        Returns:
            Whether somebody was mentioned: an automatic remediation has nobody to mention.
        """
        decision = record.decision
        if record.status is not Status.FAILED or decision.by == POLICY:
            return False
        return self.mention_in_thread(record, decision.by, failure(record))

    def announce_in_channel(self, record: Record, text: str) -> bool:
        """Reply in the thread of the record's message, and show the reply in the channel too.

        `text` is in Slack's mrkdwn, with every name escaped.

        Returns:
            Whether Slack accepted it.
        """
        return self._reply(record, text, is_broadcast=True)

    def reply_to_user(self, reply: Reply, response_url: ResponseUrl | None) -> None:
        """Show a reply to the person who clicked, and to nobody else.

        Raises:
            SlackUnavailableError: Slack did not accept it.
        """
        if response_url is None or not response_url.reply_privately(reply.text):
            self.channel.post_ephemeral(reply.user, reply.text)

    def _reply(self, record: Record, text: str, *, is_broadcast: bool = False) -> bool:
        if record.message is None:
            return False
        try:
            self.channel.reply(record.message, text, is_broadcast=is_broadcast)
        except (MessageGoneError, SlackUnavailableError):
            return False
        return True

    def _release(self, record: Record, error: SlackUnavailableError) -> None:
        self._update_latest(record, lambda latest: _release_posting(latest, record, error))

    def _notify_later(self, record: Record, error: SlackUnavailableError) -> None:
        notify_at = clock.now() + error.retry_after
        self._update_latest(
            record,
            lambda latest: replace(_release_posting(latest, record, error), notify_at=notify_at),
        )

    def _update(self, record: Record, message: MessageRef) -> None:
        try:
            self.channel.update(message, render(record))
        except MessageGoneError:
            message = self.channel.post(render(record), subject_id=record.finding.id)
        if record.notify_at is not None or message != record.message:
            self._save_message(record, message)

    def _post(self, record: Record, thread: MessageRef | None = None) -> None:
        finding_id = record.finding.id
        was_interrupted = record.posting_until is not None
        reserved = self.ledger.update(record, _reserve_posting)
        message = None
        if was_interrupted:
            message = self.channel.find_message(subject_id=finding_id, since=record.history[0].at)
        if message is not None:
            self.channel.update(message, render(reserved))
        else:
            message = self.channel.post(render(reserved), subject_id=finding_id, thread=thread)
        self._save_message(reserved, message)

    def _save_message(self, record: Record, message: MessageRef) -> None:
        def save(latest: Record) -> Record:
            # A later change that Slack did not accept still has to be shown.
            notify_at = None if latest.notify_at == record.notify_at else latest.notify_at
            return replace(latest, message=message, notify_at=notify_at)

        self.ledger.update(record, save)

    def _update_latest(self, record: Record, change: Callable[[Record], Record]) -> None:
        self.ledger.update(self.ledger.get(record.finding.id), change)


def _reserve_posting(record: Record) -> Record:
    """Reserve the right to post, so that two deliveries of one event post one message."""
    now = clock.now()
    if record.message is not None or (record.posting_until or now) > now:
        raise ConflictError(f"the message of {record.finding.id} is being posted")
    return replace(record, posting_until=now + _POSTING)


def _release_posting(latest: Record, shown: Record, error: SlackUnavailableError) -> Record:
    """Let the next invocation post a message that Slack rejected.

    If Slack did not respond, the message may be in the channel: then the reservation stays.
    """
    is_certain = error.was_rejected and shown.posting_until is None
    return replace(latest, posting_until=None) if is_certain else latest
