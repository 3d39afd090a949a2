"""Delivers an event as EventBridge does: by the deployed rule's pattern, to the rule's targets.

ministack refuses PutEvents from an `aws.` source, as AWS does.
"""

import json
from collections.abc import Mapping
from typing import Any


class NotMatchedError(Exception):
    """No rule matches the event; EventBridge would drop it."""


def tick(sqs: Any, queue_url: str) -> None:
    """Send what the rule of the schedule sends every minute.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
    """
    event = {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
    sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps(event))


def deliver(events: Any, sqs: Any, event: Mapping[str, Any], *, times: int = 1) -> None:
    """Send `event` to the targets of every rule that matches it.

    Args:
        events: an EventBridge client.
        sqs: an SQS client.
        event: the event as EventBridge delivers it.
        times: how often; EventBridge promises at least once.

    Raises:
        NotMatchedError: no rule matches it.
    """
    text = json.dumps(event)
    matching = [
        rule["Name"]
        for rule in events.list_rules()["Rules"]
        if "EventPattern" in rule
        and events.test_event_pattern(EventPattern=rule["EventPattern"], Event=text)["Result"]
    ]
    if not matching:
        raise NotMatchedError(event["detail"]["type"])
    for rule in matching:
        for target in events.list_targets_by_rule(Rule=rule)["Targets"]:
            queue = sqs.get_queue_url(QueueName=target["Arn"].rsplit(":", 1)[-1])["QueueUrl"]
            for _ in range(times):
                sqs.send_message(QueueUrl=queue, MessageBody=text)
