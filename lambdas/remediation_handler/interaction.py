"""A click: what Slack posts, read and checked (steps 5 and 6). Pure."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from lambdas.common.slack.actions import DISMISSALS, MENUS, parse_option


class MalformedRequestError(Exception):
    """Slack does not send such a request; the response is 400."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A click on a button or a menu; Slack's signature proves all of it.

    Attributes:
        action_id: of the button or menu.
        subject_id: the id of a finding or a digest.
        choice: what was chosen in a menu, a key of `DISMISSALS`; None for a button.
        user: the id of the person.
        channel: the id of the channel with the message.
        response_url: the callback URL, if there is one.
    """

    action_id: str
    subject_id: str
    choice: str | None
    user: str
    channel: str
    response_url: str | None

    @property
    def reason(self) -> str:
        """Why the person clicked: what they chose in the menu, or which button it was."""
        return DISMISSALS[self.choice] if self.choice else f"{self.action_id} in Slack"


def raw_body(body: str | None, *, is_base64: bool) -> bytes:
    """Return the bytes that Slack signed, from the body of an API Gateway event.

    Raises:
        MalformedRequestError: the body is not the base64 that it should be.
    """
    content = (body or "").encode(errors="surrogatepass")
    if not is_base64:
        return content
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise MalformedRequestError("the body is not base64") from error


def parse_interaction(body: bytes) -> Interaction:
    """Read the form that Slack posts for a click.

    Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload

    Raises:
        MalformedRequestError: it is not a click on one button or menu of a message.
    """
    try:
        payload = json.loads(parse_qs(body.decode())["payload"][0])
        (action,) = payload["actions"]
        choice, subject_id = _choice_and_subject(action)
        return Interaction(
            action_id=_text(action["action_id"]),
            subject_id=subject_id,
            choice=choice,
            user=_text(payload["user"]["id"]),
            channel=_text(payload["channel"]["id"]),
            response_url=_optional_text(payload.get("response_url")),
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise MalformedRequestError("the payload is not a click in a message") from error


def _choice_and_subject(action: Mapping[str, Any]) -> tuple[str | None, str]:
    if action["action_id"] not in MENUS:
        # A button that is a link names no subject.
        return None, _text(action.get("value") or "none")
    choice, subject_id = parse_option(_text(action["selected_option"]["value"]))
    if choice not in DISMISSALS:
        raise ValueError("the menu does not offer this choice")
    return choice, _text(subject_id)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a string, or empty")
    value.encode()  # JSON allows half a surrogate pair, which neither DynamoDB nor Slack accepts
    return value


def _optional_text(value: object) -> str | None:
    return None if value in (None, "") else _text(value)
