"""Events as AWS and Slack send them: read from files, or made for what a test needs."""

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

from aws_lambda_powertools.utilities.typing import LambdaContext as TypedContext

from lambdas.common.finding import Finding
from lambdas.common.slack.actions import action_value
from lambdas.finding_handler.macie import parse_finding
from local.macie import fixtures
from local.slack.clicks import APP, TEAM
from tests.harness.aws import ACCOUNT, APPROVER, AUTO, CHANNEL, KEY, SOURCE

SIGNING_SECRET = "signing-secret"
MACIE_FINDINGS = fixtures.FINDINGS
SLACK_EVENTS = Path(__file__).parents[1] / "events" / "slack"
FINDINGS = tuple(sorted(path.name for path in MACIE_FINDINGS.glob("*.json")))
CLASSIFICATION_FINDINGS = tuple(name for name in FINDINGS if not name.startswith("policy"))


def load_event(path: Path) -> Any:
    """Return a new copy of the event in a file."""
    return copy.deepcopy(_read(path))


@cache
def _read(path: Path) -> Any:
    return json.loads(path.read_text())


def finding_detail(name: str = "financial-high.json", **changes: Any) -> dict[str, Any]:
    """Return the detail of an event of Macie with some of its fields changed."""
    detail: dict[str, Any] = load_event(MACIE_FINDINGS / name)["detail"]
    return detail | changes


def finding(name: str = "financial-high.json", **changes: Any) -> Finding:
    """Return the finding in an event of Macie with some of the event's fields changed."""
    return parse_finding(finding_detail(name, **changes))


def object_detail(
    finding_type: str = AUTO, *, etag: str, size: int, version_id: str | None = None, key: str = KEY
) -> dict[str, Any]:
    """Return the detail of an event of Macie about an object in the source bucket."""
    name = f"finding-{etag[:12]}-{version_id or 'none'}"
    detail = finding_detail(id=name, type=finding_type, accountId=ACCOUNT)
    detail["resourcesAffected"]["s3Bucket"]["name"] = SOURCE
    detail["resourcesAffected"]["s3Object"] |= {
        "key": key,
        "eTag": etag,
        "versionId": version_id or "",
        "size": size,
    }
    return detail


def finding_on(
    *, etag: str, size: int, version_id: str | None = None, key: str = KEY, finding_type: str = AUTO
) -> Finding:
    """Return the finding of Macie about an object in the source bucket."""
    detail = object_detail(finding_type, etag=etag, size=size, version_id=version_id, key=key)
    return parse_finding(detail)


def finding_event(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of EventBridge that has this `detail`."""
    event: dict[str, Any] = load_event(MACIE_FINDINGS / "financial-high.json")
    return event | {"detail": detail}


def sqs_batch(*bodies: Any) -> dict[str, Any]:
    """Return a batch from the queue with EventBridge events, or with texts that are not events."""
    records = (sqs_record(f"message-{number}", body) for number, body in enumerate(bodies))
    return {"Records": [*records]}


def sqs_record(message_id: str, body: Any) -> dict[str, Any]:
    """Return a message as Lambda receives it from a queue; `body` may be a text or JSON's value.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    return {
        "messageId": message_id,
        "receiptHandle": "handle",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:findings",
        "awsRegion": "eu-west-1",
    }


def click_payload(
    finding_id: str,
    *,
    seen: str = "",
    action_id: str = "remediate",
    user: str = APPROVER,
    channel: str = CHANNEL,
    response_url: str | None = None,
) -> dict[str, Any]:
    """Return the payload that Slack sends for a click on a button of a message.

    `seen` is what the message showed of the finding, its record's `seen_state`.
    """
    payload: dict[str, Any] = load_event(SLACK_EVENTS / "block_actions.json")
    payload["api_app_id"] = APP
    payload["team"]["id"] = TEAM
    payload["user"] |= {"id": user, "team_id": TEAM}
    payload["channel"]["id"] = channel
    payload["response_url"] = response_url
    value = action_value(finding_id, seen)
    payload["actions"][0] |= {"action_id": action_id, "value": value}
    return payload


def form_body(payload: Any) -> bytes:
    """Encode `payload` as Slack posts it."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return f"payload={quote_plus(text)}".encode()


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A body with the headers of Slack, or of somebody who pretends to be Slack."""

    body: bytes
    headers: Mapping[str, str]


def sign(
    body: bytes,
    *,
    secret: str = SIGNING_SECRET,
    timestamp: str | None = None,
    prefix: str = "v0",
) -> SignedRequest:
    """Sign `body` as Slack documents it, independently of slack_sdk.

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
    return SignedRequest(body=body, headers=headers)


def http_api_event(request: SignedRequest) -> dict[str, Any]:
    """Return the event of an HTTP API: names in lower case, the form in base64."""
    return {
        "version": "2.0",
        "routeKey": "POST /slack/interactivity",
        "rawPath": "/slack/interactivity",
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "requestContext": {"http": {"method": "POST", "path": "/slack/interactivity"}},
        "body": base64.b64encode(request.body).decode(),
        "isBase64Encoded": True,
    }


def rest_api_event(request: SignedRequest) -> dict[str, Any]:
    """Return the event of a REST API: names as they were sent, the body as text."""
    return {
        "resource": "/slack/interactivity",
        "path": "/slack/interactivity",
        "httpMethod": "POST",
        "headers": dict(request.headers),
        "multiValueHeaders": {name: [value] for name, value in request.headers.items()},
        "body": request.body.decode(),
        "isBase64Encoded": False,
    }


@dataclass(frozen=True)
class LambdaContext(TypedContext):
    """The attributes of Lambda's context that our functions use."""

    aws_request_id: str = "request-1"
    function_name: str = "function"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:111122223333:function:function"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """Return how long the function may go on."""
        return 60_000
