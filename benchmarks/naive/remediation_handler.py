"""Verifies a click and starts the remediator."""

import base64
import json
import os
from typing import Any
from urllib.parse import parse_qs

from benchmarks.naive.shared import SignatureVerifier, lambda_client, ledger, logger, secret


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer what Slack posts."""
    body = base64.b64decode(event["body"]).decode()
    if not SignatureVerifier(secret()["signingSecret"]).is_valid_request(body, event["headers"]):
        return {"statusCode": 401, "body": ""}
    payload = json.loads(parse_qs(body)["payload"][0])
    finding_id = payload["actions"][0]["value"]
    ledger().get_item(Key={"id": finding_id}, ConsistentRead=True)
    ledger().update_item(
        Key={"id": finding_id},
        UpdateExpression="SET decided = :by",
        ExpressionAttributeValues={":by": payload["user"]["id"]},
    )
    lambda_client.invoke(
        FunctionName=os.environ["REMEDIATOR_FUNCTION"],
        InvocationType="Event",
        Payload=json.dumps({"finding_id": "none"}),
    )
    return {"statusCode": 200, "body": ""}
