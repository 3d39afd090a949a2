"""The dashboard: alarms, findings, times, failures, and what causes cost."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.handler_function import HandlerFunction

SLACK_REFUSALS = "SlackRefusals"
"""The metric of messages that Slack did not accept. The functions write it and those below."""

FAILED_REMEDIATIONS = "FailedRemediations"
INCONSISTENT_RECORDS = "InconsistentRecords"
AUTOMATIC_LIMIT_REACHED = "AutomaticLimitReached"

_FIVE_MINUTES = Duration.minutes(5)


class Dashboard(Construct):
    """One page of graphs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alarms: Sequence[cloudwatch.IAlarm],
        functions: Sequence[HandlerFunction],
        findings: sqs.IQueue,
        dead_letters: Mapping[str, sqs.IQueue],
        table: dynamodb.ITable,
    ) -> None:
        super().__init__(scope, construct_id)
        metrics = _StackMetrics(Stack.of(self).stack_name)
        queues = {"Findings waiting": findings} | {
            f"{name} dead-lettered": queue for name, queue in dead_letters.items()
        }
        cloudwatch.Dashboard(
            self,
            "Page",
            widgets=[
                [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=[*alarms], width=24)],
                [
                    _graph(
                        "Findings by type and decision",
                        metrics.sums("Findings", "Type", "Decision"),
                    ),
                    _graph("Transitions by status", metrics.sums("Transitions", "Status")),
                ],
                [
                    _graph(
                        "Seconds from finding to decision", *metrics.percentiles("TimeToDecision")
                    ),
                    _graph(
                        "Seconds from finding to quarantine",
                        *metrics.percentiles("TimeToQuarantine"),
                    ),
                ],
                _failures(metrics),
                [
                    _graph("Age of the oldest finding", _age(findings)),
                    _graph(
                        "Waiting findings and dead letters",
                        *(_length(queue, label) for label, queue in queues.items()),
                    ),
                ],
                [
                    _graph("Invocations", *(f.metric_invocations() for f in functions)),
                    _graph("Duration", *(f.metric_duration() for f in functions)),
                    _graph("Errors", *(f.metric_errors() for f in functions)),
                    _graph(
                        "Ledger: units read and written",
                        table.metric_consumed_read_capacity_units(),
                        table.metric_consumed_write_capacity_units(),
                    ),
                ],
            ],
        )


def _failures(metrics: "_StackMetrics") -> list[cloudwatch.IWidget]:
    """Return the graphs of what people have to look at."""
    return [
        _graph("Messages that Slack refused", metrics.sums(SLACK_REFUSALS)),
        _graph("Clicks refused", metrics.sums("RefusedClicks")),
        _graph("Failed remediations", metrics.sums(FAILED_REMEDIATIONS)),
        _graph(
            "Records that match no finding, and limits that were reached",
            metrics.sums(INCONSISTENT_RECORDS),
            metrics.sums(AUTOMATIC_LIMIT_REACHED),
        ),
    ]


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=[*metrics], width=12)


class _StackMetrics:
    """The metrics that the functions write, in the stack's own namespace.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """

    def __init__(self, namespace: str) -> None:
        # A stack's name may have hyphens, which a search allows in quotes only.
        self._schema = f'"{namespace}",service'

    def sums(self, name: str, *dimensions: str) -> cloudwatch.IMetric:
        """Return the sums of a metric, one for each combination of its dimensions' values."""
        schema = ",".join((self._schema, *dimensions))
        return self._search(schema, name, "Sum", label="")

    def percentiles(self, name: str) -> list[cloudwatch.IMetric]:
        """Return the median and the 99th percentile of a metric."""
        return [self._search(self._schema, name, stat, label=stat) for stat in ("p50", "p99")]

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


def _length(queue: sqs.IQueue, label: str) -> cloudwatch.IMetric:
    return queue.metric_approximate_number_of_messages_visible(statistic="Maximum", label=label)
