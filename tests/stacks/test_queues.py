"""The queues: how often an event is tried, and how long it is kept."""

from aws_cdk.assertions import Match, Template

from tests.stacks import synthesis


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

    assert periods == [14 * 24 * 3600] * 4


def test_a_queue_hides_an_event_for_six_times_the_timeout_of_the_handler(
    template: Template,
) -> None:
    """Otherwise the same finding would be handled twice at once."""
    timeout = synthesis.function(template, "finding_handler")["Timeout"]

    template.resource_properties_count_is("AWS::SQS::Queue", {"VisibilityTimeout": 6 * timeout}, 2)


def test_every_queue_is_encrypted(template: Template) -> None:
    """permissions.txt shows that they enforce TLS."""
    template.all_resources_properties("AWS::SQS::Queue", {"SqsManagedSseEnabled": True})
