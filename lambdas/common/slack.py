"""The Slack channel: one message a finding, posted once and updated in place (steps 4 and 8)."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from lambdas.common import http
from lambdas.common.errors import SlackError
from lambdas.common.http import Answer, NoAnswerError
from lambdas.common.messages import Message
from lambdas.common.record import SlackMessage
from lambdas.common.secret import SecretReader

_SECONDS = 10
_MOST = 999
_UNWELL = timedelta(seconds=60)
_EVENT_TYPE = "macie_finding"
_NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}
"""Slack is not to fetch, and show, what an address in a stranger's text leads to.

Source: https://docs.slack.dev/messaging/unfurling-links-in-messages
"""
_NOT_SLACK = "an answer that is not Slack's"
_BUSY = frozenset({"ratelimited", "rate_limited", "service_unavailable"})
_LATER = _BUSY | {
    "fatal_error",
    "internal_error",
    "org_login_required",
    "request_timeout",
    "team_added_to_org",
    _NOT_SLACK,
}
"""What passes, says https://docs.slack.dev/reference/methods/chat.postMessage#errors"""

_GONE = frozenset(
    {
        "cant_update_message",
        "channel_not_found",
        "edit_window_closed",
        "is_archived",
        "is_inactive",
        "message_not_found",
        "not_in_channel",
    }
)
"""Why nobody can get at a message any more, or not where it stands: the setting may name another
channel since."""


class SlackRefusalError(Exception):
    """Slack refuses what it will refuse again: `code` is its error."""

    def __init__(self, method: str, code: str) -> None:
        super().__init__(f"Slack answers {method} with {code}")
        self.code = code


class MessageGoneError(Exception):
    """The message is out of reach: it was deleted, its channel was left, or it may not change."""


