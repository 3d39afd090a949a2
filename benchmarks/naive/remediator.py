"""Moves an object and tells Slack."""

import os
from typing import Any

from benchmarks.naive.shared import blocks, ledger, logger, s3, slack


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: Any) -> None:
    """Remediate a finding."""
    item = ledger().get_item(Key={"id": event["finding_id"]}, ConsistentRead=True)["Item"]
    place = item["finding"]["object"]
    source = {"Bucket": place["bucket"], "Key": place["key"]}
    copy = {
        "Bucket": os.environ["QUARANTINE_BUCKET"],
        "Key": f"{place['bucket']}/{place['key']}",
    }
    s3.head_object(**source)
    s3.copy_object(CopySource=source, **copy)
    s3.head_object(**copy)
    s3.delete_object(**source)
    text = f"quarantined {place['key']}"
    channel = os.environ["SLACK_CHANNEL"]
    answer = slack().chat_postMessage(channel=channel, text=text, blocks=blocks(text))
    ledger().update_item(
        Key={"id": event["finding_id"]},
        UpdateExpression="SET ts = :ts",
        ExpressionAttributeValues={":ts": answer["ts"]},
    )
