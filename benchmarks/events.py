"""Events for the functions, about findings that are in the sandbox's ledger and channel."""

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.macie.fixtures import event_about
from local.sandbox import APPROVER, CHANNEL, Sandbox, wait_for
from local.slack.clicks import find_action, form, sign

BUCKET = "acme-benchmark"
"""Where the findings' objects are. It has to be created first."""


def event_makers(sandbox: Sandbox) -> Mapping[str, Callable[[], dict[str, Any]]]:
    """Return, for each function, what makes an event that it has not handled yet."""
    return {
        "finding_handler": lambda: _queue_event(_finding(sandbox)),
        "remediation_handler": lambda: _click(sandbox, _reviewed_finding(sandbox)),
        "remediator": lambda: _remediation_request(sandbox, _reviewed_finding(sandbox)),
    }


def _finding(sandbox: Sandbox) -> dict[str, Any]:
    """Put an object, and return a Macie event about it that is to be reviewed."""
    s3, key = sandbox.client("s3"), f"{uuid.uuid4().hex}.csv"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"name,card\n")
    return event_about(s3, fixture="personal-automated-discovery", bucket=BUCKET, key=key)


def _queue_event(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return what SQS hands the finding handler.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    record = {
        "messageId": uuid.uuid4().hex,
        "receiptHandle": "none",
        "body": json.dumps(finding),
        "attributes": {},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:findings",
        "awsRegion": "us-east-1",
    }
    return {"Records": [record]}


def _reviewed_finding(sandbox: Sandbox) -> str:
    """Let the deployed finding handler post a finding. Return its id."""
    finding_id = sandbox.deliver(_finding(sandbox))
    wait_for(lambda: (sandbox.record(finding_id) or {}).get("message", {}).get("M"))
    return finding_id


def _click(sandbox: Sandbox, finding_id: str) -> dict[str, Any]:
    """Return what API Gateway hands the remediation handler for a click on "Remediate"."""
    message = sandbox.message_about(finding_id)
    assert message is not None  # noqa: S101 - the ledger has it
    secret = sandbox.secret(sandbox.outputs.slack_signing_secret)
    body = form(
        message={"ts": message.ts},
        channel=CHANNEL,
        action=find_action(message.blocks, "remediate", None),
        user=APPROVER,
        response_url=f"{sandbox.slack.hooks_url}actions/none",
    )
    headers = sign(body, signing_secret=secret["signingSecret"])
    return {
        "version": "2.0",
        "headers": {name.lower(): value for name, value in headers.items()},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def _remediation_request(sandbox: Sandbox, finding_id: str) -> dict[str, Any]:
    """Record the decision to remediate a finding. Return the remediator's event."""
    item: dict[str, Any] = sandbox.record(finding_id) or {}
    item["status"] = {"S": "REMEDIATING"}
    item["history"]["L"][-1]["M"]["status"] = {"S": "REMEDIATING"}
    sandbox.client("dynamodb").put_item(TableName=sandbox.outputs.ledger_table, Item=item)
    return {"finding_id": finding_id, "response_url": None, "reply": None}
