"""What the people who run it look at: what came in, what became of it, and what waits."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.handler_function import HandlerFunction

# The functions write these in the embedded metric format: lambdas/common/measures.py.
SLACK_REFUSALS = "SlackRefusals"

_FIVE_MINUTES = Duration.minutes(5)


class Dashboard(Construct):
    """One page: alarms, then findings, then time, then trouble, then what costs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alarms: Sequence[cloudwatch.IAlarm],
        functions: Sequence[HandlerFunction],
        findings: sqs.IQueue,
        dead_letters: Sequence[sqs.IQueue],
        table: dynamodb.ITable,
    ) -> None:
        super().__init__(scope, construct_id)
        ours = _Ours(Stack.of(self).stack_name)
        waiting = [findings, *dead_letters]
        cloudwatch.Dashboard(
            self,
            "Page",
            widgets=[
                [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=[*alarms], width=24)],
                [
                    _graph(
                        "Findings by type and decision", ours.all("Findings", "Type", "Decision")
                    ),
                    _graph("What became of them", ours.all("Steps", "Status")),
                ],
                [
                    _graph("Seconds from finding to decision", *ours.times("TimeToDecision")),
                    _graph("Seconds from finding to quarantine", *ours.times("TimeToQuarantine")),
                ],
                [
                    _graph("Slack did not take it", ours.all(SLACK_REFUSALS)),
                    _graph("Clicks refused", ours.all("RefusedClicks")),
                    _graph("Age of the oldest finding", _age(findings)),
                    _graph("Waiting findings and dead letters", *map(_length, waiting)),
                ],
                [
                    _graph("Calls", *(each.metric_invocations() for each in functions)),
                    _graph("Duration", *(each.metric_duration() for each in functions)),
                    _graph("Errors", *(each.metric_errors() for each in functions)),
                    _graph(
                        "Ledger: units read and written",
                        table.metric_consumed_read_capacity_units(),
                        table.metric_consumed_write_capacity_units(),
                    ),
                ],
            ],
        )


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=[*metrics], width=12)


class _Ours:
    """The metrics of ours, in the namespace of the stack: another one's are not drawn.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """

    def __init__(self, namespace: str) -> None:
        # A stack's name may have hyphens, which are taken in quotes only.
        self._schema = f'"{namespace}",service'

    def all(self, name: str, *dimensions: str) -> cloudwatch.IMetric:
        """Draw a metric for all values of its dimensions."""
        schema = ",".join((self._schema, *dimensions))
        return self._search(schema, name, "Sum", label="")

    def times(self, name: str) -> list[cloudwatch.IMetric]:
        """Draw what is usual of a metric, and what is rare."""
        return [self._search(self._schema, name, each, label=each) for each in ("p50", "p99")]

    def _search(
        self, schema: str, name: str, statistic: str, *, label: str
    ) -> cloudwatch.MathExpression:
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{{{schema}}} MetricName=\"{name}\"', '{statistic}', 300)",
            label=label,
            period=_FIVE_MINUTES,
            using_metrics={},
        )


def _age(queue: sqs.IQueue) -> cloudwatch.IMetric:
    return queue.metric_approximate_age_of_oldest_message(statistic="Maximum")


def _length(queue: sqs.IQueue) -> cloudwatch.IMetric:
    return queue.metric_approximate_number_of_messages_visible(
        statistic="Maximum", label=queue.node.path.rsplit("/", 2)[-2]
    )
