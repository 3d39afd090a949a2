"""What is done without anybody's asking: every minute, apart from the findings, at most twice."""

from aws_cdk.assertions import Match, Template

from tests.stacks import synthesis


def test_what_is_due_is_done_every_minute(template: Template) -> None:
    """By the finding handler, through a queue: a run that fails is retried and dead-lettered."""
    template.has_resource_properties(
        "AWS::Events::Rule", {"ScheduleExpression": "rate(1 minute)", "State": "ENABLED"}
    )


def test_what_is_due_does_not_wait_behind_findings(template: Template) -> None:
    """Ten thousand of them take a quarter of an hour, and a person has just pressed a button."""
    queue = {"Fn::GetAtt": [Match.string_like_regexp("^AgendaQueue"), "Arn"]}
    template.has_resource_properties(
        "AWS::Events::Rule",
        {"ScheduleExpression": "rate(1 minute)", "Targets": [Match.object_like({"Arn": queue})]},
    )
    template.has_resource_properties(
        "AWS::Lambda::EventSourceMapping",
        {
            "EventSourceArn": queue,
            "BatchSize": 1,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 2},
        },
    )


def test_macie_is_asked_only_if_that_is_set(template: Template) -> None:
    """The rule, and the right to ask."""
    asking = Template.from_stack(synthesis.stack(synthesis.app(), reconcileHours=6))

    asking.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(6 hours)"})
    template.resource_properties_count_is(
        "AWS::Events::Rule", {"ScheduleExpression": Match.string_like_regexp("hours")}, 0
    )
    assert "macie2:ListFindings" in str(asking.to_json())
    assert "macie2:" not in str(template.to_json())
