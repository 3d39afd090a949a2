"""A click as Slack posts it: the form, signed over its raw bytes."""

import hashlib
import hmac
import json
import ssl
import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

TEAM, APP, BOT = "T0SANDBOX01", "A0SANDBOX01", "B0SANDBOX01"


def form(
    *,
    message: Mapping[str, Any],
    channel: str,
    action: Mapping[str, Any],
    user: str,
    response_url: str,
) -> bytes:
    """Make the body that Slack posts for a click.

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


def signed(body: bytes, *, signing_secret: str, timestamp: int | None = None) -> dict[str, str]:
    """Answer the headers with which Slack vouches for `body`.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    moment = str(int(time.time()) if timestamp is None else timestamp)
    signature = hmac.new(
        signing_secret.encode(), b"v0:" + moment.encode() + b":" + body, hashlib.sha256
    )
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": f"v0={signature.hexdigest()}",
    }


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, certificate: str | None = None
) -> int:
    """Post to the app's request URL; answer the HTTP status.

    `certificate` is the file of the one to trust, as the sandbox's own; None for the system's.
    """
    context = ssl.create_default_context(cafile=certificate)
    request = urllib.request.Request(url, data=body, headers=dict(headers))  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:  # noqa: S310 - ours
            status: int = answer.status
            return status
    except HTTPError as error:
        return error.code


def post_click(url: str, *, signing_secret: str, certificate: str | None, **click: Any) -> int:
    """Post a click, as `form` takes it, signed; answer the HTTP status."""
    body = form(**click)
    headers = signed(body, signing_secret=signing_secret)
    return post(url, body, headers, certificate=certificate)
