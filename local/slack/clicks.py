"""A click as Slack posts it: a form, and the signature over its raw bytes."""

import hashlib
import hmac
import json
import ssl
import time
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

TEAM, APP, BOT = "T0SANDBOX01", "A0SANDBOX01", "B0SANDBOX01"


def find_action(
    blocks: Sequence[Mapping[str, Any]], action_id: str, choice: str | None
) -> Mapping[str, Any]:
    """Return the action of a click on the button or menu `action_id`.

    Raises:
        LookupError: the blocks have no such element, or the menu has no such choice.
    """
    elements = [element for block in blocks for element in block.get("elements", ())]
    for element in elements:
        if element.get("action_id") == action_id:
            return {**element, **_selection(element, choice)}
    raise LookupError(f"the message has no {action_id}")


def _selection(element: Mapping[str, Any], choice: str | None) -> Mapping[str, Any]:
    """Return the fields that a menu adds to its click.

    Source: https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element
    """
    if choice is None:
        return {}
    for option in element.get("options", ()):
        # The app may put more behind what the choice is called.
        if choice in (option["value"], option["value"].partition(" ")[0]):
            return {"selected_option": option}
    raise LookupError(f"the menu has no {choice}")


def form(
    *,
    message: Mapping[str, Any],
    channel: str,
    action: Mapping[str, Any],
    user: str,
    response_url: str,
) -> bytes:
    """Create the body that Slack posts for a click.

    Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": TEAM},
        "api_app_id": APP,
        "container": {
            "type": "message",
            "message_ts": message["ts"],
            "channel_id": channel,
            "is_ephemeral": False,
        },
        "trigger_id": f"{time.time():.0f}.1.sandbox",
        "team": {"id": TEAM, "domain": "sandbox"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel, "name": "macie-findings"},
        "message": {"type": "message", "bot_id": BOT, **message},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [{**action, "block_id": "actions", "action_ts": f"{time.time():.6f}"}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def sign(body: bytes, *, signing_secret: str, timestamp: int | None = None) -> dict[str, str]:
    """Return the headers that Slack sends with `body`, its signature among them.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    seconds = str(int(time.time()) if timestamp is None else timestamp)
    signature = hmac.new(
        signing_secret.encode(), b"v0:" + seconds.encode() + b":" + body, hashlib.sha256
    )
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": seconds,
        "X-Slack-Signature": f"v0={signature.hexdigest()}",
    }


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, certificate: str | None = None
) -> int:
    """Post `body` to the app's request URL. Return the HTTP status.

    Args:
        url: the request URL.
        body: the form.
        headers: its headers.
        certificate: the file of the trusted certificate; None for the system's.
    """
    context = ssl.create_default_context(cafile=certificate)
    request = urllib.request.Request(url, data=body, headers=dict(headers))  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as response:  # noqa: S310 - ours
            status: int = response.status
            return status
    except HTTPError as error:
        return error.code


def post_click(url: str, *, signing_secret: str, certificate: str | None, **click: Any) -> int:
    """Sign a click and post it. Return the HTTP status.

    `click` has the arguments of `form`.
    """
    body = form(**click)
    headers = sign(body, signing_secret=signing_secret)
    return post(url, body, headers, certificate=certificate)
