"""Alarms, sent by e-mail and shown on a dashboard."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.dashboard import (
    AUTOMATIC_LIMIT_REACHED,
    FAILED_REMEDIATIONS,
    INCONSISTENT_RECORDS,
    SLACK_REFUSALS,
    Dashboard,
)
from stacks.handler_function import HandlerFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class _WrittenMetric:
    """A metric that a function writes, how much of it raises an alarm, and what that means."""

    alarm: str
    service: str
    metric: str
    description: str
    threshold: int = 1
    minutes: int = 5


_WRITTEN_METRICS = (
    # The finding handler sends everybody's messages again. In an outage, it tries 11 times in a
    # quarter of an hour.
    _WrittenMetric(
        alarm="SlackUnavailable",
        service="finding_handler",
        metric=SLACK_REFUSALS,
        description="Slack refused messages; they are sent again until it accepts them.",
        threshold=3,
        minutes=15,
    ),
    _WrittenMetric(
        alarm="InconsistentRecords",
        service="remediator",
        metric=INCONSISTENT_RECORDS,
        description="A record does not match its finding; somebody may have forged it.",
    ),
    _WrittenMetric(
        alarm="FailedRemediations",
        service="remediator",
        metric=FAILED_REMEDIATIONS,
        description="An object was not moved: its message in Slack has the reason.",
    ),
    _WrittenMetric(
        alarm="UnfinishedRemediations",
        service="finding_handler",
        metric=FAILED_REMEDIATIONS,
        description="A remediation did not finish: its message in Slack has the reason.",
    ),
    _WrittenMetric(
        alarm="AutomaticLimitReached",
        service="finding_handler",
        metric=AUTOMATIC_LIMIT_REACHED,
        description="An hour's limit of automatic remediations is spent; the rest is reviewed.",
    ),
)


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
        remediations: sqs.IQueue,
        dead_letters: Mapping[str, sqs.IQueue],
        api: apigateway.HttpApi,
        table: dynamodb.ITable,
        alarm_email: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        alarms = [
            *self._failures(functions),
            *self._dead_lettered(dead_letters),
            self._delayed("FindingsDelayed", findings, "The oldest finding has waited"),
            self._delayed("ScheduledTasksDelayed", tasks, "The oldest task has waited"),
            self._backlog(remediations),
            self._flood(api),
            *(self._written(metric) for metric in _WRITTEN_METRICS),
        ]
        self.topic = _topic(self, alarm_email)
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(self.topic))
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

    def _backlog(self, queue: sqs.IQueue) -> cloudwatch.Alarm:
        """Create an alarm for remediations that wait longer than all tries of a single one."""
        return self._alarm(
            "RemediationsDelayed",
            queue.metric_approximate_age_of_oldest_message(statistic="Maximum"),
            "The oldest remediation has waited for an hour.",
            threshold=60 * 60,
        )

    def _flood(self, api: apigateway.HttpApi) -> cloudwatch.Alarm:
        """Create an alarm for refused requests: forged clicks, or a wrong signing secret."""
        return self._alarm(
            "EndpointFlooded",
            api.metric_client_error(statistic="Sum", period=Duration.minutes(5)),
            "The endpoint refused a hundred requests in five minutes: its access log has them.",
            threshold=100,
        )

    def _written(self, written: _WrittenMetric) -> cloudwatch.Alarm:
        metric = cloudwatch.Metric(
            namespace=Stack.of(self).stack_name,
            metric_name=written.metric,
            dimensions_map={"service": written.service},
            statistic="Sum",
            period=Duration.minutes(written.minutes),
        )
        return self._alarm(written.alarm, metric, written.description, threshold=written.threshold)

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


def _topic(scope: Construct, alarm_email: str | None) -> sns.Topic:
    alarms = iam.ServicePrincipal(
        "cloudwatch.amazonaws.com",
        conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}},
    )
    # EventBridge names neither its account nor its rule to the key of a topic.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    events = iam.ServicePrincipal("events.amazonaws.com")
    # Alarms cannot use SNS's default key, whose policy nobody can change.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    key = kms.Key(
        scope,
        "TopicKey",
        description="Alarms that are sent to people",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.DESTROY,
    )
    for sender in (alarms, events):
        key.grant(sender, "kms:Decrypt", "kms:GenerateDataKey*")
    topic = sns.Topic(scope, "Topic", master_key=key, enforce_ssl=True)
    # The policy that enforces TLS replaces the default one, which would allow alarms.
    topic.grant_publish(alarms)
    if alarm_email is not None:
        topic.add_subscription(subscriptions.EmailSubscription(alarm_email))
    return topic
