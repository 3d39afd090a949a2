"""Alarms, sent by e-mail and shown on a dashboard."""

from collections.abc import Iterator, Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.dashboard import SLACK_REFUSALS, Dashboard
from stacks.handler_function import HandlerFunction


class Monitoring(Construct):
    """One alarm for each kind of failure, one topic for all alarms, and the dashboard."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions: Sequence[HandlerFunction],
        findings: sqs.IQueue,
        tasks: sqs.IQueue,
        dead_letters: Mapping[str, sqs.IQueue],
        table: dynamodb.ITable,
        alarm_email: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        alarms = [
            *self._failures(functions),
            *self._dead_lettered(dead_letters),
            self._delayed("FindingsDelayed", findings, "The oldest finding has waited"),
            self._delayed("ScheduledTasksDelayed", tasks, "The oldest task has waited"),
            self._alarm(
                "SlackUnavailable",
                _slack_refusals(Stack.of(self).stack_name),
                "Slack refused messages; they are sent again until it accepts them.",
                threshold=10,
            ),
        ]
        topic = _topic(self, alarm_email)
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(topic))
        Dashboard(
            self,
            "Dashboard",
            alarms=alarms,
            functions=functions,
            findings=findings,
            dead_letters=dead_letters,
            table=table,
        )

    def _failures(self, functions: Sequence[HandlerFunction]) -> Iterator[cloudwatch.Alarm]:
        for function in functions:
            name = function.node.id
            yield self._alarm(
                f"{name}Errors", function.metric_errors(), f"{name} failed: its log has the reason."
            )
            yield self._alarm(
                f"{name}Throttled",
                function.metric_throttles(),
                f"Lambda had no capacity to run {name}.",
            )

    def _dead_lettered(self, queues: Mapping[str, sqs.IQueue]) -> Iterator[cloudwatch.Alarm]:
        for name, queue in queues.items():
            yield self._alarm(
                f"{name}DeadLettered",
                queue.metric_approximate_number_of_messages_visible(statistic="Maximum"),
                f"{name} failed for good, and wait in {queue.queue_name} for a person.",
            )

    def _delayed(self, name: str, queue: sqs.IQueue, subject: str) -> cloudwatch.Alarm:
        return self._alarm(
            name,
            queue.metric_approximate_age_of_oldest_message(statistic="Maximum"),
            f"{subject} for a quarter of an hour.",
            threshold=15 * 60,
        )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.Metric,
        description: str,
        *,
        threshold: int = 1,
    ) -> cloudwatch.Alarm:
        return metric.create_alarm(
            self,
            name,
            alarm_description=description,
            threshold=threshold,
            evaluation_periods=1,
            # CDK's default, stated because the thresholds depend on it.
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def _slack_refusals(namespace: str) -> cloudwatch.Metric:
    """Return the refusals to the finding handler, which sends everybody's messages again."""
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=SLACK_REFUSALS,
        dimensions_map={"service": "finding_handler"},
        statistic="Sum",
        period=Duration.minutes(15),
    )


def _topic(scope: Construct, alarm_email: str | None) -> sns.Topic:
    alarms = iam.ServicePrincipal(
        "cloudwatch.amazonaws.com",
        conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
    )
    # Alarms cannot use SNS's default key, whose policy nobody can change.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    key = kms.Key(
        scope,
        "TopicKey",
        description="Alarms that are sent to people",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.DESTROY,
    )
    key.grant(alarms, "kms:Decrypt", "kms:GenerateDataKey*")
    topic = sns.Topic(scope, "Topic", master_key=key, enforce_ssl=True)
    # The policy that enforces TLS replaces the default one, which would allow alarms.
    topic.grant_publish(alarms)
    if alarm_email is not None:
        topic.add_subscription(subscriptions.EmailSubscription(alarm_email))
    return topic
