"""The Slack channel: a message for each finding, posted once and updated in place (steps 4, 8)."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from aws_lambda_powertools import Logger
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse, WebClient

from lambdas.common import clock
from lambdas.common.ledger.record import MessageRef
from lambdas.common.metrics import emit_metric
from lambdas.common.slack.credentials import BotToken
from lambdas.common.slack.messages import Message
from lambdas.common.slack.tls import tls_context

_TIMEOUT_SECONDS = 10
_MOST_MESSAGES = 999
_DEFAULT_RETRY_AFTER = timedelta(seconds=60)
_EVENT_TYPE = "macie_finding"
_ERROR_CODE = re.compile(r"[a-z_]+")
_BUSY_ERRORS = frozenset({"ratelimited", "rate_limited", "service_unavailable"})
_TRANSIENT_ERRORS = _BUSY_ERRORS | {
    "fatal_error",
    "internal_error",
    "org_login_required",
    "request_timeout",
    "team_added_to_org",
}
"""Errors after which a later request succeeds.

Source: https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

_MESSAGE_GONE_ERRORS = frozenset(
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
"""The message cannot be reached, or not in its channel: the setting may have changed."""

logger = Logger()


class SlackUnavailableError(Exception):
    """Slack did not accept a request, and will accept it later.

    Args:
        problem: what Slack returned, or that it returned nothing.
        retry_after: how long Slack has to be left alone.
        was_rejected: whether Slack certainly did nothing.
    """

    def __init__(self, problem: str, *, retry_after: timedelta, was_rejected: bool) -> None:
        super().__init__(problem)
        self.retry_after = retry_after
        self.was_rejected = was_rejected


class SlackRequestError(Exception):
    """Slack refuses a request, and will refuse it again: `code` is its error."""

    def __init__(self, method: str, code: str) -> None:
        super().__init__(f"Slack's {method} returns {code}")
        self.code = code


class MessageGoneError(Exception):
    """The message is out of reach: it was deleted, its channel was left, or it may not change."""


class SlackChannel:
    """One channel, through Slack's Web API.

    Args:
        channel: the channel's id.
        bot_token: the app's.
        api_url: the address of the Web API, Slack's own or the sandbox's.
    """

    def __init__(self, channel: str, *, bot_token: BotToken, api_url: str) -> None:
        self._channel = channel
        self._bot_token = bot_token
        self._api_url = api_url
        self._rate_limited_until = clock.now()

    @property
    def retry_after(self) -> timedelta:
        """How long Slack has to be left alone; zero if it may be called."""
        return max(self._rate_limited_until - clock.now(), timedelta())

    def check_available(self) -> None:
        """Check, before anything is written, that Slack may be called now.

        Raises:
            SlackUnavailableError: Slack has to be left alone.
        """
        if wait := self.retry_after:
            raise SlackUnavailableError(
                "Slack asked for a pause", retry_after=wait, was_rejected=False
            )

    def post(
        self, message: Message, *, subject_id: str, thread: MessageRef | None = None
    ) -> MessageRef:
        """Post `message`, marked with the id of the finding or digest, and return where it is.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage

        Raises:
            SlackUnavailableError: Slack did not accept it.
        """
        response = self._call(
            "chat.postMessage",
            lambda client: client.chat_postMessage(
                channel=self._channel,
                metadata=_metadata(subject_id),
                thread_ts=thread.id if thread else None,
                # Slack must not fetch, and show, what an address in untrusted text leads to.
                # https://docs.slack.dev/messaging/unfurling-links-in-messages
                unfurl_links=False,
                unfurl_media=False,
                **_body(message),
            ),
        )
        return MessageRef(channel=response["channel"], id=response["ts"])

    def update(self, ref: MessageRef, message: Message) -> None:
        """Replace the message at `ref` by `message`.

        Source: https://docs.slack.dev/reference/methods/chat.update

        Raises:
            MessageGoneError: there is no message that could be updated.
            SlackUnavailableError: Slack did not accept it.
        """
        self._call_about(
            ref,
            "chat.update",
            lambda client: client.chat_update(channel=ref.channel, ts=ref.id, **_body(message)),
        )

    def find_message(self, *, subject_id: str, since: datetime) -> MessageRef | None:
        """Find the message of a finding or digest among those posted after `since`.

        Without the scope to read the channel it finds nothing: a message that is posted twice is
        better than a message that is lost.
        Source: https://docs.slack.dev/reference/methods/conversations.history

        Raises:
            SlackUnavailableError: Slack did not accept the request.
        """
        try:
            response = self._call(
                "conversations.history",
                lambda client: client.conversations_history(
                    channel=self._channel,
                    oldest=f"{since.timestamp():.6f}",
                    include_all_metadata=True,
                    limit=_MOST_MESSAGES,
                ),
            )
        except SlackRequestError as error:
            if error.code == "missing_scope":
                return None
            raise
        for message in response["messages"]:
            if message.get("metadata") == _metadata(subject_id):
                return MessageRef(channel=self._channel, id=message["ts"])
        return None

    def reply(self, ref: MessageRef, text: str, *, is_broadcast: bool = False) -> None:
        """Post `text` in the thread of the message at `ref`, and in the channel if it is broadcast.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage#threads

        Raises:
            MessageGoneError: there is no such message.
            SlackUnavailableError: Slack did not accept it.
        """
        self._call_about(
            ref,
            "chat.postMessage",
            lambda client: client.chat_postMessage(
                channel=ref.channel,
                thread_ts=ref.id,
                reply_broadcast=is_broadcast,
                text=text,
                unfurl_links=False,
                unfurl_media=False,
            ),
        )

    def post_ephemeral(self, user: str, text: str) -> None:
        """Show `text` in the channel to `user` and nobody else.

        Source: https://docs.slack.dev/reference/methods/chat.postEphemeral

        Raises:
            SlackUnavailableError: Slack did not accept it.
        """
        self._call(
            "chat.postEphemeral",
            lambda client: client.chat_postEphemeral(channel=self._channel, user=user, text=text),
        )

    def _call_about(
        self, ref: MessageRef, method: str, request: Callable[[WebClient], SlackResponse]
    ) -> None:
        try:
            self._call(method, request)
        except SlackRequestError as error:
            if error.code in _MESSAGE_GONE_ERRORS:
                raise MessageGoneError(ref.id) from error
            raise

    def _call(self, method: str, request: Callable[[WebClient], SlackResponse]) -> SlackResponse:
        self.check_available()
        try:
            return self._send(method, request)
        except SlackUnavailableError as error:
            self._rate_limited_until = clock.now() + error.retry_after
            logger.warning("Slack is unavailable", extra={"reason": str(error)})
            emit_metric("SlackRefusals")
            raise

    def _send(self, method: str, request: Callable[[WebClient], SlackResponse]) -> SlackResponse:
        client = WebClient(
            self._bot_token.get(),
            base_url=self._api_url,
            timeout=_TIMEOUT_SECONDS,
            ssl=tls_context(),
            # A request whose response was lost is not repeated: it would be posted twice.
            retry_handlers=[],
        )
        try:
            return request(client)
        except SlackApiError as error:
            raise _translate(method, error.response) from error
        # What is no answer of Slack's: nothing, half of one, or the page of a proxy.
        except (OSError, HTTPException, UnicodeDecodeError, LookupError, AttributeError) as error:
            problem = f"{method}: no response from Slack ({type(error).__name__})"
            raise SlackUnavailableError(
                problem, retry_after=_DEFAULT_RETRY_AFTER, was_rejected=False
            ) from error


def _translate(method: str, response: SlackResponse) -> Exception:
    """Return whether Slack is unavailable, and for how long, or refuses the request for good.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    code, status = str(response.get("error")), response.status_code
    is_from_slack = _ERROR_CODE.fullmatch(code) is not None
    is_server_error = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    is_rate_limited = status == HTTPStatus.TOO_MANY_REQUESTS
    is_transient = code in _TRANSIENT_ERRORS or not is_from_slack
    if not (is_server_error or is_rate_limited or is_transient):
        return SlackRequestError(method, code)
    problem = f"{method}: Slack returns {status} {code if is_from_slack else 'and no JSON'}"
    # After an internal error Slack may have done a part of the request.
    was_rejected = not is_server_error and code in _BUSY_ERRORS
    return SlackUnavailableError(
        problem, retry_after=_retry_after(response), was_rejected=was_rejected
    )


def _retry_after(response: SlackResponse) -> timedelta:
    headers = {name.lower(): value for name, value in response.headers.items()}
    seconds = headers.get("retry-after", "")
    return timedelta(seconds=int(seconds)) if seconds.isdigit() else _DEFAULT_RETRY_AFTER


def _metadata(subject_id: str) -> dict[str, Any]:
    return {"event_type": _EVENT_TYPE, "event_payload": {"finding_id": subject_id}}


def _body(message: Message) -> dict[str, Any]:
    """Return the arguments of a message; "none" keeps chat.update from making links and mentions.

    Source: https://docs.slack.dev/reference/methods/chat.update
    """
    return {"text": message.text, "blocks": list(message.blocks), "parse": "none"}
