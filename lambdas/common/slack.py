"""The Slack channel: one message a finding, posted once and updated in place (steps 3 and 8)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web import WebClient

from lambdas.common.errors import SlackError
from lambdas.common.messages import Message
from lambdas.common.record import SlackMessage
from lambdas.common.secret import SecretReader

_SECONDS = 10
_UNWELL = timedelta(seconds=60)
_EVENT_TYPE = "macie_finding"
_LATER = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable"})
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class MessageGoneError(Exception):
    """The message can not be updated any more: somebody deleted it, or the workspace forbids it."""


class SlackChannel:
    """One channel, through Slack's Web API.

    Args:
        channel: the channel's id.
        secret: holds the app's bot token.
        api_url: where the Web API is, Slack's own or the sandbox's.
        witness: is shown each time that Slack was busy or unwell.
    """

    def __init__(
        self,
        channel: str,
        *,
        secret: SecretReader,
        api_url: str,
        witness: Callable[[SlackError], None] = lambda _: None,
    ) -> None:
        self._witness = witness
        self._channel = channel
        self._secret = secret
        self._api_url = api_url

    def post(
        self, message: Message, *, finding_id: str, thread: SlackMessage | None = None
    ) -> SlackMessage:
        """Post `message`, marked with the finding's id, so that `find` finds it.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage

        Raises:
            SlackError: Slack is busy or unwell.
        """
        metadata = {"event_type": _EVENT_TYPE, "event_payload": {"finding_id": finding_id}}
        below = {} if thread is None else {"thread_ts": thread.ts}
        answer = self._call(
            "chat.postMessage", channel=self._channel, metadata=metadata, **below, **_body(message)
        )
        return SlackMessage(channel=answer["channel"], ts=answer["ts"])

    def update(self, place: SlackMessage, message: Message) -> None:
        """Replace what stands at `place` by `message`.

        Source: https://docs.slack.dev/reference/methods/chat.update

        Raises:
            MessageGoneError: there is nothing left to update.
            SlackError: Slack is busy or unwell.
        """
        try:
            self._call("chat.update", channel=place.channel, ts=place.ts, **_body(message))
        except SlackApiError as error:
            if error.response["error"] in _GONE:
                raise MessageGoneError(place.ts) from error
            raise

    def find(self, *, finding_id: str, since: datetime) -> SlackMessage | None:
        """Look for the finding's message among those posted after `since`.

        Without the scope to read the channel it finds nothing: a message told twice is better than
        one that is lost.
        Source: https://docs.slack.dev/reference/methods/conversations.history

        Raises:
            SlackError: Slack is busy or unwell.
        """
        wanted = {"event_type": _EVENT_TYPE, "event_payload": {"finding_id": finding_id}}
        try:
            answer = self._call(
                "conversations.history",
                channel=self._channel,
                oldest=f"{since.timestamp():.6f}",
                include_all_metadata=True,
                limit=200,
            )
        except SlackApiError as error:
            if error.response["error"] == "missing_scope":
                return None
            raise
        found = (message for message in answer["messages"] if message.get("metadata") == wanted)
        return next((SlackMessage(channel=self._channel, ts=one["ts"]) for one in found), None)

    def reply(self, place: SlackMessage, text: str) -> None:
        """Post `text` in the thread of the message at `place`.

        Raises:
            SlackError: Slack is busy or unwell.
        """
        self._call("chat.postMessage", channel=place.channel, thread_ts=place.ts, text=text)

    def whisper(self, user: str, text: str) -> None:
        """Tell `user` something in the channel that nobody else sees.

        Source: https://docs.slack.dev/reference/methods/chat.postEphemeral

        Raises:
            SlackError: Slack is busy or unwell.
        """
        self._call("chat.postEphemeral", channel=self._channel, user=user, text=text)

    def _call(self, method: str, **fields: Any) -> Any:
        try:
            return self._called(method, **fields)
        except SlackError as error:
            self._witness(error)
            raise

    def _called(self, method: str, **fields: Any) -> Any:
        token = self._secret.read().bot_token
        # Its retries would post twice what was posted but not answered.
        web_client = WebClient(token, base_url=self._api_url, timeout=_SECONDS, retry_handlers=[])
        try:
            return web_client.api_call(method, json=fields)
        except SlackApiError as error:
            if _is_passing(error):
                raise _put_off(error) from error
            raise
        except (OSError, HTTPException, SlackRequestError) as error:
            problem = f"Slack does not answer: {type(error).__name__}"
            raise SlackError(problem, retry_after=_UNWELL, is_refusal=False) from error


def _is_passing(error: SlackApiError) -> bool:
    status: int = error.response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return True
    return error.response["error"] in _LATER or not _is_slacks(error)


def _is_slacks(error: SlackApiError) -> bool:
    """Answer whether Slack itself answered: its errors are codes, a proxy's page is none."""
    text: str = error.response["error"]
    return text.isidentifier()


def _put_off(error: SlackApiError) -> SlackError:
    """Read how long Slack wants to be left alone.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    status: int = error.response.status_code
    seconds = str(error.response.headers.get("Retry-After", ""))
    wait = timedelta(seconds=int(seconds)) if seconds.isdigit() else _UNWELL
    is_refusal = status < HTTPStatus.INTERNAL_SERVER_ERROR and _is_slacks(error)
    problem = f"Slack answers {status} {error.response['error']}"
    return SlackError(problem, retry_after=wait, is_refusal=is_refusal)


def _body(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}
