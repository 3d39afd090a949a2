"""Takes findings off the queue and asks in Slack."""

import json
import os
from typing import Any

from benchmarks.naive.shared import blocks, ledger, logger, now, slack


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Handle a batch of EventBridge events."""
    for message in event["Records"]:
        finding = json.loads(message["body"])["detail"]
        item = {"id": finding["id"], "finding": json.dumps(finding), "status": "OPEN", "at": now()}
        ledger().put_item(Item=item, ConditionExpression="attribute_not_exists(id)")
        key = finding["resourcesAffected"]["s3Object"]["key"]
        answer = slack().chat_postMessage(
            channel=os.environ["SLACK_CHANNEL"], text=key, blocks=blocks(key)
        )
        ledger().update_item(
            Key={"id": finding["id"]},
            UpdateExpression="SET ts = :ts",
            ExpressionAttributeValues={":ts": answer["ts"]},
        )
    return {"batchItemFailures": []}
