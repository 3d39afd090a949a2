"""The queues: how often an event is tried, and how long it is kept."""

from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from tests.stacks import synthesis
from tests.stacks.evaluation import (
    ACCOUNT,
    ADMINISTRATOR,
    OPERATOR,
    ROOT,
    allows_principal,
    allows_service,
    logical_id,
    resolved,
    role_arn,
)

FINDINGS, TASKS, REMEDIATIONS = "FindingIntakeQueue", "ScheduledTasksQueue", "RemediationQueue"
DEAD_FINDINGS, DEAD_REMEDIATIONS = "FindingIntakeDeadLetters", "RemediatorDeadLetters"
SENDERS = {
    FINDINGS: {"FindingHandler"},
    TASKS: {"FindingHandler", "RemediationHandler"},
    REMEDIATIONS: {"FindingHandler"},
    DEAD_FINDINGS: set(),
    DEAD_REMEDIATIONS: {"Remediator"},
}
RULES = {
    FINDINGS: {"FindingIntakeRule"},
    TASKS: {"ScheduledTasksEveryMinute", "ScheduledTasksReconciliation"},
    REMEDIATIONS: set(),
    DEAD_FINDINGS: {
        "FindingIntakeRule",
        "ScheduledTasksEveryMinute",
        "ScheduledTasksReconciliation",
    },
    DEAD_REMEDIATIONS: set(),
}
_EVERY_RULE = set().union(*RULES.values())


@pytest.fixture(scope="module")
def reconciling() -> Template:
    """The template with the rule that queries Macie."""
    return synthesis.template(reconcileHours=6)


def _policy(template: Template, queue: str) -> dict[str, Any]:
    reference = {"Ref": logical_id(template, queue)}
    policies = template.find_resources("AWS::SQS::QueuePolicy").values()
    (document,) = (
        policy["Properties"]["PolicyDocument"]
        for policy in policies
        if policy["Properties"]["Queues"] == [reference]
    )
    statements = resolved(template, document["Statement"])
    return {"Statement": [{**statement, "Resource": "*"} for statement in statements]}


@pytest.mark.parametrize("queue", SENDERS)
def test_only_the_functions_that_send_and_operators_may_send(
    template: Template, queue: str
) -> None:
    """Whoever could send would choose what is remediated, administrators included."""
    policy = _policy(template, queue)
    functions = ("FindingHandler", "RemediationHandler", "Remediator")
    may_send = {
        function
        for function in functions
        if allows_principal(policy, "sqs:SendMessage", principal=role_arn(template, function))
    }
    strangers = [ADMINISTRATOR, ROOT, f"arn:aws:iam::{ACCOUNT}:user/Jane"]

    assert may_send == SENDERS[queue]
    for stranger in strangers:
        assert not allows_principal(policy, "sqs:SendMessage", principal=stranger)
    is_work = queue in (FINDINGS, TASKS, REMEDIATIONS)
    assert allows_principal(policy, "sqs:SendMessage", principal=OPERATOR) == is_work


def test_without_operator_roles_no_person_may_send() -> None:
    """`make redrive` needs the setting."""
    template = synthesis.template(operatorRoles=[])

    for queue in SENDERS:
        policy = _policy(template, queue)
        assert not allows_principal(policy, "sqs:SendMessage", principal=OPERATOR)


@pytest.mark.parametrize("queue", SENDERS)
def test_only_the_rules_of_a_queue_may_send_to_it(reconciling: Template, queue: str) -> None:
    """A rule that somebody else creates may not, and neither may another service."""
    policy = _policy(reconciling, queue)

    def may_send(rule: str, service: str = "events.amazonaws.com") -> bool:
        return allows_service(policy, "sqs:SendMessage", service=service, source=rule)

    arns = {
        rule: f"arn:aws:events::{ACCOUNT}:{logical_id(reconciling, rule)}" for rule in _EVERY_RULE
    }
    assert {rule for rule, arn in arns.items() if may_send(arn)} == RULES[queue]
    assert not may_send(f"arn:aws:events::{ACCOUNT}:rule/another")
    assert not any(may_send(arn, "sns.amazonaws.com") for arn in arns.values())


@pytest.mark.parametrize("queue", SENDERS)
def test_everybody_may_still_receive_and_delete(template: Template, queue: str) -> None:
    """IAM decides about that: an investigator looks into a dead-letter queue."""
    policy = _policy(template, queue)

    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
        assert allows_principal(policy, action, principal=ADMINISTRATOR)


def test_remediations_run_a_bounded_number_at_a_time(template: Template) -> None:
    """A bulk action of ten thousand leaves the account's other functions their capacity."""
    queue = {"Fn::GetAtt": [logical_id(template, REMEDIATIONS), "Arn"]}
    mapping = {
        "EventSourceArn": queue,
        "FunctionName": {"Ref": logical_id(template, "Remediator")},
        "BatchSize": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }

    template.has_resource_properties(
        "AWS::Lambda::EventSourceMapping", {**mapping, "ScalingConfig": {"MaximumConcurrency": 10}}
    )
    synthesis.template(maxConcurrentRemediations=25).has_resource_properties(
        "AWS::Lambda::EventSourceMapping", {"ScalingConfig": {"MaximumConcurrency": 25}}
    )
    template.all_resources_properties(
        "AWS::Lambda::Function", {"ReservedConcurrentExecutions": Match.absent()}
    )


def test_a_remediation_is_hidden_for_longer_than_it_runs(template: Template) -> None:
    """Three failures bring it to the dead-letter queue, where failed clicks are too."""
    timeout = synthesis.function(template, "remediator")["Timeout"]
    resources = template.to_json()["Resources"]
    queue = resources[logical_id(template, REMEDIATIONS)]["Properties"]
    dead_letters = {"Fn::GetAtt": [logical_id(template, DEAD_REMEDIATIONS), "Arn"]}

    assert queue["VisibilityTimeout"] > timeout
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": dead_letters, "maxReceiveCount": 3}


def test_an_event_is_tried_five_times_then_kept_for_two_weeks(template: Template) -> None:
    """A person has time to read the alarm and to send the event again."""
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


def test_every_queue_keeps_messages_as_long_as_sqs_can(template: Template) -> None:
    """What SQS deletes for its age, four days by default, reaches no dead-letter queue."""
    queues = template.find_resources("AWS::SQS::Queue").values()
    periods = [queue["Properties"].get("MessageRetentionPeriod") for queue in queues]

    assert periods == [14 * 24 * 3600] * 5


def test_a_queue_hides_an_event_for_six_times_the_timeout_of_the_handler(
    template: Template,
) -> None:
    """Otherwise the same finding would be handled twice at once."""
    timeout = synthesis.function(template, "finding_handler")["Timeout"]

    template.resource_properties_count_is("AWS::SQS::Queue", {"VisibilityTimeout": 6 * timeout}, 2)


def test_every_queue_is_encrypted(template: Template) -> None:
    """permissions.txt shows that they enforce TLS."""
    template.all_resources_properties("AWS::SQS::Queue", {"SqsManagedSseEnabled": True})
