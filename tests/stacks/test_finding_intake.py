"""Steps 1 and 2: which events reach the queue, and where undeliverable ones go."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template
from moto.events.models import EventPattern

from local.macie.fixtures import FINDINGS

_MACIE_EVENTS = sorted(FINDINGS.glob("*.json"))


def _matches(template: Template, event: dict[str, Any]) -> bool:
    rules = template.find_resources("AWS::Events::Rule").values()
    (pattern,) = (
        rule["Properties"]["EventPattern"]
        for rule in rules
        if rule["Properties"].get("EventPattern", {}).get("source") == ["aws.macie"]
    )
    return EventPattern(json.dumps(pattern), pattern).matches_event(event)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", _MACIE_EVENTS, ids=lambda path: path.stem)
def test_the_rule_matches_every_sensitive_data_finding_and_no_policy_finding(
    template: Template, path: Path
) -> None:
    """The fixtures have the shape in which EventBridge delivers them."""
    event = json.loads(path.read_text())

    assert _matches(template, event) == event["detail"]["type"].startswith("SensitiveData:")


@pytest.mark.parametrize(
    "changed", [{"source": "aws.guardduty"}, {"detail-type": "Macie Usage"}, {"source": "me"}]
)
def test_the_rule_matches_no_other_event(template: Template, changed: dict[str, str]) -> None:
    """Only AWS itself can put an event with an `aws.` source."""
    event = json.loads(_MACIE_EVENTS[0].read_text())

    assert not _matches(template, {**event, **changed})


def test_one_malformed_finding_does_not_fail_its_batch(template: Template) -> None:
    """Two batches run at a time: Slack takes about one message a second."""
    template.has_resource_properties(
        "AWS::Lambda::EventSourceMapping",
        {
            "BatchSize": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 2},
        },
    )


def test_an_event_that_cannot_be_delivered_reaches_the_dead_letter_queue(
    template: Template,
) -> None:
    """The policy of the queue allows this rule only."""
    template.has_resource_properties(
        "AWS::Events::Rule",
        {"Targets": [Match.object_like({"DeadLetterConfig": {"Arn": Match.any_value()}})]},
    )
    template.has_resource_properties(
        "AWS::SQS::QueuePolicy",
        {
            "Queues": [{"Ref": Match.string_like_regexp("FindingIntakeDeadLetters")}],
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Action": "sqs:SendMessage",
                                "Principal": {"Service": "events.amazonaws.com"},
                                "Condition": {
                                    "ArnEquals": {
                                        "aws:SourceArn": {
                                            "Fn::GetAtt": [
                                                Match.string_like_regexp("FindingIntakeRule"),
                                                "Arn",
                                            ]
                                        }
                                    }
                                },
                            }
                        )
                    ]
                )
            },
        },
    )
