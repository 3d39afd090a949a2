"""What tells people that something failed."""

import json
import re
from typing import Any

from aws_cdk.assertions import Match, Template

from lambdas.common import measures
from lambdas.common.record import Status
from stacks import dashboard
from stacks.chatops_stack import ChatOpsStack
from stacks.settings import Settings
from tests.lambdas.events import finding
from tests.lambdas.strategies import record_at
from tests.stacks import synthesis
from tests.stacks.synthesis import only


def _alarms(template: Template) -> list[dict[str, Any]]:
    found = template.find_resources("AWS::CloudWatch::Alarm")
    return [alarm["Properties"] for alarm in found.values()]


def test_each_function_alarms_when_it_fails_and_when_it_cannot_run(template: Template) -> None:
    """Three functions, two ways."""
    metrics = [alarm.get("MetricName") for alarm in _alarms(template)]

    assert metrics.count("Errors") == metrics.count("Throttles") == 3


def test_a_single_message_in_a_dead_letter_queue_alarms(template: Template) -> None:
    """Each is a finding or a remediation that nobody has looked after."""
    alarms = [
        alarm
        for alarm in _alarms(template)
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    ]

    queues = template.find_resources("AWS::SQS::Queue").values()
    dead_letters = [one for one in queues if "RedrivePolicy" not in one["Properties"]]
    assert len(alarms) == len(dead_letters) == 2
    assert {alarm["Threshold"] for alarm in alarms} == {1}


def test_what_waits_in_a_queue_alarms(template: Template) -> None:
    """After a quarter of an hour: findings are promised seconds, what is due a minute."""
    alarms = template.find_resources(
        "AWS::CloudWatch::Alarm", {"Properties": {"MetricName": "ApproximateAgeOfOldestMessage"}}
    ).values()
    queues = {str(alarm["Properties"]["Dimensions"]) for alarm in alarms}

    assert [alarm["Properties"]["Threshold"] for alarm in alarms] == [900, 900]
    assert len(queues) == 2


def test_a_slack_that_refuses_alarms(template: Template) -> None:
    """What it did not take waits in the ledger, and somebody should know."""
    alarm = only(template, "AWS::CloudWatch::Alarm", {"Namespace": "MacieChatOps"})

    assert alarm["MetricName"] == dashboard.SLACK_REFUSALS == measures.SLACK_REFUSALS


def test_the_metrics_of_two_stacks_are_apart() -> None:
    """Or one's alarm would ring for the other; what functions write is what is read."""
    stack = ChatOpsStack(
        synthesis.app(), "The-Other", settings=Settings.from_context(synthesis.CHATOPS)
    )
    template = Template.from_stack(stack)

    template.has_resource_properties("AWS::CloudWatch::Alarm", {"Namespace": "The-Other"})
    template.all_resources_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": {"POWERTOOLS_METRICS_NAMESPACE": "The-Other"}}},
    )
    assert {next(iter(schema)) for schema, _ in _drawn(template)} == {"The-Other"}


def test_the_dashboard_draws_every_metric_of_ours(template: Template) -> None:
    """Or nobody would look at it."""
    drawn = {name: frozenset(schema) for schema, name in _drawn(template)}
    assert drawn == {name: {"MacieChatOps", "service", *of} for name, of in _measured().items()}


def _drawn(template: Template) -> list[tuple[list[str], str]]:
    """Answer what the dashboard searches for: namespace with dimensions, and the metric's name."""
    (page,) = template.find_resources("AWS::CloudWatch::Dashboard").values()
    searches = re.findall(r"\{([^{}]+)\} MetricName=(\w+)", re.sub(r'[\\"]', "", json.dumps(page)))
    return [(schema.split(","), name) for schema, name in searches]


def _measured() -> dict[str, set[str]]:
    """Answer the dimensions of every metric of ours; CloudWatch finds none by others."""
    asked = record_at(Status.AWAITING_REVIEW, finding())
    records = (
        record_at(Status.IGNORED, finding()),
        record_at(Status.REMEDIATING, finding()),
        record_at(Status.QUARANTINED, finding()),
        asked.refused(by="U9", reason="may not", now=asked.history[0].at),
    )
    every = [measure for record in records for measure in measures.of_step(record)]
    named = {measure.name: {name for name, _ in measure.dimensions} for measure in every}
    return {**named, measures.SLACK_REFUSALS: set()}


def test_every_alarm_reaches_the_topic_and_silence_is_no_alarm(template: Template) -> None:
    """A function that was not called has no metrics at all."""
    template.all_resources_properties(
        "AWS::CloudWatch::Alarm",
        {
            "AlarmActions": [{"Ref": Match.string_like_regexp("MonitoringTopic")}],
            "TreatMissingData": "notBreaching",
        },
    )


def test_the_topic_mails_whom_the_settings_name(template: Template) -> None:
    """Or nobody, if they name nobody."""
    template.has_resource_properties(
        "AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "security@example.com"}
    )
    synthesis.template(alarmEmail=None).resource_count_is("AWS::SNS::Subscription", 0)
