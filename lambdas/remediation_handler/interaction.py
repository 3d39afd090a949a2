"""A click: what Slack posts, read and checked (steps 5 and 6). Pure."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from lambdas.common.slack.actions import DISMISSALS, MENUS, parse_action_value, parse_option


class MalformedRequestError(Exception):
    """Slack does not send such a request; the response is 400."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A click on a button or a menu; Slack's signature proves all of it.

    Attributes:
        action_id: of the button or menu.
        subject_id: the id of a finding or a digest.
        seen: what the message showed of it, as `action_value` describes; empty if it does not say.
        choice: what was chosen in a menu, a key of `DISMISSALS`; None for a button.
        user: the id of the person.
        user_team: the id of the person's workspace or organization.
        app_id: the id of the app that Slack sends the click to.
        workspaces: the ids of the workspace that installed the app, and of its organization;
            of the organization only where the app is installed for all of it.
        clicked_at: Slack's own time of the click, which no other click of the person has.
        channel: the id of the channel with the message.
        response_url: the callback URL, if there is one.
    """

    action_id: str
    subject_id: str
    seen: str
    choice: str | None
    user: str
    user_team: str | None
    app_id: str
    workspaces: frozenset[str]
    clicked_at: str
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
        if payload["type"] != "block_actions":
            raise ValueError("not a click")  # noqa: TRY301 - one error for all
        (action,) = payload["actions"]
        choice, subject_id, seen = _choice_and_subject(action)
        return Interaction(
            action_id=_text(action["action_id"]),
            subject_id=subject_id,
            seen=seen,
            choice=choice,
            user=_text(payload["user"]["id"]),
            user_team=_optional_text(payload["user"].get("team_id")),
            app_id=_text(payload["api_app_id"]),
            workspaces=_workspaces(payload),
            clicked_at=_text(action["action_ts"]),
            channel=_text(payload["channel"]["id"]),
            response_url=_optional_text(payload.get("response_url")),
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise MalformedRequestError("the payload is not a click in a message") from error


def _choice_and_subject(action: Mapping[str, Any]) -> tuple[str | None, str, str]:
    """Return what was chosen in a menu, the id of the finding or digest, and what was seen."""
    if action["action_id"] not in MENUS:
        # A button that is a link names no subject.
        subject_id, seen = parse_action_value(_text(action.get("value") or "none"))
        return None, _text(subject_id), seen
    choice, subject_id, seen = parse_option(_text(action["selected_option"]["value"]))
    if choice not in DISMISSALS:
        raise ValueError("the menu does not offer this choice")
    return choice, _text(subject_id), seen


def _workspaces(payload: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of the workspace and organization that installed the app.

    Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    team = payload.get("team")
    if team is None:
        return frozenset({_text(payload["enterprise"]["id"])})
    organization = _optional_text(team.get("enterprise_id"))
    if organization is None and payload.get("is_enterprise_install") is True:
        organization = _text(payload["enterprise"]["id"])
    return frozenset({_text(team["id"])} | ({organization} if organization else set()))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a string, or empty")
    value.encode()  # JSON allows half a surrogate pair, which neither DynamoDB nor Slack accepts
    return value


def _optional_text(value: object) -> str | None:
    return None if value in (None, "") else _text(value)
