"""Steps 1 and 2: which events reach the queue, and what becomes of those that nobody can handle."""

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
        rule["Properties"]["EventPattern"] for rule in rules if "EventPattern" in rule["Properties"]
    )
    return EventPattern(json.dumps(pattern), pattern).matches_event(event)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", _MACIE_EVENTS, ids=lambda path: path.stem)
def test_the_rule_takes_every_finding_of_sensitive_data_and_no_policy_finding(
    template: Template, path: Path
) -> None:
    """The fixtures are shaped as EventBridge delivers them."""
    event = json.loads(path.read_text())

    assert _matches(template, event) == event["detail"]["type"].startswith("SensitiveData:")


@pytest.mark.parametrize(
    "changed", [{"source": "aws.guardduty"}, {"detail-type": "Macie Usage"}, {"source": "me"}]
)
def test_the_rule_takes_nothing_of_anybody_else(
    template: Template, changed: dict[str, str]
) -> None:
    """Only AWS itself can put an event with an `aws.` source."""
    event = json.loads(_MACIE_EVENTS[0].read_text())

    assert not _matches(template, {**event, **changed})


def test_an_event_is_tried_five_times_then_kept_for_two_weeks(template: Template) -> None:
    """Time enough for a person to read the alarm and send it again."""
    template.has_resource_properties(
        "AWS::SQS::Queue",
        {
            "RedrivePolicy": {
                "deadLetterTargetArn": {
                    "Fn::GetAtt": [Match.string_like_regexp("DeadLetters"), "Arn"]
                },
                "maxReceiveCount": 5,
            }
        },
    )
    template.has_resource_properties("AWS::SQS::Queue", {"MessageRetentionPeriod": 14 * 24 * 3600})


def test_no_queue_forgets_before_it_has_to(template: Template) -> None:
    """What SQS deletes for its age, four days by default, reaches no dead-letter queue."""
    queues = template.find_resources("AWS::SQS::Queue").values()
    kept = [queue["Properties"].get("MessageRetentionPeriod") for queue in queues]
    assert kept == [14 * 24 * 3600] * 4


def test_the_queue_hides_a_batch_for_six_times_as_long_as_the_handler_may_run(
    template: Template,
) -> None:
    """Or the same finding would be handled twice at once."""
    functions = template.find_resources(
        "AWS::Lambda::Function",
        {"Properties": {"Handler": "lambdas.finding_handler.handler.lambda_handler"}},
    )
    (function,) = functions.values()

    template.has_resource_properties(
        "AWS::SQS::Queue", {"VisibilityTimeout": 6 * function["Properties"]["Timeout"]}
    )


def test_one_bad_finding_does_not_fail_its_batch(template: Template) -> None:
    """And two batches at a time are as much as Slack can take."""
    template.has_resource_properties(
        "AWS::Lambda::EventSourceMapping",
        {
            "BatchSize": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 2},
        },
    )


def test_what_eventbridge_cannot_deliver_reaches_the_dead_letter_queue_too(
    template: Template,
) -> None:
    """Its policy lets this rule in, and nobody else."""
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
