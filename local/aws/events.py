"""Delivers events as EventBridge does: by the deployed rule's pattern, to the rule's targets.

ministack refuses PutEvents from an `aws.` source, as AWS does.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class NoMatchingRuleError(Exception):
    """No rule matches the event; EventBridge would drop it."""


def deliver_schedule(sqs: "SQSClient", queue_url: str) -> None:
    """Send the event that the scheduled rule sends every minute.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
    """
    event = {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
    sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps(event))


def deliver(events: Any, sqs: "SQSClient", event: Mapping[str, Any], *, times: int = 1) -> None:
    """Send `event` to the targets of every rule that matches it.

    Args:
        events: an EventBridge client.
        sqs: an SQS client.
        event: the event as EventBridge delivers it.
        times: how often to send it; EventBridge promises at least once.

    Raises:
        NoMatchingRuleError: no rule matches it.
    """
    body = json.dumps(event)
    rules = [
        rule["Name"]
        for rule in events.list_rules()["Rules"]
        if "EventPattern" in rule
        and events.test_event_pattern(EventPattern=rule["EventPattern"], Event=body)["Result"]
    ]
    if not rules:
        raise NoMatchingRuleError(event["detail"]["type"])
    for rule in rules:
        for target in events.list_targets_by_rule(Rule=rule)["Targets"]:
            queue = sqs.get_queue_url(QueueName=target["Arn"].rsplit(":", 1)[-1])["QueueUrl"]
            for _ in range(times):
                sqs.send_message(QueueUrl=queue, MessageBody=body)
