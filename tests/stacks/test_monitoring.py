"""Alarms and the dashboard."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from lambdas.common.metrics import emit_metric
from stacks.chatops_stack import ChatOpsStack
from stacks.dashboard import SLACK_REFUSALS
from stacks.settings import Settings
from tests.stacks import synthesis
from tests.stacks.synthesis import ROOT, only


def _alarms(template: Template, **properties: Any) -> list[dict[str, Any]]:
    alarms = template.find_resources("AWS::CloudWatch::Alarm", {"Properties": properties})
    return [alarm["Properties"] for alarm in alarms.values()]


def test_each_function_has_an_alarm_for_failures_and_one_for_throttling(
    template: Template,
) -> None:
    assert len(_alarms(template, MetricName="Errors")) == 3
    assert len(_alarms(template, MetricName="Throttles")) == 3


def test_a_single_message_in_a_dead_letter_queue_raises_an_alarm(template: Template) -> None:
    """Each is a finding or a remediation that no function will handle any more."""
    alarms = _alarms(template, MetricName="ApproximateNumberOfMessagesVisible")
    queues = template.find_resources("AWS::SQS::Queue").values()
    dead_letters = [queue for queue in queues if "RedrivePolicy" not in queue["Properties"]]

    assert len(alarms) == len(dead_letters) == 2
    assert {alarm["Threshold"] for alarm in alarms} == {1}


def test_events_that_wait_for_a_quarter_of_an_hour_raise_an_alarm(template: Template) -> None:
    """Findings should take seconds, due tasks a minute."""
    alarms = _alarms(template, MetricName="ApproximateAgeOfOldestMessage")

    assert sorted(alarm["Threshold"] for alarm in alarms) == [900, 900, 3600]
    assert len({str(alarm["Dimensions"]) for alarm in alarms}) == 3


def test_a_remediation_may_wait_for_all_its_tries_before_the_alarm(template: Template) -> None:
    """A second try comes a quarter of an hour after the first."""
    queue = only(template, "AWS::SQS::Queue", {"RedrivePolicy": {"maxReceiveCount": 3}})
    ages = _alarms(template, MetricName="ApproximateAgeOfOldestMessage")

    assert max(alarm["Threshold"] for alarm in ages) > 3 * queue["VisibilityTimeout"]


def test_messages_that_slack_refuses_raise_an_alarm(template: Template) -> None:
    """An outage of a quarter of an hour causes eleven refusals. Somebody should know earlier."""
    (alarm,) = _alarms(template, MetricName=SLACK_REFUSALS)

    assert alarm["Dimensions"] == [{"Name": "service", "Value": "finding_handler"}]
    assert (alarm["Threshold"], alarm["Period"]) == (3, 900)


@pytest.mark.parametrize(
    ("metric", "services"),
    [
        ("InconsistentRecords", ["remediator"]),
        ("FailedRemediations", ["finding_handler", "remediator"]),
        ("AutomaticLimitReached", ["finding_handler"]),
    ],
)
def test_a_single_event_that_people_must_look_at_raises_an_alarm(
    template: Template, metric: str, services: list[str]
) -> None:
    """A forged record, an object that was not moved, or a limit that somebody may have spent."""
    alarms = _alarms(template, MetricName=metric)

    assert sorted(alarm["Dimensions"][0]["Value"] for alarm in alarms) == services
    assert {(alarm["Namespace"], alarm["Threshold"]) for alarm in alarms} == {("MacieChatOps", 1)}


def test_a_flood_of_refused_requests_raises_an_alarm(template: Template) -> None:
    """Forged clicks, and clicks that Slack signs with a secret that nobody set here."""
    (alarm,) = _alarms(template, Namespace="AWS/ApiGateway")

    assert (alarm["MetricName"], alarm["Statistic"]) == ("4xx", "Sum")
    assert (alarm["Threshold"], alarm["Period"]) == (100, 300)
    assert [dimension["Name"] for dimension in alarm["Dimensions"]] == ["ApiId"]


def test_two_stacks_have_separate_metrics() -> None:
    """Otherwise the failures of one would raise the alarm of the other."""
    stack = ChatOpsStack(
        synthesis.app(), "The-Other", settings=Settings.from_context(synthesis.CHATOPS)
    )
    template = Template.from_stack(stack)

    template.has_resource_properties("AWS::CloudWatch::Alarm", {"Namespace": "The-Other"})
    template.all_resources_properties(
        "AWS::Lambda::Function",
        {"Environment": {"Variables": {"POWERTOOLS_METRICS_NAMESPACE": "The-Other"}}},
    )
    assert {next(iter(schema)) for schema, _ in _searches(template)} == {"The-Other"}


def test_the_dashboard_shows_every_metric_that_the_functions_emit(template: Template) -> None:
    """CloudWatch finds a metric by exactly its dimensions."""
    shown = {name: frozenset(schema) for schema, name in _searches(template)}

    assert shown == {
        name: {"MacieChatOps", "service", *dimensions} for name, dimensions in _emitted()
    }


def _searches(template: Template) -> list[tuple[list[str], str]]:
    """Return the dashboard's searches: namespace with dimensions, and the name of the metric."""
    (page,) = template.find_resources("AWS::CloudWatch::Dashboard").values()
    text = re.sub(r'[\\"]', "", json.dumps(page))
    searches = re.findall(r"\{([^{}]+)\} MetricName=(\w+)", text)
    return [(schema.split(","), name) for schema, name in searches]


def _emitted() -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the name and the dimensions of each metric in the source of the functions."""
    for path in (ROOT / "lambdas").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("emit_metric"):
                yield _metric(node, path)


def _metric(call: ast.Call, path: Path) -> tuple[str, frozenset[str]]:
    name = ast.literal_eval(call.args[0])
    assert isinstance(name, str), path
    keywords = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
    return name, frozenset(keywords - {"value", "unit"})


def test_a_metric_has_the_dimension_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Powertools adds it from the environment of the function."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "MacieChatOps")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "finding_handler")
    emit_metric("Transitions", Status="QUARANTINED")

    emitted = json.loads(capsys.readouterr().out)
    (metrics,) = emitted["_aws"]["CloudWatchMetrics"]
    assert metrics["Namespace"] == "MacieChatOps"
    assert {*metrics["Dimensions"][0]} == {"service", "Status"}
    assert emitted["service"] == "finding_handler"


def test_every_alarm_reaches_the_topic_and_missing_data_is_no_alarm(template: Template) -> None:
    """A function that was not invoked has no metrics at all."""
    template.all_resources_properties(
        "AWS::CloudWatch::Alarm",
        {
            "AlarmActions": [{"Ref": Match.string_like_regexp("MonitoringTopic")}],
            "TreatMissingData": "notBreaching",
        },
    )


def test_alarms_are_mailed_to_the_address_in_the_settings(template: Template) -> None:
    """Without an address, they are on the dashboard only."""
    template.has_resource_properties(
        "AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "security@example.com"}
    )
    synthesis.template(alarmEmail=None).resource_count_is("AWS::SNS::Subscription", 0)