class SlackChannel:
    """One channel, through Slack's Web API.

    Args:
        channel: the channel's id.
        secret: holds the app's bot token.
        api_url: where the Web API is, Slack's own or the sandbox's.
        clock: tells the time.
        witness: is shown each time that Slack was busy or unwell.
    """

    def __init__(
        self,
        channel: str,
        *,
        secret: SecretReader,
        api_url: str,
        clock: Callable[[], datetime],
        witness: Callable[[SlackError], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._quiet_until = clock()
        self._witness = witness
        self._channel = channel
        self._secret = secret
        self._api_url = api_url

    @property
    def wait(self) -> timedelta:
        """How long Slack wants to be left alone, as far as it told us."""
        return max(self._quiet_until - self._clock(), timedelta())

    def check(self) -> None:
        """Find before anything is written whether Slack is to be called now.

        Raises:
            SlackError: it wants to be left alone.
        """
        if wait := self.wait:
            raise SlackError("Slack wants to be left alone", retry_after=wait, is_refusal=False)

    def post(
        self, message: Message, *, subject: str, thread: SlackMessage | None = None
    ) -> SlackMessage:
        """Post `message`, marked with the id of the finding or digest, so that `find` finds it.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage

        Raises:
            SlackError: Slack is busy or unwell.
        """
        metadata = {"event_type": _EVENT_TYPE, "event_payload": {"finding_id": subject}}
        below = {} if thread is None else {"thread_ts": thread.ts}
        answer = self._call(
            "chat.postMessage",
            channel=self._channel,
            metadata=metadata,
            **_NO_PREVIEWS,
            **below,
            **_body(message),
        )
        return SlackMessage(channel=answer["channel"], ts=answer["ts"])

    def update(self, place: SlackMessage, message: Message) -> None:
        """Replace what stands at `place` by `message`.

        Source: https://docs.slack.dev/reference/methods/chat.update

        Raises:
            MessageGoneError: there is nothing left to update.
            SlackError: Slack is busy or unwell.
        """
        self._call_about(place, "chat.update", ts=place.ts, **_body(message))

    def find(self, *, subject: str, since: datetime) -> SlackMessage | None:
        """Look for the message of a finding or digest among those posted after `since`.

        Without the scope to read the channel it finds nothing: a message told twice is better than
        one that is lost.
        Source: https://docs.slack.dev/reference/methods/conversations.history

        Raises:
            SlackError: Slack is busy or unwell.
        """
        wanted = {"event_type": _EVENT_TYPE, "event_payload": {"finding_id": subject}}
        try:
            answer = self._call(
                "conversations.history",
                channel=self._channel,
                oldest=f"{since.timestamp():.6f}",
                include_all_metadata=True,
                limit=_MOST,
            )
        except SlackRefusalError as error:
            if error.code == "missing_scope":
                return None
            raise
        found = (message for message in answer["messages"] if message.get("metadata") == wanted)
        return next((SlackMessage(channel=self._channel, ts=one["ts"]) for one in found), None)

    def reply(self, place: SlackMessage, text: str) -> None:
        """Post `text` in the thread of the message at `place`.

        Raises:
            MessageGoneError: there is nothing left to reply to.
            SlackError: Slack is busy or unwell.
        """
        self._call_about(place, "chat.postMessage", thread_ts=place.ts, text=text)

    def whisper(self, user: str, text: str) -> None:
        """Tell `user` something in the channel that nobody else sees.

        Source: https://docs.slack.dev/reference/methods/chat.postEphemeral

        Raises:
            SlackError: Slack is busy or unwell.
        """
        self._call("chat.postEphemeral", channel=self._channel, user=user, text=text)

    def _call_about(self, place: SlackMessage, method: str, **fields: Any) -> None:
        try:
            self._call(method, channel=place.channel, **fields)
        except SlackRefusalError as error:
            if error.code in _GONE:
                raise MessageGoneError(place.ts) from error
            raise

    def _call(self, method: str, **fields: Any) -> Any:
        self.check()
        try:
            return self._called(method, **fields)
        except SlackError as error:
            self._quiet_until = self._clock() + error.retry_after
            self._witness(error)
            raise

    def _called(self, method: str, **fields: Any) -> Any:
        token = self._secret.read().bot_token
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json;charset=utf-8",
        }
        content = json.dumps(fields).encode()
        try:
            answer = http.request(
                "POST", f"{self._api_url}{method}", body=content, headers=headers, seconds=_SECONDS
            )
        except NoAnswerError as error:
            raise SlackError(str(error), retry_after=_UNWELL, is_refusal=False) from error
        told, code = _read(answer)
        if code is None:
            return told
        if _is_passing(answer, code):
            raise _put_off(answer, code)
        raise SlackRefusalError(method, code)


def _read(answer: Answer) -> tuple[Any, str | None]:
    """Answer what Slack said, and the code of its error if it is one.

    Source: https://docs.slack.dev/apis/web-api/#responses
    """
    try:
        told = json.loads(answer.body)
        return told, None if told["ok"] is True else str(told.get("error"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, _NOT_SLACK


def _is_passing(answer: Answer, code: str) -> bool:
    is_theirs = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return is_theirs or answer.status == HTTPStatus.TOO_MANY_REQUESTS or code in _LATER


def _put_off(answer: Answer, code: str) -> SlackError:
    """Read how long Slack wants to be left alone.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    seconds = answer.headers.get("retry-after", "")
    wait = timedelta(seconds=int(seconds)) if seconds.isdigit() else _UNWELL
    # Of its internal errors Slack says that some of what was asked may have been done.
    is_refusal = answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and code in _BUSY
    problem = f"Slack answers {answer.status} {code}"
    return SlackError(problem, retry_after=wait, is_refusal=is_refusal)


def _body(message: Message) -> dict[str, Any]:
    """Have no address or name in a text made a link, as chat.update would by itself.

    Source: https://docs.slack.dev/reference/methods/chat.update
    """
    return {"text": message.text, "blocks": list(message.blocks), "parse": "none"}
