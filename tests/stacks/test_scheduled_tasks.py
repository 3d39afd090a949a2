"""What the finding handler does without a finding: every minute, in a queue of its own."""

from aws_cdk.assertions import Match, Template

from tests.stacks import synthesis


def test_due_tasks_run_every_minute(template: Template) -> None:
    """They go through a queue: a run that fails is repeated, then dead-lettered."""
    template.has_resource_properties(
        "AWS::Events::Rule", {"ScheduleExpression": "rate(1 minute)", "State": "ENABLED"}
    )


def test_due_tasks_do_not_wait_behind_findings(template: Template) -> None:
    """Ten thousand findings take a quarter of an hour. A person may have just clicked."""
    queue = {"Fn::GetAtt": [Match.string_like_regexp("^ScheduledTasksQueue"), "Arn"]}
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


def test_macie_is_queried_only_if_the_settings_say_so(template: Template) -> None:
    """The rule and the permission depend on the same setting."""
    reconciling = synthesis.template(reconcileHours=6)

    reconciling.has_resource_properties(
        "AWS::Events::Rule", {"ScheduleExpression": "rate(6 hours)"}
    )
    template.resource_properties_count_is(
        "AWS::Events::Rule", {"ScheduleExpression": Match.string_like_regexp("hours")}, 0
    )
    assert "macie2:ListFindings" in str(reconciling.to_json())
    assert "macie2:" not in str(template.to_json())
