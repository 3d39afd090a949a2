"""A click, from what API Gateway hands over to what is trusted of it (steps 5 and 6)."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from lambdas.common.actions import DISMISSALS, MENUS, read_option


class MalformedRequestError(Exception):
    """The request is none that Slack sends; it is answered with 400."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request: header names in lower case, the body byte for byte."""

    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def from_api_gateway(cls, event: Mapping[str, Any]) -> "Request":
        """Read a proxy event of a REST API (payload 1.0) or an HTTP API (2.0).

        Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

        Raises:
            MalformedRequestError: the body says it is base64, and is not.
        """
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        body = (event.get("body") or "").encode(errors="surrogatepass")
        if event.get("isBase64Encoded"):
            try:
                body = base64.b64decode(body, validate=True)
            except binascii.Error as error:
                raise MalformedRequestError("the body is not base64") from error
        return cls(headers=headers, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A click: by whom, where, on what. Slack's signature vouches for all of it.

    `subject` is the id of a finding or a digest; `choice` is what was chosen in a menu, one of
    `DISMISSALS`; a button has none.
    """

    action_id: str
    subject: str
    choice: str | None
    user: str
    channel: str
    response_url: str | None

    @property
    def reason(self) -> str:
        """Why the person clicked: what was chosen in the menu, or which button it was."""
        return DISMISSALS[self.choice] if self.choice else f"{self.action_id} in Slack"

    @classmethod
    def from_body(cls, body: bytes) -> "Interaction":
        """Read the form that Slack posts for a click.

        Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload

        Raises:
            MalformedRequestError: it is no click on one button or menu of a message.
        """
        try:
            payload = json.loads(parse_qs(body.decode())["payload"][0])
            (action,) = payload["actions"]
            choice, subject = _target(action)
            return cls(
                action_id=_text(action["action_id"]),
                subject=subject,
                choice=choice,
                user=_text(payload["user"]["id"]),
                channel=_text(payload["channel"]["id"]),
                response_url=_optional(payload.get("response_url")),
            )
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise MalformedRequestError("not a click in a message of ours") from error


def _target(action: Mapping[str, Any]) -> tuple[str | None, str]:
    """Tell what was chosen, and about what; a link's button names none."""
    if action["action_id"] not in MENUS:
        return None, _text(action.get("value") or "none")
    choice, subject = read_option(_text(action["selected_option"]["value"]))
    if choice not in DISMISSALS:
        raise ValueError("not a reason that is offered")
    return choice, _text(subject)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    value.encode()  # half an emoji, which JSON allows, is no text that can be kept
    return value


def _optional(value: Any) -> str | None:
    return None if value in (None, "") else _text(value)
