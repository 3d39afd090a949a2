"""Events as AWS and Slack send them: read from files, or made around what a test wants."""

import base64
import copy
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from lambdas.common.finding import Finding
from local.macie.fixtures import FINDINGS

SIGNING_SECRET = "signing-secret"
_FOLDERS = {"macie": FINDINGS, "slack": Path(__file__).parents[1] / "events" / "slack"}
MACIE = tuple(sorted(path.name for path in FINDINGS.glob("*.json")))
CLASSIFICATION = tuple(name for name in MACIE if not name.startswith("policy"))


def load(name: str) -> Any:
    """Read `name`, such as macie/a.json; every caller gets one of its own."""
    return copy.deepcopy(_read(name))


@cache
def _read(name: str) -> Any:
    folder, file = name.split("/")
    return json.loads((_FOLDERS[folder] / file).read_text())


def detail(name: str = "financial-high.json", **changes: Any) -> dict[str, Any]:
    """Answer the detail of a Macie event with some of its fields changed."""
    fields: dict[str, Any] = load(f"macie/{name}")["detail"]
    return fields | changes


def finding(name: str = "financial-high.json", **changes: Any) -> Finding:
    """Answer the finding that a Macie event carries."""
    return Finding.from_macie(detail(name, **changes))


def sqs(*bodies: Any) -> dict[str, Any]:
    """Put EventBridge events, or texts that are none, into one batch from the queue."""
    return {"Records": [_sqs_record(number, body) for number, body in enumerate(bodies)]}


def _sqs_record(number: int, body: Any) -> dict[str, Any]:
    return {
        "messageId": f"message-{number}",
        "receiptHandle": "handle",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:findings",
        "awsRegion": "eu-west-1",
    }


def macie_event(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Put `detail` into an EventBridge event."""
    event: dict[str, Any] = load("macie/financial-high.json")
    return event | {"detail": detail}


def click(
    finding_id: str,
    *,
    action_id: str = "remediate",
    user: str = "U0APPROVER",
    channel: str = "C0123456789",
    response_url: str | None = None,
) -> dict[str, Any]:
    """Make the payload that Slack sends for a click on a button of a message."""
    payload: dict[str, Any] = load("slack/block_actions.json")
    payload["user"]["id"] = user
    payload["channel"]["id"] = channel
    payload["response_url"] = response_url
    payload["actions"][0] |= {"action_id": action_id, "value": finding_id}
    return payload


def form(payload: Any) -> bytes:
    """Encode `payload` as Slack posts it."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return f"payload={quote_plus(text)}".encode()


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A body with the headers that Slack, or who pretends to be Slack, puts to it."""

    body: bytes
    headers: Mapping[str, str]


def sign(
    body: bytes,
    *,
    secret: str = SIGNING_SECRET,
    timestamp: str | None = None,
    prefix: str = "v0",
) -> Signed:
    """Sign `body` as Slack's documentation says, independently of slack_sdk.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    moment = timestamp if timestamp is not None else str(int(time.time()))
    text = f"{prefix}:{moment}:".encode() + body
    digest = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": f"{prefix}={digest}",
    }
    return Signed(body=body, headers=headers)


def http_api(signed: Signed) -> dict[str, Any]:
    """Hand a request over as an HTTP API does: lower-case names, the form in base64."""
    return {
        "version": "2.0",
        "routeKey": "POST /slack/interactivity",
        "rawPath": "/slack/interactivity",
        "headers": {name.lower(): value for name, value in signed.headers.items()},
        "requestContext": {"http": {"method": "POST", "path": "/slack/interactivity"}},
        "body": base64.b64encode(signed.body).decode(),
        "isBase64Encoded": True,
    }


def rest_api(signed: Signed) -> dict[str, Any]:
    """Hand a request over as a REST API does: names as they came, the body as text."""
    return {
        "resource": "/slack/interactivity",
        "path": "/slack/interactivity",
        "httpMethod": "POST",
        "headers": dict(signed.headers),
        "multiValueHeaders": {name: [value] for name, value in signed.headers.items()},
        "body": signed.body.decode(),
        "isBase64Encoded": False,
    }


@dataclass(frozen=True)
class Context:
    """What of Lambda's context our functions look at."""

    aws_request_id: str = "request-1"
    function_name: str = "function"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:111122223333:function:function"

    def get_remaining_time_in_millis(self) -> int:
        """Answer how long the function may go on."""
        return 60_000
